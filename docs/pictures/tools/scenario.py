"""The scenario of the terminal pictures: a photo is sent from one computer, opened on another, and closed."""

import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from terminal import QUIET, Terminal

ROOT = Path(__file__).resolve().parents[3]
PHOTO = ROOT / "tests/beach.jpg"
# The sender's address on the local network that `regenerate` makes.
ADDRESS = "192.168.1.23"
# November 22, 2026 at 14:03 in UTC, and the seconds from there to each event.
BEGIN, OPENING, CLOSING = 1795356180, 2 * 60, 3 * 60
# Randomness for each computer.
SENDER, RECIPIENT = 1, 2
LINK = re.compile(rf"http://{re.escape(ADDRESS)}:\d+/#share1[0-9a-z]{{46}}")
# A line about an event begins with its time.
EVENT = re.compile(r"^\d\d:\d\d ", re.MULTILINE)


class Sandbox:
    """Computers with a common wall clock and fixed randomness."""

    def __init__(self, program):
        self.root = Path(tempfile.mkdtemp(prefix="share-pictures-"))
        (self.root / "bin").mkdir()
        (self.root / "bin/share").symlink_to(Path(program).resolve())
        self.fixed = self.root / "fixed.so"
        source = Path(__file__).with_name("fixed.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.fixed, source], check=True)
        self.clock = self.root / "clock"
        self.set_clock(0)
        self.terminals, self.processes = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for terminal in self.terminals:
            terminal.kill()
        for process in self.processes:
            process.kill()
            process.communicate()
        shutil.rmtree(self.root, ignore_errors=True)

    def set_clock(self, seconds):
        # In place: programs have the file mapped.
        with open(self.clock, "r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("=q", BEGIN + seconds))

    def home(self, name):
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def environment(self, name, seed):
        return {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home(name)),
            "TZ": "UTC",
            "LD_PRELOAD": str(self.fixed),
            "PICTURES_CLOCK": str(self.clock),
            "PICTURES_SEED": str(seed),
        }

    def terminal(self, name, seed, *command):
        terminal = Terminal(command, self.environment(name, seed), self.home(name))
        self.terminals.append(terminal)
        return terminal

    def start(self, name, seed, *command):
        environment = self.environment(name, seed)
        process = subprocess.Popen(
            command, env=environment, cwd=self.home(name), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def run(self, name, seed, *command, data=""):
        environment = self.environment(name, seed)
        ran = subprocess.run(
            command, env=environment, cwd=self.home(name), input=data, capture_output=True, text=True, timeout=60
        )
        if ran.returncode != 0:
            raise RuntimeError(f"{command}: {ran.stderr}")
        return ran.stdout

    def send(self):
        """Begins to send the photo in direct mode. Returns the sender's terminal and the link."""
        shutil.copy(PHOTO, self.home("sender"))
        sender = self.terminal("sender", SENDER, "share", "send", PHOTO.name)
        sender.until("the link", lambda: LINK.search(sender.raw.decode(errors="replace")))
        return sender, LINK.search(sender.raw.decode(errors="replace"))[0]


@dataclass
class Recording:
    """The views of two terminals, and the parts of their words that differ between programs."""

    send: object
    # The recipient's terminal when all is over, how many of its rows were there before the photo, and the photo.
    open: object
    before: int
    photo: object
    link: str
    words: str


def until_event(sender, after=0):
    """Waits until more events than these are on the sender's terminal, and no other follows. Returns how many."""

    def count():
        return len(EVENT.findall(sender.screen.text()))

    sender.until("an event", lambda: count() > after and not sender.read(QUIET))
    return count()


def record(program):
    """Sends the photo and opens it."""
    with Sandbox(program) as sandbox:
        sender, link = sandbox.send()
        sandbox.set_clock(OPENING)
        recipient = sandbox.terminal("recipient", RECIPIENT, "share", "open")
        recipient.until_question().press(f"{link}\r")
        recipient.until_question().press("v\r")
        recipient.until("the photo", lambda: recipient.screen.photo and not recipient.read(QUIET))
        photo, before = recipient.screen.view(), recipient.screen.rows_before()
        count = until_event(sender)
        sandbox.set_clock(CLOSING)
        recipient.press("q")
        if recipient.end() != 0:
            raise RuntimeError(recipient.screen.text())
        until_event(sender, count)
        state = json.loads(sandbox.run("sender", SENDER, "share", "status", "--json").splitlines()[0])
        return Recording(sender.screen.view(), recipient.screen.view(), before, photo, link, state["opener"])

"""A terminal with a program in it: 80×24, colors, scrollback, and photos by Kitty's graphics protocol."""

import base64
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import zlib
from dataclasses import dataclass, field, replace
from fcntl import ioctl

COLUMNS, ROWS = 80, 24
# Pixels of one character.
CELL = (10, 20)
# Seconds until a program counts as hanging, and without output until it counts as waiting for a key.
TIME_LIMIT, QUIET = 60, 0.5

# A control sequence, a string that ends with ST or BEL, a sequence of two characters, or text.
TOKEN = re.compile(
    rb"\x1b\[(?P<mark>[<=>?]?)(?P<numbers>[0-9;:]*)(?P<space> ?)(?P<final>[@-~])"
    rb"|\x1b(?P<kind>[_P\]])(?P<string>[^\x1b\x07]*)(?:\x1b\\|\x07)"
    rb"|\x1b[^\[_P\]]"
    rb"|[\x00-\x1a\x1c-\x1f]"
    rb"|[^\x00-\x1f]+"
)


@dataclass(frozen=True)
class Style:
    """Colors are None (the terminal's own), a number of the palette, or `#rrggbb`."""

    ink: object = None
    ground: object = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underlined: bool = False
    inverse: bool = False


PLAIN = Style()
BLANK = (" ", PLAIN)


@dataclass
class Photo:
    """Pixels that the program has drawn, and the cell of their upper left corner."""

    width: int
    height: int
    row: int
    column: int
    rgb: bytes


@dataclass
class View:
    """The rows on a screen, each a list of cells `(character, style)`, and the photo on it."""

    rows: list
    photo: Photo = None


@dataclass
class Screen:
    """The part of a terminal that interprets what a program writes."""

    rows: list = field(default_factory=lambda: [[BLANK] * COLUMNS for _ in range(ROWS)])
    above: list = field(default_factory=list)
    row: int = 0
    column: int = 0
    style: Style = PLAIN
    # The main screen's rows and cursor while a program has the alternate one.
    behind: tuple = None
    photo: Photo = None
    # Kitty's command whose data is still coming.
    coming: list = field(default_factory=list)
    answers: bytes = b""
    pending: bytes = b""

    def feed(self, data):
        data = self.pending + data
        at = 0
        while at < len(data) and (match := TOKEN.match(data, at)):
            # Text at the end may stop within a character.
            if match.end() == len(data) and data[at] > 0x1F and is_cut(match[0]):
                break
            at = match.end()
            self.interpret(match)
        self.pending = data[at:]

    def interpret(self, match):
        token = match[0]
        if match["final"]:
            numbers = [int(number or 0) for number in re.split(b"[;:]", match["numbers"])]
            self.control(match["mark"].decode(), match["final"].decode(), numbers)
        elif match["kind"] == b"_" and match["string"].startswith(b"G"):
            self.graphics(match["string"][1:])
        elif token == b"\n":
            self.line_feed()
        elif token == b"\r":
            self.column = 0
        elif token == b"\b":
            self.column = max(0, self.column - 1)
        elif token[0] > 0x1F:
            for character in token.decode():
                self.write(character)

    def write(self, character):
        if self.column == COLUMNS:
            self.column = 0
            self.line_feed()
        self.rows[self.row][self.column] = (character, self.style)
        self.column += 1

    def line_feed(self):
        if self.row < ROWS - 1:
            self.row += 1
            return
        gone = self.rows.pop(0)
        if self.behind is None:
            self.above.append(gone)
        self.rows.append([BLANK] * COLUMNS)

    def control(self, mark, final, numbers):
        first = numbers[0]
        count = max(1, first)
        if final == "m" and not mark:
            self.style = styled(self.style, numbers)
        elif final in "hl" and mark == "?" and first == 1049:
            self.alternate(final == "h")
        elif final == "H":
            second = numbers[1] if len(numbers) > 1 else 1
            self.row, self.column = min(count, ROWS) - 1, min(max(1, second), COLUMNS) - 1
        elif final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(ROWS - 1, self.row + count)
        elif final == "C":
            self.column = min(COLUMNS - 1, self.column + count)
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = min(count, COLUMNS) - 1
        elif final == "K":
            start, end = {0: (self.column, COLUMNS), 1: (0, self.column + 1), 2: (0, COLUMNS)}[first]
            self.rows[self.row][start:end] = [BLANK] * len(self.rows[self.row][start:end])
        elif final == "J":
            self.control("", "K", [first])
            for row in {0: range(self.row + 1, ROWS), 1: range(self.row), 2: range(ROWS)}[first]:
                self.rows[row] = [BLANK] * COLUMNS
        elif final == "c" and not mark:
            self.answers += b"\x1b[?62;22c"
        elif final == "q" and mark == ">":
            self.answers += b"\x1bP>|kitty(0.35.2)\x1b\\"
        elif final == "t" and first == 16:
            self.answers += b"\x1b[6;%d;%dt" % (CELL[1], CELL[0])

    def alternate(self, begins):
        if begins:
            self.behind = (self.rows, self.row, self.column)
            self.rows, self.row, self.column = [[BLANK] * COLUMNS for _ in range(ROWS)], 0, 0
        elif self.behind:
            self.rows, self.row, self.column = self.behind
            self.behind = self.photo = None

    def graphics(self, command):
        keys, _, data = command.partition(b";")
        keys = dict(pair.split(b"=") for pair in keys.split(b",") if pair)
        if keys.get(b"a") == b"q":
            self.answers += b"\x1b_Gi=" + keys[b"i"] + b";OK\x1b\\"
        elif keys.get(b"a") == b"d":
            self.photo = None
        else:
            self.coming.append((keys, data))
            if keys.get(b"m") != b"1":
                self.draw()

    def draw(self):
        keys = self.coming[0][0]
        pixels = zlib.decompress(base64.b64decode(b"".join(data for _, data in self.coming)))
        self.coming = []
        if keys[b"f"] != b"24":
            raise NotImplementedError("a photo with transparency")
        self.photo = Photo(int(keys[b"s"]), int(keys[b"v"]), self.row, self.column, pixels)
        self.answers += b"\x1b_Gi=" + keys[b"i"] + b";OK\x1b\\"

    def view(self):
        """What is visible, on the main screen with its scrollback and without blank rows at the end."""
        rows = [list(row) for row in (self.rows if self.behind else self.above + self.rows)]
        while not self.behind and rows and all(cell == BLANK for cell in rows[-1]):
            rows.pop()
        return View(rows, self.photo)

    def rows_before(self):
        """How many rows of the main screen are filled above the alternate one."""
        rows, row, _ = self.behind
        return len(self.above) + row + any(cell != BLANK for cell in rows[row])

    def text(self):
        return "\n".join("".join(character for character, _ in row).rstrip() for row in self.view().rows)


def is_cut(text):
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.end == len(text)
    return False


def styled(style, numbers):
    """The style after the numbers of a Select Graphic Rendition sequence."""
    rest = list(numbers)
    while rest:
        number = rest.pop(0)
        if number == 0:
            style = PLAIN
        elif number in (38, 48):
            part = "ink" if number == 38 else "ground"
            if rest.pop(0) == 5:
                color = rest.pop(0)
            else:
                color = "#%02x%02x%02x" % tuple(rest.pop(0) for _ in range(3))
            style = replace(style, **{part: color})
        elif number in (39, 49):
            style = replace(style, **{"ink" if number == 39 else "ground": None})
        elif number // 10 in (3, 9):
            style = replace(style, ink=number % 10 + (8 if number >= 90 else 0))
        elif number // 10 in (4, 10):
            style = replace(style, ground=number % 10 + (8 if number >= 100 else 0))
        else:
            names = {1: "bold", 2: "dim", 3: "italic", 4: "underlined", 7: "inverse"}
            offs = {22: ("bold", "dim"), 23: ("italic",), 24: ("underlined",), 27: ("inverse",)}
            changes = {names[number]: True} if number in names else {name: False for name in offs.get(number, ())}
            style = replace(style, **changes)
    return style


class Terminal:
    """A window in which one command runs after a prompt."""

    def __init__(self, command, environment, directory):
        self.screen = Screen()
        # As shells show it.
        self.screen.feed(f"\x1b[32m$\x1b[0;1m {' '.join(command)}\x1b[0m\r\n".encode())
        self.raw = b""
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, COLUMNS * CELL[0], ROWS * CELL[1]))
        environment = environment | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=directory,
        )
        os.close(slave)
        self.is_open = True

    def read(self, seconds):
        """Interprets what arrives within so many seconds, and answers it. Returns whether anything did."""
        if not self.is_open:
            return False
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # The program has closed the terminal.
            data = b""
        self.is_open = bool(data)
        self.raw += data
        self.screen.feed(data)
        if self.screen.answers:
            os.write(self.master, self.screen.answers)
            self.screen.answers = b""
        return True

    def until(self, what, is_so):
        """Waits until a condition is true."""
        end = time.monotonic() + TIME_LIMIT
        while not is_so():
            if time.monotonic() > end or not self.is_open:
                raise RuntimeError(f"{what}: never came\n{self.screen.text()}")
            self.read(0.1)
        return self

    def until_question(self):
        """Waits until the cursor stays behind a question."""
        screen = self.screen
        return self.until("a question", lambda: screen.column > 0 and not screen.behind and not self.read(QUIET))

    def press(self, keys):
        os.write(self.master, keys.encode())
        return self

    def end(self):
        """Waits until the program has ended. Returns its exit code."""
        end = time.monotonic() + TIME_LIMIT
        while self.is_open:
            if time.monotonic() > end:
                raise RuntimeError(f"it never ended\n{self.screen.text()}")
            self.read(0.1)
        return self.process.wait(TIME_LIMIT)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

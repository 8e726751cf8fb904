"""What `recordings` and `old-and-new` share: places to run a program in, relays, and a proxy that sees each request."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

# Time limit in seconds for one step, on a loaded machine.
PATIENCE = 90


class Ended:
    """A program that has run."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr

    def __repr__(self):
        return f"code {self.code}\n{self.stdout[:2000].decode(errors='replace')}\n{self.stderr}"


class Place:
    """A directory with homes and a working directory."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="share-stage-"))
        self.work = self.root / "work"
        self.work.mkdir()
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def home(self, name="home"):
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def state(self, home="home"):
        return self.home(home) / ".local/state/share"

    def program(self, path):
        """The program under the name that its help and errors mention."""
        directory = self.root / f"bin-{len(list(self.root.glob('bin-*')))}"
        for known in self.root.glob("bin-*"):
            if (known / "share").resolve() == Path(path).resolve():
                return known / "share"
        directory.mkdir()
        (directory / "share").symlink_to(Path(path).resolve())
        return directory / "share"

    def start(self, program, args, home="home", env=None, before=(), stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        """Starts a program. `before` is a tracer with its arguments."""
        all_env = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": str(self.home(home)), "SHARE_GIVE_UP": "60s"}
        all_env.update(env or {})
        command = [*before, str(self.program(program)), *args]
        process = subprocess.Popen(
            command, cwd=self.work, env=all_env, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE
        )
        self.running.append(process)
        return process

    @staticmethod
    def wait(process, data=b""):
        """Waits for its end. The exit code of one that was killed is negative."""
        try:
            stdout, stderr = process.communicate(data if process.stdin else None, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, stdout or b"", stderr.decode(errors="replace"))

    def run(self, program, args, data=b"", **options):
        return self.wait(self.start(program, args, **options), data)

    def relay(self, program, store="store", options=()):
        """Starts a relay over a folder. Returns its address."""
        url = f"file://{self.root / store}"
        args = ["relay", "--listen", "127.0.0.1:0", "--store", url, "--reserve", "0", *options]
        process = self.start(program, args, home="relay", stdin=subprocess.DEVNULL)
        line = process.stdout.readline().decode().strip()
        if not line.startswith("http://"):
            raise RuntimeError(f"no relay: {line}\n{process.stderr.read().decode()}")
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=stream.read, daemon=True).start()
        return process, line.removeprefix("http://").rstrip("/")


class Exchange:
    """A request and its answer."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.status = self.answer_headers = self.answer = None

    def share(self):
        """The id in its credential, if it has one."""
        found = re.match(r"Bearer ([A-Za-z0-9_-]{22})\.", self.headers.get("authorization", ""))
        return found and found[1]

    def __repr__(self):
        return f"{self.method} {self.path}"


class Proxy:
    """An HTTP proxy between a client and a relay. `before` and `after` are called with each exchange, before the
    request reaches the relay and before the answer reaches the client; they may block. If one returns False, the
    connection ends."""

    def __init__(self, target, before=None, after=None):
        self.target, self.before, self.after = target, before, after
        self.seen = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = f"http://{self.address}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def link(self, link):
        """A link that leads to the relay through here."""
        return self.url + link[link.index("#"):]

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        host, port = self.target.split(":")
        try:
            with client, socket.create_connection((host, int(port))) as relay:
                ours, theirs = client.makefile("rb"), relay.makefile("rb")
                while (message := read_message(ours)) is not None:
                    first, headers, body, raw = message
                    method, path, _ = first.split(" ", 2)
                    exchange = Exchange(method, path, headers, body)
                    self.seen.append(exchange)
                    if self.before and self.before(exchange) is False:
                        return
                    relay.sendall(raw)
                    answer = read_message(theirs, is_answer=True, bare=method == "HEAD")
                    if answer is None:
                        return
                    first, exchange.answer_headers, exchange.answer, raw = answer
                    exchange.status = int(first.split(" ")[1])
                    if self.after and self.after(exchange) is False:
                        return
                    client.sendall(raw)
        except OSError:
            pass


def read_message(stream, is_answer=False, bare=False):
    """Reads a request or an answer. Returns its first line, headers, body, and all of its bytes as they came."""
    first = stream.readline()
    if not first:
        return None
    raw, headers = [first], {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        raw.append(line)
        name, value = line.decode("latin-1").split(":", 1)
        headers[name.lower()] = value.strip()
    raw.append(b"\r\n")
    body = b""
    status = first.split(b" ")[1] if is_answer else b""
    if bare or status in (b"204", b"304"):
        pass
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        while True:
            line = stream.readline()
            size = int(line.strip() or b"0", 16)
            chunk = stream.read(size) if size else b""
            end = stream.readline()
            raw += [line, chunk, end]
            body += chunk
            if not size:
                break
    elif "content-length" in headers:
        body = stream.read(int(headers["content-length"]))
        if len(body) < int(headers["content-length"]):
            return None
        raw.append(body)
    return first.decode("latin-1").strip(), headers, body, b"".join(raw)


def outbox(state):
    """The entries of a state directory's outbox, in an order that does not depend on chance."""
    entries = [json.loads(path.read_text()) for path in (state / "outbox").glob("*.json")]
    return sorted(entries, key=lambda entry: (entry.get("recipient") or "", entry["created"], entry["nanos"]))


def noise(length, seed):
    """Bytes that do not compress, always the same."""
    import random

    return random.Random(seed).randbytes(length)

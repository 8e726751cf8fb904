"""Used by the benchmarks: processes with their costs, servers, and tables.

Everything lies in memory, in a new directory that is removed at the end, and all connections use loopback.
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# `benches/peers` installs here.
PEERS = ROOT / "target/peers"
# Time limit in seconds for one action, and for the start of a server.
ACTION_LIMIT, START_LIMIT = 600, 60


class Failed(Exception):
    """A program failed, or took too long."""


class Place:
    """A directory in memory, with a home for the programs."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="share-bench-", dir="/dev/shm"))
        self.path.chmod(0o755)
        self.log = open(self.path / "log", "ab")
        self.servers, self.environment = [], dict(os.environ)
        for name in list(os.environ):
            if name.startswith("SHARE_") or name.lower().endswith("_proxy"):
                del os.environ[name]
        (self.path / "home").mkdir()
        tools = [PEERS / "bin", PEERS / "python/bin"]
        os.environ["PATH"] = ":".join([*map(str, tools), os.environ["PATH"], "/usr/sbin", "/sbin"])
        os.environ.update(HOME=str(self.path / "home"), SHARE_STATE_DIR=str(self.path / "home/state"))
        signal.signal(signal.SIGALRM, expire)
        # So that the directory is removed then, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.path)
        os.environ.clear()
        os.environ.update(self.environment)

    def serve(self, *command, **environment):
        """Starts a server. Its standard output is a file beside the log."""
        server = Server(self, [str(word) for word in command], environment)
        self.servers.append(server)
        return server

    def relay(self, share, store, *options):
        """A relay of `share` with a folder. Its member `url` is the address."""
        store.mkdir(mode=0o700, exist_ok=True)
        address = ["--listen", "127.0.0.1:0", "--store", f"file://{store}", "--reserve", "0"]
        relay = self.serve(share, "relay", *address, *options)
        wait_for(lambda: relay.output().strip(), relay)
        relay.url = relay.output().split()[0]
        return relay

    def nginx(self):
        """A web server with two workers to which files can be uploaded. Its member `files` is the directory."""
        root, port = self.path / "nginx", free_port()
        (root / "files").mkdir(parents=True)
        (root / "nginx.conf").write_text(f"""
            daemon off; pid {root}/pid; error_log {root}/log; user root; worker_processes 2;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; client_max_body_size 0; sendfile on; client_body_temp_path {root}/body;
              server {{ listen 127.0.0.1:{port} backlog=4096; root {root}/files; dav_methods PUT; }}
            }}""")
        server = self.serve("nginx", "-c", root / "nginx.conf", "-e", root / "log")
        server.url, server.files = f"http://127.0.0.1:{port}", root / "files"
        wait_for_port(port, server)
        return server


class Server:
    """A server with all of its processes."""

    def __init__(self, place, command, environment):
        self.stdout = place.path / f"output-{len(place.servers)}"
        with open(self.stdout, "wb") as stdout:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=place.log, env={**os.environ, **environment}
            )

    def output(self):
        return self.stdout.read_text()

    def processes(self):
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def cpu(self):
        """CPU seconds so far. The clock of a process: clock_getcpuclockid(3)."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.processes())

    def forget_peak(self):
        for pid in self.processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self):
        """The most memory since `forget_peak`, in KiB. Pages that processes share count for each of them."""
        return sum(status(pid, "VmHWM") for pid in self.processes())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Run:
    """One action: the processes that it starts, from the first start to the last end."""

    def __init__(self, place, weighs=False):
        # Memory is measured in runs of its own. The kernel counts the memory of the starting process as that of the
        # started one, and Python is larger than most of them: time(1), which is small, starts them then.
        self.place, self.weighs = place, weighs
        self.running, self.kib, self.cpu, self.seconds = {}, {}, 0.0, 0.0
        signal.alarm(ACTION_LIMIT)
        self.begun = time.perf_counter()

    def start(self, *command, role="client", stdin="/dev/null", stdout=None):
        """Starts a program. `stdin` and `stdout` are paths or descriptors; standard error is the log."""
        command = [str(word) for word in command]
        weight = self.place.path / f"weight-{len(self.running)}"
        program = ["time", "-q", "-f", "%M", "-o", str(weight), *command] if self.weighs else command
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        log = self.place.log.fileno()
        actions = [redirected(0, stdin, os.O_RDONLY), redirected(1, log if stdout is None else stdout, flags)]
        # In a group of its own, so that a signal reaches the program behind time(1).
        pid = os.posix_spawnp(
            program[0], program, os.environ, file_actions=[*actions, redirected(2, log, flags)], setpgroup=0
        )
        self.running[pid] = (command, role, weight)
        return pid

    def pipe(self, first, second, **files):
        """Starts two programs, the second of which reads the output of the first."""
        read, write = os.pipe()
        self.start(*first, stdout=write)
        os.close(write)
        self.start(*second, stdin=read, **files)
        os.close(read)

    def end(self, *pids):
        """Waits for these processes, or for all."""
        for pid in pids or list(self.running):
            _, code, usage = os.wait4(pid, 0)
            self.seconds = time.perf_counter() - self.begun
            command, role, weight = self.running.pop(pid)
            self.cpu += usage.ru_utime + usage.ru_stime
            if self.weighs:
                self.kib[role] = self.kib.get(role, 0) + int(weight.read_text().split()[-1])
            if code:
                raise Failed(f"{command[0]} ended with code {os.waitstatus_to_exitcode(code)}")
        signal.alarm(0)

    def abandon(self):
        """Ends the processes of a failed action."""
        signal.alarm(0)
        for pid in self.running:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def expire(*_):
    raise Failed(f"it took more than {ACTION_LIMIT} seconds")


def redirected(descriptor, target, flags):
    if isinstance(target, int):
        return (os.POSIX_SPAWN_DUP2, target, descriptor)
    return (os.POSIX_SPAWN_OPEN, descriptor, str(target), flags, 0o644)


def status(pid, name):
    """A figure of a process in /proc, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(condition, server=None):
    """Waits until something is the case that no event announces."""
    begun = time.monotonic()
    while not condition():
        if server is not None and server.process.poll() is not None:
            raise Failed(f"{server.process.args[0]} ended with code {server.process.returncode}")
        if time.monotonic() - begun > START_LIMIT:
            raise Failed(f"a server was not ready within {START_LIMIT} seconds")
        time.sleep(0.01)


def wait_for_port(port, server):
    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens, server)


def needs(*tools):
    """Those of some programs that are missing."""
    return [tool for tool in tools if shutil.which(str(tool)) is None]


def require(*tools):
    missing = needs(*tools)
    if missing:
        names = ", ".join(map(str, missing))
        sys.exit(f"Missing: {names}. `cargo build --release` builds share, `benches/peers tools` installs the others.")


median = statistics.median


def digits(value):
    """Three significant digits, without an exponent."""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3 if value >= 0.1 else 4
    return f"{value:.{places}f}"


def table(head, rows):
    """A table in Markdown. The first column is text."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine():
    """The processor and the kernel, for the heading of a table."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(": ")[2] if names else os.uname().machine
    return f"{os.cpu_count()} × {name}, Linux {os.uname().release}"

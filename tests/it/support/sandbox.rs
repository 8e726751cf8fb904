//! A sandbox for a test: a home, a working directory, and relays.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
#[cfg(unix)]
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::content::folder_url;
use super::s3::kill;
use super::time_limit::{TIME_LIMIT, Watched};

/// The program under test.
pub(crate) const SHARE: &str = env!("CARGO_BIN_EXE_share");

/// The variables that a run keeps. Programs of Windows start and connect with those of their system only.
const KEPT: [&str; 4] = ["PATH", "PATHEXT", "SystemRoot", "TEMP"];

pub(crate) struct Sandbox {
    dir: TempDir,
    _watched: Watched,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir, _watched: Watched::begin() }
    }

    /// A path in the working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The names in the working directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The names in the working directory after a program was killed, sorted. On Linux an incomplete file has no name.
    /// Elsewhere the next run of the program removes it.
    pub(crate) fn names_after_kill(&self) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| cfg!(system = "linux") || !name.starts_with(".share-"));
        names
    }

    /// Files that are kept between runs, except those about sent shares.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        files(&self.home()).into_iter().filter(|path| !slashed(path).contains("/outbox/")).collect()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A run of `share` in this sandbox.
    pub(crate) fn share<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = Command::new(SHARE);
        command.args(args);
        self.prepare(command)
    }

    /// A run of any program in this sandbox.
    pub(crate) fn prepare(&self, mut command: Command) -> Run {
        command.current_dir(self.path("")).env_clear().env("TZ", "UTC");
        command.envs(KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        Run { command, input: Vec::new() }.env("HOME", self.home())
    }

    /// A second home, as on another machine.
    pub(crate) fn other_home(&self, name: &str) -> PathBuf {
        let home = self.dir.path().join(name);
        fs::create_dir_all(&home).unwrap();
        home
    }

    /// A relay over a folder of this sandbox.
    pub(crate) fn relay(&self) -> RelayProcess {
        self.relay_at("127.0.0.1:0")
    }

    pub(crate) fn relay_at(&self, listen: &str) -> RelayProcess {
        self.start_relay(listen, &[])
    }

    /// A relay over a folder of this sandbox, with more options.
    pub(crate) fn relay_with(&self, options: &[&str]) -> RelayProcess {
        self.start_relay("127.0.0.1:0", options)
    }

    fn start_relay(&self, listen: &str, options: &[&str]) -> RelayProcess {
        let store = self.dir.path().join("store");
        let url = folder_url(&store);
        let run =
            self.share(["relay", "--listen", listen, "--store", &url, "--reserve", "0", "-vv"].iter().chain(options));
        let mut relay = self.start_as_relay(run);
        relay.store = store;
        relay
    }

    /// A relay with its own arguments, environment and store.
    pub(crate) fn start_as_relay(&self, run: Run) -> RelayProcess {
        let log = self.dir.path().join("relay.log");
        self.start_killable_relay(run, || {}).unwrap_or_else(|| panic!("{}", fs::read_to_string(&log).unwrap()))
    }

    /// A relay that may be killed at any moment: `None` if it ends before it is ready; later, `died` is called.
    pub(crate) fn start_killable_relay(
        &self,
        mut run: Run,
        died: impl FnOnce() + Send + 'static,
    ) -> Option<RelayProcess> {
        let log = self.dir.path().join("relay.log");
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        // A process group of its own, so that a tracer ends with it.
        #[cfg(unix)]
        run.command.process_group(0);
        run.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child = run.command.spawn().unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let relay = RelayProcess { child, url: url.trim().to_owned(), store: PathBuf::new(), log };
        if !relay.url.starts_with("http") {
            return None;
        }
        std::thread::spawn(move || {
            let _ = stdout.read_to_end(&mut Vec::new());
            died();
        });
        Some(relay)
    }
}

/// A relay process. Dropping this kills it.
pub(crate) struct RelayProcess {
    child: Child,
    pub(crate) url: String,
    pub(crate) store: PathBuf,
    pub(crate) log: PathBuf,
}

impl RelayProcess {
    pub(crate) fn address(&self) -> String {
        self.url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGKILL to it and its tracer, and waits until it has ended.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        #[cfg(unix)]
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        #[cfg(not(unix))]
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended, and returns its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Sends SIGTERM, waits until it has ended, and returns whether something else killed it meanwhile.
    #[cfg(unix)]
    pub(crate) fn stop(&mut self) -> bool {
        // It may have ended already. A tracer holds the signal back until its program has ended.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::TERM);
        self.child.wait().unwrap().signal() == Some(Signal::KILL.as_raw())
    }

    /// Waits until the store is empty: a part that was in transit when its share was revoked is removed by the process
    /// that stored it.
    pub(crate) fn expect_empty(&self) {
        let begun = std::time::Instant::now();
        while !self.data().is_empty() {
            assert!(begun.elapsed().as_secs() < 20, "{:?}", self.data());
            std::thread::yield_now();
        }
    }

    /// Files of ciphertext in the store.
    pub(crate) fn data(&self) -> Vec<PathBuf> {
        files(&self.store)
            .into_iter()
            .filter(|path| {
                let name = slashed(path.strip_prefix(&self.store).unwrap());
                name.contains("/part/") || name.ends_with("/manifest") || name.starts_with("tmp/")
            })
            .collect()
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.symlink_metadata().is_ok_and(|data| data.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_socket(_: &Path) -> bool {
    false
}

/// A path with slashes on every system.
pub(crate) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// All files below a directory, without sockets.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !is_socket(&path) {
            found.push(path);
        }
    }
    found
}

/// A program that is about to run.
pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

impl Run {
    /// Sets a variable. The state is kept in the same directory of `HOME` on every system.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        if cfg!(not(target_os = "linux")) && name == "HOME" {
            self.command.env("SHARE_STATE_DIR", Path::new(&value).join(".local/state/share"));
        }
        self.command.env(name, value);
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn envs(mut self, all: impl IntoIterator<Item = (String, String)>) -> Self {
        self.command.envs(all);
        self
    }

    /// Its standard input: a pipe with these bytes.
    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running {
        let mut child =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        std::thread::spawn(move || {
            // The program may not read all of it.
            let _ = stdin.write_all(&input);
        });
        Running(child)
    }

    /// Starts it with this standard input.
    pub(crate) fn start_with(mut self, stdin: impl Into<Stdio>) -> Running {
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(self.command.spawn().unwrap())
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }

    /// Runs it; it must succeed. Returns its standard output without the last line break.
    pub(crate) fn ok(self) -> String {
        let ended = self.run();
        assert_eq!(ended.code, 0, "{ended:?}");
        String::from_utf8(ended.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// Runs it; it must fail with an exit code, one line that contains `error`, and a hint, and print no result.
    pub(crate) fn fails(self, code: i32, error: &str) -> Ended {
        let ended = self.run();
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
        let line = ended.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(line.contains(error), "{ended:?}");
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:?}");
        let is_hint = |line: &&str| line.starts_with("hint: ") || line.starts_with("try: ");
        assert_eq!(ended.stderr.lines().filter(is_hint).count(), 1, "{ended:?}");
        ended
    }
}

/// A running program.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Waits until it has ended, and kills it after a time limit.
    pub(crate) fn wait(self) -> Ended {
        let (id, (done, output)) = (self.0.id(), channel());
        std::thread::spawn(move || done.send(self.0.wait_with_output()));
        let output = output.recv_timeout(TIME_LIMIT).unwrap_or_else(|_| {
            // The process has not been waited for, so its number is not reused.
            kill(id);
            panic!("a program ran for longer than {TIME_LIMIT:?}: {:?}", output.recv())
        });
        let output = output.unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Sends SIGKILL, and waits until it has ended.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A program that has run.
pub(crate) struct Ended {
    /// Its exit code, or -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    /// Whether a signal ended it.
    pub(crate) fn was_killed(&self) -> bool {
        self.code == -1
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: String = String::from_utf8_lossy(&self.stdout).chars().take(2000).collect();
        f.debug_struct("Ended").field("code", &self.code).field("stdout", &shown).field("stderr", &self.stderr).finish()
    }
}

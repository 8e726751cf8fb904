//! Programs of a desktop: its screen, tmux, and stand-ins.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::modes::set_mode;
use super::sandbox::{SHARE, Sandbox};
use super::time_limit::TIME_LIMIT;

/// A screen of X11 that nobody sees, and its clipboard. Dropping it stops the server.
pub(crate) struct Screen {
    /// The value of `DISPLAY`.
    pub(crate) display: String,
    server: Child,
}

impl Screen {
    pub(crate) fn start() -> Self {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "64x64x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = server.spawn().unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { display: format!(":{}", number.trim()), server }
    }

    /// The output of `xclip` for the clipboard.
    pub(crate) fn clipboard(&self, args: &[&str]) -> String {
        let mut clip = Command::new("xclip");
        clip.args(["-selection", "clipboard"]).args(args).env("DISPLAY", &self.display);
        String::from_utf8(clip.output().unwrap().stdout).unwrap()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The processes that hold its clipboard do so for minutes, also without a server.
        let ours = format!("DISPLAY={}\0", self.display);
        for process in fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path())) {
            let read = |name: &str| fs::read_to_string(process.join(name)).unwrap_or_default();
            if read("cmdline").contains("hold-clipboard") && read("environ").contains(&ours) {
                let number = process.file_name().and_then(|name| name.to_str()?.parse().ok());
                let _ = number.and_then(Pid::from_raw).map(|holder| kill_process(holder, Signal::KILL));
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A tmux server with one pane, in which a shell runs. Dropping it stops the server.
pub(crate) struct Tmux {
    socket: PathBuf,
    home: PathBuf,
}

impl Tmux {
    /// Starts the server from a client with these variables.
    pub(crate) fn start(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Self {
        let tmux = Self { socket: sandbox.path("tmux"), home: sandbox.home() };
        let mut start = tmux.command(&["new-session", "-d", "-x", "100", "-y", "30", "bash --norc"]);
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "NO_COLOR"] {
            start.env_remove(name);
        }
        let started = start.envs(variables.iter().copied()).status().unwrap();
        assert!(started.success());
        tmux
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(args);
        tmux.env("HOME", &self.home).env("SHARE", SHARE).env("LANG", "C.UTF-8").env("TERM", "xterm");
        tmux
    }

    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types a line.
    pub(crate) fn keys(&self, line: &str) {
        self.run(&["send-keys", line, "Enter"]);
    }

    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p", "-J"])
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait(&self, text: &str) {
        let begun = Instant::now();
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        while !plain(&self.screen()).contains(text) {
            assert!(begun.elapsed() < TIME_LIMIT, "{text} never came\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).output();
    }
}

/// Makes stand-ins for programs in a directory: their names and shell scripts.
pub(crate) fn programs(sandbox: &Sandbox, programs: &[(&str, &str)]) -> PathBuf {
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).unwrap();
    for (name, script) in programs {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&path, 0o755);
    }
    bin
}

//! A sender that serves a share in direct mode.

use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::process::{ChildStderr, ChildStdout, Command};

use super::sandbox::{Ended, Running, Sandbox};

/// A running `share send --direct`.
pub(crate) struct Host {
    pub(crate) process: Running,
    out: BufReader<ChildStdout>,
    pub(crate) err: BufReader<ChildStderr>,
    pub(crate) links: Vec<String>,
    said: String,
}

impl Host {
    /// Starts it on a free port of the loopback interface.
    pub(crate) fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        Self::start_with(sandbox, args, 1)
    }

    pub(crate) fn start_with(sandbox: &Sandbox, args: &[&str], links: usize) -> Self {
        let run = sandbox.share(["send", "--direct"].iter().chain(args));
        Self::of(run.env("SHARE_LISTEN", "127.0.0.1:0").start(), links)
    }

    /// Waits until a process that was started elsewhere has printed its links.
    pub(crate) fn of(mut process: Running, links: usize) -> Self {
        let mut out = BufReader::new(process.0.stdout.take().unwrap());
        let err = BufReader::new(process.0.stderr.take().unwrap());
        let mut lines = Vec::new();
        for _ in 0..links {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            lines.push(line.trim().to_owned());
        }
        let host = Self { process, out, err, links: lines, said: String::new() };
        let is_up = host.links.iter().all(|link| link.contains("#share1"));
        if is_up { host } else { panic!("{:?}", host.end()) }
    }

    pub(crate) fn link(&self) -> &str {
        &self.links[0]
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> String {
        let (_, rest) = self.link().split_once("://").unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    /// Reads its standard error up to `text`.
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        while !self.said.contains(text) {
            let count = self.err.read_line(&mut self.said).unwrap();
            assert!(count > 0, "{text:?} was never said: {}", self.said);
        }
        self
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it has ended. Returns its whole output.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = Vec::new();
        self.out.read_to_end(&mut stdout).unwrap();
        self.err.read_to_string(&mut self.said).unwrap();
        let code = self.process.0.wait().unwrap().code().unwrap_or(-1);
        Ended { code, stdout, stderr: mem::take(&mut self.said) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.0.kill();
        let _ = self.process.0.wait();
    }
}

//! The user's desktop session, by its environment variables.
//!
//! A tmux pane has the environment of the moment in which it was created. A user who attaches from another machine
//! later gets the same pane; so tmux is asked for the environment of the client that attached last.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::platform::{notification, process};
use crate::safe_text::printable;
use crate::terminal::tmux;

/// Variables that select the screen and the clipboard.
const NAMES: [&str; 7] =
    ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

/// The variables of a session.
pub(crate) struct DesktopSession {
    /// Variables that differ from this process's own; `None`: not set.
    changed: Vec<(&'static str, Option<OsString>)>,
    /// Whether this process's own variables may belong to another session, and tmux does not answer.
    is_stale: bool,
}

impl DesktopSession {
    pub(crate) fn find() -> Self {
        if !tmux::is_around() {
            return Self { changed: Vec::new(), is_stale: false };
        }
        match tmux::environment() {
            Some(printed) => Self { changed: read(&printed), is_stale: false },
            None => Self { changed: Vec::new(), is_stale: true },
        }
    }

    fn get(&self, name: &str) -> Option<OsString> {
        let changed = self.changed.iter().find(|(known, _)| *known == name);
        changed.map_or_else(|| env::var_os(name), |(_, value)| value.clone()).filter(|value| !value.is_empty())
    }

    /// Whether the user sits at this machine's screen.
    pub(crate) fn is_desktop(&self) -> bool {
        let has = |names: &[&str]| names.iter().any(|name| self.get(name).is_some());
        let has_screen = !notification::NAMES_SCREEN || has(&["DISPLAY", "WAYLAND_DISPLAY"]);
        !self.is_stale && has_screen && !has(&["SSH_CONNECTION", "SSH_TTY"])
    }

    /// The address of the session bus, if it is not the usual one.
    pub(crate) fn bus(&self) -> Option<OsString> {
        self.get("DBUS_SESSION_BUS_ADDRESS")
    }

    /// The screen on which windows appear, for messages: `display :0 of laptop`.
    pub(crate) fn screen(&self) -> String {
        let display = self.get("WAYLAND_DISPLAY").or_else(|| self.get("DISPLAY"));
        let display = display.map(|name| format!("display {}", printable(&name.to_string_lossy())));
        let host = process::host_name().map_or_else(|| "this computer".to_owned(), |name| printable(&name));
        format!("{} of {host}", display.as_deref().unwrap_or("the screen"))
    }

    /// Sets the variables of this session for a program that is about to start.
    pub(crate) fn apply(&self, command: &mut Command) {
        for (name, value) in &self.changed {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

/// Parses the output of `show-environment`.
fn read(printed: &str) -> Vec<(&'static str, Option<OsString>)> {
    let mut read: Vec<_> = NAMES
        .into_iter()
        .filter_map(|name| {
            printed.lines().find_map(|line| match (line.strip_prefix('-'), line.split_once('=')) {
                (Some(removed), _) if removed == name => Some((name, None)),
                (_, Some((set, value))) if set == name => Some((name, Some(OsStr::new(value).to_owned()))),
                _ => None,
            })
        })
        .collect();
    // tmux updates only this one by default; the other two belong to the same connection.
    if read.iter().any(|(name, _)| *name == "SSH_CONNECTION") {
        for name in ["SSH_CLIENT", "SSH_TTY"] {
            if !read.iter().any(|(known, _)| *known == name) {
                read.push((name, None));
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_that_of_the_client_that_attached_last() {
        let session = |printed: &str| DesktopSession { changed: read(printed), is_stale: false };
        let remote = session("-DISPLAY\nSSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22\nLANG=C\n");
        assert!(!remote.is_desktop());
        let local = session("DISPLAY=:7\n-WAYLAND_DISPLAY\n-SSH_CONNECTION\n");
        assert!(local.is_desktop());
        assert!(local.screen().starts_with("display :7 of "), "{}", local.screen());
        assert!(!DesktopSession { is_stale: true, ..local }.is_desktop());
    }
}

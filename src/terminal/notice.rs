//! Notifications for a user who is busy elsewhere: on the desktop, else by the bell and a sequence of the terminal.

use std::env;
use std::io::{self, Write};
use std::time::Duration;

use crate::platform::notification::{self, Notification};
use crate::platform::tty::Tty;
use crate::safe_text::printable;
use crate::terminal::session::DesktopSession;
use crate::terminal::{style, tmux};

/// The longest wait for the desktop's notification service.
const BOUND: Duration = Duration::from_secs(2);

/// The occasion of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    Done,
    Failed,
}

/// Shows a notification. May block for some seconds.
///
/// # Errors
/// The user has neither a desktop nor a terminal.
pub(crate) fn give(occasion: Occasion, summary: &str, body: &str) -> io::Result<()> {
    let session = DesktopSession::find();
    if session.is_desktop() {
        let category = match occasion {
            Occasion::Done => "transfer.complete",
            Occasion::Failed => "transfer.error",
        };
        let text = body.lines().map(printable).collect::<Vec<_>>().join("\n");
        let notification = Notification { app: "share", summary: &printable(summary), body: &text, category };
        match notification::show(session.bus(), &notification, BOUND) {
            Ok(()) if notification::ARE_CONFIRMED => return Ok(()),
            Ok(()) => return on_terminal(summary, body).or(Ok(())),
            Err(error) => tracing::debug!(%error, "the desktop shows no notification"),
        }
    }
    on_terminal(summary, body)
}

/// Rings the bell, and sends the sequence of the terminal.
fn on_terminal(summary: &str, body: &str) -> io::Result<()> {
    let mut terminal = Tty::open_to_write().map_err(|_| io::Error::other("neither a desktop nor a terminal"))?;
    let (form, is_within) = match tmux::outer() {
        Some(outer) if outer.may_pass => (Form::of_name(&outer.name), true),
        Some(_) => (Form::Bell, true),
        None => (Form::of_environment(|name| env::var(name).unwrap_or_default()), false),
    };
    let sequence = form.sequence(summary, body);
    terminal.write_all(b"\x07")?;
    terminal.write_all(&if is_within && !sequence.is_empty() { tmux::passed_on(&sequence) } else { sequence })
}

/// How a terminal takes a notification besides its bell. Some take several forms, and would show it more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Not at all.
    Bell,
    /// OSC 9: one text. Where it begins with `4;`, some terminals show a progress bar instead.
    Osc9,
    /// OSC 99: one text.
    Osc99,
    /// OSC 777: a title and a text.
    Osc777,
}

impl Form {
    /// The form for a terminal that has reported its name.
    fn of_name(name: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
        if is(&["kitty"]) {
            Self::Osc99
        } else if is(&["foot", "ghostty", "rxvt", "VTE"]) {
            Self::Osc777
        } else if is(&["iTerm2", "WezTerm"]) {
            Self::Osc9
        } else {
            Self::Bell
        }
    }

    /// The form by the variables of a terminal. `TERM` comes first: a terminal that was started from another one has
    /// inherited the others.
    fn of_environment(variable: impl Fn(&str) -> String) -> Self {
        let kind = variable("TERM");
        let begins = |names: &[&str]| names.iter().any(|name| kind.starts_with(name));
        if begins(&["dumb", "linux", "screen", "tmux"]) {
            return Self::Bell;
        }
        if begins(&["xterm-kitty", "foot", "rxvt", "xterm-ghostty", "wezterm"]) {
            return Self::of_name(&kind.replace("xterm-", "").replace("wezterm", "WezTerm"));
        }
        match &*variable("TERM_PROGRAM") {
            "ghostty" => Self::Osc777,
            "iTerm.app" | "WezTerm" => Self::Osc9,
            // SSH passes `LC_TERMINAL` on.
            _ if variable("LC_TERMINAL") == "iTerm2" => Self::Osc9,
            _ if !variable("VTE_VERSION").is_empty() => Self::Osc777,
            _ => Self::Bell,
        }
    }

    fn sequence(self, summary: &str, body: &str) -> Vec<u8> {
        // The semicolon divides a sequence into fields.
        let plain = |text: &str| style::readable(&printable(&text.replace('\n', " "))).replace(';', ",");
        let (summary, body) = (plain(summary), plain(body));
        match self {
            Self::Bell => String::new(),
            Self::Osc9 => format!("\x1b]9;{summary}: {body}\x1b\\"),
            Self::Osc99 => format!("\x1b]99;;{summary}: {body}\x1b\\"),
            Self::Osc777 => format!("\x1b]777;notify;{summary};{body}\x1b\\"),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_gets_one_sequence() {
        let form = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            Form::of_environment(|name| find(name).unwrap_or_default().to_owned())
        };
        let xterm = ("TERM", "xterm-256color");
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty"), ("TERM_PROGRAM", "WezTerm")][..], Form::Osc99),
            (&[("TERM", "foot-extra")], Form::Osc777),
            (&[("TERM", "rxvt-unicode-256color")], Form::Osc777),
            (&[("TERM", "xterm-ghostty")], Form::Osc777),
            (&[("TERM", "wezterm")], Form::Osc9),
            (&[xterm, ("TERM_PROGRAM", "iTerm.app"), ("VTE_VERSION", "7600")], Form::Osc9),
            (&[xterm, ("LC_TERMINAL", "iTerm2")], Form::Osc9),
            (&[xterm, ("VTE_VERSION", "7600")], Form::Osc777),
            (&[xterm], Form::Bell),
            (&[], Form::Bell),
            // tmux or screen is in between, or the console.
            (&[("TERM", "tmux-256color"), ("LC_TERMINAL", "iTerm2")], Form::Bell),
            (&[("TERM", "linux"), ("VTE_VERSION", "7600")], Form::Bell),
        ] {
            assert_eq!(form(variables), expected, "{variables:?}");
        }
        let names = ["kitty(0.35.2)", "foot(1.16.2)", "VTE(7600)", "ghostty 1.0.1", "iTerm2 3.5.0", "XTerm(390)"];
        let forms = [Form::Osc99, Form::Osc777, Form::Osc777, Form::Osc777, Form::Osc9, Form::Bell];
        assert_eq!(names.map(Form::of_name), forms);
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "4;\x1b\\\x07\u{9c}x";
        for form in [Form::Osc9, Form::Osc99, Form::Osc777] {
            let sequence = form.sequence(hostile, hostile);
            let fields = match form {
                Form::Osc777 => 3,
                Form::Osc99 => 2,
                _ => 1,
            };
            let text = String::from_utf8(sequence).unwrap();
            assert_eq!(text.matches(';').count(), fields, "{text:?}");
            assert!(text.ends_with("\x1b\\") && text.matches(['\x1b', '\x07', '\u{9c}']).count() == 2, "{text:?}");
        }
    }
}

//! Linux, macOS and the BSDs.

use tokio::signal::unix::{SignalKind, signal};

#[cfg(system = "linux")]
use super::linux as side;
use super::signal::Signal;
#[cfg(system = "unix")]
use super::unix as side;

pub(super) fn listen(lasts: bool, heard: &(impl Fn(Signal) -> bool + Clone + Send + 'static)) {
    for (kind, meant) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::End),
        (SignalKind::quit(), Signal::End),
        (SignalKind::hangup(), Signal::Hangup),
    ] {
        if meant == Signal::Hangup && !side::hears_hangup(lasts) {
            continue;
        }
        let Ok(mut signal) = signal(kind) else { continue };
        let heard = heard.clone();
        tokio::spawn(async move { while signal.recv().await.is_some() && heard(meant) {} });
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::side::ignores_hangup;

    /// The test runs itself again, with SIGHUP ignored and not.
    #[test]
    fn a_program_under_nohup_ignores_hangups() {
        const ASKED: &str = "SHARE_TEST_IGNORES_HANGUP";
        if let Ok(expected) = std::env::var(ASKED) {
            assert_eq!(ignores_hangup().to_string(), expected);
            return;
        }
        let name = concat!(module_path!(), "::a_program_under_nohup_ignores_hangups").trim_start_matches("share::");
        for (trap, expected) in [("trap '' HUP", true), (":", ignores_hangup())] {
            let mut again = Command::new("sh");
            again.args(["-c", &format!("{trap}; exec \"$0\" --exact \"$1\"")]);
            again.arg(std::env::current_exe().unwrap()).arg(name).env(ASKED, expected.to_string());
            let output = again.output().unwrap();
            assert!(output.status.success(), "{trap}: {}", String::from_utf8_lossy(&output.stdout));
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{trap}");
        }
    }
}

//! The create tokens of a running relay, which follow the file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::cli::output::errors::Failure;
use crate::cli::relay::token::{file, line};
use crate::relay::server::CreateTokens;

/// Interval at which the file is read. A change counts when two readings agree, since an editor may be writing.
const READ_EVERY: Duration = Duration::from_secs(1);

/// A file of create tokens, and the tokens that a relay accepts.
pub(in crate::cli::relay) struct WatchedTokens {
    path: PathBuf,
    accepted: Arc<CreateTokens>,
    /// The text that they were read from.
    text: String,
    /// The result of the last reading, if it differs.
    pending: Option<Result<String, io::ErrorKind>>,
    /// The fault that was logged last.
    fault: Option<Fault>,
}

/// A fault of the file. Nothing of its content is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Unreadable(io::ErrorKind),
    Malformed { line: usize },
}

impl WatchedTokens {
    /// Reads the tokens for the first time. A file that cannot be read is a wrong option: another start would fail in
    /// the same way.
    pub(in crate::cli::relay) fn open(path: &Path) -> Result<Self, Failure> {
        let (lines, text) = file::load(path).map_err(|error| match error {
            Failure::Local { what, hint } => Failure::Usage { what, hint },
            other => other,
        })?;
        let accepted = CreateTokens::new(file::tokens(lines));
        Ok(Self { path: path.to_owned(), accepted, text, pending: None, fault: None })
    }

    /// The tokens that are accepted at any moment.
    pub(in crate::cli::relay) fn accepted(&self) -> Arc<CreateTokens> {
        self.accepted.clone()
    }

    /// Follows the file, until the future is dropped.
    pub(in crate::cli::relay) async fn keep_reading(mut self) {
        let mut ticks = interval(READ_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let path = self.path.clone();
            if let Ok(found) = tokio::task::spawn_blocking(move || file::read(&path)).await {
                self.note(found.map_err(|error| error.kind()));
            }
        }
    }

    /// Notes what a reading has found. While the file has a fault, the former tokens stay.
    fn note(&mut self, found: Result<String, io::ErrorKind>) {
        if found.as_ref() == Ok(&self.text) {
            (self.pending, self.fault) = (None, None);
            return;
        }
        if self.pending.as_ref() != Some(&found) {
            self.pending = Some(found);
            return;
        }
        let read = match found {
            Ok(text) => {
                line::parse(&text).map(|lines| (lines, text)).map_err(|bad| Fault::Malformed { line: bad.number })
            }
            Err(kind) => Err(Fault::Unreadable(kind)),
        };
        match read {
            Ok((lines, text)) => {
                tracing::info!(tokens = lines.len(), "the file of create tokens has changed");
                self.accepted.replace(file::tokens(lines));
                (self.text, self.pending, self.fault) = (text, None, None);
            }
            Err(fault) if self.fault == Some(fault) => {}
            Err(fault) => {
                match fault {
                    Fault::Unreadable(why) => {
                        tracing::warn!(%why, "the file of create tokens cannot be read; the former tokens stay valid");
                    }
                    Fault::Malformed { line } => tracing::warn!(
                        line,
                        "a line in the file of create tokens cannot be used; the former tokens stay valid"
                    ),
                }
                self.fault = Some(fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::relay::server::CreateToken;

    const ONE: &str = "0123456789abcdef-one";
    const TWO: &str = "0123456789abcdef-two";

    #[test]
    fn a_change_counts_when_two_readings_agree_and_a_fault_keeps_the_tokens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        fs::write(&path, format!("{ONE}\n")).unwrap();
        let mut watched = WatchedTokens::open(&path).unwrap();
        let has = |watched: &WatchedTokens, tokens: &[&str]| {
            let expected: Vec<_> = tokens.iter().map(|token| CreateToken::unlimited(token)).collect();
            watched.accepted.are(&expected)
        };
        let both = format!("{ONE}\n{TWO}\n");
        watched.note(Ok(String::new()));
        assert!(has(&watched, &[ONE]), "it may be half written");
        watched.note(Ok(both.clone()));
        assert!(has(&watched, &[ONE]));
        watched.note(Ok(both.clone()));
        assert!(has(&watched, &[ONE, TWO]));
        for (fault, found) in [
            (Fault::Malformed { line: 2 }, Ok(format!("{ONE}\nshort\n"))),
            (Fault::Unreadable(io::ErrorKind::NotFound), Err(io::ErrorKind::NotFound)),
        ] {
            for expected in [watched.fault, Some(fault), Some(fault)] {
                watched.note(found.clone());
                assert_eq!(watched.fault, expected);
                assert!(has(&watched, &[ONE, TWO]));
            }
        }
        watched.note(Ok(both));
        assert_eq!(watched.fault, None);
        for _ in 0..2 {
            watched.note(Ok("# nobody\n".to_owned()));
        }
        assert!(has(&watched, &[]));
    }
}

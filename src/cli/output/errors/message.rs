//! An error in the user's words: what happened, the next action, and the exit code.

use std::fmt;

/// The exit code of the process. Documented in the README and in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Exit {
    Unexpected = 1,
    Usage = 2,
    AlreadyOpened = 3,
    Gone = 4,
    WrongPassphrase = 5,
    Unreachable = 6,
    Integrity = 7,
    Local = 8,
    Refused = 9,
    Interrupted = 130,
}

/// The next action. Text becomes a sentence; what can be copied into a shell is made with [`Hint::run`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Hint {
    /// A command or an option, alone or in a sentence: it stays on one line, so that it can be copied.
    Run(String),
    /// A sentence, which a narrow terminal gets in several lines.
    Text(String),
}

impl Hint {
    /// A hint that stays on one line.
    pub(in crate::cli) fn run(command: impl Into<String>) -> Self {
        Self::Run(command.into())
    }

    /// The words.
    pub(in crate::cli) fn as_str(&self) -> &str {
        match self {
            Self::Run(text) | Self::Text(text) => text,
        }
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Self> for Hint {
    fn from(hint: &Self) -> Self {
        hint.clone()
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// An error as it is shown.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Message {
    pub(in crate::cli) exit: Exit,
    /// Empty if the user caused it.
    pub(in crate::cli) what: String,
    pub(in crate::cli) hint: Option<Hint>,
}

impl Message {
    /// A message with a hint.
    pub(in crate::cli) fn new(exit: Exit, what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self { exit, what: what.into(), hint: Some(hint.into()) }
    }
}

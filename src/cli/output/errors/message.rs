//! An error in the user's words: what happened, the next action, and the exit code.

use std::fmt;

use crate::report::without_secret_keys;

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

/// The next action. A string becomes [`Hint::Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Hint {
    /// One command, or options to add to the one that failed: printed as `try: COMMAND`, on one line.
    Run(String),
    /// A sentence with a command or an option in it: printed on one line, so that the command can be copied.
    Line(String),
    /// A sentence without a command: broken between words where the terminal is narrow.
    Text(String),
    /// The outcome of an interruption, in place of a hint: printed without a label.
    Outcome(String),
}

impl Hint {
    /// A hint that is a command.
    pub(in crate::cli) fn run(command: impl Into<String>) -> Self {
        Self::Run(command.into())
    }

    /// A sentence that contains a command or an option.
    pub(in crate::cli) fn line(sentence: impl Into<String>) -> Self {
        Self::Line(sentence.into())
    }

    /// The outcome of an interruption: `revoked: the link no longer works`.
    pub(in crate::cli) fn outcome(outcome: impl Into<String>) -> Self {
        Self::Outcome(outcome.into())
    }

    /// The same hint without secret keys of age.
    pub(super) fn without_secret_keys(self) -> Self {
        let text = without_secret_keys(self.as_str()).into_owned();
        match self {
            Self::Run(_) => Self::Run(text),
            Self::Line(_) => Self::Line(text),
            Self::Text(_) => Self::Text(text),
            Self::Outcome(_) => Self::Outcome(text),
        }
    }

    /// The text without its label.
    pub(in crate::cli) fn as_str(&self) -> &str {
        match self {
            Self::Run(text) | Self::Line(text) | Self::Text(text) | Self::Outcome(text) => text,
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

/// The hint as it is printed: `try: COMMAND`, or `hint: SENTENCE`.
impl fmt::Display for Hint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(to, "try: {command}"),
            Self::Line(sentence) | Self::Text(sentence) => write!(to, "hint: {sentence}"),
            Self::Outcome(outcome) => to.write_str(outcome),
        }
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

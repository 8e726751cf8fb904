//! Standard output and standard error themselves.

use std::io::{self, IsTerminal};

pub(in crate::cli) use crate::platform::files::{stdout, stdout_is_closed};
use crate::platform::tty;

/// How many columns there are for people, if standard error is a terminal.
pub(in crate::cli) fn columns() -> Option<usize> {
    io::stderr().is_terminal().then(|| tty::columns_of(&io::stderr()))
}

/// How many columns there are on standard output, if it is a terminal.
pub(in crate::cli) fn stdout_columns() -> Option<usize> {
    io::stdout().is_terminal().then(|| tty::columns_of(&io::stdout()))
}

/// Whether standard output is a terminal.
pub(in crate::cli) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

//! Standard output and standard error themselves.

use std::io::{self, IsTerminal};

pub(in crate::cli) use crate::platform::files::{stdout, stdout_is_closed};
use crate::platform::tty;

/// The columns of standard error, if it is a terminal.
pub(in crate::cli) fn columns() -> Option<usize> {
    io::stderr().is_terminal().then(|| tty::columns_of(&io::stderr()))
}

/// The rows of standard error, which is a terminal; 24 where it does not report them.
pub(in crate::cli) fn rows() -> usize {
    tty::rows_of(&io::stderr())
}

/// The columns of standard output, if it is a terminal.
pub(in crate::cli) fn stdout_columns() -> Option<usize> {
    io::stdout().is_terminal().then(|| tty::columns_of(&io::stdout()))
}

/// Whether standard output is a terminal.
pub(in crate::cli) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

//! Standard output and standard error themselves.

use std::fs::File;
use std::io::{self, IsTerminal};

use crate::platform::{process, tty};

/// How many columns there are for people, if standard error is a terminal.
pub(crate) fn columns() -> Option<usize> {
    tty::columns(&io::stderr())
}

/// How many columns there are on standard output, if it is a terminal.
pub(super) fn stdout_columns() -> Option<usize> {
    tty::columns(&io::stdout())
}

/// Standard output without a buffer of its own, for bytes.
pub(crate) fn stdout() -> io::Result<File> {
    process::unbuffered(&io::stdout())
}

/// Whether there is no standard output: a program that is started like that has nobody who sees what it prints.
pub(crate) fn stdout_is_closed() -> bool {
    process::was_closed(&io::stdout())
}

/// Whether somebody looks at standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

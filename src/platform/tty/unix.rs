//! Terminals of macOS and the BSDs.

use std::io;
use std::time::Duration;

use crate::platform::tty::looking::look_for_input;
pub(super) use crate::platform::tty::posix::{Mode, Stream, Terminal, extent, follows_sequences, is_controlled_by};

/// `poll` of macOS fails for `/dev/tty`, and `select` is unsafe: what has arrived is counted.
pub(super) fn wait_for_input(terminal: &Terminal, longest: Duration) -> io::Result<bool> {
    look_for_input(longest, || terminal.pending().map_err(|_| io::ErrorKind::UnexpectedEof.into()))
}

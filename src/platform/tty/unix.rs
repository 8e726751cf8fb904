//! Terminals of macOS and the BSDs.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::termios::tcgetsid;

use crate::platform::tty::looking::look_for_input;
pub(super) use crate::platform::tty::posix::{Mode, Stream, Terminal, extent, follows_sequences};

/// `tcgetsid` fails for every terminal except the controlling one. The path is opened, because `/dev/tty` is another
/// terminal for each process.
pub(super) fn is_controlled_by(path: &Path) -> bool {
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits().cast_signed();
    let terminal = OpenOptions::new().read(true).custom_flags(flags).open(path);
    terminal.is_ok_and(|terminal| tcgetsid(terminal).is_ok())
}

/// `poll` of macOS fails for `/dev/tty`, and `select` is unsafe: what has arrived is counted.
pub(super) fn wait_for_input(terminal: &Terminal, longest: Duration) -> io::Result<bool> {
    look_for_input(longest, || terminal.pending().map_err(|_| io::ErrorKind::UnexpectedEof.into()))
}

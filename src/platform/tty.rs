//! Terminals: raw mode, what waits to be read, their size.

use std::io::IsTerminal;
use std::os::fd::AsFd;

/// How many columns a stream has, if it is a terminal. One that does not know is as wide as terminals used to be.
pub fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let columns = rustix::termios::tcgetwinsize(stream).map_or(0, |size| size.ws_col);
    Some(if columns == 0 { 80 } else { usize::from(columns) })
}

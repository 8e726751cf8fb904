//! Terminals of Linux.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub(super) use crate::platform::tty::posix::{Mode, Stream, Terminal, extent, follows_sequences, is_controlled_by};

pub(super) fn wait_for_input(terminal: &Terminal, longest: Duration) -> io::Result<bool> {
    let wait = Timespec::try_from(longest).map_err(io::Error::other)?;
    let mut ready = [PollFd::new(terminal, PollFlags::IN)];
    match poll(&mut ready, Some(&wait)) {
        Err(rustix::io::Errno::INTR) | Ok(0) => return Ok(false),
        Err(errno) => return Err(errno.into()),
        Ok(_) => {}
    }
    let events = ready[0].revents();
    if !events.contains(PollFlags::IN) || events.intersects(PollFlags::HUP | PollFlags::ERR) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(true)
}

//! Terminals of Linux.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, major, minor};

pub(super) use crate::platform::tty::posix::{Mode, Stream, Terminal, extent, follows_sequences};

/// Its device is compared: every process opens its own terminal as `/dev/tty`.
pub(super) fn is_controlled_by(path: &Path) -> bool {
    let device = rustix::fs::stat(path).ok().filter(|stat| FileType::from_raw_mode(stat.st_mode).is_char_device());
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    device.is_some_and(|device| controlling_device(&stat) == Some((major(device.st_rdev), minor(device.st_rdev))))
}

/// The controlling terminal's device numbers in `/proc/PID/stat` (proc(5)). The program's name, in parentheses, may
/// contain blanks and parentheses.
fn controlling_device(stat: &str) -> Option<(u32, u32)> {
    let number: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(4)?.parse::<i32>().ok()?.cast_unsigned();
    (number != 0).then_some((number >> 8 & 0xff, number >> 12 & 0xfff00 | number & 0xff))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controlling_terminal_is_read_from_its_device_number() {
        let stat = |device: i32| format!("12 (a ) 1 2 (b) S 1 12 12 {device} 12 4194560 107");
        assert_eq!(controlling_device(&stat(34816)), Some((136, 0)));
        assert_eq!(controlling_device(&stat(34816 + 7)), Some((136, 7)));
        // Minor numbers from 256 on have bits above those of the major one.
        assert_eq!(controlling_device(&stat(34816 + 5 + (1 << 20))), Some((136, 261)));
        assert_eq!(controlling_device(&stat(0)), None);
        assert_eq!(controlling_device(""), None);
    }
}

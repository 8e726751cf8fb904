//! Terminals: modes, pending input, size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, major, minor};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr,
};

/// The controlling terminal.
const TTY: &str = "/dev/tty";

/// Width and height of a character cell, in pixels.
pub type Cell = (u16, u16);

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows of characters.
    pub rows: u16,
    /// The size of a character cell, if the terminal reports it.
    pub cell: Option<Cell>,
}

impl Size {
    /// The size that is assumed where a terminal reports none.
    pub const UNKNOWN: Self = Self { columns: 80, rows: 24, cell: None };
}

/// The controlling terminal of this process, independent of its standard input and output.
pub struct Tty(File);

/// The mode of a terminal (termios).
#[derive(Clone)]
pub struct Mode(Termios);

/// When a mode takes effect, and what happens to typed input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// At once; pending input stays.
    Now,
    /// After all output is written; pending input is discarded.
    Flush,
}

/// Whether this process has a controlling terminal.
pub fn is_controlled() -> bool {
    File::open(TTY).is_ok()
}

/// Whether the terminal with this path is the controlling one. Its device is compared: every process opens its own
/// terminal as `/dev/tty`.
pub fn is_controlled_by(path: &Path) -> bool {
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

impl Tty {
    /// Opens the terminal to read and to write.
    ///
    /// # Errors
    /// There is no terminal, or it may not be used.
    pub fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(TTY).map(Self)
    }

    /// Opens the terminal to write only.
    ///
    /// # Errors
    /// As of [`Tty::open`].
    pub fn open_to_write() -> io::Result<Self> {
        OpenOptions::new().write(true).open(TTY).map(Self)
    }

    /// The same terminal once more.
    ///
    /// # Errors
    /// The process has too many files open.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Its size. `None` if it does not report one.
    pub fn size(&self) -> Option<Size> {
        let size = tcgetwinsize(&self.0).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
        let cell = (size.ws_xpixel / size.ws_col, size.ws_ypixel / size.ws_row);
        let cell = Some(cell).filter(|cell| cell.0 > 0 && cell.1 > 0);
        Some(Size { columns: size.ws_col, rows: size.ws_row, cell })
    }

    /// Its mode.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn mode(&self) -> io::Result<Mode> {
        Ok(Mode(tcgetattr(&self.0)?))
    }

    /// Changes the mode.
    ///
    /// # Errors
    /// The terminal is gone, or this process may not change it.
    pub fn set_mode(&self, mode: &Mode, apply: Apply) -> io::Result<()> {
        let actions = match apply {
            Apply::Now => OptionalActions::Now,
            Apply::Flush => OptionalActions::Flush,
        };
        Ok(tcsetattr(&self.0, actions, &mode.0)?)
    }

    /// Discards pending input.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn forget_input(&self) -> io::Result<()> {
        Ok(tcflush(&self.0, QueueSelector::IFlush)?)
    }

    /// Whether there is pending input.
    pub fn has_input(&self) -> bool {
        rustix::io::ioctl_fionread(&self.0).unwrap_or(0) > 0
    }

    /// Waits for input, at most for `longest`. Returns whether there is any.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the terminal was closed; otherwise an error of the system.
    pub fn wait_for_input(&self, longest: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(longest).map_err(io::Error::other)?;
        let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
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

    /// Its width in characters; 80 if it does not report one.
    pub fn columns(&self) -> usize {
        columns_of(&self.0)
    }
}

impl Read for Tty {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Mode {
    /// Raw mode: keys arrive at once, without echo and without signals.
    #[must_use]
    pub fn raw(&self) -> Self {
        let mut raw = self.0.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        Self(raw)
    }

    /// Lines without echo, except for their line break, which shows that the input was accepted.
    #[must_use]
    pub fn hidden(&self) -> Self {
        let mut hidden = self.0.clone();
        hidden.local_modes -= LocalModes::ECHO;
        hidden.local_modes |= LocalModes::ECHONL;
        Self(hidden)
    }

    /// Whether keys arrive one by one and not in lines.
    pub fn has_single_keys(&self) -> bool {
        !self.0.local_modes.contains(LocalModes::ICANON)
    }
}

/// Rows of a terminal; 24 where it does not report that.
pub fn rows_of(terminal: &impl AsFd) -> usize {
    let rows = tcgetwinsize(terminal).map_or(0, |size| size.ws_row);
    if rows == 0 { 24 } else { usize::from(rows) }
}

/// The width of a terminal in characters; 80 if it does not report one.
pub fn columns_of(terminal: &impl AsFd) -> usize {
    let columns = tcgetwinsize(terminal).map_or(0, |size| size.ws_col);
    if columns == 0 { 80 } else { usize::from(columns) }
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

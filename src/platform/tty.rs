//! Terminals: raw mode, what waits to be read, their size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr,
};

/// The terminal of a session.
const TTY: &str = "/dev/tty";

/// Width and height of a character, in pixels.
pub type Cell = (u16, u16);

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows of characters.
    pub rows: u16,
    /// The size of a character, where the terminal reports it.
    pub cell: Option<Cell>,
}

/// The terminal at which this process was started, whatever its standard input and output are.
pub struct Tty(File);

/// How a terminal treats what is typed.
#[derive(Clone)]
pub struct Mode(Termios);

/// When a mode begins, and with which input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// At once; what was typed before stays.
    Now,
    /// When all output is written; what was typed before is lost.
    Flush,
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

    /// How large it is. `None`: it does not report that.
    pub fn size(&self) -> Option<Size> {
        let size = tcgetwinsize(&self.0).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
        let cell = (size.ws_xpixel / size.ws_col, size.ws_ypixel / size.ws_row);
        let cell = Some(cell).filter(|cell| cell.0 > 0 && cell.1 > 0);
        Some(Size { columns: size.ws_col, rows: size.ws_row, cell })
    }

    /// The mode in which it is.
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

    /// Forgets what was typed and not read yet.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn forget_input(&self) -> io::Result<()> {
        Ok(tcflush(&self.0, QueueSelector::IFlush)?)
    }

    /// Whether anything was typed that was not read yet.
    pub fn has_input(&self) -> bool {
        rustix::io::ioctl_fionread(&self.0).unwrap_or(0) > 0
    }

    /// Waits until something can be read, and at most for `longest`. Returns whether it can.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the terminal was closed; else an error of the system.
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

    /// Characters in a row; 80 where it does not report that.
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
    /// Keys arrive one by one as they are pressed, none is shown, and none sends a signal.
    #[must_use]
    pub fn raw(&self) -> Self {
        let mut raw = self.0.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        Self(raw)
    }

    /// Lines are not shown while they are typed. Their ends are, so that a person sees that they were taken.
    #[must_use]
    pub fn hidden(&self) -> Self {
        let mut hidden = self.0.clone();
        hidden.local_modes -= LocalModes::ECHO;
        hidden.local_modes |= LocalModes::ECHONL;
        Self(hidden)
    }

    /// Whether keys arrive one by one, and not in lines.
    pub fn has_single_keys(&self) -> bool {
        !self.0.local_modes.contains(LocalModes::ICANON)
    }
}

/// Rows of a terminal; 24 where it does not report that.
pub fn rows_of(terminal: &impl AsFd) -> usize {
    let rows = tcgetwinsize(terminal).map_or(0, |size| size.ws_row);
    if rows == 0 { 24 } else { usize::from(rows) }
}

/// Characters in a row of a terminal; 80 where it does not report that.
pub fn columns_of(terminal: &impl AsFd) -> usize {
    let columns = tcgetwinsize(terminal).map_or(0, |size| size.ws_col);
    // A terminal that does not report its width counts as 80 columns wide.
    if columns == 0 { 80 } else { usize::from(columns) }
}

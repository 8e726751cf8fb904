//! The part that Linux, macOS and the BSDs have in common.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr,
};

use crate::platform::tty::size::Size;

/// The controlling terminal.
const TTY: &str = "/dev/tty";

/// A stream that may be a terminal.
pub trait Stream: AsFd {}

impl<T: AsFd> Stream for T {}

pub(super) struct Terminal(File);

#[derive(Clone)]
pub(super) struct Mode(Termios);

pub(super) fn follows_sequences(kind: &str) -> bool {
    !kind.is_empty()
}

/// Columns and rows; 0: not reported.
pub(super) fn extent(stream: &impl AsFd) -> (u16, u16) {
    tcgetwinsize(stream).map_or((0, 0), |size| (size.ws_col, size.ws_row))
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(TTY).map(Self)
    }

    pub(super) fn open_to_write() -> io::Result<Self> {
        OpenOptions::new().write(true).open(TTY).map(Self)
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    pub(super) fn size(&self) -> Option<Size> {
        let size = tcgetwinsize(&self.0).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
        let cell = (size.ws_xpixel / size.ws_col, size.ws_ypixel / size.ws_row);
        let cell = Some(cell).filter(|cell| cell.0 > 0 && cell.1 > 0);
        Some(Size { columns: size.ws_col, rows: size.ws_row, cell })
    }

    pub(super) fn mode(&self) -> io::Result<Mode> {
        Ok(Mode(tcgetattr(&self.0)?))
    }

    pub(super) fn set_mode(&self, mode: &Mode, flush: bool) -> io::Result<()> {
        let actions = if flush { OptionalActions::Flush } else { OptionalActions::Now };
        Ok(tcsetattr(&self.0, actions, &mode.0)?)
    }

    pub(super) fn forget_input(&self) -> io::Result<()> {
        Ok(tcflush(&self.0, QueueSelector::IFlush)?)
    }

    /// The number of bytes that have arrived; in lines: of whole lines.
    pub(super) fn pending(&self) -> io::Result<u64> {
        Ok(rustix::io::ioctl_fionread(&self.0)?)
    }

    pub(super) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Mode {
    pub(super) fn raw(&self) -> Self {
        let mut raw = self.0.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        Self(raw)
    }

    pub(super) fn hidden(&self) -> Self {
        let mut hidden = self.0.clone();
        hidden.local_modes -= LocalModes::ECHO;
        hidden.local_modes |= LocalModes::ECHONL;
        Self(hidden)
    }

    pub(super) fn has_single_keys(&self) -> bool {
        !self.0.local_modes.contains(LocalModes::ICANON)
    }
}

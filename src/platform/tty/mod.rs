//! Terminals: modes, pending input, size.
//!
//! On Unix the terminal is `/dev/tty`, and its modes are those of termios. On Windows it is the console, whose keys are
//! read as events and become UTF-8 here, and which is asked to follow escape sequences as a terminal does.

#[cfg(any(system = "windows", test))]
mod line;
#[cfg(system = "linux")]
mod linux;
#[cfg(not(system = "linux"))]
mod looking;
#[cfg(unix)]
mod posix;
mod size;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

#[cfg(system = "linux")]
use self::linux as side;
pub use self::size::{Cell, Size};
#[cfg(system = "unix")]
use self::unix as side;
#[cfg(system = "windows")]
use self::windows as side;

/// The controlling terminal of this process, independent of its standard input and output.
pub struct Tty(side::Terminal);

/// The mode of a terminal: of termios, or of a console's input and screen.
#[derive(Clone)]
pub struct Mode(side::Mode);

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
    side::Terminal::open().is_ok()
}

/// Whether the terminal with this path is the controlling one. A console of Windows has no path.
pub fn is_controlled_by(path: &Path) -> bool {
    side::is_controlled_by(path)
}

/// Whether the terminal follows escape sequences. `kind`: the value of `TERM`, empty if it is not set. Unix: `TERM`
/// names a kind of terminal. Windows sets no `TERM`: the console is asked to follow them, and keeps that mode.
pub fn follows_sequences(kind: &str) -> bool {
    kind != "dumb" && side::follows_sequences(kind)
}

/// Whether terminals show UTF-8 although no locale names it: on macOS and Windows.
pub fn shows_utf8() -> bool {
    cfg!(any(target_os = "macos", windows))
}

impl Tty {
    /// Opens the terminal to read and to write.
    ///
    /// # Errors
    /// There is no terminal, or it may not be used.
    pub fn open() -> io::Result<Self> {
        side::Terminal::open().map(Self)
    }

    /// Opens the terminal to write only.
    ///
    /// # Errors
    /// As of [`Tty::open`].
    pub fn open_to_write() -> io::Result<Self> {
        side::Terminal::open_to_write().map(Self)
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
        self.0.size()
    }

    /// Its mode.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn mode(&self) -> io::Result<Mode> {
        self.0.mode().map(Mode)
    }

    /// Changes the mode.
    ///
    /// # Errors
    /// The terminal is gone, or this process may not change it.
    pub fn set_mode(&self, mode: &Mode, apply: Apply) -> io::Result<()> {
        self.0.set_mode(&mode.0, apply == Apply::Flush)
    }

    /// Discards pending input.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn forget_input(&self) -> io::Result<()> {
        self.0.forget_input()
    }

    /// Whether there is pending input.
    pub fn has_input(&self) -> bool {
        self.0.pending().is_ok_and(|count| count > 0)
    }

    /// Waits for input, at most for `longest`. Returns whether there is any. Linux waits for an event; the other
    /// systems have no safe call for it, and look every few milliseconds.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the terminal was closed; otherwise an error of the system.
    pub fn wait_for_input(&self, longest: Duration) -> io::Result<bool> {
        side::wait_for_input(&self.0, longest)
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
        Self(self.0.raw())
    }

    /// Lines without echo, except for their line break, which shows that the input was accepted.
    #[must_use]
    pub fn hidden(&self) -> Self {
        Self(self.0.hidden())
    }

    /// Whether keys arrive one by one and not in lines.
    pub fn has_single_keys(&self) -> bool {
        self.0.has_single_keys()
    }
}

/// Rows of a terminal; 24 where it does not report that. A console of Windows is the only one of its process.
pub fn rows_of(terminal: &impl side::Stream) -> usize {
    let (_, rows) = side::extent(terminal);
    usize::from(if rows == 0 { Size::UNKNOWN.rows } else { rows })
}

/// The width of a terminal in characters; 80 if it does not report one.
pub fn columns_of(terminal: &impl side::Stream) -> usize {
    let (columns, _) = side::extent(terminal);
    usize::from(if columns == 0 { Size::UNKNOWN.columns } else { columns })
}

//! Handles that a child process inherits: files without a name, and a channel. On Linux only: other systems keep such
//! files in the memory of this process, which no child can read.

use std::io::{self, Read, Write};

#[cfg(not(system = "linux"))]
mod elsewhere;
#[cfg(not(system = "linux"))]
use elsewhere as side;
#[cfg(system = "linux")]
mod linux;
#[cfg(system = "linux")]
use linux as side;

/// Whether child processes inherit files on this system.
pub const IS_SUPPORTED: bool = cfg!(system = "linux");

/// A handle that all child processes inherit that are started before this is dropped. Its number there is the same.
/// There is none except on Linux.
pub struct Inherited(side::Inherited);

impl Inherited {
    /// Duplicates a descriptor without close-on-exec, which the standard library sets on its own ones.
    #[cfg(system = "linux")]
    pub(super) fn of(handle: &impl std::os::fd::AsFd) -> io::Result<Self> {
        side::Inherited::of(handle).map(Self)
    }

    /// The path by which the child opens the file.
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// The URL of the handle, for mpv's arguments.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

/// Our end of a channel to a child process. Reading does not block.
pub struct Channel(side::Channel);

impl Channel {
    /// Makes a channel: our end, and the end that the child inherits.
    ///
    /// # Errors
    /// The process has too many files open. [`io::ErrorKind::Unsupported`] except on Linux.
    pub fn pair() -> io::Result<(Self, Inherited)> {
        let (ours, theirs) = side::Channel::pair()?;
        Ok((Self(ours), Inherited(theirs)))
    }
}

impl Read for Channel {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

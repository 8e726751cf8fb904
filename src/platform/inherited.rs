//! Handles that a started program inherits: files without a name, and a channel to talk with it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::platform::files::descriptor_path;

/// A handle that every program inherits which is started while this lives. It has the same number there.
pub struct Inherited(OwnedFd);

impl Inherited {
    /// Duplicates a handle without close-on-exec, which the standard library sets on each of its own.
    pub(super) fn of(handle: &impl AsFd) -> io::Result<Self> {
        Ok(Self(rustix::io::dup(handle)?))
    }

    /// The path by which the started program opens the file.
    pub fn path(&self) -> String {
        descriptor_path(&self.0).to_string_lossy().into_owned()
    }

    /// The handle as mpv takes one among its arguments.
    pub fn url(&self) -> String {
        format!("fd://{}", self.0.as_raw_fd())
    }
}

/// Our end of a channel to a started program. Reading never waits.
pub struct Channel(UnixStream);

impl Channel {
    /// Makes a channel: our end, and the end that the program inherits.
    ///
    /// # Errors
    /// The process has too many files open.
    pub fn pair() -> io::Result<(Self, Inherited)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        Ok((Self(ours), Inherited::of(&theirs)?))
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

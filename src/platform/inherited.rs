//! Descriptors that a child process inherits: files without a name, and a channel.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::platform::files::descriptor_path;

/// A descriptor that all child processes inherit that are started before this is dropped. Its number there is the same.
pub struct Inherited(OwnedFd);

impl Inherited {
    /// Duplicates a descriptor without close-on-exec, which the standard library sets on its own ones.
    pub(super) fn of(handle: &impl AsFd) -> io::Result<Self> {
        Ok(Self(rustix::io::dup(handle)?))
    }

    /// The path by which the child opens the file.
    pub fn path(&self) -> String {
        descriptor_path(&self.0).to_string_lossy().into_owned()
    }

    /// The URL of the descriptor, for mpv's arguments.
    pub fn url(&self) -> String {
        format!("fd://{}", self.0.as_raw_fd())
    }
}

/// Our end of a channel to a child process. Reading does not block.
pub struct Channel(UnixStream);

impl Channel {
    /// Makes a channel: our end, and the end that the child inherits.
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

//! Descriptors, and a channel of two sockets.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::platform::files::descriptor_path;

pub(super) struct Inherited(OwnedFd);

impl Inherited {
    pub(super) fn of(handle: &impl AsFd) -> io::Result<Self> {
        Ok(Self(rustix::io::dup(handle)?))
    }

    pub(super) fn path(&self) -> String {
        descriptor_path(&self.0).to_string_lossy().into_owned()
    }

    pub(super) fn url(&self) -> String {
        format!("fd://{}", self.0.as_raw_fd())
    }
}

pub(super) struct Channel(UnixStream);

impl Channel {
    pub(super) fn pair() -> io::Result<(Self, Inherited)> {
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

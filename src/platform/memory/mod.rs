//! Plaintext in memory, and free memory. Swap space never counts.
//!
//! On Linux the plaintext is a file in memory without a name, which a child process can inherit. On other systems it is
//! memory of this process alone, which is overwritten at the end: macOS can neither read a shared memory object like a
//! file nor seal it, and Windows has no such objects for programs that expect files.

use std::io::{self, Write};

use crate::platform::inherited::Inherited;

#[cfg(not(system = "linux"))]
mod elsewhere;
#[cfg(not(system = "linux"))]
use elsewhere as side;
#[cfg(system = "linux")]
mod linux;
#[cfg(system = "linux")]
use linux as side;

/// A file in memory without a name. It vanishes when its last handle is dropped.
pub struct AnonymousFile(side::AnonymousFile);

impl AnonymousFile {
    /// Makes an empty file.
    ///
    /// # Errors
    /// The process has too many files open, or there is no memory.
    pub fn new() -> io::Result<Self> {
        side::AnonymousFile::new().map(Self)
    }

    /// Another handle of the same file.
    ///
    /// # Errors
    /// The process has too many files open.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Seals the file: no process can change it any more.
    ///
    /// # Errors
    /// It is sealed already.
    pub fn freeze(&self) -> io::Result<()> {
        self.0.freeze()
    }

    /// A handle for a child process.
    ///
    /// # Errors
    /// The process has too many files open. [`io::ErrorKind::Unsupported`] except on Linux.
    pub fn inherited(&self) -> io::Result<Inherited> {
        self.0.inherited()
    }

    /// Fills `space` with the bytes from `start` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file is shorter.
    pub fn read_exact_at(&self, space: &mut [u8], start: u64) -> io::Result<()> {
        self.0.read_exact_at(space, start)
    }
}

impl Write for AnonymousFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The largest file in memory that this process may write, in bytes.
pub fn largest_file() -> u64 {
    side::largest_file()
}

/// Free memory in bytes. `None`: the system does not report it.
pub fn free() -> Option<u64> {
    side::free()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_handles_share_what_was_written_until_it_is_sealed() {
        let mut file = AnonymousFile::new().unwrap();
        let mut other = file.try_clone().unwrap();
        let bytes: Vec<u8> = (0..700_000_u32).map(|at| at.to_le_bytes()[at as usize % 4]).collect();
        for (number, piece) in bytes.chunks(77_777).enumerate() {
            let handle = if number % 2 == 0 { &mut file } else { &mut other };
            handle.write_all(piece).unwrap();
        }
        for (start, end) in [(0, 0), (0, 1), (0, bytes.len()), (262_143, 262_145), (600_000, 700_000)] {
            let mut read = vec![0; end - start];
            other.read_exact_at(&mut read, start as u64).unwrap();
            assert!(read == bytes[start..end], "{start}..{end}");
        }
        for start in [699_999, 700_000_u64, 1 << 40] {
            let cut = file.read_exact_at(&mut [0; 2], start).unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof, "{start}");
        }
        file.freeze().unwrap();
        assert_eq!(other.write(b"more").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(other.freeze().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        drop(file);
        let mut last = [0];
        other.read_exact_at(&mut last, 699_999).unwrap();
        assert_eq!(last[..], bytes[699_999..]);
    }

    #[test]
    fn free_memory_is_that_of_a_machine_on_which_this_runs() {
        assert!(free().is_none_or(|free| free > 1 << 20), "{:?}", free());
        assert!(largest_file() > 1 << 20);
    }
}

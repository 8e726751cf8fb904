//! A growing buffer of secret bytes that leaves no copies in memory.

use std::io::{self, Write};
use std::ops::{Deref, RangeBounds};

use zeroize::Zeroizing;

/// The smallest buffer, in bytes.
const SMALLEST: usize = 256;

/// Bytes that are wiped when dropped, also in smaller buffers that held them before.
#[derive(Default)]
pub struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    /// Inserts `bytes` before the byte at `at`.
    pub fn insert(&mut self, at: usize, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two().max(SMALLEST)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.splice(at..at, bytes.iter().copied());
    }

    /// Inserts `bytes` at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        self.insert(self.0.len(), bytes);
    }

    /// Removes a range, and returns it.
    pub fn take(&mut self, range: impl RangeBounds<usize>) -> Zeroizing<Vec<u8>> {
        let left = self.0.len();
        let taken = Zeroizing::new(self.0.drain(range).collect::<Vec<_>>());
        // `drain` moved the bytes behind the range and left copies of them beyond the new end.
        let end = self.0.len();
        self.0.resize(left, 0);
        self.0.truncate(end);
        taken
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_inserted_and_taken_in_the_middle() {
        let mut wiped = Wiped::default();
        wiped.push(b"ace");
        wiped.insert(1, b"b");
        wiped.insert(3, b"d");
        assert_eq!(&wiped[..], b"abcde");
        assert_eq!(wiped.take(1..3).as_slice(), b"bc");
        wiped.push(&[b'x'; 1000]);
        assert_eq!((wiped.len(), &wiped[..4]), (1003, &b"adex"[..]));
    }
}

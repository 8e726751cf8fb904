//! Pieces of an object, on their way from the network to a file.

use std::fs::File;
use std::io::{self, IoSlice, Write};

use bytes::{Bytes, BytesMut};

use super::steps::STEP;

/// The shortest piece that is kept as it is, in bytes. Shorter ones are copied together: each may be a part of a buffer
/// of 64 KiB, which it would keep in memory.
const LONG: usize = 32 << 10;

/// Pieces that wait until they are written.
#[derive(Default)]
pub(super) struct Pieces {
    long: Vec<Bytes>,
    /// The short ones since the last long one.
    short: BytesMut,
    /// Bytes of all of them.
    len: usize,
}

impl Pieces {
    /// Adds a piece after the others.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        if piece.len() < LONG {
            self.short.extend_from_slice(&piece);
        } else {
            self.join_short();
            self.long.push(piece);
        }
    }

    /// Whether they are to be written, with one call.
    pub(super) fn are_many(&self) -> bool {
        self.len >= STEP
    }

    /// Writes all of them.
    pub(super) fn write_to(&mut self, mut file: &File) -> io::Result<()> {
        self.join_short();
        let mut slices: Vec<IoSlice<'_>> = self.long.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut unwritten = &mut slices[..];
        while !unwritten.is_empty() {
            match file.write_vectored(unwritten) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut unwritten, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.long.clear();
        self.len = 0;
        Ok(())
    }

    /// Makes the short pieces a long one.
    fn join_short(&mut self) {
        if !self.short.is_empty() {
            self.long.push(self.short.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    #[test]
    fn pieces_of_all_lengths_are_written_in_their_order() {
        let mut file = tempfile::tempfile().unwrap();
        let (mut pieces, mut expected) = (Pieces::default(), Vec::new());
        for (number, len) in (0u8..).zip([0, 1, LONG, LONG - 1, 2, STEP, 0, LONG, LONG, 7]) {
            let piece = vec![number; len];
            expected.extend_from_slice(&piece);
            pieces.push(piece.into());
            if pieces.are_many() {
                pieces.write_to(&file).unwrap();
                assert!(!pieces.are_many());
            }
        }
        pieces.write_to(&file).unwrap();
        pieces.write_to(&file).unwrap();
        let mut written = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut written).unwrap();
        assert!(written == expected);
    }

    #[test]
    fn a_short_piece_does_not_keep_a_long_buffer() {
        let buffer = Bytes::from(vec![7; STEP]);
        let mut pieces = Pieces::default();
        for _ in 0..1000 {
            pieces.push(buffer.slice(..1));
        }
        assert!(pieces.long.is_empty() && buffer.is_unique());
    }
}

//! Changes to a file that are made while it is read: in one pass, in constant memory, whatever its size.

use std::io::{self, Read, Seek, SeekFrom};

/// The most changes that one file may need: they are kept in memory. One more is kept, and no others.
pub(super) const MAX_EDITS: usize = 1 << 20;

/// The replacement of some bytes of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
enum With {
    /// These bytes; none of them: the place is gone.
    Bytes(Vec<u8>),
    /// As many bytes as there were, all of them this one.
    Same(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    at: u64,
    len: u64,
    with: With,
}

/// Changes, of which no two touch the same byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// Takes `len` bytes away.
    pub(super) fn remove(&mut self, at: u64, len: u64) {
        self.replace(at, len, Vec::new());
    }

    /// Puts `bytes` in the place of `len` bytes.
    pub(super) fn replace(&mut self, at: u64, len: u64, bytes: Vec<u8>) {
        self.push(Edit { at, len, with: With::Bytes(bytes) });
    }

    /// Puts `bytes` in the place of what is removed at `at`.
    pub(super) fn put(&mut self, at: u64, bytes: Vec<u8>) {
        if let Some(edit) = self.0.iter_mut().find(|edit| edit.at == at) {
            edit.with = With::Bytes(bytes);
        }
    }

    /// Makes `len` bytes all the same, so that nothing moves.
    pub(super) fn fill(&mut self, at: u64, len: u64, byte: u8) {
        self.push(Edit { at, len, with: With::Same(byte) });
    }

    fn push(&mut self, edit: Edit) {
        if edit.len > 0 && self.0.len() <= MAX_EDITS {
            self.0.push(edit);
        }
    }

    /// Whether a file needs more of them than it may.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > MAX_EDITS
    }

    /// Puts them into their order. `false`: two of them contradict each other.
    pub(super) fn settle(&mut self) -> bool {
        self.0.sort_by_key(|edit| edit.at);
        let mut settled: Vec<Edit> = Vec::with_capacity(self.0.len());
        for edit in self.0.drain(..) {
            match settled.last_mut() {
                Some(last)
                    if edit.at < last.at + last.len || (edit.at == last.at + last.len && edit.with == last.with) =>
                {
                    let (With::Same(one), With::Same(other)) = (&last.with, &edit.with) else {
                        // Nothing follows nothing: two removals side by side.
                        if edit.at == last.at + last.len {
                            settled.push(edit);
                            continue;
                        }
                        return false;
                    };
                    if one != other {
                        return false;
                    }
                    last.len = last.len.max(edit.at + edit.len - last.at);
                }
                _ => settled.push(edit),
            }
        }
        self.0 = settled;
        true
    }

    /// How long a source of `len` bytes becomes.
    pub fn len_of(&self, len: u64) -> u64 {
        self.0.iter().fold(len, |len, edit| match &edit.with {
            With::Bytes(bytes) => len - edit.len + bytes.len() as u64,
            With::Same(_) => len,
        })
    }
}

/// A source, from its beginning, with changes made to it.
pub struct Edited<R> {
    source: R,
    edits: std::vec::IntoIter<Edit>,
    next: Option<Edit>,
    /// The offset at which the source is being read, and its length when the changes were found.
    at: u64,
    end: u64,
    /// The replacement that is being written, the bytes of it that were written, and its length.
    writing: Option<(With, u64, u64)>,
}

impl<R: Read + Seek> Edited<R> {
    /// `edits` were found in the `len` bytes of `source`.
    ///
    /// # Errors
    /// Any error of the source, which is rewound.
    pub fn new(mut source: R, len: u64, edits: Edits) -> io::Result<Self> {
        source.seek(SeekFrom::Start(0))?;
        let mut edits = edits.0.into_iter();
        let next = edits.next();
        Ok(Self { source, edits, next, at: 0, end: len, writing: None })
    }

    /// Writes what stands in the place of the current edit. `0`: all of it is written.
    fn write(&mut self, space: &mut [u8]) -> usize {
        let Some((with, done, len)) = &mut self.writing else { return 0 };
        let count = usize::try_from(*len - *done).unwrap_or(usize::MAX).min(space.len());
        match with {
            With::Bytes(bytes) => {
                let from = usize::try_from(*done).unwrap_or(usize::MAX);
                space[..count].copy_from_slice(&bytes[from..from + count]);
            }
            With::Same(byte) => space[..count].fill(*byte),
        }
        *done += count as u64;
        if done == len {
            self.writing = None;
        }
        count
    }
}

impl<R: Read + Seek> Read for Edited<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if space.is_empty() {
            return Ok(0);
        }
        loop {
            let written = self.write(space);
            if written > 0 {
                return Ok(written);
            }
            self.writing = None;
            match self.next.take_if(|edit| edit.at == self.at) {
                Some(edit) => {
                    self.at += edit.len;
                    self.source.seek(SeekFrom::Start(self.at))?;
                    let len = match &edit.with {
                        With::Bytes(bytes) => bytes.len() as u64,
                        With::Same(_) => edit.len,
                    };
                    self.writing = Some((edit.with, 0, len));
                    self.next = self.edits.next();
                }
                None => {
                    let until = self.next.as_ref().map_or(self.end, |edit| edit.at);
                    let left = usize::try_from(until - self.at).unwrap_or(usize::MAX).min(space.len());
                    if left == 0 {
                        return Ok(0);
                    }
                    let count = self.source.read(&mut space[..left])?;
                    if count == 0 {
                        return Err(io::Error::new(
                            io::ErrorKind::UnexpectedEof,
                            "the file became shorter while it was read",
                        ));
                    }
                    self.at += count as u64;
                    return Ok(count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_wherever_reads_begin_and_end() {
        let source: Vec<u8> = (0..100).collect();
        let mut edits = Edits::default();
        edits.fill(50, 10, 0xff);
        edits.remove(0, 3);
        edits.remove(3, 2);
        edits.replace(20, 5, vec![1, 2, 3, 4, 5, 6, 7]);
        edits.fill(55, 10, 0xff);
        edits.remove(90, 10);
        assert!(edits.settle());
        let wanted = [&source[5..20], &[1, 2, 3, 4, 5, 6, 7], &source[25..50], &[0xff; 15], &source[65..90]].concat();
        assert_eq!(edits.len_of(100), wanted.len() as u64);
        for size in [1, 2, 3, 7, 200] {
            let mut edited = Edited::new(io::Cursor::new(&source), 100, edits.clone()).unwrap();
            let (mut read, mut space) = (Vec::new(), vec![0; size]);
            loop {
                match edited.read(&mut space).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&space[..count]),
                }
            }
            assert_eq!(read, wanted, "{size}");
        }
        edits.remove(52, 1);
        assert!(!edits.settle(), "two changes of one byte");
    }

    #[test]
    fn a_source_that_became_shorter_is_an_error() {
        let mut edited = Edited::new(io::Cursor::new([0; 50]), 100, Edits::default()).unwrap();
        assert_eq!(edited.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

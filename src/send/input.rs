//! The files of a share: each by itself, and all of them as one stream.

use std::io::{self, Read};

use crate::manifest::Entry;
use crate::media;
use crate::send::error::SendError;

/// One file to send.
pub struct Input {
    /// The name that the recipient reads, if it has one.
    pub name: Option<String>,
    /// The name that errors give it.
    pub label: String,
    /// Its bytes.
    pub reader: Box<dyn Read + Send>,
    /// Whether an empty input is an error: then the program at the other end of a pipe has failed.
    pub must_have_content: bool,
}

/// All inputs, read one after another, and the manifest's entries for them.
pub(super) struct Album {
    inputs: std::vec::IntoIter<Input>,
    /// The input that is being read, its first bytes, and how many bytes it had so far.
    current: Option<(Input, Vec<u8>, u64)>,
    /// The entries of the inputs that were read to their ends.
    pub(super) entries: Vec<Entry>,
    /// The reason why reading failed.
    pub(super) failure: Option<SendError>,
}

impl Album {
    /// Nothing is read yet.
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self { inputs: inputs.into_iter(), current: None, entries: Vec::new(), failure: None }
    }

    fn fail(&mut self, failure: SendError) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("an input failed")
    }
}

impl Read for Album {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((input, head, size)) = &mut self.current else {
                match self.inputs.next() {
                    Some(input) => self.current = Some((input, Vec::new(), 0)),
                    None => return Ok(0),
                }
                continue;
            };
            match input.reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let name = input.label.clone();
                    return Err(self.fail(SendError::Read { name, error }));
                }
                Ok(0) if *size == 0 && input.must_have_content => return Err(self.fail(SendError::Empty)),
                Ok(0) => {
                    let kind = media::sniff(head, *size <= media::HEAD_LEN as u64);
                    self.entries.push(Entry::new(input.name.take(), kind.to_owned(), *size));
                    self.current = None;
                }
                Ok(count) => {
                    let wanted = (media::HEAD_LEN - head.len()).min(count);
                    head.extend_from_slice(&space[..wanted]);
                    *size += count as u64;
                    return Ok(count);
                }
            }
        }
    }
}

//! One source for several shares: it is read once, and each share gets every byte of it.
//!
//! The slowest upload sets the pace. One that has failed is left behind, and the others go on.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::{Buf, Bytes, BytesMut};

use crate::send::input::Input;

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Pieces that may wait for the slowest.
const AHEAD: usize = 8;

/// A piece of the source.
#[derive(Clone)]
enum Piece {
    Bytes(Bytes),
    /// Of one input.
    End,
    Failed(Arc<io::Error>),
}

/// `inputs`, `count` times. They are read by a thread of their own, one after another.
pub(super) fn copies(inputs: Vec<Input>, count: usize) -> Vec<Vec<Input>> {
    if count == 1 {
        return vec![inputs];
    }
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| sync_channel(AHEAD)).unzip();
    let copies = receivers.into_iter().map(|receiver| {
        let pieces = Arc::new(Mutex::new(receiver));
        let copy = |input: &Input| Input {
            name: input.name.clone(),
            label: input.label.clone(),
            reader: Box::new(Copy { pieces: pieces.clone(), piece: Bytes::new() }),
            must_have_content: input.must_have_content,
        };
        inputs.iter().map(copy).collect()
    });
    let copies = copies.collect();
    thread::spawn(move || distribute(inputs, senders));
    copies
}

fn distribute(inputs: Vec<Input>, mut to: Vec<SyncSender<Piece>>) {
    let mut give = |piece: Piece| {
        to.retain(|sender| sender.send(piece.clone()).is_ok());
        !to.is_empty()
    };
    let mut buffer = BytesMut::new();
    for mut input in inputs {
        loop {
            buffer.resize(PIECE, 0);
            let piece = match input.reader.read(&mut buffer) {
                Ok(0) => Piece::End,
                Ok(count) => Piece::Bytes(buffer.split_to(count).freeze()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    give(Piece::Failed(Arc::new(error)));
                    return;
                }
            };
            let ended = matches!(piece, Piece::End);
            if !give(piece) {
                return;
            }
            if ended {
                break;
            }
        }
    }
}

/// One input of one copy. The inputs of a copy are read in their order.
struct Copy {
    pieces: Arc<Mutex<Receiver<Piece>>>,
    piece: Bytes,
}

impl Read for Copy {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let next = self.pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match next {
                Ok(Piece::Bytes(bytes)) => self.piece = bytes,
                Ok(Piece::End) => return Ok(0),
                Ok(Piece::Failed(error)) => return Err(io::Error::new(error.kind(), error)),
                Err(_) => return Err(io::Error::other("the source is gone")),
            }
        }
        let count = self.piece.len().min(space.len());
        self.piece.copy_to_slice(&mut space[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(reader: impl Read + Send + 'static) -> Input {
        Input { name: None, label: "it".to_owned(), reader: Box::new(reader), must_have_content: false }
    }

    fn read(mut input: Input) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        input.reader.read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn every_copy_is_whole_and_one_that_is_dropped_holds_nobody_up() {
        let content: Vec<u8> = (0..5_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
        let inputs = vec![input(io::Cursor::new(content.clone())), input(io::empty()), input(&b"end"[..])];
        let mut made = copies(inputs, 3);
        drop(made.remove(1));
        let threads: Vec<_> = made
            .into_iter()
            .map(|copy| thread::spawn(move || copy.into_iter().map(|input| read(input).unwrap()).collect::<Vec<_>>()))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), [content.clone(), Vec::new(), b"end".to_vec()]);
        }
    }

    #[test]
    fn every_copy_hears_of_a_failure() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        for copy in copies(vec![input(Broken)], 2) {
            let error = copy.into_iter().map(read).next().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
    }
}

//! Bytes from a terminal, divided into keys and escape sequences. Replies of a terminal to queries arrive between typed
//! keys, at any time and in pieces, and are never keys (ECMA-48, sections 5.4 and 5.6).

use zeroize::Zeroizing;

/// The first byte of every sequence.
const ESC: u8 = 0x1b;
/// A limit above the length of any reply, in bytes.
const MAX_SEQUENCE: usize = 4096;

/// Divides bytes that arrive in pieces.
#[derive(Default)]
pub(crate) struct Divider {
    pending: Vec<u8>,
}

impl Divider {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next byte that was typed, or the next whole sequence. `None`: it is incomplete.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let len = len_of_first(&self.pending)?;
        Some(self.pending.drain(..len).collect())
    }

    /// Whether a sequence has begun and not ended.
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the pending bytes are a lone Esc, which is a key if nothing follows.
    pub(crate) fn is_lone_esc(&self) -> bool {
        self.pending == [ESC]
    }

    /// Returns the incomplete sequence: a lone Esc is the key.
    pub(crate) fn give_up(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }
}

/// The length of the first key or sequence in bytes. `None`: it is incomplete.
pub(super) fn len_of_first(bytes: &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    if *first != ESC {
        return Some(1);
    }
    // Control characters other than the sequence's own end were typed, and end a truncated sequence.
    match rest.first()? {
        b'[' => {
            let end = rest[1..].iter().position(|byte| !matches!(byte, 0x20..=0x3f));
            let at = 2 + end?;
            Some(if matches!(bytes[at], 0x40..=0x7e) { at + 1 } else { at })
        }
        b'O' => {
            let is_key = rest.get(1)?.is_ascii_graphic();
            Some(if is_key { 3 } else { 2 })
        }
        b'P' | b']' | b'_' | b'^' | b'X' => {
            let Some(end) = rest.iter().position(|byte| *byte < 0x20) else {
                return (bytes.len() > MAX_SEQUENCE).then_some(bytes.len());
            };
            let at = 1 + end;
            match (bytes[at], bytes.get(at + 1)) {
                (0x07, _) => Some(at + 1),
                (ESC, None) => None,
                (ESC, Some(b'\\')) => Some(at + 2),
                _ => Some(at),
            }
        }
        ..0x20 => Some(1),
        // Alt and a key.
        _ => Some(2),
    }
}

/// A typed line without its escape sequences.
pub(crate) fn typed(line: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut typed = Zeroizing::new(Vec::with_capacity(line.len()));
    let mut rest = line;
    while let Some(len) = len_of_first(rest) {
        if rest[0] != ESC {
            typed.push(rest[0]);
        }
        rest = &rest[len..];
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_the_terminal_are_not_typed() {
        for (line, kept) in [
            ("\x1bP>|kitty(0.35)\x1b\\\x1b[?62;cn\n", "n\n"),
            ("ho\x1b[6;20;10trse\n", "horse\n"),
            ("\x1b_Gi=31;OK\x1b\\v\n", "v\n"),
            ("\x1b]11;rgb:0000/0000/0000\x07s\n", "s\n"),
            // Arrows, and keys with Alt.
            ("a\x1b[Db\x1bOC\x1bfc\n", "abc\n"),
            // Truncated.
            ("\x1b[?62\n", "\n"),
            ("\x1bP>|kit\n", "\n"),
            ("\x1b\n", "\n"),
            ("grüße\n", "grüße\n"),
        ] {
            assert_eq!(typed(line.as_bytes()).as_slice(), kept.as_bytes(), "{line:?}");
        }
    }

    #[test]
    fn a_sequence_in_pieces_is_one_sequence() {
        let whole = b"q\x1bP>|kitty(0.35)\x1b\\\x1b[?62;c\x1b[Ax";
        for cut in 0..whole.len() {
            let mut divider = Divider::default();
            let mut keys = Vec::new();
            for piece in [&whole[..cut], &whole[cut..]] {
                divider.push(piece);
                keys.extend(std::iter::from_fn(|| divider.next()));
            }
            assert_eq!(keys, [&b"q"[..], b"\x1bP>|kitty(0.35)\x1b\\", b"\x1b[?62;c", b"\x1b[A", b"x"], "{cut}");
        }
        let mut divider = Divider::default();
        divider.push(b"\x1b");
        assert!(divider.next().is_none() && divider.is_pending());
        assert_eq!(divider.give_up(), b"\x1b");
    }
}

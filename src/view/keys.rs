//! The viewer's keys, and the terminal's answers to pictures.

/// A key, or an answer of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Close,
    Next,
    Previous,
    Down,
    Up,
    PageDown,
    PageUp,
    Home,
    End,
    Copy,
    Save,
    Report,
    Play,
    /// Ctrl-C.
    Interrupt,
    /// No key: the terminal drew or refused the picture with this number.
    Drawn(u32),
    Refused(u32),
    Other,
}

impl Key {
    /// The key for one typed byte or one sequence.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if let Some((id, is_drawn)) = picture_answer(bytes) {
            return if is_drawn { Self::Drawn(id) } else { Self::Refused(id) };
        }
        match bytes {
            [b'q' | b'Q', ..] | [0x1b] => Self::Close,
            [0x03, ..] => Self::Interrupt,
            [b'c' | b'C', ..] => Self::Copy,
            [b's' | b'S', ..] => Self::Save,
            [b'r' | b'R', ..] => Self::Report,
            [b'\r' | b'\n' | b'p' | b'P', ..] => Self::Play,
            [0x1b, b'[' | b'O', b'C', ..] | [b'l' | b'n', ..] => Self::Next,
            [0x1b, b'[' | b'O', b'D', ..] | [b'h', ..] => Self::Previous,
            [0x1b, b'[' | b'O', b'A', ..] | [b'k', ..] => Self::Up,
            [0x1b, b'[' | b'O', b'B', ..] | [b'j', ..] => Self::Down,
            [0x1b, b'[' | b'O', b'H', ..] | [0x1b, b'[', b'1' | b'7', b'~', ..] | [b'g', ..] => Self::Home,
            [0x1b, b'[' | b'O', b'F', ..] | [0x1b, b'[', b'4' | b'8', b'~', ..] | [b'G', ..] => Self::End,
            [0x1b, b'[', b'5', ..] => Self::PageUp,
            [0x1b, b'[', b'6', ..] | [b' ', ..] => Self::PageDown,
            _ => Self::Other,
        }
    }
}

/// The answer of Kitty's protocol to a picture: its number, and whether it was drawn.
fn picture_answer(bytes: &[u8]) -> Option<(u32, bool)> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\x1b_G")?).ok()?;
    let (keys, answer) = text.split_once(';')?;
    let id = keys.split(',').find_map(|key| key.strip_prefix("i="))?.parse().ok()?;
    Some((id, answer.starts_with("OK")))
}

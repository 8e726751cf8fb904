//! How showing ends.

use std::io;
use std::path::PathBuf;

use crate::view::memory::MemoryFile;
use crate::view::picture::DecodeError;

/// Saves all files of a share out of memory, and returns their paths. A key calls it.
pub type Save = Box<dyn FnMut(&MemoryFile) -> io::Result<Vec<PathBuf>> + Send>;

/// How showing a share ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was seen and closed, or saved.
    Closed {
        /// The files as which it was saved.
        saved: Vec<PathBuf>,
    },
    /// The person left in the middle: it may be looked at again.
    Left,
    /// It could not be shown.
    Unseen(Unseen),
}

impl End {
    /// Seen, closed, and not saved.
    pub(super) const SEEN: Self = Self::Closed { saved: Vec::new() };
}

/// Why something does not count as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unseen {
    /// Its first bytes are not those of a photo, a video or a sound.
    #[error("it is not what its sender says it is")]
    NotPlayable,
    /// A film that is fetched as it plays ended early.
    #[error("the connection to the relay broke")]
    Broke,
    /// A page reported that a file failed.
    #[error("the browser could not show all of it")]
    Browser,
    /// A share has a file that nothing shows, and that was not saved.
    #[error("a file in it can only be saved, and was not")]
    FileLeft,
    /// Kitty's protocol has an answer, which did not come.
    #[error("the terminal did not confirm that it drew the picture")]
    Unconfirmed,
    /// That answer is an error.
    #[error("the terminal refused it")]
    Refused,
    /// Even a small version of the picture is longer than the terminal takes.
    #[error("the terminal cannot draw a picture of this size")]
    Undrawable,
    /// Decoding it failed.
    #[error(transparent)]
    Undecoded(#[from] DecodeError),
    /// An album has no file that counts as seen.
    #[error("no part of the share can be shown")]
    NoPart,
    /// A player was closed before its first picture or sound.
    #[error("the viewer had shown nothing yet")]
    NothingYet,
    /// A player played the sound of a film only.
    #[error("the viewer could not show its pictures")]
    SoundOnly,
    /// A player ended sooner than anybody could have seen anything.
    #[error("the viewer ended at once")]
    EndedAtOnce,
    /// A player ended with an error.
    #[error("the viewer could not show it")]
    Player,
}

//! How viewing ends.

use std::io;
use std::path::PathBuf;

use crate::view::memory::MemoryFile;
use crate::view::picture::DecodeError;

/// Saves all files of a share from memory, and returns their paths.
pub type Save = Box<dyn FnMut(&MemoryFile) -> io::Result<Vec<PathBuf>> + Send>;

/// Reports a share to the operator of its relay.
pub struct Report {
    /// The question before it, with a paragraph for each line. The first one is the question itself.
    pub question: String,
    /// Whether an earlier run has reported the share.
    pub is_reported: bool,
    /// Sends the report.
    pub send: SendReport,
}

/// Sends a report with a note: returns whether it was the first one of the share, or the reason in words. Asks the
/// closure every few milliseconds whether to give up, and returns `None` then: the relay may have the report.
pub type SendReport = Box<dyn FnMut(&str, &mut dyn FnMut() -> bool) -> Option<Result<bool, String>> + Send>;

/// How showing a share ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was seen or saved, and closed.
    Closed {
        /// The paths of the saved files.
        saved: Vec<PathBuf>,
    },
    /// The user left without closing: the share can be viewed again.
    Left,
    /// It could not be shown.
    Unseen(Unseen),
}

impl End {
    /// Seen, closed, and not saved.
    pub(super) const SEEN: Self = Self::Closed { saved: Vec::new() };
}

/// Why a share does not count as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unseen {
    /// Its first bytes are not those of a photo, a video or a sound.
    #[error("the file is not of the type that the sender set")]
    NotPlayable,
    /// A video that is downloaded as it plays ended early.
    #[error("the connection to the relay broke")]
    Broke,
    /// A page reported that a file failed.
    #[error("the browser could not show every file")]
    Browser,
    /// A file that can only be saved was not saved.
    #[error("a file that can only be saved was not saved")]
    FileLeft,
    /// The terminal did not answer, as Kitty's protocol requires.
    #[error("the terminal did not confirm that it drew the picture")]
    Unconfirmed,
    /// The terminal answered with an error.
    #[error("the terminal refused the picture")]
    Refused,
    /// Even a small version of the picture exceeds the terminal's limits.
    #[error("the terminal cannot draw a picture of this size")]
    Undrawable,
    /// Decoding it failed.
    #[error(transparent)]
    Undecoded(#[from] DecodeError),
    /// No file of an album counts as seen.
    #[error("none of the files can be shown")]
    NoPart,
    /// A player was closed before its first picture or sound.
    #[error("the viewer was closed before it showed anything")]
    NothingYet,
    /// A player played only the sound of a video.
    #[error("the viewer played the sound but could not show the picture")]
    SoundOnly,
    /// A player exited too early to have shown anything.
    #[error("the viewer exited at once")]
    EndedAtOnce,
    /// A player exited with an error.
    #[error("the viewer exited with an error")]
    Player,
}

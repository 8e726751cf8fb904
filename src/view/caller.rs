//! The viewer's interface to its caller: words that the whole program shares, and notices while a window or a browser
//! shows the files.

use std::path::Path;

use crate::terminal::clipboard::Copied;

/// Words of the caller.
#[derive(Clone, Copy)]
pub struct Words {
    /// A size in bytes: `3.4 MB`.
    pub size: fn(u64) -> String,
    /// A path, relative to the current directory if it is below it.
    pub path: fn(&Path) -> String,
    /// The message about a copied text.
    pub copied: fn(Copied) -> &'static str,
    /// The sentence above the files on a page in a browser.
    pub page: &'static str,
}

/// A notice while a file is shown outside the terminal, or about a picture that was shown in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerNotice<'a> {
    /// A program shows the file in a window, which may appear behind others.
    InPlayer {
        /// The program's name.
        name: &'a str,
    },
    /// No browser on this desktop requested the page. Any browser on this computer can.
    NoBrowser {
        /// Why none did.
        why: &'a str,
        /// The address of the page.
        url: &'a str,
        /// Whether the key `s` saves the files.
        saves: bool,
    },
    /// A browser has requested the page.
    InBrowser {
        /// Whether the key `s` saves the files.
        saves: bool,
    },
    /// tmux did not show its pane at the end, so the terminal around it may still have a photo in its memory.
    MayRemain,
}

/// Prints notices.
pub type Notify<'a> = &'a (dyn Fn(ViewerNotice<'_>) + Sync);

//! The viewer's interface to its caller: words that are the same everywhere in the program, and notices for the person
//! while a window or a browser shows something.

use std::path::Path;

use crate::terminal::clipboard::Copied;

/// Words that the caller chooses.
#[derive(Clone, Copy)]
pub struct Words {
    /// A size in bytes: `3.4 MB`.
    pub size: fn(u64) -> String,
    /// A path as a person would write it here.
    pub path: fn(&Path) -> String,
    /// How a text was copied.
    pub copied: fn(Copied) -> &'static str,
}

/// A notice for the person while a file is shown outside the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerNotice<'a> {
    /// A program shows it in a window of its own, which may come up behind others.
    InPlayer {
        /// The program's name.
        name: &'a str,
    },
    /// No browser of this desktop came. Any browser of this machine shows the page.
    NoBrowser {
        /// Why none came.
        why: &'a str,
        /// The address of the page.
        url: &'a str,
        /// Whether the key `s` saves it.
        saves: bool,
    },
    /// A browser has asked for the page.
    InBrowser {
        /// Whether the key `s` saves it.
        saves: bool,
    },
}

/// Prints notices.
pub type Notify<'a> = &'a (dyn Fn(ViewerNotice<'_>) + Sync);

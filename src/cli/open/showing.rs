//! The viewer's words.

use crate::cli::clipboard;
use crate::cli::output::{Output, format};
use crate::view::{ViewerNotice, Words};

/// Words that the viewer shares with the rest of the program.
pub(in crate::cli) const WORDS: Words = Words {
    size: format::size,
    path: format::path,
    copied: clipboard::words,
    page: "This link works once. Closing this page ends the share.",
};

/// The warning about a photo that tmux kept the viewer from deleting.
pub(in crate::cli) const MAY_REMAIN: &str =
    "tmux did not pass the deletion on: the terminal may keep the photo in its memory until it is closed";

/// Prints a notice of the viewer. `is_held`: the relay keeps the share for an hour after its end.
pub(super) fn notice(notice: ViewerNotice<'_>, is_held: bool, output: &Output) {
    let then = if is_held { "the share ends" } else { "the relay deletes the share" };
    let save = |saves: bool| if saves { "Press s to save here. " } else { "" };
    match notice {
        ViewerNotice::InPlayer { name } => {
            output.info(&format!("Opened in {name}. Close {name}, and {then}."));
        }
        ViewerNotice::NoBrowser { why, url, saves } => {
            output
                .info(&format!("No browser loaded the page ({why}). Open this address in a browser on this computer:"));
            output.info(url);
            output.info(&format!("{}Press q to stop.", save(saves)));
        }
        ViewerNotice::InBrowser { saves } => {
            output.info(&format!("Opened in your browser. {}Close the page, or press q, and {then}.", save(saves)));
        }
        ViewerNotice::MayRemain => output.warn(MAY_REMAIN),
    }
}

//! The words of the viewer.

use crate::cli::clipboard;
use crate::cli::output::{Output, format};
use crate::view::{ViewerNotice, Words};

/// The words that the viewer writes as the rest of the program does.
pub(super) const WORDS: Words = Words { size: format::size, path: format::path, copied: clipboard::words };

/// Prints a notice of the viewer.
pub(super) fn notice(notice: ViewerNotice<'_>, output: &Output) {
    let with_save = |saves: bool| if saves { "s saves it. " } else { "" };
    match notice {
        ViewerNotice::InPlayer { name } => output.info(&format!("It is shown by {name}. Close that, and it is gone.")),
        ViewerNotice::NoBrowser { why, url, saves } => {
            output
                .info(&format!("No browser loaded the page ({why}). Open this address in a browser on this machine:"));
            output.info(url);
            output.info(&format!("{}q ends this.", with_save(saves)));
        }
        ViewerNotice::InBrowser { saves } => output.info(&format!(
            "It is shown in your browser. {}Close that page, or press q here, and it is gone.",
            with_save(saves)
        )),
    }
}

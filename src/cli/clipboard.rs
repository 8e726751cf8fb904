//! Messages about a copy to the clipboard.

use crate::terminal::clipboard::Copied;

/// The clipboard that has the copy, and for how long.
pub(crate) fn words(copied: Copied) -> &'static str {
    match copied {
        Copied::Held => "Copied to the clipboard for 10 minutes. Clipboard managers are asked to keep no copy.",
        Copied::Kept => "Copied to the clipboard. Clipboard managers are asked to keep no copy.",
        Copied::Terminal => "Copied through the terminal, if it allows that. A clipboard manager may keep a copy.",
    }
}

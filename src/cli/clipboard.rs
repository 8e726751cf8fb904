//! The words about a copy to the clipboard.

use crate::terminal::clipboard::Copied;

/// How something was copied, for people.
pub(crate) fn words(copied: Copied) -> &'static str {
    match copied {
        Copied::Held => {
            "Copied. The clipboard forgets it after ten minutes, and keeps it out of its history if it can."
        }
        Copied::Terminal => {
            "Copied through the terminal, if it lets programs do that. Its clipboard may keep a history."
        }
    }
}

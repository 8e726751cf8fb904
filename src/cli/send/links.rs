//! The links of one `share send`: printed, copied, and drawn as a QR code. Links and passphrases are in memory that is
//! wiped, up to the terminal.

use std::io;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::clipboard::words;
use crate::cli::output::qr::Pen;
use crate::cli::output::{self, Output, format, qr};
use crate::safe_text::{printable, reason};
use crate::secret::Flags;
use crate::send::Committed;
use crate::terminal::clipboard;

/// How links are shown.
pub(super) struct LinkDisplay<'a> {
    /// In the form that no bot and no preview follows.
    pub(super) bare: bool,
    /// A passphrase that was made here.
    pub(super) passphrase: Option<&'a str>,
    /// The metadata that was removed, in words.
    pub(super) removed: Option<String>,
}

/// A share for programs. The fields are in the order of their names, as in every event.
#[derive(Serialize)]
struct SentEvent<'a> {
    event: &'static str,
    expires: Option<u64>,
    files: Value,
    r#for: Option<&'a str>,
    id: Option<String>,
    link: &'a str,
    passphrase: Option<&'a str>,
    removed: Option<&'a str>,
    v: u32,
}

/// Prints the links, one a line.
pub(super) fn print(batch: &Committed, shown: &LinkDisplay<'_>, output: &Output) -> io::Result<()> {
    for share in batch.shares() {
        let text = share.text(shown.bare).ok_or(io::ErrorKind::InvalidData)?;
        let entry = share.entry();
        if let Some(recipient) = &entry.recipient {
            output.info(&format!("for {}:", printable(recipient)));
        }
        let event = || SentEvent {
            event: "sent",
            expires: entry.expires,
            files: format::files(&share.sent().manifest),
            r#for: entry.recipient.as_deref(),
            id: entry.id().map(|id| id.hex()),
            link: &text,
            passphrase: shown.passphrase,
            removed: shown.removed.as_deref(),
            v: 1,
        };
        output.secret_result(&text, event)?;
    }
    Ok(())
}

/// Copies the links to the clipboard. They are printed all the same.
pub(super) fn copy(batch: &Committed, bare: bool, output: &Output) {
    let links: Vec<_> = batch.shares().iter().filter_map(|share| share.text(bare)).collect();
    let text = Zeroizing::new(links.iter().map(|link| link.as_str()).collect::<Vec<_>>().join("\n"));
    match clipboard::copy(&text) {
        Ok(how) => output.info(words(how)),
        Err(why) => output.warn(&format!("it was not copied: {why}")),
    }
}

/// Draws the link as a QR code, where there is one link and a terminal.
pub(super) fn show_qr(batch: &Committed, output: &Output) {
    if output.is_json() {
        return;
    }
    let Some(columns) = output::columns() else {
        output.info("The QR code is for a terminal, and there is none.");
        return;
    };
    let [share] = batch.shares() else { return };
    let Some(pen) = Pen::of_this_terminal() else {
        output.info("This terminal cannot show a QR code: it needs colors, or UTF-8.");
        return;
    };
    match share.link().web().and_then(|link| qr::draw(&link, columns, pen)) {
        Some(code) => {
            output.info(&code);
            if share.link().secret.flags().contains(Flags::DIRECT) {
                output.info("A browser that follows it trusts this network: it cannot know whom it speaks to.");
            }
        }
        None => output.info("The terminal is too narrow for the QR code."),
    }
}

/// Warns that nobody can ask about shares or revoke them later.
pub(super) fn warn_of_no_outbox(error: &io::Error, output: &Output) {
    let why = reason(error);
    output.warn(&format!("nothing can be kept on this device ({why}): you cannot ask for it or take it back later"));
}

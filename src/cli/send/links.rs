//! The links of one `share send`: printed, copied, and drawn as a QR code. Links and passphrases are in memory that is
//! wiped, up to the terminal.

use std::io;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cli::clipboard::words;
use crate::cli::output::qr::{Pen, Space};
use crate::cli::output::{self, Output, format, qr, wrapped};
use crate::relay::Left;
use crate::safe_text::{printable, reason};
use crate::secret::Flags;
use crate::send::Committed;
use crate::terminal::clipboard::{self, Copied};
use crate::terminal::notice::Occasion;

/// The instruction that goes with a passphrase.
const ANOTHER_WAY: &str = "Send the passphrase to the recipient another way than the link.";
/// The label of a passphrase.
const PASSPHRASE: &str = "passphrase: ";

/// Whether a link is drawn as a QR code too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QrChoice {
    Never,
    /// If the code, the link and everything below it fit into the terminal.
    IfItFits,
    Always,
}

/// How links are shown.
pub(super) struct LinkDisplay<'a> {
    /// In the form that no bot and no preview follows.
    pub(super) bare: bool,
    /// A passphrase that was generated.
    pub(super) passphrase: Option<&'a str>,
    /// The metadata that was removed, in words.
    pub(super) removed: Option<String>,
    pub(super) qr: QrChoice,
    /// The line below the links.
    pub(super) status: &'a str,
}

/// A share for programs. The fields are in the order of their names, as in every event.
#[derive(Serialize)]
struct SentEvent<'a> {
    event: &'static str,
    expires: Option<u64>,
    files: Value,
    r#for: Option<&'a str>,
    id: Option<String>,
    left: Option<Left>,
    link: &'a str,
    passphrase: Option<&'a str>,
    removed: Option<&'a str>,
    v: u32,
}

/// Prints the QR code, the links, one a line, the passphrase and the status, so that all of it is on the screen.
///
/// # Errors
/// A link could not be written to standard output.
pub(super) fn print(batch: &Committed, shown: &LinkDisplay<'_>, output: &Output) -> io::Result<()> {
    let code = qr_code(batch, shown, output);
    if let Some(code) = &code {
        if shown.passphrase.is_some() {
            output.info(ANOTHER_WAY);
        }
        output.info(code);
    }
    print_links(batch, shown, output)?;
    if let Some(words) = shown.passphrase {
        output.show_secret(PASSPHRASE, words);
        if code.is_none() {
            output.info(ANOTHER_WAY);
        }
    }
    output.info(shown.status);
    Ok(())
}

fn print_links(batch: &Committed, shown: &LinkDisplay<'_>, output: &Output) -> io::Result<()> {
    for share in batch.shares() {
        let text = share.text(shown.bare).ok_or(io::ErrorKind::InvalidData)?;
        let entry = share.entry();
        if let Some(recipient) = &entry.recipient {
            output.info(&recipient_line(recipient));
        }
        let event = || SentEvent {
            event: "sent",
            expires: entry.expires,
            files: format::files(&share.sent().manifest),
            r#for: entry.recipient.as_deref(),
            id: entry.id().map(|id| id.hex()),
            left: share.sent().left,
            link: &text,
            passphrase: shown.passphrase,
            removed: shown.removed.as_deref(),
            v: 1,
        };
        output.secret_result(&text, event)?;
    }
    Ok(())
}

fn recipient_line(recipient: &str) -> String {
    format!("Link for {}:", printable(recipient))
}

/// Copies the links to the clipboard. They are printed all the same.
pub(super) fn copy(batch: &Committed, bare: bool, output: &Output) {
    match clipboard::copy(&text(batch, bare)) {
        Ok(how) => output.info(words(how)),
        Err(why) => output.warn(&format!("the link was not copied: {why}")),
    }
}

/// The links, one a line.
fn text(batch: &Committed, bare: bool) -> Zeroizing<String> {
    let links: Vec<_> = batch.shares().iter().filter_map(|share| share.text(bare)).collect();
    Zeroizing::new(links.iter().map(|link| link.as_str()).collect::<Vec<_>>().join("\n"))
}

/// Copies the links to the clipboard of the desktop, and shows a notification. The links are not printed: the output of
/// programs without a terminal ends up in a log.
///
/// # Errors
/// The reason why they were not copied.
pub(super) fn show_on_desktop(batch: &Committed, shown: &LinkDisplay<'_>, output: &Output) -> Result<(), String> {
    let paste = match clipboard::copy(&text(batch, shown.bare)) {
        Ok(Copied::Held) => " Paste within 10 minutes.",
        Ok(Copied::Kept) => "",
        Ok(Copied::Terminal) => return Err("there is no clipboard".to_owned()),
        Err(why) => return Err(reason(&why)),
    };
    let title = match batch.shares().len() {
        1 => "Link copied".to_owned(),
        count => format!("{count} links copied"),
    };
    let removed = shown.removed.as_ref().map(|removed| format!("\nRemoved: {removed}.")).unwrap_or_default();
    output.notify(Occasion::Done, &title, &format!("{}{paste}{removed}", shown.status));
    Ok(())
}

/// The code for the link, if one is to be drawn, there is one link, and the terminal can show it. If it cannot, and the
/// user asked for the code, the reason is printed.
fn qr_code(batch: &Committed, shown: &LinkDisplay<'_>, output: &Output) -> Option<String> {
    let is_asked = shown.qr == QrChoice::Always;
    let [share] = batch.shares() else {
        if is_asked {
            output.info("No QR code: there are several links.");
        }
        return None;
    };
    if shown.qr == QrChoice::Never || output.is_quiet() {
        return None;
    }
    let Some(columns) = output::columns() else {
        output.info("No QR code: standard error is not a terminal.");
        return None;
    };
    let Some(pen) = Pen::of_this_terminal() else {
        output.info("No QR code: this terminal has neither colors nor UTF-8.");
        return None;
    };
    let rows_of = |text: &str| wrapped(text, Some(columns)).lines().map(|line| line_rows(line, columns)).sum();
    let below: usize = [
        share.entry().recipient.as_deref().map_or(0, |recipient| rows_of(&recipient_line(recipient))),
        share.text(shown.bare).map_or(0, |link| line_rows(&link, columns)),
        // The words of a passphrase are ASCII.
        shown.passphrase.map_or(0, |words| (PASSPHRASE.len() + words.len()).div_ceil(columns)),
        rows_of(shown.status),
        // The cursor.
        1,
    ]
    .iter()
    .sum();
    let screen = output::rows();
    let space = Space { columns, rows: screen.saturating_sub(below), screen, may_scroll: is_asked };
    let link = share.link().web()?;
    let code = qr::draw(&link, space, pen);
    match &code {
        Some(_) if share.link().secret.flags().contains(Flags::DIRECT) => {
            output.info("A browser cannot verify this computer: use the QR code only on a network that you trust.");
        }
        Some(_) => {}
        None if qr::draw(&link, Space { may_scroll: true, ..space }, pen).is_some() => {
            output.info("No QR code: this terminal has too few rows. To print a taller one anyway, use --qr.");
        }
        None => output.info("No QR code: this terminal is too narrow."),
    }
    code
}

/// The rows that a line takes in a terminal that breaks it anywhere.
fn line_rows(line: &str, columns: usize) -> usize {
    textwrap::core::display_width(line).div_ceil(columns).max(1)
}

/// Warns that nobody can check or revoke these shares later.
pub(super) fn warn_of_no_outbox(error: &io::Error, output: &Output) {
    let why = reason(error);
    output.warn(&format!("the state directory cannot be written ({why}): you cannot check or revoke this share later"));
}

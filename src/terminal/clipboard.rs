//! The clipboard of the desktop. Elsewhere, for example over SSH, the terminal is asked to set the clipboard of its own
//! machine (OSC 52).

use std::io::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::platform::clipboard;
use crate::platform::tty::Tty;
use crate::terminal::session::DesktopSession;

/// The clipboard that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The desktop's: a second process of this program holds it.
    Held,
    /// The desktop's, which keeps it.
    Kept,
    /// The terminal's. A terminal does not confirm that it was set.
    Terminal,
}

/// Copies `text`.
pub(crate) fn copy(text: &str) -> io::Result<Copied> {
    let session = DesktopSession::find();
    if session.is_desktop() {
        clipboard::set(text, |holder| session.apply(holder))?;
        return Ok(if clipboard::IS_HELD { Copied::Held } else { Copied::Kept });
    }
    let mut terminal =
        Tty::open_to_write().map_err(|_| io::Error::other("there is neither a desktop nor a terminal"))?;
    let coded = Zeroizing::new(BASE64_STANDARD.encode(text));
    write!(terminal, "\x1b]52;c;{}\x07", coded.as_str())?;
    Ok(Copied::Terminal)
}

//! Showing a share once: from memory, on a screen that is cleared afterwards. Nothing is left.
//!
//! | room | |
//! |---|---|
//! | [`Capabilities`] | the means of the terminal and the machine |
//! | `viewer` | one file after another on the terminal's screen, and the keys |
//! | `browser` | a browser, and the server that it talks to |
//! | `player` | videos: a program that gets them out of memory, and its reports |
//! | `picture`, `graphics`, `text` | photos decoded; in a terminal's language; text made harmless |
//! | `full_screen`, `keys` | the terminal's screen, put back as it was; what is typed there |
//! | `memory`, `blocking` | the plaintext meanwhile; work that blocks |
//! | `ending`, `caller` | how it ends; requests to the caller |
//!
//! Before a share is opened, [`Capabilities::showable`] decides whether and how it can be shown. [`show`] does it, and
//! returns when it was closed. A share is finished after that and never earlier, so a person who is interrupted may
//! look again. This room prints nothing to standard output or error: its caller gets a [`ViewerNotice`].

mod blocking;
pub mod browser;
mod caller;
mod capabilities;
mod ending;
mod full_screen;
mod graphics;
mod keys;
mod memory;
mod picture;
mod player;
mod text;
mod viewer;

use std::io;
use std::time::Duration;

use self::browser::{LocalServer, ShownFiles, browse};
pub use self::caller::{Notify, ViewerNotice, Words};
use self::capabilities::Means;
pub use self::capabilities::{Capabilities, Presentation, Showable, Unshowable};
pub use self::ending::{End, Save, Unseen};
pub use self::memory::MemoryFile;
pub use self::picture::DecodeError;
use self::player::wait::play_alone;
use self::player::{Playable, Player, is_playable};
pub use self::text::visible;
use self::viewer::Viewing;
use crate::manifest::Manifest;
use crate::media::HEAD_LEN;
use crate::open::Seekable;

/// A share that is to be shown, and how.
pub struct View {
    /// The means of this terminal and this machine.
    pub capabilities: Capabilities,
    /// One that these means allow.
    pub presentation: Presentation,
    /// The files.
    pub manifest: Manifest,
    /// After which it is closed by itself.
    pub time: Option<Duration>,
    /// Saves it, where that is allowed.
    pub save: Option<Save>,
    /// The caller's words.
    pub words: Words,
}

impl View {
    /// Whether all of it is fetched before it is shown.
    pub fn is_whole(&self) -> bool {
        !matches!(self.presentation, Presentation::Stream | Presentation::Page { whole: false })
    }
}

/// Shows a share that is in memory, until it was closed.
///
/// # Errors
/// The terminal, or a program that was started, failed.
pub async fn show(memory: MemoryFile, view: View, notify: Notify<'_>) -> io::Result<End> {
    memory.freeze()?;
    match view.presentation {
        Presentation::Screen => {
            let means: Vec<_> = view.manifest.entries.iter().map(|entry| view.capabilities.means(entry)).collect();
            let View { capabilities: Capabilities { player, session, cell, limits, .. }, .. } = view;
            if let ([Some(Means::Play)], Some(player)) = (&means[..], &player) {
                notify_of_window(player, notify);
            }
            let (manifest, time, save, words) = (view.manifest, view.time, view.save, view.words);
            let viewing = Viewing { memory, means, manifest, time, save, player, session, cell, limits, words };
            blocking::run(move |stop| viewing.run(stop)).await
        }
        Presentation::Page { .. } | Presentation::Stream => {
            let save = match view.save {
                Some(save) => Some((memory.shared()?, save)),
                None => None,
            };
            let content = ShownFiles::Memory(memory, view.manifest);
            browse(content, save, &view.capabilities.session, view.time, notify).await
        }
    }
}

/// Shows a share that is fetched piece by piece. Returns how it was closed.
///
/// # Errors
/// As of [`show`]; or its first bytes could not be fetched.
pub async fn show_through(window: Seekable, view: View, notify: Notify<'_>) -> io::Result<End> {
    let head = window.read(0, HEAD_LEN).await.map_err(io::Error::other)?;
    if !is_playable(&head) {
        return Ok(End::Unseen(Unseen::NotPlayable));
    }
    let content = ShownFiles::Window(Box::new(window));
    let Capabilities { player, session, .. } = view.capabilities;
    let (Presentation::Stream, Some(player)) = (view.presentation, player) else {
        return browse(content, None, &session, view.time, notify).await;
    };
    let server = LocalServer::start(content, true).await?;
    let url = server.file_url();
    let time = view.time;
    notify_of_window(&player, notify);
    let end = blocking::run(move |stop| play_alone(&player, &Playable::Url(&url), &session, time, stop)).await?;
    // A player takes the end of a broken connection for the end of the film.
    Ok(if server.broke() { End::Unseen(Unseen::Broke) } else { end })
}

/// A player's window may come up behind others.
fn notify_of_window(player: &Player, notify: Notify<'_>) {
    if !player.in_terminal {
        notify(ViewerNotice::InPlayer { name: &player.name() });
    }
}

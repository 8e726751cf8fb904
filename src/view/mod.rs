//! Shows a share once: from memory, on a screen that is cleared afterwards.
//!
//! | module | |
//! |---|---|
//! | [`Capabilities`] | what the terminal and the computer can show |
//! | `viewer` | one file after another on the terminal's screen, and its keys |
//! | `browser` | a browser, and its server |
//! | `player` | programs that play videos from memory, and their reports |
//! | `picture`, `graphics`, `text` | decoding photos; terminals' graphics protocols; text without control characters |
//! | `full_screen`, `keys` | the terminal's screen, restored at the end; its keys |
//! | `memory`, `blocking` | the plaintext in memory; work that blocks |
//! | `ending`, `caller` | the result; the interface to the caller |
//!
//! Before the opening, [`Capabilities::showable`] decides whether and how a share can be shown. [`show`] shows it, and
//! returns when it was closed. The share is finished only after that, so an interrupted viewing can be repeated. This
//! module prints nothing to standard output or error: its caller gets a [`ViewerNotice`].

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

use self::browser::{Client, LocalServer, ShownFiles, browse};
pub use self::caller::{Notify, ViewerNotice, Words};
use self::capabilities::Means;
pub use self::capabilities::{Capabilities, Presentation, Showable, Unshowable};
pub use self::ending::{End, Report, Save, SendReport, Unseen};
pub use self::memory::MemoryFile;
pub use self::picture::DecodeError;
use self::player::wait::play_alone;
use self::player::{Playable, Player, is_playable};
pub use self::text::visible;
use self::viewer::{Finished, Viewing};
use crate::manifest::Manifest;
use crate::media::HEAD_LEN;
use crate::open::Seekable;

/// A share, and how to show it.
pub struct View {
    /// Capabilities of this terminal and this computer.
    pub capabilities: Capabilities,
    /// One that the capabilities allow.
    pub presentation: Presentation,
    /// The files.
    pub manifest: Manifest,
    /// The time after which the viewer closes by itself.
    pub time: Option<Duration>,
    /// Saves the files. `None`: not allowed.
    pub save: Option<Save>,
    /// Reports the share. `None`: the relay has no operator.
    pub report: Option<Report>,
    /// Whether the relay keeps the share for a while after it was closed.
    pub is_held: bool,
    /// The caller's words.
    pub words: Words,
}

impl View {
    /// Whether the whole share is downloaded before it is shown.
    pub fn is_whole(&self) -> bool {
        !matches!(self.presentation, Presentation::Stream | Presentation::Page { whole: false })
    }
}

/// Shows a share from memory until it was closed.
///
/// # Errors
/// The terminal or a program failed.
pub async fn show(memory: MemoryFile, view: View, notify: Notify<'_>) -> io::Result<End> {
    memory.freeze()?;
    match view.presentation {
        Presentation::Screen => {
            let means: Vec<_> = view.manifest.entries.iter().map(|entry| view.capabilities.means(entry)).collect();
            let Capabilities { player, session, cell, limits, .. } = view.capabilities;
            if let ([Some(Means::Play)], Some(player)) = (&means[..], &player) {
                notify_of_window(player, notify);
            }
            let View { manifest, time, save, report, is_held, words, .. } = view;
            let viewing =
                Viewing { memory, means, manifest, time, save, report, is_held, player, session, cell, limits, words };
            let Finished { end, may_remain } = blocking::run(move |stop| viewing.run(stop)).await?;
            if may_remain {
                notify(ViewerNotice::MayRemain);
            }
            Ok(end)
        }
        Presentation::Page { .. } | Presentation::Stream => {
            let save = match view.save {
                Some(save) => Some((memory.shared()?, save)),
                None => None,
            };
            let content = ShownFiles::Memory(memory, view.manifest);
            browse(content, save, &view.capabilities.session, view.time, view.words, notify).await
        }
    }
}

/// Shows a share that is downloaded piece by piece, until it was closed.
///
/// # Errors
/// As of [`show`]; or the first bytes could not be downloaded.
pub async fn show_through(window: Seekable, view: View, notify: Notify<'_>) -> io::Result<End> {
    let head = window.read(0, HEAD_LEN).await.map_err(io::Error::other)?;
    if !is_playable(&head) {
        return Ok(End::Unseen(Unseen::NotPlayable));
    }
    let content = ShownFiles::Window(Box::new(window));
    let Capabilities { player, session, .. } = view.capabilities;
    let (Presentation::Stream, Some(player)) = (view.presentation, player) else {
        return browse(content, None, &session, view.time, view.words, notify).await;
    };
    let server = LocalServer::start(content, Client::Player).await?;
    let url = server.file_url();
    let time = view.time;
    notify_of_window(&player, notify);
    let end = blocking::run(move |stop| play_alone(&player, &Playable::Url(&url), &session, time, stop)).await?;
    // To a player, a broken connection looks like the end of the video.
    Ok(if server.broke() { End::Unseen(Unseen::Broke) } else { end })
}

/// Notifies the caller of a player's window, which may appear behind others.
fn notify_of_window(player: &Player, notify: Notify<'_>) {
    if !player.in_terminal {
        notify(ViewerNotice::InPlayer { name: &player.name() });
    }
}

//! Shows a share in a browser on this computer.
//!
//! | file | |
//! |---|---|
//! | `start` | starting a browser |
//! | `server`, `requests`, `served` | a server on loopback |
//! | `content` | the files, in memory or at the relay |
//! | `page`, `tracks` | the page, and whether a video has pictures |
//! | `keys` | keys at the terminal meanwhile |

mod content;
mod keys;
mod page;
mod requests;
mod served;
mod server;
mod start;
mod tracks;

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub use self::content::ShownFiles;
use self::keys::{Shared, until_closed};
pub use self::served::{Client, PageSaw};
pub use self::server::LocalServer;
use crate::manifest::Entry;
use crate::media::Kind;
use crate::terminal::session::DesktopSession;
use crate::view::blocking;
use crate::view::caller::{Notify, ViewerNotice, Words};
use crate::view::ending::{End, Save, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::memory::MemoryFile;

/// Opens a browser, and waits until the page was closed. `save`: the memory from which the key `s` saves the files;
/// `time`: the time after which the page closes by itself.
pub(super) async fn browse(
    content: ShownFiles,
    save: Option<(MemoryFile, Save)>,
    session: &DesktopSession,
    time: Option<Duration>,
    words: Words,
    notify: Notify<'_>,
) -> io::Result<End> {
    let is_file = |entry: &&Entry| Kind::of(&entry.r#type) == Kind::File;
    let unshown = content.manifest().entries.iter().filter(is_file).count();
    let server = LocalServer::start(content, Client::Browser(words.page)).await?;
    // Before the notices, so that no key after one is lost.
    let screen = FullScreen::open(false)?;
    let saves = save.is_some();
    let shared = Arc::new(Shared::default());
    let with_keys = shared.clone();
    let keys = blocking::run(move |stop| until_closed(screen, save, &with_keys, stop));
    let page = async {
        let url = server.page_url();
        if let Err(why) = start::start(&url, session, || server.until_asked()).await {
            notify(ViewerNotice::NoBrowser { why: &why, url: &url, saves });
            server.until_asked().await;
        }
        *shared.until.lock().unwrap_or_else(PoisonError::into_inner) = time.map(|time| Instant::now() + time);
        notify(ViewerNotice::InBrowser { saves });
        server.until_closed().await;
    };
    let end = tokio::select! {
        () = page => End::SEEN,
        end = keys => end?,
    };
    let (seen, broke) = (server.seen(), server.broke());
    server.end().await;
    let saved = std::mem::take(&mut *shared.saved.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(match end {
        End::Closed { .. } if !saved.is_empty() => End::Closed { saved },
        End::Closed { .. } if broke => End::Unseen(Unseen::Broke),
        End::Closed { .. } if seen == PageSaw::Failure => End::Unseen(Unseen::Browser),
        // A user who has not seen every file has not closed the share.
        End::Closed { .. } if seen == PageSaw::Nothing => End::Left,
        End::Closed { .. } if unshown > 0 => End::Unseen(Unseen::FileLeft),
        end => end,
    })
}

//! Showing in a browser of this machine.
//!
//! | file | |
//! |---|---|
//! | `start` | starting a browser, until it has come |
//! | `server`, `requests`, `served` | a server for this machine alone |
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
pub use self::served::PageSaw;
pub use self::server::LocalServer;
use crate::manifest::Entry;
use crate::media::Kind;
use crate::terminal::session::DesktopSession;
use crate::view::blocking;
use crate::view::caller::{Notify, ViewerNotice};
use crate::view::ending::{End, Save, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::memory::MemoryFile;

/// Opens a browser, and waits until it has closed the page. `save`: the memory out of which the key `s` saves it;
/// `time`: after which it is closed by itself.
pub(super) async fn browse(
    content: ShownFiles,
    save: Option<(MemoryFile, Save)>,
    session: &DesktopSession,
    time: Option<Duration>,
    notify: Notify<'_>,
) -> io::Result<End> {
    let is_file = |entry: &&Entry| Kind::of(&entry.r#type) == Kind::File;
    let unshown = content.manifest().entries.iter().filter(is_file).count();
    let server = LocalServer::start(content, false).await?;
    // First, so that no key is lost that answers a notice.
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
        // Somebody who never saw it has not closed it.
        End::Closed { .. } if seen == PageSaw::Nothing => End::Left,
        End::Closed { .. } if unshown > 0 => End::Unseen(Unseen::FileLeft),
        end => end,
    })
}

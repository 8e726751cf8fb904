//! A server on this machine alone, for one browser or one player, as long as something is shown.
//!
//! Its address has 128 random bits in it. A browser gets it among the arguments of the program that opens it, where
//! others could read it; so it opens only once, and after that only the browser that has the cookie is served.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::view::browser::content::ShownFiles;
use crate::view::browser::requests::{alive, close, failed, file, page, seen};
use crate::view::browser::served::{PageSaw, Served};

/// How long a page may be away until it counts as closed: a reload takes less.
const AWAY: Duration = Duration::from_secs(3);
/// How long pages may take to hear that all is closed.
const FAREWELL: Duration = Duration::from_millis(300);

/// A server that runs until it is dropped.
pub struct LocalServer {
    served: Arc<Served>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LocalServer {
    /// Begins to serve `content`: to a player, or to a browser.
    ///
    /// # Errors
    /// This machine has no port that is free.
    pub async fn start(content: ShownFiles, for_player: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let served = Arc::new(Served::new(content, for_player));
        let router = Router::new()
            .route("/{token}/", get(page))
            .route("/{token}/{number}", get(file))
            .route("/{token}/alive", get(alive))
            .route("/{token}/close", post(close))
            .route("/{token}/seen/{number}", post(seen))
            .route("/{token}/failed", post(failed))
            .with_state(served.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { served, address, task })
    }

    /// The page's address, which opens once.
    pub fn page_url(&self) -> String {
        format!("http://{}/{}/", self.address, self.served.token)
    }

    /// The address of the first file.
    pub fn file_url(&self) -> String {
        format!("http://{}/{}/0", self.address, self.served.token)
    }

    /// Waits until the page was closed: by its button, or by going away from it.
    pub async fn until_closed(&self) {
        let (mut closed, mut pages) = (self.served.closed.subscribe(), self.served.pages.subscribe());
        let away = async {
            // It has come up,
            let _ = pages.wait_for(|pages| *pages > 0).await;
            loop {
                // it went away,
                let _ = pages.wait_for(|pages| *pages == 0).await;
                // and did not come back.
                let back = tokio::time::timeout(AWAY, pages.wait_for(|pages| *pages > 0)).await;
                if back.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => {}
            () = away => {}
        }
    }

    /// Waits until a browser has asked for the page.
    pub async fn until_asked(&self) {
        let _ = self.served.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// The part of the share that pages have reported as seen.
    pub fn seen(&self) -> PageSaw {
        self.served.seen()
    }

    /// Whether something could not be fetched.
    pub fn broke(&self) -> bool {
        self.served.broke()
    }

    /// Ends it: pages hear of it, and nothing is served any more.
    pub async fn end(mut self) {
        self.served.closed.send_replace(true);
        let _ = tokio::time::timeout(FAREWELL, &mut self.task).await;
        self.task.abort();
    }
}

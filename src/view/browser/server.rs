//! A server on loopback for one browser or one player, while a share is shown.
//!
//! Its address has 128 random bits. A browser gets the address in the arguments of a program, which other users of this
//! computer can read. So the address works once, and then only the browser with the cookie is served.

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
use crate::view::browser::served::{Client, PageSaw, Served};

/// The time after which a page that is gone counts as closed. A reload takes less.
const AWAY: Duration = Duration::from_secs(3);
/// The longest time for pages to receive the last event.
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
    /// Starts to serve `content`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(content: ShownFiles, client: Client) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let served = Arc::new(Served::new(content, client));
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

    /// The address of the page, which works once.
    pub fn page_url(&self) -> String {
        format!("http://{}/{}/", self.address, self.served.token)
    }

    /// The address of the first file.
    pub fn file_url(&self) -> String {
        format!("http://{}/{}/0", self.address, self.served.token)
    }

    /// Waits until the page was closed: by its button, or by leaving it.
    pub async fn until_closed(&self) {
        let (mut closed, mut pages) = (self.served.closed.subscribe(), self.served.pages.subscribe());
        let away = async {
            let _ = pages.wait_for(|pages| *pages > 0).await;
            loop {
                let _ = pages.wait_for(|pages| *pages == 0).await;
                // A reload brings it back.
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

    /// Waits until a browser has requested the page.
    pub async fn until_asked(&self) {
        let _ = self.served.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// The files that pages have shown.
    pub fn seen(&self) -> PageSaw {
        self.served.seen()
    }

    /// Whether a download failed.
    pub fn broke(&self) -> bool {
        self.served.broke()
    }

    /// Stops serving, and closes the pages.
    pub async fn end(mut self) {
        self.served.closed.send_replace(true);
        let _ = tokio::time::timeout(FAREWELL, &mut self.task).await;
        self.task.abort();
    }
}

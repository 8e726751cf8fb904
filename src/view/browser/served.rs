//! State that all requests of a page or a player share.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use crate::media::Kind;
use crate::secret::random_hex;
use crate::view::browser::content::ShownFiles;

/// The name of the cookie.
const COOKIE: &str = "share";

/// The files that pages have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSaw {
    /// Not every file.
    Nothing,
    /// Every file that can be shown.
    All,
    /// A file could not be shown.
    Failure,
}

/// The client of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A player, which has no cookies.
    Player,
    /// A browser, with the sentence above the files on its page.
    Browser(&'static str),
}

/// State that all requests share.
pub(super) struct Served {
    pub(super) content: ShownFiles,
    pub(super) token: String,
    cookie: String,
    /// Whether the page was requested. Its address works once.
    pub(super) asked: watch::Sender<bool>,
    client: Client,
    /// The number of open pages.
    pub(super) pages: watch::Sender<usize>,
    /// Whether the share was closed.
    pub(super) closed: watch::Sender<bool>,
    /// The files that a page has shown, by their indexes.
    seen: Mutex<HashSet<usize>>,
    /// Whether a page could not show a file.
    failed: AtomicBool,
    /// Whether a download failed.
    broke: AtomicBool,
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

impl Served {
    pub(super) fn new(content: ShownFiles, client: Client) -> Self {
        Self {
            content,
            token: random_hex::<16>(),
            cookie: random_hex::<16>(),
            asked: watch::Sender::new(false),
            client,
            pages: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            seen: Mutex::default(),
            failed: AtomicBool::new(false),
            broke: AtomicBool::new(false),
        }
    }

    /// The sentence above the files on the page.
    pub(super) fn notice(&self) -> &'static str {
        match self.client {
            Client::Player => "",
            Client::Browser(notice) => notice,
        }
    }

    pub(super) async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let read = self.content.read(range).await;
        self.broke.fetch_or(read.is_err(), Ordering::SeqCst);
        read
    }

    /// Whether a download failed.
    pub(super) fn broke(&self) -> bool {
        self.broke.load(Ordering::SeqCst)
    }

    pub(super) fn note_seen(&self, number: usize) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }

    pub(super) fn note_failure(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    /// The files that pages have shown.
    pub(super) fn seen(&self) -> PageSaw {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.content.manifest().entries.iter().enumerate();
        let mut shown = entries.filter(|(_, entry)| Kind::of(&entry.r#type) != Kind::File);
        if self.failed.load(Ordering::SeqCst) {
            PageSaw::Failure
        } else if shown.all(|(number, _)| seen.contains(&number)) {
            PageSaw::All
        } else {
            PageSaw::Nothing
        }
    }

    /// Whether this is the first request for the page, the only one that needs no cookie.
    pub(super) fn lets_in_first(&self, token: &str) -> bool {
        self.client != Client::Player && token == self.token && !self.asked.send_replace(true)
    }

    /// Whether a request has the cookie and comes before the end. Takes the same time for a wrong address.
    pub(super) fn is_let_in(&self, token: &str, headers: &HeaderMap) -> bool {
        let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
        let wanted = format!("{COOKIE}={}", self.cookie);
        !*self.closed.borrow()
            && same(token, &self.token)
            && (self.client == Client::Player || cookies.split("; ").any(|cookie| same(cookie, &wanted)))
    }

    /// The cookie for the first client.
    pub(super) fn set_cookie(&self) -> String {
        format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/{}/", self.cookie, self.token)
    }
}

/// A page that counts as open until this is dropped.
pub(super) struct OpenPage(Arc<Served>);

impl OpenPage {
    pub(super) fn count(served: Arc<Served>) -> Self {
        served.pages.send_modify(|pages| *pages += 1);
        Self(served)
    }

    /// Waits until the share was closed.
    pub(super) async fn until_closed(&self) {
        let _ = self.0.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

impl Drop for OpenPage {
    fn drop(&mut self) {
        self.0.pages.send_modify(|pages| *pages -= 1);
    }
}

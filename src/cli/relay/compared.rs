//! The pages that a relay serves to browsers and the files that they load, compared with those in this program.
//! Recipients and senders without `share` have to trust them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Request};
use crate::cli::relay::rewriting::Rewriting;
use crate::page::{self, Document, File};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::client::{HttpRelay, Served};
use crate::relay::{About, RelayError};

/// The longest silence of the relay.
const IDLE_TIME: Duration = Duration::from_secs(5);

/// A page or a file, compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    Other,
    /// Changed on its way.
    Rewritten(Rewriting),
    /// The same page with another Content-Security-Policy.
    OtherPolicy,
    /// Compressed, although the request was for plain bytes: this program decompresses nothing.
    Compressed,
    /// The relay serves none.
    Missing,
    /// The relay did not answer.
    NotFetched,
    /// This program was built without one.
    Unknown,
}

impl Compared {
    fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::Rewritten(_) => "rewritten",
            Self::OtherPolicy => "other-policy",
            Self::Compressed => "compressed",
            Self::Missing => "missing",
            Self::NotFetched => "not-fetched",
            Self::Unknown => "unknown",
        }
    }

    async fn page(relay: &HttpRelay, page: &Document) -> Self {
        Self::of(relay, page.path, page.file.plain, Some(page.policy())).await
    }

    async fn file(relay: &HttpRelay, file: &File) -> Self {
        Self::of(relay, &file.path(), file.plain, None).await
    }

    async fn of(relay: &HttpRelay, path: &str, expected: &[u8], policy: Option<&str>) -> Self {
        match relay.page(path).await {
            Ok(Served { is_compressed: true, .. }) => Self::Compressed,
            Ok(Served { content, .. }) if content != expected => {
                Rewriting::find(&content, expected).map_or(Self::Other, Self::Rewritten)
            }
            Ok(served) if policy.is_some_and(|policy| served.policy != policy) => Self::OtherPolicy,
            Ok(_) => Self::Same,
            // Redirected, or longer than any page of a relay.
            Err(RelayError::Diverted) => Self::Other,
            Err(RelayError::Unknown | RelayError::NotARelay) => Self::Missing,
            Err(_) => Self::NotFetched,
        }
    }

    /// The cause of a difference, and what to do. `what`: a page, or a file; `paths`: those of such requests.
    fn warning(self, what: &str, paths: &str) -> Option<String> {
        match self {
            Self::Same | Self::NotFetched | Self::Unknown => None,
            Self::Other => Some(format!(
                "{what} differs from this program's: the relay runs another version, or someone changed the page"
            )),
            Self::Rewritten(rewriting) => Some(format!(
                "{what} is changed on its way by {}, so browsers may refuse to run it: {}",
                rewriting.name(),
                rewriting.fix()
            )),
            Self::OtherPolicy => {
                Some(format!("{what} has another Content-Security-Policy: configure the proxy to pass that header on"))
            }
            Self::Compressed => Some(format!(
                "{what} cannot be compared: a proxy compressed it, although the request was for plain bytes; configure \
                 the proxy to pass Accept-Encoding on"
            )),
            Self::Missing => Some(format!("{what} is missing: configure the proxy to pass requests for {paths} on")),
        }
    }
}

/// The pages and the files that they load.
pub(super) struct ComparedPages {
    open: Compared,
    /// The page that sends, if the relay has one.
    send: Option<Compared>,
    /// The files of each page of the relay that is this program's: another one loads other files.
    files: Vec<(&'static File, Compared)>,
}

impl ComparedPages {
    /// Compares the pages of the relay that describes itself by `about`, and the files that they load.
    pub(super) async fn of(endpoint: &Endpoint, about: &About, cx: &Context) -> Result<Self, Failure> {
        if !page::is_complete() {
            let send = about.send.then_some(Compared::Unknown);
            return Ok(Self { open: Compared::Unknown, send, files: Vec::new() });
        }
        let relay = cx.server(endpoint, Request::Test, IDLE_TIME)?;
        let open = Compared::page(&relay, &page::PAGE).await;
        let send = if about.send { Some(Compared::page(&relay, &page::SEND).await) } else { None };
        let is_ours = |page| matches!(page, Compared::Same | Compared::OtherPolicy);
        let ours = [(&page::PAGE, Some(open)), (&page::SEND, send)];
        let ours = ours.iter().filter(|(_, compared)| compared.is_some_and(is_ours));
        let mut files: Vec<(&'static File, Compared)> = Vec::new();
        for file in ours.flat_map(|(page, _)| page.files()) {
            if !files.iter().any(|(other, _)| other.name == file.name) {
                files.push((file, Compared::file(&relay, file).await));
            }
        }
        Ok(Self { open, send, files })
    }

    /// The files that are not as in this program.
    fn others(&self) -> impl Iterator<Item = (String, Compared)> {
        self.files.iter().filter(|(_, file)| *file != Compared::Same).map(|(file, found)| (path(file), *found))
    }

    /// The findings, as lines.
    pub(super) fn findings(&self) -> Vec<String> {
        let are_same = self.open == Compared::Same && self.send.is_none_or(|send| send == Compared::Same);
        if are_same && !self.files.is_empty() && self.others().next().is_none() {
            let what = match self.send {
                None => "the page for browsers and its files are",
                Some(_) => "the pages for browsers and their files are",
            };
            return vec![format!("{what} the same as in this program")];
        }
        let page = |what: &str, found: Compared| match found {
            Compared::Same => format!("{what} is the same as in this program"),
            Compared::Other | Compared::OtherPolicy | Compared::Rewritten(_) => {
                format!("{what} is NOT the same as in this program")
            }
            Compared::Compressed => format!("{what} cannot be compared: a proxy compressed it"),
            Compared::Missing => format!("the relay has no {}", what.trim_start_matches("the ")),
            Compared::NotFetched => format!("{what} could not be fetched"),
            Compared::Unknown => format!("{what} cannot be compared: this program was built without one"),
        };
        let file = |(path, found): (String, Compared)| match found {
            Compared::Missing => format!("the relay has no {path}, which a page for browsers loads"),
            Compared::NotFetched => format!("{path}, which a page for browsers loads, could not be fetched"),
            Compared::Compressed => {
                format!("{path}, which a page for browsers loads, cannot be compared: a proxy compressed it")
            }
            _ => format!("{path}, which a page for browsers loads, is NOT the same as in this program"),
        };
        let send = self.send.map(|found| page("the page that sends from browsers", found));
        [page("the page for browsers", self.open)].into_iter().chain(send).chain(self.others().map(file)).collect()
    }

    /// Warnings about the relay named `relay`.
    pub(super) fn warnings(&self, relay: &str) -> Vec<String> {
        // A relay need not have a page that opens.
        let open = (self.open != Compared::Missing).then_some(self.open);
        let open = open.and_then(|page| page.warning(&format!("the page that {relay} serves to browsers"), "/"));
        let send = page::SEND.path;
        let sends = self.send.and_then(|page| page.warning(&format!("the page that sends, {relay}{send},"), send));
        let files = self.others();
        let files = files.filter_map(|(path, found)| found.warning(&format!("{path} of {relay}"), page::FILES_PATH));
        open.into_iter().chain(sends).chain(files).collect()
    }

    /// The word for programs of the page that opens.
    pub(super) fn word(&self) -> &'static str {
        self.open.word()
    }

    /// The word for programs of the page that sends, if the relay has one.
    pub(super) fn send_word(&self) -> Option<&'static str> {
        self.send.map(Compared::word)
    }

    /// The files' words for programs, by path; `null` if they were not compared.
    pub(super) fn file_words(&self) -> Value {
        if self.files.is_empty() {
            return Value::Null;
        }
        self.files.iter().map(|(file, found)| (path(file), json!(found.word()))).collect::<Map<_, _>>().into()
    }
}

/// The path of a file below a relay's address.
fn path(file: &File) -> String {
    file.path().trim_start_matches('/').to_owned()
}

//! The page that a relay serves to browsers and the files that it loads, compared with those in this program.
//! Recipients without `share` have to trust them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Request};
use crate::cli::relay::rewriting::Rewriting;
use crate::page::{self, File};
use crate::relay::RelayError;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::client::{HttpRelay, Served};

/// The longest silence of the relay.
const IDLE_TIME: Duration = Duration::from_secs(5);

/// The page or a file, compared.
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

    async fn of(relay: &HttpRelay, file: Option<&File>) -> Self {
        let served = relay.page(file.map(|file| file.name)).await;
        let (expected, policy) = file.map_or((page::PAGE.plain, Some(&**page::POLICY)), |file| (file.plain, None));
        match served {
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

    /// The cause of a difference, and what to do. `what`: the page, or a file.
    fn warning(self, what: &str) -> Option<String> {
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
            Self::Missing => Some(format!("{what} is missing: configure the proxy to pass requests for /page/ on")),
        }
    }
}

/// The page and the files that it loads.
pub(super) struct ComparedPage {
    page: Compared,
    /// The files, if the relay's page is this program's: another one loads other files.
    files: Vec<(&'static File, Compared)>,
}

impl ComparedPage {
    /// Compares the relay's page, and the files that it loads.
    pub(super) async fn of(endpoint: &Endpoint, cx: &Context) -> Result<Self, Failure> {
        if !page::is_complete() {
            return Ok(Self { page: Compared::Unknown, files: Vec::new() });
        }
        let relay = cx.server(endpoint, Request::Test, IDLE_TIME)?;
        let mut compared = Self { page: Compared::of(&relay, None).await, files: Vec::new() };
        if matches!(compared.page, Compared::Same | Compared::OtherPolicy) {
            for file in page::FILES {
                compared.files.push((file, Compared::of(&relay, Some(file)).await));
            }
        }
        Ok(compared)
    }

    /// The files that are not as in this program.
    fn others(&self) -> impl Iterator<Item = (String, Compared)> {
        self.files.iter().filter(|(_, file)| *file != Compared::Same).map(|(file, found)| (path(file), *found))
    }

    /// The findings, as lines.
    pub(super) fn findings(&self) -> Vec<String> {
        let are_same = self.page == Compared::Same && !self.files.is_empty() && self.others().next().is_none();
        let page = match self.page {
            Compared::Same if are_same => "the page for browsers and its files are the same as in this program",
            Compared::Same => "the page for browsers is the same as in this program",
            Compared::Other | Compared::OtherPolicy | Compared::Rewritten(_) => {
                "the page for browsers is NOT the same as in this program"
            }
            Compared::Compressed => "the page for browsers cannot be compared: a proxy compressed it",
            Compared::Missing => "the relay has no page for browsers",
            Compared::NotFetched => "the page for browsers could not be fetched",
            Compared::Unknown => "the page for browsers cannot be compared: this program was built without one",
        };
        let file = |(path, found): (String, Compared)| match found {
            Compared::Missing => format!("the relay has no {path}, which the page for browsers loads"),
            Compared::NotFetched => format!("{path}, which the page for browsers loads, could not be fetched"),
            Compared::Compressed => {
                format!("{path}, which the page for browsers loads, cannot be compared: a proxy compressed it")
            }
            _ => format!("{path}, which the page for browsers loads, is NOT the same as in this program"),
        };
        [page.to_owned()].into_iter().chain(self.others().map(file)).collect()
    }

    /// Warnings about the relay named `relay`.
    pub(super) fn warnings(&self, relay: &str) -> Vec<String> {
        // A relay need not have a page.
        let page = (self.page != Compared::Missing).then_some(self.page);
        let page = page.and_then(|page| page.warning(&format!("the page that {relay} serves to browsers")));
        let files = self.others().filter_map(|(path, found)| found.warning(&format!("{path} of {relay}")));
        page.into_iter().chain(files).collect()
    }

    /// The page's word for programs.
    pub(super) fn word(&self) -> &'static str {
        self.page.word()
    }

    /// The files' words for programs, by path; `null` if they were not compared.
    pub(super) fn file_words(&self) -> Value {
        if self.files.is_empty() {
            return Value::Null;
        }
        self.files.iter().map(|(file, found)| (path(file), json!(found.word()))).collect::<Map<_, _>>().into()
    }
}

/// The path of a file on a relay.
fn path(file: &File) -> String {
    format!("page/{}", file.name)
}

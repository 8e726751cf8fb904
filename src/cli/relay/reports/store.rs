//! The store of a relay, as its operator reads it beside the relay.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use directories::ProjectDirs;

use crate::cli::context::Context;
use crate::cli::folders;
use crate::cli::output::errors::{Failure, Hint, Unread};
use crate::cli::stores::{self, IN_MEMORY, StoreName};
use crate::platform::files;
use crate::relay::RelayError;
use crate::relay::clock::SystemClock;
use crate::relay::rules::review::{Evidence, ReportedShare, Reports};
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::store::Store;
use crate::relay::store::folder::{Sharing, located};
use crate::relay::store::layout::{LOCK, MARKER};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::secret::Id;

/// The fewest digits of an id that name a report.
const MIN_DIGITS: usize = 4;
/// The digits of an id that a list shows.
const SHOWN_DIGITS: usize = 8;
/// The hint where there is no store of a relay.
const ITS_STORE: &str = "use --store URL as the relay has it";

/// The store of the relay.
#[derive(Args)]
pub(super) struct StoreArg {
    /// Read the store of the relay at URL [default: data directory]
    #[arg(long, value_name = "URL", env = "SHARE_STORE", value_hint = ValueHint::Url)]
    pub(super) store: Option<String>,
}

/// The reports in the store of a relay.
pub(super) struct ReportStore {
    rules: StoreRelay,
    name: StoreName,
}

impl ReportStore {
    /// Opens the store that a relay with this `--store` has.
    pub(super) fn open(given: Option<&str>, cx: &Context) -> Result<Self, Failure> {
        let store = match given {
            None => {
                let no_home = || Failure::usage("this user has no home directory", Hint::line(ITS_STORE));
                let dirs = ProjectDirs::from("", "", "share").ok_or_else(no_home)?;
                of_folder(&dirs.data_dir().join("relay"))?
            }
            Some(IN_MEMORY) => {
                return Err(Failure::usage("a relay in memory cannot keep reports", Hint::line(ITS_STORE)));
            }
            Some(text) => match RelayUrl::parse(text).ok().filter(RelayUrl::is_store) {
                Some(url) => match url.folder() {
                    Some(path) => of_folder(&path)?,
                    None => stores::open(&url, Sharing::WithItsServer, Hint::line(ITS_STORE), cx)?,
                },
                None => {
                    return Err(Failure::usage(
                        "--store takes file:///DIRECTORY, s3://BUCKET/PREFIX, gs://… or az://…",
                        Hint::line(ITS_STORE),
                    ));
                }
            },
        };
        let rules = StoreRelay::new(store, Arc::new(SystemClock), Policy::default());
        Ok(Self { rules, name: StoreName::of_relay(given) })
    }

    /// All reports.
    pub(super) async fn list(&self) -> Result<Reports, Failure> {
        self.rules.reports().await.map_err(|error| self.failure(&error))
    }

    /// The report whose id begins with these digits.
    pub(super) async fn find(&self, digits: &str) -> Result<ReportedShare, Failure> {
        let digits = digits.to_ascii_lowercase();
        if !is_id(&digits) {
            return Err(Failure::usage(
                format!("an ID has hexadecimal digits, at least {MIN_DIGITS}"),
                Hint::run("share relay reports list"),
            ));
        }
        let mut found = Vec::new();
        for id in self.rules.report_ids().await.map_err(|error| self.failure(&error))? {
            if id.hex().starts_with(&digits) {
                found.extend(self.rules.reported(&id).await.map_err(|error| self.failure_of(&id, &error))?);
            }
        }
        match found.pop() {
            Some(_) if !found.is_empty() => Err(Failure::usage(
                format!("several reports have IDs that begin with {digits}"),
                Hint::line("use more digits: share relay reports list --json prints all"),
            )),
            Some(report) => Ok(report),
            None => Err(Failure::Unread(Unread::NoReport(digits))),
        }
    }

    /// Everything about a reported share.
    pub(super) async fn evidence(&self, id: &Id) -> Result<Evidence, Failure> {
        self.rules.evidence(id).await.map_err(|error| self.failure_of(id, &error))
    }

    /// Deletes a report. Returns the end of the hold, Unix seconds.
    pub(super) async fn review(&self, id: &Id) -> Result<u64, Failure> {
        self.rules.review(id).await.map_err(|error| self.failure_of(id, &error))
    }

    /// The error of reading a report that is in the index.
    fn failure_of(&self, id: &Id, error: &RelayError) -> Failure {
        match error {
            RelayError::Busy { .. } => Failure::Unread(Unread::Record(short(id))),
            error => self.failure(error),
        }
    }

    fn failure(&self, error: &RelayError) -> Failure {
        match error {
            RelayError::Unknown => Failure::Unread(Unread::Gone),
            RelayError::PartsMissing => Failure::Unread(Unread::Incomplete),
            _ => Failure::Unread(Unread::Store { store: self.name.shown().to_owned(), error: error.clone() }),
        }
    }
}

/// The digits of an id that a list shows.
pub(super) fn short(id: &Id) -> String {
    id.hex()[..SHOWN_DIGITS].to_owned()
}

/// Whether this is the id of a report, or its beginning.
pub(super) fn is_id(text: &str) -> bool {
    text.len() >= MIN_DIGITS && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// The store in a folder that a relay serves. Another user's files could not be read by the relay, which would then
/// never settle the share.
fn of_folder(given: &Path) -> Result<Arc<dyn Store>, Failure> {
    let place = place(given)?;
    let shown = printable(&place.to_string_lossy());
    let data = fs::metadata(&place).map_err(|error| Failure::path(&place, &error, ITS_STORE))?;
    if !files::is_own(&data) {
        return Err(Failure::local(
            format!("{shown} belongs to another user"),
            Hint::line("run this as the relay's user: runuser -u share-relay -- share relay reports list"),
        ));
    }
    if ![LOCK, MARKER].iter().any(|name| place.join(name).exists()) {
        return Err(Failure::local(format!("{shown} is not the store of a relay"), Hint::line(ITS_STORE)));
    }
    Ok(Arc::new(folders::open_copied(given, Sharing::WithItsServer, Hint::line(ITS_STORE))?))
}

/// The directory of the store in a folder. A directory that cannot be entered is that of another user.
fn place(given: &Path) -> Result<PathBuf, Failure> {
    let data = fs::metadata(given).map_err(|error| Failure::path(given, &error, Hint::line(ITS_STORE)))?;
    if !files::is_own(&data) && files::check_directory_access(given).is_err() {
        return Ok(given.to_owned());
    }
    located(given).map_err(|error| folders::failure(&error, Hint::line(ITS_STORE)))
}

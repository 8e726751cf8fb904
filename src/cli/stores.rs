//! Storage by its address, for a relay that runs here and for one that needs no server.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use directories::ProjectDirs;

use crate::cli::context::Context;
use crate::cli::folders;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::platform::files;
use crate::relay::RelayError;
use crate::relay::client::retry::Backoff;
use crate::relay::clock::SystemClock;
use crate::relay::rules::probe::{ProbeResult, Unfit};
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::store::bucket::Bucket;
use crate::relay::store::folder::{FolderError, Sharing, located, synchronizer};
use crate::relay::store::layout::MARKER;
use crate::relay::store::memory::Memory;
use crate::relay::store::{Store, StoreError};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;

/// The most bytes that a relay in memory holds.
const MEMORY: u64 = 1 << 30;
/// The hint for a folder that was opened for a command, and is unfit.
const NOTHING_CHANGED: &str = "nothing was changed";
/// How long one attempt to get an answer from a store may take.
const REACH_TIME: Duration = Duration::from_secs(20);

/// The address of a relay's store in memory.
pub(super) const IN_MEMORY: &str = "memory:";

/// The store of a relay that runs here.
pub(super) fn of_relay(given: Option<&str>, sharing: Sharing, cx: &Context) -> Result<Arc<dyn Store>, Failure> {
    match given {
        None => {
            let dirs = ProjectDirs::from("", "", "share");
            let dirs = dirs.ok_or_else(|| {
                Failure::usage("this user has no home directory", Hint::run("--store file:///DIRECTORY"))
            })?;
            Ok(Arc::new(folders::introduced(folders::open(&dirs.data_dir().join("relay"), sharing, another())?, cx)))
        }
        Some(IN_MEMORY) => Ok(Arc::new(Memory::new(Arc::new(SystemClock), MEMORY))),
        Some(text) => match RelayUrl::parse(text).ok().filter(RelayUrl::is_store) {
            Some(url) => open_introduced(&url, sharing, another(), cx),
            None => Err(Failure::usage(
                "--store takes file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory:",
                Hint::run("--store file:///srv/share"),
            )),
        },
    }
}

/// A hint for a folder that cannot be a relay's store.
fn another() -> Hint {
    Hint::run("--store file:///another/directory")
}

/// The store at `url`. `hint` is for a folder that is unfit.
pub(super) fn open(
    url: &RelayUrl,
    sharing: Sharing,
    hint: impl Into<Hint>,
    cx: &Context,
) -> Result<Arc<dyn Store>, Failure> {
    match url.folder() {
        Some(path) => Ok(Arc::new(folders::open(&path, sharing, hint)?)),
        None => {
            let hint = StoreName::of(url).refused_hint();
            let bucket = Bucket::open(url, environment(), cx.network()?);
            Ok(Arc::new(bucket.map_err(|error| Failure::usage(format!("{}: {error}", url.name()), hint))?))
        }
    }
}

/// The same, for a store that is to be used from now on: prints what a user must know about its place.
pub(super) fn open_introduced(
    url: &RelayUrl,
    sharing: Sharing,
    hint: impl Into<Hint>,
    cx: &Context,
) -> Result<Arc<dyn Store>, Failure> {
    match url.folder() {
        Some(path) => Ok(Arc::new(folders::introduced(folders::open(&path, sharing, hint)?, cx))),
        None => open(url, sharing, hint, cx),
    }
}

/// A store in messages: its name, and advice for its kind.
pub(super) struct StoreName {
    shown: String,
    /// The environment variables that configure a bucket; `None` for a folder or memory.
    settings: Option<&'static str>,
}

impl StoreName {
    /// The name of the store at an address.
    pub(super) fn of(url: &RelayUrl) -> Self {
        let settings = url.bucket().map(|(scheme, ..)| match scheme {
            "gs" => {
                "configure the bucket with the usual environment variables: GOOGLE_APPLICATION_CREDENTIALS or \
                 GOOGLE_SERVICE_ACCOUNT"
            }
            "az" => {
                "configure the bucket with the usual environment variables: AZURE_STORAGE_ACCOUNT_NAME, \
                 AZURE_STORAGE_ACCOUNT_KEY"
            }
            _ => {
                "configure the bucket with the usual environment variables: AWS_ENDPOINT_URL, AWS_REGION, \
                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
            }
        });
        Self { shown: printable(&url.name()), settings }
    }

    /// The name of a relay's store, as `--store` was given.
    pub(super) fn of_relay(given: Option<&str>) -> Self {
        let given = given.unwrap_or("the data directory");
        let settings = RelayUrl::parse(given).ok().and_then(|url| Self::of(&url).settings);
        Self { shown: printable(given), settings }
    }

    /// The name in messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    fn is_bucket(&self) -> bool {
        self.settings.is_some()
    }

    /// A hint for a store that refuses what is needed.
    fn refused_hint(&self) -> &'static str {
        self.settings.unwrap_or("use a folder on another file system")
    }

    /// A hint for a store that cannot do what is needed.
    fn unable_hint(&self) -> &'static str {
        if self.is_bucket() {
            "use storage with conditional writes, such as S3, R2 or MinIO"
        } else {
            "use a folder on another file system"
        }
    }

    /// The error of a store that failed its test. `hint` is for errors other than a missing right or ability.
    fn unfit(&self, unfit: &Unfit, hint: &Hint) -> Failure {
        let what = format!("{}: {unfit}", self.shown);
        match unfit {
            Unfit::Failed(StoreError::Hindered(obstacle)) => {
                Failure::BucketHindered { bucket: self.shown.clone(), obstacle: obstacle.clone() }
            }
            Unfit::Failed(StoreError::Refused(_)) => Failure::local(what, self.refused_hint()),
            Unfit::Failed(StoreError::Unable(_)) | Unfit::NotExclusive => Failure::local(what, self.unable_hint()),
            _ => Failure::local(what, hint),
        }
    }
}

/// The variables that are text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Tests whether a store is fit for a relay. Retries a bucket that cannot be reached, until `--give-up` has passed.
pub(super) async fn probe(
    rules: &StoreRelay,
    name: &StoreName,
    hint: impl Into<Hint>,
    cx: &Context,
) -> Result<ProbeResult, Failure> {
    let ask = || async {
        match rules.probe().await {
            Err(Unfit::Failed(error @ StoreError::Failed(_))) => Err(error),
            answer => Ok(answer),
        }
    };
    let found = cx.or_interrupted(until_answered(name, cx.give_up, ask, cx)).await??;
    found.map_err(|reason| name.unfit(&reason, &hint.into()))
}

/// Asks a store until it answers. Only buckets are retried: a folder is there or not.
async fn until_answered<T, F: Future<Output = Result<T, StoreError>>>(
    name: &StoreName,
    give_up: Duration,
    ask: impl Fn() -> F,
    cx: &Context,
) -> Result<T, Failure> {
    let shown = &name.shown;
    let mut backoff = Backoff::new(give_up).started();
    let mut has_reported = false;
    loop {
        let answer = tokio::time::timeout(give_up.min(REACH_TIME), ask()).await;
        let why = match answer.unwrap_or_else(|_| Err(StoreError::Failed("no answer".to_owned()))) {
            Ok(answer) => return Ok(answer),
            Err(StoreError::Failed(why)) if name.is_bucket() => why,
            Err(StoreError::Hindered(obstacle)) => {
                return Err(Failure::BucketHindered { bucket: shown.clone(), obstacle });
            }
            Err(error) => {
                let hint = name.settings.unwrap_or("check that you can write there");
                return Err(Failure::local(format!("{shown} cannot be used: {error}"), hint));
            }
        };
        if !has_reported {
            has_reported = true;
            let longest = format::duration_words(give_up);
            cx.output.info(&format!("{shown} cannot be reached yet ({why}); retrying for up to {longest}"));
        }
        let paused = backoff.pause(RelayError::NoConnection(why.clone())).await;
        paused.map_err(|_| Failure::BucketUnreachable { bucket: shown.clone(), why })?;
    }
}

/// The use of a store that needs no server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Anything.
    Any,
    /// It asks about shares that this device has sent or opened, or ends them.
    Ending,
}

/// The rules over a store that was made for use without a server. In a folder that a program copies between computers
/// nothing is sent or opened any more, but what waits there can be revoked, which deletes the encrypted data.
pub(super) async fn serverless(
    url: &RelayUrl,
    purpose: Purpose,
    give_up: Duration,
    cx: &Context,
) -> Result<Arc<StoreRelay>, Failure> {
    let store: Arc<dyn Store> = match url.folder() {
        Some(path) => {
            expect_usable(url, &path)?;
            match (purpose, synchronizer(&path)) {
                (Purpose::Ending, Some(found)) => {
                    let (name, shown) = (found.name, printable(&path.to_string_lossy()));
                    cx.output
                        .warn(&format!("{name} copies {shown} to other computers: what is there may be out of date"));
                    Arc::new(folders::open_copied(&path, Sharing::WithOthers, NOTHING_CHANGED)?)
                }
                _ => {
                    folders::expect_one_copy(&path, folders::STILL_REVOCABLE)?;
                    Arc::new(folders::open_copied(&path, Sharing::WithOthers, NOTHING_CHANGED)?)
                }
            }
        }
        None => open(url, Sharing::WithOthers, NOTHING_CHANGED, cx)?,
    };
    let rules = Arc::new(StoreRelay::new(store, Arc::new(SystemClock), Policy::default()));
    // Only an adopted store is written to, and reading its clock writes.
    let look = || async {
        match rules.is_adopted().await {
            Ok(true) => rules.check_clock().await.map(|()| true),
            other => other,
        }
    };
    if !cx.or_interrupted(until_answered(&StoreName::of(url), give_up, look, cx)).await?? {
        return Err(not_adopted(url));
    }
    if rules.clock_is_wrong() {
        return Err(Failure::local(
            format!("the clocks of this computer and of {} differ by minutes", printable(&url.name())),
            "set this computer's clock; until then shares cannot be opened and do not expire",
        ));
    }
    Ok(rules)
}

fn not_adopted(url: &RelayUrl) -> Failure {
    let what = format!("{} is not set up as a relay", printable(&url.name()));
    Failure::usage(what, Hint::run(format!("share relay use {url}")))
}

/// Fails if a folder does not exist, was not adopted or is not accessible, before anything is created in it.
fn expect_usable(url: &RelayUrl, path: &Path) -> Result<(), Failure> {
    let data =
        fs::symlink_metadata(path).map_err(|error| Failure::path(path, &error, "check that the disk is mounted"))?;
    if !data.is_dir() {
        return Err(not_adopted(url));
    }
    let place = match located(path) {
        Err(FolderError::Io(path, error)) => {
            return Err(Failure::path(&path, &error, "you need read and write access to that folder"));
        }
        found => found.map_err(|error| folders::failure(&error, NOTHING_CHANGED))?,
    };
    files::check_directory_access(&place)
        .map_err(|error| Failure::path(&place, &error, "you need read and write access to that folder"))?;
    if place.join(MARKER).exists() { Ok(()) } else { Err(not_adopted(url)) }
}

//! Storage by its address, for a relay that runs here and for one that needs no server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use directories::ProjectDirs;
use rustix::fs::Access;

use super::connect::Way;
use super::failure::Trouble;
use crate::link::RelayUrl;
use crate::manifest::printable;
use crate::relay::RelayError;
use crate::relay::clock::SystemClock;
use crate::relay::keeper::{Keeper, Policy};
use crate::relay::probe::{MARKER, Unfit};
use crate::relay::retry::Patience;
use crate::relay::store::bucket::Bucket;
use crate::relay::store::folder::{Folder, FolderError};
use crate::relay::store::memory::Memory;
use crate::relay::store::{Store, StoreError};

/// What a relay in memory keeps at most.
const MEMORY: u64 = 1 << 30;
/// How long to try to reach a bucket before anything is done with it: what follows has more patience.
const REACH_TIME: Duration = Duration::from_secs(20);

/// The address of a relay's store in memory.
pub(super) const IN_MEMORY: &str = "memory:";

/// The store of a relay that runs here. `shared`: other relays use the same folder.
pub(super) fn of_relay(said: Option<&str>, shared: bool) -> Result<Arc<dyn Store>, Trouble> {
    match said {
        None => {
            let dirs = ProjectDirs::from("", "", "share");
            let dirs = dirs.ok_or_else(|| Trouble::usage("this user has no home", "--store file:///DIRECTORY"))?;
            Ok(Arc::new(folder(&dirs.data_dir().join("relay"), shared, "--store file:///another/directory")?))
        }
        Some(IN_MEMORY) => Ok(Arc::new(Memory::new(Arc::new(SystemClock), MEMORY))),
        Some(text) => match RelayUrl::parse(text).ok().filter(RelayUrl::is_store) {
            Some(url) => open(&url, shared, "--store file:///another/directory"),
            None => Err(Trouble::usage(
                "--store takes file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory:",
                "--store file:///srv/share",
            )),
        },
    }
}

/// The store at `url`. `hint` is for a folder that cannot be one.
pub(super) fn open(url: &RelayUrl, shared: bool, hint: &str) -> Result<Arc<dyn Store>, Trouble> {
    match url.folder() {
        Some(path) => Ok(Arc::new(folder(&path, shared, hint)?)),
        None => {
            let bucket = Bucket::open(url, environment());
            Ok(Arc::new(
                bucket.map_err(|error| Trouble::usage(format!("{}: {error}", url.name()), bucket_hint(&url.name())))?,
            ))
        }
    }
}

/// Where the settings of a bucket come from.
fn bucket_hint(name: &str) -> &'static str {
    match name.split(':').next() {
        Some("gs") => {
            "GOOGLE_APPLICATION_CREDENTIALS names a file with credentials, as for other programs; GOOGLE_SERVICE_ACCOUNT too"
        }
        Some("az") => {
            "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY and their kin say which it is, as for other programs"
        }
        _ => {
            "AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say where it is and who you are, as \
             for other programs"
        }
    }
}

/// The variables that are text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The store in a directory. `hint` is for one that cannot be one.
pub(super) fn folder(path: &Path, shared: bool, hint: &str) -> Result<Folder, Trouble> {
    Folder::open(path, shared).map_err(|error| match &error {
        FolderError::InUse(_) => Trouble::local(error.to_string(), "stop that one, or use another folder"),
        FolderError::Ungrouped(_) => {
            Trouble::local(error.to_string(), "chmod g+s makes it; chmod g= keeps it to yourself")
        }
        FolderError::Exposed(_) => Trouble::local(error.to_string(), "chmod o= keeps other users out of it"),
        FolderError::Io(path, error) => Trouble::path(path, error, hint),
    })
}

/// What is wrong with a store, in words.
pub(super) fn unfit(name: &str, unfit: &Unfit, hint: &str) -> Trouble {
    let name = printable(name);
    match unfit {
        Unfit::Failed(StoreError::Refused(_)) => Trouble::local(format!("{name}: {unfit}"), bucket_hint(&name)),
        _ => Trouble::local(format!("{name}: {unfit}"), hint),
    }
}

/// The rules over a store that was made for use without a server. A bucket that cannot be reached is asked again for
/// a moment, and for no longer than `give_up`.
pub(super) async fn serverless(url: &RelayUrl, give_up: Duration) -> Result<Arc<Keeper>, Trouble> {
    let name = printable(&url.name());
    if let Some(path) = url.folder() {
        expect_usable(url, &path)?;
    }
    let mut patience = Patience::new(give_up.min(REACH_TIME));
    let store = open(url, true, "nothing is lost")?;
    let keeper = Arc::new(Keeper::new(store, Arc::new(SystemClock), Policy::default()));
    let adopted = loop {
        // Nothing is written, not even to look at the clock, before it is known to be one of ours.
        let asked = match keeper.is_adopted().await {
            Ok(true) => keeper.check_clock().await.map(|()| true),
            other => other,
        };
        let error = match asked {
            Ok(adopted) => break adopted,
            Err(error) => error,
        };
        match error {
            StoreError::Failed(why) if url.bucket().is_some() => {
                let error = RelayError::NoConnection(why);
                patience.pause(error).await.map_err(|error| Way::to(url.clone()).refused(error))?;
            }
            error => {
                let hint = if url.folder().is_some() { "may you write there?" } else { bucket_hint(&name) };
                return Err(Trouble::local(format!("{name} cannot be used: {error}"), hint));
            }
        }
    };
    if !adopted {
        return Err(not_ours(url));
    }
    if keeper.clock_is_wrong() {
        return Err(Trouble::local(
            format!("this machine's clock and the one of {name} differ by minutes"),
            "set the clock; until then nothing is opened and nothing expires",
        ));
    }
    Ok(keeper)
}

fn not_ours(url: &RelayUrl) -> Trouble {
    let kind = if url.folder().is_some() { "folder" } else { "bucket" };
    let what = format!("{} is not a {kind} for shares", printable(&url.name()));
    Trouble::usage(what, format!("share relay use {url} makes it one"))
}

/// Fails where a folder is not there or not for us, before anything is made in it.
fn expect_usable(url: &RelayUrl, path: &Path) -> Result<(), Trouble> {
    let data = fs::symlink_metadata(path).map_err(|error| Trouble::path(path, &error, "is the disk there?"))?;
    if !data.is_dir() {
        return Err(not_ours(url));
    }
    let needed = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(path, needed)
        .map_err(|errno| Trouble::path(path, &errno.into(), "who shares it must be able to read and write there"))?;
    if path.join(MARKER).exists() { Ok(()) } else { Err(not_ours(url)) }
}

/// Whether only its owner can use a folder.
pub(super) fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o070 == 0)
}

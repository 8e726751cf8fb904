//! Stores: named objects that are created once, read, listed and deleted. No rules live here. The names at the top of
//! a store are listed in [`layout`].
//!
//! Differences between the back ends that a caller can notice:
//!
//! | | [`memory`] | [`folder`] | [`bucket`] |
//! |---|---|---|---|
//! | survives a restart | no | yes, once `create` has returned, even a power cut | yes |
//! | several processes | no | only with a shared folder whose file system locks and links properly | yes |
//! | `written` | the given clock | the file system's clock | the store's clock |
//! | a part is held in memory | yes | no: 256 KiB at a time | on its way in |
//! | `space` | of what was given to it | of the disk | not told |
//! | a deleted object | is gone | is gone, as far as the disk goes | is gone, unless the bucket keeps versions |

pub mod bucket;
pub mod folder;
pub mod layout;
pub mod memory;

use async_trait::async_trait;

pub use crate::platform::files::Space;
use crate::relay::{Content, RelayError};

/// Outcome of creating an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now, and durable.
    New,
    /// There was one of that name, complete and durable; it is unchanged.
    Exists,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its full name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// When it was written, by the store's clock: Unix seconds.
    pub written: u64,
}

/// Reasons for which a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error("no space left in the store")]
    NoSpace,
    /// The content to be stored ended in an error; nothing of it is kept.
    #[error(transparent)]
    Content(RelayError),
    /// It refuses: the credentials are wrong, or there is no such bucket.
    #[error("{0}")]
    Refused(String),
    /// It does not offer the operation, today or tomorrow.
    #[error("{0}")]
    Unable(&'static str),
    /// Anything else: the operation may or may not have happened.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace,
            std::io::ErrorKind::Unsupported => {
                Self::Refused("its file system has neither hard links nor a rename that never replaces".to_owned())
            }
            // The kind and not the text: a path holds an id.
            kind => Self::Failed(kind.to_string()),
        }
    }
}

/// Objects with names like `v1/<id>/seal`. A name is made of lower-case letters, digits, `-` and `/`.
///
/// # Errors
/// Each method may fail with each [`StoreError`]; all but [`StoreError::Failed`] are final.
#[async_trait]
pub trait Store: Send + Sync {
    /// Creates an object if there is none of that name. Of many at once, exactly one gets [`Created::New`]. After an
    /// error it may have been created or not: read it back.
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError>;

    /// Reads an object from `offset` on. An offset behind its end gives nothing.
    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError>;

    /// The objects whose names begin with `prefix`, which ends in a slash or within a file's name, sorted. With
    /// `before`, only those that sort before it: others are not even looked at.
    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError>;

    /// Deletes objects. That some are not there is no error. When this returns, the deletion is durable.
    async fn delete(&self, names: &[String]) -> Result<(), StoreError>;

    /// Removes leftovers of writers that died: those that are not objects yet.
    async fn tidy(&self) -> Result<(), StoreError>;

    /// The room that there is, if the store reports it.
    async fn space(&self) -> Result<Option<Space>, StoreError>;

    /// Whether the store keeps versions of deleted objects, if it reports that when something is written: creates the
    /// object `name` to find out.
    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError>;
}

//! Stores: named objects that are created once, read, listed and deleted. No rules live here. The names at the top of
//! a store are listed in [`layout`].
//!
//! Differences between the back ends that a caller can notice:
//!
//! | | [`memory`] | [`folder`] | [`bucket`] |
//! |---|---|---|---|
//! | survives a restart | no | yes; once `create` has returned, also a power cut | yes |
//! | several processes | no | only with a shared folder whose file system locks and links properly | yes |
//! | `written` | the given clock | the file system's clock | the store's clock |
//! | a part is held in memory | yes | no: 128 KiB at a time | during its upload |
//! | `space` | of its capacity | of the disk | none |
//! | a deleted object | is gone | is gone for the file system | is gone, unless the bucket keeps versions |

pub mod aside;
pub mod bounded;
pub mod bucket;
pub mod folder;
pub mod layout;
pub mod measured;
pub mod memory;

use async_trait::async_trait;

pub use crate::platform::files::Space;
use crate::relay::obstacle::Obstacle;
use crate::relay::{Content, RelayError};

/// Outcome of creating an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The object was created and is durable.
    New,
    /// An object of that name exists, complete, durable and unchanged.
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

/// Errors of a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error("no space left in the store")]
    NoSpace,
    /// The content ended in an error. Nothing of it is stored.
    #[error(transparent)]
    Content(RelayError),
    /// The store refuses access: wrong credentials, or no such bucket.
    #[error("{0}")]
    Refused(String),
    /// An obstacle on the way to the store, which does not pass by itself.
    #[error("{0}")]
    Hindered(Obstacle),
    /// The store lacks the operation.
    #[error("{0}")]
    Unable(&'static str),
    /// Any other failure. The operation may or may not have happened.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace,
            std::io::ErrorKind::Unsupported => {
                Self::Refused("the file system has neither hard links nor a rename that never replaces".to_owned())
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
    /// Creates an object unless one of that name exists. Of parallel creations exactly one returns [`Created::New`].
    /// After an error the object may exist or not.
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError>;

    /// Reads an object from `offset` on. Beyond its end the content is empty.
    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError>;

    /// The objects whose names begin with `prefix`, which ends in a slash or within a file's name, sorted. With
    /// `before`, only those that sort before it; the cost does not depend on the others.
    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError>;

    /// Deletes objects, durably. A missing object is no error.
    async fn delete(&self, names: &[String]) -> Result<(), StoreError>;

    /// Removes leftovers of writers that died before their objects existed.
    async fn tidy(&self) -> Result<(), StoreError>;

    /// The space, if the store reports it.
    async fn space(&self) -> Result<Option<Space>, StoreError>;

    /// Whether the store keeps versions of deleted objects, if it reports that. Creates the object `name` for the test.
    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError>;
}

//! A store in a bucket: S3 and compatible services, Google Cloud Storage, Azure Blob Storage.
//!
//! The client is the `object_store` crate, without its retries. A repeated creation would find its own first attempt
//! and report that the object exists; only `write_once` in the rules can distinguish the two. Callers may repeat all
//! other requests.

mod client;
mod errors;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
};
use tokio::sync::Semaphore;

use self::client::{Connector, Operation};
use self::errors::{Failed, innermost};
pub use self::settings::BucketError;
use self::settings::Settings;

use crate::blob::PART_LEN;
use crate::relay::http::{self, IDLE_TIME};
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{Content, Network, RelayError};
use crate::relay_url::RelayUrl;

/// Limit of parts in memory during their upload. A bucket takes an object only whole.
const UPLOADS: usize = 32;
/// The longest wait for a permit to upload a part.
const PERMIT_TIME: Duration = Duration::from_secs(20);
/// Objects up to this many bytes need no permit.
const SHORT: u64 = 64 << 10;

/// Objects in a bucket, below a prefix.
pub struct Bucket {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    versions: Versions,
    deletions: Deletions,
    uploads: Semaphore,
}

/// Meaning of the version in the answer to a put: whether the bucket keeps deleted objects.
#[derive(Clone, Copy)]
enum Versions {
    /// S3: a version only if the bucket keeps versions.
    Told,
    /// Azure: likewise, but no answer shows a soft delete.
    ToldIfKept,
    /// Google: always a generation.
    Untold,
}

/// Deletion of many objects.
#[derive(Clone, Copy)]
struct Deletions {
    /// Limit of objects in one request.
    batch: usize,
    /// Limit of parallel requests.
    at_once: usize,
}

impl Bucket {
    /// The store at `url`. Endpoint, region and credentials are in `settings`, under the usual names of environment
    /// variables: `AWS_…`, `GOOGLE_…`, `AZURE_…`. Sends no request.
    ///
    /// # Errors
    /// [`BucketError::Address`] unless `url` is that of a bucket, [`BucketError::Settings`] if a setting is missing or
    /// invalid.
    pub fn open(
        url: &RelayUrl,
        settings: impl Iterator<Item = (String, String)>,
        network: &Network,
    ) -> Result<Self, BucketError> {
        let (scheme, name, prefix) = url.bucket().ok_or(BucketError::Address)?;
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let (prefix_of_variables, endpoints, versions) = match scheme {
            "s3" => ("AWS_", &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"][..], Versions::Told),
            "gs" => ("GOOGLE_", &["GOOGLE_BASE_URL"][..], Versions::Untold),
            _ => ("AZURE_", &["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"][..], Versions::ToldIfKept),
        };
        let settings = Settings::read(settings, prefix_of_variables, endpoints, network)?;
        let (connector, client) = (Connector { network: network.clone() }, settings.client());
        let mut deletions = match scheme {
            "s3" => Deletions { batch: 1000, at_once: 20 },
            "gs" => Deletions { batch: 1, at_once: 10 },
            _ => Deletions { batch: 256, at_once: 20 },
        };
        let store: object_store::Result<Box<dyn ObjectStore>> = match scheme {
            "s3" => {
                let begin = AmazonS3Builder::new().with_client_options(client);
                let builder = settings.fold(begin, AmazonS3Builder::with_config);
                let is_single = builder.get_config_value(&AmazonS3ConfigKey::DisableBulkDelete);
                if is_single.is_some_and(|value| matches!(&*value.to_lowercase(), "1" | "true" | "on" | "yes" | "y")) {
                    deletions.batch = 1;
                }
                let builder = builder.with_bucket_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
            "gs" => {
                let begin = GoogleCloudStorageBuilder::new().with_client_options(client);
                let builder = settings.fold(begin, GoogleCloudStorageBuilder::with_config);
                let builder = builder.with_bucket_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
            _ => {
                let begin = MicrosoftAzureBuilder::new().with_client_options(client);
                let builder = settings.fold(begin, MicrosoftAzureBuilder::with_config);
                let builder = builder.with_container_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
        };
        let store = store.map_err(|error| BucketError::Settings(innermost(&error)))?;
        let prefix = Path::parse(prefix).map_err(|_| BucketError::Address)?;
        Ok(Self { store, prefix, versions, deletions, uploads: Semaphore::new(UPLOADS) })
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    /// The name of an object below our prefix.
    fn name(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
        Some(parts.join("/"))
    }

    /// Deletes objects by one request. A missing object is no error.
    async fn delete_batch(&self, names: &[String]) -> Result<(), Failed> {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let mut deleted = self.store.delete_stream(stream::iter(paths).boxed());
        let operation = Operation::default();
        let mut first = Ok(());
        while let Some(result) =
            operation.within(IDLE_TIME, async { deleted.next().await.transpose() }).await.transpose()
        {
            if let Err(failed) = result
                && !failed.is_absent()
            {
                let is_broken = matches!(failed.error, Error::Generic { .. });
                first = first.and(Err(failed));
                if is_broken {
                    break;
                }
            }
        }
        first
    }
}

#[async_trait]
impl Store for Bucket {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        // A part in chunks is as long as it can be.
        let len = content.known_len().unwrap_or(PART_LEN as u64);
        let _permit = if len > SHORT {
            let permit = tokio::time::timeout(PERMIT_TIME, self.uploads.acquire()).await;
            Some(permit.map_err(|_| StoreError::Failed("too many parts are being uploaded to the bucket".to_owned()))?)
        } else {
            None
        };
        let pieces: Vec<Bytes> = content.into_chunks().try_collect().await.map_err(StoreError::Content)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let path = self.path(name);
        let put = self.store.put_opts(&path, PutPayload::from_iter(pieces), options);
        match Operation::default().within(http::time_for(len, IDLE_TIME), put).await {
            Ok(_) => Ok(Created::New),
            Err(Failed { error: Error::AlreadyExists { .. } | Error::Precondition { .. }, .. }) => Ok(Created::Exists),
            Err(failed) => Err(failed.of_creation()),
        }
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let path = self.path(name);
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let asked = self.store.get_opts(&path, GetOptions { range, ..GetOptions::default() });
        let found = match Operation::default().within(IDLE_TIME, asked).await {
            Ok(found) => found,
            Err(failed) if failed.is_absent() => return Ok(None),
            // An offset beyond the end is an error of HTTP (416), but an empty content by our contract.
            Err(failed) if offset > 0 => {
                return match Operation::default().within(IDLE_TIME, self.store.head(&path)).await {
                    Ok(object) if object.size <= offset => Ok(Some(Content::Whole(Bytes::new()))),
                    Ok(_) | Err(_) => Err(failed.into()),
                };
            }
            Err(failed) => return Err(failed.into()),
        };
        let len = found.range.end - found.range.start;
        let chunks = stream::try_unfold(found.into_stream(), |mut chunks| async move {
            match tokio::time::timeout(IDLE_TIME, chunks.next()).await {
                Ok(None) => Ok(None),
                Ok(Some(Ok(chunk))) => Ok(Some((chunk, chunks))),
                Ok(Some(Err(_))) | Err(_) => Err(RelayError::BUSY),
            }
        });
        Ok(Some(Content::Stream { len, chunks: chunks.boxed() }))
    }

    /// Requests pages of a thousand names until `before`. Buckets list in the order of names; one that does not (S3
    /// Express) is detected and refused.
    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let directory = self.path(prefix.rsplit_once('/').map_or("", |(directory, _)| directory));
        // A listing begins after a given name: here one that sorts before all with this prefix.
        let start = prefix.get(..prefix.len().saturating_sub(1)).unwrap_or_default();
        let mut objects = if start.ends_with('/') || !prefix.contains('/') || prefix.ends_with('/') {
            self.store.list(Some(&directory))
        } else {
            self.store.list_with_offset(Some(&directory), &self.path(start))
        };
        let operation = Operation::default();
        let mut found: Vec<Object> = Vec::new();
        loop {
            let next = operation.within(IDLE_TIME, async { objects.try_next().await }).await?;
            let Some(object) = next else { return Ok(found) };
            let Some(name) = self.name(&object.location) else { continue };
            if found.last().is_some_and(|last| last.name >= name) {
                return Err(StoreError::Failed("the bucket does not list objects in order of their names".to_owned()));
            }
            let is_behind = name.as_str() > prefix && !name.starts_with(prefix);
            if is_behind || before.is_some_and(|before| name.as_str() >= before) {
                return Ok(found);
            }
            if name.starts_with(prefix) {
                let written = u64::try_from(object.last_modified.timestamp()).unwrap_or(0);
                found.push(Object { name, len: object.size, written });
            }
        }
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        let batches: Vec<_> = names.chunks(self.deletions.batch).map(|batch| self.delete_batch(batch)).collect();
        let mut batches = stream::iter(batches).buffered(self.deletions.at_once);
        let mut first = Ok(());
        while let Some(deleted) = batches.next().await {
            // The other deletions continue, unless the connection is broken.
            let is_broken = matches!(&deleted, Err(Failed { error: Error::Generic { .. }, .. }));
            first = first.and(deleted);
            if is_broken {
                break;
            }
        }
        Ok(first?)
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        // An object is created whole, by one request.
        Ok(())
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        let path = self.path(name);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&path, PutPayload::new(), options);
        let version = Operation::default().within(IDLE_TIME, put).await?.version;
        // "null" is the version of all objects in a bucket with suspended versioning.
        let is_kept = version.is_some_and(|version| version != "null");
        Ok(match self.versions {
            Versions::Told => Some(is_kept),
            Versions::ToldIfKept => is_kept.then_some(true),
            Versions::Untold => None,
        })
    }
}

//! A store in a bucket: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.
//!
//! The `object_store` crate speaks to them; where it would repeat a request by itself it is told not to. A repeated
//! creation finds its own first attempt and reports that somebody else was faster: only [`write_once`] can tell the two
//! apart, and whatever else is asked here may be asked again by whoever wants to know.
//!
//! [`write_once`]: crate::relay::cells::write_once

use std::error::Error as StdError;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    ClientConfigKey, ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RetryConfig,
};
use tokio::sync::Semaphore;

use super::{Creation, Object, Space, Store, StoreError};
use crate::link::{RelayUrl, RelayUrlError};
use crate::relay::client::{self, IDLE_TIME};
use crate::relay::{Content, RelayError};

/// Parts that are held in memory on their way in, at most: a bucket takes an object only whole.
const UPLOADS: usize = 32;
/// Objects shorter than this many bytes don't wait for a place among them.
const SHORT: u64 = 64 << 10;

/// Why a bucket cannot be a store.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// Not the address of a bucket.
    #[error("a bucket is written like s3://bucket/prefix")]
    Address,
    /// The environment does not say enough about it, or something that makes no sense.
    #[error("{0}")]
    Settings(String),
}

/// The variables that say where buckets are and who we are.
struct Settings {
    all: Vec<(String, String)>,
    /// Whether an endpoint is reached without encryption.
    local: bool,
}

impl Settings {
    fn read(all: impl Iterator<Item = (String, String)>) -> Result<Self, BucketError> {
        let ours = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        let all: Vec<_> = all.filter(|(name, value)| ours(name) && !value.is_empty()).collect();
        let is_allowed = all.iter().any(|(name, value)| name.ends_with("_ALLOW_HTTP") && value == "true");
        let mut local = false;
        for (name, value) in all.iter().filter(|(name, _)| name.contains("ENDPOINT")) {
            local |= value.starts_with("http://");
            if let (Err(error @ RelayUrlError::PlainHttp(_)), false) = (RelayUrl::parse(value), is_allowed) {
                return Err(BucketError::Settings(format!("{name}: {error}, or say AWS_ALLOW_HTTP=true")));
            }
        }
        Ok(Self { all, local })
    }

    /// Tells `builder` all that it knows of those that begin with `prefix`.
    fn fold<B, K: FromStr>(self, prefix: &str, builder: B, with: fn(B, K, String) -> B) -> B {
        self.all.into_iter().filter(|(name, _)| name.starts_with(prefix)).fold(builder, |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => with(builder, key, value),
                Err(_) => builder,
            }
        })
    }
}

/// Objects in a bucket, below a prefix.
pub struct Bucket {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    /// Whether a put tells that the bucket keeps older versions: only S3's does.
    tells_versions: bool,
    uploads: Semaphore,
}

/// Gives the crate a client with our settings.
#[derive(Debug)]
struct Connector {
    /// Whether the bucket is on the local network, which no proxy to the world is asked about.
    local: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut builder = client::builder(IDLE_TIME);
        // Where it looks for credentials that may not be there it has less patience.
        let time = options.get_config_value(&ClientConfigKey::ConnectTimeout);
        if let Some(time) = time.and_then(|time| humantime::parse_duration(&time).ok()) {
            builder = builder.connect_timeout(time);
        }
        if self.local {
            builder = builder.no_proxy();
        }
        builder
            .build()
            .map(HttpClient::new)
            .map_err(|error| Error::Generic { store: "the HTTP client", source: error.without_url().into() })
    }
}

impl Bucket {
    /// The store at `url`. Endpoint, region and credentials come from the variables that everybody's tools use, among
    /// `settings`: `AWS_…`, `GOOGLE_…`, `AZURE_…`. Nothing is asked yet.
    pub fn open(url: &RelayUrl, settings: impl Iterator<Item = (String, String)>) -> Result<Self, BucketError> {
        let (scheme, name, prefix) = url.bucket().ok_or(BucketError::Address)?;
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let settings = Settings::read(settings)?;
        let connector = Connector { local: settings.local };
        let store: object_store::Result<Box<dyn ObjectStore>> = match scheme {
            "s3" => {
                let builder = settings.fold("AWS_", AmazonS3Builder::new(), AmazonS3Builder::with_config);
                let builder = builder.with_bucket_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
            "gs" => {
                let begin = GoogleCloudStorageBuilder::new();
                let builder = settings.fold("GOOGLE_", begin, GoogleCloudStorageBuilder::with_config);
                let builder = builder.with_bucket_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
            _ => {
                let builder = settings.fold("AZURE_", MicrosoftAzureBuilder::new(), MicrosoftAzureBuilder::with_config);
                let builder = builder.with_container_name(name).with_retry(retry).with_http_connector(connector);
                builder.build().map(|store| Box::new(store) as _)
            }
        };
        let store = store.map_err(|error| BucketError::Settings(innermost(&error)))?;
        let prefix = Path::parse(prefix).map_err(|_| BucketError::Address)?;
        Ok(Self { store, prefix, tells_versions: scheme == "s3", uploads: Semaphore::new(UPLOADS) })
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    /// Our name of an object, if it is one of ours.
    fn name(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
        Some(parts.join("/"))
    }
}

/// `work`, unless nothing comes of it for too long.
async fn within<T>(time: Duration, work: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
    let silent = || Error::Generic { store: "bucket", source: "it does not answer".into() };
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(silent()))
}

/// What the crate says, without the names that are in it: they hold ids.
fn failure(error: &Error) -> StoreError {
    let status = status(error);
    let text = error.to_string();
    if status == Some(507) || ["QuotaExceeded", "StorageFull"].iter().any(|code| text.contains(code)) {
        return StoreError::NoSpace;
    }
    match (error, status) {
        (Error::Unauthenticated { .. }, _) | (_, Some(401)) => {
            StoreError::Refused("it does not know these credentials".to_owned())
        }
        (Error::PermissionDenied { .. }, _) | (_, Some(403)) => {
            StoreError::Refused("these credentials may not do that".to_owned())
        }
        (Error::NotFound { .. }, _) => StoreError::Refused("there is no such bucket".to_owned()),
        (_, Some(status)) => StoreError::Failed(format!("it answers with status {status}")),
        (error, None) => StoreError::Failed(innermost(error)),
    }
}

/// The status of an answer that was an error: the crate puts it into its text only.
fn status(error: &Error) -> Option<u16> {
    let text = error.to_string();
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The last cause of an error: it is about the machine or the settings, where the first ones name the object.
fn innermost(error: &Error) -> String {
    let mut last: &dyn StdError = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let text = last.to_string();
    text.split(" (os error").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[async_trait]
impl Store for Bucket {
    async fn create(&self, name: &str, content: Content) -> Result<Creation, StoreError> {
        let len = content.len();
        let _place = if len > SHORT { self.uploads.acquire().await.ok() } else { None };
        let pieces: Vec<Bytes> = content.into_chunks().try_collect().await.map_err(StoreError::Content)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let path = self.path(name);
        let put = self.store.put_opts(&path, PutPayload::from_iter(pieces), options);
        match within(client::time_for(len, IDLE_TIME), put).await {
            Ok(_) => Ok(Creation::New),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Creation::Exists),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let path = self.path(name);
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let asked = self.store.get_opts(&path, GetOptions { range, ..GetOptions::default() });
        let found = match within(IDLE_TIME, asked).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            // Nothing begins behind the end, which is an error to a server of bytes and none to us.
            Err(error) if offset > 0 => {
                return match within(IDLE_TIME, self.store.head(&path)).await {
                    Ok(object) if object.size <= offset => Ok(Some(Content::Whole(Bytes::new()))),
                    Err(Error::NotFound { .. }) => Ok(None),
                    Ok(_) | Err(_) => Err(failure(&error)),
                };
            }
            Err(error) => return Err(failure(&error)),
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

    /// Asks for pages of a thousand until `before`. Buckets list in the order of names, and one that does not (S3
    /// Express does not) is told by that and refused.
    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let directory = self.path(prefix.rsplit_once('/').map_or("", |(directory, _)| directory));
        // A listing begins behind a name: behind one that is less than all with this prefix.
        let start = prefix.get(..prefix.len().saturating_sub(1)).unwrap_or_default();
        let mut objects = if start.ends_with('/') || !prefix.contains('/') || prefix.ends_with('/') {
            self.store.list(Some(&directory))
        } else {
            self.store.list_with_offset(Some(&directory), &self.path(start))
        };
        let mut found: Vec<Object> = Vec::new();
        loop {
            let object = match within(IDLE_TIME, async { objects.try_next().await }).await {
                Ok(Some(object)) => object,
                Ok(None) => return Ok(found),
                Err(error) => return Err(failure(&error)),
            };
            let Some(name) = self.name(&object.location) else { continue };
            if found.last().is_some_and(|last| last.name >= name) {
                return Err(StoreError::Failed("it does not list objects in the order of their names".to_owned()));
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
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let mut deleted = self.store.delete_stream(stream::iter(paths).boxed());
        loop {
            match within(IDLE_TIME, async { deleted.next().await.transpose() }).await {
                Ok(Some(_)) | Err(Error::NotFound { .. }) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(failure(&error)),
            }
        }
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        // An object is put whole, in one request.
        Ok(())
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        if !self.tells_versions {
            return Ok(None);
        }
        let path = self.path(name);
        let put = self.store.put_opts(&path, PutPayload::new(), PutOptions::default());
        let put = within(IDLE_TIME, put).await.map_err(|error| failure(&error))?;
        // "null" is the version of all objects of a bucket whose versioning is suspended.
        Ok(Some(put.version.is_some_and(|version| version != "null")))
    }
}

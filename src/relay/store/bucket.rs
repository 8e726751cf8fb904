//! A store in a bucket: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.
//!
//! The `object_store` crate speaks to them; where it would repeat a request by itself it is told not to. A repeated
//! creation finds its own first attempt and reports that somebody else was faster: only [`write_once`] can tell the two
//! apart, and whatever else is asked here may be asked again by whoever wants to know.
//!
//! [`write_once`]: crate::relay::rules::records::write_once

use std::error::Error as StdError;
use std::io;
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

use crate::relay::http::{self, IDLE_TIME};
use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{Content, RelayError, obstacle};
use crate::relay_url::{RelayUrl, RelayUrlError};

/// Parts that are held in memory on their way in, at most: a bucket takes an object only whole.
const UPLOADS: usize = 32;
/// How long a part waits for a place among them.
const PLACE_TIME: Duration = Duration::from_secs(20);
/// How long the crate waits for a connection unless it is in a hurry.
const USUAL_CONNECT_TIME: Duration = Duration::from_secs(5);
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

/// The variables that say where a bucket is and who we are.
struct Settings {
    all: Vec<(String, String)>,
    /// Whether it is on the local network, and reached without encryption.
    local: bool,
}

impl Settings {
    /// Those among `all` that begin with `prefix`, of which `endpoints` have addresses.
    fn read(
        all: impl Iterator<Item = (String, String)>,
        prefix: &str,
        endpoints: &[&str],
    ) -> Result<Self, BucketError> {
        let all: Vec<_> = all.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty()).collect();
        let allow = format!("{prefix}ALLOW_HTTP");
        let is_allowed = all.iter().any(|(name, value)| *name == allow && value.eq_ignore_ascii_case("true"));
        if let Some((name, _)) = all.iter().find(|(_, value)| value.contains(|c: char| c.is_control())) {
            return Err(BucketError::Settings(format!("{name} has a line break in it, or something like that")));
        }
        let mut local = false;
        for (name, value) in all.iter().filter(|(name, _)| endpoints.contains(&name.as_str())) {
            match RelayUrl::parse(value) {
                Ok(url) if value.starts_with("http") && value.contains("://") => local |= !url.is_https(),
                Ok(_) => return Err(BucketError::Settings(format!("{name}: it must begin with https://, or http://"))),
                Err(RelayUrlError::PlainHttp(_)) if is_allowed => {}
                Err(error @ RelayUrlError::PlainHttp(_)) => {
                    return Err(BucketError::Settings(format!("{name}: {error}, or say {allow}=true")));
                }
                Err(error) => return Err(BucketError::Settings(format!("{name}: {error}"))),
            }
        }
        Ok(Self { all, local })
    }

    /// Whatever else it is told, the client speaks http only to the local network.
    fn client(&self) -> ClientOptions {
        ClientOptions::new().with_allow_http(self.local)
    }

    /// Tells `builder` all that it knows of them.
    fn fold<B, K: FromStr>(self, builder: B, with: fn(B, K, String) -> B) -> B {
        self.all.into_iter().fold(builder, |builder, (name, value)| match name.to_ascii_lowercase().parse() {
            Ok(key) => with(builder, key, value),
            Err(_) => builder,
        })
    }
}

/// Objects in a bucket, below a prefix.
pub struct Bucket {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    versions: Versions,
    uploads: Semaphore,
}

/// What the answer to a put says about whether the bucket keeps what is deleted.
#[derive(Clone, Copy)]
enum Versions {
    /// S3 names the version if there are any.
    Told,
    /// Azure does, too, and there may be a soft delete of which it says nothing.
    ToldIfKept,
    /// Google names a generation in any case.
    Untold,
}

/// Gives the crate a client with our settings.
#[derive(Debug)]
struct Connector {
    /// Whether the bucket is on the local network, which no proxy to the world is asked about.
    local: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let told = |key| options.get_config_value(&key);
        let may_be_plain = told(ClientConfigKey::AllowHttp).is_some_and(|told| told == "true");
        let mut builder = http::builder(IDLE_TIME).https_only(!may_be_plain);
        // Where it looks for credentials that may not be there it has less patience.
        let time = told(ClientConfigKey::ConnectTimeout).and_then(|time| humantime::parse_duration(&time).ok());
        if let Some(time) = time.filter(|time| *time < USUAL_CONNECT_TIME) {
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
        let (prefix_of_variables, endpoints, versions) = match scheme {
            "s3" => ("AWS_", &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"][..], Versions::Told),
            "gs" => ("GOOGLE_", &["GOOGLE_BASE_URL"][..], Versions::Untold),
            _ => ("AZURE_", &["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"][..], Versions::ToldIfKept),
        };
        let settings = Settings::read(settings, prefix_of_variables, endpoints)?;
        let (connector, client) = (Connector { local: settings.local }, settings.client());
        let store: object_store::Result<Box<dyn ObjectStore>> = match scheme {
            "s3" => {
                let builder =
                    settings.fold(AmazonS3Builder::new().with_client_options(client), AmazonS3Builder::with_config);
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
        Ok(Self { store, prefix, versions, uploads: Semaphore::new(UPLOADS) })
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

/// What an answer says that is an error.
struct Verdict {
    status: Option<u16>,
    /// The word that the store has for it, like `NoSuchKey`.
    code: Option<String>,
}

impl Verdict {
    /// The crate puts what the store has answered into its text only.
    fn of(error: &Error) -> Self {
        let text = error.to_string();
        let between = |begin: &str, end: &str| {
            let (_, rest) = text.split_once(begin)?;
            rest.split_once(end).map(|(word, _)| word.to_owned())
        };
        let status = text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
        Self { status, code: between("<Code>", "</Code>").or_else(|| between("(code: ", ")")) }
    }

    /// Whether there is no such object. Anything else that answers "not found", a gateway that restarts, say, has not
    /// said that.
    fn is_absent(&self) -> bool {
        matches!(self.code.as_deref(), Some("NoSuchKey" | "BlobNotFound"))
    }
}

/// An error in our words. Those of the crate have the names of objects in them, and these hold ids.
fn failure(error: &Error) -> StoreError {
    let refused = |why: &str| StoreError::Refused(why.to_owned());
    let Verdict { status, code } = Verdict::of(error);
    match (code.as_deref(), status) {
        (Some("RequestTimeTooSkewed"), _) => refused("this machine's clock is wrong by many minutes"),
        (Some("ExpiredToken" | "TokenRefreshRequired"), _) => refused("these credentials are not valid any more"),
        (Some("InvalidAccessKeyId" | "InvalidToken" | "AuthenticationFailed"), _) | (_, Some(401)) => {
            refused("it does not know these credentials")
        }
        (Some("SignatureDoesNotMatch"), _) => refused("the secret key is not the one of these credentials"),
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"), _)
        | (_, Some(301)) => refused("the bucket is in another region"),
        (Some("NoSuchBucket" | "ContainerNotFound"), _) => refused("there is no such bucket"),
        (Some("AccessDenied" | "AllAccessDisabled"), _) | (_, Some(403)) => {
            refused("these credentials may not do that, or there are none")
        }
        (Some("QuotaExceeded" | "XMinioStorageFull" | "StorageFull"), _) | (_, Some(507)) => StoreError::NoSpace,
        // Each creation here is conditional, and other requests are such as every bucket knows.
        (Some("NotImplemented"), _) | (_, Some(501)) => StoreError::Unable(
            "it does not support conditional writes (If-None-Match), so a share could be opened twice",
        ),
        (_, Some(404)) => StoreError::Failed("what answers there is not a bucket".to_owned()),
        (_, Some(status)) => StoreError::Failed(format!("it answers with status {status}")),
        (_, None) => StoreError::Failed(reason(error)),
    }
}

/// All causes of an error, the error first.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |error| {
        let error: &(dyn StdError + 'static) = *error;
        error.source()
    })
}

/// Why there was no answer: what keeps this machine from it, or the operating system's words, if it has any.
fn reason(error: &Error) -> String {
    let causes = || obstacle::causes(error as &(dyn StdError + 'static));
    if let Some(distrust) = causes().find_map(|cause| cause.downcast_ref()).and_then(Distrust::of) {
        return format!("its certificate cannot be trusted: {distrust}");
    }
    if let Some(obstacle) = Obstacle::to_connecting(error) {
        return obstacle.to_string();
    }
    let io = causes().filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    let text = io.map_or_else(|| "it does not answer".to_owned(), ToString::to_string);
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// What the crate says about settings: there is no name in it.
fn innermost(error: &Error) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    text.trim_end_matches('.').to_owned()
}

#[async_trait]
impl Store for Bucket {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let len = content.len();
        let _place = if len > SHORT {
            let place = tokio::time::timeout(PLACE_TIME, self.uploads.acquire()).await;
            Some(place.map_err(|_| StoreError::Failed("too many parts are on their way to it".to_owned()))?)
        } else {
            None
        };
        let pieces: Vec<Bytes> = content.into_chunks().try_collect().await.map_err(StoreError::Content)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let path = self.path(name);
        let put = self.store.put_opts(&path, PutPayload::from_iter(pieces), options);
        match within(http::time_for(len, IDLE_TIME), put).await {
            Ok(_) => Ok(Created::New),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Created::Exists),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let path = self.path(name);
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let asked = self.store.get_opts(&path, GetOptions { range, ..GetOptions::default() });
        let found = match within(IDLE_TIME, asked).await {
            Ok(found) => found,
            Err(error) if Verdict::of(&error).is_absent() => return Ok(None),
            // Nothing begins behind the end, which is an error to a server of bytes and none to us.
            Err(error) if offset > 0 => {
                return match within(IDLE_TIME, self.store.head(&path)).await {
                    Ok(object) if object.size <= offset => Ok(Some(Content::Whole(Bytes::new()))),
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
        let mut failed = None;
        while let Some(result) = within(IDLE_TIME, async { deleted.next().await.transpose() }).await.transpose() {
            if let Err(error) = result
                && !Verdict::of(&error).is_absent()
            {
                // The others go all the same.
                failed = failed.or_else(|| Some(failure(&error)));
                if matches!(error, Error::Generic { .. }) {
                    break;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        // An object is put whole, in one request.
        Ok(())
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        let path = self.path(name);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = within(IDLE_TIME, self.store.put_opts(&path, PutPayload::new(), options)).await;
        let version = put.map_err(|error| failure(&error))?.version;
        // "null" is the version of all objects of a bucket whose versioning is suspended.
        let is_kept = version.is_some_and(|version| version != "null");
        Ok(match self.versions {
            Versions::Told => Some(is_kept),
            Versions::ToldIfKept => is_kept.then_some(true),
            Versions::Untold => None,
        })
    }
}

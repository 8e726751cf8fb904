//! An S3 server for tests, in this process: one map behind a mutex, over HTTP, with faults on request. Real programs
//! use it like any other.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use share::relay::Network;
use share::relay::clock::{Clock, SystemClock};
use share::relay::store::bucket::Bucket;
use share::relay_url::RelayUrl;

const BUCKET: &str = "shares";
const KEY: &str = "key";
const SECRET: &str = "secret";

/// A fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BucketFault {
    /// The request is refused with this status and has no effect.
    Refused(u16),
    /// The request is carried out, and answered with this status.
    Denied(u16),
    /// The connection breaks before the request has an effect.
    CutBefore,
    /// The request is carried out, and the connection breaks.
    CutAfter,
    /// The request arrives twice; the second answer is returned.
    Twice,
    /// The client process is killed before the request has an effect.
    KillBefore(u32),
    /// The request is carried out, and the client process is killed.
    KillAfter(u32),
}

/// A request, for the plan that chooses its fault.
pub(crate) struct Asked {
    /// Its number, from 1 on.
    pub(crate) number: u64,
}

type Plan = Box<dyn Fn(&Asked) -> Option<BucketFault> + Send + Sync>;

/// An S3 that runs until it is dropped.
pub(crate) struct TestS3 {
    pub(crate) endpoint: String,
    storage: Arc<Storage>,
    handler: Arc<Handler>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// The treatment of `If-None-Match`.
#[derive(Clone, Copy)]
enum Conditions {
    Kept,
    Ignored,
    Denied(Denial),
}

/// The ways in which stores deny conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Denial {
    /// 501 with the code `NotImplemented`.
    NotImplemented,
    /// 405 with the code `MethodNotAllowed`.
    NotAllowed,
    /// 400 with a text that names the header.
    InvalidArgument,
}

/// The handler of requests.
struct Handler {
    service: S3Service,
    plan: Mutex<Option<Plan>>,
    asked: AtomicU64,
    harmed: AtomicU64,
}

impl TestS3 {
    pub(crate) fn start() -> Self {
        Self::start_at(Arc::new(SystemClock))
    }

    /// A server whose objects are dated by `clock`.
    pub(crate) fn start_at(clock: Arc<dyn Clock>) -> Self {
        Self::start_as(Storage {
            objects: Mutex::default(),
            clock,
            conditions: Conditions::Kept,
            keeps_versions: false,
        })
    }

    /// A server that overwrites existing objects despite `If-None-Match`.
    pub(crate) fn that_ignores_conditions() -> Self {
        let clock = Arc::new(SystemClock);
        Self::start_as(Storage {
            objects: Mutex::default(),
            clock,
            conditions: Conditions::Ignored,
            keeps_versions: false,
        })
    }

    /// A server that refuses conditions in this way.
    pub(crate) fn that_denies_conditions(denial: Denial) -> Self {
        let (clock, conditions) = (Arc::new(SystemClock), Conditions::Denied(denial));
        Self::start_as(Storage { objects: Mutex::default(), clock, conditions, keeps_versions: false })
    }

    /// A server whose bucket keeps versions.
    pub(crate) fn with_versions() -> Self {
        let clock = Arc::new(SystemClock);
        Self::start_as(Storage { objects: Mutex::default(), clock, conditions: Conditions::Kept, keeps_versions: true })
    }

    fn start_as(storage: Storage) -> Self {
        let storage = Arc::new(storage);
        let mut service = S3ServiceBuilder::new(Service(storage.clone()));
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let handler = Arc::new(Handler {
            service: service.build(),
            plan: Mutex::default(),
            asked: AtomicU64::new(0),
            harmed: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let of_listener = handler.clone();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                socket.set_nodelay(true).unwrap();
                let handler = of_listener.clone();
                let serve = service_fn(move |request| {
                    let handler = handler.clone();
                    async move { handler.answer(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), serve));
            }
        });
        Self { endpoint, storage, handler, runtime: Some(runtime) }
    }

    /// The environment variables for this server.
    pub(crate) fn settings(&self) -> [(String, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// The address of the bucket, below a prefix.
    pub(crate) fn url(prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The store below a prefix.
    pub(crate) fn bucket(&self, prefix: &str) -> Bucket {
        Bucket::open(&RelayUrl::parse(&Self::url(prefix)).unwrap(), self.settings().into_iter(), &Network::default())
            .unwrap()
    }

    /// Plans faults for later requests, and restarts their count.
    pub(crate) fn plan(&self, plan: impl Fn(&Asked) -> Option<BucketFault> + Send + Sync + 'static) {
        self.handler.asked.store(0, Ordering::SeqCst);
        self.handler.harmed.store(0, Ordering::SeqCst);
        *self.handler.plan.lock().unwrap() = Some(Box::new(plan));
    }

    /// Clears the plan. Returns how many requests had a fault.
    pub(crate) fn clear(&self) -> u64 {
        *self.handler.plan.lock().unwrap() = None;
        self.handler.harmed.load(Ordering::SeqCst)
    }

    /// The number of requests since the last plan.
    pub(crate) fn asked(&self) -> u64 {
        self.handler.asked.load(Ordering::SeqCst)
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.storage.objects().keys().cloned().collect()
    }
}

impl Drop for TestS3 {
    fn drop(&mut self) {
        // A drop may happen where blocking is not allowed.
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Handler {
    async fn answer(&self, request: Request<hyper::body::Incoming>) -> Result<Response<Body>, io::Error> {
        let (head, body) = request.into_parts();
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let asked = Asked { number };
        let fault = self.plan.lock().unwrap().as_ref().and_then(|plan| plan(&asked));
        self.harmed.fetch_add(u64::from(fault.is_some()), Ordering::SeqCst);
        let Ok(body) = body.collect().await else { return Err(io::ErrorKind::ConnectionReset.into()) };
        let body = body.to_bytes();
        let serve = async || {
            let mut request = Request::new(Body::from(body.clone()));
            (*request.method_mut(), *request.uri_mut()) = (head.method.clone(), head.uri.clone());
            *request.headers_mut() = head.headers.clone();
            self.service.call(request).await.map_err(|_| io::Error::other("no answer"))
        };
        let status = |status: u16| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status.try_into().unwrap();
            response
        };
        let cut = || io::Error::from(io::ErrorKind::ConnectionReset);
        match fault {
            None => serve().await,
            Some(BucketFault::Refused(code)) => Ok(status(code)),
            Some(BucketFault::Denied(code)) => serve().await.map(|_| status(code)),
            Some(BucketFault::CutBefore) => Err(cut()),
            Some(BucketFault::CutAfter) => serve().await.and_then(|_| Err(cut())),
            Some(BucketFault::Twice) => {
                serve().await?;
                serve().await
            }
            Some(BucketFault::KillBefore(pid)) => {
                kill(pid);
                Err(cut())
            }
            Some(BucketFault::KillAfter(pid)) => {
                serve().await?;
                kill(pid);
                Err(cut())
            }
        }
    }
}

/// Ends a process at once, which may have ended already.
#[cfg(unix)]
pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
pub(crate) fn kill(pid: u32) {
    let _ = std::process::Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).status();
}

/// All objects, by key, with the time at which they were written.
struct Storage {
    objects: Mutex<BTreeMap<String, (Bytes, u64)>>,
    clock: Arc<dyn Clock>,
    conditions: Conditions,
    keeps_versions: bool,
}

impl Storage {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, u64)>> {
        self.objects.lock().unwrap()
    }
}

/// The S3 operations on the objects.
struct Service(Arc<Storage>);

fn date(seconds: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn tag(bytes: &[u8]) -> ETag {
    ETag::Strong(format!("{:08x}", crc32c::crc32c(bytes)))
}

#[async_trait]
impl S3 for Service {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        if input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        let body: Vec<Bytes> = match input.body {
            Some(body) => body.try_collect().await.map_err(|_| s3_error!(IncompleteBody))?,
            None => Vec::new(),
        };
        let bytes = Bytes::from(body.concat());
        let wants = input.if_none_match.is_some_and(|condition| condition.is_any());
        let create = match self.0.conditions {
            Conditions::Denied(denial) if wants => {
                return Err(match denial {
                    Denial::NotImplemented => s3_error!(NotImplemented),
                    Denial::NotAllowed => s3_error!(MethodNotAllowed),
                    Denial::InvalidArgument => s3_error!(InvalidArgument, "Unsupported header If-None-Match"),
                });
            }
            Conditions::Kept => wants,
            Conditions::Ignored | Conditions::Denied(_) => false,
        };
        let e_tag = Some(tag(&bytes));
        let now = self.0.clock.now();
        let mut objects = self.0.objects();
        if create && objects.contains_key(&input.key) {
            return Err(s3_error!(PreconditionFailed));
        }
        objects.insert(input.key, (bytes, now));
        let version_id = self.0.keeps_versions.then(|| "3HL4kqtJvjVBH40N".to_owned());
        Ok(S3Response::new(PutObjectOutput { e_tag, version_id, ..PutObjectOutput::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let found = self.0.objects().get(&input.key).cloned();
        let (bytes, written) = found.ok_or_else(|| s3_error!(NoSuchKey))?;
        let all = bytes.len() as u64;
        let (range, content_range) = match input.range {
            Some(range) => {
                let range = range.check(all).map_err(|_| s3_error!(InvalidRange))?;
                let content_range = format!("bytes {}-{}/{all}", range.start, range.end - 1);
                (range, Some(content_range))
            }
            None => (0..all, None),
        };
        let bytes = bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap());
        let pieces: Vec<io::Result<Bytes>> = bytes.chunks(256 << 10).map(|piece| Ok(bytes.slice_ref(piece))).collect();
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(i64::try_from(bytes.len()).unwrap()),
            content_range,
            e_tag: Some(tag(&bytes)),
            last_modified: Some(date(written)),
            body: Some(StreamingBlob::wrap(stream::iter(pieces))),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let found = self.0.objects().get(&request.input.key).cloned();
        let (bytes, written) = found.ok_or_else(|| s3_error!(NoSuchKey))?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(i64::try_from(bytes.len()).unwrap()),
            e_tag: Some(tag(&bytes)),
            last_modified: Some(date(written)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.0.objects().remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut objects = self.0.objects();
        let names = request.input.delete.objects.into_iter().map(|object| object.key);
        let deleted = names.map(|key| {
            objects.remove(&key);
            DeletedObject { key: Some(key), ..DeletedObject::default() }
        });
        let deleted = Some(deleted.collect());
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let begin = after.as_str().max(prefix.as_str());
        let bound = if after.as_str() < prefix.as_str() { Bound::Included(begin) } else { Bound::Excluded(begin) };
        // Fewer than the thousand of real servers, so that tests cover paging.
        let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap().min(100);
        let objects = self.0.objects();
        let mut found: Vec<Object> = objects
            .range::<str, _>((bound, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix))
            .take(most + 1)
            .map(|(key, (bytes, written))| Object {
                key: Some(key.clone()),
                size: Some(i64::try_from(bytes.len()).unwrap()),
                last_modified: Some(date(*written)),
                e_tag: Some(tag(bytes)),
                ..Object::default()
            })
            .collect();
        let is_truncated = found.len() > most;
        found.truncate(most);
        let next = found.last().and_then(|last| last.key.clone()).filter(|_| is_truncated);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            key_count: Some(i32::try_from(found.len()).unwrap()),
            max_keys: input.max_keys,
            is_truncated: Some(is_truncated),
            next_continuation_token: next,
            contents: Some(found),
            ..ListObjectsV2Output::default()
        }))
    }
}

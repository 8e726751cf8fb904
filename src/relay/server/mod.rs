//! Any relay, served over HTTP.
//!
//! Nothing here decides anything about a share: a request is read, its bounds are kept, a [`Relay`] is asked, and the
//! answer is written. `GET`, `HEAD` and `OPTIONS` change nothing. Logs have the method, the route's template, the
//! status, a size and a duration; never an id, a token, a header or an address.

mod connection;
pub mod guests;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Path, Request, State as Extract};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, RANGE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum_server::Handle;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use hyper_util::rt::TokioTimer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use self::connection::Acceptor;
use crate::blob::PART_LEN;
use crate::page;
use crate::relay::client::pinned;
use crate::relay::wire::{ClaimRequest, Deposit, Done, FinishRequest, Problem, Proof, Was};
use crate::relay::{
    About, Admission, Checksum, Commit, Content, Create, Credential, Relay, RelayError, ShareState, V1, wire,
};
use crate::relay_url::RelayUrl;
use crate::secret::DirectKey;

/// A connection that does not send the head of a request for this long is closed.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A body that stands still for this long is given up; so is the JSON that is not there after that.
const BODY_IDLE: Duration = Duration::from_secs(30);
/// The slowest body that is waited for, in bytes a second.
const SLOWEST: u64 = 4 * 1024;

/// The most connections of a relay: a client has three.
const MAX_CONNECTIONS: usize = 4096;

/// What the operator of a server decides.
#[derive(Debug)]
pub struct Options {
    /// Who may leave something here.
    pub create: CreatePolicy,
    /// The address by which people reach this server, if it is another one than it listens on.
    pub public_url: Option<RelayUrl>,
    /// The operator, for people.
    pub contact: Option<String>,
    /// The key with which TLS is spoken, besides plain HTTP on the same port.
    pub direct: Option<DirectKey>,
    /// Whether plain HTTP is spoken. Without it, only TLS with that key is, and browsers get nothing.
    pub plain: bool,
    /// What a server that stops gives to the requests that are running.
    pub drain: Duration,
    /// The most connections at once; more are closed at the door.
    pub max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        let drain = Duration::from_secs(10);
        Self {
            create: CreatePolicy::default(),
            public_url: None,
            contact: None,
            direct: None,
            plain: true,
            drain,
            max_connections: MAX_CONNECTIONS,
        }
    }
}

/// Who may leave something at a server.
#[derive(Clone, Default)]
pub enum CreatePolicy {
    /// Programs on the same machine, directly and not through a proxy.
    #[default]
    Loopback,
    /// Anybody.
    Open,
    /// Who brings one of these tokens, known by their SHA-256.
    Tokens(Vec<[u8; 32]>),
    /// Nobody: what waits here came in another way.
    Closed,
}

impl CreatePolicy {
    /// What is known of a create token.
    pub fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    fn allows(&self, create: &Create, direct: bool) -> bool {
        match self {
            Self::Open => true,
            Self::Loopback => direct,
            Self::Closed => false,
            Self::Tokens(known) => {
                let hash = Self::hash(create.create_token.as_deref().unwrap_or_default());
                known.iter().fold(false, |found, token| found | bool::from(token.ct_eq(&hash)))
            }
        }
    }
}

impl std::fmt::Debug for CreatePolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Open => "Open",
            Self::Tokens(_) => "Tokens(…)",
            Self::Closed => "Closed",
        })
    }
}

struct Server {
    relay: Arc<dyn Relay>,
    options: Options,
    listens: SocketAddr,
}

/// Serves `relay` until `stop` is done, then lets running requests end.
pub async fn serve(
    relay: Arc<dyn Relay>,
    listener: TcpListener,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listens = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let tls = options.direct.as_ref().map(pinned::server).transpose().map_err(io::Error::other)?;
    let (drain, plain, max_connections) = (options.drain, options.plain, options.max_connections);
    let app = router(Arc::new(Server { relay, options, listens }));
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(Acceptor::new(tls, plain, max_connections))
        .handle(handle.clone())
        .http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(64);
    tokio::spawn(async move {
        stop.await;
        handle.graceful_shutdown(Some(drain));
    });
    server.serve(app.into_make_service_with_connect_info::<SocketAddr>()).await
}

fn router(server: Arc<Server>) -> Router {
    let api = Router::new()
        .route(wire::PAGE, get(serve_page))
        .route(wire::ABOUT, get(about))
        .route(wire::CREATE, post(create))
        .route("/v1/part/{number}", put(put_part).get(get_part))
        .route(wire::COMMIT, post(commit))
        .route(wire::DEPOSIT, post(deposit))
        .route(wire::LINK, get(notice))
        .route(wire::MANIFEST, post(manifest))
        .route(wire::CLAIM, post(claim))
        .route(wire::FINISH, post(finish))
        .route(wire::OWNER, get(status).delete(revoke))
        .fallback(nothing_there)
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED });
    api.layer(middleware::from_fn_with_state(server.clone(), around)).with_state(server)
}

/// What every request and every answer goes through: the host it was meant for, the headers it leaves with, the log.
async fn around(Extract(server): Extract<Arc<Server>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response =
        if server.is_meant(request.uri(), request.headers()) { next.run(request).await } else { misdirected() };
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let bytes = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status = response.status().as_u16(), bytes, ms);
    response
}

fn misdirected() -> Response {
    StatusCode::MISDIRECTED_REQUEST.into_response()
}

impl Server {
    /// Whether the `Host` is one of ours: a page elsewhere must not reach a relay on somebody's own network under a
    /// name of its own (DNS rebinding).
    fn is_meant(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(|value| value.to_str().ok()), hosts.next()) else {
            return false;
        };
        // A request may name its host twice (RFC 9112, 3.2.2), and then says the same.
        if uri.authority().is_some_and(|authority| authority.as_str() != host) {
            return false;
        }
        if self.options.public_url.as_ref().is_some_and(|url| url.name().eq_ignore_ascii_case(host)) {
            return true;
        }
        match host_of(host) {
            Named::Address(ip) => ip == self.listens.ip() || self.listens.ip().is_unspecified() || ip.is_loopback(),
            Named::Localhost => true,
            Named::Other => false,
        }
    }

    /// Whether the request comes from this machine and was not handed on by a proxy.
    fn is_direct(peer: SocketAddr, headers: &HeaderMap) -> bool {
        let forwarded =
            ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
        let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let local = match host_of(host) {
            Named::Address(ip) => ip.is_loopback(),
            Named::Localhost => true,
            Named::Other => false,
        };
        peer.ip().to_canonical().is_loopback() && local && !forwarded
    }

    fn expect_creation(&self, create: &Create, peer: SocketAddr, headers: &HeaderMap) -> Result<(), RelayError> {
        if self.options.create.allows(create, Self::is_direct(peer, headers)) {
            Ok(())
        } else {
            Err(RelayError::NotAllowed)
        }
    }
}

enum Named {
    Address(IpAddr),
    Localhost,
    Other,
}

fn host_of(host: &str) -> Named {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return Named::Address(address.ip());
    }
    if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Named::Address(ip);
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name.eq_ignore_ascii_case("localhost") { Named::Localhost } else { Named::Other }
}

impl IntoResponse for RelayError {
    fn into_response(self) -> Response {
        let (status, problem, after) = Problem::of(&self);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(CONTENT_TYPE, wire::PROBLEM)], json_text(&problem)).into_response();
        if let Some(after) = after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

type Answer = Result<Response, RelayError>;

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, wire::JSON)], json_text(value)).into_response()
}

/// A token that is missing or malformed is no better than a wrong one.
fn credential(headers: &HeaderMap) -> Result<Credential, RelayError> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(wire::parse_bearer).ok_or(RelayError::Unknown)
}

async fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, RelayError> {
    let read = tokio::time::timeout(BODY_IDLE, to_bytes(body, wire::MAX_JSON));
    let bytes = read.await.map_err(|_| RelayError::Timeout)?.map_err(|_| RelayError::BadRequest)?;
    serde_json::from_slice(&bytes).map_err(|_| RelayError::BadRequest)
}

/// The next piece of a body.
async fn next_piece(body: &mut BodyDataStream) -> Result<Option<Bytes>, RelayError> {
    match tokio::time::timeout(BODY_IDLE, body.next()).await {
        Err(_) => Err(RelayError::Timeout),
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) => Err(RelayError::Unreachable("the upload broke off".to_owned())),
    }
}

/// A body that is lent to a relay as content, and comes back when the relay has had enough of it.
struct Lent {
    /// When all of it must be here.
    deadline: tokio::time::Instant,
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody waits for it where the whole request was given up.
            let _ = back.send(body);
        }
    }
}

/// What is left of a body, after `first`, as content; and the body itself when that is done.
fn lend(first: Bytes, len: u64, body: BodyDataStream) -> (Content, oneshot::Receiver<BodyDataStream>) {
    let (back, returned) = oneshot::channel();
    let deadline = tokio::time::Instant::now() + BODY_IDLE + Duration::from_secs(len / SLOWEST);
    let lent = Lent { deadline, body: Some(body), back: Some(back) };
    let pieces = stream::try_unfold((first, lent), |(first, mut lent)| async move {
        if !first.is_empty() {
            return Ok(Some((first, (Bytes::new(), lent))));
        }
        let Some(body) = &mut lent.body else { return Ok(None) };
        let piece = tokio::time::timeout_at(lent.deadline, next_piece(body)).await;
        Ok(piece.unwrap_or(Err(RelayError::Timeout))?.map(|piece| (piece, (Bytes::new(), lent))))
    });
    (Content::Stream { len, chunks: pieces.boxed() }, returned)
}

/// Reads what a relay did not want of a body, a part's length at most. An answer that is given while the client still
/// sends would be lost with the connection.
async fn drain(mut returned: oneshot::Receiver<BodyDataStream>) {
    let Ok(mut body) = returned.try_recv() else { return };
    let _ = tokio::time::timeout(BODY_IDLE, async {
        let mut seen = 0;
        while seen <= PART_LEN {
            match next_piece(&mut body).await {
                Ok(Some(piece)) => seen += piece.len(),
                _ => return,
            }
        }
    })
    .await;
}

fn body_len(headers: &HeaderMap) -> Result<u64, RelayError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).ok_or(RelayError::BadRequest)
}

/// What is not there. A browser that was led astray by a link whose `#` was changed gets the page, which tells so.
async fn nothing_there(method: Method, headers: HeaderMap) -> Response {
    let browser =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"));
    if method == Method::GET && browser {
        (StatusCode::NOT_FOUND, serve_page().await).into_response()
    } else {
        RelayError::Unknown.into_response()
    }
}

async fn serve_page() -> Response {
    let policy = HeaderValue::from_str(&page::POLICY).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    (
        [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")), (CONTENT_SECURITY_POLICY, policy)],
        page::HTML,
    )
        .into_response()
}

async fn about(
    Extract(server): Extract<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Answer {
    let create = match server.options.create {
        CreatePolicy::Open => Admission::Open,
        CreatePolicy::Loopback if Server::is_direct(peer, &headers) => Admission::Open,
        CreatePolicy::Loopback | CreatePolicy::Tokens(_) | CreatePolicy::Closed => Admission::Token,
    };
    let public_url = server.options.public_url.as_ref().map(ToString::to_string);
    let contact = server.options.contact.clone();
    Ok(json(StatusCode::OK, &About { create, public_url, contact, ..server.relay.about().await? }))
}

async fn create(
    Extract(server): Extract<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let owner = credential(&headers)?;
    let create: Create = read_json(body).await?;
    server.expect_creation(&create, peer, &headers)?;
    server.relay.create(&owner, &create).await?;
    Ok(json(StatusCode::CREATED, &Done { v: V1 }))
}

async fn put_part(
    Extract(server): Extract<Arc<Server>>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let owner = credential(&headers)?;
    let number = part_number(&number)?;
    let crc = headers.get(wire::CHECKSUM).and_then(|value| value.to_str().ok()).and_then(Checksum::parse);
    let crc = crc.ok_or(RelayError::BadRequest)?;
    let (part, returned) = lend(Bytes::new(), body_len(&headers)?, body.into_data_stream());
    let relay = server.relay.clone();
    let put = to_the_end(async move { relay.put_part(&owner, number, crc, part).await }).await;
    drain(returned).await;
    put?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn commit(Extract(server): Extract<Arc<Server>>, headers: HeaderMap, body: Body) -> Answer {
    let owner = credential(&headers)?;
    let commit: Commit = read_json(body).await?;
    let relay = server.relay.clone();
    Ok(json(StatusCode::CREATED, &to_the_end(async move { relay.commit(&owner, &commit).await }).await?))
}

/// Reads at least the framed JSON at the beginning of a body. Returns what was read, and where the frame ends.
async fn read_frame(body: &mut BodyDataStream) -> Result<(BytesMut, usize), RelayError> {
    let mut head = BytesMut::new();
    loop {
        match wire::frame_len(&head) {
            Some(length) if head.len() >= 4 + length => return Ok((head, 4 + length)),
            None if head.len() >= 4 => return Err(RelayError::BadRequest),
            _ => head.extend_from_slice(&next_piece(body).await?.ok_or(RelayError::BadRequest)?),
        }
    }
}

/// Runs what changes a share to its end, also when the client does not wait for it: what is begun is also cleaned up.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, RelayError>> + Send + 'static,
) -> Result<T, RelayError> {
    tokio::spawn(work).await.unwrap_or(Err(RelayError::BUSY))
}

async fn deposit(
    Extract(server): Extract<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let owner = credential(&headers)?;
    let whole_len = body_len(&headers)?;
    let mut body = body.into_data_stream();
    let read = tokio::time::timeout(BODY_IDLE, read_frame(&mut body)).await;
    let (mut head, end) = read.map_err(|_| RelayError::Timeout)??;
    let first = head.split_off(end).freeze();
    let Deposit { create, commit }: Deposit<Create, Commit> =
        serde_json::from_slice(&head[4..]).map_err(|_| RelayError::BadRequest)?;
    let len = whole_len.checked_sub(end as u64).ok_or(RelayError::BadRequest)?;
    let (part, returned) = lend(first, len, body);
    if let Err(refusal) = server.expect_creation(&create, peer, &headers) {
        drop(part);
        drain(returned).await;
        return Err(refusal);
    }
    let relay = server.relay.clone();
    let deposited = to_the_end(async move { relay.deposit(&owner, &create, &commit, part).await }).await;
    drain(returned).await;
    Ok(json(StatusCode::CREATED, &deposited?))
}

async fn notice(Extract(server): Extract<Arc<Server>>, headers: HeaderMap) -> Answer {
    Ok(json(StatusCode::OK, &server.relay.notice(&credential(&headers)?).await?))
}

async fn manifest(Extract(server): Extract<Arc<Server>>, headers: HeaderMap, body: Body) -> Answer {
    let link = credential(&headers)?;
    let Proof { proof } = read_json(body).await?;
    Ok(json(StatusCode::OK, &server.relay.manifest(&link, &proof).await?))
}

async fn claim(Extract(server): Extract<Arc<Server>>, headers: HeaderMap, body: Body) -> Answer {
    let link = credential(&headers)?;
    let ClaimRequest { proof, claim_token } = read_json(body).await?;
    let relay = server.relay.clone();
    let claimed = to_the_end(async move { relay.claim(&link, &proof, &claim_token).await }).await?;
    match &claimed.part {
        None => Ok(json(StatusCode::OK, &claimed)),
        Some(part) => {
            let mut framed = wire::frame(json_text(&claimed).as_bytes());
            framed.extend_from_slice(part);
            Ok(([(CONTENT_TYPE, wire::BYTES)], framed).into_response())
        }
    }
}

/// The last segment of the path to a part.
fn part_number(text: &str) -> Result<u32, RelayError> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(RelayError::BadRequest)
}

async fn get_part(Extract(server): Extract<Arc<Server>>, Path(number): Path<String>, headers: HeaderMap) -> Answer {
    let holder = credential(&headers)?;
    let number = part_number(&number)?;
    let offset = match headers.get(RANGE) {
        None => 0,
        Some(range) => open_range(range).ok_or(RelayError::BadRequest)?,
    };
    let content = server.relay.get_part(&holder, number, offset).await?;
    let len = content.len();
    let body = match content {
        Content::Whole(bytes) => Body::from(bytes),
        Content::Stream { chunks, .. } => Body::from_stream(chunks),
    };
    let mut response = ([(CONTENT_TYPE, wire::BYTES), (CONTENT_DISPOSITION, "attachment")], body).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(len));
    if offset > 0 {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {offset}-{}/{}", (offset + len).saturating_sub(1), offset + len);
        response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(range).map_err(|_| RelayError::BadRequest)?);
    }
    Ok(response)
}

/// `bytes=N-`: what resuming needs, and nothing else.
fn open_range(range: &HeaderValue) -> Option<u64> {
    range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

async fn finish(Extract(server): Extract<Arc<Server>>, headers: HeaderMap, body: Body) -> Answer {
    let holder = credential(&headers)?;
    let FinishRequest { receipt } = read_json(body).await?;
    let relay = server.relay.clone();
    to_the_end(async move { relay.finish(&holder, &receipt).await }).await?;
    Ok(json(StatusCode::OK, &Done { v: V1 }))
}

async fn status(Extract(server): Extract<Arc<Server>>, headers: HeaderMap) -> Answer {
    let owner = credential(&headers)?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = text(IF_NONE_MATCH).and_then(|tag| ShareState::parse(tag.trim_matches('"')));
    let prefer = text(HeaderName::from_static("prefer")).and_then(|prefer| prefer.strip_prefix("wait="));
    let wait = prefer.and_then(|wait| wait.parse().ok()).unwrap_or(0).min(wire::MAX_WAIT);
    let status = server.relay.status(&owner, known, Duration::from_secs(wait)).await?;
    let tag = [(ETAG, format!("\"{}\"", status.state.word()))];
    if Some(status.state) == known {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, json(StatusCode::OK, &status)).into_response())
}

async fn revoke(Extract(server): Extract<Arc<Server>>, headers: HeaderMap) -> Answer {
    let (relay, owner) = (server.relay.clone(), credential(&headers)?);
    let was = to_the_end(async move { relay.revoke(&owner).await }).await?;
    Ok(json(StatusCode::OK, &Was { was }))
}

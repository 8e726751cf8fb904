//! The client of a relay server.

pub mod admin;
mod answer;
mod body;
pub mod endpoint;
mod errors;
pub mod here;
pub mod retry;

use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    IF_NONE_MATCH, RANGE, RETRY_AFTER,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use self::answer::{all, head, text};
use self::body::with_body;
use self::errors::{Errors, silent};
use crate::relay::front::Front;
use crate::relay::http::{self, Target};
use crate::relay::obstacle::Distrust;
use crate::relay::problem::Problem;
use crate::relay::wire::{AllowanceResponse, ClaimRequest, Deposit, Done, FinishRequest, Proof, ReportResponse, Was};
use crate::relay::{
    About, Access, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, INLINE_LEN,
    Left, MAX_WAIT, Network, Notice, Relay, RelayError, Report, Reported, ShareState, Status, V1, Waiting, pinned,
    wire,
};
use crate::relay_url::RelayUrl;
use crate::secret::{Pin, Receipt, Token};

/// The longest answer that is read into memory, in bytes: more than that of a claim with its manifest and its part.
const MAX_ANSWER: usize = 4 << 20;

/// The lowest rate of an answer that is read into memory, in bytes a second: relays send no slower.
const LOWEST_RATE: u64 = 512;

/// A file that a relay serves to browsers.
pub struct Served {
    /// The bytes that arrived.
    pub content: Bytes,
    /// The value of `Content-Security-Policy`, or "".
    pub policy: String,
    /// Whether they are compressed, although the request was for plain bytes.
    pub is_compressed: bool,
}

/// The client of a relay server.
pub struct HttpRelay {
    client: Client,
    url: RelayUrl,
    /// The longest silence on a connection.
    idle: Duration,
    /// Translates errors of the HTTP client.
    errors: Errors,
    /// The name of the header of credentials.
    authorization: HeaderName,
    /// The first of the headers for a login in front of the relay.
    sent: Option<String>,
}

impl HttpRelay {
    /// A client of the relay at `url`, which is reached directly, for a user who gives up after `give_up`. Sends no
    /// request. With a `pin` it uses only TLS and accepts only that key, even if the address begins with `http:`.
    ///
    /// # Errors
    /// Those of [`HttpRelay::through`].
    pub fn new(url: RelayUrl, pin: Option<&Pin>, give_up: Duration) -> Result<Self, RelayError> {
        Self::through(url, pin, give_up, &Network::default(), None)
    }

    /// The same through `network`. `access` is for a login in front of the relay.
    ///
    /// # Errors
    /// [`RelayError::Hindered`] if the HTTP client cannot be built, as on a computer without certificates, or if no
    /// proxy leads there.
    pub fn through(
        url: RelayUrl,
        pin: Option<&Pin>,
        give_up: Duration,
        network: &Network,
        access: Option<&Access>,
    ) -> Result<Self, RelayError> {
        let url = if pin.is_some() { url.over_tls() } else { url };
        // The sender's computer is behind no login.
        let access = access.filter(|_| pin.is_none());
        let idle = http::IDLE_TIME.min(give_up);
        let target = Target { url: url.as_url(), is_pinned: pin.is_some(), access };
        let (mut builder, proxy) = http::builder(idle, network, target).map_err(RelayError::Hindered)?;
        if let Some(pin) = pin {
            let tls =
                pinned::client(pin).map_err(|error| RelayError::NotTrusted(Distrust::Other(error.to_string())))?;
            builder = builder.tls_backend_preconfigured(tls);
        }
        if let Some(access) = access {
            builder = builder.default_headers(access.header_map().ok_or(RelayError::BadRequest)?);
        }
        let is_taken = access.is_some_and(Access::has_authorization);
        let authorization = if is_taken { HeaderName::from_static(wire::SHARE_AUTHORIZATION) } else { AUTHORIZATION };
        let errors = Errors::new(target, proxy);
        let sent = access.and_then(|access| access.headers.first()).map(|(name, _)| name.clone());
        Ok(Self { client: builder.build().map_err(|error| errors.of(error))?, url, idle, errors, authorization, sent })
    }

    /// The file at `path`, as plain bytes: a page for browsers, or a file that a page loads.
    ///
    /// # Errors
    /// Those of a request, and an answer that is too long. [`RelayError::Unknown`] also if a proxy does not find it.
    pub async fn page(&self, path: &str) -> Result<Served, RelayError> {
        let request = self.request(Method::GET, path, None).header(ACCEPT_ENCODING, "identity");
        let response = self.respond(request, self.idle).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(RelayError::Unknown);
        }
        let response = if response.status().is_success() { response } else { self.accept(response).await? };
        let joined = |name| all(&response, name).collect::<Vec<_>>().join(", ");
        let (policy, coding) = (joined(CONTENT_SECURITY_POLICY), joined(CONTENT_ENCODING));
        let is_compressed = !matches!(&*coding.to_ascii_lowercase(), "" | "identity");
        Ok(Served { content: self.read_all(response, self.idle).await?, policy, is_compressed })
    }

    fn request(&self, method: Method, path: &str, credential: Option<&Credential>) -> RequestBuilder {
        let request = self.client.request(method, self.url.join(path));
        match credential.map(|credential| HeaderValue::try_from(&*wire::bearer(credential))) {
            Some(Ok(mut value)) => {
                value.set_sensitive(true);
                request.header(&self.authorization, value)
            }
            _ => request,
        }
    }

    /// Sends a short request, and reads the head of its answer.
    async fn send(&self, request: RequestBuilder) -> Result<Response, RelayError> {
        self.send_within(request, self.idle).await
    }

    /// Sends a request, and reads the head of its answer within `time`.
    async fn send_within(&self, request: RequestBuilder, time: Duration) -> Result<Response, RelayError> {
        self.accept(self.respond(request, time).await?).await
    }

    /// The head of an answer, whatever its status.
    async fn respond(&self, request: RequestBuilder, time: Duration) -> Result<Response, RelayError> {
        let sent = tokio::time::timeout(time, request.send()).await;
        sent.map_err(|_| silent())?.map_err(|error| self.errors.of(error))
    }

    /// Sends a request with a body of this type: `before` and `content`. Reads the head of its answer.
    async fn upload(
        &self,
        request: RequestBuilder,
        kind: &'static str,
        before: Vec<u8>,
        content: Content,
    ) -> Result<Response, RelayError> {
        let (request, progress) = with_body(request.header(CONTENT_TYPE, kind), before, content);
        let mut sent = pin!(request.send());
        loop {
            match timeout_at(progress.deadline(self.idle), sent.as_mut()).await {
                Ok(response) => return self.accept(response.map_err(|error| self.errors.of(error))?).await,
                Err(_) if progress.deadline(self.idle) > Instant::now() => {}
                Err(_) => return Err(silent()),
            }
        }
    }

    /// The answer to a request that succeeded, or the error in it. A web page is an error, whatever its status: it is
    /// from a login or from the operator of a tunnel.
    async fn accept(&self, response: Response) -> Result<Response, RelayError> {
        let status = response.status();
        let head = head(&response, self.url.is_https());
        if status.is_success() && head.is_html {
            return Err(self.fronted(head.foreign()));
        }
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(error)) = (status, self.errors.password()) {
            return Err(error);
        }
        let after = text(&response, RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let body = self.read_all(response, self.idle).await.unwrap_or_default();
        Err(self.fronted(Problem::read(&head, &body, after)))
    }

    async fn read_json<A: DeserializeOwned>(&self, response: Response) -> Result<A, RelayError> {
        let len = response.content_length().unwrap_or(0).min(MAX_ANSWER as u64);
        let head = head(&response, self.url.is_https());
        let whole = self.read_all(response, time_for(len, self.idle)).await?;
        serde_json::from_slice(&whole).map_err(|_| self.fronted(head.foreign()))
    }

    /// The same error, which names what was sent to a login in front of the relay, or the proxy that may answer.
    fn fronted(&self, error: RelayError) -> RelayError {
        match (error, self.errors.plain_proxy()) {
            (RelayError::Diverted | RelayError::NotARelay | RelayError::Fronted { .. }, Some(proxy)) => {
                RelayError::Fronted { front: Front::Proxy(proxy.clone()), sent: None }
            }
            (RelayError::Fronted { front, .. }, None) => RelayError::Fronted { front, sent: self.sent.clone() },
            (error, _) => error,
        }
    }

    /// Reads a short answer within `time`. One that is too long is not from a relay: [`RelayError::Diverted`].
    async fn read_all(&self, mut response: Response, time: Duration) -> Result<Bytes, RelayError> {
        let read = async {
            let mut whole = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| self.errors.of(error))? {
                if whole.len() + chunk.len() > MAX_ANSWER {
                    return Err(RelayError::Diverted);
                }
                whole.extend_from_slice(&chunk);
            }
            Ok(whole.freeze())
        };
        tokio::time::timeout(time, read).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn get<A: DeserializeOwned>(&self, path: &str, credential: Option<&Credential>) -> Result<A, RelayError> {
        self.read_json(self.send(self.request(Method::GET, path, credential)).await?).await
    }

    async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        credential: &Credential,
        body: &impl Serialize,
    ) -> Result<A, RelayError> {
        self.read_json(self.send_json(path, credential, body).await?).await
    }

    /// Posts a JSON object, and reads the head of the answer.
    async fn send_json(
        &self,
        path: &str,
        credential: &Credential,
        body: &impl Serialize,
    ) -> Result<Response, RelayError> {
        let body = serde_json::to_vec(body).map_err(|_| RelayError::BadRequest)?;
        let request = self.request(Method::POST, path, Some(credential));
        self.upload(request, wire::JSON, Vec::new(), Bytes::from(body).into()).await
    }

    /// The request for part `number`.
    fn part(&self, method: Method, number: u32, credential: &Credential) -> RequestBuilder {
        self.request(method, &format!("{}{number}", wire::PART), Some(credential))
    }
}

/// The longest time for an answer of `len` bytes.
fn time_for(len: u64, idle: Duration) -> Duration {
    idle + Duration::from_secs(len / LOWEST_RATE)
}

#[async_trait]
impl Relay for HttpRelay {
    async fn about(&self) -> Result<About, RelayError> {
        self.get(wire::ABOUT, None).await
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.post::<Done>(wire::CREATE, owner, offer).await.map(drop)
    }

    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError> {
        let body = serde_json::to_vec(ask).map_err(|_| RelayError::BadRequest)?;
        let request = self.request(Method::POST, wire::ALLOWANCE, None);
        let response = self.upload(request, wire::JSON, Vec::new(), Bytes::from(body).into()).await?;
        Ok(self.read_json::<AllowanceResponse>(response).await?.left)
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        let request = self.part(Method::PUT, number, owner).header(wire::CHECKSUM, crc.to_string());
        self.upload(request, wire::BYTES, Vec::new(), part).await.map(drop)
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError> {
        self.post(wire::COMMIT, owner, commit).await
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        let head = serde_json::to_vec(&Deposit { v: V1, create: offer, commit }).map_err(|_| RelayError::BadRequest)?;
        let request = self.request(Method::POST, wire::DEPOSIT, Some(owner));
        self.read_json(self.upload(request, wire::BYTES, wire::frame(&head), part).await?).await
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.get(wire::LINK, Some(link)).await
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.post(wire::MANIFEST, link, &Proof { v: V1, proof: proof.clone() }).await
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        let claim = ClaimRequest { v: V1, proof: proof.clone(), claim_token: claim_token.clone() };
        let response = self.send_json(wire::CLAIM, link, &claim).await?;
        let framed = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == wire::BYTES);
        if !framed {
            return self.read_json(response).await;
        }
        let len = response.content_length().unwrap_or(INLINE_LEN).min(MAX_ANSWER as u64);
        let (head, part) =
            wire::unframe(self.read_all(response, time_for(len, self.idle)).await?).ok_or(RelayError::NotARelay)?;
        let claimed: ClaimResponse = serde_json::from_slice(&head).map_err(|_| RelayError::NotARelay)?;
        Ok(ClaimResponse { part: Some(part), ..claimed })
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let mut request = self.part(Method::GET, number, holder);
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        let response = self.send(request).await?;
        if (response.status() == StatusCode::PARTIAL_CONTENT) != (offset > 0) {
            return Err(RelayError::NotARelay);
        }
        let len = response.content_length();
        let (idle, errors) = (self.idle, self.errors.clone());
        let chunks = stream::try_unfold((response, errors), move |(mut response, errors)| async move {
            let chunk = tokio::time::timeout(idle, response.chunk()).await.map_err(|_| silent())?;
            Ok(chunk.map_err(|error| errors.of(error))?.map(|chunk| (chunk, (response, errors))))
        });
        let chunks = chunks.boxed();
        // A proxy in between may pass the answer on in chunks.
        Ok(match len {
            Some(len) => Content::Stream { len, chunks },
            None => Content::Unsized(chunks),
        })
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.post::<Done>(wire::FINISH, holder, &FinishRequest { v: V1, receipt: *receipt }).await.map(drop)
    }

    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        let response = self.send_json(wire::REPORT, holder, report).await?;
        let is_new = response.status() == StatusCode::CREATED;
        let ReportResponse { at, .. } = self.read_json(response).await?;
        Ok(Reported { is_new, at })
    }

    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError> {
        let mut request = self.request(Method::GET, wire::OWNER, Some(owner));
        if !known.is_empty() && !wait.is_zero() {
            let tags: Vec<String> = known.iter().map(|state| format!("\"{}\"", state.word())).collect();
            request = request.header(IF_NONE_MATCH, tags.join(", "));
            request = request.header("prefer", format!("wait={}", wait.min(MAX_WAIT).as_secs()));
        }
        let response = self.send_within(request, self.idle + wait).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return self.get(wire::OWNER, Some(owner)).await;
        }
        self.read_json(response).await
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        let was: Was = self.read_json(self.send(self.request(Method::DELETE, wire::OWNER, Some(owner))).await?).await?;
        Ok(was.was)
    }
}

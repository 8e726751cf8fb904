//! Clients that load a relay: many sockets and many requests, from addresses of their own.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use futures_util::future::join_all;
use share::relay::{Checksum, Create, Credential, V1, Verifiers};
use share::secret::{Flags, LinkSecret, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::content::noise;

/// The pause after a connection that was refused at once.
const PAUSE: Duration = Duration::from_millis(500);

/// Counts of a crowd.
#[derive(Default)]
pub(crate) struct Seen {
    /// Sockets that are connected now.
    pub(crate) held: AtomicU64,
    /// Shares created, and refused.
    pub(crate) created: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Clients on the addresses of one host. Each of them does its worst until `stop`.
#[derive(Clone)]
pub(crate) struct Crowd {
    pub(crate) relay: SocketAddr,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) stop: CancellationToken,
}

/// A socket that is held open.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    /// Without a byte.
    Silent,
    /// After half a head.
    Half,
    /// After a whole request and its answer.
    Answered,
    /// By a part, one byte a second, whatever the relay answers.
    Part,
    /// By a JSON body, likewise.
    Json,
    /// By the longest commit of an upload, likewise.
    Commit,
    /// By answers of which nothing is read.
    Unread,
    /// By answers of which a byte a second is read.
    Sipped,
}

impl Held {
    pub(crate) const ALL: [Self; 8] =
        [Self::Silent, Self::Half, Self::Answered, Self::Part, Self::Json, Self::Commit, Self::Unread, Self::Sipped];
}

impl Crowd {
    pub(crate) fn new(relay: SocketAddr, addresses: Vec<IpAddr>) -> Self {
        Self { relay, addresses, seen: Arc::default(), stop: CancellationToken::new() }
    }

    /// A connection of client `number`.
    pub(crate) async fn connect(&self, number: usize) -> io::Result<TcpStream> {
        let address = self.addresses[number % self.addresses.len()];
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind((address, 0).into())?;
        let connected = timeout(Duration::from_secs(10), socket.connect(self.relay)).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Holds sockets open, and opens another for each one that the relay closes.
    pub(crate) async fn hold(&self, sockets: impl IntoIterator<Item = Held>) {
        let each = sockets.into_iter().enumerate().map(|(number, held)| self.hold_one(number, held));
        let _ = self.stop.run_until_cancelled(join_all(each)).await;
    }

    async fn hold_one(&self, number: usize, held: Held) {
        loop {
            if self.once(number, held).await < PAUSE {
                sleep(PAUSE).await;
            }
        }
    }

    /// Holds a socket open until the relay closes it. Returns how long that took.
    pub(crate) async fn once(&self, number: usize, held: Held) -> Duration {
        let begun = Instant::now();
        if let Ok(stream) = self.connect(number).await {
            self.seen.held.fetch_add(1, Ordering::Relaxed);
            let _ = self.until_closed(stream, number, held).await;
            self.seen.held.fetch_sub(1, Ordering::Relaxed);
        }
        begun.elapsed()
    }

    /// Returns when the relay has let go of a socket.
    async fn until_closed(&self, mut stream: TcpStream, number: usize, held: Held) -> io::Result<()> {
        stream.write_all(self.head(number, held).await.as_bytes()).await?;
        let (mut answer, mut more) = stream.split();
        let (mut buffer, mut second) = ([0; 1024], interval(Duration::from_secs(1)));
        match held {
            Held::Silent | Held::Half | Held::Answered => while answer.read(&mut buffer).await? > 0 {},
            // Only a reset tells that the relay has closed.
            Held::Unread => loop {
                second.tick().await;
                more.write_all(b" ").await?;
            },
            Held::Sipped => loop {
                second.tick().await;
                more.write_all(b" ").await?;
                let _ = timeout(Duration::ZERO, answer.read(&mut buffer[..1])).await;
            },
            // The relay's answer changes nothing.
            Held::Part | Held::Json | Held::Commit => {
                let mut is_over = false;
                loop {
                    tokio::select! {
                        read = answer.read(&mut buffer), if !is_over => is_over = read? == 0,
                        _ = second.tick() => more.write_all(b" ").await?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn head(&self, number: usize, held: Held) -> String {
        let host = self.relay;
        match held {
            Held::Silent => String::new(),
            Held::Half => format!("GET / HTTP/1.1\r\nHost: {host}\r\n"),
            Held::Unread | Held::Sipped => format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(200),
            Held::Answered => format!("HEAD / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            Held::Part => {
                let head = format!("PUT /v1/part/0 HTTP/1.1\r\nHost: {host}\r\nShare-Crc32c: 00000000\r\n");
                format!("{head}{}\r\nContent-Length: 4194304\r\n\r\n", bearer(&self.begun(number).await))
            }
            Held::Commit => {
                let head = format!("POST /v1/commit HTTP/1.1\r\nHost: {host}\r\n");
                format!("{head}{}\r\nContent-Length: 2097152\r\n\r\n", bearer(&self.begun(number).await))
            }
            Held::Json => {
                let head = format!("POST /v1/manifest HTTP/1.1\r\nHost: {host}\r\n{}\r\n", bearer(&upload().0));
                format!("{head}Content-Length: 262144\r\n\r\n")
            }
        }
    }

    /// The sender of an upload that client `number` has begun, if the relay let it.
    async fn begun(&self, number: usize) -> Credential {
        let (owner, create) = upload();
        if let Ok(mut stream) = self.connect(number).await {
            let _ = ask(&mut stream, &self.create(&owner, &create)).await;
        }
        owner
    }

    fn create(&self, owner: &Credential, create: &Create) -> Vec<u8> {
        let body = serde_json::to_vec(create).unwrap();
        let head = format!("POST /v1/create HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.relay, bearer(owner));
        [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
    }

    /// Creates shares, or tries to, this many a second in all, and uploads none.
    pub(crate) async fn abandon(&self, rate: u32) {
        let clients = self.addresses.len();
        let each = (0..clients).map(async |number| {
            let mut turns = interval(Duration::from_secs(1) / rate * u32::try_from(clients).unwrap());
            let mut stream = None;
            loop {
                turns.tick().await;
                let (owner, create) = upload();
                if stream.is_none() {
                    stream = self.connect(number).await.ok();
                }
                let Some(open) = &mut stream else {
                    self.seen.refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let answer = ask(open, &self.create(&owner, &create)).await;
                if answer.is_err() {
                    stream = None;
                }
                let count = if matches!(answer, Ok(201)) { &self.seen.created } else { &self.seen.refused };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _ = self.stop.run_until_cancelled(join_all(each)).await;
    }

    /// Sends whole requests without a pause, many before the first answer, on this many connections. Each is `request`
    /// with a part of noise if it is for bytes.
    async fn flood(&self, clients: usize, request: &[u8]) {
        let batch = request.repeat((1 << 16) / request.len().min(1 << 12));
        let each = (0..clients).map(async |number| {
            loop {
                if let Ok(mut stream) = self.connect(number).await {
                    let (mut answers, mut requests) = stream.split();
                    let mut sink = tokio::io::sink();
                    let send = async { while requests.write_all(&batch).await.is_ok() {} };
                    tokio::select! {
                        _ = tokio::io::copy(&mut answers, &mut sink) => {}
                        () = send => {}
                    }
                }
                // A refused connection is not tried again at once: this machine also runs the relay.
                sleep(Duration::from_millis(20)).await;
            }
        });
        let _ = self.stop.run_until_cancelled(join_all(each)).await;
    }

    /// Uses everything that an address can: connections, requests, shares, bytes both ways, memory and waits.
    pub(crate) async fn everything(&self) {
        let (host, authorization) = (self.relay, bearer(&self.begun(0).await));
        let request =
            |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n{more}\r\n");
        let part = noise(4 << 20, 9);
        let put = format!("Share-Crc32c: {}\r\nContent-Length: {}\r\n", Checksum::of(&part), part.len());
        let put = [request("PUT /v1/part/0", &put).as_bytes(), &part].concat();
        let commit = request("POST /v1/commit", "Content-Length: 2097152\r\n") + &" ".repeat(1 << 20);
        let wait = request("GET /v1/owner", "If-None-Match: \"uploading\"\r\nPrefer: wait=55\r\n");
        let (look, page) = (request("GET /v1/link", ""), request("GET /", ""));
        tokio::join!(
            self.abandon(2000),
            self.flood(8, look.as_bytes()),
            self.flood(4, page.as_bytes()),
            self.flood(4, &put),
            self.flood(64, commit.as_bytes()),
            self.flood(64, wait.as_bytes()),
            // These fill what is left of the limit.
            self.hold(Held::ALL.into_iter().cycle().take(600)),
        );
    }
}

/// The beginning of an upload.
pub(crate) fn upload() -> (Credential, Create) {
    let keys = LinkSecret::random(Flags::default()).keys(None);
    let owner = Credential::new(keys.id, Token::random());
    let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
    (owner, Create { v: V1, flags: 0, ttl: 3600, verifiers, max_len: None, create_token: None, account: None })
}

/// The header of a credential.
pub(crate) fn bearer(credential: &Credential) -> String {
    let (id, token) = (BASE64URL.encode(credential.id.as_bytes()), BASE64URL.encode(credential.token.as_bytes()));
    format!("Authorization: Bearer {id}.{token}")
}

/// Sends a request, and reads its answer. Returns the status.
pub(crate) async fn ask(stream: &mut TcpStream, request: &[u8]) -> io::Result<u16> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    let end = loop {
        if let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let len = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
    while answer.len() < end + len {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

/// The sockets that a process has open.
pub(crate) fn open_sockets(pid: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// The most memory that a process has had, in bytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

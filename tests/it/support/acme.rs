//! An ACME server: pebble, of the Debian package of that name, with a DNS server in which every name is this machine. A
//! front before it can answer in its place.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use super::content::certificate;
use super::time_limit::TIME_LIMIT;

/// The certificate of the ACME servers here, in PEM.
pub(crate) fn authority() -> Vec<u8> {
    std::fs::read(certificate("good")).unwrap()
}

/// An HTTP client that trusts the ACME servers here.
fn client() -> reqwest::Client {
    let _ = ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(&authority()).unwrap();
    reqwest::Client::builder().tls_certs_only([authority]).no_proxy().http1_only().build().unwrap()
}

/// A port on which nothing listens now. It is below those that systems choose for connections and for servers without
/// a port of their own (on Linux from 32768 on), so nobody else gets it before the caller.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Another run of the tests begins elsewhere.
    let first = std::process::id().wrapping_mul(61);
    loop {
        let port = 12_000 + first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if let Some(port) = u16::try_from(port).ok().filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            return port;
        }
    }
}

/// The name that no DNS server has.
pub(crate) const UNKNOWN: &str = "unknown.test";

/// A DNS server that answers each question for an IPv4 address with 127.0.0.1.
fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((len, peer)) = socket.recv_from(&mut question) {
            let _ = socket.send_to(&resolved(&question[..len]), peer);
        }
    });
    address
}

/// The answer to a question (RFC 1035, 4).
fn resolved(question: &[u8]) -> Vec<u8> {
    let name = question[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
    let (labels, end) = (&question[12..name], name + 4);
    let is_known = !labels.windows(7).any(|label| label == &b"unknown"[..]);
    let is_address = question[name..end] == [0, 1, 0, 1];
    let count = u8::from(is_known && is_address);
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, if is_known { 0x80 } else { 0x83 }, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if count == 1 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}

/// A running pebble. Dropping this ends it.
pub(crate) struct Pebble {
    process: Child,
    port: u16,
    management: u16,
    _dir: TempDir,
}

impl Pebble {
    /// A server that validates names at these ports of this machine, by TLS-ALPN-01 and HTTP-01.
    pub(crate) fn start(tls: u16, http: u16) -> Self {
        Self::start_at(free_port(), tls, http)
    }

    pub(crate) fn start_at(port: u16, tls: u16, http: u16) -> Self {
        let (dir, management) = (TempDir::new().unwrap(), free_port());
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": certificate("good"),
            "privateKey": certificate("key"),
            "tlsPort": tls,
            "httpPort": http,
            "certificateValidityPeriod": LIFETIME,
        } });
        let path = dir.path().join("config.json");
        std::fs::File::create(&path).unwrap().write_all(config.to_string().as_bytes()).unwrap();
        let mut process = Command::new("pebble")
            .arg("-strict")
            .arg("-config")
            .arg(&path)
            .args(["-dnsserver", &names().to_string()])
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while [port, management].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(process.try_wait().unwrap().is_none(), "pebble has ended");
            assert!(begun.elapsed() < TIME_LIMIT, "pebble does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self { process, port, management, _dir: dir }
    }

    /// The address of its directory.
    pub(crate) fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// Its root certificate, in PEM.
    pub(crate) async fn root(&self) -> Vec<u8> {
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        client().get(url).send().await.unwrap().bytes().await.unwrap().to_vec()
    }
}

/// The time for which pebble's certificates are valid, in seconds.
pub(crate) const LIFETIME: u64 = 90 * 24 * 3600;

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request to an ACME server, as a front sees it.
pub(crate) struct Asked {
    pub(crate) path: String,
    /// The payload of its signed body.
    pub(crate) payload: serde_json::Value,
}

/// An answer of a front: its status, headers and body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

/// The behavior of a front: it answers a request itself, or changes the answer of the server behind it.
pub(crate) trait Interference: Send + Sync + 'static {
    /// The answer, if it is not that of the server.
    fn answer(&self, _asked: &Asked) -> Option<Reply> {
        None
    }

    /// Changes an answer of the server.
    fn change(&self, _asked: &Asked, _answer: &mut serde_json::Value) {}
}

/// An ACME server that is a front before `pebble`. Requests are counted by their path.
pub(crate) struct Fronted {
    pub(crate) directory: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fronted {
    pub(crate) fn start(pebble: &Pebble, front: impl Interference) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let state =
            Arc::new(Passing { behind: pebble.port, client: client(), front: Box::new(front), seen: seen.clone() });
        tokio::spawn(async move {
            let (listener, acceptor) = (tokio::net::TcpListener::from_std(listener).unwrap(), acceptor());
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state) = (acceptor.clone(), state.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| {
                        let state = state.clone();
                        async move { Ok::<_, std::convert::Infallible>(state.pass(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { directory: format!("https://127.0.0.1:{port}/dir"), seen }
    }

    /// The number of requests for this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| *seen == path).count()
    }

    /// The number of all requests.
    pub(crate) fn total(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

struct Passing {
    behind: u16,
    client: reqwest::Client,
    front: Box<dyn Interference>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Passing {
    async fn pass(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let (path, body) = (parts.uri.path().to_owned(), body.collect().await.unwrap().to_bytes());
        self.seen.lock().unwrap().push(path.clone());
        let asked = Asked { path, payload: payload(&body) };
        if let Some((status, headers, body)) = self.front.answer(&asked) {
            let response = headers
                .into_iter()
                .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value));
            return response.body(Full::from(body)).unwrap();
        }
        // The address in `Host` is the front's, so the addresses in answers are too.
        let url = format!("https://127.0.0.1:{}{}", self.behind, asked.path);
        let answer = self.client.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if name != "content-length" && name != "transfer-encoding" {
                response = response.header(name, value);
            }
        }
        let mut body = answer.bytes().await.unwrap();
        if let Ok(mut json) = serde_json::from_slice(&body) {
            self.front.change(&asked, &mut json);
            body = json.to_string().into();
        }
        response.body(Full::new(body)).unwrap()
    }
}

/// The payload of a signed request (RFC 7515).
fn payload(body: &[u8]) -> serde_json::Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let signed: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(signed["payload"].as_str().unwrap_or_default()).unwrap_or_default();
    serde_json::from_slice(&payload).unwrap_or_default()
}

fn acceptor() -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_file(certificate("good")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificate("key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()))
}

/// An error as an ACME server answers it.
pub(crate) fn refused(status: u16, kind: &str, headers: Vec<(&'static str, String)>) -> Reply {
    let problem =
        json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "not now", "status": status });
    (status, headers, problem.to_string())
}

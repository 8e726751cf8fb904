//! A relay in this process that gets its certificate from an ACME server, with a clock that tests control.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use share::relay::Network;
use share::relay::certificate::acme::{Acme, AcmeError, AcmeOptions};
use share::relay::certificate::{CertificateStatus, Certificates};
use share::relay::server::{self, CreatePolicy, ServerOptions};
use share::relay_url::RelayUrl;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Interference, TestClock, TestRelay, authority};

/// The longest wait for a step of the relay.
const PATIENCE: Duration = Duration::from_mins(1);

/// A front that changes nothing.
pub(super) struct Clear;

impl Interference for Clear {}

/// The name of the relay.
pub(super) const NAME: &str = "relay.test";

/// Listeners, which are there before the ACME server has to know them.
pub(super) struct Ports {
    tls: TcpListener,
    http: TcpListener,
}

impl Ports {
    pub(super) fn new() -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        Self { tls: bind(), http: bind() }
    }

    /// With the address of a relay that ended.
    pub(super) fn at(tls: SocketAddr) -> Self {
        Self { tls: TcpListener::bind(tls).unwrap(), ..Self::new() }
    }

    pub(super) fn tls(&self) -> u16 {
        self.tls.local_addr().unwrap().port()
    }

    pub(super) fn http(&self) -> u16 {
        self.http.local_addr().unwrap().port()
    }
}

/// The settings of a relay.
pub(super) struct Setup {
    pub(super) state: Arc<TempDir>,
    pub(super) clock: Arc<TestClock>,
    pub(super) options: AcmeOptions,
    pub(super) use_http: bool,
}

impl Setup {
    /// For a relay at the ACME server with this directory.
    pub(super) fn at(directory: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let state = Arc::new(TempDir::new().unwrap());
        let options = AcmeOptions {
            directory: directory.to_owned(),
            server: "127.0.0.1".to_owned(),
            authority: Some(authority()),
            names: vec![NAME.to_owned()],
            contact: None,
            accept_terms: true,
            has_http: false,
            root: state.path().to_owned(),
            look_time: Duration::from_millis(20),
            network: Network::default(),
        };
        Self { state, clock: TestClock::at(now), options, use_http: false }
    }

    pub(super) async fn open(&self) -> Result<(Acme, Arc<Certificates>), AcmeError> {
        let certificates = Certificates::new(Some(self.options.names.clone()));
        let acme = Acme::open(self.options.clone(), certificates.clone(), self.clock.clone()).await?;
        Ok((acme, certificates))
    }

    /// Starts the relay.
    pub(super) async fn start(&self, ports: Ports) -> Certified {
        let (acme, certificates) = self.open().await.unwrap();
        let (status, bench, hurry) = (certificates.watch(), TestRelay::memory(), Arc::<Notify>::default());
        let address = ports.tls.local_addr().unwrap();
        let options = ServerOptions {
            create: CreatePolicy::Open,
            public_url: Some(RelayUrl::parse(&format!("https://{NAME}:{}/", address.port())).unwrap()),
            redirects: self.use_http.then_some(ports.http),
            certificates: Some(certificates),
            ..ServerOptions::default()
        };
        let server = server::serve(bench.relay.clone(), ports.tls, options, std::future::pending());
        let tasks = vec![tokio::spawn(acme.keep_current(hurry.clone())), tokio::spawn(async { server.await.unwrap() })];
        Certified { address, status, hurry, tasks, _bench: bench }
    }
}

/// A running relay. Dropping this ends it.
pub(super) struct Certified {
    pub(super) address: SocketAddr,
    status: watch::Receiver<CertificateStatus>,
    pub(super) hurry: Arc<Notify>,
    tasks: Vec<JoinHandle<()>>,
    _bench: TestRelay,
}

impl Certified {
    /// Waits until the state of its certificate is as expected.
    pub(super) async fn until(
        &mut self,
        what: &str,
        is_it: impl FnMut(&CertificateStatus) -> bool,
    ) -> CertificateStatus {
        let waited = timeout(PATIENCE, self.status.wait_for(is_it)).await.map(|status| status.unwrap().clone());
        waited.unwrap_or_else(|_| panic!("{what} takes too long: {:?}", self.status.borrow()))
    }

    /// Waits until it has a certificate, and nothing is wrong.
    pub(super) async fn ready(&mut self) -> CertificateStatus {
        self.until("a certificate", |status| status.not_after.is_some() && status.problem.is_none()).await
    }

    /// The problem with its certificate that contains `text`.
    pub(super) async fn problem(&mut self, text: &str) -> String {
        let has = |status: &CertificateStatus| status.problem.as_ref().is_some_and(|problem| problem.contains(text));
        self.until(text, has).await.problem.unwrap()
    }

    /// Stops it, and waits until its files are free.
    pub(super) async fn stop(mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
    }

    /// The certificate of a new connection that trusts `root`.
    pub(super) async fn certificate(&self, root: &[u8]) -> CertificateDer<'static> {
        handshake(self.address, NAME, root, &[]).await.unwrap().certificate
    }
}

impl Drop for Certified {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A handshake that succeeded.
pub(super) struct Handshake {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) protocol: Option<Vec<u8>>,
    pub(super) version: Option<ProtocolVersion>,
}

/// A TLS client that trusts the certificates in `root` (PEM) and offers these protocols.
pub(super) fn client(root: &[u8], protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_slice_iter(root).for_each(|root| roots.add(root.unwrap()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config =
        config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Connects as a client that asks for `name`.
pub(super) async fn handshake(
    address: SocketAddr,
    name: &str,
    root: &[u8],
    protocols: &[&[u8]],
) -> std::io::Result<Handshake> {
    let stream = TcpStream::connect(address).await?;
    let stream = client(root, protocols).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await?;
    let (_, session) = stream.get_ref();
    Ok(Handshake {
        certificate: session.peer_certificates().unwrap()[0].clone(),
        protocol: session.alpn_protocol().map(<[u8]>::to_vec),
        version: session.protocol_version(),
    })
}

/// Requests over connections that stay, and over new ones. Each must succeed.
pub(super) struct Load {
    tasks: Vec<JoinHandle<()>>,
    made: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Begins to make requests to the relay at `address`, trusting the certificates in `root` (PEM).
    pub(super) fn begin(address: SocketAddr, root: &[u8]) -> Self {
        let (made, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let task = |stays: bool| {
            let (connector, made, stop) = (client(root, &[b"http/1.1"]), made.clone(), stop.clone());
            tokio::spawn(async move {
                let mut kept = None;
                while !stop.load(Ordering::SeqCst) {
                    let stream = match kept.take() {
                        Some(stream) => stream,
                        None => {
                            let stream = TcpStream::connect(address).await.unwrap();
                            connector.connect(NAME.try_into().unwrap(), stream).await.unwrap()
                        }
                    };
                    kept = Some(asked(stream).await).filter(|_| stays);
                    made.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let tasks = [true, true, false, false].map(task).into_iter().collect();
        Self { tasks, made, stop }
    }

    /// Waits until many more requests were answered.
    pub(super) async fn more(&self) {
        let expected = self.made.load(Ordering::SeqCst) + 50;
        while self.made.load(Ordering::SeqCst) < expected {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a request failed");
            tokio::task::yield_now().await;
        }
    }

    /// Ends, and panics if a request failed.
    pub(super) async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Makes one request that must succeed, and returns its connection.
async fn asked(mut stream: TlsStream<TcpStream>) -> TlsStream<TcpStream> {
    let request = format!("GET /.well-known/share HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // The answer is short, and comes in one record.
    assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
    stream
}

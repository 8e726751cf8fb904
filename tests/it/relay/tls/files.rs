//! A certificate in files that change.

use std::fs;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use share::relay::certificate::files::CertificateFiles;
use share::relay::certificate::{CertificateStatus, Certificates};
use share::relay::clock::SystemClock;
use share::relay::server::{self, CreatePolicy, Limits, ServerOptions};
use share::relay_url::RelayUrl;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::certified::{Load, NAME, handshake};
use crate::support::{TIME_LIMIT, TestRelay};

/// A new self-signed certificate for the relay, with its key.
pub(super) fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A relay with a certificate in files.
pub(super) struct WithFiles {
    pub(super) address: SocketAddr,
    /// Plain HTTP.
    pub(super) redirects: SocketAddr,
    /// The first certificate.
    pub(super) first: String,
    chain: PathBuf,
    key: PathBuf,
    reload: Arc<Notify>,
    status: watch::Receiver<CertificateStatus>,
    _dir: TempDir,
    _bench: TestRelay,
}

impl WithFiles {
    pub(super) fn start(limits: Limits) -> Self {
        let (dir, (first, first_key)) = (TempDir::new().unwrap(), pair());
        let [chain, key] = ["chain.pem", "key.pem"].map(|name| dir.path().join(name));
        fs::write(&chain, &first).unwrap();
        fs::write(&key, first_key).unwrap();
        let files = CertificateFiles { chain: chain.clone(), key: key.clone() };
        let (certificates, current) = (Certificates::new(None), files.load().unwrap());
        certificates.serve(&current);
        let (bench, reload, status) = (TestRelay::memory(), Arc::<Notify>::default(), certificates.watch());
        tokio::spawn(files.keep_current(certificates.clone(), current, Arc::new(SystemClock), reload.clone()));
        let [listener, redirects] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, plain] = [&listener, &redirects].map(|listener| listener.local_addr().unwrap());
        let options = ServerOptions {
            create: CreatePolicy::Open,
            certificates: Some(certificates),
            redirects: Some(redirects),
            public_url: Some(RelayUrl::parse(&format!("https://{NAME}/base")).unwrap()),
            limits,
            ..ServerOptions::default()
        };
        tokio::spawn(server::serve(bench.relay.clone(), listener, options, std::future::pending()));
        Self { address, redirects: plain, first, chain, key, reload, status, _dir: dir, _bench: bench }
    }

    async fn certificate(&self, roots: &str) -> CertificateDer<'static> {
        handshake(self.address, NAME, roots.as_bytes(), &[]).await.unwrap().certificate
    }

    /// Waits until the certificate is another one than `before`, and returns it.
    async fn replaced(&self, before: &CertificateDer<'_>, roots: &str) -> CertificateDer<'static> {
        let replaced = async {
            loop {
                let now = self.certificate(roots).await;
                if now != *before {
                    return now;
                }
            }
        };
        timeout(TIME_LIMIT, replaced).await.unwrap()
    }

    /// Waits until there is a problem, or none.
    async fn problem(&mut self, expected: bool) -> String {
        let is_expected = |status: &CertificateStatus| status.problem.is_some() == expected;
        let waited = timeout(TIME_LIMIT, self.status.wait_for(is_expected)).await;
        waited.unwrap().unwrap().problem.clone().unwrap_or_default()
    }
}

/// Replaces a link as certbot and Kubernetes do: by a rename.
#[cfg(unix)]
fn link(to: &Path, at: &Path) {
    let between = at.with_extension("new");
    symlink(to, &between).unwrap();
    fs::rename(between, at).unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_are_replaced_under_load_without_a_failed_request() {
    let mut relay = WithFiles::start(Limits::default());
    let (second, third) = (pair(), pair());
    let roots = [&*relay.first, &second.0, &third.0].concat();
    let load = Load::begin(relay.address, roots.as_bytes());
    load.more().await;
    let before = relay.certificate(&roots).await;
    // The new certificate comes first: until its key is there too, the pair cannot be used.
    fs::write(&relay.chain, &second.0).unwrap();
    let problem = relay.problem(true).await;
    assert!(problem.ends_with("the private key is not that of the certificate"), "{problem}");
    assert_eq!(relay.certificate(&roots).await, before);
    fs::write(&relay.key, &second.1).unwrap();
    let now = relay.replaced(&before, &roots).await;
    relay.problem(false).await;
    // One link to a directory changes both.
    let data = relay.chain.with_file_name("data");
    for (name, (chain, key)) in [("v2", &second), ("v3", &third)] {
        let version = relay.chain.with_file_name(name);
        fs::create_dir(&version).unwrap();
        fs::write(version.join("chain.pem"), chain).unwrap();
        fs::write(version.join("key.pem"), key).unwrap();
    }
    link(Path::new("v2"), &data);
    link(Path::new("data/chain.pem"), &relay.chain);
    link(Path::new("data/key.pem"), &relay.key);
    link(Path::new("v3"), &data);
    relay.replaced(&now, &roots).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish_leave_the_certificate_in_use() {
    let mut relay = WithFiles::start(Limits::default());
    fs::remove_file(&relay.key).unwrap();
    relay.reload.notify_one();
    let problem = relay.problem(true).await;
    assert!(problem.starts_with("cannot read") && problem.ends_with("no such file or directory"), "{problem}");
    let first = relay.first.clone();
    relay.certificate(&first).await;
}

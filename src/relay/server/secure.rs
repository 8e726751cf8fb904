//! TLS handshakes: with the key of a link, or with the relay's certificate.

use std::io;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::Acceptor;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::relay::certificate::{ALPN, Certificates};
use crate::relay::pinned;
use crate::secret::DirectKey;

/// The protocols over TLS with a certificate, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
const HTTP_2: &[u8] = b"h2";
/// A TLS record with a fatal alert: `unrecognized_name` (RFC 8446, 5.1 and 6).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// The handshakes of a port.
#[derive(Clone)]
pub(super) enum Tls {
    /// With the key of a link.
    Pinned(TlsAcceptor),
    /// With the certificate for the name that the client asks for.
    Certified(Arc<Certificates>, Arc<ServerConfig>),
}

impl Tls {
    /// Handshakes with the key of a link.
    ///
    /// # Errors
    /// The TLS library rejects the key.
    pub(super) fn pinned(key: &DirectKey) -> Result<Self, Error> {
        Ok(Self::Pinned(TlsAcceptor::from(Arc::new(pinned::server(key)?))))
    }

    /// Handshakes with a certificate, which may be replaced. No data is accepted before the end of a handshake (0-RTT):
    /// a recorded request could be sent again.
    ///
    /// # Errors
    /// The TLS library finds no random numbers.
    pub(super) fn certified(certificates: Arc<Certificates>) -> Result<Self, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols = PROTOCOLS.iter().chain(&[ALPN]).map(|protocol| protocol.to_vec()).collect();
        config.ticketer = ring::Ticketer::new()?;
        config.max_early_data_size = 0;
        Ok(Self::Certified(certificates, Arc::new(config)))
    }

    /// Performs a handshake. Returns whether the client speaks HTTP/2 after it.
    ///
    /// # Errors
    /// Those of the connection and of the handshake; a challenge, which is over when the handshake is.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, bool)> {
        let (certificates, config) = match self {
            Self::Pinned(acceptor) => return Ok((acceptor.accept(stream).await?, false)),
            Self::Certified(certificates, config) => (certificates, config),
        };
        let mut begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if !certificates.has(begun.client_hello().server_name()) {
            begun.io.write_all(&UNRECOGNIZED_NAME).await?;
            begun.io.shutdown().await?;
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut stream = begun.into_stream(config.clone()).await?;
        let protocol = stream.get_ref().1.alpn_protocol();
        if protocol == Some(ALPN) {
            stream.shutdown().await?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let is_http_2 = protocol == Some(HTTP_2);
        Ok((stream, is_http_2))
    }
}

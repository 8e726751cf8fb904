//! The side of Windows.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use axum_server::Server;
use reqwest::ClientBuilder;

/// The address of a client.
type Peer = SocketAddr;

/// A socket that listens: there is none.
#[derive(Debug)]
pub struct Listener(Infallible);

impl Listener {
    /// Serves connections of HTTP.
    ///
    /// # Errors
    /// None.
    pub fn server(self) -> io::Result<Server<Peer>> {
        match self.0 {}
    }
}

/// A socket that this process made: there is none.
#[derive(Debug)]
pub struct Made(Infallible);

impl Made {
    /// Removes the socket.
    pub fn remove(&self) {
        match self.0 {}
    }
}

pub(super) fn listen_privately(_: &Path) -> io::Result<(Listener, Made)> {
    Err(unsupported())
}

pub(super) fn client(_: ClientBuilder, _: &Path) -> io::Result<ClientBuilder> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no sockets in the file system")
}

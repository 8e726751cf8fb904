//! The side of Windows.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use axum_server::Server;
use reqwest::ClientBuilder;

/// The address of a client.
pub(super) type Peer = SocketAddr;

#[derive(Debug)]
pub(super) enum Listener {}

impl Listener {
    pub(super) fn server(self) -> io::Result<Server<Peer>> {
        match self {}
    }
}

#[derive(Debug)]
pub(super) enum Made {}

impl Made {
    pub(super) fn remove(&self) {
        match *self {}
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

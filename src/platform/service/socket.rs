//! Sockets that listen.

use std::net::TcpListener;

use crate::platform::socket_file::Listener;

/// The name that a socket has if the service manager gave it none.
pub(super) const UNNAMED: &str = "unknown";

/// A socket that listens.
#[derive(Debug)]
pub enum Socket {
    /// At a network address.
    Tcp(TcpListener),
    /// In the file system.
    File(Listener),
}

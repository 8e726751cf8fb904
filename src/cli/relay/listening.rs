//! The listeners of `share relay`.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::cli::output::errors::{Failure, Hint};
use crate::platform::network;
use crate::safe_text::reason;

/// Ports below need a privilege.
const PRIVILEGED: u16 = 1024;

/// An address with a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address with a port, like 127.0.0.1:4080".to_owned())
}

/// Listens at an address that `option` sets.
pub(super) fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    network::listen(address).map_err(|error| failure(option, &address.to_string(), address.port(), &error))
}

/// Listens on a port of all interfaces.
pub(super) fn bind_everywhere(port: u16) -> Result<TcpListener, Failure> {
    network::listen_everywhere(port).map_err(|error| failure("--listen", &format!("port {port}"), port, &error))
}

fn failure(option: &str, place: &str, port: u16, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied && port < PRIVILEGED {
        let program = std::env::current_exe().map_or_else(|_| "share".to_owned(), |path| path.display().to_string());
        format!(
            "ports below {PRIVILEGED} need a privilege: let systemd start the relay, or run: \
             sudo setcap cap_net_bind_service=+ep {program}"
        )
    } else {
        format!("use {option} with another address; port 0 chooses a free port")
    };
    Failure::local(format!("cannot listen on {place}: {}", reason(error)), Hint::line(hint))
}

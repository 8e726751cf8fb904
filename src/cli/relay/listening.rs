//! The listeners of `share relay`.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::platform::network;
use crate::platform::service::Socket;
use crate::safe_text::reason;

/// An address with a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address with a port, like 127.0.0.1:4080".to_owned())
}

/// Listens at an address that `option` sets.
pub(super) fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    network::listen(address).map_err(|error| failure(option, &address.to_string(), address.port(), &error))
}

/// The port of https.
pub(super) const HTTPS: u16 = 443;

/// Listens where the service manager does, at an address, or on the port of https on all interfaces. Returns the
/// address with the port that the system chose.
pub(super) fn main(address: Option<SocketAddr>, cx: &Context) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = match (cx.socket("relay"), address) {
        (Some(Socket::Tcp(listener)), _) => listener,
        (Some(Socket::File(_)), _) => {
            return Err(Failure::usage("the socket named relay is not one of TCP", "pass a socket of TCP"));
        }
        (None, Some(address)) => bind("--listen", address)?,
        (None, None) => network::listen_everywhere(HTTPS)
            .map_err(|error| failure("--listen", &format!("port {HTTPS}"), HTTPS, &error))?,
    };
    let address = listener.local_addr().map_err(anyhow::Error::from)?;
    Ok((listener, address))
}

fn failure(option: &str, place: &str, port: u16, error: &io::Error) -> Failure {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied && network::PRIVILEGED.contains(&port);
    let hint = if is_denied && network::HAS_CAPABILITIES {
        let program = std::env::current_exe().map_or_else(|_| "share".to_owned(), |path| path.display().to_string());
        Hint::run(format!("sudo setcap cap_net_bind_service=+ep {}", quoted(&program)))
    } else {
        Hint::line(format!("use {option} with another address; port 0 chooses a free port"))
    };
    let why =
        if is_denied { format!("; ports below {} need a privilege", network::PRIVILEGED.end) } else { String::new() };
    Failure::local(format!("cannot listen on {place}: {}{why}", reason(error)), hint)
}

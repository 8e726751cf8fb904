//! The client of a relay's admin listener on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::relay::http;

/// The longest time for an answer. A test of the relay's store takes up to five seconds of it.
const TIME: Duration = Duration::from_secs(15);

/// The place of an admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// At a loopback address.
    Tcp(SocketAddr),
    /// At a socket in the file system.
    Unix(PathBuf),
}

/// The status of the relay whose admin listener is at `address`.
///
/// # Errors
/// The reason in words: nobody listens there, or it is no relay.
pub async fn status(address: &AdminAddress) -> Result<Value, String> {
    let client = http::builder(TIME).no_proxy().timeout(TIME);
    let (client, host) = match address {
        AdminAddress::Tcp(address) => (client, address.to_string()),
        AdminAddress::Unix(path) => (client.unix_socket(path.clone()), "localhost".to_owned()),
    };
    let words = |error: reqwest::Error| {
        if error.is_connect() { "nothing listens there" } else { "no relay answers there" }.to_owned()
    };
    let asked = client.build().map_err(words)?.get(format!("http://{host}/status")).send().await.map_err(words)?;
    let answer = asked.error_for_status().map_err(words)?.bytes().await.map_err(words)?;
    let status: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if status["v"] == 1 { Ok(status) } else { Err("no relay answers there".to_owned()) }
}

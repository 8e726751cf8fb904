//! The client of a relay's admin listener on this machine.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::platform::socket_file;
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

/// The reason why no relay answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// Nobody listens.
    #[error("nothing listens there")]
    Nobody,
    /// This user must not connect.
    #[error("permission denied")]
    Denied,
    /// It is no relay that answers.
    #[error("no relay answers there")]
    Other,
}

impl From<reqwest::Error> for Silence {
    fn from(error: reqwest::Error) -> Self {
        let causes = successors(error.source(), |error| (*error).source());
        let mut failed = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
        match failed.any(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            true => Self::Denied,
            false if error.is_connect() => Self::Nobody,
            false => Self::Other,
        }
    }
}

/// The status of the relay whose admin listener is at `address`.
///
/// # Errors
/// The reason why no relay answers there.
pub async fn status(address: &AdminAddress) -> Result<Value, Silence> {
    let client = http::direct_builder(TIME).timeout(TIME);
    let (client, host) = match address {
        AdminAddress::Tcp(address) => (client, address.to_string()),
        AdminAddress::Unix(path) => {
            (socket_file::client(client, path).map_err(|_| Silence::Nobody)?, "localhost".to_owned())
        }
    };
    let asked = client.build()?.get(format!("http://{host}/status")).send().await?;
    let answer = asked.error_for_status()?.bytes().await?;
    let status: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if status["v"] == 1 { Ok(status) } else { Err(Silence::Other) }
}

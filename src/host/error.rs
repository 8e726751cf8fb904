//! Errors of hosting.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::relay::store::folder::FolderError;
use crate::relay_url::RelayUrlError;

/// An error that keeps this computer from serving a share.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address of the tunnel is invalid.
    #[error("the tunnel's address: {0}")]
    PublicUrl(RelayUrlError),
    /// The address of the tunnel is that of a folder or bucket.
    #[error("the address of a tunnel cannot be that of a folder or bucket")]
    PublicUrlIsStore,
    /// A tunnel leads to one share, and there are several.
    #[error("a tunnel can lead to only one share")]
    TunnelToMany,
    /// The address to listen on is invalid.
    #[error("this is not an IP address")]
    NotAnAddress,
    /// The address to listen on means every interface.
    #[error("{0} means every interface")]
    EveryInterface(IpAddr),
    /// The interface has no address that other computers can reach.
    #[error("{name} has no address that other computers can reach")]
    NoSuchInterface {
        /// The interface.
        name: String,
        /// The interfaces that have one, once for each address.
        known: Vec<String>,
    },
    /// The program cannot listen on an address.
    #[error("cannot listen on {address}: {error}")]
    CannotListen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        error: io::Error,
    },
    /// The address of a listener cannot be in a link.
    #[error(transparent)]
    Address(RelayUrlError),
    /// The system does not return the address of a listener.
    #[error(transparent)]
    NoAddress(io::Error),
    /// The private folder cannot be made in this directory.
    #[error("{}: {error}", directory.display())]
    NoFolder {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The private folder cannot be a store.
    #[error(transparent)]
    Unfit(FolderError),
    /// The disk has no room for the shares.
    #[error("the disk is full")]
    NoRoom,
}

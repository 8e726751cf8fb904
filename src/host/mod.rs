//! Hosting: a share waits in a private folder of this machine, and this program serves it on the local network until it
//! was opened.
//!
//! `share` uses TLS with a key that the link names; browsers cannot, and use plain HTTP on the same port. Only looking
//! and opening are open to the network.
//!
//! [`Listening`] (an address and ports) → [`Host`] (a folder: shares can be uploaded) → [`Serving`] (their links work).
//!
//! | file | |
//! |---|---|
//! | `serving` | the three steps |
//! | `activity` | what happens to a share that is served, as [`Event`]s |
//! | `folder` | the private folder, and those that killed programs have left |
//! | `address`, `interfaces` | the address to listen on |
//! | `tunnel` | a program that makes this computer reachable from elsewhere |
//!
//! # The order
//! Shares are served when they are committed, not before: their links pin keys and their owners are theirs.
//!
//! ```compile_fail,E0308
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn serve(host: Host, recorded: Recorded, committed: Committed) -> Serving {
//!     host.serve(&recorded)
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn serve(host: Host, recorded: Recorded, committed: Committed) -> Serving {
//!     host.serve(&committed)
//! }
//! ```
//!
//! Ports alone serve nothing: a folder comes first.
//!
//! ```compile_fail,E0599
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn serve(listening: Listening, state: io::Result<StateDir>, committed: Committed) -> Result<Serving, HostError> {
//!     Ok(listening.serve(&committed))
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn serve(listening: Listening, state: io::Result<StateDir>, committed: Committed) -> Result<Serving, HostError> {
//!     Ok(listening.into_host(state, None)?.serve(&committed))
//! }
//! ```
//!
//! A host serves once, and nothing is uploaded to it after that.
//!
//! ```compile_fail,E0382
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn late(host: Host, recorded: Recorded, committed: Committed) {
//!     let serving = host.serve(&committed);
//!     let uploading = recorded.upload_to(&host.relay());
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{host::*, relay::Relay, send::*, state::StateDir};
//! fn late(host: Host, recorded: Recorded, committed: Committed) {
//!     let uploading = recorded.upload_to(&host.relay());
//!     let serving = host.serve(&committed);
//! }
//! ```

mod activity;
mod address;
mod error;
mod folder;
mod interfaces;
mod serving;
mod tunnel;

pub use self::activity::Event;
pub use self::address::ListenAddress;
pub use self::error::HostError;
pub use self::folder::{beside, remove_leftovers};
pub use self::interfaces::{InterfaceKind, Own, Scope};
pub use self::serving::{Host, HostOptions, Listening, Reach, Revoked, Serving, Standing};
pub use self::tunnel::{Asked, Tunnel, TunnelCommand, TunnelEnd, TunnelError, TunnelEvent, TunnelOptions};

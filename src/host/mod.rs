//! Being one's own relay: a share waits in a private folder of this machine, and this program hands it out on the
//! network that it is on, until it was opened.
//!
//! Our own programs speak TLS with a key that the link names; browsers, which cannot, speak plain HTTP on the same
//! port. Only looking and opening are open to the network.
//!
//! [`Listening`] (an address and ports) → [`Host`] (a folder: shares can be uploaded) → [`Serving`] (their links work).
//!
//! | file | |
//! |---|---|
//! | `serving` | the three steps |
//! | `activity` | what happens to a share that is served, as [`Event`]s |
//! | `folder` | the private folder, and those that killed programs have left |
//! | `address`, `interfaces` | the address to listen on |

mod activity;
mod address;
mod error;
mod folder;
mod interfaces;
mod serving;

pub use self::activity::Event;
pub use self::address::{ListenAddress, PORT};
pub use self::error::HostError;
pub use self::folder::{beside, remove_leftovers};
pub use self::interfaces::{Kind, Own, Scope};
pub use self::serving::{Host, HostOptions, Listening, Reach, Revoked, Serving, Standing};

//! Endpoints: addresses of relays, and their pinned keys.

use crate::link::Link;
use crate::relay_url::RelayUrl;
use crate::secret::{Flags, Pin};

/// The address of a relay, and its pinned key in direct mode.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address.
    pub url: RelayUrl,
    /// The only accepted TLS key, in direct mode.
    pub pin: Option<Pin>,
}

impl Endpoint {
    /// A relay without a pinned key.
    pub fn to(url: RelayUrl) -> Self {
        Self { url, pin: None }
    }

    /// The endpoint of `link`, at the address `relay`.
    pub fn of(link: &Link, relay: RelayUrl) -> Self {
        let direct = link.secret.flags().contains(Flags::DIRECT) && !relay.is_store();
        Self { pin: direct.then(|| link.secret.direct_key().pin()), url: relay }
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        self.url.name()
    }

    /// Whether it is the sender's own computer.
    pub fn is_direct(&self) -> bool {
        self.pin.is_some()
    }
}

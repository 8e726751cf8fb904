//! Addresses at which shares wait, and the keys that may answer there.

use crate::link::Link;
use crate::relay_url::RelayUrl;
use crate::secret::{Flags, Pin};

/// An address at which a share waits.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub url: RelayUrl,
    /// The one key that may answer there.
    pub pin: Option<Pin>,
}

impl Endpoint {
    /// A relay.
    pub fn to(url: RelayUrl) -> Self {
        Self { url, pin: None }
    }

    /// The endpoint that `link` leads to, at the address `relay`.
    pub fn of(link: &Link, relay: RelayUrl) -> Self {
        let direct = link.secret.flags().contains(Flags::DIRECT) && !relay.is_store();
        Self { pin: direct.then(|| link.secret.direct_key().pin()), url: relay }
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        self.url.name()
    }

    /// Whether the sender's own machine answers there.
    pub fn is_direct(&self) -> bool {
        self.pin.is_some()
    }
}

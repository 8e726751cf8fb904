//! Where a share waits, and who may answer there.

use crate::link::Link;
use crate::relay_url::RelayUrl;
use crate::secret::{Flags, Pin};

/// Where a share waits.
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

    /// Where `link` leads; `relay` stands in where it does not say.
    pub fn of(link: &Link, relay: RelayUrl) -> Self {
        let direct = link.secret.flags().contains(Flags::DIRECT) && !relay.is_store();
        Self { pin: direct.then(|| link.secret.direct_key().pin()), url: relay }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        self.url.name()
    }

    /// Whether the sender's own machine answers there.
    pub fn is_direct(&self) -> bool {
        self.pin.is_some()
    }
}

//! Links, from a sender's program to a recipient's clipboard.
//!
//! A link is read as people deliver it: broken over lines, in angle brackets, with a full stop behind it, with a
//! tracking parameter in it or glued to its end, inside the address of a mail service. Damage is found here, by the
//! checksum of bech32m (BIP 350), before any request is made.

mod parse;
mod rewritten;

use zeroize::Zeroizing;

use crate::relay_url::{RelayUrl, RelayUrlError};
use crate::secret::{FragmentError, LinkSecret};

/// Errors of a text that is not a usable link. None of these repeats the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LinkError {
    /// The text contains no `share1…`.
    #[error("this is not a share link")]
    NotALink,
    /// The page's address without its fragment.
    #[error("the link has no key: the part after the # is missing")]
    NoKey,
    /// Cut off.
    #[error(
        "the link is damaged: {0} {s} missing at its end",
        s = if *.0 == 1 { "character is" } else { "characters are" }
    )]
    Short(usize),
    /// Something was glued to it.
    #[error("the link is damaged: it is {0} {s} too long", s = if *.0 == 1 { "character" } else { "characters" })]
    Long(usize),
    /// The checksum does not hold.
    #[error("the link is damaged: at least one character is wrong")]
    Damaged,
    /// Broken into pieces, or next to other text, in a way that can be read as two links.
    #[error("it is unclear where the link ends")]
    Ambiguous,
    /// It is part of another program's address, and its original target is lost.
    #[error("a mail service or another program rewrote this link, and the original cannot be recovered")]
    Rewritten,
    /// A flag that is unknown to this version.
    #[error("the link needs a newer version of share")]
    TooNew,
    /// The relay's address cannot be read.
    #[error("the link contains an invalid relay address: {0}")]
    BadRelay(#[from] RelayUrlError),
}

impl From<FragmentError> for LinkError {
    fn from(error: FragmentError) -> Self {
        match error {
            FragmentError::Short(missing) => Self::Short(missing),
            FragmentError::Long(extra) => Self::Long(extra),
            FragmentError::Damaged => Self::Damaged,
            FragmentError::TooNew => Self::TooNew,
        }
    }
}

/// A link: the secret, and where the share waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The relay. A bare link may leave it out: then it is the configured one.
    pub relay: Option<RelayUrl>,
    /// The secret that opens the share.
    pub secret: LinkSecret,
}

/// A link as it was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLink {
    /// The link.
    pub link: Link,
    /// Whether it stood in another address, or in another encoding: the service that rewrote it has seen the key.
    pub rewritten: bool,
}

impl Link {
    /// `https://HOST/#share1…`: what a browser opens. `None` without a relay.
    pub fn web(&self) -> Option<Zeroizing<String>> {
        let relay = self.relay.as_ref()?;
        Some(Zeroizing::new(format!("{relay}#{}", *self.secret.fragment())))
    }

    /// `share1…+HOST`: no URL, so no bot and no preview follows it.
    pub fn bare(&self) -> Zeroizing<String> {
        match &self.relay {
            Some(relay) => Zeroizing::new(format!("{}+{}", *self.secret.fragment(), relay.bare())),
            None => self.secret.fragment(),
        }
    }
}

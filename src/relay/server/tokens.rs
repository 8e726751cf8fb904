//! The create tokens of a relay. An operator may replace them while the relay runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Account, AccountKey, AccountLimits};

/// A create token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateToken {
    /// The SHA-256 of the token. A slow hash would protect a random token of 128 bits or more no better.
    pub hash: [u8; 32],
    /// Its limits.
    pub limits: AccountLimits,
    /// When it ends, Unix seconds.
    pub until: Option<u64>,
}

impl CreateToken {
    /// A token without limits.
    pub fn unlimited(token: &str) -> Self {
        Self { hash: Self::hash(token), limits: AccountLimits::default(), until: None }
    }

    /// The SHA-256 of a create token.
    pub fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    /// Its account.
    pub(super) fn account(&self) -> Account {
        Account { key: AccountKey::of(&self.hash), limits: self.limits }
    }

    /// The account of its shares, if it has limits: a store names no other one.
    pub(super) fn limited(&self) -> Option<Account> {
        Some(self.account()).filter(|account| account.limits != AccountLimits::default())
    }
}

/// The create tokens of a relay.
pub struct CreateTokens {
    tokens: RwLock<Vec<CreateToken>>,
    clock: Arc<dyn Clock>,
}

impl CreateTokens {
    /// These tokens, which end by the clock of this computer.
    pub fn new(tokens: Vec<CreateToken>) -> Arc<Self> {
        Self::with_clock(tokens, Arc::new(SystemClock))
    }

    /// These tokens, which end by `clock`.
    pub fn with_clock(tokens: Vec<CreateToken>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { tokens: RwLock::new(tokens), clock })
    }

    /// Replaces all of them. Uploads that have begun may continue.
    pub fn replace(&self, tokens: Vec<CreateToken>) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Whether they are these ones.
    #[cfg(test)]
    pub(crate) fn are(&self, tokens: &[CreateToken]) -> bool {
        *self.tokens.read().unwrap_or_else(PoisonError::into_inner) == tokens
    }

    /// The valid token that is equal to `token`. Takes as long for any other one.
    pub(super) fn find(&self, token: &str) -> Option<CreateToken> {
        let hash = CreateToken::hash(token);
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let equal = tokens.iter().filter(|known| bool::from(known.hash.ct_eq(&hash)));
        let now = self.clock.now();
        // All are compared.
        equal.fold(None, |_, found| Some(found)).filter(|found| found.until.is_none_or(|until| now < until)).cloned()
    }
}

impl fmt::Debug for CreateTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreateTokens(…)")
    }
}

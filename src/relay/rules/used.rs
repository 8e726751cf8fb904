//! Daily use of create tokens that have limits.
//!
//! An object `used/<day>/<account>/<share>-<bytes>` exists before a share may take so many bytes, and another one with
//! the suffix `-committed` has the length of a share that took less in the end. Both are empty: a listing of one
//! account and one day shows what is used. A share counts on the day, UTC, on which it was announced, also if its
//! upload is aborted or it is revoked.
//!
//! A node lists before it counts, and adds what it is counting itself at that moment. Nodes that count at the same time
//! do not see each other, so a limit is exceeded by what the other nodes are accepting meanwhile at most.

use std::sync::atomic::Ordering;

use crate::relay::account::DAY;
use crate::relay::rules::ledger::{end_of, first_kept};
use crate::relay::rules::records::{Offer, failure};
use crate::relay::rules::write_once::write_hint;
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{Account, Left, RelayError};
use crate::secret::Id;

impl StoreRelay {
    /// Lets the share `id`, announced at `at`, take `bytes` of its account, if it has one.
    ///
    /// # Errors
    /// [`RelayError::Quota`] if less is left, [`RelayError::Busy`] while our clock and the store's differ, and the
    /// errors of the store.
    pub(super) async fn take(&self, account: Option<&Account>, id: &Id, at: u64, bytes: u64) -> Result<(), RelayError> {
        let Some(Account { key, limits }) = account.filter(|account| account.limits.are_daily()) else {
            return Ok(());
        };
        let (day, share) = (at / DAY, key.share(id));
        if self.ledger.with(day, *key, |uses| uses.covers(&share, bytes)) {
            return Ok(());
        }
        // Which day it is depends on the clock.
        if !self.clock_agrees.load(Ordering::Relaxed) {
            return Err(RelayError::BUSY);
        }
        let listed = self.store.list(&names::uses(day, key), None).await.map_err(failure)?;
        let used = self.ledger.with(day, *key, |uses| {
            uses.note(&listed);
            uses.grant(share, bytes, limits, end_of(day))
        })?;
        if used.is_stored {
            return Ok(());
        }
        let written = write_hint(&*self.store, &*self.clock, &names::used(day, key, &share, used.bytes, false)).await;
        self.ledger.with(day, *key, |uses| uses.written(share, used, &written));
        self.ledger.forget(self.now());
        written
    }

    /// Corrects what a committed share of `blob_len` bytes takes. A failure leaves it with more than it took.
    pub(super) async fn settle_use(&self, offer: &Offer, id: &Id, blob_len: u64) {
        let Some(Account { key, limits }) = &offer.account else { return };
        let (day, share) = (offer.at / DAY, key.share(id));
        if limits.bytes_a_day.is_none() || !self.ledger.with(day, *key, |uses| uses.exceeds(&share, blob_len)) {
            return;
        }
        match write_hint(&*self.store, &*self.clock, &names::used(day, key, &share, blob_len, true)).await {
            Ok(()) => {
                self.ledger.with(day, *key, |uses| uses.settle(share, blob_len));
            }
            Err(error) => tracing::warn!(%error, "a committed share counts with the length that was announced"),
        }
    }

    /// The rest of the account of a share that was just committed, as far as this node knows.
    pub(super) fn left_after(&self, offer: &Offer) -> Option<Left> {
        let Account { key, limits } = offer.account.as_ref()?;
        let day = offer.at / DAY;
        let is_today = limits.are_daily() && day == self.now() / DAY;
        is_today.then(|| self.ledger.with(day, *key, |uses| uses.left(limits, day)))
    }

    /// The rest of an account today.
    pub(super) async fn left_of(&self, account: &Account) -> Result<Left, RelayError> {
        let Account { key, limits } = account;
        let day = self.now() / DAY;
        let listed = if limits.are_daily() {
            self.store.list(&names::uses(day, key), None).await.map_err(failure)?
        } else {
            Vec::new()
        };
        self.ledger.forget(self.now());
        Ok(self.ledger.with(day, *key, |uses| {
            uses.note(&listed);
            uses.left(limits, day)
        }))
    }

    /// Deletes the objects of days whose uploads have all ended.
    pub(super) async fn delete_old_uses(&self) -> Result<(), RelayError> {
        let before = names::uses_of_day(first_kept(self.now()));
        let old = self.store.list(&names::all_uses(), Some(&before)).await.map_err(failure)?;
        let names: Vec<String> = old.into_iter().map(|object| object.name).collect();
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(failure) }
    }
}

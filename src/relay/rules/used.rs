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
use crate::relay::rules::ledger::first_kept;
use crate::relay::rules::records::{Offer, failure};
use crate::relay::rules::write_once::write_hint;
use crate::relay::rules::{CLOCK_TOLERANCE, StoreRelay, names};
use crate::relay::{Account, AccountKey, Left, RelayError};
use crate::secret::Id;

/// Seconds of an hour.
const HOUR: u64 = 3600;

impl StoreRelay {
    /// Lets the share `id`, announced at `at`, take `bytes` of its account, if it has one.
    ///
    /// # Errors
    /// [`RelayError::Quota`] if less is left, [`RelayError::Busy`] while our clock and the store's differ, and the
    /// errors of the store.
    pub(super) async fn take(&self, account: Option<&Account>, id: &Id, at: u64, bytes: u64) -> Result<(), RelayError> {
        let Some(account) = account.filter(|account| account.limits.are_daily()) else {
            return Ok(());
        };
        let key = &account.key;
        let (day, share) = (at / DAY, key.share(id));
        if self.ledger.with(day, *key, |uses| uses.covers(&share, bytes)) {
            return Ok(());
        }
        // Which day it is depends on the clock.
        if !self.clock_agrees.load(Ordering::Relaxed) {
            return Err(RelayError::BUSY);
        }
        self.list_uses(day, key).await?;
        let Some(writing) = self.ledger.grant(day, account, share, bytes)? else { return Ok(()) };
        write_hint(&*self.store, &*self.clock, &writing.name()).await?;
        writing.done();
        self.ledger.forget(self.now());
        Ok(())
    }

    /// Notes what an account has used on a day.
    async fn list_uses(&self, day: u64, key: &AccountKey) -> Result<(), RelayError> {
        let began = self.ledger.with(day, *key, |uses| uses.begin_listing(self.now()));
        let listed = self.store.list(&names::uses(day, key), None).await.map_err(failure)?;
        self.ledger.with(day, *key, |uses| uses.note(began, &listed));
        Ok(())
    }

    /// Whether a share is known to take more than `blob_len` bytes of its account.
    pub(super) fn takes_more(&self, offer: &Offer, id: &Id, blob_len: u64) -> bool {
        let limited = offer.account.as_ref().filter(|account| account.limits.bytes_a_day.is_some());
        limited.is_some_and(|Account { key, .. }| {
            self.ledger.with(offer.at / DAY, *key, |uses| uses.exceeds(&key.share(id), blob_len))
        })
    }

    /// Corrects what a committed share takes, whose other parts are deleted. A failure leaves it with more than it has.
    pub(super) async fn settle_use(&self, offer: &Offer, id: &Id, blob_len: u64) {
        let Some(Account { key, .. }) = &offer.account else { return };
        let (day, share) = (offer.at / DAY, key.share(id));
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
        if limits.are_daily() {
            // Questions cost a request to the store each few seconds, however many there are.
            let turn = self.ledger.with(day, *key, |uses| uses.turn());
            let _turn = turn.lock().await;
            if !self.ledger.with(day, *key, |uses| uses.are_fresh(self.now())) {
                self.list_uses(day, key).await?;
            }
        }
        self.ledger.forget(self.now());
        Ok(self.ledger.with(day, *key, |uses| uses.left(limits, day)))
    }

    /// Deletes the objects of days whose uploads have all ended.
    pub(super) async fn delete_old_uses(&self) -> Result<(), RelayError> {
        let before = names::uses_of_day(first_kept(self.now()));
        let old = self.store.list(&names::all_uses(), Some(&before)).await.map_err(failure)?;
        let names: Vec<String> = old.into_iter().map(|object| object.name).collect();
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(failure) }
    }
}

/// Whether a request may repeat one of another day: senders repeat theirs for much less than an hour.
pub(super) fn is_around_midnight(now: u64) -> bool {
    let before = CLOCK_TOLERANCE.as_secs();
    now.saturating_add(before) % DAY < before + HOUR
}

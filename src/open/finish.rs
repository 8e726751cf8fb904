//! The last step: inform the relay that the content is safe on this device, so that it deletes the share. If a run is
//! killed or cannot reach the relay, a later run does it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::open::notes::Notes;
use crate::open::staging::remove_leftovers;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Credential, Relay, RelayError};
use crate::secret::{Claimant, DeviceSecret, Id, Receipt};
use crate::state::StateDir;
use crate::state::journal::{self, Journal, PlacedFile, Unattended};

/// How long to try to inform the relay; after that a later run does it.
const FINISH_TIME: Duration = Duration::from_secs(15);
/// Age of a claim at which it has lapsed at every relay.
const FORGET_TIME: Duration = Duration::from_hours(7 * 24);

/// Credentials and notes for the end of a share whose content is safe on this device, or was seen.
pub(super) struct Ending {
    pub(super) relay: Arc<dyn Relay>,
    pub(super) holder: Credential,
    pub(super) receipt: Receipt,
    /// End of the time in which the relay accepts the receipt, Unix seconds.
    pub(super) until: u64,
    pub(super) notes: Notes,
}

/// A share whose content is safe on this device, or was seen, with a note of that in the journal. The relay still has
/// the share.
#[must_use = "the relay deletes a share only when it is finished"]
pub struct Finishable {
    pub(super) ending: Ending,
}

impl Finishable {
    /// Asks the relay to delete the share, for 15 seconds at most. If that fails, a later run does it.
    pub async fn finish(self) -> Finished {
        let Ending { relay, holder, receipt, notes, .. } = self.ending;
        let finished = tokio::time::timeout(FINISH_TIME, finish(&*relay, &holder, &receipt)).await;
        let claimant = holder.token.claimant(&holder.id);
        match finished {
            Ok(Ok(ended)) => Finished { claimant, ended, notes: Some(notes) },
            Ok(Err(_)) | Err(_) => Finished { claimant, ended: None, notes: None },
        }
    }
}

/// A share that has ended for this run.
#[must_use = "the journal stays until the share is closed"]
pub struct Finished {
    /// The opener's public name, which the sender sees.
    pub claimant: Claimant,
    /// When it ended, by the relay's clock, if that was before this run informed the relay. Unix seconds.
    pub ended: Option<u64>,
    /// The notes, if nothing is left to do.
    notes: Option<Notes>,
}

impl Finished {
    /// Whether the relay was informed. Otherwise a later run does it.
    pub fn is_confirmed(&self) -> bool {
        self.notes.is_some()
    }

    /// Removes the journal, if nothing is left to do.
    pub fn close(self) {
        if let Some(mut notes) = self.notes {
            notes.remove();
        }
    }
}

/// Informs the relay that a share is safe on this device. Returns when the share ended, if that was before.
async fn finish(relay: &dyn Relay, holder: &Credential, receipt: &Receipt) -> Result<Option<u64>, RelayError> {
    match relay.finish(holder, receipt).await {
        // The share was revoked or expired meanwhile: nothing is left to delete, and the received files stay.
        Err(RelayError::Gone { at, .. }) => Ok(Some(at)),
        Ok(()) | Err(RelayError::Unknown) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A share that an earlier run has received completely: all its files are in place.
pub struct Earlier {
    /// The files.
    pub files: Vec<PlacedFile>,
    pub(super) id: Id,
    pub(super) device: DeviceSecret,
    pub(super) journal: Journal,
    pub(super) receipt: Receipt,
}

impl Earlier {
    /// Informs the relay, and removes the journal.
    ///
    /// # Errors
    ///
    /// The relay cannot be reached, or refuses. The journal stays.
    pub async fn finish(self, relay: &dyn Relay) -> Result<(), RelayError> {
        let holder = Credential::new(self.id, self.device.claim_token(&self.id));
        finish(relay, &holder, &self.receipt).await?;
        self.journal.remove();
        Ok(())
    }
}

/// A share that an earlier run saved on this device while its relay still has it.
pub struct Unfinished {
    /// Its relay.
    pub endpoint: Endpoint,
    receipt: Receipt,
    journal: Unattended,
}

/// Shares that earlier runs saved on this device while their relays still have them. Removes journals that are no
/// longer needed.
///
/// # Errors
///
/// The directory of the journals cannot be read.
pub fn unfinished(state: &StateDir) -> io::Result<impl Iterator<Item = Unfinished>> {
    Ok(journal::unattended(state)?.filter_map(Unfinished::of))
}

impl Unfinished {
    fn of(journal: Unattended) -> Option<Self> {
        let Unattended { record, age, surely, .. } = &journal;
        let is_over = |until| until < SystemClock.now();
        let is_forgotten = *age > FORGET_TIME
            || record.as_ref().is_some_and(|record| record.receipt.is_some() && is_over(record.until));
        // Another process may still be opening an incomplete share. Its claim ends with the relay's lease.
        if !surely && *age < FORGET_TIME && !record.as_ref().is_some_and(|record| record.named) {
            return None;
        }
        if let Some(record) = record {
            remove_leftovers(&record.hidden, record.unnamed());
        }
        if is_forgotten {
            journal.remove();
            return None;
        }
        let record = record.as_ref()?;
        Some(Self { endpoint: record.endpoint()?, receipt: record.complete()?, journal })
    }

    /// Informs the relay. If that fails, a later run tries again.
    pub async fn finish(self, relay: &dyn Relay, device: &DeviceSecret) {
        let holder = Credential::new(self.journal.id, device.claim_token(&self.journal.id));
        if finish(relay, &holder, &self.receipt).await.is_ok() {
            self.journal.remove();
        }
    }
}

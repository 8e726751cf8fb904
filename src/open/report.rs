//! The report of an opened share to the operator of its relay.
//!
//! The keys are encrypted at the claim, so that neither they nor the link are needed later, and only their ciphertext
//! is kept on this device.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::open::claim::Claimed;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Credential, HOLD, Relay, RelayError, Report, ReportTo, Reported};
use crate::report::{Disclosed, MAX_NOTE, NoteError, Recipient, seal_keys, seal_note};
use crate::secret::{Claimant, DeviceSecret, Id, Keys};
use crate::state::StateDir;
use crate::state::reportable::ReportableFile;

/// A share that this device has opened and can report.
#[derive(Clone)]
pub struct Reportable {
    relay: Arc<dyn Relay>,
    holder: Credential,
    recipient: Recipient,
    keys: Bytes,
    /// How to reach the operator, in the operator's words.
    pub contact: String,
    /// When it was opened, Unix seconds, if that is known.
    pub opened: Option<u64>,
    until: u64,
}

/// Errors of a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The note has more than [`MAX_NOTE`] characters; the number is how many.
    #[error("a note has at most {MAX_NOTE} characters; this one has {0}")]
    TooLong(usize),
    /// The note could not be encrypted.
    #[error(transparent)]
    Encrypt(io::Error),
    /// The relay refused, or could not be reached.
    #[error(transparent)]
    Relay(#[from] RelayError),
}

impl From<NoteError> for ReportError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::TooLong(count) => Self::TooLong(count),
            NoteError::Encrypt(error) => Self::Encrypt(error),
        }
    }
}

impl<S> Claimed<S> {
    /// Whether the relay keeps the share for an hour after its end, so that it can be reported.
    pub fn is_held(&self) -> bool {
        self.share.claim.report.is_some()
    }

    /// The share as one that can be reported. `None` where the relay has no operator, or one whose key is invalid.
    pub fn reportable(&self) -> Option<Reportable> {
        let (opener, claim) = (&self.share.opener, &self.share.claim);
        let (relay, holder) = (opener.relay.clone(), opener.holder());
        let reportable = Reportable::new(relay, holder, &opener.keys, claim.report.as_ref()?)?;
        Some(Reportable { opened: Some(claim.at), until: claim.until.saturating_add(HOLD.as_secs()), ..reportable })
    }
}

impl Reportable {
    /// The share of `keys`, which `holder` has opened. `None` if the operator's key is invalid.
    fn new(relay: Arc<dyn Relay>, holder: Credential, keys: &Keys, to: &ReportTo) -> Option<Self> {
        let recipient: Recipient = to.recipient.parse().ok()?;
        let (manifest, blob) = (keys.manifest_identity.clone(), keys.blob_identity.clone());
        let disclosed = Disclosed::new(keys.id, holder.token.claimant(&holder.id), manifest, blob);
        let keys = seal_keys(&disclosed, &recipient).ok()?.into();
        Some(Self { relay, holder, recipient, keys, contact: to.contact.clone(), opened: None, until: 0 })
    }

    /// The share of a link that this device has opened, at a relay that describes its operator as `to`. `None` if the
    /// operator's key is invalid.
    pub fn of_keys(relay: Arc<dyn Relay>, device: &DeviceSecret, keys: &Keys, to: &ReportTo) -> Option<Self> {
        Self::new(relay, Credential::new(keys.id, device.claim_token(&keys.id)), keys, to)
    }

    /// The share `id` that an earlier run has kept in `file`. `None` if the file is damaged, or of another device.
    pub fn of_file(relay: Arc<dyn Relay>, device: &DeviceSecret, id: Id, file: ReportableFile) -> Option<Self> {
        let holder = Credential::new(id, device.claim_token(&id));
        if holder.token.claimant(&id) != file.claimant {
            return None;
        }
        let recipient = file.recipient.parse().ok()?;
        let ReportableFile { contact, keys, opened, until, .. } = file;
        Some(Self { relay, holder, recipient, keys, contact, opened: Some(opened), until })
    }

    /// The same share, reported over another connection to its relay.
    #[must_use]
    pub fn through(self, relay: Arc<dyn Relay>) -> Self {
        Self { relay, ..self }
    }

    /// The share.
    pub fn id(&self) -> Id {
        self.holder.id
    }

    /// This device's public name as the opener.
    pub fn claimant(&self) -> Claimant {
        self.holder.token.claimant(&self.holder.id)
    }

    /// Keeps the share in the state directory, so that a later run can report it. Returns whether an earlier run has
    /// reported it.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn keep(&self, state: &StateDir, endpoint: &Endpoint) -> io::Result<bool> {
        let to = (self.recipient.to_string(), self.contact.clone());
        let times = (self.opened.unwrap_or_default(), self.until);
        let mut file = ReportableFile::new(&endpoint.url, to, self.claimant(), self.keys.clone(), times);
        file.is_reported = state.reportable(&self.id(), SystemClock.now()).is_some_and(|kept| kept.is_reported);
        state.keep_reportable(&self.id(), &file)?;
        Ok(file.is_reported)
    }

    /// Reports the share with a note, or with none if that is blank. Returns whether this was the first report of it.
    ///
    /// # Errors
    ///
    /// The note is too long, or the relay refuses or cannot be reached.
    pub async fn report(&self, note: &str) -> Result<bool, ReportError> {
        let sealed = match note.trim() {
            "" => None,
            note => Some(seal_note(self.id(), note, &self.recipient)?.into()),
        };
        let report = Report::new(self.keys.clone(), sealed);
        let Reported { is_new, .. } = self.relay.report(&self.holder, &report).await?;
        Ok(is_new)
    }
}

/// Until when a share that ended at the time `at` of the relay's clock, or now, can be reported, Unix seconds. `None`:
/// it is too late, unless the clock of this device is fast.
pub fn held_until(at: Option<u64>) -> Option<u64> {
    let now = SystemClock.now();
    // The relay decides by its own clock, and an end in the future is one by a slow clock.
    let until = at.unwrap_or(now).min(now).saturating_add(HOLD.as_secs());
    (now < until).then_some(until)
}

/// Notes that the share `id` has ended at the time `at` of the relay's clock, Unix seconds, or now: it can be reported
/// for one hour more.
pub fn note_ended(state: &StateDir, id: &Id, at: Option<u64>) {
    let until = held_until(at).or_else(|| held_until(None)).unwrap_or_default();
    // Without this note, the file would only stay longer.
    let _ = state.shorten_reportable(id, SystemClock.now(), until);
}

/// Notes that the share `id` was reported.
pub fn note_reported(state: &StateDir, id: &Id) {
    // Without this note, the relay is asked once more.
    let _ = state.note_reported(id, SystemClock.now());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay_url::RelayUrl;

    #[test]
    fn the_hour_after_an_end_is_counted_by_the_clock_of_this_device() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(directory.path().join("state")).unwrap();
        let (id, hour, now) = (Id::from_bytes([1; 16]), HOLD.as_secs(), SystemClock.now());
        let near = |until: Option<u64>, expected: u64| until.is_some_and(|until| until.abs_diff(expected) < 60);
        assert!(near(held_until(None), now + hour) && near(held_until(Some(now - 600)), now - 600 + hour));
        assert!(near(held_until(Some(now + 86_400)), now + hour), "the clock of this device is slow");
        assert_eq!(held_until(Some(now - hour)), None);
        // Or fast, in the last case: the relay decides.
        for (at, expected) in [(now - 2 * hour, now + hour), (now - 600, now - 600 + hour)] {
            let to = ("age1operator".to_owned(), "abuse@relay.example".to_owned());
            let relay = RelayUrl::parse("https://relay.example").unwrap();
            let (claimant, times) = (Claimant::from_bytes([1; 32]), (now, now + 25 * hour));
            let file = ReportableFile::new(&relay, to, claimant, Bytes::from_static(b"keys"), times);
            state.keep_reportable(&id, &file).unwrap();
            note_ended(&state, &id, Some(at));
            assert!(near(state.reportable(&id, now).map(|file| file.until), expected), "{at}");
        }
    }
}

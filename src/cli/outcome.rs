//! A share that was sent, in words and as JSON: its title, its state, its end.

use serde_json::{Value, json};

use crate::cli::output::errors::Failure;
use crate::cli::output::format;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{ShareState, Status};
use crate::safe_text::printable;
use crate::secret::Claimant;
use crate::state::outbox::{SentShare, is_overdue};
use crate::wordlist::openers_words;

impl SentShare {
    /// The content and the recipient: `beach.jpg: photo, 3.4 MB, for anna`.
    pub(super) fn title(&self) -> String {
        let label = if self.label.is_empty() { "unnamed share" } else { &self.label };
        match &self.recipient {
            Some(recipient) => format!("{label}, for {}", printable(recipient)),
            None => label.to_owned(),
        }
    }

    /// The beginning of a line about the share: its recipient or its id where the lines are about `several` shares.
    pub(super) fn prefix(&self, several: bool) -> String {
        match (&self.recipient, several) {
            (Some(recipient), true) => format!("{}: ", printable(recipient)),
            (None, true) => format!("{}: ", self.short_id()),
            (_, false) => String::new(),
        }
    }

    /// The end of the share in a few words: `opened by: amber falcon`.
    pub(super) fn outcome(&self, status: &Status) -> String {
        match status.claimant {
            Some(claimant) if self.is_opened(status) => format!("opened by: {}", openers_words(&claimant)),
            _ => self.state_sentence(status),
        }
    }

    /// The state of the share in one or two words, for a table.
    pub(super) fn state_word(&self, status: &Status) -> &'static str {
        match status.state {
            ShareState::Uploading => "uploading",
            ShareState::Waiting if is_overdue(status) => "expired",
            ShareState::Waiting => "waiting",
            ShareState::Claimed if !is_overdue(status) => "being opened",
            ShareState::Claimed | ShareState::Lapsed => "unconfirmed",
            ShareState::Finished if self.receipt_holds(status) => "opened",
            ShareState::Finished => "unproven",
            ShareState::Expired => "expired",
            ShareState::Revoked => "revoked",
            ShareState::Locked => "locked",
            ShareState::Aborted => "incomplete",
        }
    }

    /// The state of the share in one sentence for the sender, without a period.
    pub(super) fn state_sentence(&self, status: &Status) -> String {
        let kept = status.kept_until.filter(|until| SystemClock.now() < *until).map(|until| {
            let until = format::time(until);
            format!("; the relay keeps the encrypted data until {until}, so that the recipient can report it")
        });
        format!("{}{}", self.state_words(status), kept.unwrap_or_default())
    }

    /// The state of the share, without what becomes of its data.
    pub(super) fn state_words(&self, status: &Status) -> String {
        let time = |at: Option<u64>| at.map_or_else(|| "an unknown time".to_owned(), format::time);
        let who =
            |claimant: Option<Claimant>| claimant.map(|c| format!(" ({})", openers_words(&c))).unwrap_or_default();
        match status.state {
            ShareState::Uploading => {
                "not uploaded completely: the upload is still running or was interrupted".to_owned()
            }
            ShareState::Waiting => {
                let tried = match status.guesses {
                    0 => String::new(),
                    1 => "; 1 passphrase was tried".to_owned(),
                    many => format!("; {many} different passphrases were tried"),
                };
                if is_overdue(status) {
                    let expired = time(status.expires);
                    return format!(
                        "expired on {expired}; the relay has not yet confirmed that nobody opened it{tried}"
                    );
                }
                format!("waiting until {}{tried}", time(status.expires))
            }
            ShareState::Claimed if is_overdue(status) => format!(
                "opening began on {}{} but was never confirmed; the opener could resume until {}",
                time(status.claimed),
                who(status.claimant),
                time(status.until)
            ),
            ShareState::Claimed => format!(
                "being opened since {}{}, not finished; the opener can resume until {}",
                time(status.claimed),
                who(status.claimant),
                time(status.until)
            ),
            ShareState::Finished if self.receipt_holds(status) => {
                let held = if self.has_passphrase() { "the link and the passphrase" } else { "the link" };
                let opener = status.claimant.map(|claimant| openers_words(&claimant)).unwrap_or_default();
                format!("opened on {} by: {opener} (verified: the opener had {held})", time(status.ended))
            }
            ShareState::Finished => {
                format!("opened on {}, according to the relay; there is no proof", time(status.ended))
            }
            ShareState::Lapsed => format!(
                "opening began on {}{} but was never confirmed; {} on {}",
                time(status.claimed),
                who(status.claimant),
                // The relay may keep the data longer than until the end.
                if status.kept_until.is_some() { "ended" } else { "deleted" },
                time(status.ended)
            ),
            ShareState::Expired => format!("expired on {}; nobody opened it", time(status.ended)),
            ShareState::Revoked if status.claimed.is_some() => {
                format!("revoked on {} while it was being opened{}", time(status.ended), who(status.claimant))
            }
            ShareState::Revoked => format!("revoked on {}", time(status.ended)),
            ShareState::Locked => format!("locked on {} after too many wrong passphrases", time(status.ended)),
            ShareState::Aborted => "never uploaded completely; deleted".to_owned(),
        }
    }

    /// The share and its state, for programs.
    pub(super) fn facts(&self, status: Option<&Status>) -> Value {
        let mut facts = json!({
            "id": self.hex_id(),
            "name": self.name,
            "for": self.recipient,
            "relay": self.address(),
            "created": self.created,
            "expires": self.expires,
            "state": null,
        });
        if let (Some(status), Some(facts)) = (status, facts.as_object_mut()) {
            let receipt = match status.receipt {
                None => "none",
                Some(_) if self.receipt_holds(status) => "valid",
                Some(_) => "invalid",
            };
            facts.insert("state".to_owned(), json!(status.state.word()));
            facts.insert("expires".to_owned(), json!(status.expires));
            facts.insert("claimed".to_owned(), json!(status.claimed));
            facts.insert("until".to_owned(), json!(status.until));
            facts.insert("ended".to_owned(), json!(status.ended));
            facts.insert("opener".to_owned(), json!(status.claimant.map(|claimant| openers_words(&claimant))));
            facts.insert("receipt".to_owned(), json!(receipt));
            facts.insert("guesses".to_owned(), json!(status.guesses));
            facts.insert("bytes_left".to_owned(), json!(status.bytes_left));
            facts.insert("overdue".to_owned(), json!(is_overdue(status)));
            if let Some(until) = status.kept_until {
                facts.insert("kept_until".to_owned(), json!(until));
            }
        }
        facts
    }
}

/// Checks that all shares were opened, with a valid receipt for each.
///
/// # Errors
/// [`Failure::NotOpened`], which names the others.
pub(super) fn expect_opened<'a>(ends: impl Iterator<Item = (&'a SentShare, &'a Status)>) -> Result<(), Failure> {
    let missed: Vec<_> = ends.filter(|(entry, status)| !entry.is_opened(status)).collect();
    match &missed[..] {
        [] => Ok(()),
        [(entry, status)] => Err(Failure::NotOpened(entry.state_sentence(status))),
        many => {
            let names: Vec<_> =
                many.iter().map(|(entry, _)| entry.recipient.as_deref().unwrap_or(entry.short_id())).collect();
            let names = printable(&names.join(", "));
            Err(Failure::NotOpened(format!("{} shares were not opened: {names}", many.len())))
        }
    }
}

//! The words about a share that was sent: its title, its story, its end; and the facts for programs.

use serde_json::{Value, json};

use crate::cli::output::errors::Failure;
use crate::cli::output::format;
use crate::relay::{ShareState, Status};
use crate::safe_text::printable;
use crate::secret::Claimant;
use crate::state::outbox::{SentShare, is_overdue};
use crate::wordlist::openers_words;

impl SentShare {
    /// How it is called in one line: `beach.jpg · photo, 3.4 MB · for anna`.
    pub(super) fn title(&self) -> String {
        let label = if self.label.is_empty() { "(no name)" } else { &self.label };
        match &self.recipient {
            Some(recipient) => format!("{label} · for {}", printable(recipient)),
            None => label.to_owned(),
        }
    }

    /// How it ended, in a few words.
    pub(super) fn outcome(&self, status: &Status) -> String {
        match status.claimant {
            Some(claimant) if self.is_opened(status) => format!("opened by: {}", openers_words(&claimant)),
            _ => self.story(status),
        }
    }

    /// Its state or its end, as its sender should read it.
    pub(super) fn story(&self, status: &Status) -> String {
        let time = |at: Option<u64>| at.map_or_else(|| "an unknown time".to_owned(), format::time);
        let who =
            |claimant: Option<Claimant>| claimant.map(|c| format!(" ({})", openers_words(&c))).unwrap_or_default();
        match status.state {
            ShareState::Uploading => "not complete: still being sent, or it broke off".to_owned(),
            ShareState::Waiting => {
                let tried = match status.guesses {
                    0 => String::new(),
                    1 => "; 1 passphrase was tried".to_owned(),
                    many => format!("; {many} different passphrases were tried"),
                };
                if is_overdue(status) {
                    let expired = time(status.expires);
                    return format!("expired on {expired}; the relay has yet to confirm that nobody opened it{tried}");
                }
                format!("waiting, until {}{tried}", time(status.expires))
            }
            ShareState::Claimed if is_overdue(status) => format!(
                "claimed on {}{}, not confirmed; the opener had until {}",
                time(status.claimed),
                who(status.claimant),
                time(status.until)
            ),
            ShareState::Claimed => format!(
                "claimed on {}{}, not confirmed; the opener has until {}",
                time(status.claimed),
                who(status.claimant),
                time(status.until)
            ),
            ShareState::Finished if self.receipt_holds(status) => {
                let held = if self.has_passphrase() { "the link and the passphrase" } else { "the link" };
                let (at, who) = (time(status.ended), who(status.claimant));
                format!("opened on {at}{who}, confirmed by someone with {held}; time by the relay")
            }
            ShareState::Finished => format!(
                "the relay says that it was opened on {}, and cannot prove it: only someone with the link could",
                time(status.ended)
            ),
            ShareState::Lapsed => format!(
                "claimed on {}{}, never confirmed; gone since {}",
                time(status.claimed),
                who(status.claimant),
                time(status.ended)
            ),
            ShareState::Expired => format!("expired unopened on {}", time(status.ended)),
            ShareState::Revoked if status.claimed.is_some() => {
                format!("taken back on {}, while it was being opened{}", time(status.ended), who(status.claimant))
            }
            ShareState::Revoked => format!("taken back on {}", time(status.ended)),
            ShareState::Locked => format!("locked on {}, after too many wrong passphrases", time(status.ended)),
            ShareState::Aborted => "never complete, and gone".to_owned(),
        }
    }

    /// Its state or its end, for programs.
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
        }
        facts
    }
}

/// Fails unless all were opened, and a holder of the link has confirmed it.
pub(super) fn expect_opened<'a>(ends: impl Iterator<Item = (&'a SentShare, &'a Status)>) -> Result<(), Failure> {
    let missed: Vec<_> = ends.filter(|(entry, status)| !entry.is_opened(status)).collect();
    match &missed[..] {
        [] => Ok(()),
        [(entry, status)] => Err(Failure::NotOpened(entry.story(status))),
        many => {
            let names: Vec<_> =
                many.iter().map(|(entry, _)| entry.recipient.as_deref().unwrap_or(entry.short_id())).collect();
            let names = printable(&names.join(", "));
            Err(Failure::NotOpened(format!("{} were not opened, or not confirmed: {names}", many.len())))
        }
    }
}

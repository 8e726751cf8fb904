//! The events of shares that are served from here, in words.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::notice::Notifier;
use crate::cli::output::{Output, format};
use crate::host::{Event, Reach, Serving};
use crate::platform::network::Enclosure;
use crate::relay::server::PORT;
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::send::{Committed, Share};
use crate::wordlist::openers_words;

/// The time after the last bytes in which more are expected.
const BUSY: Duration = Duration::from_secs(10);

/// Prints what happens to shares.
pub(super) struct Narrator<'a> {
    output: &'a Output,
    notifier: &'a Notifier,
    /// Whether there are several, so that each line names its share.
    several: bool,
    reach: Reach,
    enclosure: Option<Enclosure>,
    /// Shown while the only share is being opened: bytes that the opener has fetched.
    bar: RefCell<Option<ProgressBar>>,
    /// When the opener has fetched bytes.
    fetched: Cell<Option<Instant>>,
}

impl<'a> Narrator<'a> {
    pub(super) fn new(serving: &Serving, batch: &Committed, notifier: &'a Notifier, output: &'a Output) -> Self {
        Self {
            output,
            notifier,
            several: batch.shares().len() > 1,
            reach: serving.reach(),
            enclosure: serving.address().enclosure,
            bar: RefCell::new(None),
            fetched: Cell::new(None),
        }
    }

    /// Whether bytes flow.
    pub(super) fn is_busy(&self) -> bool {
        self.fetched.get().is_some_and(|fetched| fetched.elapsed() < BUSY)
    }

    /// Prints an event.
    pub(super) fn report(&self, share: &Share, event: Event) {
        let total = share.sent().manifest.blob_len;
        match event {
            Event::Lonely => self.wonder(share),
            Event::LookedAt => self.event(share, "looked-at", json!({}), "link previewed"),
            Event::Opening { claimant, fetched } => {
                let words = openers_words(&claimant);
                self.event(share, "opening", json!({ "opener": words }), &format!("being opened by: {words}"));
                if !self.several && fetched < total {
                    *self.bar.borrow_mut() = Some(self.output.bar("Sending", Some(total)));
                }
            }
            Event::Fetched(fetched) => {
                self.fetched.set(Some(Instant::now()));
                if let Some(bar) = &*self.bar.borrow() {
                    bar.set_position(fetched.min(total));
                }
            }
            Event::Ended(status) => {
                if self.bar.take().is_some() {
                    self.output.clear();
                }
                let entry = share.entry();
                self.event(share, "ended", entry.facts(Some(&status)), &entry.outcome(&status));
                self.notifier.ended(entry, &status);
            }
        }
    }

    fn event(&self, share: &Share, event: &str, mut facts: Value, what: &str) {
        let entry = share.entry();
        let which = match (&entry.recipient, self.several) {
            (Some(recipient), true) => format!("{}: ", printable(recipient)),
            (None, true) => format!("{}: ", entry.short_id()),
            (_, false) => String::new(),
        };
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("for".to_owned(), json!(entry.recipient));
            facts.insert("id".to_owned(), json!(entry.id().map(|id| id.hex())));
        }
        self.output.event(event, facts, &format!("{} {which}{what}", format::time_of_day()));
    }

    /// Shows what may keep visitors away.
    fn wonder(&self, share: &Share) {
        if self.reach != Reach::Network {
            return;
        }
        let hint = if self.enclosure.is_some() {
            "nobody has visited the link yet; other computers may be unable to reach this address".to_owned()
        } else {
            let port = share.link().relay.as_ref().and_then(RelayUrl::port).unwrap_or(PORT);
            format!(
                "nobody has visited the link yet: the recipient must be on the same network, and a firewall here must \
                 allow TCP port {port}"
            )
        };
        self.output.hint(hint);
    }
}

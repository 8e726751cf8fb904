//! The shares of one `share send`: one, or one for each recipient. All of them are ready, or none is.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, format};
use crate::link::Link;
use crate::relay::Relay;
use crate::relay_url::RelayUrl;
use crate::safe_text::{printable, reason};
use crate::secret::{Flags, LinkSecret, Token};
use crate::send::{Input, Outgoing, SendError, SendOptions, Sent, copies};
use crate::state::StateDir;
use crate::state::outbox::{Draft, Entry, Outbox, write_receipts};

/// What is the same for all shares of a batch.
pub(crate) struct Plan {
    /// Who gets a link; `None` for anybody.
    pub(crate) recipients: Vec<Option<String>>,
    pub(crate) flags: Flags,
    pub(crate) passphrase: Option<Zeroizing<String>>,
    pub(crate) wishes: SendOptions,
    /// What the outbox calls it.
    pub(crate) name: Option<String>,
    /// Where receipts go besides the outbox.
    pub(crate) receipt: Option<PathBuf>,
}

/// Where shares wait.
#[derive(Clone, Copy)]
pub(crate) enum KeptAt<'a> {
    Relay(&'a RelayUrl),
    /// In a folder of this machine with this name, as long as this program runs.
    Here(&'a str),
}

/// One share, its link, and what is kept of it.
pub(crate) struct Share {
    pub(crate) link: Link,
    pub(crate) entry: Entry,
    outgoing: Outgoing,
    pub(crate) sent: Option<Sent>,
}

impl Share {
    /// The link as it is printed.
    pub(crate) fn text(&self, bare: bool) -> Option<Zeroizing<String>> {
        if bare { Some(self.link.bare()) } else { self.link.web() }
    }
}

/// All of them.
pub(crate) struct Batch {
    pub(crate) shares: Vec<Share>,
    /// `None` where nothing can be kept.
    outbox: Option<Outbox>,
    receipt: Option<PathBuf>,
}

impl Batch {
    /// Shares that nobody knows of yet. `urls` are where their links lead; `kept_at` is where they wait.
    pub(crate) fn new(
        plan: Plan,
        relay: &Arc<dyn Relay>,
        urls: &[RelayUrl],
        kept_at: KeptAt<'_>,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let mut shares = Vec::with_capacity(plan.recipients.len());
        let (mut batch, turns) = (None, Outgoing::turns());
        for (recipient, url) in plan.recipients.into_iter().zip(urls) {
            let secret = LinkSecret::random(plan.flags);
            let keys = secret.keys(plan.passphrase.as_ref().map(|passphrase| passphrase.as_str()));
            let owner_token = Token::random();
            let entry = Entry::new(Draft {
                id: keys.id,
                batch: *batch.get_or_insert(keys.id),
                relay: match kept_at {
                    KeptAt::Relay(url) => Some(url),
                    KeptAt::Here(_) => None,
                },
                place: match kept_at {
                    KeptAt::Relay(_) => None,
                    KeptAt::Here(place) => Some(place.to_owned()),
                },
                owner_token: &owner_token,
                receipt_key: &keys.receipt_key,
                flags: plan.flags,
                name: plan.name.clone(),
                recipient,
            });
            let outgoing = Outgoing::new(relay.clone(), keys, owner_token, turns.clone(), plan.wishes.clone());
            shares.push(Share { link: Link { relay: Some(url.clone()), secret }, entry, outgoing, sent: None });
        }
        let outbox = StateDir::open(cx).and_then(|state| Outbox::open(&state));
        let mut batch = Self { shares, outbox: None, receipt: plan.receipt };
        // What this program serves itself is taken back by ending it.
        let is_needed = batch.receipt.is_none() && matches!(kept_at, KeptAt::Relay(_));
        match outbox {
            Ok(outbox) => batch.outbox = Some(outbox),
            Err(error) if is_needed => warn_of_no_outbox(&error, &cx.output),
            Err(_) => {}
        }
        // Before anything is announced: what a crash leaves can be taken back.
        if let Err(error) = batch.keep() {
            batch.forget();
            batch.outbox = None;
            if is_needed {
                warn_of_no_outbox(&error, &cx.output);
            }
        }
        match batch.write_receipts() {
            Ok(()) => Ok(batch),
            Err(trouble) => {
                batch.forget();
                Err(trouble)
            }
        }
    }

    fn forget(&self) {
        for (outbox, share) in
            self.outbox.iter().flat_map(|outbox| self.shares.iter().map(move |share| (outbox, share)))
        {
            outbox.forget(&share.entry);
        }
    }

    fn keep(&self) -> io::Result<()> {
        let Some(outbox) = &self.outbox else { return Ok(()) };
        self.shares.iter().try_for_each(|share| outbox.keep(&share.entry))
    }

    fn write_receipts(&self) -> Result<(), Failure> {
        let Some(path) = &self.receipt else { return Ok(()) };
        let entries: Vec<&Entry> = self.shares.iter().map(|share| &share.entry).collect();
        write_receipts(path, &entries).map_err(|error| Failure::path(path, &error, "nothing was sent"))
    }

    /// Reads `inputs` once, and sends them as each of the shares. After an error all are taken back; it comes with
    /// whether nothing is left of any, for certain.
    pub(crate) async fn send(&mut self, inputs: Vec<Input>) -> Result<(), (SendError, bool)> {
        let sources = copies(inputs, self.shares.len());
        let sending = self.shares.iter().zip(sources).map(|(share, source)| share.outgoing.send(source));
        match try_join_all(sending).await {
            Ok(all) => {
                for (share, sent) in self.shares.iter_mut().zip(all) {
                    share.entry.expires = Some(sent.expires);
                    share.entry.label = format::describe(&sent.manifest);
                    share.sent = Some(sent);
                }
                // Nothing is lost with what these add: the entries are there.
                let _ = self.keep();
                let _ = self.write_receipts();
                Ok(())
            }
            Err(error) => Err((error, self.take_back().await)),
        }
    }

    /// Takes all of them back. Returns whether nothing is left.
    pub(crate) async fn take_back(&self) -> bool {
        let gone = join_all(self.shares.iter().map(|share| async {
            let gone = share.outgoing.take_back().await;
            // What was never sealed ends by itself, and nobody has a link to it.
            let is_over = gone || !share.outgoing.may_be_sealed();
            if let (true, Some(outbox)) = (is_over, &self.outbox) {
                outbox.forget(&share.entry);
            }
            (gone, is_over)
        }));
        let gone = gone.await;
        if let (true, Some(path)) = (gone.iter().all(|(_, is_over)| *is_over), &self.receipt) {
            let _ = std::fs::remove_file(path);
        }
        gone.iter().all(|(gone, _)| *gone)
    }

    /// What was sent, the same in all of them.
    pub(crate) fn sent(&self) -> Option<&Sent> {
        self.shares.first().and_then(|share| share.sent.as_ref())
    }

    /// Prints the links, one a line.
    pub(crate) fn print(
        &self,
        bare: bool,
        passphrase: Option<&str>,
        removed: Option<&str>,
        output: &Output,
    ) -> io::Result<()> {
        for share in &self.shares {
            let text = share.text(bare).ok_or(io::ErrorKind::InvalidData)?;
            if let Some(recipient) = &share.entry.recipient {
                output.say(&format!("for {}:", printable(recipient)));
            }
            let facts = json!({
                "link": *text,
                "id": share.entry.id().map(|id| id.hex()),
                "for": share.entry.recipient,
                "expires": share.entry.expires,
                "passphrase": passphrase,
                "removed": removed,
                "files": share.sent.as_ref().map(|sent| format::files(&sent.manifest)),
            });
            output.result("sent", facts, &text)?;
        }
        Ok(())
    }

    /// Notes how one of them ended.
    pub(crate) fn note_end(&self, share: &Share, status: &crate::relay::Status) {
        if let Some(outbox) = &self.outbox {
            outbox.note_end(&share.entry, status);
        }
    }
}

fn warn_of_no_outbox(error: &io::Error, output: &Output) {
    let why = reason(error);
    output.warn(&format!("nothing can be kept on this device ({why}): you cannot ask for it or take it back later"));
}

//! The shares of one send: one, or one for each recipient. Either all of them are committed, or none is left.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use zeroize::Zeroizing;

use crate::link::Link;
use crate::manifest::Manifest;
use crate::relay::{Credential, Relay, Status};
use crate::relay_url::RelayUrl;
use crate::secret::{Flags, Keys, LinkSecret, Token};
use crate::send::error::Unsent;
use crate::send::input::Input;
use crate::send::tee::copies;
use crate::send::upload::{self, SendOptions, Sent, Upload, turns};
use crate::state::outbox::{NewSentShare, Outbox, SentShare, write_receipts};

/// The properties that all shares of a batch have in common.
pub struct BatchPlan {
    /// The recipients of a link each; `None` for anybody.
    pub recipients: Vec<Option<String>>,
    /// The flags of the links.
    pub flags: Flags,
    /// The passphrase that opening takes besides the link.
    pub passphrase: Option<Zeroizing<String>>,
    /// The choices of the sender.
    pub options: SendOptions,
    /// The name in the outbox.
    pub name: Option<String>,
    /// Puts the content into words, for the outbox.
    pub describe: fn(&Manifest) -> String,
}

/// The place where shares wait.
#[derive(Clone, Copy)]
pub enum KeptAt<'a> {
    /// A relay.
    Relay(&'a RelayUrl),
    /// A folder of this machine with this name, as long as this program runs.
    Here(&'a str),
}

/// One share that is not committed: its link leads to nothing yet.
struct Planned {
    link: Link,
    keys: Keys,
    owner: Credential,
    entry: SentShare,
}

/// Shares that exist only in memory. They must be recorded before anything is uploaded.
pub struct Draft {
    shares: Vec<Planned>,
    options: SendOptions,
    describe: fn(&Manifest) -> String,
    /// Whether they must be recorded to be revocable: this program is not their relay.
    is_remote: bool,
}

impl Draft {
    /// Makes a share with a secret of its own for each recipient. `urls` are the relays' addresses in their links, in
    /// the order of the recipients.
    pub fn new(plan: BatchPlan, urls: &[RelayUrl], kept_at: KeptAt<'_>) -> Self {
        let mut shares = Vec::with_capacity(plan.recipients.len());
        let mut batch = None;
        let (relay, folder) = match kept_at {
            KeptAt::Relay(url) => (Some(url), None),
            KeptAt::Here(folder) => (None, Some(folder)),
        };
        for (recipient, url) in plan.recipients.into_iter().zip(urls) {
            let secret = LinkSecret::random(plan.flags);
            let keys = secret.keys(plan.passphrase.as_ref().map(|passphrase| passphrase.as_str()));
            let owner = Credential::new(keys.id, Token::random());
            let entry = SentShare::new(NewSentShare {
                id: keys.id,
                batch: *batch.get_or_insert(keys.id),
                relay,
                folder,
                owner_token: &owner.token,
                receipt_key: &keys.receipt_key,
                flags: plan.flags,
                name: plan.name.as_deref(),
                recipient,
            });
            shares.push(Planned { link: Link { relay: Some(url.clone()), secret }, keys, owner, entry });
        }
        Self { shares, options: plan.options, describe: plan.describe, is_remote: relay.is_some() }
    }

    /// Records the shares durably in `outbox` and in a new file `receipts`, so that what a crash leaves can be revoked.
    /// An outbox that cannot be written is no obstacle: see [`Recorded::unrecorded`].
    ///
    /// # Errors
    /// The receipts cannot be written. Nothing is recorded then.
    pub fn record(self, outbox: io::Result<Outbox>, receipts: Option<PathBuf>) -> io::Result<Recorded> {
        // A share that this program serves itself is revoked by ending it.
        let is_needed = receipts.is_none() && self.is_remote;
        let (outbox, mut unrecorded) = match outbox {
            Ok(outbox) => (Some(outbox), None),
            Err(error) => (None, Some(error)),
        };
        let mut records = OwnerFiles { outbox, receipts };
        let entries = || self.shares.iter().map(|share| &share.entry);
        // Before anything is announced: what a crash leaves can be revoked.
        if let Err(error) = records.keep(entries()) {
            records.forget_all(entries());
            records.outbox = None;
            unrecorded = Some(error);
        }
        if let Err(error) = records.write_receipts(entries()) {
            records.forget_all(entries());
            return Err(error);
        }
        let unrecorded = unrecorded.filter(|_| is_needed);
        Ok(Recorded { shares: self.shares, options: self.options, describe: self.describe, records, unrecorded })
    }
}

/// Shares that are recorded, durably where that is possible, and not announced to any relay.
pub struct Recorded {
    shares: Vec<Planned>,
    options: SendOptions,
    describe: fn(&Manifest) -> String,
    records: OwnerFiles,
    unrecorded: Option<io::Error>,
}

impl Recorded {
    /// The reason why these shares could not be recorded anywhere, although their sender will need the record to ask
    /// about them and to revoke them.
    pub fn unrecorded(&self) -> Option<&io::Error> {
        self.unrecorded.as_ref()
    }

    /// Prepares the uploads to `relay`, which must be one that repeats what fails
    /// ([`crate::relay::client::retry::Retrying`]). Nothing is sent yet.
    pub fn upload_to(self, relay: &Arc<dyn Relay>) -> Uploading {
        let turns = turns();
        let (mut shares, mut revocable) = (Vec::new(), Vec::new());
        for Planned { link, keys, owner, entry } in self.shares {
            let upload = Upload::new(relay.clone(), keys, owner.clone(), turns.clone(), self.options.clone());
            revocable.push((upload.revoker(), entry.clone()));
            shares.push((Unlinked { link, owner, entry }, upload));
        }
        let revoker = Revoker(Arc::new(Revocable { shares: revocable, records: self.records }));
        Uploading { shares, describe: self.describe, revoker }
    }
}

/// The rest of a [`Planned`] when its keys went to the upload.
struct Unlinked {
    link: Link,
    owner: Credential,
    entry: SentShare,
}

/// Shares that are about to be uploaded.
pub struct Uploading {
    shares: Vec<(Unlinked, Upload)>,
    describe: fn(&Manifest) -> String,
    revoker: Revoker,
}

impl Uploading {
    /// Revokes these shares, also when [`Self::run`] was dropped while it ran.
    pub fn revoker(&self) -> Revoker {
        self.revoker.clone()
    }

    /// Reads `inputs` once, uploads them as each of the shares, and commits all.
    ///
    /// # Errors
    /// The first error of any share; all were revoked then.
    pub async fn run(self, inputs: Vec<Input>) -> Result<Committed, Unsent> {
        let sources = copies(inputs, self.shares.len());
        let (shares, uploads): (Vec<_>, Vec<_>) = self.shares.into_iter().unzip();
        let sending = uploads.into_iter().zip(sources).map(|(upload, source)| upload.run(source));
        let all = match try_join_all(sending).await {
            Ok(all) => all,
            Err(error) => return Err(Unsent { error, gone: self.revoker.revoke().await }),
        };
        let committed = shares.into_iter().zip(all).map(|(Unlinked { link, owner, mut entry }, sent)| {
            entry.expires = Some(sent.expires);
            entry.label = (self.describe)(&sent.manifest);
            Share { link, owner, entry, sent }
        });
        let committed = Committed { shares: committed.collect(), revoker: self.revoker };
        let (records, entries) = (&committed.revoker.0.records, || committed.shares.iter().map(|share| &share.entry));
        // Nothing is lost with what these add: the entries are there.
        let _ = records.keep(entries());
        let _ = records.write_receipts(entries());
        Ok(committed)
    }
}

/// One share that the relay has committed: its link works, and may be shown.
pub struct Share {
    link: Link,
    owner: Credential,
    entry: SentShare,
    sent: Sent,
}

impl Share {
    /// Its link.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Its link as it is printed. `None`: it has no form for browsers.
    pub fn text(&self, bare: bool) -> Option<Zeroizing<String>> {
        if bare { Some(self.link.bare()) } else { self.link.web() }
    }

    /// The credential with which its owner asks about it and revokes it.
    pub fn owner(&self) -> &Credential {
        &self.owner
    }

    /// Its entry in the outbox.
    pub fn entry(&self) -> &SentShare {
        &self.entry
    }

    /// Its content and its time.
    pub fn sent(&self) -> &Sent {
        &self.sent
    }
}

/// Shares that are committed, all of them.
pub struct Committed {
    shares: Vec<Share>,
    revoker: Revoker,
}

impl Committed {
    /// The shares, in the order of their recipients.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// The content and the time of the first share: all have the same content. `None`: there was no recipient.
    pub fn sent(&self) -> Option<&Sent> {
        self.shares.first().map(Share::sent)
    }

    /// Notes in the outbox how one of them ended.
    pub fn note_end(&self, share: &Share, status: &Status) {
        if let Some(outbox) = &self.revoker.0.records.outbox {
            outbox.note_end(&share.entry, status);
        }
    }

    /// Revokes all of them: their links cannot be shown after that. Returns whether nothing is left at the relay.
    pub async fn revoke(self) -> bool {
        self.revoker.revoke().await
    }
}

/// Revokes a batch, before, while and after it is uploaded.
#[derive(Clone)]
pub struct Revoker(Arc<Revocable>);

struct Revocable {
    shares: Vec<(upload::UploadRevoker, SentShare)>,
    records: OwnerFiles,
}

impl Revoker {
    /// Revokes all shares, and removes the records of those of which nothing is left. Returns whether nothing is left
    /// of any, for certain.
    pub async fn revoke(&self) -> bool {
        let records = &self.0.records;
        let revoked = join_all(self.0.shares.iter().map(|(share, entry)| async {
            let gone = share.revoke().await;
            // A share that was never committed expires by itself, and nobody has a link to it.
            let is_over = gone || !share.may_be_committed();
            if is_over {
                records.forget(entry);
            }
            (gone, is_over)
        }));
        let revoked = revoked.await;
        if let (true, Some(path)) = (revoked.iter().all(|(_, is_over)| *is_over), &records.receipts) {
            let _ = fs::remove_file(path);
        }
        revoked.iter().all(|(gone, _)| *gone)
    }
}

/// The files that let a sender ask about shares and revoke them.
struct OwnerFiles {
    /// `None` where nothing can be kept.
    outbox: Option<Outbox>,
    /// A file of the user's.
    receipts: Option<PathBuf>,
}

impl OwnerFiles {
    fn keep<'a>(&self, mut entries: impl Iterator<Item = &'a SentShare>) -> io::Result<()> {
        let Some(outbox) = &self.outbox else { return Ok(()) };
        entries.try_for_each(|entry| outbox.keep(entry))
    }

    fn write_receipts<'a>(&self, entries: impl Iterator<Item = &'a SentShare>) -> io::Result<()> {
        let Some(path) = &self.receipts else { return Ok(()) };
        write_receipts(path, &entries.collect::<Vec<_>>())
    }

    fn forget(&self, entry: &SentShare) {
        if let Some(outbox) = &self.outbox {
            outbox.forget(entry);
        }
    }

    fn forget_all<'a>(&self, entries: impl Iterator<Item = &'a SentShare>) {
        entries.for_each(|entry| self.forget(entry));
    }
}

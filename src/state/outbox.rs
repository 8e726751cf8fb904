//! `outbox/<id>.json`: the shares that this device has sent. An entry lets its holder check and revoke the share, and
//! never open it: the secret of a link is not in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Credential, ShareState, Status, TOMBSTONE_TIME, V1};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::secret::{Flags, Id, ReceiptKey, Token};
use crate::state::{StateDir, write_private};

/// One share that was sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct SentShare {
    v: V1,
    id: String,
    /// The relay's address; none where this machine serves it itself.
    relay: Option<String>,
    /// The name of the folder in which it then lies, as long as it is served.
    #[serde(default, rename = "place")]
    folder: Option<String>,
    owner_token: Token,
    receipt_key: ReceiptKey,
    flags: u8,
    /// The names of its files.
    pub name: Option<String>,
    /// Its content, in words.
    pub label: String,
    /// The recipient, as the sender calls them.
    pub recipient: Option<String>,
    /// The first of those that were sent together.
    batch: String,
    /// When sending began, Unix seconds.
    pub created: u64,
    /// And the nanoseconds: shares that are sent within one second have an order too.
    nanos: u32,
    /// When it expires unopened, Unix seconds; none while it is not committed.
    pub expires: Option<u64>,
    /// Its end, as the relay reported it.
    pub end: Option<Status>,
}

/// The facts about a share before it is sent.
pub struct NewSentShare<'a> {
    /// The share.
    pub id: Id,
    /// The first of those that are sent together.
    pub batch: Id,
    /// Its relay; none where this machine serves it itself.
    pub relay: Option<&'a RelayUrl>,
    /// The name of the folder from which this machine serves it.
    pub folder: Option<&'a str>,
    /// Lets its holder ask and revoke.
    pub owner_token: &'a Token,
    /// Tells a true receipt from a forged one.
    pub receipt_key: &'a ReceiptKey,
    /// The flags of its link.
    pub flags: Flags,
    /// The names of its files.
    pub name: Option<&'a str>,
    /// The recipient, as the sender calls them.
    pub recipient: Option<String>,
}

impl SentShare {
    /// The entry of a share that is not announced yet, dated now.
    pub fn new(new: NewSentShare<'_>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            v: V1,
            id: new.id.hex(),
            relay: new.relay.map(ToString::to_string),
            folder: new.folder.map(str::to_owned),
            owner_token: new.owner_token.clone(),
            receipt_key: new.receipt_key.clone(),
            flags: new.flags.bits(),
            label: new.name.map(printable).unwrap_or_default(),
            name: new.name.map(str::to_owned),
            recipient: new.recipient,
            batch: new.batch.hex(),
            created: now.as_secs(),
            nanos: now.subsec_nanos(),
            expires: None,
            end: None,
        }
    }

    /// The share; none where the entry is damaged.
    pub fn id(&self) -> Option<Id> {
        Id::from_hex(&self.id)
    }

    /// The share's id in hexadecimal, as it is kept.
    pub fn hex_id(&self) -> &str {
        &self.id
    }

    /// The owner's credential; none where the entry is damaged.
    pub fn owner(&self) -> Option<Credential> {
        Some(Credential::new(self.id()?, self.owner_token.clone()))
    }

    /// The address of its relay, as it is kept. `None`: a program of this machine serves it, or served it.
    pub fn address(&self) -> Option<&str> {
        self.relay.as_deref()
    }

    /// Its relay. `None`: a program of this machine serves it, or served it; or the address cannot be read.
    pub fn relay(&self) -> Option<RelayUrl> {
        RelayUrl::parse(self.relay.as_deref()?).ok()
    }

    /// Whether this machine serves it itself.
    pub fn is_direct(&self) -> bool {
        self.relay.is_none()
    }

    /// The name of the folder from which this machine serves it, or served it.
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// The beginning of its id: enough to name it.
    pub fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or_default()
    }

    /// Whether the receipt is the one that only a holder of the link (and the passphrase) can make.
    pub fn receipt_holds(&self, status: &Status) -> bool {
        match (status.receipt, status.claimant, self.id()) {
            (Some(receipt), Some(claimant), Some(id)) => self.receipt_key.receipt(&id, &claimant) == receipt,
            _ => false,
        }
    }

    /// Whether it was opened, and a holder of the link has confirmed it.
    pub fn is_opened(&self, status: &Status) -> bool {
        status.state == ShareState::Finished && self.receipt_holds(status)
    }

    /// Whether opening it takes a passphrase.
    pub fn has_passphrase(&self) -> bool {
        Flags::from_bits(self.flags).is_some_and(|flags| flags.contains(Flags::PASSPHRASE))
    }

    /// Whether the relay has forgotten the share, and so may we.
    fn is_forgotten(&self, now: u64) -> bool {
        let ended = match &self.end {
            Some(end) => end.ended,
            None => self.expires,
        };
        // By our clock, a time of the relay's may be long ago.
        // Kept for as long as the relay remembers the share.
        let last = ended.unwrap_or(self.created).max(self.created) + TOMBSTONE_TIME.as_secs();
        now > last
    }
}

/// Whether nothing will happen to the share any more.
pub fn is_over(state: ShareState) -> bool {
    match state {
        ShareState::Uploading | ShareState::Waiting | ShareState::Claimed => false,
        ShareState::Finished
        | ShareState::Lapsed
        | ShareState::Expired
        | ShareState::Revoked
        | ShareState::Locked
        | ShareState::Aborted => true,
    }
}

/// Whether the time of a share that waits or is claimed is over: by the relay's clock, or by ours where the relay
/// does not report it.
pub fn is_overdue(status: &Status) -> bool {
    let until = match status.state {
        ShareState::Waiting => status.expires,
        ShareState::Claimed => status.until,
        _ => None,
    };
    until.is_some_and(|until| status.overdue.unwrap_or_else(|| until <= SystemClock.now()))
}

/// All shares that were sent from here.
#[derive(Clone)]
pub struct Outbox {
    directory: PathBuf,
}

impl Outbox {
    /// Opens the outbox, and makes its directory where it is missing.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(state: &StateDir) -> io::Result<Self> {
        Ok(Self { directory: state.subdirectory("outbox")? })
    }

    fn path(&self, entry: &SentShare) -> PathBuf {
        self.directory.join(format!("{}.json", entry.id))
    }

    /// Keeps an entry, durably.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, entry: &SentShare) -> io::Result<()> {
        write_private(&self.path(entry), &serde_json::to_vec(entry)?)
    }

    /// Notes how it ended.
    pub fn note_end(&self, entry: &SentShare, status: &Status) {
        if is_over(status.state) && entry.end.as_ref() != Some(status) {
            let _ = self.keep(&SentShare { end: Some(status.clone()), ..entry.clone() });
        }
    }

    /// Forgets an entry.
    pub fn forget(&self, entry: &SentShare) {
        let _ = fs::remove_file(self.path(entry));
    }

    /// All entries, the oldest first. Expired ones are removed.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn entries(&self) -> io::Result<Vec<SentShare>> {
        let now = SystemClock.now();
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.directory)?.flatten() {
            let Some(entry) = read(&file.path()) else { continue };
            if entry.is_forgotten(now) {
                self.forget(&entry);
            } else {
                entries.push(entry);
            }
        }
        entries.sort_by_key(|entry| (entry.created, entry.nanos));
        Ok(entries)
    }

    /// How many entries cannot be read: damaged, or of another version.
    pub fn unreadable(&self) -> usize {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|file| file.path());
        files.filter(|path| is_entry(path) && read(path).is_none()).count()
    }

    /// The entries of the last send: one, or several together.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn last(&self) -> io::Result<Vec<SentShare>> {
        let mut entries = self.entries()?;
        let batch = entries.last().map(|entry| entry.batch.clone());
        entries.retain(|entry| Some(&entry.batch) == batch.as_ref());
        Ok(entries)
    }

    /// The entries that are called `word`: by the beginning of their id, by name, or by recipient.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn called(&self, word: &str) -> io::Result<Vec<SentShare>> {
        let is_id = word.len() >= 4 && word.bytes().all(|c| c.is_ascii_hexdigit());
        let mut entries = self.entries()?;
        entries.retain(|entry| {
            (is_id && entry.id.starts_with(&word.to_ascii_lowercase()))
                || entry.name.as_deref() == Some(word)
                || entry.recipient.as_deref() == Some(word)
        });
        Ok(entries)
    }

    /// The entry with this id.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn find(&self, id: &Id) -> io::Result<Vec<SentShare>> {
        let mut entries = self.entries()?;
        entries.retain(|entry| entry.id().as_ref() == Some(id));
        Ok(entries)
    }
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn read(path: &Path) -> Option<SentShare> {
    if !is_entry(path) {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes entries to a file of the user's, from which [`read_receipts`] has them again on any machine.
///
/// # Errors
/// The file cannot be written.
pub fn write_receipts(path: &Path, entries: &[&SentShare]) -> io::Result<()> {
    let lines = entries.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    write_private(path, format!("{}\n", lines.join("\n")).as_bytes())
}

/// Reads what [`write_receipts`] wrote.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read_receipts(path: &Path) -> io::Result<Vec<SentShare>> {
    let text = fs::read_to_string(path)?;
    let entries: Result<Vec<SentShare>, _> = text.lines().map(serde_json::from_str).collect();
    entries.map_err(|_| io::Error::other("not a receipt that share send --receipt wrote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry as it has always been kept.
    const KEPT: &str = concat!(
        r#"{"v":1,"id":"000102030405060708090a0b0c0d0e0f","relay":null,"place":"share-direct-0123456789abcdef","#,
        r#""owner_token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#,
        r#""receipt_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","flags":1,"name":"beach.jpg","#,
        r#""label":"beach.jpg · photo, 3.4 MB","recipient":"anna","batch":"000102030405060708090a0b0c0d0e0f","#,
        r#""created":1700000000,"nanos":7,"expires":1700003600,"end":null}"#,
    );

    #[test]
    fn kept_entries_are_read_and_written_as_ever() {
        let entry: SentShare = serde_json::from_str(KEPT).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), KEPT);
        assert_eq!(entry.folder(), Some("share-direct-0123456789abcdef"));
        assert!(entry.is_direct() && entry.id().is_some() && entry.short_id() == "00010203");
        // Entries of the first version have no such field.
        let older = KEPT.replace(r#""place":"share-direct-0123456789abcdef","#, "");
        let older: SentShare = serde_json::from_str(&older).unwrap();
        assert!(older.folder().is_none());
    }

    #[test]
    fn entry_is_forgotten_when_its_relay_has_forgotten_the_share() {
        let entry: SentShare = serde_json::from_str(KEPT).unwrap();
        let last = 1_700_003_600 + TOMBSTONE_TIME.as_secs();
        assert!(!entry.is_forgotten(last) && entry.is_forgotten(last + 1));
        let unsent = SentShare { expires: None, ..entry };
        assert!(unsent.is_forgotten(1_700_000_001 + TOMBSTONE_TIME.as_secs()));
    }
}

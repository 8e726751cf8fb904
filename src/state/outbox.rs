//! `outbox/<id>.json`: what this device has sent. It lets its holder ask and take back, and never open: the secret of
//! a link is not in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::output::errors::Failure;
use crate::cli::output::format;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Credential, ShareState, Status, V1};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::secret::{Claimant, Flags, Id, ReceiptKey, Token};
use crate::state::{StateDir, write_private};
use crate::wordlist::openers_words;

/// How long an entry is kept after its share has ended: as long as the relay remembers it.
const KEEP: u64 = 30 * 24 * 3600;

/// One share that was sent.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    v: V1,
    id: String,
    /// The relay's address; none where this machine serves it itself.
    relay: Option<String>,
    /// The folder in which it then lies, as long as it is served.
    #[serde(default)]
    place: Option<String>,
    owner_token: Token,
    receipt_key: ReceiptKey,
    flags: u8,
    /// The names of what was sent.
    pub(crate) name: Option<String>,
    /// What was sent, in words.
    pub(crate) label: String,
    /// For whom it was.
    pub(crate) recipient: Option<String>,
    /// The first of those that were sent together.
    batch: String,
    /// When it was begun, Unix seconds.
    pub(crate) created: u64,
    /// And the nanoseconds: what is sent in one second has an order too.
    nanos: u32,
    /// When it ends unopened, Unix seconds; none while it is not sealed.
    pub(crate) expires: Option<u64>,
    /// How it ended, as the relay told it.
    pub(crate) end: Option<Status>,
}

/// What is known of a share before it is sent.
pub(crate) struct Draft<'a> {
    pub(crate) id: Id,
    pub(crate) batch: Id,
    pub(crate) relay: Option<&'a RelayUrl>,
    pub(crate) place: Option<String>,
    pub(crate) owner_token: &'a Token,
    pub(crate) receipt_key: &'a ReceiptKey,
    pub(crate) flags: Flags,
    pub(crate) name: Option<String>,
    pub(crate) recipient: Option<String>,
}

impl Entry {
    pub(crate) fn new(draft: Draft<'_>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            v: V1,
            id: draft.id.hex(),
            relay: draft.relay.map(ToString::to_string),
            place: draft.place,
            owner_token: draft.owner_token.clone(),
            receipt_key: draft.receipt_key.clone(),
            flags: draft.flags.bits(),
            label: draft.name.as_deref().map(printable).unwrap_or_default(),
            name: draft.name,
            recipient: draft.recipient,
            batch: draft.batch.hex(),
            created: now.as_secs(),
            nanos: now.subsec_nanos(),
            expires: None,
            end: None,
        }
    }

    /// The share.
    pub(crate) fn id(&self) -> Option<Id> {
        Id::from_hex(&self.id)
    }

    /// What its owner shows to the relay.
    pub(crate) fn owner(&self) -> Option<Credential> {
        Some(Credential::new(self.id()?, self.owner_token.clone()))
    }

    /// Where it is. `None`: with a program of this machine that serves it, or served it.
    pub(crate) fn relay(&self) -> Option<RelayUrl> {
        RelayUrl::parse(self.relay.as_deref()?).ok()
    }

    /// Whether this machine serves it itself.
    pub(crate) fn is_direct(&self) -> bool {
        self.relay.is_none()
    }

    /// The folder from which it is served, or was.
    pub(crate) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// How it is called in one line: `beach.jpg · photo, 3.4 MB · for anna`.
    pub(crate) fn title(&self) -> String {
        let label = if self.label.is_empty() { "(no name)" } else { &self.label };
        match &self.recipient {
            Some(recipient) => format!("{label} · for {}", printable(recipient)),
            None => label.to_owned(),
        }
    }

    /// The beginning of its id: enough to name it.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or_default()
    }

    /// Whether the receipt is the one that only somebody with the link (and the passphrase) can make.
    fn receipt_holds(&self, status: &Status) -> bool {
        match (status.receipt, status.claimant, self.id()) {
            (Some(receipt), Some(claimant), Some(id)) => self.receipt_key.receipt(&id, &claimant) == receipt,
            _ => false,
        }
    }

    /// Whether it was opened, and somebody with the link has confirmed it.
    pub(crate) fn is_opened(&self, status: &Status) -> bool {
        status.state == ShareState::Finished && self.receipt_holds(status)
    }

    /// How it ended, in a few words.
    pub(crate) fn outcome(&self, status: &Status) -> String {
        match status.claimant {
            Some(claimant) if self.is_opened(status) => format!("opened ({})", openers_words(&claimant)),
            _ => self.story(status),
        }
    }

    fn has_passphrase(&self) -> bool {
        Flags::from_bits(self.flags).is_some_and(|flags| flags.contains(Flags::PASSPHRASE))
    }

    /// What became of it, as its sender should read it.
    pub(crate) fn story(&self, status: &Status) -> String {
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

    /// What became of it, for programs.
    pub(crate) fn facts(&self, status: Option<&Status>) -> Value {
        let mut facts = json!({
            "id": self.id,
            "name": self.name,
            "for": self.recipient,
            "relay": self.relay,
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

    fn is_forgotten(&self, now: u64) -> bool {
        let told = match &self.end {
            Some(end) => end.ended,
            None => self.expires,
        };
        // What it tells of the relay's clock may be long ago by ours.
        let last = told.unwrap_or(self.created).max(self.created) + KEEP;
        now > last
    }
}

/// Whether nothing will happen to the share any more.
pub(crate) fn is_over(state: ShareState) -> bool {
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

/// Whether the time of a share that waits or is claimed is over: by the relay's clock, or by ours where the relay does
/// not tell.
fn is_overdue(status: &Status) -> bool {
    let until = match status.state {
        ShareState::Waiting => status.expires,
        ShareState::Claimed => status.until,
        _ => None,
    };
    until.is_some_and(|until| status.overdue.unwrap_or_else(|| until <= SystemClock.now()))
}

/// Fails unless all were opened, and somebody with the link has confirmed it.
pub(crate) fn expect_opened<'a>(told: impl Iterator<Item = (&'a Entry, &'a Status)>) -> Result<(), Failure> {
    let missed: Vec<_> = told.filter(|(entry, status)| !entry.is_opened(status)).collect();
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

/// All that was sent from here.
pub(crate) struct Outbox {
    directory: PathBuf,
}

impl Outbox {
    pub(crate) fn open(state: &StateDir) -> io::Result<Self> {
        Ok(Self { directory: state.subdirectory("outbox")? })
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        self.directory.join(format!("{}.json", entry.id))
    }

    /// Keeps an entry, durably.
    pub(crate) fn keep(&self, entry: &Entry) -> io::Result<()> {
        write_private(&self.path(entry), &serde_json::to_vec(entry)?)
    }

    /// Notes how it ended.
    pub(crate) fn note_end(&self, entry: &Entry, status: &Status) {
        if is_over(status.state) && entry.end.as_ref() != Some(status) {
            let _ = self.keep(&Entry { end: Some(status.clone()), ..entry.clone() });
        }
    }

    /// Forgets an entry.
    pub(crate) fn forget(&self, entry: &Entry) {
        let _ = fs::remove_file(self.path(entry));
    }

    /// All entries, the oldest first. Those whose time is over go.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
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
    pub(crate) fn unreadable(&self) -> usize {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|file| file.path());
        files.filter(|path| is_entry(path) && read(path).is_none()).count()
    }

    /// Those that were sent last: one, or several together.
    pub(crate) fn last(&self) -> io::Result<Vec<Entry>> {
        let mut entries = self.entries()?;
        let batch = entries.last().map(|entry| entry.batch.clone());
        entries.retain(|entry| Some(&entry.batch) == batch.as_ref());
        Ok(entries)
    }

    /// Those that are called `word`: by the beginning of their id, by name, or by whom they are for.
    pub(crate) fn called(&self, word: &str) -> io::Result<Vec<Entry>> {
        let is_id = word.len() >= 4 && word.bytes().all(|c| c.is_ascii_hexdigit());
        let mut entries = self.entries()?;
        entries.retain(|entry| {
            (is_id && entry.id.starts_with(&word.to_ascii_lowercase()))
                || entry.name.as_deref() == Some(word)
                || entry.recipient.as_deref() == Some(word)
        });
        Ok(entries)
    }

    /// The one with this id.
    pub(crate) fn find(&self, id: &Id) -> io::Result<Vec<Entry>> {
        let mut entries = self.entries()?;
        entries.retain(|entry| entry.id().as_ref() == Some(id));
        Ok(entries)
    }
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn read(path: &Path) -> Option<Entry> {
    if !is_entry(path) {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes entries to a file of the user's, from which [`read_receipts`] has them again on any machine.
pub(crate) fn write_receipts(path: &Path, entries: &[&Entry]) -> io::Result<()> {
    let lines = entries.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    write_private(path, format!("{}\n", lines.join("\n")).as_bytes())
}

/// Reads what [`write_receipts`] wrote.
pub(crate) fn read_receipts(path: &Path) -> io::Result<Vec<Entry>> {
    let text = fs::read_to_string(path)?;
    let entries: Result<Vec<Entry>, _> = text.lines().map(serde_json::from_str).collect();
    entries.map_err(|_| io::Error::other("it is not a receipt that share send --receipt wrote"))
}

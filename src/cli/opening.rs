//! `opening/<id>`: one file for each share that this device is opening.
//!
//! Its lock keeps two programs of one device apart. Its content is written when all bytes are safe on disk, before the
//! files get their names: a program that is killed after that finds on its next run whether they did, and only has to
//! tell the relay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::{State, private, read_all};
use crate::link::RelayUrl;
use crate::open::{self, place::Placed};
use crate::relay::http::HttpRelay;
use crate::relay::{Credential, V1};
use crate::secret::{Id, Receipt};

/// What the next command spends at most on what an earlier one could not tell its relay.
const CATCH_UP_TIME: Duration = Duration::from_secs(2);

/// What is known of a share that is being opened.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    v: V1,
    /// The relay's address.
    relay: String,
    /// What finishing will tell it. `None` while bytes are missing.
    receipt: Option<Receipt>,
    /// The files, where they have their names. None for what went to standard output.
    placed: Vec<Placed>,
    /// Files without a name that the file system made us give one.
    hidden: Vec<PathBuf>,
}

impl Record {
    /// The receipt, if all that was received is where it belongs: what is left is to tell the relay.
    fn complete(&self) -> Option<Receipt> {
        let there = self.placed.iter().all(|placed| placed.is_there() && placed.sync().is_ok());
        self.receipt.filter(|_| there)
    }

    /// The files that were received and are where they belong, and the receipt for them. What went to standard output
    /// and could not be reported may be asked for again: the relay still has it.
    pub(super) fn saved(self) -> Option<(Vec<Placed>, Receipt)> {
        let receipt = self.complete()?;
        if self.placed.is_empty() { None } else { Some((self.placed, receipt)) }
    }
}

/// A share that this program, and no other one of this device, is opening.
pub(super) struct Opening {
    path: PathBuf,
    file: File,
    relay: String,
    hidden: Vec<PathBuf>,
    received: bool,
}

/// What asking for a share came to.
pub(super) enum Begin {
    /// It is ours, and this is what an earlier run has left.
    Ours(Opening, Option<Record>),
    /// Another program has it.
    Busy,
}

/// Opens and locks a file. `None`: another program has it, or has just removed it, so that its lock keeps nobody out.
fn locked(path: &Path, file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    let ours = file.metadata()?.ino();
    Ok(Some(file).filter(|_| fs::metadata(path).is_ok_and(|data| data.ino() == ours)))
}

impl Opening {
    /// Takes the lock of `id`.
    pub(super) fn begin(state: &State, id: &Id, relay: &RelayUrl) -> io::Result<Begin> {
        let path = state.opening()?.join(id.hex());
        let Some(file) = locked(&path, private(&path)?)? else { return Ok(Begin::Busy) };
        // A file that was cut short by a crash says nothing: the bytes will be fetched again.
        let record: Option<Record> = serde_json::from_slice(&read_all(&file)?).ok();
        if let Some(record) = &record {
            open::place::remove_leftovers(&record.hidden);
        }
        Ok(Begin::Ours(Self { path, file, relay: relay.to_string(), hidden: Vec::new(), received: false }, record))
    }

    /// Notes what has to be cleaned up if this program is killed.
    pub(super) fn note_hidden(&mut self, hidden: Vec<PathBuf>) -> io::Result<()> {
        self.hidden = hidden;
        if self.hidden.is_empty() { Ok(()) } else { self.write(None, Vec::new()) }
    }

    /// Notes that all bytes are safe here, and which files they are, or are about to be.
    pub(super) fn note_received(&mut self, receipt: Receipt, placed: Vec<Placed>) -> io::Result<()> {
        self.received = true;
        self.write(Some(receipt), placed)
    }

    fn write(&mut self, receipt: Option<Receipt>, placed: Vec<Placed>) -> io::Result<()> {
        let record = Record { v: V1, relay: self.relay.clone(), receipt, placed, hidden: self.hidden.clone() };
        let bytes = serde_json::to_vec(&record)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&bytes)?;
        self.file.sync_all()?;
        self.path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// Whether nothing was noted but names to clean up.
    pub(super) fn is_unnoted(&self) -> bool {
        !self.received
    }

    /// The relay knows, or nothing was claimed: nothing is left to do.
    pub(super) fn done(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Tells relays what earlier runs could not tell them: that a share is safe here.
pub(super) async fn catch_up(state: &State) {
    let _ = tokio::time::timeout(CATCH_UP_TIME, async {
        let Ok(entries) = state.opening().and_then(fs::read_dir) else { return };
        for entry in entries.flatten() {
            if let Some(pending) = Pending::read(&entry.path()) {
                pending.tell(state, &entry.path()).await;
            }
        }
    })
    .await;
}

/// A share that is safe here while its relay still holds it.
struct Pending {
    id: Id,
    relay: RelayUrl,
    receipt: Receipt,
    _lock: File,
}

impl Pending {
    fn read(path: &Path) -> Option<Self> {
        let id = Id::from_hex(path.file_name()?.to_str()?)?;
        let file = locked(path, OpenOptions::new().read(true).write(true).open(path).ok()?).ok()??;
        let record: Record = serde_json::from_slice(&read_all(&file).ok()?).ok()?;
        open::place::remove_leftovers(&record.hidden);
        let relay = RelayUrl::parse(&record.relay).ok()?;
        Some(Self { id, relay, receipt: record.complete()?, _lock: file })
    }

    async fn tell(self, state: &State, path: &Path) {
        let (Ok(device), Ok(relay)) = (state.device(), HttpRelay::new(self.relay, CATCH_UP_TIME)) else { return };
        let holder = Credential::new(self.id, device.claim_token(&self.id));
        if open::finish(&relay, &holder, &self.receipt).await.is_ok() {
            let _ = fs::remove_file(path);
        }
    }
}

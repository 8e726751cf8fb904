//! `opening/<id>`: one file for each share that this device is opening.
//!
//! Its lock keeps two programs of one device apart. Its lines are added one after another, the last when all bytes are
//! safe on disk, before the files get their names, and when they have them: a program that is killed after that finds
//! on its next run whether they did, and only has to tell the relay. A line that was cut short leaves the one before
//! it. Where the file system has no locks, two programs that open the same link at once are not kept apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::durable_fs::{parent, sync, sync_dir, try_lock};
use crate::open::staging::Placed;
use crate::platform::files;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Credential, V1};
use crate::relay_url::RelayUrl;
use crate::secret::{DeviceSecret, Id, Pin, Receipt};
use crate::state::{StateDir, private, read_all};
use crate::{host, open};

/// What the next command spends at most on what an earlier one could not tell its relay.
const CATCH_UP_TIME: Duration = Duration::from_secs(2);
/// What was begun this long ago has lapsed at every relay.
const FORGET_TIME: Duration = Duration::from_hours(7 * 24);

/// What is known of a share that is being opened.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    v: V1,
    /// The relay's address.
    relay: String,
    /// The one key that may answer there, where it is the sender's own machine.
    #[serde(default)]
    pin: Option<Pin>,
    /// What finishing will tell it. `None` while bytes are missing.
    receipt: Option<Receipt>,
    /// Until when the relay can be told, Unix seconds.
    until: u64,
    /// The files, where they have their names. None for what went to standard output.
    placed: Vec<Placed>,
    /// Whether they all got their names. What happens to them later is their owner's business.
    named: bool,
    /// Files without a name that the file system made us give one.
    hidden: Vec<PathBuf>,
}

impl Record {
    /// The last one that was written whole. None: the bytes will be fetched again.
    fn read(file: &File) -> io::Result<Option<Self>> {
        let lines = read_all(file)?;
        Ok(lines.rsplit(|byte| *byte == b'\n').find_map(|line| serde_json::from_slice(line).ok()))
    }

    /// Whether all files are where they were put, durably.
    fn is_there(&self) -> bool {
        self.placed.iter().all(|placed| placed.is_there() && placed.sync().is_ok())
    }

    /// The receipt, if all that was received got to where it belongs: what is left is to tell the relay.
    fn complete(&self) -> Option<Receipt> {
        self.receipt.filter(|_| self.named || self.is_there())
    }

    /// The files that were received and are where they belong, and the receipt for them; or the record itself. What is
    /// not there any more, or went to standard output, may be had again: the relay still has it.
    pub(crate) fn into_saved(self) -> Result<(Vec<Placed>, Receipt), Box<Self>> {
        match self.receipt {
            Some(receipt) if !self.placed.is_empty() && self.is_there() => Ok((self.placed, receipt)),
            _ => Err(Box::new(self)),
        }
    }

    /// Removes what a program that was killed left under names that are not final.
    fn remove_leftovers(&self) {
        open::staging::remove_leftovers(&self.hidden, if self.named { &[] } else { &self.placed });
    }

    /// Removes those files that had their names when a run was killed before all of them did.
    pub(crate) fn remove_named(&self) {
        for placed in self.placed.iter().filter(|placed| !self.named && placed.is_there()) {
            let _ = fs::remove_file(&placed.path);
        }
    }
}

/// A share that this program, and no other one of this device, is opening.
pub(crate) struct Opening {
    path: PathBuf,
    file: File,
    endpoint: Endpoint,
    hidden: Vec<PathBuf>,
    received: bool,
}

/// What asking for a share came to.
pub(crate) enum Begin {
    /// It is ours, and this is what an earlier run has left.
    Ours(Box<Opening>, Option<Record>),
    /// Another program has it.
    Busy,
}

/// A record that no other program is working on.
struct Locked {
    file: File,
    /// Whether that is certain. It is not where the file system has no locks.
    surely: bool,
}

/// Locks a file. `None`: another program has it, or has just removed it, so that its lock keeps nobody out.
fn locked(path: &Path, file: File) -> io::Result<Option<Locked>> {
    let surely = match try_lock(&file)? {
        Some(false) => return Ok(None),
        locked => locked.is_some(),
    };
    let ours = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|data| files::is_same(&data, &ours)).then_some(Locked { file, surely }))
}

impl Opening {
    /// Takes the lock of `id`.
    pub(crate) fn begin(state: &StateDir, id: &Id, endpoint: &Endpoint) -> io::Result<Begin> {
        let path = state.subdirectory("opening")?.join(id.hex());
        let Some(Locked { file, .. }) = locked(&path, private(&path)?)? else { return Ok(Begin::Busy) };
        let record = Record::read(&file)?;
        if let Some(record) = &record {
            record.remove_leftovers();
        }
        let ours = Self { path, file, endpoint: endpoint.clone(), hidden: Vec::new(), received: false };
        Ok(Begin::Ours(Box::new(ours), record))
    }

    /// Notes that it begins, and what has to be cleaned up if this program is killed.
    pub(crate) fn note_begun(&mut self, hidden: Vec<PathBuf>) -> io::Result<()> {
        self.hidden = hidden;
        // What an earlier run has noted was looked at.
        self.file.set_len(0)?;
        self.write(None, Vec::new(), 0, false)
    }

    /// Notes that all bytes are safe here, and which files they are about to be.
    pub(crate) fn note_received(&mut self, receipt: Receipt, placed: Vec<Placed>, until: u64) -> io::Result<()> {
        self.write(Some(receipt), placed, until, false)
    }

    /// Notes that all files have their names, or that there are none.
    pub(crate) fn note_named(&mut self, receipt: Receipt, placed: Vec<Placed>, until: u64) -> io::Result<()> {
        self.write(Some(receipt), placed, until, true)
    }

    fn write(&mut self, receipt: Option<Receipt>, placed: Vec<Placed>, until: u64, named: bool) -> io::Result<()> {
        self.received = receipt.is_some();
        let (relay, pin, hidden) = (self.endpoint.url.to_string(), self.endpoint.pin, self.hidden.clone());
        let record = Record { v: V1, relay, pin, receipt, until, placed, named, hidden };
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&line)?;
        sync(&self.file)?;
        sync_dir(self.directory())
    }

    /// Where notes are kept.
    pub(crate) fn directory(&self) -> &Path {
        parent(&self.path)
    }

    /// Whether nothing was noted but names to clean up.
    pub(crate) fn is_unnoted(&self) -> bool {
        !self.received
    }

    /// The relay knows, or nothing was claimed: nothing is left to do.
    pub(crate) fn done(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Does what earlier runs could not do any more: removes what they served, and tells relays that a share is safe here.
/// All relays at once, so that one that is gone keeps no other from being told.
pub(crate) async fn catch_up(cx: &Context) {
    let Ok(state) = cx.state() else { return };
    host::remove_leftovers(&state);
    let Ok(device) = state.device() else { return };
    let Ok(entries) = state.subdirectory("opening").and_then(fs::read_dir) else { return };
    let pending = entries.flatten().filter_map(|entry| Pending::read(&entry.path()));
    let told = join_all(pending.map(|pending| pending.tell(cx, &device)));
    let _ = tokio::time::timeout(CATCH_UP_TIME, told).await;
}

/// A share that is safe here while its relay still holds it.
struct Pending {
    id: Id,
    endpoint: Endpoint,
    receipt: Receipt,
    path: PathBuf,
    _lock: File,
}

impl Pending {
    /// Reads a record that nobody is working on. One that is of no use any more is removed.
    fn read(path: &Path) -> Option<Self> {
        let id = Id::from_hex(path.file_name()?.to_str()?)?;
        let opened = OpenOptions::new().read(true).write(true).open(path).ok()?;
        let Locked { file, surely } = locked(path, opened).ok()??;
        let age = file.metadata().and_then(|data| data.modified()).ok()?.elapsed().unwrap_or_default();
        let record = Record::read(&file).ok()?;
        let forgotten = age > FORGET_TIME
            || record.as_ref().is_some_and(|record| record.receipt.is_some() && record.until < SystemClock.now());
        // Another program may be at work on what is not complete. It has until the relay's lease ends.
        if !surely && age < FORGET_TIME && !record.as_ref().is_some_and(|record| record.named) {
            return None;
        }
        if let Some(record) = &record {
            record.remove_leftovers();
        }
        if forgotten {
            let _ = fs::remove_file(path);
            return None;
        }
        let record = record?;
        let endpoint = Endpoint { url: RelayUrl::parse(&record.relay).ok()?, pin: record.pin };
        Some(Self { id, endpoint, receipt: record.complete()?, path: path.to_owned(), _lock: file })
    }

    async fn tell(self, cx: &Context, device: &DeviceSecret) {
        let Ok(Connected { relay, .. }) = cx.connect_for(&self.endpoint, CATCH_UP_TIME).await else { return };
        let holder = Credential::new(self.id, device.claim_token(&self.id));
        if open::finish(&*relay, &holder, &self.receipt).await.is_ok() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

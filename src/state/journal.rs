//! `opening/<id>`: the journal of each share that this device is opening, one file for a share.
//!
//! Its lock keeps two programs of one device apart. Lines are appended to it: one before anything is claimed, one when
//! all bytes are safe on the disk, before the files get their names, and one when they have them. A program that is
//! killed after the second finds on its next run whether the files have their names, and only has to report to the
//! relay. A line that was cut short leaves the one before it. Where the file system has no locks, two programs that
//! open the same link at once are not kept apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::durable_fs::{parent, sync, sync_at, sync_dir, try_lock};
use crate::platform::files::{self, Identity};
use crate::relay::V1;
use crate::relay::client::endpoint::Endpoint;
use crate::relay_url::RelayUrl;
use crate::secret::{Id, Pin, Receipt};
use crate::state::{StateDir, private, read_all};

/// A received file: its path, and the marks by which a later run recognizes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFile {
    /// Its final path, absolute.
    pub path: PathBuf,
    #[serde(flatten)]
    identity: Identity,
}

impl PlacedFile {
    /// The file that is open as `file`, and has or will have the name `path`.
    pub(crate) fn of(file: &File, path: PathBuf) -> io::Result<Self> {
        Ok(Self { path, identity: Identity::of(file)? })
    }

    /// Whether the file is where it was put, unchanged.
    pub(crate) fn is_there(&self) -> bool {
        self.is_at(&self.path)
    }

    /// Whether the file is at `path`, unchanged.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let there = File::open(path).and_then(|file| Self::of(&file, self.path.clone()));
        there.is_ok_and(|there| there == *self && there.identity.is_of_one_file())
    }

    /// Whether it has no bytes.
    pub(crate) fn is_empty(&self) -> bool {
        self.identity.size == 0
    }

    /// Makes the file and its name durable, for a run that was killed before it could.
    fn sync(&self) -> io::Result<()> {
        sync_at(&self.path)?;
        sync_dir(parent(&self.path))
    }
}

/// A line of a journal: how far an opening has come.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JournalLine {
    v: V1,
    /// The relay's address.
    relay: String,
    /// The one key that may answer there, where the relay is the sender's own machine.
    #[serde(default)]
    pin: Option<Pin>,
    /// The receipt that finishes the share. `None` while bytes are missing.
    pub(crate) receipt: Option<Receipt>,
    /// Until when the relay accepts the receipt, Unix seconds.
    pub(crate) until: u64,
    /// The files with their final names. Empty for standard output.
    placed: Vec<PlacedFile>,
    /// Whether all of them have their names. Later changes to them do not matter here.
    pub(crate) named: bool,
    /// Names that may still be in use, where the file system has no files without a name.
    pub(crate) hidden: Vec<PathBuf>,
}

impl JournalLine {
    /// The last line that was written whole. `None`: the bytes have to be fetched again.
    fn read(file: &File) -> io::Result<Option<Self>> {
        let lines = read_all(file)?;
        Ok(lines.rsplit(|byte| *byte == b'\n').find_map(|line| serde_json::from_slice(line).ok()))
    }

    /// The relay that has the share. `None` where its address is none.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint { url: RelayUrl::parse(&self.relay).ok()?, pin: self.pin })
    }

    /// The files that may lack their names.
    pub(crate) fn unnamed(&self) -> &[PlacedFile] {
        if self.named { &[] } else { &self.placed }
    }

    /// Whether all files are where they were put, durably.
    fn is_there(&self) -> bool {
        self.placed.iter().all(|placed| placed.is_there() && placed.sync().is_ok())
    }

    /// The receipt, if everything that was received is where it belongs, so that only the relay has to be informed.
    pub(crate) fn complete(&self) -> Option<Receipt> {
        self.receipt.filter(|_| self.named || self.is_there())
    }

    /// The files that were received and are where they belong, and the receipt for them; or the record itself. Files
    /// that were moved since, and bytes that went to standard output, can be fetched again: the relay still has them.
    pub(crate) fn into_saved(self) -> Result<(Vec<PlacedFile>, Receipt), Box<Self>> {
        match self.receipt {
            Some(receipt) if !self.placed.is_empty() && self.is_there() => Ok((self.placed, receipt)),
            _ => Err(Box::new(self)),
        }
    }
}

/// The journal of a share that this program, and no other one of this device, is opening.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    endpoint: Endpoint,
    hidden: Vec<PathBuf>,
}

/// A file that no other program is working on.
struct Locked {
    file: File,
    /// Whether that is certain. It is not where the file system has no locks.
    surely: bool,
}

/// Locks a file. `None`: another program has it, or has just removed it, so that its lock keeps nobody out. Where files
/// cannot be identified, a removal goes unnoticed.
fn locked(path: &Path, file: File) -> io::Result<Option<Locked>> {
    let surely = match try_lock(&file)? {
        Some(false) => return Ok(None),
        locked => locked.is_some(),
    };
    Ok(match files::leads_to(path, &file) {
        Ok(true) => Some(Locked { file, surely }),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Some(Locked { file, surely: false }),
        _ => None,
    })
}

impl Journal {
    /// Opens and locks the journal of the share `id`, and reads what an earlier run has noted. `None`: another program
    /// is opening that share.
    pub(crate) fn open(
        state: &StateDir,
        id: &Id,
        endpoint: &Endpoint,
    ) -> io::Result<Option<(Self, Option<JournalLine>)>> {
        let path = state.subdirectory("opening")?.join(id.hex());
        let Some(Locked { file, .. }) = locked(&path, private(&path)?)? else { return Ok(None) };
        let record = JournalLine::read(&file)?;
        Ok(Some((Self { path, file, endpoint: endpoint.clone(), hidden: Vec::new() }, record)))
    }

    /// Notes that the opening begins, and the names to clean up if this program is killed. Earlier lines go.
    pub(crate) fn note_begun(&mut self, hidden: Vec<PathBuf>) -> io::Result<()> {
        self.hidden = hidden;
        self.file.set_len(0)?;
        self.write(None, Vec::new(), 0, false)
    }

    /// Notes that all bytes are safe on the disk, and which files they are about to be.
    pub(crate) fn note_received(&mut self, receipt: Receipt, placed: Vec<PlacedFile>, until: u64) -> io::Result<()> {
        self.write(Some(receipt), placed, until, false)
    }

    /// Notes that all files have their names, or that there are none.
    pub(crate) fn note_named(&mut self, receipt: Receipt, placed: Vec<PlacedFile>, until: u64) -> io::Result<()> {
        self.write(Some(receipt), placed, until, true)
    }

    fn write(&mut self, receipt: Option<Receipt>, placed: Vec<PlacedFile>, until: u64, named: bool) -> io::Result<()> {
        let (relay, pin, hidden) = (self.endpoint.url.to_string(), self.endpoint.pin, self.hidden.clone());
        let record = JournalLine { v: V1, relay, pin, receipt, until, placed, named, hidden };
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&line)?;
        sync(&self.file)?;
        sync_dir(self.directory())
    }

    /// The directory of the journals.
    pub(crate) fn directory(&self) -> &Path {
        parent(&self.path)
    }

    /// Removes the journal: the relay was informed, or nothing was claimed.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The journal of an earlier run, locked.
pub(crate) struct Unattended {
    /// The share.
    pub(crate) id: Id,
    /// Its last line, if one is whole.
    pub(crate) record: Option<JournalLine>,
    /// How long ago that was written.
    pub(crate) age: Duration,
    /// Whether certainly no other program is at work on it.
    pub(crate) surely: bool,
    path: PathBuf,
    _lock: File,
}

impl Unattended {
    fn read(path: PathBuf) -> Option<Self> {
        let id = Id::from_hex(path.file_name()?.to_str()?)?;
        let opened = OpenOptions::new().read(true).write(true).open(&path).ok()?;
        let Locked { file, surely } = locked(&path, opened).ok()??;
        let age = file.metadata().and_then(|data| data.modified()).ok()?.elapsed().unwrap_or_default();
        let record = JournalLine::read(&file).ok()?;
        Some(Self { id, record, age, surely, path, _lock: file })
    }

    /// Removes the journal: it is of no use any more.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The journals of shares that no program of this device is opening now.
pub(crate) fn unattended(state: &StateDir) -> io::Result<impl Iterator<Item = Unattended>> {
    let entries = state.subdirectory("opening").and_then(fs::read_dir)?;
    Ok(entries.flatten().filter_map(|entry| Unattended::read(entry.path())))
}

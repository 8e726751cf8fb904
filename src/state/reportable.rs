//! `reportable/<id>`: the shares that this device can report to the operator of their relay, for an hour after they
//! have ended.
//!
//! The keys in a file are encrypted to that operator, and everything else in it is public: with the state directory
//! alone nothing can be decrypted. Neither a name nor a path is in it.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::relay::{HOLD, V1, base64url};
use crate::relay_url::RelayUrl;
use crate::secret::{Claimant, Id};
use crate::state::{StateDir, write_private};

/// The directory of these files.
const DIRECTORY: &str = "reportable";

/// A share that this device can report.
#[derive(Serialize, Deserialize)]
pub struct ReportableFile {
    v: V1,
    relay: String,
    /// The age recipient of the operator.
    pub recipient: String,
    /// How to reach the operator.
    pub contact: String,
    /// This device's public name as the opener.
    pub claimant: Claimant,
    /// The keys, encrypted to the operator.
    #[serde(with = "base64url")]
    pub keys: Bytes,
    /// When this device opened the share, Unix seconds.
    pub opened: u64,
    /// Until when a report may be accepted, Unix seconds.
    pub until: u64,
    /// Whether it was reported. The file stays until then, so that another report is not one of another share.
    #[serde(default)]
    pub is_reported: bool,
}

impl ReportableFile {
    /// A share at `relay` that was opened at the time `opened` and can be claimed again until `until`, Unix seconds.
    pub fn new(relay: &RelayUrl, to: (String, String), claimant: Claimant, keys: Bytes, times: (u64, u64)) -> Self {
        let ((recipient, contact), (opened, until)) = (to, times);
        Self { v: V1, relay: relay.to_string(), recipient, contact, claimant, keys, opened, until, is_reported: false }
    }

    /// The relay that has the share. `None` where its address is none.
    pub fn relay(&self) -> Option<RelayUrl> {
        RelayUrl::parse(&self.relay).ok()
    }
}

impl StateDir {
    /// Keeps a share that this device has open and can report. It is the last one from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_reportable(&self, id: &Id, file: &ReportableFile) -> io::Result<()> {
        write_private(&self.subdirectory(DIRECTORY)?.join(id.hex()), &serde_json::to_vec(file)?)
    }

    /// The share `id`, if this device has opened it and a report may be accepted at the time `now`, Unix seconds.
    pub fn reportable(&self, id: &Id, now: u64) -> Option<ReportableFile> {
        let bytes = fs::read(self.path(DIRECTORY).join(id.hex())).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|file: &ReportableFile| now < file.until)
    }

    /// The share that this device had open last, among those of which a report may be accepted at the time `now`, Unix
    /// seconds. It may have been reported.
    pub fn last_reportable(&self, now: u64) -> Option<(Id, ReportableFile)> {
        let named = self.reportable_entries().filter_map(|entry| {
            let id = Id::from_hex(entry.file_name().to_str()?)?;
            Some((id, self.reportable(&id, now)?, entry.metadata().and_then(|data| data.modified()).ok()))
        });
        let last = named.max_by_key(|(_, file, written)| (*written, file.opened));
        last.map(|(id, file, _)| (id, file))
    }

    /// Ends the time in which the share `id` may be reported at `until`, Unix seconds, if it was later. If it was, this
    /// device has it open, and it is the last one from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn shorten_reportable(&self, id: &Id, now: u64, until: u64) -> io::Result<()> {
        match self.reportable(id, now) {
            Some(file) if until < file.until => self.keep_reportable(id, &ReportableFile { until, ..file }),
            _ => Ok(()),
        }
    }

    /// Notes at the time `now`, Unix seconds, that the share `id` was reported. The last one stays the last one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_reported(&self, id: &Id, now: u64) -> io::Result<()> {
        let Some(file) = self.reportable(id, now).filter(|file| !file.is_reported) else { return Ok(()) };
        let path = self.path(DIRECTORY).join(id.hex());
        let written = fs::metadata(&path)?.modified()?;
        self.keep_reportable(id, &ReportableFile { is_reported: true, ..file })?;
        fs::File::options().write(true).open(path)?.set_modified(written)
    }

    /// Removes the shares that are too late to report at the time `now`, Unix seconds, and what killed programs left.
    pub fn forget_late_reportables(&self, now: u64) {
        for entry in self.reportable_entries() {
            let id = entry.file_name().to_str().and_then(Id::from_hex);
            let is_late = match id {
                Some(id) => self.reportable(&id, now).is_none(),
                None => is_old(&entry),
            };
            if is_late {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn reportable_entries(&self) -> impl Iterator<Item = fs::DirEntry> {
        fs::read_dir(self.path(DIRECTORY)).into_iter().flatten().flatten()
    }
}

/// Whether no program is still writing a file.
fn is_old(entry: &fs::DirEntry) -> bool {
    let age = |written: SystemTime| written.elapsed().unwrap_or(Duration::ZERO);
    entry.metadata().and_then(|data| data.modified()).is_ok_and(|written| age(written) > HOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(opened: u64, until: u64) -> ReportableFile {
        let to = ("age1operator".to_owned(), "abuse@relay.example".to_owned());
        let relay = RelayUrl::parse("https://relay.example").unwrap();
        ReportableFile::new(&relay, to, Claimant::from_bytes([1; 32]), Bytes::from_static(b"keys"), (opened, until))
    }

    /// Sets when a file was written, in seconds before now.
    fn written_before(state: &StateDir, id: &Id, seconds: u64) {
        let file = fs::File::options().write(true).open(state.path(DIRECTORY).join(id.hex())).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn the_share_that_was_open_last_is_the_one_to_report_until_its_time_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(directory.path().join("state")).unwrap();
        assert!(state.last_reportable(0).is_none());
        let [first, second, third] = [1, 2, 3].map(|byte| Id::from_bytes([byte; 16]));
        for (id, file, written) in
            [(&first, file(10, 100), 30), (&second, file(30, 50), 10), (&third, file(20, 100), 20)]
        {
            state.keep_reportable(id, &file).unwrap();
            written_before(&state, id, written);
        }
        let last = |now| state.last_reportable(now).map(|(id, _)| id);
        assert_eq!((last(40), last(50), last(100)), (Some(second), Some(third), None));
        // The first one is resumed. It stays the last one when it was reported, and so do others.
        state.keep_reportable(&first, &file(10, 100)).unwrap();
        state.note_reported(&first, 40).unwrap();
        state.note_reported(&third, 40).unwrap();
        assert_eq!(last(40), Some(first));
        assert!([&first, &third].into_iter().all(|id| state.reportable(id, 40).unwrap().is_reported));
        written_before(&state, &first, 30);
        assert_eq!(last(40), Some(second));
        state.shorten_reportable(&third, 40, 60).unwrap();
        state.shorten_reportable(&third, 40, 90).unwrap();
        assert_eq!((last(55), last(60)), (Some(third), Some(first)));
        state.forget_late_reportables(60);
        assert!(state.reportable(&second, 0).is_none() && state.reportable(&third, 0).is_none());
        assert_eq!(state.reportable(&first, 0).unwrap().relay(), RelayUrl::parse("https://relay.example").ok());
    }
}

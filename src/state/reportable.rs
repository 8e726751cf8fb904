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
}

impl ReportableFile {
    /// A share at `relay` that was opened at the time `opened` and can be claimed again until `until`, Unix seconds.
    pub fn new(relay: &RelayUrl, to: (String, String), claimant: Claimant, keys: Bytes, times: (u64, u64)) -> Self {
        let ((recipient, contact), (opened, until)) = (to, times);
        Self { v: V1, relay: relay.to_string(), recipient, contact, claimant, keys, opened, until }
    }

    /// The relay that has the share. `None` where its address is none.
    pub fn relay(&self) -> Option<RelayUrl> {
        RelayUrl::parse(&self.relay).ok()
    }
}

impl StateDir {
    /// Keeps a share that this device can report.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_reportable(&self, id: &Id, file: &ReportableFile) -> io::Result<()> {
        write_private(&self.subdirectory(DIRECTORY)?.join(id.hex()), &serde_json::to_vec(file)?)
    }

    /// The share `id`, if this device can still report it at the time `now`, Unix seconds.
    pub fn reportable(&self, id: &Id, now: u64) -> Option<ReportableFile> {
        let bytes = fs::read(self.path(DIRECTORY).join(id.hex())).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|file: &ReportableFile| now < file.until)
    }

    /// The last share that this device opened and can still report at the time `now`, Unix seconds.
    pub fn last_reportable(&self, now: u64) -> Option<(Id, ReportableFile)> {
        let named = self.reportable_entries().filter_map(|entry| {
            let id = Id::from_hex(entry.file_name().to_str()?)?;
            Some((id, self.reportable(&id, now)?, entry.metadata().and_then(|data| data.modified()).ok()))
        });
        let last = named.max_by_key(|(_, file, written)| (file.opened, *written));
        last.map(|(id, file, _)| (id, file))
    }

    /// Ends the time in which the share `id` may be reported at `until`, Unix seconds, if it was later.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn shorten_reportable(&self, id: &Id, now: u64, until: u64) -> io::Result<()> {
        match self.reportable(id, now) {
            Some(file) if until < file.until => self.keep_reportable(id, &ReportableFile { until, ..file }),
            _ => Ok(()),
        }
    }

    /// Removes the share `id`: it was reported.
    pub fn forget_reportable(&self, id: &Id) {
        let _ = fs::remove_file(self.path(DIRECTORY).join(id.hex()));
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

    #[test]
    fn the_last_opening_is_the_one_to_report_until_its_time_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(directory.path().join("state")).unwrap();
        assert!(state.last_reportable(0).is_none());
        let [first, second, third] = [1, 2, 3].map(|byte| Id::from_bytes([byte; 16]));
        state.keep_reportable(&first, &file(10, 100)).unwrap();
        state.keep_reportable(&second, &file(30, 50)).unwrap();
        state.keep_reportable(&third, &file(20, 100)).unwrap();
        let last = |now| state.last_reportable(now).map(|(id, _)| id);
        assert_eq!((last(40), last(50), last(100)), (Some(second), Some(third), None));
        state.shorten_reportable(&third, 40, 60).unwrap();
        state.shorten_reportable(&third, 40, 90).unwrap();
        assert_eq!((last(55), last(60)), (Some(third), Some(first)));
        state.forget_late_reportables(60);
        assert!(state.reportable(&second, 0).is_none() && state.reportable(&third, 0).is_none());
        assert_eq!(state.reportable(&first, 0).unwrap().relay(), RelayUrl::parse("https://relay.example").ok());
        state.forget_reportable(&first);
        assert_eq!(last(0), None);
    }
}

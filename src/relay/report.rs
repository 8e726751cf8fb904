//! Reports: a recipient discloses one share to the operator of its relay.
//!
//! The relay stores a report without reading it: both of its files are encrypted to the operator.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::relay::base64url;
use crate::relay::error::RelayError;
use crate::relay::version::V1;

/// For how long after its end a relay with an operator keeps a share that was opened. Until then it can be reported.
pub const HOLD: Duration = Duration::from_hours(1);
/// The longest encrypted keys of a report, in bytes.
pub const MAX_REPORT_KEYS: usize = 6144;
/// The longest encrypted note of a report, in bytes.
pub const MAX_REPORT_NOTE: usize = 16_384;
/// The largest JSON object of a report, in bytes.
pub const MAX_REPORT: usize = 32 * 1024;

/// The longest record of a report, in bytes. A relay counts it with the bytes of each reported share.
pub const MAX_REPORT_RECORD: u64 = 32 << 10;

/// The first line of an age file.
const FIRST_LINE: &[u8] = b"age-encryption.org/v1\n";
/// The beginning of the last line of the header of an age file.
const LAST_LINE: &[u8] = b"\n--- ";
/// The longest header of an age file in a report, in bytes.
const MAX_HEADER: usize = 4096;

/// A report: two age files for the operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the protocol.
    pub v: V1,
    /// The identities of the manifest and the blob, encrypted to the operator.
    #[serde(with = "base64url")]
    pub keys: Bytes,
    /// The recipient's note, encrypted to the operator.
    #[serde(default, with = "base64url::optional", skip_serializing_if = "Option::is_none")]
    pub note: Option<Bytes>,
}

impl Report {
    /// A report of these age files.
    pub fn new(keys: Bytes, note: Option<Bytes>) -> Self {
        Self { v: V1, keys, note }
    }

    /// Checks the form of both files. Only the operator can read more of them.
    ///
    /// # Errors
    /// [`RelayError::TooLarge`], or [`RelayError::BadRequest`] for something else than an age file.
    pub fn check(&self) -> Result<(), RelayError> {
        let of = |file: &[u8], max| match file.len() {
            len if len > max => Err(RelayError::TooLarge { max: max as u64 }),
            _ if is_age_file(file) => Ok(()),
            _ => Err(RelayError::BadRequest),
        };
        of(&self.keys, MAX_REPORT_KEYS)?;
        self.note.as_ref().map_or(Ok(()), |note| of(note, MAX_REPORT_NOTE))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// Whether these bytes begin with the header of an age file.
fn is_age_file(bytes: &[u8]) -> bool {
    let header = &bytes[..bytes.len().min(MAX_HEADER)];
    header.starts_with(FIRST_LINE)
        && header
            .windows(LAST_LINE.len())
            .position(|window| window == LAST_LINE)
            .is_some_and(|at| header[at + LAST_LINE.len()..].contains(&b'\n'))
}

/// The answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Whether this was the first report of the share. Only that one is kept.
    pub is_new: bool,
    /// When the first one was made, Unix seconds.
    pub at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An age file with a header of `header` bytes, and of `len` bytes in all.
    fn age_file(header: usize, len: usize) -> Bytes {
        let mut file = [FIRST_LINE, b"-> X25519 "].concat();
        file.resize(header - LAST_LINE.len() - 2, b'A');
        file.extend_from_slice(LAST_LINE);
        file.extend_from_slice(b"M\n");
        assert_eq!(file.len(), header);
        file.resize(len, 0);
        file.into()
    }

    #[test]
    fn a_report_has_age_files_of_limited_length() {
        let (keys, note) = (age_file(200, MAX_REPORT_KEYS), age_file(MAX_HEADER, MAX_REPORT_NOTE));
        let check = |keys: &Bytes, note: Option<&Bytes>| Report::new(keys.clone(), note.cloned()).check();
        assert_eq!((check(&keys, None), check(&keys, Some(&note))), (Ok(()), Ok(())));
        let too_large = |max: usize| Err(RelayError::TooLarge { max: max as u64 });
        assert_eq!(check(&age_file(200, MAX_REPORT_KEYS + 1), None), too_large(MAX_REPORT_KEYS));
        assert_eq!(check(&keys, Some(&age_file(200, MAX_REPORT_NOTE + 1))), too_large(MAX_REPORT_NOTE));
        let without_an_end = keys.slice(..199);
        for other in [Bytes::new(), without_an_end, age_file(MAX_HEADER + 1, MAX_REPORT_KEYS), keys.slice(1..)] {
            assert_eq!(check(&other, None), Err(RelayError::BadRequest), "{}", other.len());
            assert_eq!(check(&keys, Some(&other)), Err(RelayError::BadRequest), "{}", other.len());
        }
    }

    #[test]
    fn the_files_of_a_report_fit_into_its_json() {
        let report = Report::new(vec![0; MAX_REPORT_KEYS].into(), Some(vec![0; MAX_REPORT_NOTE].into()));
        let len = serde_json::to_vec(&report).unwrap().len();
        assert!(len <= MAX_REPORT);
        // The record has a time and a state too.
        assert!(len as u64 + 100 <= MAX_REPORT_RECORD);
    }
}

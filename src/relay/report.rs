//! Reports: a recipient discloses one share to the operator of its relay.
//!
//! The relay stores a report without reading it: both of its files are encrypted to the operator.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::relay::base64url;
use crate::relay::version::V1;

/// For how long after its end a relay with an operator keeps a share that was opened. Until then it can be reported.
pub const HOLD: Duration = Duration::from_hours(1);
/// The longest encrypted keys of a report, in bytes.
pub const MAX_REPORT_KEYS: usize = 6144;
/// The longest encrypted note of a report, in bytes.
pub const MAX_REPORT_NOTE: usize = 16_384;

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

    /// Whether both files look like age files and are short enough. Only the operator can read more of them.
    pub fn is_well_formed(&self) -> bool {
        let fits = |file: &[u8], max| file.len() <= max && is_age_file(file);
        fits(&self.keys, MAX_REPORT_KEYS) && self.note.as_ref().is_none_or(|note| fits(note, MAX_REPORT_NOTE))
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
    /// Length of the reported blob in bytes, for the limits of a server. 0 in the answer of one.
    pub blob_len: u64,
}

/// The operator to whom a share can be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTo {
    /// The age recipient of the operator.
    pub recipient: String,
    /// How to reach the operator.
    pub contact: String,
}

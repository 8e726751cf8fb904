//! Labels of the metrics. Their values come from fixed lists.

use prometheus_client::encoding::EncodeLabelSet;

/// A step of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareEvent {
    /// It was announced.
    Created,
    /// It was committed: its link works.
    Committed,
    /// It was claimed.
    Opened,
    /// Its opener confirmed that everything has arrived.
    Finished,
    /// Its opener did not finish in time.
    Lapsed,
    /// Nobody opened it in time.
    Expired,
    /// Too many wrong passphrases.
    Locked,
    /// Its sender revoked it while it was in this state.
    Revoked(StoredState),
    /// Its upload was not committed in time, or revoked.
    Aborted,
    /// Its opener reported it to the operator.
    Reported,
}

/// The state of a share that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredState {
    /// It is being uploaded.
    Uploading,
    /// It can be opened.
    Waiting,
    /// It is being opened.
    Opening,
}

impl ShareEvent {
    /// One event for each word.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Committed,
        Self::Opened,
        Self::Finished,
        Self::Lapsed,
        Self::Expired,
        Self::Locked,
        Self::Revoked(StoredState::Waiting),
        Self::Aborted,
        Self::Reported,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Committed => "committed",
            Self::Opened => "opened",
            Self::Finished => "finished",
            Self::Lapsed => "lapsed",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Revoked(_) => "revoked",
            Self::Aborted => "aborted",
            Self::Reported => "reported",
        }
    }

    /// The states before and after it.
    pub(super) fn states(self) -> (Option<StoredState>, Option<StoredState>) {
        use StoredState::{Opening, Uploading, Waiting};
        match self {
            Self::Created => (None, Some(Uploading)),
            Self::Committed => (Some(Uploading), Some(Waiting)),
            Self::Opened => (Some(Waiting), Some(Opening)),
            Self::Finished | Self::Lapsed => (Some(Opening), None),
            Self::Expired | Self::Locked => (Some(Waiting), None),
            Self::Revoked(state) => (Some(state), None),
            Self::Aborted => (Some(Uploading), None),
            // It may be open, or have ended.
            Self::Reported => (None, None),
        }
    }
}

/// The class of a status.
pub(super) fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Direction {
    pub(super) direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EventLabel {
    event: &'static str,
}

impl EventLabel {
    pub(super) fn of(event: ShareEvent) -> Self {
        Self { event: event.word() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabel {
    state: &'static str,
}

impl StateLabel {
    pub(super) fn of(state: StoredState) -> Self {
        let state = match state {
            StoredState::Uploading => "uploading",
            StoredState::Waiting => "waiting",
            StoredState::Opening => "opening",
        };
        Self { state }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

impl Outcome {
    pub(super) fn of(succeeded: bool) -> Self {
        Self { outcome: if succeeded { "success" } else { "error" } }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Operation {
    pub(super) operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationResult {
    pub(super) operation: &'static str,
    pub(super) outcome: &'static str,
}

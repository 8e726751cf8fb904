//! A relay's description of itself.

use serde::{Deserialize, Serialize};

use crate::relay::version::V1;

/// A relay's description of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Version of the protocol.
    pub v: V1,
    /// The largest blob, in bytes.
    pub max_bytes: u64,
    /// The longest time from the commit to expiry, in seconds.
    pub max_ttl: u64,
    /// The lease, in seconds.
    pub lease: u64,
    /// The rule of admission.
    pub create: Admission,
    /// The address that links should carry.
    pub public_url: Option<String>,
    /// How to reach the operator.
    pub contact: Option<String>,
    /// The age recipient of the operator, if recipients can report what they were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_recipient: Option<String>,
    /// With an operator: for how long after its end the relay keeps an opened share, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<u64>,
    /// Whether browsers get a page that sends, at `/send`. Older relays omit this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub send: bool,
}

/// Rule of admission: who may upload to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Everybody.
    Open,
    /// Holders of a create token.
    Token,
}

/// The operator to whom a share can be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTo {
    /// The age recipient of the operator.
    pub recipient: String,
    /// How to reach the operator.
    pub contact: String,
}

//! The summary of a relay: its lines at the start, and the constant part of its status.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::output::errors::Hint;
use crate::cli::output::{LogFormat, format};
use crate::relay::metrics::Certificate;
use crate::relay::rules::Operator;
use crate::relay::server::CreatePolicy;
use crate::safe_text::printable;

/// The facts about a relay that do not change while it runs.
pub(super) struct Summary {
    /// The address in links.
    pub(super) url: String,
    pub(super) listens: SocketAddr,
    /// The name of the store, without credentials.
    pub(super) store: String,
    /// The word for the clients that may create shares.
    pub(super) create: &'static str,
    /// The largest share in bytes.
    pub(super) max_size: u64,
    /// The longest time from the commit to expiry.
    pub(super) max_lifetime: Duration,
    /// The most bytes of all shares together.
    pub(super) max_stored: Option<u64>,
    /// The operator to whom recipients can report what they were sent.
    pub(super) operator: Option<Operator>,
}

/// The word for the clients that may create shares.
pub(super) fn creators_word(create: &CreatePolicy) -> &'static str {
    match create {
        CreatePolicy::Open => "anyone",
        CreatePolicy::Tokens(_) => "tokens",
        CreatePolicy::Loopback | CreatePolicy::Closed => "local",
    }
}

/// The clients that may create shares, in words.
pub(super) fn creators(word: &str) -> &'static str {
    match word {
        "anyone" => "anyone",
        "tokens" => "holders of a create token",
        _ => "programs on this machine",
    }
}

/// The limits of a share, in words.
pub(super) fn limits(max_size: u64, max_lifetime: Duration) -> String {
    format!("up to {} each, for up to {}", format::binary(max_size), format::duration_words(max_lifetime))
}

/// The operator to whom shares can be reported, and the room for them, in words.
pub(super) fn reports(contact: &str, max_reported: u64) -> String {
    format!("to {} (up to {})", printable(contact), format::binary(max_reported))
}

/// The validity of a certificate, in words.
pub(super) fn validity(until: Option<u64>) -> String {
    until.map_or_else(|| "none yet".to_owned(), |until| format!("valid until {}", format::time(until)))
}

impl Summary {
    /// The beginning of the status.
    pub(super) fn facts(&self) -> Value {
        let mut facts = json!({
            "v": 1, "version": env!("CARGO_PKG_VERSION"), "url": self.url, "listens": self.listens.to_string(),
            "store": self.store, "create": self.create, "max_size": self.max_size,
            "max_lifetime": self.max_lifetime.as_secs(), "max_stored": self.max_stored,
        });
        if let Some(Operator { recipient, contact, max_reported }) = &self.operator {
            facts["operator"] = json!({ "recipient": recipient, "contact": contact, "max_reported": max_reported });
        }
        facts
    }

    /// Prints the summary, or logs it where the log is for programs. `status_command` shows the current state, if there
    /// is an admin listener.
    pub(super) fn print(&self, certificate: Certificate, status_command: Option<&str>, log: LogFormat, cx: &Context) {
        let Self { url, store, create, max_size, max_lifetime, .. } = self;
        let until = match certificate {
            Certificate::Until(end) => Some(end),
            Certificate::Unused | Certificate::Missing => None,
        };
        if log != LogFormat::Text {
            let max_lifetime = max_lifetime.as_secs();
            tracing::info!(url, store, create, max_size, max_lifetime, certificate_until = until, "started");
            return;
        }
        cx.output.info(&format!("Shares are stored in {store} ({}).", limits(*max_size, *max_lifetime)));
        let who = match *create {
            "anyone" => "Anyone",
            "tokens" => "Holders of a create token",
            _ => "Programs on this machine",
        };
        cx.output.info(&format!("{who} may create shares."));
        if let Some(Operator { contact, max_reported, .. }) = &self.operator {
            cx.output.info(&format!("Recipients can report shares {}.", reports(contact, *max_reported)));
        }
        if certificate != Certificate::Unused {
            cx.output.info(&format!("Certificate: {}.", validity(until)));
        }
        if let Some(command) = status_command {
            cx.output.hint(Hint::line(format!("to see the state of the relay: {command}")));
        }
    }
}

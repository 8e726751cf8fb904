//! Errors of tunnels.

use std::io;
use std::time::Duration;

use crate::host::tunnel::probe::Asked;
use crate::relay_url::RelayUrl;

/// An error that keeps a tunnel from being opened.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// A quote in the command is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// The command has no place for the port.
    #[error("the command needs {{}} where the port goes")]
    NoPort,
    /// There is no such program.
    #[error("{program} is not installed")]
    NotInstalled {
        /// The program.
        program: String,
    },
    /// No process can be started, or no connection accepted.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// The reason.
        error: io::Error,
    },
    /// The program ended before the tunnel was open.
    #[error("{program} ended before the tunnel was open")]
    Ended {
        /// The program.
        program: String,
        /// Its exit code; `None`: a signal.
        code: Option<i32>,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// The program printed no address.
    #[error("{program} printed no https address")]
    NoAddress {
        /// The program.
        program: String,
        /// The time that it had.
        within: Duration,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// No address leads here.
    #[error("no address that {program} printed leads here")]
    NoAnswer {
        /// The program.
        program: String,
        /// The addresses.
        asked: Vec<Asked>,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// The tunnel leads here, but its end cannot know which host was asked for.
    #[error("the tunnel at {} replaces the Host header by {host}", origin.name())]
    OtherHost {
        /// The address.
        origin: RelayUrl,
        /// The host that arrives.
        host: String,
    },
}

//! A tunnel: a program of the user makes a port of this computer reachable from elsewhere, under an address that it
//! prints.
//!
//! | file | |
//! |---|---|
//! | `command` | the command, and short names |
//! | `output` | lines, and the addresses in them |
//! | `probe` | the search for the address that leads here |
//! | `running` | the program while it runs |
//! | `watch` | a tunnel that is lost is opened again |

mod command;
mod output;
mod probe;
mod running;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use self::command::TunnelCommand;
pub use self::probe::Asked;
use self::running::{Running, Where};
pub use self::watch::{TunnelEnd, TunnelEvent};
use crate::host::serving::Listening;
use crate::relay::client::here;
use crate::relay::here::{Answer, Here};
use crate::relay::server::early;
use crate::relay::{Network, RelayError};
use crate::relay_url::RelayUrl;

/// The longest time from the start of the program to the answer through its tunnel.
const OPENING_TIME: Duration = Duration::from_mins(1);

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

/// The user's choices for a tunnel.
#[derive(Clone)]
pub struct TunnelOptions {
    /// The way to other computers.
    pub network: Network,
    /// The longest time without an answer.
    pub give_up: Duration,
}

/// Asks addresses whether they lead here.
struct Asker {
    here: Arc<Here>,
    network: Network,
}

impl Asker {
    async fn ask(&self, origin: &RelayUrl) -> Result<Answer, RelayError> {
        here::ask(origin, &self.here, &self.network).await
    }
}

/// An open tunnel. Its program ends when this is dropped.
pub struct Tunnel {
    command: TunnelCommand,
    asker: Asker,
    port: u16,
    origin: RelayUrl,
    /// Whether the user chose the address.
    is_fixed: bool,
    has_our_page: bool,
    give_up: Duration,
    running: Option<Running>,
}

impl Tunnel {
    /// Opens a tunnel to the port of `listening`, whose links lead through it from then on.
    ///
    /// # Errors
    /// [`TunnelError`].
    pub async fn open(
        command: TunnelCommand,
        listening: &mut Listening,
        options: TunnelOptions,
    ) -> Result<Self, TunnelError> {
        let cannot_start = |error| TunnelError::Start { program: command.program().to_owned(), error };
        let TunnelOptions { network, give_up } = options;
        let (asker, chosen) = (Asker { here: Arc::new(Here::new()), network }, listening.public_url().cloned());
        let (listeners, port) = listening.shared().map_err(cannot_start)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let answering = tokio::spawn({
            let (here, base) = (asker.here.clone(), chosen.clone());
            async move { early::serve(here, listeners, base.as_ref(), async { drop(stopped.await) }).await }
        });
        let ask = async |origin: &RelayUrl| asker.ask(origin).await;
        let place = chosen.as_ref().map_or(Where::Printed, Where::At);
        let opened = Running::open(&command, port, place, &ask, OPENING_TIME.min(give_up)).await;
        let has_our_page = match &opened {
            // No answer is no page of another server either.
            Ok((_, origin)) => here::has_our_page(origin, &asker.network).await.unwrap_or(true),
            Err(_) => true,
        };
        drop(stop);
        let _ = answering.await;
        let (running, origin) = opened?;
        listening.reached_at(origin.clone(), asker.here.clone());
        let (is_fixed, running) = (chosen.is_some(), Some(running));
        Ok(Self { command, asker, port, origin, is_fixed, has_our_page, give_up, running })
    }

    /// The address that leads here.
    pub fn origin(&self) -> &RelayUrl {
        &self.origin
    }

    /// The name of the program.
    pub fn program(&self) -> &str {
        self.command.program()
    }

    /// Whether browsers get this program's page there.
    pub fn has_our_page(&self) -> bool {
        self.has_our_page
    }
}

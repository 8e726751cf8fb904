//! Opening a tunnel, and what is known of an open one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::host::serving::Listening;
use crate::host::tunnel::command::TunnelCommand;
use crate::host::tunnel::error::TunnelError;
use crate::host::tunnel::running::{Running, Where};
use crate::relay::client::here;
use crate::relay::here::{Answer, Here};
use crate::relay::server::early;
use crate::relay::{Network, RelayError};
use crate::relay_url::RelayUrl;

/// The longest time from the start of the program to the answer through its tunnel.
const OPENING_TIME: Duration = Duration::from_mins(1);

/// The user's choices for a tunnel.
#[derive(Clone)]
pub struct TunnelOptions {
    /// The way to other computers.
    pub network: Network,
    /// The longest time without an answer.
    pub give_up: Duration,
}

/// Asks addresses whether they lead here.
pub(super) struct Asker {
    here: Arc<Here>,
    network: Network,
}

impl Asker {
    pub(super) async fn ask(&self, origin: &RelayUrl) -> Result<Answer, RelayError> {
        here::ask(origin, &self.here, &self.network).await
    }
}

/// An open tunnel. Its program ends when this is dropped.
pub struct Tunnel {
    pub(super) command: TunnelCommand,
    pub(super) asker: Asker,
    pub(super) port: u16,
    pub(super) origin: RelayUrl,
    /// Whether the user chose the address.
    pub(super) is_fixed: bool,
    has_our_page: bool,
    pub(super) give_up: Duration,
    /// `None` while it is opened again.
    pub(super) running: Option<Running>,
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

//! Questions to relays about the state of shares that were sent. Each relay is connected to once, however many shares
//! are there. A relay that cannot be reached keeps no other from being asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::output::format;
use crate::host;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::{Credential, Relay, RelayError, ShareState, Status};
use crate::state::outbox::{SentShare, is_over};

/// How long a relay is asked to hold its answer back. Many a proxy gives up after thirty seconds.
const LONG: Duration = Duration::from_secs(25);
/// A relay that does not hold its answer back is not asked more often than this.
const AT_MOST: Duration = Duration::from_secs(2);

/// The relays of some shares.
pub(super) struct Relays {
    known: HashMap<String, (Endpoint, Result<Connected, Arc<Failure>>)>,
    /// Those of this machine that are being served, by their folders.
    beside: HashMap<String, Arc<dyn Relay>>,
}

impl Relays {
    /// Connects to the relays of those `entries` that are not known to have ended. Gives each up after `give_up`.
    /// `foreign`: they come from another person's file.
    pub(super) async fn of(
        entries: &[SentShare],
        foreign: bool,
        give_up: Duration,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let mut known = HashMap::new();
        for endpoint in
            entries.iter().filter(|entry| entry.end.is_none()).filter_map(SentShare::relay).map(Endpoint::to)
        {
            let key = endpoint.url.to_string();
            if known.contains_key(&key) {
                continue;
            }
            if foreign {
                endpoint.expect_harmless(cx.relay(None)?.as_ref(), cx).await?;
            }
            let connected = cx.connect_for(&endpoint, give_up).await.map_err(Arc::new);
            known.insert(key, (endpoint, connected));
        }
        // Another person's file must not choose a folder of this machine.
        let open = entries.iter().filter(|entry| entry.end.is_none() && !foreign);
        let served = open.filter_map(SentShare::folder);
        let beside = served.filter_map(|folder| {
            let rules: Arc<dyn Relay> = host::beside(folder, cx.state().ok().as_ref())?;
            Some((folder.to_owned(), rules))
        });
        Ok(Self { known, beside: beside.collect() })
    }

    /// The relay of a share, and the credential of its owner.
    fn reach(&self, entry: &SentShare) -> Result<(Reached<'_>, Credential), Failure> {
        let owner = entry.owner().ok_or_else(|| anyhow::anyhow!("an entry of the outbox is damaged"))?;
        let Some(url) = entry.relay() else {
            if !entry.is_direct() {
                return Err(anyhow::anyhow!("{}: its relay's address cannot be read", entry.title()).into());
            }
            let relay = entry.folder().and_then(|folder| self.beside.get(folder)).ok_or_else(|| {
                Failure::NoRecord("the program that served it was stopped, and the share went with it".to_owned())
            })?;
            return Ok((Reached { relay, endpoint: None }, owner));
        };
        match self.known.get(&url.to_string()) {
            Some((endpoint, Ok(connected))) => Ok((Reached::at(endpoint, &connected.relay), owner)),
            Some((_, Err(why))) => Err(Failure::Common(why.clone())),
            None => Err(anyhow::anyhow!("a relay was not connected to").into()),
        }
    }

    /// The status of a share: by its relay, or as it was noted when it ended.
    pub(super) async fn status(&self, entry: &SentShare) -> Result<Status, Failure> {
        if let Some(end) = &entry.end {
            return Ok(end.clone());
        }
        let (at, owner) = self.reach(entry)?;
        at.relay.status(&owner, None, Duration::ZERO).await.map_err(|error| at.refused(error))
    }

    /// Waits for the end of a share, and reports it.
    pub(super) async fn wait(&self, entry: &SentShare, cx: &Context) -> Result<Status, Failure> {
        if let Some(end) = &entry.end {
            return Ok(end.clone());
        }
        let (at, owner) = self.reach(entry)?;
        wait_at(entry, &owner, &at, cx).await
    }

    /// Revokes a share. Returns the state in which it was, and its status now, if that could be asked for.
    pub(super) async fn revoke(&self, entry: &SentShare) -> Result<(ShareState, Option<Status>), Failure> {
        if let Some(end) = &entry.end {
            return Ok((end.state, Some(end.clone())));
        }
        let (at, owner) = self.reach(entry)?;
        let was = at.relay.revoke(&owner).await.map_err(|error| at.refused(error))?;
        Ok((was, at.relay.status(&owner, None, Duration::ZERO).await.ok()))
    }

    /// Sweeps where no server does it.
    pub(super) async fn sweep(&self) {
        for (_, connected) in self.known.values() {
            if let Ok(connected) = connected {
                connected.sweep().await;
            }
        }
    }
}

/// The relay of a share.
pub(super) struct Reached<'a> {
    relay: &'a Arc<dyn Relay>,
    /// `None`: another program of this machine serves the share.
    endpoint: Option<&'a Endpoint>,
}

impl<'a> Reached<'a> {
    /// The relay at an endpoint.
    pub(super) fn at(endpoint: &'a Endpoint, relay: &'a Arc<dyn Relay>) -> Self {
        Self { relay, endpoint: Some(endpoint) }
    }

    /// The meaning of a refusal for a sender.
    fn refused(&self, error: RelayError) -> Failure {
        match (error, self.endpoint) {
            (RelayError::Unknown, Some(endpoint)) => {
                Failure::NoRecord(format!("{} knows nothing of it (any more)", endpoint.name()))
            }
            (error, Some(endpoint)) => endpoint.refused(error),
            (RelayError::Unknown, None) => Failure::local(
                "the program that sends it is still reading it, or has just stopped",
                "ask again when its link is there",
            ),
            (error, None) => Failure::local(
                format!("the folder it is served from: {error}"),
                "nothing was changed; it is safe to repeat",
            ),
        }
    }
}

/// Waits for the end of one share at a relay, and reports it.
pub(super) async fn wait_at(
    entry: &SentShare,
    owner: &Credential,
    at: &Reached<'_>,
    cx: &Context,
) -> Result<Status, Failure> {
    let mut known: Option<ShareState> = None;
    loop {
        let asked = Instant::now();
        let status = at.relay.status(owner, known, LONG).await.map_err(|error| at.refused(error))?;
        let report = |event, what: &str| {
            let text = format!("{} {} · {what}", format::time_of_day(), entry.title());
            cx.output.event(event, entry.facts(Some(&status)), &text);
        };
        if is_over(status.state) {
            report("ended", &entry.outcome(&status));
            return Ok(status);
        }
        if known == Some(status.state) {
            tokio::time::sleep(AT_MOST.saturating_sub(asked.elapsed())).await;
        } else if known.is_some() && status.state == ShareState::Claimed {
            report("opening", "being opened");
        }
        known = Some(status.state);
    }
}

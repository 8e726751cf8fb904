//! Requests for the state of shares that were sent, and for their revocation. Shares at one relay use one connection.
//! An unreachable relay delays no request to another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::notice::Notifier;
use crate::cli::output::errors::{Failure, Request};
use crate::cli::output::format;
use crate::host;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::{Credential, Relay, RelayError, ShareState, Status};
use crate::state::outbox::{SentShare, is_over};
use crate::wordlist::openers_words;

/// How long a relay may hold its answer back until the state changes. Many proxies time out after 30 seconds.
const LONG_POLL: Duration = Duration::from_secs(25);
/// The shortest time between two requests, for relays that answer at once.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The relays of a list of shares.
pub(super) struct Relays {
    known: HashMap<String, (Endpoint, Result<Connected, Arc<Failure>>)>,
    /// Relays over the folders from which other processes of this user serve shares, by folder name.
    beside: HashMap<String, Arc<dyn Relay>>,
}

impl Relays {
    /// Connects to the relays of those `entries` that are not known to have ended. Gives each up after `give_up`.
    /// `foreign`: the entries come from a receipt file, which another person may have written.
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
        // A receipt file of another person must not select a local folder.
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
        let owner = entry.owner().ok_or_else(|| anyhow::anyhow!("the record of a sent share is damaged"))?;
        let Some(url) = entry.relay() else {
            if !entry.is_direct() {
                return Err(anyhow::anyhow!("the record of {} has a damaged relay address", entry.title()).into());
            }
            let relay = entry.folder().and_then(|folder| self.beside.get(folder)).ok_or(Failure::ServerStopped)?;
            return Ok((Reached { relay, endpoint: None }, owner));
        };
        match self.known.get(&url.to_string()) {
            Some((endpoint, Ok(connected))) => Ok((Reached::at(endpoint, &connected.relay), owner)),
            Some((_, Err(why))) => Err(Failure::Common(why.clone())),
            None => Err(anyhow::anyhow!("the relay of a share was not connected").into()),
        }
    }

    /// The status of a share: from its relay, or from the outbox if the share has ended.
    pub(super) async fn status(&self, entry: &SentShare) -> Result<Status, Failure> {
        if let Some(end) = &entry.end {
            return Ok(end.clone());
        }
        let (at, owner) = self.reach(entry)?;
        at.relay.status(&owner, &[], Duration::ZERO).await.map_err(|error| at.failed(Request::Status, error))
    }

    /// Waits for the end of a share, and prints it. `several`: the output is about more than this share.
    pub(super) async fn wait(
        &self,
        entry: &SentShare,
        several: bool,
        notifier: &Notifier,
        cx: &Context,
    ) -> Result<Status, Failure> {
        if let Some(end) = &entry.end {
            return Ok(end.clone());
        }
        let (at, owner) = self.reach(entry)?;
        wait_at(entry, several, &owner, &at, notifier, cx).await
    }

    /// Revokes a share. Returns its state before, and its status now if the relay still answers.
    pub(super) async fn revoke(&self, entry: &SentShare) -> Result<(ShareState, Option<Status>), Failure> {
        if let Some(end) = &entry.end {
            return Ok((end.state, Some(end.clone())));
        }
        let (at, owner) = self.reach(entry)?;
        let was = at.relay.revoke(&owner).await.map_err(|error| at.failed(Request::Revoke, error))?;
        Ok((was, at.relay.status(&owner, &[], Duration::ZERO).await.ok()))
    }

    /// Removes expired shares from storage that no server sweeps.
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
    /// `None`: another process of this user serves the share.
    endpoint: Option<&'a Endpoint>,
}

impl<'a> Reached<'a> {
    /// The relay at an endpoint.
    pub(super) fn at(endpoint: &'a Endpoint, relay: &'a Arc<dyn Relay>) -> Self {
        Self { relay, endpoint: Some(endpoint) }
    }

    /// The error of a request about a share.
    fn failed(&self, request: Request, error: RelayError) -> Failure {
        match (error, self.endpoint) {
            (error, Some(endpoint)) => endpoint.failed(request, error),
            (RelayError::Unknown, None) => Failure::local(
                "the process that sends this share is still reading the files, or has just stopped",
                "run this again once the link is printed",
            ),
            (error, None) => Failure::local(
                format!("the folder from which this share is served cannot be used: {error}"),
                "nothing was changed; it is safe to run this again",
            ),
        }
    }
}

/// Waits for the end of one share at a relay, and prints it. `several`: the output is about more than this share.
pub(super) async fn wait_at(
    entry: &SentShare,
    several: bool,
    owner: &Credential,
    at: &Reached<'_>,
    notifier: &Notifier,
    cx: &Context,
) -> Result<Status, Failure> {
    let mut known: Option<ShareState> = None;
    loop {
        let asked = Instant::now();
        let status = at
            .relay
            .status(owner, known.as_slice(), LONG_POLL)
            .await
            .map_err(|error| at.failed(Request::Status, error))?;
        let print = |event, what: &str| {
            let text = format!("{} {}{what}", format::time_of_day(), entry.prefix(several));
            cx.output.event(event, entry.facts(Some(&status)), &text);
        };
        if is_over(status.state) {
            print("ended", &entry.outcome(&status));
            notifier.ended(entry, &status);
            return Ok(status);
        }
        if known == Some(status.state) {
            tokio::time::sleep(POLL_INTERVAL.saturating_sub(asked.elapsed())).await;
        } else if known.is_some() && status.state == ShareState::Claimed {
            let opener = status.claimant.map(|claimant| format!(" by: {}", openers_words(&claimant)));
            print("opening", &format!("being opened{}", opener.unwrap_or_default()));
        }
        known = Some(status.state);
    }
}

//! The way to where a share waits: a server, the sender's own machine, or storage that needs no server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{self, Failure, Hint, ProxyFault, Request};
use crate::cli::output::format;
use crate::cli::stores::{self, Purpose};
use crate::open::OpenError;
use crate::relay::client::HttpRelay;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::client::retry::{Backoff, RetryEvent, Retrying};
use crate::relay::rules::StoreRelay;
use crate::relay::{Access, Relay, RelayError};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;

/// How long to try to reach a sender's own machine.
const DIRECT_GIVE_UP: Duration = Duration::from_secs(20);
/// The longest time that a command spends on sweeping a folder.
const SWEEP_TIME: Duration = Duration::from_secs(2);

impl Endpoint {
    /// The error of opening a share at this endpoint. `ours`: this device has opened the share before. `kept`: a later
    /// run can resume.
    pub(super) fn failure(&self, error: OpenError, ours: bool, kept: bool) -> Failure {
        Failure::Open { relay: self.name(), direct: self.is_direct(), error, ours, kept }
    }

    /// The error of another request to this endpoint.
    pub(super) fn failed(&self, request: Request, error: RelayError) -> Failure {
        Failure::Request { relay: self.name(), url: Box::new(self.url.clone()), request, error }
    }

    /// The server at this endpoint, for requests while something is shown on the terminal: nothing is printed about
    /// retries.
    pub(super) fn connect_silently(&self, give_up: Duration, cx: &Context) -> Result<Arc<dyn Relay>, Failure> {
        let relay = cx.server(self, Request::Connect, give_up)?;
        Ok(Arc::new(Retrying::new(Arc::new(relay), Backoff::new(give_up), Box::new(|_| {}))))
    }

    /// Asks the person, where a link leads into the folders of this machine, or to a bucket that is reached with their
    /// own credentials, and it is not the one that they use: a stranger's link must not touch them by itself.
    pub(super) async fn expect_harmless(&self, configured: Option<&RelayUrl>, cx: &Context) -> Result<(), Failure> {
        if !self.url.is_store() || configured == Some(&self.url) {
            return Ok(());
        }
        let name = printable(&self.name());
        let (leads, kind) = match self.url.folder() {
            Some(_) => (format!("leads to the folder {name} on this computer"), "folder"),
            None => (format!("leads to {name} and would use your credentials"), "bucket"),
        };
        if !prompt::possible() {
            return Err(Failure::usage(
                format!("the link {leads}, but that {kind} is not your relay"),
                format!("if you trust that {kind}, set SHARE_RELAY={}", self.url),
            ));
        }
        let question = format!("The link {leads}. Connect? [y]es, [n]o");
        if prompt::confirm(&question, cx).await? {
            return Ok(());
        }
        Err(Failure::Interrupted(Some(Hint::outcome("nothing was opened"))))
    }
}

/// A relay that can be asked.
pub(super) struct Connected {
    pub(super) relay: Arc<dyn Relay>,
    /// The rules, where we keep them ourselves.
    pub(super) rules: Option<Arc<StoreRelay>>,
    /// Whether a login in front of it has the header `Authorization`.
    pub(super) authorization_is_taken: bool,
}

impl Connected {
    /// The fault on the way if no request arrives with its credential.
    pub(super) fn drops(&self) -> ProxyFault {
        if self.authorization_is_taken { ProxyFault::DropsShareAuthorization } else { ProxyFault::DropsAuthorization }
    }

    /// Without a server, senders do its work.
    pub(super) async fn sweep(&self) {
        let Some(rules) = &self.rules else { return };
        match tokio::time::timeout(SWEEP_TIME, rules.sweep()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the sweep failed"),
            Err(_) => tracing::debug!("the sweep timed out before it was complete"),
        }
    }
}

impl Context {
    /// How long to try to reach what is at the end of `endpoint`: a person's machine is there now or not.
    fn give_up_for(&self, endpoint: &Endpoint) -> Duration {
        if endpoint.is_direct() && !self.give_up_is_set { DIRECT_GIVE_UP } else { self.give_up }
    }

    /// The relay at the end of `endpoint`, with retries for as long as the user allows.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> Result<Connected, Failure> {
        self.connect_to(endpoint, Purpose::Any, self.give_up_for(endpoint)).await
    }

    /// The same, for requests about shares that this device has sent or opened, with retries for `give_up`.
    pub(super) async fn connect_for(&self, endpoint: &Endpoint, give_up: Duration) -> Result<Connected, Failure> {
        self.connect_to(endpoint, Purpose::Ending, give_up).await
    }

    async fn connect_to(&self, endpoint: &Endpoint, purpose: Purpose, give_up: Duration) -> Result<Connected, Failure> {
        if endpoint.url.is_store() {
            let rules = stores::serverless(&endpoint.url, purpose, give_up, self).await?;
            let relay = self.retrying(rules.clone(), endpoint.name(), give_up);
            return Ok(Connected { relay, rules: Some(rules), authorization_is_taken: false });
        }
        self.connected(endpoint, give_up, self.access(endpoint)?.as_ref())
    }

    /// The server at the end of `endpoint`, with `access` for a login in front of it that is to be tested.
    pub(super) fn connect_with(&self, endpoint: &Endpoint, access: Option<&Access>) -> Result<Connected, Failure> {
        self.connected(endpoint, self.give_up_for(endpoint), access)
    }

    fn connected(&self, endpoint: &Endpoint, give_up: Duration, access: Option<&Access>) -> Result<Connected, Failure> {
        let relay = Arc::new(self.server_with(endpoint, Request::Connect, give_up, access)?);
        let authorization_is_taken = access.is_some_and(Access::has_authorization);
        Ok(Connected { relay: self.retrying(relay, endpoint.name(), give_up), rules: None, authorization_is_taken })
    }

    /// The server at the end of `endpoint`, without retries.
    pub(super) fn server(
        &self,
        endpoint: &Endpoint,
        request: Request,
        give_up: Duration,
    ) -> Result<HttpRelay, Failure> {
        self.server_with(endpoint, request, give_up, self.access(endpoint)?.as_ref())
    }

    fn server_with(
        &self,
        endpoint: &Endpoint,
        request: Request,
        give_up: Duration,
        access: Option<&Access>,
    ) -> Result<HttpRelay, Failure> {
        let relay = HttpRelay::through(endpoint.url.clone(), endpoint.pin.as_ref(), give_up, self.network()?, access);
        relay.map_err(|error| endpoint.failed(request, error))
    }

    fn retrying(&self, relay: Arc<dyn Relay>, name: String, give_up: Duration) -> Arc<dyn Relay> {
        let (output, longest) = (self.output.clone(), format::duration_words(give_up));
        let has_reported = AtomicBool::new(false);
        let on_retry = Box::new(move |event: RetryEvent<'_>| match event {
            RetryEvent::Paused { error, pause } => {
                let has_bar = output.show_waiting(&name, pause);
                let refusal = errors::refusal(&name, error);
                if (has_bar && refusal.is_none()) || has_reported.swap(true, Ordering::Relaxed) {
                    return;
                }
                output.info(&match refusal {
                    Some(reason) => format!("{reason}; resuming in {}", format::about(pause)),
                    None => format!("{name} cannot be reached yet ({error}); retrying for up to {longest}"),
                });
            }
            RetryEvent::Ended => output.resume(),
        });
        Arc::new(Retrying::new(relay, Backoff::new(give_up), on_retry))
    }
}

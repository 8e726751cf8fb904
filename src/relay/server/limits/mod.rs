//! Limits of one client, so that no client can take the relay from the others.
//!
//! A client is counted by its network address: an IPv4 address, or an IPv6 /64. A customer may have many /64, so an
//! IPv6 /48 is counted too, with a greater limit. Senders are counted by their create token too, where the relay has
//! tokens. Everything is in memory: a restart forgets it, and each node counts on its own.
//!
//! Programs of the relay's own machine are not limited by address, and neither are the clients of a proxy on that
//! machine which the operator has not named: they would all count as one.

mod at_once;
mod pace;
mod proxies;
mod proxy_protocol;
mod rates;
mod reported;
pub(super) mod requests;
mod subject;
mod uploads;

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};

pub(super) use self::at_once::{AtOnce, Counted};
#[cfg(test)]
pub(super) use self::pace::WINDOW;
pub(super) use self::pace::{Pace, TooSlow};
pub(super) use self::proxies::Peer;
use self::proxies::{Oversight, TrustedProxies};
use self::rates::Rates;
use self::reported::{Reports, Turn};
use self::subject::ADDRESSES_OF_NETWORK;
pub(super) use self::subject::Subject;
use self::uploads::Uploads;
use crate::blob::PART_LEN;
use crate::relay::{Content, Credential, Limit, LimitOf, Limited, RelayError};

/// How often idle subjects are forgotten.
const FORGET_TIME: Duration = Duration::from_mins(1);
/// The longest wait of a part for its turn.
const TURN_TIME: Duration = Duration::from_secs(20);
/// The refusal of a client that has too much at once. When that ends depends on the client alone.
const TOO_MANY_AT_ONCE: RelayError =
    RelayError::SlowDown { after: 5, limit: Some(Limit { what: Limited::AtOnce, of: LimitOf::Address }) };

/// Limits of each client that an operator sets. `None`: no limit.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests a minute.
    pub requests: Option<NonZeroU32>,
    /// New shares an hour.
    pub shares: Option<NonZeroU32>,
    /// Bytes an hour, both ways together. At least [`Limits::MIN_TRAFFIC`].
    pub traffic: Option<u64>,
    /// Connections at once, and requests at once over those of a trusted proxy.
    pub connections: Option<usize>,
    /// Parts that arrive at once. Further ones wait.
    pub parts: Option<usize>,
    /// Unfinished uploads.
    pub uploads: Option<usize>,
    /// Reports an hour.
    pub reports: Option<NonZeroU32>,
    /// Bytes of the shares that are reported in 30 days. A single share may have more.
    pub reported: Option<u64>,
    /// The lowest rate of a transfer in bytes a second, averaged over a minute. 0: no rate; a minute of silence is too
    /// long all the same.
    pub min_rate: u64,
    /// The networks of proxies that name their clients.
    pub trusted_proxies: Vec<IpNet>,
}

impl Limits {
    /// The lowest limit of traffic: the longest bodies and answers fit into it.
    pub const MIN_TRAFFIC: u64 = 16 << 20;
    /// The greatest limit of traffic that can be counted.
    pub const MAX_TRAFFIC: u64 = 1 << 41;
    /// The greatest lowest rate. Progress shows late, so a higher one would end transfers that are fast enough.
    pub const MAX_MIN_RATE: u64 = 1 << 20;
    /// Connections at once of all clients together. A client has three.
    pub const ALL_CONNECTIONS: usize = 4096;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: NonZeroU32::new(6000),
            shares: NonZeroU32::new(240),
            traffic: Some(64 << 30),
            connections: Some(128),
            parts: Some(8),
            uploads: Some(64),
            reports: NonZeroU32::new(10),
            reported: None,
            min_rate: 512,
            trusted_proxies: Vec::new(),
        }
    }
}

/// The client that made a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Client {
    /// Its address, unless it is not limited by address.
    subject: Option<Subject>,
    /// Whether it is on this computer, and no proxy forwarded the request.
    pub(super) is_here: bool,
}

impl Client {
    /// The subjects for which it counts.
    fn subjects(&self) -> impl Iterator<Item = Subject> + use<> {
        self.subject.into_iter().flat_map(Subject::with_network)
    }

    /// The same as a list.
    pub(super) fn to_vec(self) -> Vec<Subject> {
        self.subjects().collect()
    }

    /// A client at an address.
    #[cfg(test)]
    pub(super) fn at(ip: &str) -> Self {
        Self { subject: Some(Subject::of_address(ip.parse().unwrap())), is_here: false }
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// The counts of all clients.
pub(super) struct Limiter {
    proxies: TrustedProxies,
    connections: AtOnce,
    requests: AtOnce,
    parts: AtOnce,
    rates: Rates,
    uploads: Uploads,
    reports: Arc<Reports>,
    min_rate: u64,
    warned_of_unnamed: Once,
    warned_of_nameless: Once,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        let connections = limits.connections.unwrap_or(usize::MAX);
        let of_network = connections.saturating_mul(ADDRESSES_OF_NETWORK.get() as usize);
        let parts = limits.parts.unwrap_or(usize::MAX);
        Self {
            proxies: TrustedProxies::new(&limits.trusted_proxies),
            connections: AtOnce::new(connections, of_network),
            requests: AtOnce::new(connections, of_network),
            // A bucket has room for few, so a network gets no more than twice as many.
            parts: AtOnce::new(parts, parts.saturating_mul(2)),
            rates: Rates::new(limits.requests, limits.shares, limits.traffic),
            uploads: Uploads::new(limits.uploads),
            reports: Arc::new(Reports::new(limits.reports, limits.reported)),
            min_rate: limits.min_rate,
            warned_of_unnamed: Once::new(),
            warned_of_nameless: Once::new(),
        }
    }

    /// Expects that all clients come through a program of this machine, so that nobody is warned of it.
    pub(super) fn expect_tunnel(&self) {
        self.warned_of_unnamed.call_once(|| {});
    }

    /// Forgets what need not be remembered, until it is dropped.
    pub(super) async fn keep_forgetting(&self) {
        let mut ticks = interval(FORGET_TIME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.rates.forget_idle();
            self.uploads.forget_old();
            self.reports.forget_old();
        }
    }

    /// A transfer over a connection.
    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.min_rate)
    }

    /// The other end of a new connection. Reads what a trusted proxy announces.
    ///
    /// # Errors
    /// Those of the connection, and a malformed announcement.
    pub(super) async fn peer(&self, stream: &mut TcpStream) -> std::io::Result<Peer> {
        let mut peer = Peer { address: stream.peer_addr()?, announced: None };
        if self.proxies.trusts(peer.address.ip()) {
            peer.announced = proxy_protocol::read(stream).await?;
        }
        Ok(peer)
    }

    /// Counts a connection; `None` if its client has too many. Programs of this machine and trusted proxies, whose
    /// connections are those of many clients, may have any number.
    pub(super) fn connection(&self, peer: &Peer) -> Option<Counted> {
        let ip = peer.source();
        let is_counted = !self.proxies.trusts(ip) && !ip.is_loopback();
        let subjects = is_counted.then(|| Subject::of_address(ip).with_network());
        self.connections.count(&subjects.into_iter().flatten().collect::<Vec<_>>(), 1)
    }

    /// The client of a request.
    pub(super) fn client(&self, peer: &Peer, headers: &HeaderMap) -> Client {
        let source = self.proxies.client(peer, headers);
        match source.oversight {
            None => {}
            Some(Oversight::UnnamedProxy) => self.warned_of_unnamed.call_once(|| {
                tracing::warn!(
                    "a proxy on this machine forwards requests, so its clients are not limited; \
                     use --trusted-proxy ADDRESS-OF-PROXY"
                );
            }),
            Some(Oversight::NamelessClient) => self.warned_of_nameless.call_once(|| {
                tracing::warn!(
                    "a trusted proxy forwarded a request without its client's address, or with several; \
                     such requests count for the proxy"
                );
            }),
        }
        Client {
            subject: (!source.is_this_machine).then(|| Subject::of_address(source.ip)),
            is_here: source.is_this_machine && !source.is_forwarded,
        }
    }

    /// Counts a request with a body of `len` bytes.
    ///
    /// # Errors
    /// [`RelayError::SlowDown`], as of the methods below.
    pub(super) fn take_request(&self, client: &Client, len: u64) -> Result<(), RelayError> {
        client.subjects().try_for_each(|subject| {
            self.rates.take_request(&subject)?;
            self.rates.take_bytes(&subject, len)
        })
    }

    /// Counts a request among those that its client has at once. Over a connection of its own it cannot have more of
    /// them than connections; the connections of a trusted proxy carry those of many clients.
    pub(super) fn take_turn(&self, client: &Client) -> Result<Counted, RelayError> {
        self.requests.count(&client.to_vec(), 1).ok_or(TOO_MANY_AT_ONCE)
    }

    /// Counts a part that arrives, when its client has room for it.
    pub(super) async fn begin_part(&self, client: &Client) -> Result<Counted, RelayError> {
        self.parts.wait(&client.to_vec(), 1, TURN_TIME).await.ok_or(TOO_MANY_AT_ONCE)
    }

    /// Counts an answer of `len` bytes.
    pub(super) fn take_answer(&self, client: &Client, len: u64) -> Result<(), RelayError> {
        client.subjects().try_for_each(|subject| self.rates.take_bytes(&subject, len))
    }

    /// Counts a new share, and an unfinished upload, of a client that may create it. `token` is the hash of its create
    /// token. A repeated request counts nothing. Returns whether it was counted.
    pub(super) fn begin_upload(
        &self,
        client: &Client,
        owner: &Credential,
        token: Option<[u8; 32]>,
    ) -> Result<bool, RelayError> {
        let subjects: Vec<_> = client.subjects().chain(token.map(Subject::Token)).collect();
        let is_new = self.uploads.begin(owner, subjects.clone())?;
        if is_new && let Err(error) = subjects.iter().try_for_each(|subject| self.rates.take_share(subject)) {
            self.uploads.end(owner);
            return Err(error);
        }
        Ok(is_new)
    }

    /// Counts a request about a create token with this hash.
    pub(super) fn take_question(&self, token: [u8; 32]) -> Result<(), RelayError> {
        self.rates.take_question(&Subject::Token(token))
    }

    /// The upload of `owner` was committed, or has ended.
    pub(super) fn end_upload(&self, owner: &Credential) {
        self.uploads.end(owner);
    }

    /// Counts a report of the holder of a claim token, of a share of so many bytes, for as long as the turn lasts: for
    /// 30 days if it succeeds. A repeated report counts once.
    pub(super) fn begin_report(&self, client: &Client, holder: &Credential, bytes: u64) -> Result<Turn, RelayError> {
        self.reports.begin(holder.token.claimant(&holder.id), bytes, client.to_vec())
    }

    /// Counts a part for the create token of the upload of `owner`: with its length, or with the most that it can have.
    pub(super) fn take_part(&self, owner: &Credential, part: &Content) -> Result<(), RelayError> {
        let len = part.known_len().unwrap_or(PART_LEN as u64).min(PART_LEN as u64);
        let mut tokens =
            self.uploads.subjects(owner).into_iter().filter(|subject| matches!(subject, Subject::Token(_)));
        tokens.try_for_each(|token| self.rates.take_bytes(&token, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_has_few_questions_a_minute_as_the_protocol_states() {
        let text = include_str!("../../PROTOCOL.md");
        assert!(text.contains(&format!("A token has {} of these requests a minute", rates::QUESTIONS)));
        let limiter = Limiter::new(&Limits::default());
        for _ in 0..rates::QUESTIONS.get() {
            limiter.take_question([7; 32]).unwrap();
        }
        assert!(matches!(limiter.take_question([7; 32]), Err(RelayError::SlowDown { after: 1, .. })));
        limiter.take_question([8; 32]).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_waits_for_its_turn_and_is_refused_in_time() {
        let limiter = Limiter::new(&Limits::default());
        let (here, mut arriving) = (Client::at("192.0.2.1"), Vec::new());
        for _ in 0..8 {
            arriving.push(limiter.begin_part(&here).await.unwrap());
        }
        let start = tokio::time::Instant::now();
        assert_eq!(limiter.begin_part(&here).await.map(drop), Err(TOO_MANY_AT_ONCE));
        assert_eq!(start.elapsed(), TURN_TIME);
        limiter.begin_part(&Client::at("192.0.2.2")).await.unwrap();
        limiter.begin_part(&Client::default()).await.unwrap();
        arriving.pop();
        limiter.begin_part(&here).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn no_customer_has_more_than_half_of_a_buckets_parts() {
        let limiter = Limiter::new(&Limits::default());
        let client = |number: usize| Client::at(&format!("2001:db8:0:{number:x}::1"));
        let mut arriving = Vec::new();
        for number in 0..16 {
            arriving.push(limiter.begin_part(&client(number)).await.unwrap());
        }
        assert!(limiter.begin_part(&client(16)).await.is_err());
    }
}

//! Tests a relay with a share of its own, which shows faults of proxies in front of it, too.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::blob::PART_LEN;
use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, ProxyFault, Request};
use crate::cli::relay::compared::ComparedPages;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::rules::probe::ProbeResult;
use crate::relay::{
    Allowance, Checksum, Content, Create, Credential, Left, MAX_WAIT, MIN_TTL, Relay, RelayError, ShareState, V1,
    Verifiers,
};
use crate::seal::longest_blob;
use crate::secret::{Flags, Keys, LinkSecret, Token, fill_random};

/// The longest time for revoking the test share.
const TIDY_TIME: Duration = Duration::from_secs(5);

/// Results of a test.
pub(super) struct Findings {
    /// Whether this user may upload there.
    pub(super) may_create: bool,
    /// The length of the test upload in bytes, or the reason why there was none.
    pub(super) uploaded: Result<u64, RelayError>,
    /// The rest of the create token's limits.
    pub(super) left: Option<Left>,
    /// The duration of one request.
    pub(super) round_trip: Duration,
    /// Seconds between this computer's clock and the relay's.
    pub(super) clock: Option<u64>,
    /// Whether a request can wait for [`MAX_WAIT`].
    pub(super) held: Option<bool>,
    /// The pages for browsers.
    pub(super) pages: Option<ComparedPages>,
    /// The properties of the store, if there is no server.
    pub(super) store: Option<ProbeResult>,
}

/// Tests a relay, and revokes the test share.
pub(super) async fn test_and_tidy(
    endpoint: &Endpoint,
    connected: &Connected,
    create_token: Option<String>,
) -> Result<Findings, Failure> {
    let share = TestShare::new();
    let findings = test(endpoint, connected, &share, create_token).await;
    share.revoke(connected).await;
    findings
}

/// A share to test a relay with.
pub(super) struct TestShare {
    keys: Keys,
    owner: Credential,
}

impl TestShare {
    pub(super) fn new() -> Self {
        let keys = LinkSecret::random(Flags::default()).keys(None);
        let owner = Credential::new(keys.id, Token::random());
        Self { keys, owner }
    }

    /// Revokes the share, whatever the outcome of the test. An error does not matter: the share is unknown there, or
    /// expires.
    pub(super) async fn revoke(&self, connected: &Connected) {
        let _ = tokio::time::timeout(TIDY_TIME, connected.relay.revoke(&self.owner)).await;
    }
}

/// Creates a share, uploads one whole part of it, and requests its state.
pub(super) async fn test(
    endpoint: &Endpoint,
    connected: &Connected,
    share: &TestShare,
    create_token: Option<String>,
) -> Result<Findings, Failure> {
    let (relay, TestShare { keys, owner }) = (&connected.relay, share);
    let mut offer = Create {
        v: V1,
        flags: 0,
        ttl: MIN_TTL.as_secs(),
        verifiers: Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token),
        max_len: Some(longest_blob(PART_LEN as u64)),
        create_token,
        account: None,
    };
    let (before, mut len) = (SystemClock.now(), PART_LEN);
    let mut created = relay.create(owner, &offer).await;
    if let Err(RelayError::TooLarge { max }) = created {
        // The create token may be for small shares.
        len = usize::try_from(max).unwrap_or(PART_LEN).min(PART_LEN);
        offer.max_len = Some(max.min(longest_blob(PART_LEN as u64)));
        created = relay.create(owner, &offer).await;
    }
    let uploaded = match created {
        Ok(()) => Ok(len as u64),
        Err(error @ (RelayError::NotAllowed | RelayError::Quota { .. })) => Err(error),
        // Only to a request without its credential: the share is new, and the request is well-formed. The second is the
        // answer of older relays.
        Err(RelayError::BadRequest | RelayError::Unknown) => {
            return Err(in_front(endpoint, connected.drops()));
        }
        Err(error) => return Err(endpoint.failed(Request::Test, error)),
    };
    let announced = before..=SystemClock.now();
    if uploaded.is_ok() {
        let mut noise = vec![0; len];
        fill_random(&mut noise);
        let (crc, part) = (Checksum::of(&noise), Content::Whole(Bytes::from(noise)));
        if let Err(error) = relay.put_part(owner, 0, crc, part).await {
            return Err(match error {
                RelayError::NotARelay | RelayError::ByProxy { status: 413, .. } => {
                    in_front(endpoint, ProxyFault::RefusesParts)
                }
                error => endpoint.failed(Request::Test, error),
            });
        }
    }
    // A relay that allows no uploads must reject an unknown share, too.
    let begun = Instant::now();
    let asked = relay.status(owner, &[], Duration::ZERO).await;
    let round_trip = begun.elapsed();
    let clock = match (&asked, uploaded.is_ok()) {
        // The relay created the share between these two times.
        (Ok(status), true) => Some(status.created.abs_diff(status.created.clamp(*announced.start(), *announced.end()))),
        (Err(RelayError::Unknown), false) => None,
        (Ok(_), false) => return Err(endpoint.failed(Request::Test, RelayError::NotARelay)),
        (Err(error), _) => return Err(endpoint.failed(Request::Test, error.clone())),
    };
    let may_create = uploaded != Err(RelayError::NotAllowed);
    let left = match offer.create_token {
        Some(create_token) if may_create => {
            // Older relays do not answer this.
            relay.allowance(&Allowance { v: V1, create_token, account: None }).await.ok()
        }
        _ => None,
    };
    Ok(Findings { may_create, uploaded, left, round_trip, clock, held: None, pages: None, store: None })
}

/// Expects that a request with a credential reaches the relay: it does not know this one.
pub(super) async fn expect_passed(endpoint: &Endpoint, connected: &Connected) -> Result<(), Failure> {
    match connected.relay.status(&TestShare::new().owner, &[], Duration::ZERO).await {
        Err(RelayError::Unknown) => Ok(()),
        Ok(_) => Err(endpoint.failed(Request::Test, RelayError::NotARelay)),
        Err(RelayError::BadRequest) => Err(in_front(endpoint, connected.drops())),
        Err(error) => Err(endpoint.failed(Request::Test, error)),
    }
}

/// Whether the answer to a request arrives that the relay delays for [`MAX_WAIT`].
pub(super) async fn can_hold(endpoint: &Endpoint, share: &TestShare, cx: &Context) -> Result<bool, Failure> {
    // Without retries: a broken connection is the result.
    let relay = cx.server(endpoint, Request::Test, MAX_WAIT + TIDY_TIME)?;
    let begun = Instant::now();
    let answer = relay.status(&share.owner, &[ShareState::Uploading], MAX_WAIT).await;
    Ok(answer.is_ok() && begun.elapsed() >= MAX_WAIT)
}

fn in_front(endpoint: &Endpoint, fault: ProxyFault) -> Failure {
    Failure::InFront { relay: endpoint.name(), fault }
}

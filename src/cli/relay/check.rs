//! `share relay check`: finding out whether a relay works, and what stands in front of it or behind it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use crate::blob::PART_LEN;
use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::output::errors::{Exit, Failure, Message};
use crate::cli::output::format;
use crate::cli::stores;
use crate::page;
use crate::relay::client::HttpRelay;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::rules::probe::ProbeResult;
use crate::relay::{
    About, Admission, Checksum, Content, Create, Credential, MIN_TTL, Relay, RelayError, ShareState, V1, Verifiers,
};
use crate::seal::longest_blob;
use crate::secret::{Flags, Keys, LinkSecret, Token, fill_random};

/// How long a relay may hold an answer back until something changes.
const HELD: Duration = Duration::from_secs(55);
/// What taking back the share of a trial may cost.
const TIDY_TIME: Duration = Duration::from_secs(5);

const HOLDS: &str = "an answer may be held back for 55 s";
const HOLDS_NOT: &str = "an answer cannot be held back for 55 s, so --wait hears of things late; nginx: \
                         proxy_read_timeout 75s";

/// Arguments of `share relay check`.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The relay [default: the configured one]
    #[arg(env = "SHARE_RELAY", hide_env_values = true)]
    url: Option<String>,
    /// Also find out whether an answer may be held back for 55 seconds, as --wait needs it
    #[arg(long)]
    held: bool,
}

/// Runs the command.
pub(crate) async fn run(args: &CheckArgs, cx: &Context) -> Result<(), Failure> {
    let url = cx.relay(args.url.as_deref())?;
    let url = url.ok_or_else(|| Failure::usage("no relay is configured", "share relay check URL"))?;
    let endpoint = Endpoint::to(url);
    let connected = cx.connect(&endpoint).await?;
    let about = connected.relay.about().await.map_err(|error| endpoint.refused(error))?;
    if args.held && endpoint.url.is_store() {
        cx.output.say("--held is about servers: here nobody holds an answer back.");
    }
    let token = cx.create_token(&endpoint.url);
    let trial = Trial::new();
    let tried = async {
        let mut tried = try_out(&endpoint, &connected, &trial, token).await?;
        if args.held && !endpoint.url.is_store() && tried.may_create {
            cx.output.say("This takes a minute: an answer is held back.");
            tried.held = Some(can_hold(&endpoint, &trial).await?);
        }
        if !endpoint.url.is_store() {
            tried.page = Some(look_at_page(&endpoint).await?);
        }
        Ok::<Tried, Failure>(tried)
    };
    let tried = tried.await;
    trial.take_back(&connected).await;
    let mut tried = tried?;
    if let Some(rules) = &connected.rules {
        tried.store = Some(stores::probe(rules, &endpoint.name(), "don't use it", cx).await?);
    }
    let (facts, text) = report(&endpoint, &about, &tried);
    if let Some(warning) = tried.page.and_then(Page::warning) {
        cx.output.warn(&format!("the page that {} gives to browsers {warning}", endpoint.name()));
    }
    cx.output.tell("relay", facts, &text)
}

/// The page that a relay gives to browsers, beside the one that this program has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Same,
    Other,
    /// The page is the same, and the policy under which it runs is not.
    OtherPolicy,
    /// There is none.
    Missing,
    /// This program was built without one.
    Unknown,
}

impl Page {
    fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::OtherPolicy => "other-policy",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    fn finding(self) -> &'static str {
        match self {
            Self::Same => "the page that it gives to browsers is the one that this program has",
            Self::Other | Self::OtherPolicy => "the page that it gives to browsers is NOT as this program has it",
            Self::Missing => "it gives no page to browsers",
            Self::Unknown => "its page cannot be compared: this program was built without one",
        }
    }

    fn warning(self) -> Option<&'static str> {
        match self {
            Self::Same | Self::Missing | Self::Unknown => None,
            Self::Other => Some("is not this program's: it is of another version, or somebody changed it"),
            Self::OtherPolicy => Some("comes with another Content-Security-Policy: let the proxy pass that header on"),
        }
    }
}

/// Compares the relay's page: whoever runs it is trusted by those who open in a browser.
async fn look_at_page(endpoint: &Endpoint) -> Result<Page, Failure> {
    let relay = HttpRelay::new(endpoint.url.clone(), endpoint.pin.as_ref(), TIDY_TIME)
        .map_err(|error| endpoint.refused(error))?;
    Ok(match relay.page().await {
        _ if !page::is_complete() => Page::Unknown,
        Ok((html, policy)) if html == page::HTML.as_bytes() && policy == *page::POLICY => Page::Same,
        Ok((html, _)) if html == page::HTML.as_bytes() => Page::OtherPolicy,
        Ok(_) => Page::Other,
        Err(_) => Page::Missing,
    })
}

/// What was found by trying.
pub(crate) struct Tried {
    /// Whether we may leave something there.
    pub(crate) may_create: bool,
    /// How long it took to ask for something.
    round_trip: Duration,
    /// Seconds between our clock and the relay's.
    clock: Option<u64>,
    /// Whether an answer may be held back.
    held: Option<bool>,
    /// What a browser is given.
    page: Option<Page>,
    /// What is behind it, where there is no server.
    pub(crate) store: Option<ProbeResult>,
}

/// The same, for a relay that will be used.
pub(crate) async fn try_and_tidy(
    endpoint: &Endpoint,
    connected: &Connected,
    create_token: Option<String>,
) -> Result<Tried, Failure> {
    let trial = Trial::new();
    let tried = try_out(endpoint, connected, &trial, create_token).await;
    trial.take_back(connected).await;
    tried
}

/// A share to try things out with.
struct Trial {
    keys: Keys,
    owner: Credential,
}

impl Trial {
    fn new() -> Self {
        let keys = LinkSecret::random(Flags::default()).keys(None);
        let owner = Credential::new(keys.id, Token::random());
        Self { keys, owner }
    }

    /// Takes it back, whatever came of it. What is not known there needs that not; what cannot be reached ends by
    /// itself.
    async fn take_back(&self, connected: &Connected) {
        let _ = tokio::time::timeout(TIDY_TIME, connected.relay.revoke(&self.owner)).await;
    }
}

/// Announces a share, uploads one whole part of it, and asks about it: what a proxy on the way does not let through is
/// found here.
async fn try_out(
    endpoint: &Endpoint,
    connected: &Connected,
    trial: &Trial,
    create_token: Option<String>,
) -> Result<Tried, Failure> {
    let (relay, Trial { keys, owner }) = (&connected.relay, trial);
    let offer = Create {
        v: V1,
        flags: 0,
        ttl: MIN_TTL.as_secs(),
        verifiers: Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token),
        max_len: Some(longest_blob(PART_LEN as u64)),
        create_token,
    };
    let before = SystemClock.now();
    let may_create = match relay.create(owner, &offer).await {
        Ok(()) => true,
        Err(RelayError::NotAllowed) => false,
        // What announces a share is unknown to nobody who can read who announces it.
        Err(RelayError::Unknown) => {
            return Err(in_front(endpoint, "takes the Authorization header away", "let the proxy pass that header on"));
        }
        Err(error) => return Err(endpoint.refused(error)),
    };
    let announced = before..=SystemClock.now();
    if may_create {
        let mut noise = vec![0; PART_LEN];
        fill_random(&mut noise);
        let (crc, part) = (Checksum::of(&noise), Content::Whole(Bytes::from(noise)));
        if let Err(error) = relay.put_part(owner, 0, crc, part).await {
            return Err(match error {
                RelayError::NotARelay => in_front(
                    endpoint,
                    "does not let a part of 4 MiB through",
                    "let the proxy take bodies of 5 MiB; nginx: client_max_body_size 5m",
                ),
                error => endpoint.refused(error),
            });
        }
    }
    // Also a relay that lets nobody in must know its own from a stranger's.
    let begun = Instant::now();
    let asked = relay.status(owner, None, Duration::ZERO).await;
    let round_trip = begun.elapsed();
    let clock = match (&asked, may_create) {
        // It was announced at some moment between the two that we know.
        (Ok(status), true) => Some(status.created.abs_diff(status.created.clamp(*announced.start(), *announced.end()))),
        (Err(RelayError::Unknown), false) => None,
        (Ok(_), false) => return Err(endpoint.refused(RelayError::NotARelay)),
        (Err(error), _) => return Err(endpoint.refused(error.clone())),
    };
    Ok(Tried { may_create, round_trip, clock, held: None, page: None, store: None })
}

/// Whether an answer to a question about a share arrives that is held back for as long as a relay may.
async fn can_hold(endpoint: &Endpoint, trial: &Trial) -> Result<bool, Failure> {
    // Not asked again: that it breaks is the answer.
    let relay = HttpRelay::new(endpoint.url.clone(), endpoint.pin.as_ref(), HELD + TIDY_TIME);
    let relay = relay.map_err(|error| endpoint.refused(error))?;
    let begun = Instant::now();
    let answer = relay.status(&trial.owner, Some(ShareState::Uploading), HELD).await;
    Ok(answer.is_ok() && begun.elapsed() >= HELD)
}

/// Something between us and a relay is in the way.
fn in_front(endpoint: &Endpoint, does: &str, hint: &str) -> Failure {
    let what = format!("something in front of {} {does}", endpoint.name());
    Failure::Explained(Message { exit: Exit::Unreachable, what, hint: Some(hint.to_owned()) })
}

/// What was found, for programs and for people.
pub(crate) fn report(endpoint: &Endpoint, about: &About, tried: &Tried) -> (Value, String) {
    let (longest, lease) = (format::duration(about.max_ttl), format::duration(about.lease));
    let who = match (tried.may_create, about.create) {
        (true, Admission::Open) => "anybody may leave something there",
        (true, Admission::Token) => "you may leave something there",
        (false, _) => "you may not leave anything there: it wants a create token",
    };
    let mut text = format!(
        "{} works: {who}; at most {} a share, for at most {longest}; an opener has {lease}; it answers in {} ms",
        endpoint.name(),
        format::binary(about.max_bytes),
        tried.round_trip.as_millis(),
    );
    let mut findings = Vec::new();
    if tried.may_create {
        findings.push("a part of 4 MiB gets through".to_owned());
    }
    if tried.store.is_some() {
        findings.push("of several that write one name at once, one wins".to_owned());
    }
    let clock = tried.store.map(|store| store.clock.as_secs()).or(tried.clock);
    findings.extend(clock.map(|seconds| format!("its clock and this one differ by {seconds} s")));
    findings.extend(tried.held.map(|held| {
        let found = if held { HOLDS } else { HOLDS_NOT };
        found.to_owned()
    }));
    findings.extend(tried.page.map(|page| page.finding().to_owned()));
    if let Some(store) = tried.store {
        findings.extend(store.space.map(|space| format!("{} are free", format::binary(space.free))));
        findings.push(match store.keeps_versions {
            Some(false) => "it keeps no versions of what is deleted".to_owned(),
            Some(true) => {
                "it keeps versions: ciphertext that is deleted stays until its own rules remove it".to_owned()
            }
            None => "it does not tell whether it keeps what is deleted (soft delete): look at its settings".to_owned(),
        });
    }
    for finding in findings {
        text.push_str("\n  ");
        text.push_str(&finding);
    }
    let facts = json!({
        "relay": endpoint.url.to_string(),
        "may_create": tried.may_create,
        "create": about.create,
        "max_bytes": about.max_bytes,
        "max_ttl": about.max_ttl,
        "lease": about.lease,
        "contact": about.contact,
        "round_trip_ms": u64::try_from(tried.round_trip.as_millis()).unwrap_or(u64::MAX),
        "clock_differs": clock,
        "held": tried.held,
        "page": tried.page.map(Page::word),
        "free": tried.store.and_then(|store| store.space).map(|space| space.free),
        "keeps_versions": tried.store.and_then(|store| store.keeps_versions),
    });
    (facts, text)
}

//! The counts of a relay, for its operator: numbers, and words from fixed lists. Nothing here names a share, a client
//! or a token.
//!
//! Every count is of this node, since its start. The exceptions are the shares and bytes in the store: those are of the
//! whole store at the last [count](Metrics::set_stored), and then follow what this node does. So nodes that use one
//! store report nearly the same number, which must not be added up.

mod labels;
mod names;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::labels::{Direction, EventLabel, Operation, OperationResult, Outcome, Reason, Request, Route, StateLabel};
pub use self::labels::{ShareEvent, StoredState};

/// Content type of [`Metrics::text`].
pub const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper limits of the durations that are told apart, in seconds.
const DURATIONS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0, 60.0];

/// Durations by some label.
type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// A number that may be unknown: a family without labels.
type Optional = Family<[(&'static str, &'static str); 0], Gauge>;

/// The validity of the certificate that a relay serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// The relay needs none: it speaks plain HTTP.
    Unused,
    /// There is none yet.
    Missing,
    /// Its end, Unix seconds.
    Until(u64),
}

/// Shares and bytes in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Shares that are being uploaded.
    pub uploading: u64,
    /// Shares that can be opened.
    pub waiting: u64,
    /// Shares that are being opened.
    pub opening: u64,
    /// Bytes of all objects of shares.
    pub bytes: u64,
}

/// Reported shares in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Reported shares.
    pub shares: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Reports that this node refused because there was no room for them.
    pub refused: u64,
}

/// The numbers of one relay.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    request_time: Durations<Route>,
    refusals: Family<Reason, Counter>,
    received: Counter,
    sent: Counter,
    parts: Family<Direction, Counter>,
    connections: Gauge,
    events: Family<EventLabel, Counter>,
    stored: Family<StateLabel, Gauge>,
    stored_bytes: Optional,
    counted_at: Optional,
    reported: Optional,
    reported_bytes: Optional,
    reports_refused: Counter,
    sweeps: Family<Outcome, Counter>,
    sweep_time: Histogram,
    swept: Counter,
    swept_at: Gauge,
    operations: Family<OperationResult, Counter>,
    operation_time: Durations<Operation>,
    deleted: Counter,
    certificate_end: Optional,
    clock: Optional,
    ready: Optional,
    certificate: AtomicU64,
    counted: Mutex<Option<Stored>>,
    started: u64,
}

/// [`Metrics::certificate`] where a relay needs no certificate, and where it has none yet.
const UNUSED: u64 = 0;
const MISSING: u64 = 1;

fn histogram() -> Histogram {
    Histogram::new(DURATIONS)
}

fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(histogram)
}

/// Unix seconds as the value of a gauge.
fn seconds(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_time: durations(),
            refusals: Family::default(),
            received: Counter::default(),
            sent: Counter::default(),
            parts: Family::default(),
            connections: Gauge::default(),
            events: Family::default(),
            stored: Family::default(),
            stored_bytes: Family::default(),
            counted_at: Family::default(),
            reported: Family::default(),
            reported_bytes: Family::default(),
            reports_refused: Counter::default(),
            sweeps: Family::default(),
            sweep_time: histogram(),
            swept: Counter::default(),
            swept_at: Gauge::default(),
            operations: Family::default(),
            operation_time: durations(),
            deleted: Counter::default(),
            certificate_end: Family::default(),
            clock: Family::default(),
            ready: Family::default(),
            certificate: AtomicU64::new(UNUSED),
            counted: Mutex::default(),
            started: now(),
        };
        metrics.swept_at.set(seconds(metrics.started));
        for event in ShareEvent::ALL {
            drop(metrics.events.get_or_create(&EventLabel::of(event)));
        }
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        Self { registry, ..metrics }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Metrics {
    /// All of it in the text format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// When these numbers begin, Unix seconds.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// Counts a request. `method` and `route` come from fixed lists.
    pub fn request(&self, method: &'static str, route: &str, status: u16, time: Duration) {
        let status = labels::class(status);
        self.requests.get_or_create(&Request { method, route: route.to_owned(), status }).inc();
        let route = Route { method, route: route.to_owned() };
        self.request_time.get_or_create(&route).observe(time.as_secs_f64());
    }

    /// Counts a refusal by the word of its problem.
    pub fn refusal(&self, reason: &str) {
        self.refusals.get_or_create(&Reason { reason: reason.to_owned() }).inc();
    }

    /// Counts bytes from clients.
    pub fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    /// Counts bytes to clients.
    pub fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }

    /// Counts a part that was stored.
    pub fn part_stored(&self) {
        self.parts.get_or_create(&Direction { direction: "stored" }).inc();
    }

    /// Counts a part that is sent.
    pub fn part_sent(&self) {
        self.parts.get_or_create(&Direction { direction: "sent" }).inc();
    }

    /// A connection began.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// A connection ended.
    pub fn disconnected(&self) {
        self.connections.dec();
    }

    /// Connections now.
    pub fn connections(&self) -> u64 {
        u64::try_from(self.connections.get()).unwrap_or(0)
    }

    /// Counts a step of a share that this node decided.
    pub fn share(&self, event: ShareEvent) {
        self.events.get_or_create(&EventLabel::of(event)).inc();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stored) = &mut *counted {
            let (from, to) = event.states();
            for (state, is_end) in [(from, true), (to, false)] {
                let count = match state {
                    Some(StoredState::Uploading) => &mut stored.uploading,
                    Some(StoredState::Waiting) => &mut stored.waiting,
                    Some(StoredState::Opening) => &mut stored.opening,
                    None => continue,
                };
                // Another node may have counted the step before this one.
                *count = if is_end { count.saturating_sub(1) } else { *count + 1 };
            }
            self.show(*stored);
        }
    }

    /// How often a step was counted.
    pub fn count(&self, event: ShareEvent) -> u64 {
        self.events.get_or_create(&EventLabel::of(event)).get()
    }

    /// Sets what a listing of the whole store has found.
    pub fn set_stored(&self, stored: Stored) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored);
        self.show(stored);
        self.stored_bytes.get_or_create(&[]).set(seconds(stored.bytes));
        self.counted_at.get_or_create(&[]).set(seconds(now()));
    }

    /// The shares in the store, once they were counted.
    pub fn stored(&self) -> Option<Stored> {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the number and the bytes of the reported shares.
    pub fn set_reported(&self, shares: u64, bytes: u64) {
        self.reported.get_or_create(&[]).set(seconds(shares));
        self.reported_bytes.get_or_create(&[]).set(seconds(bytes));
    }

    /// Counts a report for which there was no room.
    pub fn report_refused(&self) {
        self.reports_refused.inc();
    }

    /// The reported shares, once they were counted.
    pub fn reports(&self) -> Option<Reports> {
        let value = |gauge: &Optional| gauge.get(&[]).map(|gauge| u64::try_from(gauge.get()).unwrap_or(0));
        let (shares, bytes) = (value(&self.reported)?, value(&self.reported_bytes)?);
        Some(Reports { shares, bytes, refused: self.reports_refused.get() })
    }

    fn show(&self, stored: Stored) {
        for (state, count) in [
            (StoredState::Uploading, stored.uploading),
            (StoredState::Waiting, stored.waiting),
            (StoredState::Opening, stored.opening),
        ] {
            self.stored.get_or_create(&StateLabel::of(state)).set(seconds(count));
        }
    }

    /// Counts a sweep: how many shares it looked at, if it succeeded.
    pub fn sweep(&self, looked_at: Option<usize>, time: Duration) {
        self.sweeps.get_or_create(&Outcome::of(looked_at.is_some())).inc();
        self.sweep_time.observe(time.as_secs_f64());
        if let Some(looked_at) = looked_at {
            self.swept.inc_by(looked_at as u64);
            self.swept_at.set(seconds(now()));
        }
    }

    /// Counts an operation of the store.
    pub fn operation(&self, operation: &'static str, succeeded: bool, time: Duration) {
        let outcome = Outcome::of(succeeded).outcome;
        self.operations.get_or_create(&OperationResult { operation, outcome }).inc();
        self.operation_time.get_or_create(&Operation { operation }).observe(time.as_secs_f64());
    }

    /// Counts objects that were deleted.
    pub fn deleted(&self, objects: usize) {
        self.deleted.inc_by(objects as u64);
    }

    /// Sets the difference between the clocks of this machine and of the store.
    pub fn set_clock_difference(&self, difference: Duration) {
        self.clock.get_or_create(&[]).set(seconds(difference.as_secs()));
    }

    /// Sets whether the relay is ready.
    pub fn set_ready(&self, is_ready: bool) {
        self.ready.get_or_create(&[]).set(i64::from(is_ready));
    }

    /// Sets the validity of the certificate.
    pub fn set_certificate(&self, certificate: Certificate) {
        let stored = match certificate {
            Certificate::Unused => UNUSED,
            Certificate::Missing => MISSING,
            Certificate::Until(end) => end.max(MISSING + 1),
        };
        self.certificate.store(stored, Ordering::Relaxed);
        match certificate {
            Certificate::Until(end) => drop(self.certificate_end.get_or_create(&[]).set(seconds(end))),
            Certificate::Unused | Certificate::Missing => self.certificate_end.clear(),
        }
    }

    /// The validity of the certificate.
    pub fn certificate(&self) -> Certificate {
        match self.certificate.load(Ordering::Relaxed) {
            UNUSED => Certificate::Unused,
            MISSING => Certificate::Missing,
            end => Certificate::Until(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(metrics: &Metrics, line: &str) -> bool {
        metrics.text().lines().any(|found| found == line)
    }

    #[test]
    fn stored_shares_follow_their_steps_from_the_last_count() {
        let metrics = Metrics::default();
        metrics.share(ShareEvent::Created);
        assert_eq!(metrics.stored(), None, "nothing was counted yet");
        metrics.set_stored(Stored { uploading: 1, waiting: 2, opening: 0, bytes: 7 });
        let after = |event| {
            metrics.share(event);
            let Stored { uploading, waiting, opening, .. } = metrics.stored().unwrap();
            [uploading, waiting, opening]
        };
        assert_eq!(after(ShareEvent::Committed), [0, 3, 0]);
        assert_eq!(after(ShareEvent::Opened), [0, 2, 1]);
        assert_eq!(after(ShareEvent::Finished), [0, 2, 0]);
        assert_eq!(after(ShareEvent::Expired), [0, 1, 0]);
        assert_eq!(after(ShareEvent::Revoked(StoredState::Waiting)), [0, 0, 0]);
        // Another node counted the opening.
        assert_eq!(after(ShareEvent::Revoked(StoredState::Opening)), [0, 0, 0]);
        assert_eq!(metrics.count(ShareEvent::Revoked(StoredState::Waiting)), 2);
        assert!(shown(&metrics, "share_stored_shares{state=\"waiting\"} 0") && shown(&metrics, "share_stored_bytes 7"));
    }

    #[test]
    fn a_relay_that_never_swept_has_swept_last_at_its_start() {
        let metrics = Metrics::default();
        assert!(shown(&metrics, &format!("share_sweep_success_timestamp_seconds {}", metrics.started())));
    }

    #[test]
    fn the_end_of_a_certificate_shows_while_there_is_one() {
        let metrics = Metrics::default();
        assert!(!metrics.text().contains("share_certificate_expiry_timestamp_seconds "));
        for (certificate, is_shown) in
            [(Certificate::Until(1234), true), (Certificate::Missing, false), (Certificate::Unused, false)]
        {
            metrics.set_certificate(certificate);
            assert_eq!(metrics.certificate(), certificate);
            assert_eq!(shown(&metrics, "share_certificate_expiry_timestamp_seconds 1234"), is_shown);
        }
    }
}

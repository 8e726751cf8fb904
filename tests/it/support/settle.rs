//! Checks that everything is deleted in time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use share::relay::clock::Clock;
use share::relay::rules::{Operator, Policy, StoreRelay};
use share::relay::store::Store;

use super::clock::TestClock;

/// Seconds after which a time has passed by the clock of every node.
const GRACE: u64 = 121;

pub(crate) const POLICY: Policy = Policy {
    max_bytes: 1 << 30,
    max_ttl: Duration::from_hours(2160),
    lease: Duration::from_hours(24),
    grace: Duration::from_mins(2),
    reserve: Some(0),
    direct: false,
    operator: None,
};

/// The rules over a store, on a node with its own clock.
pub(crate) fn node_over(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> StoreRelay {
    StoreRelay::new(store, clock, POLICY)
}

/// The rules of a relay with an operator.
pub(crate) fn operated(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> StoreRelay {
    operated_for(store, clock, 1 << 30)
}

/// The same with room for `max_reported` bytes of reported shares.
pub(crate) fn operated_for(store: Arc<dyn Store>, clock: Arc<dyn Clock>, max_reported: u64) -> StoreRelay {
    let (recipient, contact) = ("age1operator".to_owned(), "abuse@relay.example".to_owned());
    let operator = Some(Operator { recipient, contact, max_reported });
    StoreRelay::new(store, clock, Policy { operator, ..POLICY })
}

/// D1, D2, and at the end an empty store: no name, no marker.
pub(crate) async fn settle(store: Arc<dyn Store>, now: u64) {
    let clock = TestClock::at(now);
    let rules = StoreRelay::new(store.clone(), clock.clone(), POLICY);
    let sweep_after = async |seconds: u64| {
        clock.advance(seconds);
        rules.sweep().await.unwrap();
    };
    sweep_after(121).await;
    expect_order(&*store, false, clock.now()).await;
    sweep_after(86_400 + 121).await;
    expect_order(&*store, true, clock.now()).await;
    // Days until unopened shares have expired, openings have lapsed, and records of ended shares are removed.
    for days in [91, 2, 2, 31, 1] {
        sweep_after(days * 86_400 + 121).await;
    }
    for prefix in ["v1/", "due/", "reports/"] {
        let left = store.list(prefix, None).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// D1: no content of shares that have ended is left, but for what is held or was reported. With `all_complete`, D2:
/// none of incomplete uploads either.
pub(crate) async fn expect_order(store: &dyn Store, all_complete: bool, now: u64) {
    for object in store.list("v1/", None).await.unwrap() {
        let name = object.name;
        if !is_data(&name) {
            continue;
        }
        let id = name.split('/').nth(1).unwrap();
        let (seal, claim) = (record(store, id, "seal").await, record(store, id, "claim").await);
        let is = |record: &Option<Value>, state: &str| record.as_ref().is_some_and(|record| record["state"] == state);
        let has_ended = is(&seal, "aborted")
            || (claim.is_some() && !is(&claim, "claimed"))
            || record(store, id, "end").await.is_some();
        assert!(!has_ended || may_be_kept(store, &name, now).await, "{name} is left of a share that has ended");
        assert!(seal.is_some() || !all_complete, "{name} is left of a share that was never complete");
    }
}

/// A record of a share.
async fn record(store: &dyn Store, id: &str, name: &str) -> Option<Value> {
    let found = store.read(&format!("v1/{id}/{name}"), 0).await.unwrap();
    Some(serde_json::from_slice(&found?.whole().await.unwrap()).unwrap())
}

/// Whether a share that has ended may still have this object of content: its hold is not over, or it was reported.
async fn may_be_kept(store: &dyn Store, name: &str, now: u64) -> bool {
    let id = name.split('/').nth(1).unwrap();
    let (Some(seal), Some(claim)) = (record(store, id, "seal").await, record(store, id, "claim").await) else {
        return false;
    };
    let is_committed = match name.split("/part/").nth(1).and_then(|part| part.split_once('-')) {
        Some((number, crc)) => seal["parts"][number.parse::<usize>().unwrap()] == crc,
        None => name.ends_with("/manifest"),
    };
    let Some(hold) = seal["hold"].as_u64().filter(|_| is_committed && claim["state"] == "claimed") else {
        return false;
    };
    let end = record(store, id, "end").await;
    let ended = end.as_ref().map_or(&claim["until"], |end| &end["at"]).as_u64().unwrap();
    let is_reported = match record(store, id, "report").await {
        Some(report) if report["state"] == "closed" => return false,
        Some(_) => record(store, id, "review").await.is_none(),
        None => false,
    };
    is_reported || now <= ended + hold + GRACE
}

/// Whether an object holds ciphertext or a guess.
pub(crate) fn is_data(name: &str) -> bool {
    name.contains("/part/") || name.contains("/try/") || name.ends_with("/manifest")
}

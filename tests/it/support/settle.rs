//! Checks that everything is deleted in time.

use std::sync::Arc;
use std::time::Duration;

use share::relay::clock::Clock;
use share::relay::rules::{Operator, Policy, StoreRelay};
use share::relay::store::Store;

use super::clock::TestClock;

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
    expect_order(&*store, false).await;
    sweep_after(86_400 + 121).await;
    expect_order(&*store, true).await;
    // Days until unopened shares have expired, openings have lapsed, and records of ended shares are removed.
    for days in [91, 2, 2, 31] {
        sweep_after(days * 86_400 + 121).await;
    }
    for prefix in ["v1/", "due/"] {
        let left = store.list(prefix, None).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// D1: no content of shares that have ended is left. With `all_complete`, D2: none of incomplete uploads either.
pub(crate) async fn expect_order(store: &dyn Store, all_complete: bool) {
    let holds = async |id: &str, record: &str, word: &str| {
        let found = store.read(&format!("v1/{id}/{record}"), 0).await.unwrap();
        let bytes = found?.whole().await.unwrap();
        Some(String::from_utf8_lossy(&bytes).contains(word))
    };
    for object in store.list("v1/", None).await.unwrap() {
        let name = object.name;
        if !is_data(&name) {
            continue;
        }
        let id = name.split('/').nth(1).unwrap();
        let committed = holds(id, "seal", "\"sealed\"").await;
        let has_ended = committed == Some(false)
            || holds(id, "claim", "\"claimed\"").await == Some(false)
            || holds(id, "end", "").await.is_some();
        assert!(!has_ended, "{name} is left of a share that has ended");
        assert!(committed.is_some() || !all_complete, "{name} is left of a share that was never complete");
    }
}

/// Whether an object holds ciphertext or a guess.
pub(crate) fn is_data(name: &str) -> bool {
    name.contains("/part/") || name.contains("/try/") || name.ends_with("/manifest")
}

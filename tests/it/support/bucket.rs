//! Relays over a bucket, and the bucket's objects.

use std::sync::Arc;
use std::time::Instant;

use share::relay::clock::{Clock, SystemClock};

use super::raw::PATIENCE;
use super::s3::TestS3;
use super::sandbox::{RelayProcess, Run, Sandbox};
use super::settle::{is_data, settle};

/// The objects with ciphertext in the bucket.
pub(crate) fn data(s3: &TestS3) -> Vec<String> {
    s3.names().into_iter().filter(|name| is_data(name)).collect()
}

/// Waits until no ciphertext is left: a relay deletes it after its answer.
pub(crate) fn expect_no_data(s3: &TestS3) {
    let begun = Instant::now();
    while !data(s3).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", data(s3));
        std::thread::yield_now();
    }
}

/// Sweeps at ever later times, and checks that everything is deleted in time.
pub(crate) fn settle_bucket(s3: &TestS3, prefix: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(settle(Arc::new(s3.bucket(prefix)), SystemClock.now()));
}

/// A run of a relay over the bucket.
pub(crate) fn relay_over_bucket(sandbox: &Sandbox, s3: &TestS3) -> Run {
    let store = TestS3::url("relay");
    let options = ["--anyone", "--max-lifetime", "90d", "-vv"];
    sandbox.share(["relay", "--listen", "127.0.0.1:0", "--store", &store].iter().chain(&options)).envs(s3.settings())
}

/// A running relay over the bucket.
pub(crate) fn node(sandbox: &Sandbox, s3: &TestS3) -> RelayProcess {
    sandbox.start_as_relay(relay_over_bucket(sandbox, s3))
}

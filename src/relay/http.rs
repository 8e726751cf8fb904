//! Settings of the HTTP client for relays and object stores.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};

/// Time to establish a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The longest silence on a connection.
pub(super) const IDLE_TIME: Duration = Duration::from_mins(1);
/// The slowest rate of a body, in bytes a second.
const SLOWEST: u64 = 8 * 1024;

/// A client that gives up on a connection after a silence of `idle`. It follows no redirects and repeats no requests:
/// its caller decides which requests may be repeated.
pub(super) fn builder(idle: Duration) -> ClientBuilder {
    // Fails only if a provider is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIME.min(idle))
        // Detects a dead connection during a body; a slow one is no error.
        .tcp_user_timeout(idle)
        .tcp_nodelay(true)
        .http1_only()
        .referer(false)
        .retry(retry::never())
}

/// The longest time for a body of `len` bytes at the slowest rate, shared with one more body.
pub(super) fn time_for(len: u64, idle: Duration) -> Duration {
    idle + Duration::from_secs(2 * len / SLOWEST)
}

//! Settings of the HTTP client, one for relays and object stores.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};

/// A connection that is not there after this long is given up.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The longest time for which nothing may move on a connection.
pub(super) const IDLE_TIME: Duration = Duration::from_mins(1);
/// The slowest line on which a body is waited for, in bytes a second.
const SLOWEST: u64 = 8 * 1024;

/// A client on whose connections nothing may stand still for longer than `idle`. It follows no redirects, and repeats
/// nothing by itself: its user decides which requests may be repeated.
pub(super) fn builder(idle: Duration) -> ClientBuilder {
    // Fails only if it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIME.min(idle))
        // Notices a line that is dead while a body is on its way; a slow one is no reason to give up.
        .tcp_user_timeout(idle)
        .tcp_nodelay(true)
        .http1_only()
        .referer(false)
        .retry(retry::never())
}

/// The longest time for a body of `len` bytes on the slowest line, on which another one may be on its way too.
pub(super) fn time_for(len: u64, idle: Duration) -> Duration {
    idle + Duration::from_secs(2 * len / SLOWEST)
}

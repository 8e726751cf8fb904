//! Log lines, for `-v` and for relays.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends our own log lines, and nobody else's, to standard error.
pub(in crate::cli) fn log(verbose: u8, server: bool) {
    let level = match (verbose, server) {
        (0, false) => LevelFilter::OFF,
        (0, true) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false);
    // Libraries log URLs and headers.
    let ours = Targets::new().with_target("share", level);
    let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
}

//! Log lines, for `-v` and for relays: as text, as JSON, or for journald.
//!
//! Only this crate's own events are logged, whatever the level: libraries log URLs and headers.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::structured::{JournalEntries, JsonLines};
use crate::platform::service::Journal;
use crate::safe_text::{printable, reason};

/// Levels by name, least detail first.
const LEVELS: [(&str, LevelFilter); 5] = [
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// The form of the log of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
    /// Entries in the journal of systemd.
    Journald,
}

/// Logs the events of this crate. `verbose` counts `-v`; where it is 0, `SHARE_LOG` sets the level, except that a
/// `quiet` server logs errors alone. `server` has the format of a server's log.
///
/// # Errors
/// `SHARE_LOG` is neither a level nor a number; journald does not run.
pub(in crate::cli) fn log(verbose: u8, quiet: bool, server: Option<LogFormat>) -> Result<(), Failure> {
    let is_server = server.is_some();
    let level = match std::env::var("SHARE_LOG") {
        _ if verbose == 0 && quiet && is_server => LevelFilter::ERROR,
        Ok(value) if verbose == 0 && !value.is_empty() => level(&value, is_server).ok_or_else(|| {
            let names = LEVELS.map(|(name, _)| name).join(", ");
            let what = format!("invalid value '{}' for SHARE_LOG", printable(&value));
            Failure::usage(what, format!("one of: {names}, or a number"))
        })?,
        _ => numbered(verbose, is_server),
    };
    let lines = match server.unwrap_or(LogFormat::Text) {
        LogFormat::Text => {
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false).boxed()
        }
        LogFormat::Json => JsonLines.boxed(),
        LogFormat::Journald => JournalEntries(journal()?).boxed(),
    };
    let ours = Targets::new().with_target("share", level);
    let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
    Ok(())
}

/// The journal of systemd.
fn journal() -> Result<Journal, Failure> {
    Journal::open().map_err(|error| {
        Failure::local(
            format!("journald cannot be reached: {}", reason(&error)),
            Hint::line("use --log text or --log json"),
        )
    })
}

/// The level for a value of `SHARE_LOG`: a name in any case, or how many times `-v` would be given.
fn level(value: &str, is_server: bool) -> Option<LevelFilter> {
    let named = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    named.map(|(_, level)| *level).or_else(|| value.parse().ok().map(|count| numbered(count, is_server)))
}

/// The level for so many `-v`. A server logs requests without any.
fn numbered(verbose: u8, is_server: bool) -> LevelFilter {
    match (verbose, is_server) {
        (0, false) => LevelFilter::OFF,
        (0, true) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_names_and_numbers() {
        for (value, client, server) in [
            ("0", Some(LevelFilter::OFF), Some(LevelFilter::INFO)),
            ("1", Some(LevelFilter::DEBUG), Some(LevelFilter::DEBUG)),
            ("2", Some(LevelFilter::TRACE), Some(LevelFilter::TRACE)),
            ("error", Some(LevelFilter::ERROR), Some(LevelFilter::ERROR)),
            ("Warn", Some(LevelFilter::WARN), Some(LevelFilter::WARN)),
            ("INFO", Some(LevelFilter::INFO), Some(LevelFilter::INFO)),
            ("debug", Some(LevelFilter::DEBUG), Some(LevelFilter::DEBUG)),
            ("trace", Some(LevelFilter::TRACE), Some(LevelFilter::TRACE)),
            ("loud", None, None),
            ("-1", None, None),
        ] {
            assert_eq!((level(value, false), level(value, true)), (client, server), "{value}");
        }
    }
}

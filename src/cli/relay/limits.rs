//! The limits of `share relay`.

use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, ValueHint};

use crate::blob;
use crate::cli::context::duration;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::relay::server::Limits;
use crate::relay::{MAX_TTL, MIN_TTL};

/// The largest share that can be announced: the list of its parts must fit into a request.
const LARGEST: ByteSize = ByteSize::gib(48);
/// The smallest padded share.
const SMALLEST: ByteSize = ByteSize(blob::MIN_LEN);

/// The heading of these options.
const LIMITS: &str = "Limits (per address: an IPv4 address or IPv6 /64)";
/// The value that lifts a limit.
const NONE: &str = "none";

/// The limits of a relay that runs here.
#[derive(Args)]
#[command(next_help_heading = LIMITS)]
pub(super) struct LimitArgs {
    /// Accept shares up to SIZE
    #[arg(
        long, value_name = "SIZE", default_value = "4GiB", value_parser = size, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_size: ByteSize,
    /// Accept shares that wait for up to TIME
    #[arg(
        long, value_name = "TIME", default_value = "90d", value_parser = duration, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_lifetime: Duration,
    /// Store up to SIZE in all [default: what the disk has room for]
    #[arg(long, value_name = "SIZE", value_parser = size, value_hint = ValueHint::Other, hide_short_help = true)]
    max_stored: Option<ByteSize>,
    /// Accept up to N requests a minute per address [default: 6000; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "6000", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_requests: Most<NonZeroU32>,
    /// Accept up to N new shares an hour per address, and per create token [default: 240; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "240", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_shares: Most<NonZeroU32>,
    /// Transfer up to SIZE an hour per address, both ways; accept up to SIZE an hour per create token
    /// [default: 64GiB; none: no limit]
    #[arg(
        long, value_name = "SIZE", default_value = "64GiB", value_parser = traffic, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_traffic: Most<u64>,
    /// Accept up to N connections at once per address, of 4096 in all [default: 128; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "128", value_parser = connections, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_connections: Most<NonZeroU32>,
    /// Accept up to N unfinished uploads per address, and per create token [default: 64; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "64", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_uploads: Most<NonZeroU32>,
    /// Receive up to N parts at once per address; further ones wait [default: 8; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "8", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_parallel: Most<NonZeroU32>,
    /// End transfers slower than SIZE a second, averaged over 60 seconds [default: 512B; none: no limit]
    #[arg(
        long, value_name = "SIZE", default_value = "512B", value_parser = rate, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    min_rate: Most<u64>,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug)]
struct Most<T>(Option<T>);

/// A size, such as 4GiB.
pub(super) fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| "expected a size like 500MB or 4GiB".to_owned())
}

fn count(text: &str) -> Result<Most<NonZeroU32>, String> {
    if text == NONE {
        return Ok(Most(None));
    }
    text.parse().map(|count| Most(Some(count))).map_err(|_| "expected a whole number of at least 1, or none".to_owned())
}

fn connections(text: &str) -> Result<Most<NonZeroU32>, String> {
    let most = count(text)?;
    if most.0.is_none_or(|count| count.get() as usize <= Limits::ALL_CONNECTIONS) {
        return Ok(most);
    }
    Err(format!("expected 1 to {}, the limit of all addresses together, or none", Limits::ALL_CONNECTIONS))
}

fn size_or_none(text: &str) -> Result<Most<u64>, String> {
    if text == NONE { Ok(Most(None)) } else { Ok(Most(Some(size(text)?.as_u64()))) }
}

fn traffic(text: &str) -> Result<Most<u64>, String> {
    let most = size_or_none(text)?;
    if most.0.is_none_or(|bytes| (Limits::MIN_TRAFFIC..=Limits::MAX_TRAFFIC).contains(&bytes)) {
        return Ok(most);
    }
    let [min, max] = [Limits::MIN_TRAFFIC, Limits::MAX_TRAFFIC].map(format::binary);
    Err(format!("expected {min} to {max}, or none"))
}

fn rate(text: &str) -> Result<Most<u64>, String> {
    let rate = size_or_none(text)?;
    if rate.0.is_none_or(|bytes| (1..=Limits::MAX_MIN_RATE).contains(&bytes)) {
        return Ok(rate);
    }
    Err(format!("expected 1 byte to {}, or none", format::binary(Limits::MAX_MIN_RATE)))
}

impl LimitArgs {
    /// The limits of each client, without trusted proxies.
    pub(super) fn of_clients(&self) -> Limits {
        let at_once = |most: &Most<NonZeroU32>| most.0.map(|count| count.get() as usize);
        Limits {
            requests: self.max_requests.0,
            shares: self.max_shares.0,
            traffic: self.max_traffic.0,
            connections: at_once(&self.max_connections),
            parts: at_once(&self.max_parallel),
            uploads: at_once(&self.max_uploads),
            min_rate: self.min_rate.0.unwrap_or(0),
            ..Limits::default()
        }
    }

    /// The largest share, in bytes.
    pub(super) fn max_bytes(&self) -> Result<u64, Failure> {
        if (SMALLEST..=LARGEST).contains(&self.max_size) {
            return Ok(self.max_size.as_u64().min(self.max_stored().unwrap_or(u64::MAX)));
        }
        let [min, max] = [SMALLEST, LARGEST].map(|size| format::binary(size.as_u64()));
        Err(Failure::usage(format!("--max-size takes {min} to {max}"), Hint::run("--max-size 4GiB")))
    }

    /// The longest time from the commit to expiry.
    pub(super) fn max_ttl(&self) -> Result<Duration, Failure> {
        if (MIN_TTL..=MAX_TTL).contains(&self.max_lifetime) {
            return Ok(self.max_lifetime);
        }
        let [min, max] = [MIN_TTL, MAX_TTL].map(|time| humantime::format_duration(time).to_string());
        Err(Failure::usage(format!("--max-lifetime takes {min} to {max}"), Hint::run("--max-lifetime 14d")))
    }

    /// The most bytes of all shares together.
    pub(super) fn max_stored(&self) -> Option<u64> {
        self.max_stored.map(|size| size.as_u64())
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgMatches, Command, FromArgMatches};

    use super::*;

    fn command() -> Command {
        LimitArgs::augment_args(Command::new("relay"))
    }

    fn parsed(args: &[&str]) -> Result<Limits, clap::Error> {
        let matches: ArgMatches = command().try_get_matches_from([&["relay"], args].concat())?;
        Ok(LimitArgs::from_arg_matches(&matches)?.of_clients())
    }

    #[test]
    fn the_defaults_are_those_of_the_server_and_of_the_help() {
        assert_eq!(format!("{:?}", parsed(&[]).unwrap()), format!("{:?}", Limits::default()));
        let mut count = 0;
        for arg in command().get_arguments().filter(|arg| arg.is_hide_default_value_set()) {
            let default = arg.get_default_values().join("".as_ref()).into_string().unwrap();
            let help = arg.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}; none: no limit]")), "{help}");
            count += 1;
        }
        assert_eq!(count, 7);
    }

    #[test]
    fn none_lifts_a_limit_that_says_so() {
        for arg in command().get_arguments() {
            let (option, help) = (format!("--{}", arg.get_id()).replace('_', "-"), arg.get_help().unwrap().to_string());
            assert_eq!(parsed(&[&option, "none"]).is_ok(), help.contains("none: no limit"), "{option}");
        }
    }

    #[test]
    fn an_address_has_no_more_connections_than_all_together() {
        let help = command().render_long_help().to_string();
        assert!(help.contains(&format!("of {} in all", Limits::ALL_CONNECTIONS)), "{help}");
        assert_eq!(parsed(&["--max-connections", "4096"]).unwrap().connections, Some(4096));
        let refused = parsed(&["--max-connections", "4097"]).unwrap_err().to_string();
        assert!(refused.contains("expected 1 to 4096"), "{refused}");
    }
}

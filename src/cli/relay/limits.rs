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
const LIMITS: &str = "Limits (an address: IPv4, or an IPv6 /64; `none` lifts a limit)";
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
    /// Accept N requests a minute from an address
    #[arg(
        long, value_name = "N", default_value = "6000", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_requests: Most<NonZeroU32>,
    /// Accept N new shares an hour from an address, or by a create token
    #[arg(
        long, value_name = "N", default_value = "240", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_shares: Most<NonZeroU32>,
    /// Transfer SIZE an hour, both ways together, for an address; accept SIZE an hour by a create token
    #[arg(
        long, value_name = "SIZE", default_value = "64GiB", value_parser = traffic, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_traffic: Most<u64>,
    /// Accept N connections at once from an address
    #[arg(
        long, value_name = "N", default_value = "128", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_connections: Most<NonZeroU32>,
    /// Accept N unfinished uploads at once from an address, or by a create token
    #[arg(
        long, value_name = "N", default_value = "64", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    max_uploads: Most<NonZeroU32>,
    /// End transfers slower than SIZE a second, averaged over 60 seconds
    #[arg(
        long, value_name = "SIZE", default_value = "512B", value_parser = rate, value_hint = ValueHint::Other,
        hide_short_help = true
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
    text.parse().map(|count| Most(Some(count))).map_err(|_| "expected a number from 1 on, or none".to_owned())
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

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
/// The option with which strangers may create shares. Its defaults are such that a few of them cannot fill a disk.
const ANYONE: &str = "anyone";
/// The value of that option if it is given. Without it, it has another one.
const SET: &str = "true";
const STRANGERS_SIZE: &str = "100MiB";
const STRANGERS_LIFETIME: &str = "3d";
const STRANGERS_STORED: &str = "64GiB";
const STRANGERS_SHARES: &str = "20";
const STRANGERS_TRAFFIC: &str = "256MiB";
const STRANGERS_UPLOADS: &str = "8";
/// The value that lifts a limit.
const NONE: &str = "none";

/// The limits of a relay that runs here.
#[derive(Args)]
#[command(next_help_heading = LIMITS)]
pub(super) struct LimitArgs {
    /// Accept shares up to SIZE [default: 4GiB, with --anyone 100MiB]
    #[arg(
        long, value_name = "SIZE", default_value = "4GiB",
        default_value_if(ANYONE, SET, STRANGERS_SIZE),
        value_parser = size, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_size: ByteSize,
    /// Accept shares that wait for up to TIME [default: 90d, with --anyone 3d]
    #[arg(
        long, value_name = "TIME", default_value = "90d",
        default_value_if(ANYONE, SET, STRANGERS_LIFETIME),
        value_parser = duration, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_lifetime: Duration,
    /// Store up to SIZE in all [default: what the disk has room for, with --anyone 64GiB]
    #[arg(
        long, value_name = "SIZE", default_value_if(ANYONE, SET, STRANGERS_STORED),
        value_parser = size, value_hint = ValueHint::Other, hide_short_help = true
    )]
    max_stored: Option<ByteSize>,
    /// Accept up to N requests a minute per address [default: 6000; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "6000", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_requests: Most<NonZeroU32>,
    /// Accept up to N new shares an hour per address, and per create token
    /// [default: 240, with --anyone 20; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "240",
        default_value_if(ANYONE, SET, STRANGERS_SHARES),
        value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_shares: Most<NonZeroU32>,
    /// Transfer up to SIZE an hour per address, both ways; accept up to SIZE an hour per create token
    /// [default: 64GiB, with --anyone 256MiB; none: no limit]
    #[arg(
        long, value_name = "SIZE", default_value = "64GiB",
        default_value_if(ANYONE, SET, STRANGERS_TRAFFIC),
        value_parser = traffic, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_traffic: Most<u64>,
    /// Accept up to N connections at once per address, of 4096 in all [default: 128; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "128", value_parser = connections, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_connections: Most<NonZeroU32>,
    /// Accept up to N unfinished uploads per address, and per create token
    /// [default: 64, with --anyone 8; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "64",
        default_value_if(ANYONE, SET, STRANGERS_UPLOADS),
        value_parser = count, value_hint = ValueHint::Other,
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
pub(super) struct Most<T>(pub(super) Option<T>);

/// A size, such as 4GiB.
pub(super) fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| "expected a size like 500MB or 4GiB".to_owned())
}

/// A number, or `none`.
pub(super) fn count(text: &str) -> Result<Most<NonZeroU32>, String> {
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
    use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

    use super::*;
    use crate::relay::LEASE;
    use crate::relay::rules::Policy;

    fn command() -> Command {
        let anyone = Arg::new(ANYONE).long(ANYONE).action(ArgAction::SetTrue);
        LimitArgs::augment_args(Command::new("relay").arg(anyone))
    }

    fn parsed(args: &[&str]) -> Result<LimitArgs, clap::Error> {
        let matches: ArgMatches = command().try_get_matches_from([&["relay"], args].concat())?;
        LimitArgs::from_arg_matches(&matches)
    }

    #[test]
    fn the_defaults_are_those_of_the_server_and_of_the_help() {
        let limits = |args: &[&str]| format!("{:?}", parsed(args).unwrap().of_clients());
        assert_eq!(limits(&[]), format!("{:?}", Limits::default()));
        let usual = parsed(&[]).unwrap();
        assert_eq!(usual.max_bytes().unwrap(), Policy::default().max_bytes);
        assert_eq!((usual.max_ttl().unwrap(), usual.max_stored()), (MAX_TTL, None));
        let (mut of_strangers, mut hidden) = (Vec::new(), 0);
        for arg in command().get_arguments().filter(|arg| arg.get_id() != ANYONE) {
            let (id, help) = (arg.get_id().as_str(), arg.get_help().unwrap().to_string());
            let stated = help.split_once("[default: ").and_then(|(_, stated)| stated.strip_suffix(']')).unwrap();
            let stated = stated.trim_end_matches("; none: no limit");
            let (default, of_stranger) = stated.split_once(", with --anyone ").unwrap_or((stated, ""));
            if arg.is_hide_default_value_set() {
                assert_eq!(arg.get_default_values().join("".as_ref()), default, "{help}");
                hidden += 1;
            }
            if !of_stranger.is_empty() {
                of_strangers.extend([format!("--{}", id.replace('_', "-")), of_stranger.to_owned()]);
            }
        }
        assert_eq!((hidden, of_strangers.len()), (9, 12), "{of_strangers:?}");
        // To set what the help states for strangers has the same effect.
        let of_strangers: Vec<_> = of_strangers.iter().map(String::as_str).collect();
        let (set, anyone) = (parsed(&of_strangers).unwrap(), parsed(&["--anyone"]).unwrap());
        assert_eq!(limits(&of_strangers), limits(&["--anyone"]));
        assert_ne!(limits(&of_strangers), limits(&[]));
        let policy = |args: &LimitArgs| (args.max_bytes().unwrap(), args.max_ttl().unwrap(), args.max_stored());
        assert_eq!(policy(&set), policy(&anyone));
        // An option that is set wins, in any order.
        for args in [["--max-shares", "99", "--anyone"], ["--anyone", "--max-shares", "99"]] {
            assert_eq!(parsed(&args).unwrap().of_clients().shares, NonZeroU32::new(99));
        }
    }

    #[test]
    fn few_strangers_cannot_fill_a_disk_as_the_documentation_states() {
        let args = parsed(&["--anyone"]).unwrap();
        let (Limits { traffic, uploads, .. }, stored) = (args.of_clients(), args.max_stored().unwrap());
        // At first a whole hour's bytes at once, and then as much in each hour.
        let of_a_day = 25 * traffic.unwrap();
        let gib = |bytes: u64| format!("{}.{:02} GiB", bytes >> 30, ((bytes % (1 << 30)) * 100) >> 30);
        let days = args.max_ttl().unwrap().as_secs() / 86_400;
        // A recipient may claim a share just before it expires, and the unfinished uploads may wait for a commit.
        let hours = 24 * days + LEASE.as_secs() / 3600;
        let held = traffic.unwrap() * (hours + 1) + uploads.unwrap() as u64 * args.max_bytes().unwrap();
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/relay.md")).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in [
            format!("uploads at most {} in its first day", gib(of_a_day)),
            format!("{} addresses fill the {} ", stored.div_ceil(of_a_day), format::binary(stored)),
            format!("{} addresses would fill a disk of 100 GB", 100_000_000_000_u64.div_ceil(of_a_day)),
            format!("never has more than {} there", gib(held)),
        ] {
            assert!(text.contains(&sentence), "{sentence}");
        }
    }

    #[test]
    fn none_lifts_a_limit_that_says_so() {
        for arg in command().get_arguments().filter(|arg| arg.get_id() != ANYONE) {
            let (option, help) = (format!("--{}", arg.get_id()).replace('_', "-"), arg.get_help().unwrap().to_string());
            assert_eq!(parsed(&[&option, "none"]).is_ok(), help.contains("none: no limit"), "{option}");
        }
    }

    #[test]
    fn an_address_has_no_more_connections_than_all_together() {
        let help = command().render_long_help().to_string();
        assert!(help.contains(&format!("of {} in all", Limits::ALL_CONNECTIONS)), "{help}");
        assert_eq!(parsed(&["--max-connections", "4096"]).unwrap().of_clients().connections, Some(4096));
        let refused = parsed(&["--max-connections", "4097"]).err().unwrap().to_string();
        assert!(refused.contains("expected 1 to 4096"), "{refused}");
    }
}

//! The operator of `share relay`, to whom recipients can report what they were sent.

use std::num::NonZeroU32;

use bytesize::ByteSize;
use clap::{Args, ValueHint};

use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::cli::relay::limits::{Most, count, size};
use crate::cli::stores::IN_MEMORY;
use crate::relay::rules::Operator;
use crate::relay::server::Limits;
use crate::relay::store::Store;
use crate::relay::{MAX_REPORT_RECORD, MAX_SEALED_MANIFEST};
use crate::report::{KeyError, Recipient};
use crate::safe_text::plain;

/// The longest way to reach an operator, in characters.
const MAX_CONTACT: usize = 200;
/// The least room for reported shares, unless the store is small.
const LEAST_ROOM: u64 = 1 << 30;
/// The room for reported shares in a bucket without a limit.
const ROOM_IN_BUCKET: u64 = 100 << 30;
/// The bytes that the report of a share takes besides those of its blob, at most.
const BESIDE_BLOB: u64 = MAX_SEALED_MANIFEST as u64 + MAX_REPORT_RECORD;
/// The part of the room for reported shares that one address may use.
const PART_OF_ADDRESS: u64 = 4;

/// The heading of these options.
const REPORTS: &str = "Reports";

/// The options about reports.
#[derive(Args)]
#[command(next_help_heading = REPORTS)]
pub(super) struct ReportingArgs {
    /// Let recipients report what they were sent to the holder of this age key, and keep opened shares for an hour
    #[arg(
        long, value_name = "RECIPIENT", env = "SHARE_OPERATOR_RECIPIENT", value_hint = ValueHint::Other,
        requires = "contact", hide_short_help = true
    )]
    operator_recipient: Option<String>,
    /// Tell people how to reach you
    #[arg(
        long, value_name = "TEXT", env = "SHARE_CONTACT", value_parser = contact, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    contact: Option<String>,
    /// Keep up to SIZE of reported shares [default: a tenth of the store, or what the largest share needs]
    #[arg(
        long, value_name = "SIZE", value_parser = size, value_hint = ValueHint::Other, requires = "operator_recipient",
        hide_short_help = true
    )]
    max_reported: Option<ByteSize>,
    /// Accept up to N reports an hour per address [default: 10; none: no limit]
    #[arg(
        long, value_name = "N", default_value = "10", value_parser = count, value_hint = ValueHint::Other,
        hide_short_help = true, hide_default_value = true
    )]
    max_reports: Most<NonZeroU32>,
}

/// A way to reach an operator, as everybody may see it.
fn contact(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || plain(text, |_| '\u{fffd}') != text {
        return Err("expected one line of text, like abuse@relay.example".to_owned());
    }
    if text.chars().count() > MAX_CONTACT {
        return Err(format!("expected at most {MAX_CONTACT} characters"));
    }
    Ok(text.to_owned())
}

/// The error of a text that is no recipient. It does not repeat the text, which may be secret.
fn unusable(error: &KeyError) -> Failure {
    let hint = match error {
        KeyError::Kind(_) => Hint::line("make an X25519 key: age-keygen"),
        _ => Hint::line("use --operator-recipient age1…, the public key that age-keygen prints"),
    };
    Failure::usage(error.to_string(), hint)
}

/// Half of `all`, rounded down to a whole unit, as an argument.
fn half(all: u64) -> String {
    match all / 2 {
        half if half >= 1 << 30 => format!("{}GiB", half >> 30),
        half => format!("{}MiB", half >> 20),
    }
}

/// The warning about a store whose free space is set aside for reported shares.
pub(super) fn no_room_beside(max_reported: u64) -> String {
    let room = format::binary(max_reported);
    format!("no upload is accepted: the store has no room beside the {room} for reported shares; lower --max-reported")
}

/// The warning about a room for reported shares that is smaller than the largest share, if it is.
pub(super) fn larger_than_room(max_bytes: u64, max_reported: u64) -> Option<String> {
    let longest = max_reported.saturating_sub(BESIDE_BLOB);
    let (size, mib) = (format::binary(longest), longest >> 20);
    let what =
        format!("shares over {size} cannot be reported: the room for reported shares is smaller than --max-size");
    (longest < max_bytes).then(|| format!("{what}; for example: --max-size {mib}MiB"))
}

impl ReportingArgs {
    /// How to reach the operator.
    pub(super) fn contact(&self) -> Option<&str> {
        self.contact.as_deref()
    }

    /// The recipient of reports in its usual form, for a relay with this store.
    ///
    /// # Errors
    /// The key or the store is unfit.
    pub(super) fn recipient(&self, store: Option<&str>) -> Result<Option<String>, Failure> {
        let Some(text) = &self.operator_recipient else { return Ok(None) };
        let recipient: Recipient = text.parse().map_err(|error| unusable(&error))?;
        if store == Some(IN_MEMORY) {
            return Err(Failure::usage(
                "a relay in memory cannot keep reports",
                Hint::line("use --store with a folder or bucket"),
            ));
        }
        Ok(Some(recipient.to_string()))
    }

    /// The operator of a relay over `store`, which may hold `max_stored` bytes, for shares of up to `max_bytes`.
    ///
    /// # Errors
    /// As of [`Self::recipient`]; the room for reported shares is too large; the store does not answer.
    pub(super) async fn operator(
        &self,
        name: Option<&str>,
        store: &dyn Store,
        max_stored: Option<u64>,
        max_bytes: u64,
    ) -> Result<Option<Operator>, Failure> {
        let (Some(recipient), Some(contact)) = (self.recipient(name)?, self.contact.clone()) else { return Ok(None) };
        let space = store.space().await.map_err(anyhow::Error::from)?;
        let max_reported = self.room(max_stored, space.map(|space| space.total), max_bytes)?;
        Ok(Some(Operator { recipient, contact, max_reported }))
    }

    /// The room for reported shares in a store that may hold `max_stored` bytes, on a disk of `total` bytes: for one of
    /// `max_bytes` at least, where half of the store is enough for that.
    fn room(&self, max_stored: Option<u64>, total: Option<u64>, max_bytes: u64) -> Result<u64, Failure> {
        let all = match (max_stored, total) {
            (Some(max), total) if total.is_none_or(|total| max <= total) => Some((max, "--max-stored")),
            (_, total) => total.map(|total| (total, "the disk")),
        };
        let (Some(given), Some((all, what))) = (self.max_reported, all) else {
            let least = max_bytes.saturating_add(BESIDE_BLOB).max(LEAST_ROOM);
            let usual = all.map_or(ROOM_IN_BUCKET.max(least), |(all, _)| (all / 10).max(least).min(all / 2));
            return Ok(self.max_reported.map_or(usual, |given| given.as_u64()));
        };
        if given.as_u64() > all / 2 {
            return Err(Failure::usage(
                format!("--max-reported takes at most half of {what}, which is {}", format::binary(all)),
                Hint::run(format!("--max-reported {}", half(all))),
            ));
        }
        Ok(given.as_u64())
    }

    /// `limits` with those of reports.
    pub(super) fn limit(&self, limits: Limits, operator: Option<&Operator>) -> Limits {
        let reported = operator.map(|operator| operator.max_reported / PART_OF_ADDRESS);
        Limits { reports: self.max_reports.0, reported, ..limits }
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgMatches, Command, FromArgMatches};

    use super::*;

    const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn parsed(args: &[&str]) -> Result<ReportingArgs, clap::Error> {
        let command = ReportingArgs::augment_args(Command::new("relay"));
        let matches: ArgMatches = command.try_get_matches_from([&["relay"], args].concat())?;
        ReportingArgs::from_arg_matches(&matches)
    }

    #[test]
    fn the_room_is_a_tenth_of_the_store_within_bounds() {
        const GIB: u64 = 1 << 30;
        const LARGEST: u64 = 4 * GIB + BESIDE_BLOB;
        let usual = parsed(&["--operator-recipient", KEY, "--contact", "me"]).unwrap();
        for (max_stored, total, expected) in [
            (Some(64 * GIB), Some(1000 * GIB), 64 * GIB / 10),
            (Some(64 * GIB), Some(20 * GIB), LARGEST),
            (None, Some(1000 * GIB), 100 * GIB),
            (None, Some(40 * GIB), LARGEST),
            (None, Some(9 * GIB), LARGEST),
            (None, Some(8 * GIB), 4 * GIB),
            (None, Some(5 * GIB), 5 * GIB / 2),
            (Some(GIB), Some(1000 * GIB), GIB / 2),
            (Some(1000 * GIB), None, 100 * GIB),
            (None, None, ROOM_IN_BUCKET),
        ] {
            let room = usual.room(max_stored, total, 4 * GIB).unwrap();
            assert_eq!(room, expected, "{max_stored:?} {total:?}");
            assert_eq!(larger_than_room(4 * GIB, room).is_some(), room < LARGEST);
        }
        assert_eq!(usual.room(None, Some(5 * GIB), GIB / 2).unwrap(), GIB);
        assert_eq!(usual.room(None, None, 200 * GIB).unwrap(), 200 * GIB + BESIDE_BLOB);
        let set = parsed(&["--operator-recipient", KEY, "--contact", "me", "--max-reported", "5GiB"]).unwrap();
        assert_eq!(set.room(Some(10 * GIB), None, 4 * GIB).unwrap(), 5 * GIB);
        assert_eq!(set.room(None, None, 4 * GIB).unwrap(), 5 * GIB);
        for (max_stored, total, what) in [
            (Some(9 * GIB), None, "--max-stored, which is 9.0 GiB"),
            (None, Some(8 * GIB), "the disk, which is 8.0 GiB"),
        ] {
            let message = set.room(max_stored, total, 4 * GIB).unwrap_err().message();
            assert_eq!(message.what, format!("--max-reported takes at most half of {what}"));
            assert_eq!(message.hint.unwrap().as_str(), "--max-reported 4GiB");
        }
    }

    #[test]
    fn the_size_in_the_warning_can_be_reported() {
        let warning = larger_than_room(4 << 30, 1 << 30).unwrap();
        let expected = "shares over 1022 MiB cannot be reported: the room for reported shares is smaller than \
                        --max-size; for example: --max-size 1022MiB";
        assert_eq!(warning, expected);
        assert_eq!(larger_than_room(1022 << 20, 1 << 30), None);
    }

    #[test]
    fn a_contact_is_one_short_line() {
        assert_eq!(contact(" abuse@relay.example ").unwrap(), "abuse@relay.example");
        assert!(contact(&"x".repeat(MAX_CONTACT)).is_ok());
        for text in ["", " ", "a\nb", "a\u{1b}[1m", "a\u{202e}b", &"x".repeat(MAX_CONTACT + 1)] {
            assert!(contact(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_default_of_the_help_is_that_of_the_server() {
        let args = parsed(&[]).unwrap();
        let limits = args.limit(Limits::default(), None);
        assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
        assert_eq!(parsed(&["--max-reports", "none"]).unwrap().limit(limits, None).reports, None);
    }
}

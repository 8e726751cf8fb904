//! The lines of a file of create tokens.
//!
//! ```text
//! # A comment
//! anna sha256:0123…  max-size=100MB max-per-day=1GB max-shares-per-day=20 until=2027-12-31
//! a-bare-token-without-limits
//! ```

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use bytesize::ByteSize;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::relay::AccountLimits;
use crate::relay::server::CreateToken;
use crate::secret::hex;

/// The mark of a hash.
const HASHED: &str = "sha256:";
/// The shortest bare token, in characters.
const SHORTEST: usize = 16;

const MAX_SIZE: &str = "max-size";
const MAX_PER_DAY: &str = "max-per-day";
const MAX_SHARES_PER_DAY: &str = "max-shares-per-day";
const UNTIL: &str = "until";

/// A create token in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenLine {
    /// Its holder. A bare token has none.
    pub(super) name: Option<String>,
    pub(super) token: CreateToken,
}

/// A line that is no create token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The first line of a file that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The number of the line that has its name, or its token with other limits.
    pub(super) repeats: Option<usize>,
}

/// The create tokens of a file.
///
/// # Errors
/// A line that is not one, or contradicts an earlier one.
pub(super) fn parse(text: &str) -> Result<Vec<TokenLine>, BadLine> {
    let (mut lines, mut names, mut hashes) = (Vec::<TokenLine>::new(), HashMap::new(), HashMap::new());
    for (number, line) in (1..).zip(text.lines()) {
        let read = TokenLine::read(line).map_err(|Malformed| BadLine { number, repeats: None })?;
        let Some(line) = read else { continue };
        let named = line.name.clone().and_then(|name| names.insert(name, number));
        let hashed = hashes.insert(line.token.hash, (number, line.token.clone()));
        let hashed = hashed.filter(|(_, token)| *token != line.token).map(|(first, _)| first);
        if let Some(first) = named.or(hashed) {
            return Err(BadLine { number, repeats: Some(first) });
        }
        lines.push(line);
    }
    Ok(lines)
}

/// An end: a date, with which the token ends, or a time.
pub(super) fn parse_end(text: &str) -> Option<u64> {
    let end_of = |date: Date| date.checked_add(1.day()).ok()?.to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp());
    let end = text.parse::<Timestamp>().ok().or_else(|| text.parse::<Date>().ok().and_then(end_of))?;
    u64::try_from(end.as_second()).ok()
}

impl TokenLine {
    /// The create token in a line. `None` for an empty line or a comment.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Malformed> {
        // Editors may begin a file with a byte order mark.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let Some(first) = words.next() else { return Ok(None) };
        let Some(hashed) = words.next() else {
            let bare = Some(first).filter(|token| token.len() >= SHORTEST).ok_or(Malformed)?;
            return Ok(Some(Self { name: None, token: CreateToken::unlimited(bare) }));
        };
        let hash = hashed.strip_prefix(HASHED).and_then(parse_hash).ok_or(Malformed)?;
        let mut token = CreateToken { hash, limits: AccountLimits::default(), until: None };
        for word in words {
            let (key, value) = word.split_once('=').ok_or(Malformed)?;
            set(&mut token, key, value).ok_or(Malformed)?;
        }
        Ok(Some(Self { name: Some(first.to_owned()), token }))
    }

    /// Whether it is the token of that name.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// The token for programs, as it is in the file at `path`.
    pub(super) fn facts(&self, path: &Path) -> Value {
        let CreateToken { limits, until, .. } = &self.token;
        json!({
            "name": self.name,
            "max_size": limits.max_size,
            "bytes_a_day": limits.bytes_a_day,
            "shares_a_day": limits.shares_a_day,
            "until": until,
            "file": path.to_string_lossy(),
        })
    }
}

/// Sets a limit. `None` if there is no such one, it is malformed, or it is set already.
fn set(token: &mut CreateToken, key: &str, value: &str) -> Option<()> {
    let size = || value.parse::<ByteSize>().ok().map(|size| size.as_u64()).filter(|bytes| *bytes > 0);
    let (limit, given) = match key {
        MAX_SIZE => (&mut token.limits.max_size, size()),
        MAX_PER_DAY => (&mut token.limits.bytes_a_day, size()),
        MAX_SHARES_PER_DAY => (&mut token.limits.shares_a_day, value.parse().ok().filter(|count| *count > 0)),
        UNTIL => (&mut token.until, parse_end(value)),
        _ => return None,
    };
    limit.is_none().then_some(())?;
    *limit = Some(given?);
    Some(())
}

fn parse_hash(digits: &str) -> Option<[u8; 32]> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let is_hex = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
    bytes.filter(|_| is_hex)?.try_into().ok()
}

/// A size that is read as the same number of bytes.
pub(super) fn exact(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1_000_000_000, "GB"), (1 << 20, "MiB"), (1_000_000, "MB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

impl fmt::Display for TokenLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CreateToken { hash, limits, until } = &self.token;
        write!(f, "{} {HASHED}{}", self.name.as_deref().unwrap_or("-"), hex(hash))?;
        for (key, limit) in [(MAX_SIZE, limits.max_size), (MAX_PER_DAY, limits.bytes_a_day)] {
            limit.map_or(Ok(()), |limit| write!(f, " {key}={}", exact(limit)))?;
        }
        limits.shares_a_day.map_or(Ok(()), |count| write!(f, " {MAX_SHARES_PER_DAY}={count}"))?;
        let end = until.and_then(|until| Timestamp::from_second(i64::try_from(until).ok()?).ok());
        end.map_or(Ok(()), |end| write!(f, " {UNTIL}={end}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

    #[test]
    fn lines_have_a_hash_and_limits_and_earlier_lines_stay_valid() {
        let text = format!(
            "# ours\n\n0123456789abcdef\nanna {HASH}\n  ben\t{}   max-size=100MB max-per-day=1GiB # until spring\n\
             carl {} until=2027-12-31 max-shares-per-day=20\n",
            HASH.replace("0011", "1111"),
            HASH.replace("0011", "2222"),
        );
        let lines = parse(&text).unwrap();
        let limits: Vec<_> =
            lines.iter().map(|line| (line.name.as_deref(), line.token.limits, line.token.until)).collect();
        let none = AccountLimits::default();
        let ben = AccountLimits { max_size: Some(100_000_000), bytes_a_day: Some(1 << 30), ..none };
        let carl = AccountLimits { shares_a_day: Some(20), ..none };
        let end = 1_830_297_600;
        assert_eq!(
            limits,
            [(None, none, None), (Some("anna"), none, None), (Some("ben"), ben, None), (Some("carl"), carl, Some(end))]
        );
        assert_eq!(lines[0].token.hash, CreateToken::hash("0123456789abcdef"));
        assert_eq!(parse_end("2028-01-01T00:00:00Z"), Some(end), "the day of the date is the last one");
        for line in &lines[1..] {
            assert_eq!(TokenLine::read(&line.to_string()), Ok(Some(line.clone())), "{line}");
        }
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number() {
        for line in [
            "short",
            "anna sha256:00",
            "anna 0123456789abcdef",
            "two words",
            &format!("anna {HASH} max-size"),
            &format!("anna {HASH} max-size=big"),
            &format!("anna {HASH} max-size=0"),
            &format!("anna {HASH} max-size=1MB max-size=2MB"),
            &format!("anna {HASH} max-shares-per-day=-1"),
            &format!("anna {HASH} until=tomorrow"),
            &format!("anna {HASH} color=red"),
            &format!("anna {HASH}0"),
            &format!("anna {}", HASH.replace("00112233", "+0+1+2+3")),
        ] {
            let bad = Err(BadLine { number: 3, repeats: None });
            assert_eq!(parse(&format!("# one\n0123456789abcdef\n{line}\nshort")), bad, "{line}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name_or_a_token() {
        let [named, bare] = [format!("\u{feff}anna {HASH}"), "\u{feff}0123456789abcdef".to_owned()];
        assert!(parse(&named).unwrap()[0].is_of("anna"));
        assert_eq!(parse(&bare).unwrap()[0].token, CreateToken::unlimited("0123456789abcdef"));
    }

    #[test]
    fn lines_that_contradict_each_other_are_named() {
        let other = HASH.replace("0011", "1111");
        for line in [format!("anna {other}"), format!("ben {HASH} max-size=1GB")] {
            let bad = Err(BadLine { number: 3, repeats: Some(1) });
            assert_eq!(parse(&format!("anna {HASH} max-size=1MB\n\n{line}")), bad, "{line}");
        }
        assert_eq!(parse("0123456789abcdef\n0123456789abcdef").map(|lines| lines.len()), Ok(2));
    }

    #[test]
    fn a_size_is_written_exactly() {
        for bytes in [4096, 1 << 30, 1_000_000_000, 3 << 20, 5_000_000, 1025, 1 << 40] {
            assert_eq!(exact(bytes).parse::<ByteSize>().unwrap().as_u64(), bytes, "{}", exact(bytes));
        }
        assert_eq!((exact(1 << 30), exact(500_000_000), exact(1025)), ("1GiB".into(), "500MB".into(), "1025B".into()));
    }
}

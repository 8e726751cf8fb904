//! Sizes, times, durations and shares in words: the only place that writes them.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::manifest::{Entry, Manifest};
use crate::media::Kind;
use crate::media::strip::Removed;
use crate::relay::clock::{Clock, SystemClock};
use crate::safe_text::printable;

/// `3.4 MB`: a size in bytes, in powers of 1000. Truncated, never rounded up.
pub(in crate::cli) fn size(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { scaled(bytes, 1000, &["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]) }
}

/// `4.0 GiB`: a limit in bytes, in powers of 1024; below 1 MiB as [`size`] has it.
pub(in crate::cli) fn binary(bytes: u64) -> String {
    if bytes < 1 << 20 {
        size(bytes)
    } else {
        scaled(bytes, 1024, &["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
    }
}

/// A number with its unit: a tenth is shown below 100, unless the unit is the first.
fn scaled(bytes: u64, step: u64, units: &[&str]) -> String {
    let (mut scale, mut unit) = (1, 0);
    while bytes / scale >= step {
        scale *= step;
        unit += 1;
    }
    let (whole, tenth) = (bytes / scale, u128::from(bytes % scale) * 10 / u128::from(scale));
    if unit == 0 || whole >= 100 {
        format!("{whole} {}", units[unit])
    } else {
        format!("{whole}.{tenth} {}", units[unit])
    }
}

fn local(at: u64) -> Zoned {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(Timestamp::MAX);
    at.to_zoned(TimeZone::system())
}

/// `14d`: a duration as options take it, in the largest unit that is exact.
pub(in crate::cli) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let exact = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    exact.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

/// `10 minutes`, `24 hours`, `14 days`: a duration in prose, in the largest unit that is exact. One day is 24 hours.
pub(in crate::cli) fn duration_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let is_exact = |unit: u64, least: u64| seconds >= least * unit && seconds.is_multiple_of(unit);
    let (count, unit) = match () {
        () if seconds == 0 && time.as_millis() > 0 => return format!("{} ms", time.as_millis()),
        () if !time.is_zero() && seconds == 0 => return "under 1 ms".to_owned(),
        () if is_exact(86_400, 2) => (seconds / 86_400, "day"),
        () if is_exact(3600, 1) => (seconds / 3600, "hour"),
        () if is_exact(60, 1) => (seconds / 60, "minute"),
        () => (seconds, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A duration in prose, rounded up to a number that is read at a glance: `45 seconds`, `3 minutes`, `2 hours`.
pub(in crate::cli) fn about(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let unit = match seconds {
        0..=90 => 1,
        91..=5400 => 60,
        5401..=172_800 => 3600,
        _ => 86_400,
    };
    duration_words(Duration::from_secs(seconds.div_ceil(unit) * unit))
}

/// `Nov 22 at 14:03`, with the year where it is another one: `Nov 22, 2027 at 14:03`.
pub(in crate::cli) fn time(at: u64) -> String {
    date_and_time(&local(at), &local(SystemClock.now()))
}

fn date_and_time(at: &Zoned, now: &Zoned) -> String {
    let format = if at.year() == now.year() { "%b %-d at %H:%M" } else { "%b %-d, %Y at %H:%M" };
    at.strftime(format).to_string()
}

/// Today, UTC: `YYYY-MM-DD`.
pub(in crate::cli) fn today() -> String {
    let now = i64::try_from(SystemClock.now()).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    now.strftime("%Y-%m-%d").to_string()
}

/// The content of a share, in one line: `beach.jpg: photo, 3.4 MB`; `Trip: 3 files, 12.0 MB`.
pub(in crate::cli) fn describe(manifest: &Manifest) -> String {
    if let Some(only) = manifest.only_file() {
        return titled(only.name().or(manifest.name.as_deref()), &kind_and_size(only));
    }
    let count = manifest.entries.len();
    let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
    titled(manifest.name.as_deref(), &format!("{files}, {}", size(manifest.total_size())))
}

/// The sender's words, a line each. The mark stands before them, so that the words cannot remove it.
pub(in crate::cli) fn words(manifest: &Manifest) -> impl Iterator<Item = String> {
    let line = |what: &str, words: &String| format!("{what} (written by the sender): {}", printable(words));
    let from = manifest.from.as_ref().map(|from| line("From", from));
    from.into_iter().chain(manifest.note.as_ref().map(|note| line("Note", note)))
}

/// One file of a share, in one line: `beach.jpg: photo, 3.4 MB`; `Day 1/beach.jpg: photo, 3.4 MB`.
pub(in crate::cli) fn describe_entry(entry: &Entry) -> String {
    let path = (!entry.path.is_empty()).then(|| entry.path.join("/"));
    titled(path.as_deref(), &kind_and_size(entry))
}

fn kind_and_size(entry: &Entry) -> String {
    format!("{}, {}", Kind::of(&entry.r#type).word(), size(entry.size))
}

fn titled(name: Option<&str>, what: &str) -> String {
    name.map_or_else(|| what.to_owned(), |name| format!("{}: {what}", printable(name)))
}

/// The metadata that was removed from photos and videos: `location, camera data, 14 other fields`; `comment`.
pub(in crate::cli) fn removed(removed: &Removed) -> Option<String> {
    let named = [
        (removed.location, "location"),
        (removed.camera, "camera data"),
        (removed.time, "time"),
        (removed.thumbnail, "thumbnail"),
        (removed.hidden, "hidden data"),
        (removed.track, "motion track"),
    ];
    let mut parts: Vec<String> =
        named.iter().filter(|(is_there, _)| *is_there).map(|(_, name)| (*name).to_owned()).collect();
    let other = if parts.is_empty() { "" } else { "other " };
    match (removed.fields, removed.only_field()) {
        (0, _) => {}
        (_, Some(name)) => parts.push(name.to_owned()),
        (1, None) => parts.push("1 unnamed field".to_owned()),
        (many, None) => parts.push(format!("{many} {other}fields")),
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The files of a share, for programs.
pub(in crate::cli) fn files(manifest: &Manifest) -> Value {
    let file = |entry: &Entry| {
        let kind = Kind::of(&entry.r#type).word();
        json!({ "name": entry.name(), "path": entry.path, "kind": kind, "type": entry.r#type, "size": entry.size })
    };
    manifest.entries.iter().map(file).collect()
}

/// `14:03`: the time of day.
pub(in crate::cli) fn time_of_day() -> String {
    local(SystemClock.now()).strftime("%H:%M").to_string()
}

/// A path as the user would write it here.
pub(in crate::cli) fn path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).ok().filter(|relative| !relative.as_os_str().is_empty());
    printable(&relative.unwrap_or(path).to_string_lossy())
}

/// A word as a shell would take it.
pub(in crate::cli) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-+,:@%".contains(c);
    let word = printable(word);
    // A word that begins with a dash is parsed as an option.
    let word = if word.starts_with('-') { format!("./{word}") } else { word };
    if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_naturally() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (3_449_999, "3.4 MB"),
            (100_000, "100 kB"),
            (999_999, "999 kB"),
            (6_000_000_000, "6.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "18.4 EB");
        for (bytes, text) in [(100_000, "100 kB"), (4 << 30, "4.0 GiB"), (1 << 20, "1.0 MiB"), (300 << 20, "300 MiB")] {
            assert_eq!(binary(bytes), text);
        }
    }

    #[test]
    fn times_read_naturally_and_are_understood() {
        for (seconds, text) in [(7_776_000, "90d"), (90_000, "25h"), (60, "1m"), (61, "61s")] {
            let time = Duration::from_secs(seconds);
            assert_eq!(duration(time), text);
            assert_eq!(humantime::parse_duration(text).unwrap(), time);
        }
        for (seconds, text) in [
            (1_209_600, "14 days"),
            (86_400, "24 hours"),
            (90_000, "25 hours"),
            (3600, "1 hour"),
            (600, "10 minutes"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (1, "1 second"),
            (0, "0 seconds"),
        ] {
            assert_eq!(duration_words(Duration::from_secs(seconds)), text);
        }
        assert_eq!(duration_words(Duration::from_millis(100)), "100 ms");
        assert_eq!(duration_words(Duration::from_micros(999)), "under 1 ms");
    }

    #[test]
    fn remaining_time_is_rounded_up() {
        for (millis, text) in [
            (10, "1 second"),
            (89_500, "90 seconds"),
            (91_000, "2 minutes"),
            (3_601_000, "61 minutes"),
            (5_401_000, "2 hours"),
            (172_801_000, "3 days"),
        ] {
            assert_eq!(about(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn times_have_the_year_where_it_is_another_one() {
        let (day, now) = (86_400, SystemClock.now());
        let this_year = local(now).first_of_year().unwrap().timestamp().as_second().cast_unsigned() + 40 * day;
        let (shown, other) = (time(this_year), time(this_year + 366 * day));
        assert!(shown.starts_with("Feb 10 at "), "{shown}");
        assert!(other.starts_with("Feb 1") && other.contains(", 20"), "{other}");
    }

    /// The page is tested with the same vectors.
    #[test]
    fn sizes_and_times_match_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/it/vectors.json")).unwrap();
        let list = |name: &str| vectors[name].as_array().cloned().unwrap();
        let utc = |at: &Value| Timestamp::from_second(at.as_i64().unwrap()).unwrap().to_zoned(TimeZone::UTC);
        for vector in list("sizes") {
            assert_eq!(size(vector["bytes"].as_u64().unwrap()), vector["text"].as_str().unwrap());
        }
        for vector in list("times") {
            let text = date_and_time(&utc(&vector["at"]), &utc(&vector["now"]));
            assert_eq!(text, vector["text"].as_str().unwrap());
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("photo.jpg"), "photo.jpg");
        assert_eq!(quoted("my photo.jpg"), "'my photo.jpg'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}

//! Sizes, times and shares in words.

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

/// `3.4 MB`.
pub(in crate::cli) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 {
        tenths /= 1000;
        unit += 1;
    }
    let unit = ["kB", "MB", "GB", "TB", "PB", "EB"][unit];
    if tenths < 1000 { format!("{}.{} {unit}", tenths / 10, tenths % 10) } else { format!("{} {unit}", tenths / 10) }
}

fn local(at: u64) -> Zoned {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(Timestamp::MAX);
    at.to_zoned(TimeZone::system())
}

/// `4.0 GiB`: limits are powers of two.
pub(in crate::cli) fn binary(bytes: u64) -> String {
    if bytes < 1 << 20 { size(bytes) } else { bytesize::ByteSize(bytes).display().iec().to_string() }
}

/// `14d`: a time as `--expire` takes it, in the largest unit that is exact.
pub(in crate::cli) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let exact = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    exact.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

/// `22 Nov at 14:03`, with the year where it is another one.
pub(in crate::cli) fn time(at: u64) -> String {
    let at = local(at);
    let format = if at.year() == local(SystemClock.now()).year() { "%-d %b at %H:%M" } else { "%-d %b %Y at %H:%M" };
    at.strftime(format).to_string()
}

/// Today, UTC: `YYYY-MM-DD`.
pub(in crate::cli) fn today() -> String {
    let now = i64::try_from(SystemClock.now()).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    now.strftime("%Y-%m-%d").to_string()
}

/// The content of a share, in one line: `beach.jpg · photo, 3.4 MB`.
pub(in crate::cli) fn describe(manifest: &Manifest) -> String {
    let total = size(manifest.total_size());
    match &manifest.entries[..] {
        [only] => {
            let kind = Kind::of(&only.r#type).word();
            match only.name.as_deref().or(manifest.name.as_deref()) {
                Some(name) => format!("{} · {kind}, {total}", printable(name)),
                None => format!("{kind}, {total}"),
            }
        }
        many => {
            let count = format!("{} files, {total}", many.len());
            match &manifest.name {
                Some(name) => format!("{} · {count}", printable(name)),
                None => count,
            }
        }
    }
}

/// The metadata that was removed from photos and videos: `GPS position, camera, 14 other fields`.
pub(in crate::cli) fn removed(removed: &Removed) -> Option<String> {
    let named = [
        (removed.location, "GPS position"),
        (removed.camera, "camera"),
        (removed.thumbnail, "thumbnail"),
        (removed.hidden, "what was hidden behind the picture"),
        (removed.track, "a track of data"),
    ];
    let mut parts: Vec<String> =
        named.iter().filter(|(is_there, _)| *is_there).map(|(_, name)| (*name).to_owned()).collect();
    match (removed.fields, parts.is_empty()) {
        (0, _) => {}
        (1, true) => parts.push("1 field".to_owned()),
        (1, false) => parts.push("1 other field".to_owned()),
        (many, true) => parts.push(format!("{many} fields")),
        (many, false) => parts.push(format!("{many} other fields")),
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The files of a share, for programs.
pub(in crate::cli) fn files(manifest: &Manifest) -> Value {
    let file = |entry: &Entry| json!({ "name": entry.name, "kind": Kind::of(&entry.r#type).word(), "type": entry.r#type, "size": entry.size });
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
    // A word that begins with a dash would be taken for an option.
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
    }

    #[test]
    fn times_read_naturally_and_are_understood() {
        for (seconds, text) in [(7_776_000, "90d"), (90_000, "25h"), (60, "1m"), (61, "61s")] {
            let time = Duration::from_secs(seconds);
            assert_eq!(duration(time), text);
            assert_eq!(humantime::parse_duration(text).unwrap(), time);
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("photo.jpg"), "photo.jpg");
        assert_eq!(quoted("my photo.jpg"), "'my photo.jpg'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}

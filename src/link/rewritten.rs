//! Addresses that hold another address. Mail services and messengers rewrite the links that they deliver, so that a
//! click comes to them first.
//!
//! There is no list of services here: every part of an address is decoded in all the ways in which such services
//! encode, again and again. Each result is only a candidate; the checksum of a link decides whether it is one.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::secret::FRAGMENT_PREFIX;

/// One service may rewrite what another one has rewritten.
const MAX_DEPTH: usize = 5;
/// The most texts that are looked at.
const MAX_TEXTS: usize = 256;
/// The shortest run of characters that is decoded as base64: `https://x.example` has 24.
const MIN_BASE64: usize = 16;
/// How `http`, `HTTP`, `share1` and `SHARE1` begin in base64: something may stand before them.
const BASE64_MARKS: [&str; 4] = ["aHR0c", "SFRUU", "c2hhcmUx", "U0hBUkUx"];
/// Services differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

type WipedText = Zeroizing<String>;

/// Everything that `text` may hold in another encoding, the nearest first, without `text` itself.
pub(super) fn readings(text: &str) -> Vec<WipedText> {
    let mut found: Vec<WipedText> = vec![Zeroizing::new(text.to_owned())];
    let mut layer = 0..1;
    for _ in 0..MAX_DEPTH {
        for outer in layer.clone() {
            for inner in decoded_once(&found[outer]) {
                if found.len() <= MAX_TEXTS && !found.contains(&inner) {
                    found.push(inner);
                }
            }
        }
        layer = layer.end..found.len();
    }
    found.split_off(1)
}

/// Whether another address is in `text`, in whatever encoding.
pub(super) fn holds_address(text: &str) -> bool {
    let is_address = |text: &str| text.contains("://");
    is_address(text) || readings(text).iter().any(|text| is_address(text))
}

/// Texts that `text` may hold, decoded once.
fn decoded_once(text: &str) -> Vec<WipedText> {
    let mut texts: Vec<WipedText> = Vec::new();
    texts.extend(without_entities(text));
    texts.extend(proofpoint_3(text));
    let (path, query) = text.split_once('?').map_or((text, ""), |(path, query)| (path, query));
    for part in query.split(['&', ';']).filter(|part| !part.is_empty()) {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        texts.push(Zeroizing::new(value.to_owned()));
        texts.extend(proofpoint_2(value));
    }
    // An address in the path goes on to the end, with a query of its own.
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    for beginning in ["http:", "https:", "http%", "https%"] {
        let starts = lower.match_indices(beginning).map(|(start, _)| start).filter(|start| *start > 0);
        texts.extend(starts.map(|start| with_two_slashes(&text[start..])));
    }
    // A bare link goes on to the next slash, where its own ones are encoded.
    for (start, _) in lower.match_indices(FRAGMENT_PREFIX).filter(|(start, _)| *start > 0) {
        let segment = text[start..].split('/').next().unwrap_or_default();
        let whole = if segment.contains('%') { segment } else { &text[start..] };
        texts.push(Zeroizing::new(whole.to_owned()));
    }
    // Decoding a query shows where a key begins, and not where the address before it ends.
    if query.is_empty() || path.contains('%') {
        texts.extend(percent_decoded(text));
    }
    texts.extend(base64_decoded(text));
    texts
}

/// Some programs take one of two slashes in a path for a slip.
fn with_two_slashes(text: &str) -> WipedText {
    let (scheme, rest) = text.split_once(":/").unwrap_or((text, "/"));
    let is_slip = scheme.bytes().all(|c| c.is_ascii_alphabetic()) && !rest.starts_with('/');
    Zeroizing::new(if is_slip { format!("{scheme}://{rest}") } else { text.to_owned() })
}

fn percent_decoded(text: &str) -> Option<WipedText> {
    text.contains('%').then(|| Zeroizing::new(percent_decode_str(text).decode_utf8_lossy().into_owned()))
}

/// `&`, `#` and `+` as HTML spells them.
fn without_entities(text: &str) -> Option<WipedText> {
    const SPELLINGS: [(&str, &[&str]); 3] = [
        ("&", &["&amp;", "&AMP;", "&#38;", "&#x26;"]),
        ("#", &["&num;", "&#35;", "&#035;", "&#x23;"]),
        ("+", &["&plus;", "&#43;", "&#x2b;", "&#x2B;"]),
    ];
    let is_there = SPELLINGS.iter().any(|(_, spellings)| spellings.iter().any(|spelling| text.contains(spelling)));
    is_there.then(|| {
        SPELLINGS.iter().fold(Zeroizing::new(text.to_owned()), |text, (plain, spellings)| {
            spellings.iter().fold(text, |text, spelling| Zeroizing::new(text.replace(spelling, plain)))
        })
    })
}

/// Version 2 of Proofpoint's URL Defense: `-` stands for `%`, and `_` for `/`.
fn proofpoint_2(value: &str) -> Option<WipedText> {
    let lower = Zeroizing::new(value.to_ascii_lowercase());
    if !["-3a", "-23", "-2b"].iter().any(|encoded| lower.contains(encoded)) {
        return None;
    }
    percent_decoded(&Zeroizing::new(value.replace('-', "%").replace('_', "/")))
}

/// Version 3 of it: `/v3/__ADDRESS__;CHARACTERS!…`. A `*` in the address stands for the next of the characters, which
/// are in base64, and `**` with a letter for a run of them.
fn proofpoint_3(text: &str) -> Option<WipedText> {
    let (_, rest) = text.split_once("/v3/__")?;
    let (address, rest) = rest.split_once("__;")?;
    let encoded = rest.split('!').next().unwrap_or_default();
    let characters = base64(encoded)?;
    let characters = Zeroizing::new(String::from_utf8_lossy(&characters).into_owned());
    let mut next = characters.chars();
    let mut out = Zeroizing::new(String::with_capacity(address.len() + characters.len()));
    let mut pieces = address.chars().peekable();
    while let Some(c) = pieces.next() {
        if c != '*' {
            out.push(c);
        } else if pieces.next_if_eq(&'*').is_some() {
            out.extend(next.by_ref().take(run_length(pieces.next()?)?));
        } else {
            out.push(next.next()?);
        }
    }
    Some(with_two_slashes(&out))
}

/// How many characters a run has: from two on, in the order of the alphabet of base64 for addresses.
fn run_length(letter: char) -> Option<usize> {
    let index = match u8::try_from(letter).ok()? {
        c @ b'A'..=b'Z' => c - b'A',
        c @ b'a'..=b'z' => c - b'a' + 26,
        c @ b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(usize::from(index) + 2)
}

/// The runs of characters of base64 in `text`, decoded, as far as they can be printed.
fn base64_decoded(text: &str) -> Vec<WipedText> {
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_');
    // A slash is a character of one alphabet, and ends a run of the other.
    let runs = text.split(|c| !is_code(c)).chain(text.split(|c| !is_code(c) && c != '/'));
    let mut texts = Vec::new();
    for run in runs.filter(|run| run.len() >= MIN_BASE64) {
        let marks = BASE64_MARKS.iter().flat_map(|mark| run.match_indices(mark).map(|(at, _)| at));
        for start in std::iter::once(0).chain(marks) {
            let Some(bytes) = base64(&run[start..]) else { continue };
            let len = bytes.iter().position(|c| !c.is_ascii_graphic()).unwrap_or(bytes.len());
            if len >= MIN_BASE64 / 2 {
                texts.push(Zeroizing::new(String::from_utf8_lossy(&bytes[..len]).into_owned()));
            }
        }
    }
    texts
}

/// Decodes base64 of either alphabet, whole or cut off.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(text.trim_end_matches('=').replace('-', "+").replace('_', "/"));
    let whole = if text.len() % 4 == 1 { &text[..text.len() - 1] } else { &text[..] };
    BASE64.decode(whole).ok().map(Zeroizing::new)
}

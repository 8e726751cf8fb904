//! Finding the link in a text.

use zeroize::Zeroizing;

use super::rewritten::{holds_address, readings};
use super::{FoundLink, Link, LinkError};
use crate::relay_url::RelayUrl;
use crate::safe_text::is_hidden;
use crate::secret::{FRAGMENT_PREFIX, LinkSecret, holds_key};

/// How the address of a relay begins.
const SCHEMES: [&str; 6] = ["https://", "http://", "file://", "s3://", "gs://", "az://"];

impl Link {
    /// Finds the link in `text`, which may be as damaged as mail programs and people make it.
    ///
    /// # Errors
    /// [`LinkError`], when there is no link, or none that can be used.
    pub fn parse(text: &str) -> Result<FoundLink, LinkError> {
        let text = unquoted(text);
        // A whole link among other words, or one that was broken into pieces. If it can be read as both, and they lead
        // to different relays, neither is asked: a stranger would get the tokens.
        let whole = |word: &&str| {
            word.contains("://") || (word.to_ascii_lowercase().contains(FRAGMENT_PREFIX) && !word.contains('#'))
        };
        let among_words = text.split_whitespace().filter(whole).map(parse_word).find(Result::is_ok);
        let found = match (among_words, parse_word(&text)) {
            // An address that was broken before its key.
            (Some(Ok(word)), Ok(joined)) if word.link.relay.is_none() && holds_address(&text) => joined,
            (Some(Ok(word)), Ok(joined)) if word.link != joined.link => return Err(LinkError::Ambiguous),
            (Some(word), _) => word?,
            (None, joined) => joined?,
        };
        // An address may be that of the relay: no other one is guessed.
        if found.link.relay.is_none() && holds_address(&text) {
            return Err(LinkError::Ambiguous);
        }
        Ok(found)
    }

    /// Whether a link, or the key of one, is in `text`: plain, damaged, or inside another address.
    pub fn is_in(text: &str) -> bool {
        holds_key(text) || Self::parse(text).is_ok()
    }

    /// Whether both are to one share at one host.
    fn leads_as(&self, other: &Self) -> bool {
        let host = |link: &Self| link.relay.as_ref().map(|relay| (relay.is_https(), relay.name()));
        self.secret == other.secret && host(self) == host(other)
    }
}

/// The text without what a program puts before each line that it quotes, and after each line that it breaks.
fn unquoted(text: &str) -> Zeroizing<String> {
    let text = Zeroizing::new(text.replace("=\r\n", "").replace("=\n", ""));
    let lines = text.lines().map(|line| line.trim_start_matches(['>', '|', ' ', '\t']));
    Zeroizing::new(lines.collect::<Vec<_>>().join("\n"))
}

/// The link in a text that is one word, or was.
fn parse_word(text: &str) -> Result<FoundLink, LinkError> {
    // Programs break and decorate lines: no part of a link contains a space or a hidden character.
    let text: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace() && !is_hidden(*c)).collect());
    let text = text.trim_matches(['<', '>', '"', '\'', '`', '(', ')', '“', '”', '‘', '’', '«', '»']);
    match read_plain(text, false) {
        Err(LinkError::Rewritten | LinkError::NotALink) => {}
        read => return read,
    }
    let mut found: Option<FoundLink> = None;
    let (mut damage, mut has_key) = (None, false);
    for inner in readings(text) {
        match read_plain(&inner, true) {
            Ok(FoundLink { link, .. }) => match &found {
                None => found = Some(FoundLink { link, rewritten: true }),
                // The end of a path may be read in two ways, and the nearest counts; the host, in one.
                Some(first) if first.link.leads_as(&link) => {}
                Some(_) => return Err(LinkError::Ambiguous),
            },
            Err(LinkError::Rewritten) => has_key = true,
            Err(LinkError::NotALink) => {}
            Err(error) => damage = damage.or(Some(error)),
        }
    }
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    has_key |= lower.contains(FRAGMENT_PREFIX);
    let page = SCHEMES.iter().find_map(|scheme| lower.strip_prefix(scheme));
    match (found, damage, page) {
        (Some(found), ..) => Ok(found),
        (None, Some(damage), _) => Err(damage),
        (None, None, Some(page)) if has_key || is_opaque(page) => Err(LinkError::Rewritten),
        (None, None, Some(page)) if page.split_once('#').is_none_or(|(_, key)| key.is_empty()) => Err(LinkError::NoKey),
        (None, None, None) if has_key => Err(LinkError::Rewritten),
        (None, None, _) => Err(LinkError::NotALink),
    }
}

/// Whether an address, without its scheme, is rather that of something behind which a service hides another one than
/// that of a relay's page: it holds an address, or a long and meaningless word.
fn is_opaque(page: &str) -> bool {
    let (path, query) = page.split_once(['?', '#']).unwrap_or((page, ""));
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let is_code = |word: &str| word.len() >= 16 && word.bytes().any(|c| c.is_ascii_digit());
    let is_word = |path: &str| path.split('/').any(is_code);
    holds_address(path) || holds_address(query) || is_word(path)
}

/// The link in `text`, as it stands there. `Rewritten`: there is something like one, inside something else.
/// `inside`: the text came out of an address, so that what does not name a relay in full may be the end of anything.
fn read_plain(text: &str, inside: bool) -> Result<FoundLink, LinkError> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let Some(start) =
        lower.find(&format!("#{FRAGMENT_PREFIX}")).map(|at| at + 1).or_else(|| lower.find(FRAGMENT_PREFIX))
    else {
        return Err(LinkError::NotALink);
    };
    let (before, rest) = text.split_at(start);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (fragment, after) = rest.split_at(end);
    let Some(before) = before.strip_suffix('#') else {
        // In an address, what stands before the key is not the relay, and no relay is the wrong one.
        if before.contains(['/', '%', '=', '?', '&', ';']) {
            return Err(LinkError::Rewritten);
        }
        let secret = LinkSecret::from_fragment(fragment)?;
        // Marks of Markdown or HTML around the key alone.
        let after = after.trim_start_matches(['*', '`', '~']);
        let after = after.strip_prefix("</b>").or_else(|| after.strip_prefix("</code>")).unwrap_or(after);
        if hides_relay(after) {
            return Err(LinkError::Rewritten);
        }
        let relay = after.strip_prefix('+').map(|host| RelayUrl::parse(host_in(host))).transpose()?;
        if inside && relay.is_none() {
            return Err(LinkError::Rewritten);
        }
        return Ok(FoundLink { link: Link { relay, secret }, rewritten: false });
    };
    let scheme = SCHEMES.iter().filter_map(|scheme| lower[..before.len()].rfind(scheme)).max();
    if inside && scheme.is_none() {
        return Err(LinkError::Rewritten);
    }
    let (outer, address) = before.split_at(scheme.unwrap_or(0));
    // The address in a query may be where the link led, or where its reader came from.
    if outer.contains("://") && (outer.ends_with('=') && !after.starts_with('&') || address.contains("__;")) {
        return Err(LinkError::Ambiguous);
    }
    let (relay, tracking) = address.split_once('?').unwrap_or((address, ""));
    let path = relay.split_once("://").map_or(relay, |(_, path)| path);
    if holds_address(&format!("?{tracking}")) || holds_address(path) {
        return Err(LinkError::Ambiguous);
    }
    let secret = LinkSecret::from_fragment(fragment)?;
    Ok(FoundLink { link: Link { relay: Some(RelayUrl::parse(relay)?), secret }, rewritten: outer.contains("://") })
}

/// Whether something is behind a key that may be its relay in another spelling: the key alone is not the whole link
/// then, and its relay is not the configured one.
fn hides_relay(after: &str) -> bool {
    let spellings = ["%", "=", "_2", "-2", "\\", "\u{ff0b}", "@", "|", "&#", "&plus", "&PLUS"];
    let is_spelling = spellings.iter().any(|spelling| after.starts_with(spelling));
    is_spelling && after.chars().any(char::is_alphanumeric)
}

/// The host, the port and the path at the beginning of a text, without the marks behind them.
fn host_in(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '/' | '_' | '~' | '%');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    // Two of them are how a service frames an address.
    let host = text[..end].split("__").next().unwrap_or_default();
    let host = host.trim_end_matches(['.', ':', '-', '_']);
    if host.contains('[') { host } else { host.trim_end_matches(']') }
}

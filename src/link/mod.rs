//! Links: what a sender hands over and a recipient pastes.
//!
//! A link is read as people deliver it: broken over lines, in angle brackets, with a full stop behind it, with a
//! tracking parameter in it or glued to its end, inside the address of a mail service. Damage is found here, by the
//! checksum of bech32m (BIP 350), before any request is made.

mod rewritten;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::secret::{Flags, LinkSecret, SECRET_LEN};

/// Human-readable part of the fragment.
const HRP: &str = "share";
/// How every fragment begins.
const PREFIX: &str = "share1";
/// Characters in a fragment: `share1`, 25 bytes in groups of five bits, six characters of checksum.
const FRAGMENT_LEN: usize = PREFIX.len() + (8 * (1 + SECRET_LEN)).div_ceil(5) + 6;

/// How the address of a relay begins.
const SCHEMES: [&str; 6] = ["https://", "http://", "file://", "s3://", "gs://", "az://"];

/// Why a text is not a link that can be used. None of these repeats the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LinkError {
    /// No `share1…` in it.
    #[error("this is not a share link")]
    NotALink,
    /// The page's address without its fragment.
    #[error("the link has lost its key: everything behind the # is missing")]
    NoKey,
    /// Cut off.
    #[error("the link is damaged: {0} {s} missing at its end", s = if *.0 == 1 { "character is" } else { "characters are" })]
    Short(usize),
    /// Something was glued to it.
    #[error("the link is damaged: it is {0} {s} too long", s = if *.0 == 1 { "character" } else { "characters" })]
    Long(usize),
    /// The checksum does not hold.
    #[error("the link is damaged: at least one character is wrong")]
    Damaged,
    /// Broken into pieces, or next to other text, in a way that can be read as two links.
    #[error("it cannot be told where the link ends")]
    Ambiguous,
    /// It stands in somebody else's address, and where it led is lost.
    #[error("a mail service or another program rewrote this link, and the original cannot be recovered")]
    Rewritten,
    /// A flag that this version does not know.
    #[error("the link needs a newer version of share")]
    TooNew,
    /// The relay's address cannot be read.
    #[error("the link's relay cannot be used: {0}")]
    BadRelay(#[from] RelayUrlError),
}

/// Why a text is not the address of a relay.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RelayUrlError {
    /// Not a URL at all.
    #[error("it is not one like https://relay.example")]
    Unreadable,
    /// It has the key of a share in it.
    #[error("that is a link, and its key is nobody else's business")]
    Link,
    /// A folder that is not one of this machine, or not named by its whole path.
    #[error("a folder is written like file:///srv/share")]
    Folder,
    /// A bucket without a name, or with a port.
    #[error("a bucket is written like s3://bucket/prefix, with letters, digits, and - _ . = in its prefix")]
    Bucket,
    /// A scheme that is none of ours.
    #[error("relays are reached by http or https, or are a folder, file:///…, or a bucket, s3://…, and not {0}")]
    Scheme(String),
    /// http to a host that is not on a local network.
    #[error("plain http is for local networks only, and {0} is not on one: use https")]
    PlainHttp(String),
}

/// The schemes of buckets: S3 and its kin, Google Cloud Storage, Azure Blob Storage.
const BUCKETS: [&str; 3] = ["s3", "gs", "az"];

/// The address of a relay, without a trailing slash, a query or a fragment: a server, or a folder or a bucket that
/// needs none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrl(Url);

impl RelayUrl {
    /// Reads an address. Without a scheme it is http for hosts that can only be on a local network, else https.
    pub fn parse(text: &str) -> Result<Self, RelayUrlError> {
        let text = text.trim();
        if holds_key(text) {
            return Err(RelayUrlError::Link);
        }
        if text.starts_with(['/', '.', '~']) || (text.starts_with("file:") && !text.starts_with("file:///")) {
            return Err(RelayUrlError::Folder);
        }
        let bucket = BUCKETS.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':')));
        // What would be folded or decoded is not what was written.
        if bucket
            && (!text.contains("://") || text.contains('%') || text.split('/').any(|part| [".", ".."].contains(&part)))
        {
            return Err(RelayUrlError::Bucket);
        }
        let mut url = if text.contains("://") {
            Url::parse(text).map_err(|_| RelayUrlError::Unreadable)?
        } else {
            let url = Url::parse(&format!("http://{text}")).map_err(|_| RelayUrlError::Unreadable)?;
            if url.host().as_ref().is_some_and(is_local) {
                url
            } else {
                Url::parse(&format!("https://{text}")).map_err(|_| RelayUrlError::Unreadable)?
            }
        };
        if url.fragment().is_some() || url.query().is_some() {
            return Err(RelayUrlError::Unreadable);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RelayUrlError::Unreadable);
        }
        match url.scheme() {
            "https" => {}
            "file" if url.host().is_none() && url.to_file_path().is_ok() => {}
            "file" => return Err(RelayUrlError::Folder),
            scheme if BUCKETS.contains(&scheme) => {
                // A prefix is one of object names, which nothing decodes.
                let is_plain = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-_.=".contains(&c));
                let bucket = url.host_str().unwrap_or_default();
                let is_name = bucket.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_plain(bucket);
                if !is_name || url.port().is_some() || !is_plain(url.path()) {
                    return Err(RelayUrlError::Bucket);
                }
            }
            "http" if url.host().as_ref().is_some_and(is_local) => {}
            "http" => return Err(RelayUrlError::PlainHttp(url.host_str().unwrap_or_default().to_owned())),
            other => return Err(RelayUrlError::Scheme(other.to_owned())),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The folder, where it is one.
    pub fn folder(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// The bucket's scheme, its name, and what the names of all objects in it begin with, without slashes around it.
    pub fn bucket(&self) -> Option<(&str, &str, &str)> {
        let scheme = self.0.scheme();
        let bucket = BUCKETS.contains(&scheme);
        bucket.then(|| (scheme, self.0.host_str().unwrap_or_default(), self.0.path().trim_matches('/')))
    }

    /// Whether it is storage, with no server in front of it: whoever uses it keeps the rules.
    pub fn is_store(&self) -> bool {
        !matches!(self.0.scheme(), "http" | "https")
    }

    /// What people call this relay: its host, and its port where that is not the usual one; or its folder or bucket.
    pub fn name(&self) -> String {
        if self.bucket().is_some() {
            return self.0.to_string();
        }
        if let Some(folder) = self.folder() {
            return folder.to_string_lossy().into_owned();
        }
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The URL of `path` (which begins with a slash) at this relay.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// Whether the way there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    /// The same host and port, spoken to in TLS: what a link with a pinned key leads to, however it is spelt.
    #[must_use]
    pub fn over_tls(&self) -> Self {
        let mut url = self.0.clone();
        if url.scheme() == "http" {
            let port = url.port_or_known_default();
            // Both schemes are special, and a host is there.
            let _ = url.set_scheme("https");
            let _ = url.set_port(port);
        }
        Self(url)
    }

    /// Whether a bare link, which has no scheme, leads here: not to a relay that is reached by https under a name for
    /// which http would be taken, nor the other way round.
    pub fn has_bare_form(&self) -> bool {
        !self.is_store() && Self::parse(&self.bare()).as_ref() == Ok(self)
    }

    /// The host and path as they stand in a bare link.
    fn bare(&self) -> String {
        format!("{}{}", self.name(), self.0.path().trim_end_matches('/'))
    }
}

impl fmt::Display for RelayUrl {
    /// With a trailing slash: the address of the relay's page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether the key of a share is in a text, or most of one: not every name that begins like it.
pub fn holds_key(text: &str) -> bool {
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let is_key = |at: usize| text[at..].bytes().take_while(u8::is_ascii_alphanumeric).count() > FRAGMENT_LEN / 2;
    text.contains(&format!("#{PREFIX}")) || text.match_indices(PREFIX).any(|(at, _)| is_key(at))
}

/// Names and addresses that cannot be out on the internet, where http is good enough: nobody could hold a certificate
/// for them.
fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        Host::Ipv6(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => is_local(&Host::Ipv4(ip)),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.')
                || ["localhost", "local", "lan", "home.arpa", "onion"]
                    .iter()
                    .any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
        }
    }
}

/// A link: the secret, and where the share waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The relay. A bare link may leave it out: then it is the configured one.
    pub relay: Option<RelayUrl>,
    /// What opens the share.
    pub secret: LinkSecret,
}

/// A link as it was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLink {
    /// The link.
    pub link: Link,
    /// Whether it stood in another address, or in another encoding: the service that rewrote it has seen the key.
    pub rewritten: bool,
}

impl Link {
    /// Finds the link in `text`, which may be as damaged as mail programs and people make it.
    pub fn parse(text: &str) -> Result<FoundLink, LinkError> {
        let text = unquoted(text);
        // A whole link among other words, or one that was broken into pieces. Where it can be read as both, and they
        // lead to different relays, neither is asked: a stranger would be shown the tokens.
        let whole =
            |word: &&str| word.contains("://") || (word.to_ascii_lowercase().contains(PREFIX) && !word.contains('#'));
        let among_words = text.split_whitespace().filter(whole).map(parse_word).find(Result::is_ok);
        let found = match (among_words, parse_word(&text)) {
            // An address that was broken before its key.
            (Some(Ok(word)), Ok(joined)) if word.link.relay.is_none() && rewritten::holds_address(&text) => joined,
            (Some(Ok(word)), Ok(joined)) if word.link != joined.link => return Err(LinkError::Ambiguous),
            (Some(word), _) => word?,
            (None, joined) => joined?,
        };
        // Which relay is meant is not for us to guess while there is an address that may be it.
        if found.link.relay.is_none() && rewritten::holds_address(&text) {
            return Err(LinkError::Ambiguous);
        }
        Ok(found)
    }

    /// Whether both are to one share at one host.
    fn leads_as(&self, other: &Self) -> bool {
        let host = |link: &Self| link.relay.as_ref().map(|relay| (relay.is_https(), relay.name()));
        self.secret == other.secret && host(self) == host(other)
    }

    /// `https://HOST/#share1…`: what a browser opens. `None` without a relay.
    pub fn web(&self) -> Option<Zeroizing<String>> {
        let relay = self.relay.as_ref()?;
        Some(Zeroizing::new(format!("{relay}#{}", *self.fragment())))
    }

    /// `share1…+HOST`: no URL, so no bot and no preview follows it.
    pub fn bare(&self) -> Zeroizing<String> {
        match &self.relay {
            Some(relay) => Zeroizing::new(format!("{}+{}", *self.fragment(), relay.bare())),
            None => self.fragment(),
        }
    }

    /// The part behind the `#`.
    pub fn fragment(&self) -> Zeroizing<String> {
        #[expect(clippy::expect_used, reason = "25 bytes always fit")]
        let text = bech32::encode_lower::<Bech32m>(Hrp::parse_unchecked(HRP), &*self.secret.payload())
            .expect("a short payload");
        Zeroizing::new(text)
    }
}

/// Marks that show as nothing, which programs put into texts to break them well: soft hyphens, zero-width blanks and
/// joiners, marks of direction, byte order marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn read_fragment(fragment: &str) -> Result<LinkSecret, LinkError> {
    match fragment.len() {
        length if length < FRAGMENT_LEN => return Err(LinkError::Short(FRAGMENT_LEN - length)),
        length if length > FRAGMENT_LEN => return Err(LinkError::Long(length - FRAGMENT_LEN)),
        _ => {}
    }
    let checked = CheckedHrpstring::new::<Bech32m>(fragment).map_err(|_| LinkError::Damaged)?;
    let mut payload = Zeroizing::new([0; 1 + SECRET_LEN]);
    let mut count = 0;
    for (to, byte) in payload.iter_mut().zip(checked.byte_iter()) {
        *to = byte;
        count += 1;
    }
    if count != payload.len() || !checked.hrp().as_str().eq_ignore_ascii_case(HRP) {
        return Err(LinkError::Damaged);
    }
    let flags = Flags::from_bits(payload[0]).ok_or(LinkError::TooNew)?;
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    secret.copy_from_slice(&payload[1..]);
    Ok(LinkSecret::from_parts(flags, *secret))
}

/// The text without what a program puts before each line that it quotes, and after each line that it breaks.
fn unquoted(text: &str) -> Zeroizing<String> {
    let text = Zeroizing::new(text.replace("=\r\n", "").replace("=\n", ""));
    let lines = text.lines().map(|line| line.trim_start_matches(['>', '|', ' ', '\t']));
    Zeroizing::new(lines.collect::<Vec<_>>().join("\n"))
}

/// The link in a text that is one word, or was.
fn parse_word(text: &str) -> Result<FoundLink, LinkError> {
    // Line breaks and spaces can stand anywhere: no part of a link contains any.
    let text: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c)).collect());
    let text = text.trim_matches(['<', '>', '"', '\'', '`', '(', ')', '“', '”', '‘', '’', '«', '»']);
    match read_plain(text, false) {
        Err(LinkError::Rewritten | LinkError::NotALink) => {}
        read => return read,
    }
    let mut found: Option<FoundLink> = None;
    let (mut damage, mut has_key) = (None, false);
    for inner in rewritten::readings(text) {
        match read_plain(&inner, true) {
            Ok(FoundLink { link, .. }) => match &found {
                None => found = Some(FoundLink { link, rewritten: true }),
                // Where a path ends may be read in two ways, and the nearest counts; where it leads, in one.
                Some(first) if first.link.leads_as(&link) => {}
                Some(_) => return Err(LinkError::Ambiguous),
            },
            Err(LinkError::Rewritten) => has_key = true,
            Err(LinkError::NotALink) => {}
            Err(error) => damage = damage.or(Some(error)),
        }
    }
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    has_key |= lower.contains(PREFIX);
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
    rewritten::holds_address(path) || rewritten::holds_address(query) || is_word(path)
}

/// The link in `text`, as it stands there. `Rewritten`: there is something like one, inside something else.
/// `inside`: the text came out of an address, so that what does not name a relay in full may be the end of anything.
fn read_plain(text: &str, inside: bool) -> Result<FoundLink, LinkError> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let Some(start) = lower.find(&format!("#{PREFIX}")).map(|at| at + 1).or_else(|| lower.find(PREFIX)) else {
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
        let secret = read_fragment(fragment)?;
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
    if rewritten::holds_address(&format!("?{tracking}")) || rewritten::holds_address(path) {
        return Err(LinkError::Ambiguous);
    }
    let secret = read_fragment(fragment)?;
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

//! `share relay use --header`, `--client-cert`: headers and a certificate for a login in front of a relay.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueHint};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::state::access::KeptAccess;

/// The most headers for one relay.
const MAX_HEADERS: usize = 8;
/// The longest value of a header, in bytes.
const MAX_VALUE: usize = 4096;

/// Headers that HTTP or `share` sets, in lower case. A name that ends with `-` or `*` stands for all that begin so.
const TAKEN: [&str; 15] = [
    "host",
    "connection",
    "content-*",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "range",
    "if-*",
    "prefer",
    "accept*",
    "proxy-*",
    "share-*",
];

/// Headers and a certificate for a login in front of a relay.
#[derive(Args)]
pub(super) struct LoginArgs {
    /// Send a header to this relay; its value is asked for and kept (repeatable)
    #[arg(long = "header", value_name = "NAME", value_hint = ValueHint::Other)]
    headers: Vec<String>,
    /// Identify to this relay with a certificate ("none": no longer)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_cert: Option<PathBuf>,
    /// Its private key [default: in the same file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "client_cert")]
    client_key: Option<PathBuf>,
}

impl LoginArgs {
    /// The headers and the certificate for the relay at `url` from now on, and whether some of them are new; `None` if
    /// the arguments change nothing. Asks for the values of headers.
    pub(super) async fn read(&self, url: &RelayUrl, cx: &Context) -> Result<Option<(KeptAccess, bool)>, Failure> {
        if self.headers.is_empty() && self.client_cert.is_none() {
            return Ok(None);
        }
        if self.client_cert.is_some() && !url.is_https() {
            return Err(Failure::usage("client certificates work only with https relays", "use an https address"));
        }
        if !url.is_authentic() {
            return Err(Failure::usage("headers are kept only for https relays", "others could read the value"));
        }
        self.headers.iter().try_for_each(|name| checked(name))?;
        let (mut kept, mut is_new) = (cx.kept_access(url)?, false);
        for name in &self.headers {
            let value = value_of(name, &url.name(), cx).await?;
            is_new |= value.is_some();
            kept.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            kept.headers.extend(value.map(|value| (name.clone(), value)));
        }
        if kept.headers.len() > MAX_HEADERS {
            let what = format!("at most {MAX_HEADERS} headers can be kept for a relay");
            return Err(Failure::usage(what, Hint::line("remove one: specify it with --header, then press Enter")));
        }
        if let Some(cert) = &self.client_cert {
            let is_kept = cert != Path::new("none");
            is_new |= is_kept;
            kept.client_cert = is_kept.then(|| absolute(cert)).transpose()?;
            kept.client_key = self.client_key.as_deref().filter(|_| is_kept).map(absolute).transpose()?;
        }
        Ok(Some((kept, is_new)))
    }
}

/// The path, which is kept for runs in other directories.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::path(path, &error, "specify the whole path"))
}

/// Whether a header of this name may be kept. The name is not repeated unless it is one: it may hold the value.
fn checked(name: &str) -> Result<(), Failure> {
    let is_letter = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_letter) {
        let hint = "its value is asked for, so that no other program can read it";
        return Err(Failure::usage("--header takes only the name of a header", hint));
    }
    let name = name.to_ascii_lowercase();
    let is = |taken: &&str| taken.strip_suffix('*').map_or(name == **taken, |start| name.starts_with(start));
    if TAKEN.iter().any(is) {
        let what = format!("--header {} is not possible: share sets it", printable(&name));
        return Err(Failure::usage(what, "specify the header that the login requires, such as Authorization"));
    }
    Ok(())
}

/// The value of a header, from the terminal or the next line of standard input; `None` if it is empty.
async fn value_of(name: &str, relay: &str, cx: &Context) -> Result<Option<Zeroizing<String>>, Failure> {
    let (is_basic, relay) = (name.eq_ignore_ascii_case("authorization"), printable(relay));
    let value = if io::stdin().is_terminal() {
        let question = if is_basic {
            format!("user:password, or a scheme and a value, for {relay} (not shown; press Enter to remove it):")
        } else {
            format!("Value of {name} for {relay} (not shown; press Enter to remove it):")
        };
        prompt::ask_hidden(&question, cx).await?
    } else {
        let line = cx.unless_interrupted(next_line).await?.map_err(anyhow::Error::from)?;
        line.ok_or_else(|| {
            Failure::usage(format!("the value of {name} is missing"), Hint::line("pipe in one line for each --header"))
        })?
    };
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let value = if is_basic { authorization(value)? } else { Zeroizing::new(value.to_owned()) };
    if value.len() > MAX_VALUE || !value.bytes().all(|c| (b' '..=b'~').contains(&c)) {
        let hint = format!("it may have up to {MAX_VALUE} letters, digits and signs of ASCII");
        return Err(Failure::usage(format!("the value of {name} cannot be sent in a header"), hint));
    }
    Ok(Some(value))
}

/// The next line of standard input; `None` at its end.
fn next_line() -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::with_capacity(MAX_VALUE));
    let len = io::stdin().lock().take(2 * MAX_VALUE as u64).read_line(&mut line)?;
    Ok((len > 0).then_some(line))
}

/// The value of `Authorization`: a scheme and a value as they are, or a user name and a password for `Basic`.
fn authorization(text: &str) -> Result<Zeroizing<String>, Failure> {
    match text.find([' ', ':']).map(|at| text.as_bytes()[at]) {
        Some(b' ') => Ok(Zeroizing::new(text.to_owned())),
        Some(_) => Ok(Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64_STANDARD.encode(text))))),
        None => Err(Failure::usage(
            "the value of Authorization has neither a user name nor a scheme",
            Hint::line("type USER:PASSWORD, or a scheme and a value, such as Bearer TOKEN"),
        )),
    }
}

/// The headers and the certificate, each in words.
pub(super) fn sent(kept: &KeptAccess) -> Vec<String> {
    let headers = kept.headers.iter().map(|(name, _)| format!("the header {}", printable(name)));
    headers.chain(kept.client_cert.iter().map(|_| "a client certificate".to_owned())).collect()
}

/// The outcome of keeping them for `relay`.
pub(super) fn outcome(kept: &KeptAccess, relay: &str) -> String {
    let headers = match kept.headers.len() {
        0 => None,
        1 => Some("1 header".to_owned()),
        count => Some(format!("{count} headers")),
    };
    let all: Vec<String> =
        headers.into_iter().chain(kept.client_cert.iter().map(|_| "a client certificate".to_owned())).collect();
    let relay = printable(relay);
    let (what, is_one) = (all.join(" and "), all.len() == 1 && kept.headers.len() < 2);
    match all.is_empty() {
        true => format!("No header and no client certificate is kept for {relay} any more."),
        false if is_one => format!("{}{} is kept for {relay}.", what[..1].to_uppercase(), &what[1..]),
        false => format!("{}{} are kept for {relay}.", what[..1].to_uppercase(), &what[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_sets_and_texts_that_are_no_names_are_refused() {
        for name in ["Host", "content-length", "If-None-Match", "PREFER", "Accept", "Accept-Encoding", "Proxy-X"] {
            let Err(Failure::Usage { what, .. }) = checked(name) else { panic!("{name}") };
            assert!(what.contains(&name.to_lowercase()), "{what}");
        }
        for name in ["", "X: secret", "X=secret ", "x y", "ä", &"x".repeat(65)] {
            let Err(Failure::Usage { what, .. }) = checked(name) else { panic!("{name}") };
            assert!(!what.contains("secret"), "{what}");
        }
        for name in ["Authorization", "Cookie", "CF-Access-Client-Id", "X-Api_Key", "Hosts"] {
            assert!(checked(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn authorization_is_a_scheme_or_a_password() {
        for (typed, sent) in [
            ("amber:falcon", Some("Basic YW1iZXI6ZmFsY29u")),
            ("amber:fal con", Some("Basic YW1iZXI6ZmFsIGNvbg==")),
            ("Bearer a:b", Some("Bearer a:b")),
            ("token", None),
        ] {
            assert_eq!(authorization(typed).ok().as_deref().map(String::as_str), sent, "{typed}");
        }
    }
}

//! `share relay use --header`, `--client-cert`: credentials for a login in front of a relay.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueHint};
use zeroize::Zeroizing;

use crate::cli::access;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::state::access::KeptAccess;

/// The most headers for one relay.
const MAX_HEADERS: usize = 8;
/// The longest value of a header, in bytes: terminals cut lines at 4095.
const MAX_VALUE: usize = 4000;

/// Headers that HTTP, `share` or proxies set, in lower case. A name that ends with `*` stands for all that begin so.
const TAKEN: [&str; 19] = [
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
    "via",
    "forwarded",
    "x-forwarded-*",
    "x-real-ip",
];

/// Headers and a certificate for a login in front of a relay.
#[derive(Args)]
pub(super) struct LoginArgs {
    /// Send header NAME to this relay; prompts for its value and stores it (repeatable)
    #[arg(long = "header", value_name = "NAME", value_hint = ValueHint::Other)]
    headers: Vec<String>,
    /// Log in to this relay with a client certificate ("none" removes it)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_cert: Option<PathBuf>,
    /// Its private key [default: in the same file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Only store the headers and the certificate; the default relay stays
    #[arg(long)]
    keep_default: bool,
}

/// Headers and a certificate to keep or to remove.
pub(super) struct LoginChange {
    /// Names and values. Without a value, a header is removed.
    headers: Vec<(String, Option<Zeroizing<String>>)>,
    files: Files,
}

/// The files of a certificate from now on.
enum Files {
    AsBefore,
    None,
    /// The certificate, and its key if that is in another file.
    Of(PathBuf, Option<PathBuf>),
}

impl LoginChange {
    /// Whether it adds nothing. A secret can be removed although the relay does not answer without it.
    pub(super) fn only_removes(&self) -> bool {
        self.headers.iter().all(|(_, value)| value.is_none()) && !matches!(self.files, Files::Of(..))
    }

    /// Changes what is kept.
    pub(super) fn apply(&self, kept: &mut KeptAccess) {
        for (name, value) in &self.headers {
            kept.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            kept.headers.extend(value.clone().map(|value| (name.clone(), value)));
        }
        match &self.files {
            Files::AsBefore => {}
            Files::None => (kept.client_cert, kept.client_key) = (None, None),
            Files::Of(cert, key) => (kept.client_cert, kept.client_key) = (Some(cert.clone()), key.clone()),
        }
    }
}

impl LoginArgs {
    /// The changes for the relay at `url`; `None` if the arguments make none. Asks for the values of headers.
    pub(super) async fn read(&self, url: &RelayUrl, cx: &Context) -> Result<Option<LoginChange>, Failure> {
        if self.headers.is_empty() && self.client_cert.is_none() {
            if self.keep_default {
                let hint = Hint::line("add --header or --client-cert");
                return Err(Failure::usage("--keep-default has nothing to store", hint));
            }
            return Ok(None);
        }
        if url.is_store() {
            let what = "--header and --client-cert work only with relay servers";
            return Err(Failure::usage(what, "folders and buckets have no login in front"));
        }
        if self.client_cert.is_some() && !url.is_https() {
            return Err(Failure::usage("client certificates work only with https relays", "use an https address"));
        }
        if !url.is_authentic() {
            return Err(Failure::usage("headers are kept only for https relays", "others could read the value"));
        }
        self.headers.iter().try_for_each(|name| checked(name))?;
        // Files that cannot be used are an error before anything is typed.
        let files = self.files()?;
        if let Files::Of(cert, key) = &files {
            let only = KeptAccess { headers: Vec::new(), client_cert: Some(cert.clone()), client_key: key.clone() };
            access::loaded(&only)?;
        }
        let mut change = LoginChange { headers: Vec::new(), files };
        for name in &self.headers {
            change.headers.push((name.clone(), value_of(name, &url.name(), cx).await?));
        }
        Ok(Some(change))
    }

    /// Whether the default relay stays as it is.
    pub(super) fn keeps_default(&self) -> bool {
        self.keep_default
    }

    fn files(&self) -> Result<Files, Failure> {
        match self.client_cert.as_deref() {
            None => Ok(Files::AsBefore),
            Some(none) if none == Path::new("none") => Ok(Files::None),
            Some(cert) => Ok(Files::Of(absolute(cert)?, self.client_key.as_deref().map(absolute).transpose()?)),
        }
    }
}

/// The headers and the files for the relay at `url` after `change`, before it is tested.
pub(super) fn changed(change: &LoginChange, url: &RelayUrl, cx: &Context) -> Result<KeptAccess, Failure> {
    let mut kept = cx.kept_access(url)?;
    change.apply(&mut kept);
    if kept.headers.len() > MAX_HEADERS {
        let what = format!("at most {MAX_HEADERS} headers can be kept for a relay");
        return Err(Failure::usage(what, Hint::line("remove one: specify it with --header, then press Enter")));
    }
    Ok(kept)
}

/// The path, which is kept for runs in other directories.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::path(path, &error, "specify the whole path"))
}

/// Whether a header of this name may be kept. The name is not repeated unless it is one: it may hold the value.
fn checked(name: &str) -> Result<(), Failure> {
    let is_letter = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_letter) {
        let hint = "leave out the value: share prompts for it, so that it does not appear in the process list";
        return Err(Failure::usage("--header takes only the name of a header", hint));
    }
    let name = name.to_ascii_lowercase();
    let is = |taken: &&str| taken.strip_suffix('*').map_or(name == **taken, |start| name.starts_with(start));
    if TAKEN.iter().any(is) {
        let what = format!("--header cannot set {}: share or a proxy sets it", printable(&name));
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
        let hint = format!("use up to {MAX_VALUE} printable ASCII characters");
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
        true => format!("No header or client certificate is stored for {relay} any longer."),
        false if is_one => format!("{}{} is kept for {relay}.", what[..1].to_uppercase(), &what[1..]),
        false => format!("{}{} are kept for {relay}.", what[..1].to_uppercase(), &what[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_sets_and_texts_that_are_no_names_are_refused() {
        for name in [
            "Host",
            "content-length",
            "If-None-Match",
            "PREFER",
            "Accept",
            "Accept-Encoding",
            "Proxy-X",
            "X-Forwarded-For",
        ] {
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

//! Obstacles between this computer and a relay, in the user's words: its network, its proxies, certificates, and logins
//! in front of relays.

use std::fs::File;

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::format::time;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::front::Front;
use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;

/// The variable with a file of authorities in place of the system's.
const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// An obstacle on this computer or its network: not the relay's fault.
pub(super) fn hindered(relay: &str, obstacle: &Obstacle, safe: &str) -> Message {
    let unreachable = |what: String, hint: String| Message::new(Exit::Unreachable, what, hint);
    match obstacle {
        Obstacle::NoCertificates => no_certificates(),
        Obstacle::NoNetwork => unreachable(
            format!("this computer has no route to {relay}"),
            format!("check that this computer is online; {safe}"),
        ),
        Obstacle::NoAddress(why) => unreachable(
            format!("the name {relay} cannot be looked up: {why}"),
            format!("check the spelling, and that this computer is online; {safe}"),
        ),
        Obstacle::UnknownName => Message::new(
            Exit::Unreachable,
            format!("no computer on this network has the name {relay}"),
            Hint::line("check the relay's address, which looks like https://relay.example"),
        ),
        Obstacle::NoProxy(proxy, why) => {
            let tor = if proxy.is_socks() { "; for Tor: 127.0.0.1:9050, in Tor Browser 9150" } else { "" };
            let what = format!("the proxy {proxy} cannot be reached: {why}");
            unreachable(what, format!("check that it is running{tor}; {safe}"))
        }
        Obstacle::ProxyPassword(proxy) => {
            let address = proxy.address_with("USER:PASSWORD@");
            unreachable(obstacle.to_string(), format!("set SHARE_PROXY={address}; {safe}"))
        }
        Obstacle::ProxyRefuses(proxy) => {
            let what = format!("the proxy {proxy} does not connect to {relay}");
            let around = beside(relay, Beside::Always).map(|set| format!(", or {set}")).unwrap_or_default();
            unreachable(what, format!("ask its operator{around}; {safe}"))
        }
        Obstacle::ProxyFails(proxy, why) => {
            let what = format!("the proxy {proxy} cannot reach {relay}: {why}");
            let around = beside(relay, Beside::OnLocalNetworks).map(|set| format!(", or {set}")).unwrap_or_default();
            unreachable(what, format!("{safe}{around}"))
        }
        Obstacle::OnionNeedsProxy => Message::new(
            Exit::Usage,
            format!("{relay} can be reached only through a proxy, such as Tor's"),
            Hint::run("--proxy socks5h://127.0.0.1:9050"),
        ),
        Obstacle::NotToIpv6(_) => {
            let around = beside(relay, Beside::Always).map(|set| format!(", or {set}")).unwrap_or_default();
            Message::new(Exit::Usage, obstacle.to_string(), Hint::line(format!("use the name of the host{around}")))
        }
        Obstacle::NoCredentials => {
            Message::new(Exit::Local, format!("{relay}: {obstacle}"), "set the bucket's keys in the environment")
        }
        Obstacle::ReadsHeaders(proxy) => Message::new(
            Exit::Usage,
            format!("the proxy {proxy} would read the headers that are kept for {relay}"),
            "use a socks5h proxy",
        ),
        Obstacle::NotByHttps(_, why) => Message::new(Exit::Usage, why.to_string(), "use an http or a socks5h proxy"),
    }
}

/// The hosts for which a connection without the proxy is suggested. An onion service is never one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Always,
    OnLocalNetworks,
}

/// The setting by which `relay` is reached without a proxy.
fn beside(relay: &str, hosts: Beside) -> Option<String> {
    let url = RelayUrl::parse(relay).ok()?;
    let host = url.as_url().host_str()?;
    let is_meant = !url.is_onion() && (hosts == Beside::Always || !url.is_https());
    is_meant.then(|| format!("set NO_PROXY={}", host.trim_start_matches('[').trim_end_matches(']')))
}

/// A computer without authorities. A file of them that cannot be used is named: the HTTP client ignores it.
fn no_certificates() -> Message {
    let file = std::env::var_os(SSL_CERT_FILE).filter(|file| !file.is_empty());
    let hint = match file {
        Some(file) => {
            let does = if File::open(&file).is_ok() { "contains no certificate" } else { "cannot be read" };
            Hint::from(format!("{SSL_CERT_FILE} names {}, which {does}", printable(&file.to_string_lossy())))
        }
        None => Hint::line("install the package ca-certificates, or use --ca FILE"),
    };
    Message::new(Exit::Local, "this computer has no CA certificates, so it cannot verify relays", hint)
}

/// The command that keeps what a login in front of a relay accepts. Logins are recognized only over https, which a name
/// of this machine would not imply.
fn use_with(relay: &str, option: &str) -> String {
    format!("share relay use https://{relay} {option}")
}

/// An answer from in front of a relay. `sent`: a header that was sent to it.
pub(super) fn fronted(relay: &str, front: &Front, sent: Option<&str>, safe: &str) -> Message {
    if let Some(name) = sent.filter(|_| !matches!(front, Front::Certificate { .. })) {
        return Message::new(
            if front.may_pass() { Exit::Unreachable } else { Exit::Refused },
            format!("{relay} does not accept the header {name} that is kept for it"),
            Hint::line(format!("it may have expired: {}", use_with(relay, &format!("--header {name}")))),
        );
    }
    let by_header = Hint::line(format!("if it accepts a header: {}", use_with(relay, "--header NAME")));
    match front {
        Front::Login { at: Some(at) } => {
            Message::new(Exit::Refused, format!("{relay} requires a login: it redirects to {at}"), by_header)
        }
        Front::Login { at: None } => Message::new(Exit::Refused, format!("{relay} requires a login"), by_header),
        Front::Password => Message::new(
            Exit::Refused,
            format!("{relay} requires a user name and a password"),
            Hint::run(use_with(relay, "--header Authorization")),
        ),
        Front::Certificate { is_refused } => {
            let does =
                if *is_refused { "does not accept the client certificate" } else { "requires a client certificate" };
            Message::new(Exit::Refused, format!("{relay} {does}"), Hint::run(use_with(relay, "--client-cert FILE")))
        }
        Front::Page => Message::new(
            Exit::Unreachable,
            format!("{relay} answers with a web page: a login, or a proxy in between"),
            by_header,
        ),
        Front::Proxy(proxy) => {
            let around = beside(relay, Beside::Always).map(|set| format!(", or {set}")).unwrap_or_default();
            Message::new(
                Exit::Unreachable,
                format!("the proxy {proxy}, or a server behind it, answers in place of {relay}"),
                format!("check the relay's address; ask the proxy's operator{around}"),
            )
        }
        Front::Status(status) => Message::new(
            Exit::Unreachable,
            format!("something in front of {relay} answers with HTTP status {status}"),
            format!("ask its operator; {safe}"),
        ),
    }
}

/// A relay's certificate that this computer does not accept.
pub(super) fn distrusted(relay: &str, why: &Distrust) -> Message {
    let clock = || {
        let now = time(SystemClock.now());
        format!("if the time is not {now}, set this computer's clock; otherwise tell the relay's operator")
    };
    let (what, hint) = match why {
        Distrust::Expired { at } => {
            let at = at.map(|at| format!(" on {}", time(at))).unwrap_or_default();
            (format!("the certificate of {relay} expired{at}"), clock())
        }
        Distrust::NotYet { from } => {
            let from = from.map_or_else(|| "yet".to_owned(), |from| format!("before {}", time(from)));
            (format!("the certificate of {relay} is not valid {from}"), clock())
        }
        Distrust::UnknownIssuer => (
            format!("the certificate of {relay} is from an issuer that this computer does not trust"),
            "on public Wi-Fi, log in first; if the relay has a certificate authority of its own, use --ca FILE; \
             otherwise someone may be intercepting the connection"
                .to_owned(),
        ),
        Distrust::WrongName => (
            format!("the server at {relay} has a certificate for another name"),
            "check the relay's address; on public Wi-Fi, log in first; otherwise someone may be intercepting the \
             connection"
                .to_owned(),
        ),
        Distrust::Other(why) => (
            format!("the certificate of {relay} cannot be trusted: {why}"),
            "on public Wi-Fi, log in first; otherwise someone may be intercepting the connection: tell the relay's \
             operator"
                .to_owned(),
        ),
    };
    Message::new(Exit::Unreachable, what, hint)
}

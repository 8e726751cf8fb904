//! `share send --direct`: the words of hosting, and its end.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::cli::signals::Stop;
use crate::cli::stores;
use crate::host::{
    Event, Host, HostError, HostOptions, InterfaceKind, Listening, Own, Reach, Revoked, Serving, Standing,
};
use crate::platform::network::Enclosure;
use crate::relay::server::PORT;
use crate::relay::{RelayError, Status};
use crate::relay_url::RelayUrl;
use crate::safe_text::{printable, reason};
use crate::send::{Committed, SendError, Share};
use crate::wordlist::openers_words;

/// The name of this machine in errors.
pub(super) const THIS: &str = "this machine";
/// A second Ctrl-C this long after the first cuts an opener off.
const TWICE: Duration = Duration::from_secs(10);
/// A hint about folders.
const ANOTHER_FOLDER: &str = "--state-dir DIR, or a relay";

/// How this computer is reached in direct mode.
#[derive(Args)]
pub(super) struct HostArgs {
    /// With --direct, serve on the interface NAME, such as wlan0
    #[arg(
        long, value_name = "NAME", env = "SHARE_INTERFACE", value_hint = ValueHint::Other, hide_short_help = true
    )]
    interface: Option<String>,
    /// With --direct, listen on ADDRESS [default: the local network, port 4080 if it is free]
    #[arg(
        long, value_name = "ADDRESS", env = "SHARE_LISTEN", value_hint = ValueHint::Other, hide_short_help = true
    )]
    listen: Option<String>,
    /// With --direct, print links to URL, a tunnel to this computer
    #[arg(
        long, value_name = "URL", env = "SHARE_PUBLIC_URL", value_hint = ValueHint::Url, hide_short_help = true
    )]
    public_url: Option<String>,
}

impl HostArgs {
    /// The choices. An argument wins over the environment and the configuration file, also where those set the other one.
    fn options<'a>(&'a self, cx: &'a Context) -> HostOptions<'a> {
        let is_set = |value: &Option<String>, variable: &str| value.is_some() && *value != std::env::var(variable).ok();
        let listen_set = is_set(&self.listen, "SHARE_LISTEN");
        let interface_set = is_set(&self.interface, "SHARE_INTERFACE");
        let interface = self.interface.as_deref().or(cx.config.interface.as_deref()).filter(|name| !name.is_empty());
        HostOptions {
            listen: self.listen.as_deref().filter(|_| listen_set || !interface_set),
            interface: interface.filter(|_| interface_set || self.public_url.is_none()),
            // The setting of this name in the configuration file is for a relay that runs here.
            public_url: self.public_url.as_deref(),
        }
    }

    /// A host for `count` shares of `expected` bytes.
    pub(super) fn open(&self, count: usize, expected: Option<u64>, cx: &Context) -> Result<Host, Failure> {
        let listening = Listening::open(self.options(cx), count).map_err(failure)?;
        if listening.address().ip.is_loopback() && self.listen.is_none() && self.public_url.is_none() {
            cx.output.warn("this computer has no local network: the link can be opened only on this computer");
        }
        listening.into_host(cx.state(), expected).map_err(failure)
    }
}

/// An error of hosting in words.
pub(super) fn failure(error: HostError) -> Failure {
    match error {
        HostError::PublicUrl(error) => {
            Failure::usage(format!("--public-url: {error}"), Hint::run("--public-url https://tunnel.example"))
        }
        HostError::PublicUrlIsStore => {
            Failure::usage("--public-url is the address of a tunnel", Hint::run("--public-url https://tunnel.example"))
        }
        HostError::TunnelToMany => {
            Failure::usage("a tunnel leads to one link", "send it once for each, or use a relay")
        }
        HostError::NotAnAddress => {
            Failure::usage("--listen takes an address of this machine", Hint::run("--listen 192.168.1.23:4080"))
        }
        HostError::EveryInterface(ip) => Failure::usage(
            format!("{ip} means every interface"),
            Hint::line("set --listen to the address of one interface"),
        ),
        HostError::NoSuchInterface { name, known } => {
            let mut names: Vec<_> = known.iter().map(|name| printable(name)).collect();
            names.dedup();
            let hint = match &names[..] {
                [] => "this machine has no network address".into(),
                names => Hint::run(format!("--interface {}", names.join(", --interface "))),
            };
            Failure::usage(format!("{} has no address that other machines can reach", printable(&name)), hint)
        }
        HostError::CannotListen { address, error } => Failure::local(
            format!("{address} cannot be listened on: {}", reason(&error)),
            Hint::line("another --listen ADDRESS"),
        ),
        HostError::Address(error) => Failure::RelayUrl(error),
        HostError::NoAddress(error) => anyhow::Error::from(error).into(),
        HostError::NoFolder { directory, error } => Failure::path(&directory, &error, Hint::line(ANOTHER_FOLDER)),
        HostError::Unfit(error) => stores::folder_failure(&error, Hint::line(ANOTHER_FOLDER)),
        HostError::NoRoom => Failure::local(
            "there is no room on this disk for what would wait to be opened",
            Hint::line("nothing was sent; --state-dir can be on another disk"),
        ),
    }
}

/// A failed upload where the relay is this machine's own disk.
pub(super) fn upload_failure(error: Failure) -> Failure {
    match error {
        Failure::Send { error: SendError::Relay(RelayError::NoSpace { .. }), .. } => failure(HostError::NoRoom),
        error => error,
    }
}

/// Serves until all shares of `batch` have come to their ends, or they are revoked.
pub(super) async fn until_opened(serving: Serving, batch: &Committed, cx: &Context) -> Result<(), Failure> {
    let output = &cx.output;
    introduce(&serving, batch, output);
    let narrator = Narrator {
        output,
        several: batch.shares().len() > 1,
        reach: serving.reach(),
        enclosure: serving.address().enclosure,
        bar: RefCell::new(None),
    };
    let (ends, leaving) = follow(&serving, batch, &narrator, cx).await;
    output.clear();
    let Some(ends) = ends else {
        let revoked = serving.revoke(batch).await;
        if revoked.cut_off.is_some() {
            tokio::select! {
                () = serving.answer_cut_off() => {},
                _ = cx.interrupted() => {},
            }
        }
        serving.close().await;
        return Err(Failure::Interrupted(Some(revoked_words(revoked, batch.shares().len()).into())));
    };
    if leaving {
        output.info("Nothing is left here.");
    } else {
        output.info("Nothing is left here. Second openers are told so for a minute; Ctrl-C leaves now.");
        tokio::select! {
            () = serving.answer_late_visitors() => {},
            _ = cx.interrupted() => {},
        }
    }
    serving.close().await;
    expect_opened(batch.shares().iter().map(Share::entry).zip(&ends))
}

/// Reports what happens until all shares have ended; `None`: the sender chose to revoke them first. The flag: the
/// sender chose to quit when they had ended already.
async fn follow(
    serving: &Serving,
    batch: &Committed,
    narrator: &Narrator<'_>,
    cx: &Context,
) -> (Option<Vec<Status>>, bool) {
    let mut watching = Box::pin(serving.until_opened(batch, |share, event| narrator.report(share, event)));
    let (mut warned, mut leaving) = (None::<Instant>, false);
    loop {
        tokio::select! {
            biased;
            ends = &mut watching => return (Some(ends), leaving),
            stop = cx.interrupted() => match serving.standing().await {
                // It has ended, and the end is about to be reported.
                Standing::Over => leaving = true,
                Standing::Opening
                    if stop == Stop::Person && warned.is_none_or(|warned| warned.elapsed() >= TWICE) =>
                {
                    warned = Some(Instant::now());
                    cx.output.warn("somebody is opening it right now; Ctrl-C again cuts them off");
                }
                Standing::Opening | Standing::Waiting => return (None, leaving),
            }
        }
    }
}

/// The words for shares that were revoked by ending the program.
fn revoked_words(revoked: Revoked, count: usize) -> String {
    match (revoked.opened, count, revoked.cut_off) {
        (0, 1, None) => "taken back: the link is dead, and nothing is left here".to_owned(),
        (0, 1, Some(opener)) => format!(
            "taken back while it was being opened ({}), perhaps too late; nothing is left here",
            openers_words(&opener)
        ),
        (0, ..) => "taken back: the links are dead, and nothing is left here".to_owned(),
        (opened, count, _) => {
            format!("{opened} of {count} were opened; the rest is taken back, and nothing is left here")
        }
    }
}

/// Prints from where the shares can be opened, and until when.
fn introduce(serving: &Serving, batch: &Committed, output: &Output) {
    let (reach, address) = (serving.reach(), serving.address());
    let visitors = match (reach, &address.own) {
        (Reach::Network, _) if address.is_public() => format!("to every program that reaches {}", address.ip),
        (Reach::Network, Some(own)) if own.kind == InterfaceKind::Tunnel => {
            format!("through the tunnel {} only", printable(&own.name))
        }
        (Reach::Network, _) => "on this network only".to_owned(),
        (Reach::Loopback, _) => "to programs on it only".to_owned(),
        (Reach::Tunnel(None), _) => "through your tunnel".to_owned(),
        (Reach::Tunnel(Some(address)), _) => format!("through your tunnel, which must lead to {address}"),
    };
    output.info(&format!("Served by this computer, {visitors}. Opens once. Keep this running; Ctrl-C takes it back."));
    if !matches!(reach, Reach::Tunnel(_)) {
        describe_address(serving, output);
    }
    output.info(&format!("Unopened, it ends on {}.", format::time(batch.sent().map_or(0, |sent| sent.expires))));
    if matches!(reach, Reach::Network | Reach::Loopback) && !address.is_public() {
        output.hint(Hint::line("for someone elsewhere you need a relay: share help relay"));
    }
}

/// Prints the limits of the address in the link.
fn describe_address(serving: &Serving, output: &Output) {
    let address = serving.address();
    if let Some(enclosure) = address.enclosure {
        output.warn(&enclosed(enclosure, address.ip));
        output.hint(Hint::line(way_out(enclosure, address.ip)));
    }
    if address.is_public() {
        output.info("Recipients need share: a browser cannot open this link.");
    }
    if !address.others.is_empty() {
        let others = address.others.iter().map(own_words).collect::<Vec<_>>().join(", ");
        output.info(&format!("This computer's other addresses: {others}. To use one, set --interface NAME."));
    }
}

/// `192.168.1.23 (wlan0)`.
fn own_words(own: &Own) -> String {
    let tunnel = if own.kind == InterfaceKind::Tunnel { ", a tunnel" } else { "" };
    format!("{} ({}{tunnel})", own.ip, printable(&own.name))
}

/// The warning that nobody elsewhere may reach `ip`.
fn enclosed(enclosure: Enclosure, ip: IpAddr) -> String {
    let inside = match enclosure {
        Enclosure::Container => "a container",
        Enclosure::Wsl => "WSL",
    };
    format!("share is running in {inside}: other computers may be unable to reach {ip}")
}

/// The way out of an enclosure.
fn way_out(enclosure: Enclosure, ip: IpAddr) -> String {
    let publish = match enclosure {
        Enclosure::Container => format!("publish port {PORT} of the container"),
        Enclosure::Wsl => format!("forward port {PORT} from Windows, or use mirrored networking"),
    };
    let address = SocketAddr::new(ip, PORT);
    format!("{publish}, and send with --listen {address} --public-url http://ADDRESS:{PORT}; or use a relay")
}

/// Shows the sender what happens to shares.
struct Narrator<'a> {
    output: &'a Output,
    /// There are several: print which one it is.
    several: bool,
    reach: Reach,
    enclosure: Option<Enclosure>,
    /// Over the bytes of a share that is being opened.
    bar: RefCell<Option<ProgressBar>>,
}

impl Narrator<'_> {
    fn report(&self, share: &Share, event: Event) {
        let total = share.sent().manifest.blob_len;
        match event {
            Event::Lonely => self.wonder(share),
            Event::LookedAt => self.event(share, "looked-at", json!({}), "looked at"),
            Event::Opening { claimant, fetched } => {
                let words = openers_words(&claimant);
                self.event(share, "opening", json!({ "opener": words }), &format!("being opened ({words})"));
                if !self.several && fetched < total {
                    *self.bar.borrow_mut() = Some(self.output.bar("Sending", Some(total)));
                }
            }
            Event::Fetched(fetched) => {
                if let Some(bar) = &*self.bar.borrow() {
                    bar.set_position(fetched.min(total));
                }
            }
            Event::Ended(status) => {
                if self.bar.take().is_some() {
                    self.output.clear();
                }
                let entry = share.entry();
                self.event(share, "ended", entry.facts(Some(&status)), &entry.outcome(&status));
            }
        }
    }

    fn event(&self, share: &Share, event: &str, mut facts: Value, what: &str) {
        let entry = share.entry();
        let which = match (&entry.recipient, self.several) {
            (Some(recipient), true) => format!("{} · ", printable(recipient)),
            (None, true) => format!("{} · ", entry.short_id()),
            (_, false) => String::new(),
        };
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("for".to_owned(), json!(entry.recipient));
            facts.insert("id".to_owned(), json!(entry.id().map(|id| id.hex())));
        }
        self.output.event(event, facts, &format!("{} {which}{what}", format::time_of_day()));
    }

    /// Nobody has come: shows why that may be.
    fn wonder(&self, share: &Share) {
        if self.reach != Reach::Network {
            return;
        }
        let hint = if self.enclosure.is_some() {
            "nobody has visited the link yet. Other computers may be unable to reach this address".to_owned()
        } else {
            let port = share.link().relay.as_ref().and_then(RelayUrl::port).unwrap_or(PORT);
            format!(
                "nobody has visited the link yet. Is the recipient on the same network? A firewall here must allow TCP {port}"
            )
        };
        self.output.hint(hint);
    }
}

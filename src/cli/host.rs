//! `share send --direct`: the messages of hosting, and its end.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::folders;
use crate::cli::notice::Notifier;
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::cli::signals::Stop;
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

/// The name of this computer in errors.
pub(super) const THIS: &str = "this computer";
/// A Ctrl-C this long after the warning only warns again.
const TWICE: Duration = Duration::from_secs(10);
/// The command-line option for another place of the folder.
const ANOTHER_FOLDER: &str = "--state-dir DIR";

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
    /// The choices. An argument wins over the environment and the configuration file, even over their setting of the
    /// other option.
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
            cx.output.warn("this computer is not on a network: the link can be opened only on this computer");
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
        HostError::PublicUrlIsStore => Failure::usage(
            "--public-url takes the address of a tunnel, not of a folder or bucket",
            Hint::run("--public-url https://tunnel.example"),
        ),
        HostError::TunnelToMany => {
            Failure::usage("--public-url allows only one link", "send once for each recipient, or use a relay")
        }
        HostError::NotAnAddress => {
            Failure::usage("--listen takes an address of this computer", Hint::run("--listen 192.168.1.23:4080"))
        }
        HostError::EveryInterface(ip) => Failure::usage(
            format!("{ip} means every interface"),
            Hint::line("use --listen with the address of one interface"),
        ),
        HostError::NoSuchInterface { name, known } => {
            let mut names: Vec<_> = known.iter().map(|name| printable(name)).collect();
            names.dedup();
            let hint = match &names[..] {
                [] => "this computer has no network address".into(),
                names => Hint::run(format!("--interface {}", names.join(", --interface "))),
            };
            Failure::usage(format!("{} has no address that other computers can reach", printable(&name)), hint)
        }
        HostError::CannotListen { address, error } => {
            Failure::local(format!("cannot listen on {address}: {}", reason(&error)), Hint::run("--listen ADDRESS"))
        }
        HostError::Address(error) => Failure::RelayUrl(error),
        HostError::NoAddress(error) => anyhow::Error::from(error).into(),
        HostError::NoFolder { directory, error } => Failure::path(&directory, &error, Hint::line(ANOTHER_FOLDER)),
        HostError::Unfit(error) => folders::failure(&error, Hint::line(ANOTHER_FOLDER)),
        HostError::NoRoom => Failure::local(
            "the disk has no room for the encrypted copy",
            Hint::line("use --state-dir DIR on another disk, or a relay; nothing was sent"),
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

/// Serves until all shares of `batch` have ended, or are revoked.
pub(super) async fn until_opened(
    serving: Serving,
    batch: &Committed,
    notifier: &Notifier,
    cx: &Context,
) -> Result<(), Failure> {
    let output = &cx.output;
    let narrator = Narrator {
        output,
        notifier,
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
        return Err(Failure::Interrupted(Some(Hint::outcome(revoked_words(revoked, batch.shares().len())))));
    };
    let outcome = expect_opened(batch.shares().iter().map(Share::entry).zip(&ends));
    let done = if outcome.is_ok() { "Done. Nothing is left here." } else { "Nothing is left here." };
    if leaving {
        output.info(done);
    } else {
        let late = "`share` answers late visitors for one more minute; press Ctrl-C to quit now.";
        output.info(&format!("{done} {late}"));
        tokio::select! {
            () = serving.answer_late_visitors() => {},
            _ = cx.interrupted() => {},
        }
    }
    serving.close().await;
    notifier.settle(cx).await;
    outcome
}

/// Prints events until all shares have ended. Returns their ends, or `None` if Ctrl-C revokes them first; and whether
/// Ctrl-C came when they had ended already.
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
                // All have ended, and the last end is about to be reported.
                Standing::Over => leaving = true,
                Standing::Opening
                    if stop == Stop::Person && warned.is_none_or(|warned| warned.elapsed() >= TWICE) =>
                {
                    warned = Some(Instant::now());
                    cx.output.warn("this share is being opened right now; press Ctrl-C again to cut the opener off");
                }
                Standing::Opening | Standing::Waiting => return (None, leaving),
            }
        }
    }
}

/// The outcome of a program that was ended before all shares were opened.
fn revoked_words(revoked: Revoked, count: usize) -> String {
    match (revoked.opened, count, revoked.cut_off) {
        (0, 1, None) => "revoked: the link no longer works".to_owned(),
        (0, 1, Some(opener)) => format!(
            "revoked while it was being opened ({}): the opener may have received all of it",
            openers_words(&opener)
        ),
        (0, ..) => "revoked: the links no longer work".to_owned(),
        (opened, count, _) => format!("{opened} of {count} links were opened; the others are revoked"),
    }
}

/// Prints the facts that a sender needs before the link: the limits of its address, and when it expires.
pub(super) fn introduce(serving: &Serving, batch: &Committed, output: &Output) {
    let (reach, address) = (serving.reach(), serving.address());
    if let Reach::Tunnel(Some(end)) = reach {
        output.info(&format!("Your tunnel must forward to {end}."));
    }
    if !matches!(reach, Reach::Tunnel(_)) {
        describe_address(serving, output);
    }
    let it = if batch.shares().len() > 1 { "Links expire" } else { "Expires" };
    let expires = format::time(batch.sent().map_or(0, |sent| sent.expires));
    output.info(&format!("{it} on {expires} if nobody opens {}.", if it == "Expires" { "it" } else { "them" }));
    if matches!(reach, Reach::Network | Reach::Loopback) && !address.is_public() {
        output.hint(Hint::line("to reach someone elsewhere, use a relay: share help relay"));
    }
}

/// The line below the link: who can open it, and how the sender revokes it.
pub(super) fn status_line(serving: &Serving, count: usize) -> String {
    let address = serving.address();
    let to = match (serving.reach(), &address.own) {
        (Reach::Network, _) if address.is_public() => format!("at {}", address.ip),
        (Reach::Network, Some(own)) if own.kind == InterfaceKind::Tunnel => {
            format!("on the tunnel {}", printable(&own.name))
        }
        (Reach::Network, _) => "on the local network".to_owned(),
        (Reach::Loopback, _) => "on this computer only".to_owned(),
        (Reach::Tunnel(_), _) => "through your tunnel".to_owned(),
    };
    let (opened, revoke) = if count > 1 { ("all are opened", "them") } else { ("it is opened", "it") };
    format!("Serving {to} until {opened}. Press Ctrl-C to revoke {revoke}.")
}

/// Prints the limits of the address in the link.
fn describe_address(serving: &Serving, output: &Output) {
    let address = serving.address();
    if let Some(enclosure) = address.enclosure {
        output.warn(&enclosed(enclosure, address.ip));
        output.hint(Hint::line(way_out(enclosure, address.ip)));
    }
    if address.is_public() {
        output.info(&format!(
            "{} is a public address: the whole internet may reach it. Recipients need `share`; browsers cannot open \
             this link.",
            address.ip
        ));
    }
    if !address.others.is_empty() {
        let others = address.others.iter().map(own_words).collect::<Vec<_>>().join(", ");
        output.info(&format!("This computer's other addresses: {others}. Use --interface NAME to choose one."));
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
    format!("share runs in {inside}: other computers may be unable to reach {ip}")
}

/// The way out of an enclosure.
fn way_out(enclosure: Enclosure, ip: IpAddr) -> String {
    let publish = match enclosure {
        Enclosure::Container => format!("publish port {PORT} of the container"),
        Enclosure::Wsl => format!("forward port {PORT} from Windows, or use mirrored networking"),
    };
    let address = SocketAddr::new(ip, PORT);
    format!("{publish}, and add --listen {address} --public-url http://ADDRESS:{PORT}; or use a relay")
}

/// Prints what happens to shares.
struct Narrator<'a> {
    output: &'a Output,
    notifier: &'a Notifier,
    /// Whether there are several, so that each line names its share.
    several: bool,
    reach: Reach,
    enclosure: Option<Enclosure>,
    /// Shown while the only share is being opened: bytes that the opener has fetched.
    bar: RefCell<Option<ProgressBar>>,
}

impl Narrator<'_> {
    fn report(&self, share: &Share, event: Event) {
        let total = share.sent().manifest.blob_len;
        match event {
            Event::Lonely => self.wonder(share),
            Event::LookedAt => self.event(share, "looked-at", json!({}), "link previewed"),
            Event::Opening { claimant, fetched } => {
                let words = openers_words(&claimant);
                self.event(share, "opening", json!({ "opener": words }), &format!("being opened by: {words}"));
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
                self.notifier.ended(entry, &status);
            }
        }
    }

    fn event(&self, share: &Share, event: &str, mut facts: Value, what: &str) {
        let entry = share.entry();
        let which = match (&entry.recipient, self.several) {
            (Some(recipient), true) => format!("{}: ", printable(recipient)),
            (None, true) => format!("{}: ", entry.short_id()),
            (_, false) => String::new(),
        };
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("for".to_owned(), json!(entry.recipient));
            facts.insert("id".to_owned(), json!(entry.id().map(|id| id.hex())));
        }
        self.output.event(event, facts, &format!("{} {which}{what}", format::time_of_day()));
    }

    /// Shows what may keep visitors away.
    fn wonder(&self, share: &Share) {
        if self.reach != Reach::Network {
            return;
        }
        let hint = if self.enclosure.is_some() {
            "nobody has visited the link yet; other computers may be unable to reach this address".to_owned()
        } else {
            let port = share.link().relay.as_ref().and_then(RelayUrl::port).unwrap_or(PORT);
            format!(
                "nobody has visited the link yet: the recipient must be on the same network, and a firewall here must \
                 allow TCP port {port}"
            )
        };
        self.output.hint(hint);
    }
}

//! `share send --direct`: the messages of hosting, and its end.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};

use crate::cli::context::Context;
use crate::cli::narrator::Narrator;
use crate::cli::notice::Notifier;
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::cli::signals::Stop;
use crate::cli::{folders, tunnel};
use crate::host::{
    Host, HostError, HostOptions, InterfaceKind, Listening, Own, Reach, Revoked, Serving, Standing, Tunnel,
    TunnelCommand, TunnelEnd,
};
use crate::platform::network::Enclosure;
use crate::relay::server::PORT;
use crate::relay::{RelayError, Status};
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
    /// Serve through a tunnel, such as localhost.run
    #[arg(long, value_name = "COMMAND", env = "SHARE_TUNNEL", value_hint = ValueHint::Other)]
    #[arg(
        long_help = "Serve through the tunnel that COMMAND opens: localhost.run, pinggy, cloudflared, tailscale, or \
                       a command with {} for the port"
    )]
    tunnel: Option<String>,
}

/// Whether a value is an argument, and not that of its variable.
fn is_argument(value: Option<&String>, variable: &str) -> bool {
    value.is_some() && value != std::env::var(variable).ok().as_ref()
}

impl HostArgs {
    /// Whether an argument chooses a tunnel, or none: then this computer serves. A setting only says how it does.
    pub(super) fn serves(&self) -> bool {
        is_argument(self.tunnel.as_ref(), "SHARE_TUNNEL")
    }

    /// The choices. An argument wins over the environment and the configuration file, even over their setting of the
    /// other options.
    fn options<'a>(&'a self, cx: &'a Context) -> Result<(HostOptions<'a>, Option<TunnelCommand>), Failure> {
        let listen_set = is_argument(self.listen.as_ref(), "SHARE_LISTEN");
        let interface_set = is_argument(self.interface.as_ref(), "SHARE_INTERFACE");
        let url_set = is_argument(self.public_url.as_ref(), "SHARE_PUBLIC_URL");
        let is_unset = !self.serves();
        let tunnel = self.tunnel.as_deref().or(cx.config.tunnel.as_deref());
        let tunnel = tunnel.filter(|_| !(is_unset && (listen_set || interface_set || url_set))).unwrap_or_default();
        let listen = self.listen.as_deref().filter(|_| listen_set || !interface_set);
        let port = listen.and_then(|listen| listen.parse::<SocketAddr>().ok()).map_or(0, |address| address.port());
        let command = tunnel::command(tunnel, port > 0)?;
        let opens_tunnel = command.is_some();
        if opens_tunnel && interface_set {
            return Err(Failure::usage("--tunnel and --interface cannot be used together", "leave one of them out"));
        }
        let interface = self.interface.as_deref().or(cx.config.interface.as_deref()).filter(|name| !name.is_empty());
        // The setting of this name in the configuration file is for a relay that runs here.
        let public_url = self.public_url.as_deref().filter(|_| url_set || is_unset);
        let options = HostOptions {
            listen,
            interface: interface.filter(|_| interface_set || !(opens_tunnel || public_url.is_some())),
            public_url,
            opens_tunnel,
        };
        Ok((options, command))
    }

    /// A host for `count` shares of `expected` bytes, and the tunnel to it. `is_bare`: of links for programs only.
    pub(super) async fn open(
        &self,
        count: usize,
        expected: Option<u64>,
        is_bare: bool,
        cx: &Context,
    ) -> Result<(Host, Option<Tunnel>), Failure> {
        let (options, command) = self.options(cx)?;
        let mut listening = match Listening::open(options, count) {
            Err(HostError::TunnelToMany) if options.opens_tunnel => return Err(too_many("--tunnel")),
            listening => listening.map_err(failure)?,
        };
        let has_tunnel = options.public_url.is_some() || options.opens_tunnel;
        if listening.address().ip.is_loopback() && self.listen.is_none() && !has_tunnel {
            cx.output.warn("this computer is not on a network: the link can be opened only on this computer");
        }
        let tunnel = match command {
            Some(command) => Some(tunnel::open(command, &mut listening, is_bare, cx).await?),
            None => None,
        };
        Ok((listening.into_host(cx.state(), expected).map_err(failure)?, tunnel))
    }
}

/// The error of a tunnel to several shares.
fn too_many(option: &str) -> Failure {
    Failure::usage(format!("{option} allows only one link"), "send once for each recipient, or use a relay")
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
        HostError::TunnelToMany => too_many("--public-url"),
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
    mut tunnel: Option<Tunnel>,
    batch: &Committed,
    notifier: &Notifier,
    cx: &Context,
) -> Result<(), Failure> {
    let output = &cx.output;
    let narrator = Narrator::new(&serving, batch, notifier, output);
    let end = follow(&serving, tunnel.as_mut(), batch, &narrator, cx).await;
    output.clear();
    let (ends, leaving) = match end {
        End::Ended { ends, leaving } => (ends, leaving),
        end => {
            let revoked = revoke(&serving, batch, cx).await;
            serving.close().await;
            let outcome = revoked_words(revoked, batch.shares().len());
            return Err(match end {
                End::TunnelEnded(end) => tunnel::ended(&end, outcome, cx),
                _ => Failure::Interrupted(Some(Hint::outcome(outcome))),
            });
        }
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

/// Revokes all shares of `batch`, and gives an opener who is cut off the time to learn that.
async fn revoke(serving: &Serving, batch: &Committed, cx: &Context) -> Revoked {
    let revoked = serving.revoke(batch).await;
    if revoked.cut_off.is_some() {
        tokio::select! {
            () = serving.answer_cut_off() => {},
            _ = cx.interrupted() => {},
        }
    }
    revoked
}

/// The end of serving.
enum End {
    /// All shares have ended. `leaving`: Ctrl-C came then.
    Ended { ends: Vec<Status>, leaving: bool },
    /// Ctrl-C came before.
    Interrupted,
    /// The tunnel ended before.
    TunnelEnded(TunnelEnd),
}

/// Prints events until all shares have ended, or something else ends serving.
async fn follow(
    serving: &Serving,
    tunnel: Option<&mut Tunnel>,
    batch: &Committed,
    narrator: &Narrator<'_>,
    cx: &Context,
) -> End {
    let mut tunnel = Box::pin(tunnel::watch(tunnel, || narrator.is_busy(), &cx.output));
    let mut watching = Box::pin(serving.until_opened(batch, |share, event| narrator.report(share, event)));
    let (mut warned, mut leaving) = (None::<Instant>, false);
    loop {
        tokio::select! {
            biased;
            ends = &mut watching => return End::Ended { ends, leaving },
            stop = cx.interrupted() => match serving.standing().await {
                // All have ended, and the last end is about to be reported.
                Standing::Over => leaving = true,
                Standing::Opening
                    if stop == Stop::Person && warned.is_none_or(|warned| warned.elapsed() >= TWICE) =>
                {
                    warned = Some(Instant::now());
                    cx.output.warn("this share is being opened right now; press Ctrl-C again to cut the opener off");
                }
                Standing::Opening | Standing::Waiting => return End::Interrupted,
            },
            end = &mut tunnel => return End::TunnelEnded(end),
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
pub(super) fn status_line(serving: &Serving, tunnel: Option<&Tunnel>, count: usize) -> String {
    let address = serving.address();
    let to = match (serving.reach(), &address.own) {
        (Reach::Network, _) if address.is_public() => format!("at {}", address.ip),
        (Reach::Network, Some(own)) if own.kind == InterfaceKind::Tunnel => {
            format!("on the tunnel {}", printable(&own.name))
        }
        (Reach::Network, _) => "on the local network".to_owned(),
        (Reach::Loopback, _) => "on this computer only".to_owned(),
        (Reach::Tunnel(_), _) => match tunnel {
            Some(tunnel) => format!("through {}", tunnel.origin().without_path()),
            None => "through your tunnel".to_owned(),
        },
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

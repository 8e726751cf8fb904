//! The options that choose how this computer is reached when it serves a share.

use std::net::SocketAddr;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::cli::context::Context;
use crate::cli::host::{failure, too_many};
use crate::cli::output::errors::Failure;
use crate::cli::tunnel;
use crate::host::{Host, HostError, HostOptions, Listening, Tunnel, TunnelCommand};

/// The names of the values by which this computer is reached.
const INTERFACE: &str = "interface";
const LISTEN: &str = "listen";
const PUBLIC_URL: &str = "public_url";
const TUNNEL: &str = "tunnel";

/// How this computer is reached in direct mode.
pub(super) struct HostArgs {
    values: HostValues,
    /// The names of the values that are arguments, and not those of variables.
    arguments: Vec<&'static str>,
}

#[derive(Args)]
struct HostValues {
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

impl Args for HostArgs {
    fn augment_args(command: Command) -> Command {
        HostValues::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        HostValues::augment_args_for_update(command)
    }
}

impl FromArgMatches for HostArgs {
    fn from_arg_matches(found: &ArgMatches) -> Result<Self, clap::Error> {
        let is_argument = |name: &&str| found.value_source(name) == Some(ValueSource::CommandLine);
        let arguments = [INTERFACE, LISTEN, PUBLIC_URL, TUNNEL].into_iter().filter(is_argument).collect();
        Ok(Self { values: HostValues::from_arg_matches(found)?, arguments })
    }

    fn update_from_arg_matches(&mut self, found: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(found)?;
        Ok(())
    }
}

impl HostArgs {
    fn is_argument(&self, name: &str) -> bool {
        self.arguments.contains(&name)
    }

    /// Whether an argument chooses a tunnel, or none: then this computer serves. A setting only says how it does.
    pub(super) fn serves(&self) -> bool {
        self.is_argument(TUNNEL)
    }

    /// The choices. An argument wins over the environment and the configuration file, even over their setting of the
    /// other options.
    fn options<'a>(&'a self, cx: &'a Context) -> Result<(HostOptions<'a>, Option<TunnelCommand>), Failure> {
        let HostValues { interface, listen, public_url, tunnel } = &self.values;
        let [listen_set, interface_set, url_set] = [LISTEN, INTERFACE, PUBLIC_URL].map(|name| self.is_argument(name));
        let is_unset = !self.serves();
        let tunnel = tunnel.as_deref().or(cx.config.tunnel.as_deref());
        let tunnel = tunnel.filter(|_| !(is_unset && (listen_set || interface_set || url_set))).unwrap_or_default();
        let listen = listen.as_deref().filter(|_| listen_set || !interface_set);
        let port = listen.and_then(|listen| listen.parse::<SocketAddr>().ok()).map_or(0, |address| address.port());
        let command = tunnel::command(tunnel, port > 0)?;
        let opens_tunnel = command.is_some();
        if opens_tunnel && interface_set {
            return Err(Failure::usage("--tunnel and --interface cannot be used together", "leave one of them out"));
        }
        let interface = interface.as_deref().or(cx.config.interface.as_deref()).filter(|name| !name.is_empty());
        // The setting of this name in the configuration file is for a relay that runs here.
        let public_url = public_url.as_deref().filter(|_| url_set || is_unset);
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
        if listening.address().ip.is_loopback() && self.values.listen.is_none() && !has_tunnel {
            cx.output.warn("this computer is not on a network: the link can be opened only on this computer");
        }
        let tunnel = match command {
            Some(command) => Some(tunnel::open(command, &mut listening, is_bare, cx).await?),
            None => None,
        };
        Ok((listening.into_host(cx.state(), expected).map_err(failure)?, tunnel))
    }
}

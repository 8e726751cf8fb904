//! The surroundings of a command: settings, output, the signal to stop.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};
use directories::ProjectDirs;

use crate::cli::config::{self, Config};
use crate::cli::network;
use crate::cli::output::Output;
use crate::cli::output::errors::Failure;
use crate::cli::signals::{Signals, Stop};
use crate::platform::service::{Socket, Sockets};
use crate::relay::Network;
use crate::relay::client::retry::Backoff;
use crate::relay_url::RelayUrl;
use crate::state::StateDir;

/// Options that every command has.
#[derive(Args)]
pub(super) struct Common {
    /// Don't print progress or hints
    #[arg(short, long, global = true, env = "SHARE_QUIET", value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
    /// Print results as JSON lines
    #[arg(long, global = true, env = "SHARE_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    // `SHARE_LOG` has names for its values, which clap does not know for a count.
    #[arg(help = "Print more detail (-vv for debugging) [env: SHARE_LOG]")]
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub(super) verbose: u8,
    /// Give up after TIME [default: 10m]
    #[arg(
        long, global = true, value_name = "TIME", env = "SHARE_GIVE_UP", value_parser = duration,
        value_hint = ValueHint::Other, hide_short_help = true
    )]
    pub(super) give_up: Option<Duration>,
    /// Keep state between runs in DIR
    #[arg(
        long, global = true, value_name = "DIR", env = "SHARE_STATE_DIR", value_hint = ValueHint::DirPath,
        hide_short_help = true
    )]
    pub(super) state_dir: Option<PathBuf>,
    /// Connect through a proxy, or "none"
    #[arg(
        long, global = true, value_name = "URL", env = "SHARE_PROXY", value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    pub(super) proxy: Option<String>,
    /// Also trust the CA certificates in FILE
    #[arg(
        long, global = true, value_name = "FILE", env = "SHARE_CA", value_hint = ValueHint::FilePath,
        hide_short_help = true
    )]
    pub(super) ca: Option<PathBuf>,
}

/// The default of `--give-up`.
const GIVE_UP: Duration = Duration::from_mins(10);

/// The surroundings of a command.
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) give_up: Duration,
    /// Whether `give_up` was set by the user.
    pub(super) give_up_is_set: bool,
    pub(super) signals: Signals,
    sockets: Mutex<Sockets>,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) output: Output,
    network: network::Setting,
}

impl Context {
    /// `lasts`: the command may outlive its terminal. `sockets`: those that the service manager passed, if the command
    /// is a server. SIGHUP asks a server to read its files again.
    pub(super) fn new(common: Common, output: Output, lasts: bool, sockets: Option<Sockets>) -> Result<Self, Failure> {
        let config = Config::read()?;
        let give_up = match (common.give_up, &config.give_up) {
            (Some(given), _) => given,
            (None, Some(text)) => duration(text).map_err(|why| config::wrong("give_up", &why))?,
            (None, None) => GIVE_UP,
        };
        let give_up_is_set = common.give_up.is_some() || config.give_up.is_some();
        let (signals, state_dir) = (Signals::listen(lasts, sockets.is_some()), common.state_dir);
        let sockets = Mutex::new(sockets.unwrap_or_default());
        let network = network::Setting::new(common.proxy, common.ca);
        if network.shows_password() {
            output.warn("other users of this computer can read the password in --proxy; SHARE_PROXY hides it");
        }
        if network::Setting::discloses_password(&config) {
            output
                .warn("other users of this computer can read the proxy's password in config.toml: chmod 600 hides it");
        }
        Ok(Self { config, give_up, give_up_is_set, signals, sockets, state_dir, output, network })
    }

    /// The socket that the service manager passed under this name. Each can be taken once.
    pub(super) fn socket(&self, name: &str) -> Option<Socket> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// The names of the sockets that were passed and not taken.
    pub(super) fn unused_sockets(&self) -> Vec<String> {
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.names().map(str::to_owned).collect()
    }

    /// How this command connects.
    ///
    /// # Errors
    /// A proxy that cannot be used, and a file of authorities that cannot be read.
    pub(super) fn network(&self) -> Result<&Network, Failure> {
        self.network.get(&self.config)
    }

    /// Waits for a signal to stop.
    pub(super) async fn interrupted(&self) -> Stop {
        self.signals.next().await
    }

    /// The result of work that may block, a question or a pipe, unless a signal to stop comes first.
    pub(super) async fn unless_interrupted<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = tokio::task::spawn_blocking(work) => Ok(done.map_err(anyhow::Error::from)?),
            _ = self.interrupted() => Err(Failure::Interrupted(None)),
        }
    }

    /// The result of `work`, unless a signal to stop comes first.
    pub(super) async fn or_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            done = work => Ok(done),
            _ = self.interrupted() => Err(Failure::Interrupted(None)),
        }
    }

    /// The state directory: the one that was set, or the usual one of this user.
    ///
    /// # Errors
    /// The user has no home, or the directory cannot be made.
    pub(super) fn state(&self) -> io::Result<StateDir> {
        let root = match &self.state_dir {
            Some(root) => root.clone(),
            None => {
                let dirs = ProjectDirs::from("", "", "share").ok_or(io::ErrorKind::NotFound)?;
                // Only Linux has a directory for state.
                dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned()
            }
        };
        StateDir::open(root)
    }

    /// The create token that lets us create shares at a relay: from the environment, or kept.
    pub(super) fn create_token(&self, relay: &RelayUrl) -> Option<String> {
        given_create_token().or_else(|| self.state().ok()?.create_token(relay))
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.give_up)
    }

    /// The relay that was given as an argument, or else the configured one.
    pub(super) fn relay(&self, given: Option<&str>) -> Result<Option<RelayUrl>, Failure> {
        let environment = std::env::var("SHARE_RELAY").ok();
        let given = given.or(environment.as_deref()).filter(|url| !url.trim().is_empty());
        given.or(self.config.relay.as_deref()).map(RelayUrl::parse).transpose().map_err(Failure::RelayUrl)
    }
}

/// The create token in the environment. It is never an argument, which every process of this machine could read.
pub(super) fn given_create_token() -> Option<String> {
    std::env::var("SHARE_CREATE_TOKEN").ok().filter(|token| !token.is_empty())
}

/// Parses a duration such as `30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a time like 30m, 24h or 7d".to_owned())
}

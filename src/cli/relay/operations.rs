//! The operation of a relay: the admin listener, the format of the log, the service manager, and the end of running
//! requests.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::cli::context::{Context, duration};
use crate::cli::output::LogFormat;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::platform::service::{Manager, Socket};
use crate::platform::socket_file::{self, Made, listen_privately};
use crate::relay::client::admin::AdminAddress;
use crate::relay::health::{Health, Report};
use crate::relay::metrics::Metrics;
use crate::relay::server::admin::{self as listener, AdminState};
use crate::safe_text::{printable, reason};

/// The heading of these options.
const OPERATION: &str = "Operation";
/// The name of the default socket in the state directory.
const SOCKET: &str = "relay.sock";
/// The socket of the packaged service.
const SERVICE_SOCKET: &str = "/run/share-relay/relay.sock";
/// The longest time between two looks at the health of a relay that a service manager has started.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The longest time that deletions hold up the end of a relay.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(10);
/// Time for the service manager beyond the time for running requests and deletions.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The forms of an address on this system.
const FORMS: &str =
    if socket_file::EXIST { "127.0.0.1:PORT, [::1]:PORT or unix:PATH" } else { "127.0.0.1:PORT or [::1]:PORT" };

/// The help of `--admin`. It is the same on all systems: the committed completions have it.
const ADMIN: &str = "Serve health, metrics and status at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH \
                     [default: relay.sock in the state directory]";

/// The options for operating a relay.
#[derive(Args)]
#[command(next_help_heading = OPERATION)]
pub(super) struct OperationArgs {
    #[arg(
        help = ADMIN, long, value_name = "ADDRESS", env = "SHARE_ADMIN", value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    admin: Option<Admin>,
    /// Log as text or JSON lines on standard error, or to journald
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, hide_short_help = true)]
    pub(super) log: LogFormat,
    /// When stopped, let running requests finish for up to TIME
    #[arg(
        long, value_name = "TIME", default_value = "30s", value_parser = duration, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    pub(super) drain: Duration,
}

/// The address of an admin listener, as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admin(pub(super) AdminAddress);

impl FromStr for Admin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.strip_prefix("unix:"), text.parse::<SocketAddr>()) {
            (Some(path), _) if !path.is_empty() && socket_file::EXIST => Ok(Self(AdminAddress::Unix(path.into()))),
            (_, Ok(address)) if address.ip().is_loopback() => Ok(Self(AdminAddress::Tcp(address))),
            (_, Ok(_)) => Err(format!("other machines could reach that address; use {FORMS}")),
            _ => Err(format!("expected {FORMS}")),
        }
    }
}

impl std::fmt::Display for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            AdminAddress::Tcp(address) => address.fmt(f),
            AdminAddress::Unix(path) => write!(f, "unix:{}", printable(&path.to_string_lossy())),
        }
    }
}

/// The addresses at which a relay of this machine may answer: the given one, or the usual ones.
pub(super) fn addresses(given: Option<&Admin>, cx: &Context) -> Vec<Admin> {
    match given {
        Some(given) => vec![given.clone()],
        None => {
            let own = cx.state().map(|state| state.path(SOCKET));
            own.into_iter().chain([SERVICE_SOCKET.into()]).map(|path| Admin(AdminAddress::Unix(path))).collect()
        }
    }
}

/// A relay that is observed from outside.
pub(super) struct Operations {
    manager: Arc<Manager>,
    health: Arc<Health>,
    drain: Duration,
    tasks: Vec<JoinHandle<()>>,
    /// Shows the health to the service manager.
    look: Option<JoinHandle<()>>,
    /// The command that shows the status, if there is an admin listener.
    command: Option<String>,
    /// The socket in the file system that this process made.
    made: Option<Made>,
}

impl OperationArgs {
    /// Starts to answer the operator and the service manager. `facts` begin the status of the relay.
    ///
    /// # Errors
    /// The admin listener cannot have its address.
    pub(super) fn begin(
        &self,
        facts: Value,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
        cx: &Context,
    ) -> Result<Operations, Failure> {
        let manager = Arc::new(Manager::find());
        let (socket, made) = self.socket(cx)?;
        let command = socket.as_ref().map(|socket| status_command(socket, self.admin.as_ref()));
        let mut tasks = Vec::new();
        if let Some(socket) = socket {
            let admin = Arc::new(AdminState { metrics, health: health.clone(), facts });
            tasks.push(tokio::spawn(async move {
                if let Err(error) = listener::serve(admin, socket).await {
                    tracing::error!(%error, "the admin listener failed");
                }
            }));
        }
        tasks.push(tokio::spawn(reload_on_hangup(manager.clone(), cx.signals.clone())));
        Ok(Operations { manager, health, drain: self.drain, tasks, look: None, command, made })
    }

    /// The socket of the admin listener, and its place if this process made it in the file system. Without one that was
    /// set, a relay goes on if it cannot have the default one: another relay of this user may have it.
    fn socket(&self, cx: &Context) -> Result<(Option<Socket>, Option<Made>), Failure> {
        match (cx.socket("admin"), &self.admin) {
            (Some(Socket::Tcp(listener)), _) => {
                let address = listener.local_addr().map_err(anyhow::Error::from)?;
                if !address.ip().is_loopback() {
                    return Err(Failure::usage(
                        format!("the admin socket listens on {address}, which other machines can reach"),
                        "let the service manager listen on 127.0.0.1 or on a socket in the file system",
                    ));
                }
                Ok((Some(Socket::Tcp(listener)), None))
            }
            (Some(socket), _) => Ok((Some(socket), None)),
            (None, Some(Admin(AdminAddress::Tcp(address)))) => match std::net::TcpListener::bind(address) {
                Ok(listener) => Ok((Some(Socket::Tcp(listener)), None)),
                Err(error) => Err(cannot_listen(&address.to_string(), &error)),
            },
            (None, Some(given @ Admin(AdminAddress::Unix(path)))) => match listen_privately(path) {
                Ok((listener, made)) => Ok((Some(Socket::File(listener)), Some(made))),
                Err(error) => Err(cannot_listen(&given.to_string(), &error)),
            },
            (None, None) if !socket_file::EXIST => Ok((None, None)),
            (None, None) => match cx.state().and_then(|state| listen_privately(&state.path(SOCKET))) {
                Ok((listener, made)) => Ok((Some(Socket::File(listener)), Some(made))),
                Err(error) => {
                    let why = reason(&error);
                    tracing::warn!(why, "share relay status cannot find this relay; use --admin");
                    Ok((None, None))
                }
            },
        }
    }
}

/// The command that shows the status of a relay with this admin listener.
fn status_command(socket: &Socket, given: Option<&Admin>) -> String {
    let plain = "share relay status";
    match (socket, given) {
        (Socket::Tcp(listener), _) => match listener.local_addr() {
            Ok(address) => format!("{plain} --admin {address}"),
            Err(_) => plain.to_owned(),
        },
        (_, Some(given)) => format!("{plain} --admin {}", quoted(&given.to_string())),
        _ => plain.to_owned(),
    }
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Failure {
    Failure::local(
        format!("the admin listener cannot have {address}: {}", reason(error)),
        Hint::line("use --admin with another address"),
    )
}

impl Operations {
    /// The command that shows the status of this relay, if it has an admin listener.
    pub(super) fn status_command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Notes that the relay serves at `url`: the service manager may start what needs it.
    pub(super) fn ready(&mut self, url: &str) {
        self.manager.notify(&format!("READY=1\nSTATUS=Serving {url}"));
        if self.manager.is_there() {
            self.look = Some(tokio::spawn(keep_looking(self.manager.clone(), self.health.clone(), url.to_owned())));
        }
        if let Some(limit) = self.manager.watchdog() {
            self.tasks.push(tokio::spawn(keep_living(self.manager.clone(), limit)));
        }
    }

    /// Notes that the relay stops, and finishes running requests.
    pub(super) fn stopping(&self) {
        // The status remains that of the stop.
        if let Some(look) = &self.look {
            look.abort();
        }
        self.health.stop();
        let time = (self.drain + SETTLE_TIME + STOP_TIME).as_micros();
        self.manager.notify(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={time}\nSTATUS=Finishing running requests"));
        tracing::info!("stopping: running requests may finish");
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(&self.look) {
            task.abort();
        }
        if let Some(made) = &self.made {
            made.remove();
        }
    }
}

/// Reads files again whenever SIGHUP asks for it.
async fn reload_on_hangup(manager: Arc<Manager>, signals: crate::cli::signals::Signals) {
    loop {
        signals.hangup().await;
        manager.reloading();
        tracing::info!("reloading files");
        signals.reload().await;
        manager.notify("READY=1");
    }
}

/// Gives signs of life to the service manager, at least twice in `limit`.
///
/// A sign of life shows that the runtime runs a new task. A store that fails or hangs is no reason to withhold it: a
/// restart repairs no store, and a thread that waits for one may outlive every signal. Such a relay is not ready.
async fn keep_living(manager: Arc<Manager>, limit: Duration) {
    let mut every = interval(limit / 4);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if tokio::spawn(async {}).await.is_ok() {
            manager.notify("WATCHDOG=1");
        }
    }
}

/// Shows the health of the relay to the service manager.
async fn keep_looking(manager: Arc<Manager>, health: Arc<Health>, url: String) {
    let every = manager.watchdog().map_or(LOOK_EVERY, |limit| (limit / 2).min(LOOK_EVERY));
    let mut shown = String::new();
    loop {
        let status = status_line(&health.report().await, &url);
        if status != shown {
            manager.notify(&format!("STATUS={status}"));
            shown = status;
        }
        sleep(every).await;
    }
}

fn status_line(report: &Report, url: &str) -> String {
    let problems: Vec<_> = report.problems.iter().map(|problem| problem.detail.replace('\n', " ")).collect();
    match (&problems[..], report.full) {
        ([], false) => format!("Serving {url}"),
        ([], true) => format!("Serving {url}; the store has no room for uploads"),
        (problems, _) => format!("Not ready: {}", problems.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        let unix = |path: &str| {
            let refused = || "expected 127.0.0.1:PORT or [::1]:PORT".to_owned();
            socket_file::EXIST.then(|| Admin(AdminAddress::Unix(path.into()))).ok_or_else(refused)
        };
        assert_eq!("unix:/run/share-relay/relay.sock".parse(), unix("/run/share-relay/relay.sock"));
        for text in ["127.0.0.1:9400", "[::1]:9400", "127.1.2.3:0"] {
            assert_eq!(text.parse(), Ok(Admin(AdminAddress::Tcp(text.parse().unwrap()))));
        }
        for text in ["0.0.0.0:9400", "[::]:9400", "192.0.2.1:9400", "[::ffff:127.0.0.1]:9400"] {
            assert!(text.parse::<Admin>().unwrap_err().contains("other machines"), "{text}");
        }
        for text in ["", "unix:", "9400", "localhost:9400", "127.0.0.1", "/run/share-relay/relay.sock"] {
            assert!(text.parse::<Admin>().unwrap_err().contains("expected"), "{text}");
        }
    }
}

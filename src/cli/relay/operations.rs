//! The operation of a relay: the admin listener, the format of the log, the service manager, and the end of running
//! requests.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::cli::context::{Context, duration};
use crate::cli::output::LogFormat;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::platform::network::listen_privately;
use crate::platform::service::{Manager, Socket, monotonic_micros};
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
/// Time for the service manager beyond the time for running requests.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The help of `--admin`.
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
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match (text.strip_prefix("unix:"), text.parse::<SocketAddr>()) {
            (Some(path), _) if !path.is_empty() => Ok(Self(AdminAddress::Unix(path.into()))),
            (_, Ok(address)) if address.ip().is_loopback() => Ok(Self(AdminAddress::Tcp(address))),
            (_, Ok(_)) => Err("other machines could reach that address; use 127.0.0.1:PORT, [::1]:PORT or unix:PATH"),
            _ => Err("expected 127.0.0.1:PORT, [::1]:PORT or unix:PATH"),
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
    /// The command that shows the status.
    command: String,
    /// The socket in the file system that this process made.
    made: Option<PathBuf>,
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
        let command = status_command(socket.as_ref(), self.admin.as_ref());
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
        Ok(Operations { manager, health, drain: self.drain, tasks, command, made })
    }

    /// The socket of the admin listener, and its path if this process made it in the file system. Without one that was
    /// set, a relay goes on if it cannot have the default one: another relay of this user may have it.
    fn socket(&self, cx: &Context) -> Result<(Option<Socket>, Option<PathBuf>), Failure> {
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
                Ok(listener) => Ok((Some(Socket::Unix(listener)), Some(path.clone()))),
                Err(error) => Err(cannot_listen(&given.to_string(), &error)),
            },
            (None, None) => {
                let listening = cx.state().and_then(|state| {
                    let path = state.path(SOCKET);
                    listen_privately(&path).map(|listener| (listener, path))
                });
                match listening {
                    Ok((listener, path)) => Ok((Some(Socket::Unix(listener)), Some(path))),
                    Err(error) => {
                        let why = reason(&error);
                        tracing::warn!(why, "share relay status cannot find this relay; use --admin");
                        Ok((None, None))
                    }
                }
            }
        }
    }
}

/// The command that shows the status of a relay with this admin listener.
fn status_command(socket: Option<&Socket>, given: Option<&Admin>) -> String {
    let plain = "share relay status";
    match (socket, given) {
        (Some(Socket::Tcp(listener)), _) => match listener.local_addr() {
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
    /// The command that shows the status of this relay.
    pub(super) fn status_command(&self) -> &str {
        &self.command
    }

    /// Notes that the relay serves at `url`: the service manager may start what needs it.
    pub(super) fn ready(&mut self, url: &str) {
        self.manager.notify(&format!("READY=1\nSTATUS=Serving {url}"));
        if self.manager.is_there() {
            self.tasks.push(tokio::spawn(keep_looking(self.manager.clone(), self.health.clone(), url.to_owned())));
        }
    }

    /// Notes that the relay stops, and finishes running requests.
    pub(super) fn stopping(&self) {
        self.health.stop();
        let time = (self.drain + STOP_TIME).as_micros();
        self.manager.notify(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={time}\nSTATUS=Finishing running requests"));
        tracing::info!("stopping: running requests may finish");
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(path) = &self.made {
            let _ = fs::remove_file(path);
        }
    }
}

/// Reads files again whenever SIGHUP asks for it.
async fn reload_on_hangup(manager: Arc<Manager>, signals: crate::cli::signals::Signals) {
    loop {
        signals.hangup().await;
        manager.notify(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_micros()));
        tracing::info!("reloading files");
        signals.reload().await;
        manager.notify("READY=1");
    }
}

/// Gives signs of life to the service manager, and shows it the health of the relay.
///
/// A sign of life shows that this process works: its runtime runs a new task, and a thread for blocking work is free. A
/// store that fails is no reason to withhold it, since a restart repairs no store: such a relay is not ready.
async fn keep_looking(manager: Arc<Manager>, health: Arc<Health>, url: String) {
    let every = manager.watchdog().map_or(LOOK_EVERY, |limit| (limit / 2).min(LOOK_EVERY));
    let mut shown = String::new();
    loop {
        let alive = async { tokio::spawn(async {}).await.is_ok() && tokio::task::spawn_blocking(|| ()).await.is_ok() };
        if timeout(every, alive).await == Ok(true) {
            manager.notify("WATCHDOG=1");
        }
        let health = health.clone();
        let look = async {
            let status = status_line(&health.report().await, &url);
            if status != shown {
                manager.notify(&format!("STATUS={status}"));
                shown = status;
            }
        };
        // The sign of life does not wait for the store.
        tokio::join!(look, sleep(every));
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
        let unix = |path: &str| Ok(Admin(AdminAddress::Unix(path.into())));
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

//! Signals that stop a command: Ctrl-C, and what a closed terminal or the system sends. A command listens from its
//! beginning to its end, so that no signal is lost between two steps: a signal that comes while nothing waits for it is
//! returned by the next wait.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, mpsc};

use crate::platform::process;

/// Why the program should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Ctrl-C: a person is there.
    Person,
    /// A service manager.
    Machine,
    /// A closed terminal; or an operator who asks a relay to read its files again.
    Hangup,
}

/// The signals that have come and were not returned yet.
#[derive(Clone)]
pub(super) struct Signals(Arc<Mutex<mpsc::UnboundedReceiver<Stop>>>);

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let (to, from) = mpsc::unbounded_channel();
        for (kind, stop) in [
            (SignalKind::interrupt(), Stop::Person),
            (SignalKind::terminate(), Stop::Machine),
            (SignalKind::hangup(), Stop::Hangup),
            (SignalKind::quit(), Stop::Machine),
        ] {
            // A program that is started by nohup shall outlive its terminal.
            if kind == SignalKind::hangup() && process::ignores_signal(kind.as_raw_value()) {
                continue;
            }
            let Ok(mut signal) = signal(kind) else { continue };
            let to = to.clone();
            tokio::spawn(async move { while signal.recv().await.is_some() && to.send(stop).is_ok() {} });
        }
        Self(Arc::new(Mutex::new(from)))
    }

    /// The next one.
    pub(super) async fn next(&self) -> Stop {
        match self.0.lock().await.recv().await {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }
}

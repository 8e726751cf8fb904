//! Signals that stop a command: Ctrl-C, and what a closed terminal or the system sends; and SIGHUP, which asks a server
//! to read its files again. A command listens from its beginning to its end, so that no signal is lost between two
//! steps: a signal that comes while nothing waits for it is returned by the next wait.

use std::sync::Arc;

use tokio::sync::{Mutex, broadcast, mpsc};

use crate::platform::signals::{Signal, listen};
use crate::platform::tty;

/// Reloads that may wait for a subscriber. One that lags does the rest at once.
const WAITING: usize = 8;

/// Why the program should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Ctrl-C: a person is there.
    Person,
    /// A closed terminal, a service manager.
    Machine,
}

/// The signals that have come and were not returned yet.
#[derive(Clone)]
pub(super) struct Signals {
    stops: Arc<Mutex<mpsc::UnboundedReceiver<Stop>>>,
    hangups: Arc<Mutex<mpsc::UnboundedReceiver<()>>>,
    reloads: broadcast::Sender<Reload>,
}

/// A request to read files again. Its receiver keeps it until that is done.
#[derive(Clone, Debug)]
pub(super) struct Reload {
    /// Ends when all have dropped it.
    _done: mpsc::Sender<()>,
}

/// A subscription to reloads.
pub(super) struct Reloads(broadcast::Receiver<Reload>);

impl Reloads {
    /// The next one. `None` when the program ends.
    pub(super) async fn next(&mut self) -> Option<Reload> {
        loop {
            match self.0.recv().await {
                Ok(reload) => return Some(reload),
                // One reload does what several would do.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Signals {
    /// Listens from now on. `lasts`: the command may outlive its terminal. `reloads`: SIGHUP asks to read files again.
    /// It stops the program all the same if the terminal that controlled it is gone.
    pub(super) fn listen(lasts: bool, reloads: bool) -> Self {
        let (to, from) = mpsc::unbounded_channel();
        let (hung_up, hangups) = mpsc::unbounded_channel();
        let had_terminal = tty::is_controlled();
        listen(lasts, move |signal| match signal {
            Signal::Interrupt => to.send(Stop::Person).is_ok(),
            Signal::Hangup if reloads && (!had_terminal || tty::is_controlled()) => hung_up.send(()).is_ok(),
            Signal::End | Signal::Hangup => to.send(Stop::Machine).is_ok(),
        });
        Self {
            stops: Arc::new(Mutex::new(from)),
            hangups: Arc::new(Mutex::new(hangups)),
            reloads: broadcast::Sender::new(WAITING),
        }
    }

    /// The next one that stops the program.
    pub(super) async fn next(&self) -> Stop {
        match self.stops.lock().await.recv().await {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }

    /// Subscribes to reloads.
    pub(super) fn reloads(&self) -> Reloads {
        Reloads(self.reloads.subscribe())
    }

    /// Waits for a SIGHUP.
    pub(super) async fn hangup(&self) {
        if self.hangups.lock().await.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Asks all subscribers to read their files again, and waits until they have.
    pub(super) async fn reload(&self) {
        let (done, mut all_done) = mpsc::channel(1);
        // Without a subscriber nothing is sent.
        let _ = self.reloads.send(Reload { _done: done });
        all_done.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reload_lasts_until_every_subscriber_is_done() {
        let signals = Signals::listen(true, true);
        signals.reload().await;
        let (mut first, mut second) = (signals.reloads(), signals.reloads());
        let reloading = tokio::spawn({
            let signals = signals.clone();
            async move { signals.reload().await }
        });
        let (one, two) = (first.next().await.unwrap(), second.next().await.unwrap());
        drop(one);
        tokio::task::yield_now().await;
        assert!(!reloading.is_finished());
        drop(two);
        reloading.await.unwrap();
    }
}

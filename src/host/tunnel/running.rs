//! A running program of a tunnel, and the address that it has printed.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::host::tunnel::command::TunnelCommand;
use crate::host::tunnel::error::TunnelError;
use crate::host::tunnel::output::{Lines, Output};
use crate::host::tunnel::probe::{self, Asked, Candidates};
use crate::platform::detached::Detached;
use crate::relay::RelayError;
use crate::relay::here::Answer;
use crate::relay_url::RelayUrl;

/// Time for the rest of the output after the program has ended: its children may keep it open.
const REST_TIME: Duration = Duration::from_millis(500);
/// Lines that an error shows.
const SHOWN_LINES: usize = 5;

/// The addresses among which the one of the tunnel is.
#[derive(Clone, Copy)]
pub(super) enum Where<'a> {
    /// This one alone.
    At(&'a RelayUrl),
    /// One that the program prints.
    Printed,
    /// One that the program prints, or this one.
    PrintedOr(&'a RelayUrl),
}

/// A running program of a tunnel. It ends when this is dropped.
pub(super) struct Running {
    program: Detached,
    output: Arc<Mutex<Output>>,
    readers: [Option<JoinHandle<()>>; 2],
}

impl Running {
    /// Starts the program, and waits until one of the addresses leads here.
    ///
    /// # Errors
    /// Those of [`TunnelError`] after [`TunnelError::Start`]. The program has ended then.
    pub(super) async fn open(
        command: &TunnelCommand,
        port: u16,
        place: Where<'_>,
        ask: &impl AsyncFn(&RelayUrl) -> Result<Answer, RelayError>,
        within: Duration,
    ) -> Result<(Self, RelayUrl), TunnelError> {
        let (mut running, mut new) = Self::start(command, port)?;
        let (known, mut nothing) = match place {
            Where::At(url) => (Some(url), Some(unbounded_channel().1)),
            Where::Printed => (None, None),
            Where::PrintedOr(url) => (Some(url), None),
        };
        let output = running.output.clone();
        let is_current = |origin: &RelayUrl| lock(&output).is_candidate(origin);
        let candidates = Candidates { known, new: nothing.as_mut().unwrap_or(&mut new), is_current: &is_current };
        let error = tokio::select! {
            found = probe::find(candidates, ask, Instant::now() + within) => match found {
                Ok(origin) => return Ok((running, origin)),
                Err(asked) => running.failed(command, asked, within),
            },
            status = running.program.ended() => {
                running.read_rest().await;
                TunnelError::Ended {
                    program: command.program().to_owned(),
                    code: status.and_then(|status: ExitStatus| status.code()),
                    lines: lock(&running.output).last_lines(SHOWN_LINES),
                }
            }
        };
        running.end().await;
        Err(error)
    }

    fn start(command: &TunnelCommand, port: u16) -> Result<(Self, UnboundedReceiver<RelayUrl>), TunnelError> {
        let (program, outputs) = Detached::start(command.path(), &command.arguments(port))
            .map_err(|error| TunnelError::Start { program: command.program().to_owned(), error })?;
        let (output, (to, new)) = (Arc::<Mutex<Output>>::default(), unbounded_channel());
        let stdout = outputs.stdout.map(|from| tokio::spawn(read(from, output.clone(), to.clone())));
        let stderr = outputs.stderr.map(|from| tokio::spawn(read(from, output.clone(), to)));
        Ok((Self { program, output, readers: [stdout, stderr] }, new))
    }

    /// Waits until the program has ended.
    pub(super) async fn ended(&mut self) {
        self.program.ended().await;
    }

    /// Ends the program.
    pub(super) async fn end(self) {
        self.program.end().await;
    }

    async fn read_rest(&mut self) {
        for reader in self.readers.iter_mut().filter_map(Option::take) {
            let _ = timeout(REST_TIME, reader).await;
        }
    }

    fn failed(&self, command: &TunnelCommand, asked: Vec<Asked>, within: Duration) -> TunnelError {
        let (program, lines) = (command.program().to_owned(), lock(&self.output).last_lines(SHOWN_LINES));
        match probe::replacing(&asked) {
            Some((origin, host)) => TunnelError::OtherHost { origin, host },
            None if asked.is_empty() => TunnelError::NoAddress { program, within, lines },
            None => TunnelError::NoAnswer { program, asked, lines },
        }
    }
}

/// Reads an output to its end, so that the program never waits for a reader.
async fn read(mut from: impl AsyncRead + Unpin, output: Arc<Mutex<Output>>, new: UnboundedSender<RelayUrl>) {
    let (mut lines, mut piece) = (Lines::default(), vec![0; 8 << 10]);
    loop {
        let count = from.read(&mut piece).await.unwrap_or(0);
        let mut complete = lines.push(&piece[..count]);
        if count == 0 {
            complete.extend(lines.take());
        }
        for line in complete {
            for origin in lock(&output).add(&line) {
                // Nobody looks for an address any more.
                let _ = new.send(origin);
            }
        }
        if count == 0 {
            return;
        }
    }
}

fn lock(output: &Mutex<Output>) -> MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

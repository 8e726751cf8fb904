//! The report of a share while it is open, and the hint how to report it afterwards.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::output::errors::{Failure, how_to_report};
use crate::cli::output::format;
use crate::cli::reporting::disclosure;
use crate::open::{self, Claimed, OpenError, Progress, Reportable};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{Gone, RelayError};
use crate::safe_text::{printable, reason};
use crate::secret::Id;
use crate::state::StateDir;
use crate::view;

/// How long the viewer waits for the relay to take a report.
const REPORT_TIME: Duration = Duration::from_secs(15);
/// How often the viewer is asked meanwhile whether to give up.
const TICK: Duration = Duration::from_millis(50);

/// The share that this run can report.
pub(super) struct Reporting<'a> {
    pub(super) cx: &'a Context,
    endpoint: Endpoint,
    id: Id,
    progress: Progress,
    /// Set by the claim of a share that its relay keeps after the end.
    held: OnceLock<Held>,
    is_reported: Arc<AtomicBool>,
}

/// A share that its relay keeps after the end.
struct Held {
    /// `None`: its operator cannot be trusted, or has an invalid key.
    reportable: Option<Reportable>,
    /// Whether a later run can report it.
    is_kept: bool,
}

impl<'a> Reporting<'a> {
    pub(super) fn new(cx: &'a Context, endpoint: &Endpoint, id: Id, progress: &Progress) -> Self {
        let (endpoint, progress) = (endpoint.clone(), progress.clone());
        Self { cx, endpoint, id, progress, held: OnceLock::new(), is_reported: Arc::default() }
    }

    pub(super) fn output(&self) -> &Output {
        &self.cx.output
    }

    /// Notes that the share was claimed. A share that can be reported is kept for `share report`.
    pub(super) fn claimed<S>(&self, claimed: &Claimed<S>) {
        if !claimed.is_held() {
            return;
        }
        let reportable = claimed.reportable().filter(|_| self.endpoint.url.is_authentic());
        let is_kept = reportable.as_ref().is_some_and(|reportable| self.keep(reportable));
        let _ = self.held.set(Held { reportable, is_kept });
    }

    fn keep(&self, reportable: &Reportable) -> bool {
        // Without a journal, no later run has the claim.
        if !self.progress.is_resumable() {
            return false;
        }
        match self.cx.state().and_then(|state| reportable.keep(&state, &self.endpoint)) {
            Ok(is_reported) => self.is_reported.store(is_reported, Ordering::SeqCst),
            Err(error) => {
                let so = "this share can be reported only while it is shown";
                self.output().warn(&format!("cannot save state on this device ({}): {so}", reason(&error)));
                return false;
            }
        }
        true
    }

    /// Whether the relay keeps the share for an hour after its end.
    pub(super) fn is_held(&self) -> bool {
        self.held.get().is_some()
    }

    /// The key of the viewer that reports the share.
    pub(super) fn of_viewer(&self) -> Option<view::Report> {
        let reportable = self.held.get()?.reportable.clone()?;
        // Messages about retries would be printed into what is shown.
        let relay = self.endpoint.connect_silently(REPORT_TIME, self.cx).ok()?;
        let reportable = reportable.through(relay);
        let host = printable(&self.endpoint.name());
        let question = format!("Report this to the operator of {host}?\n{}", disclosure(&reportable));
        let (runtime, endpoint, reported) = (Handle::current(), self.endpoint.clone(), self.is_reported.clone());
        let is_reported = reported.load(Ordering::SeqCst);
        let state = self.cx.state().ok();
        let send = move |note: &str, gives_up: &mut dyn FnMut() -> bool| {
            let (done, ended) = channel();
            let (reporter, note) = (reportable.clone(), note.to_owned());
            let task = runtime.spawn(async move {
                let _ = done.send(timeout(REPORT_TIME, reporter.report(&note)).await);
            });
            let sent = loop {
                match ended.recv_timeout(TICK) {
                    Err(RecvTimeoutError::Timeout) if gives_up() => {
                        task.abort();
                        return None;
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(Ok(sent)) => break sent,
                    Ok(Err(_)) | Err(_) => return Some(Err(format!("{host} did not answer"))),
                }
            };
            if sent.is_ok() {
                reported.store(true, Ordering::SeqCst);
                if let Some(state) = &state {
                    open::note_reported(state, &reportable.id());
                }
            }
            Some(sent.map_err(|error| endpoint.report_failure(&reportable, error).message().what))
        };
        Some(view::Report { question, is_reported, send: Box::new(send) })
    }

    /// Whether this device has had no other share open since, of those that can be reported.
    fn is_last(&self, state: &StateDir) -> bool {
        state.last_reportable(SystemClock.now()).is_some_and(|(last, _)| last == self.id)
    }

    /// Notes that the share has ended on this device, and prints how to report it. `is_confirmed`: the relay knows.
    /// `at`: when it had ended before, by the relay's clock, Unix seconds.
    pub(super) fn ended(&self, is_confirmed: bool, at: Option<u64>) {
        let Some(held) = self.held.get() else { return };
        let state = self.cx.state().ok();
        if is_confirmed && let Some(state) = &state {
            open::note_ended(state, &self.id, at);
        }
        if self.is_reported.load(Ordering::SeqCst) {
            return self.output().info("You reported it to the operator of the relay.");
        }
        if is_confirmed && let Some(until) = open::held_until(at) {
            let why = if held.is_kept { ", so that you can report it" } else { "" };
            self.output().info(&format!("The relay keeps the encrypted data until {}{why}.", format::time(until)));
        }
        if held.is_kept {
            let is_last = state.is_some_and(|state| self.is_last(&state));
            self.output().hint(how_to_report(is_last));
        }
    }

    /// The error of opening. `ours`: this device has opened the share before.
    pub(super) fn failure(&self, error: OpenError, ours: bool) -> Failure {
        self.with_hint(self.endpoint.failure(error, ours, self.progress.is_resumable()))
    }

    /// An error of opening, with the hint how to report the share if it ended after this device had claimed it.
    pub(super) fn with_hint(&self, failure: Failure) -> Failure {
        let Failure::Open { error: OpenError::Relay(RelayError::Gone { how, at, .. }), .. } = &failure else {
            return failure;
        };
        let (Gone::Revoked | Gone::Lapsed, Ok(state)) = (how, self.cx.state()) else { return failure };
        open::note_ended(&state, &self.id, Some(*at));
        match state.reportable(&self.id, SystemClock.now()) {
            Some(file) if !file.is_reported => {
                Failure::Reportable { ended: Box::new(failure), is_last: self.is_last(&state) }
            }
            _ => failure,
        }
    }
}

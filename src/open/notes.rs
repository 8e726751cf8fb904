//! The stage of an opening: in the journal, for later runs, and in memory, for the code that interrupts this run.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::secret::Receipt;
use crate::state::journal::{Journal, PlacedFile};

/// The stage of an opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The share is waiting, and its one opening is unused.
    #[default]
    Untouched,
    /// The claim may have been granted: only this device can resume.
    Claimed,
    /// The content is safe on this device, or was seen.
    Saved,
}

/// The content of a [`Progress`].
#[derive(Clone, Copy, Debug, Default)]
struct State {
    stage: Stage,
    is_journaled: bool,
}

/// A view of an opening, for code that interrupts it or prints its errors. Clones show the same opening.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<State>>);

impl Progress {
    fn get(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The current stage.
    pub fn stage(&self) -> Stage {
        self.get().stage
    }

    /// Whether a later run on this device could resume: the opening has a journal.
    pub fn is_resumable(&self) -> bool {
        self.get().is_journaled
    }
}

/// The error of a journal that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", directory.display())]
pub struct JournalError {
    /// The directory of the journals.
    pub directory: PathBuf,
    /// The cause.
    #[source]
    pub error: io::Error,
}

/// The journal of an opening, if this device can write one, and its progress. While the share is unclaimed, dropping
/// this removes the journal: a share that was not claimed leaves no trace, and one that was claimed can be resumed.
pub(super) struct Notes {
    journal: Option<Journal>,
    progress: Progress,
}

impl Notes {
    pub(super) fn new(journal: Option<Journal>, progress: Progress) -> Self {
        progress.change(|state| state.is_journaled = journal.is_some());
        Self { journal, progress }
    }

    /// Advances the stage.
    pub(super) fn reach(&self, stage: Stage) {
        self.progress.change(|state| state.stage = stage);
    }

    fn note(&mut self, write: impl FnOnce(&mut Journal) -> io::Result<()>) -> Result<(), JournalError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        write(journal).map_err(|error| JournalError { directory: journal.directory().to_owned(), error })
    }

    /// Notes that the opening begins. Necessary even without `hidden` names: the notes of an earlier run are no longer
    /// valid.
    pub(super) fn note_begun(&mut self, hidden: Vec<PathBuf>) -> Result<(), JournalError> {
        self.note(|journal| journal.note_begun(hidden))
    }

    /// Notes that all bytes are durable, with the identities and intended names of the files.
    pub(super) fn note_received(
        &mut self,
        receipt: Receipt,
        placed: Vec<PlacedFile>,
        until: u64,
    ) -> Result<(), JournalError> {
        self.note(|journal| journal.note_received(receipt, placed, until))
    }

    /// Notes that all files have their names, or that there are none.
    pub(super) fn note_named(
        &mut self,
        receipt: Receipt,
        placed: Vec<PlacedFile>,
        until: u64,
    ) -> Result<(), JournalError> {
        self.note(|journal| journal.note_named(receipt, placed, until))
    }

    /// Removes the journal: the relay was informed.
    pub(super) fn remove(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.remove();
        }
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        if self.progress.stage() == Stage::Untouched {
            self.remove();
        }
    }
}

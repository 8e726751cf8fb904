//! Placing received content: durable bytes, then names, with each step in the journal.
//!
//! Files: [`Received`] → [`Synced`] → [`Noted`] → [`Placed`] → [`Finishable`]. The bytes are on the disk before the
//! journal lists the files, the journal lists them before they get their names, and it has the names before the relay
//! is asked to delete the share. Content without a file name: [`Received`] → [`Delivered`] → [`Finishable`].

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use tokio::task::spawn_blocking;

use crate::durable_fs;
use crate::open::error::OpenError;
use crate::open::finish::{Ending, Finishable};
use crate::open::notes::{JournalError, Stage};
use crate::open::receive::Received;
use crate::open::seekable::Seekable;
use crate::open::staging::{self, SavedFiles, Staging};

/// The error of received files that did not get their names. The same device can resume.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", directory.display())]
pub struct PlaceError {
    /// The directory that could not be written: that of the files, or that of the journals.
    pub directory: PathBuf,
    /// The cause.
    #[source]
    pub error: io::Error,
}

impl From<JournalError> for PlaceError {
    fn from(JournalError { directory, error }: JournalError) -> Self {
        Self { directory, error }
    }
}

/// Received files that are durable and have no names yet.
pub struct Synced {
    files: staging::SyncedStaging,
    ending: Ending,
}

/// Received files that are durable and in the journal, and have no names yet.
pub struct Noted {
    files: staging::SyncedStaging,
    ending: Ending,
}

/// Received files with their names.
pub struct Placed {
    files: SavedFiles,
    ending: Ending,
}

impl Received<Staging> {
    /// Makes the files durable.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn sync(self) -> Result<Synced, PlaceError> {
        let Self { content, ending } = self;
        let directory = content.directory();
        let files = content.sync().map_err(|error| PlaceError { directory, error })?;
        Ok(Synced { files, ending })
    }

    /// Takes all steps to named files, on a thread that may block. They are completed even if the future is dropped.
    ///
    /// # Errors
    ///
    /// The files or the journal cannot be written.
    pub async fn save(self) -> Result<(SavedFiles, Finishable), PlaceError> {
        let directory = self.content.directory();
        let steps = move || self.sync()?.note()?.place()?.note();
        let failed = |error| PlaceError { directory, error: io::Error::other(error) };
        spawn_blocking(steps).await.unwrap_or_else(|error| Err(failed(error)))
    }
}

impl Synced {
    /// Notes in the journal which files are about to be named.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn note(self) -> Result<Noted, PlaceError> {
        let Self { files, mut ending } = self;
        ending.notes.note_received(ending.receipt, files.intended().to_vec(), ending.until)?;
        Ok(Noted { files, ending })
    }
}

impl Noted {
    /// Gives the files their names, durably.
    ///
    /// # Errors
    ///
    /// The disk fails, or ten thousand names are taken.
    pub fn place(self) -> Result<Placed, PlaceError> {
        let Self { files, ending } = self;
        let directory = files.directory();
        let files = files.place().map_err(|error| PlaceError { directory, error })?;
        Ok(Placed { files, ending })
    }
}

impl Placed {
    /// Notes in the journal that the files have their names. Then only the relay has to be informed.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn note(self) -> Result<(SavedFiles, Finishable), PlaceError> {
        let Self { files, mut ending } = self;
        ending.notes.note_named(ending.receipt, files.files.clone(), ending.until)?;
        ending.notes.reach(Stage::Saved);
        Ok((files, Finishable { ending }))
    }
}

/// Content that is not saved as a file: text on a terminal, or a photo on a screen.
pub trait Unnamed {}

impl<S: Unnamed> Unnamed for (Seekable, S) {}

/// Content that was delivered.
#[must_use = "the relay deletes a share only when it is finished"]
pub struct Delivered {
    ending: Ending,
}

impl<C: Unnamed> Received<C> {
    /// Hands the content to `deliver`, which returns when it was seen or has left this process.
    ///
    /// # Errors
    ///
    /// The error of `deliver`. The relay still has the share, and this device can resume.
    pub async fn deliver<T, E>(self, deliver: impl AsyncFnOnce(C) -> Result<T, E>) -> Result<(T, Delivered), E> {
        let Self { content, ending } = self;
        let delivered = deliver(content).await?;
        Ok((delivered, Delivered { ending }))
    }
}

impl Delivered {
    /// Notes in the journal that only the relay has to be informed. A crash cannot undo a delivery, so errors are
    /// ignored.
    pub fn note(self) -> Finishable {
        let Self { mut ending } = self;
        ending.notes.reach(Stage::Saved);
        let _ = ending.notes.note_named(ending.receipt, Vec::new(), ending.until);
        Finishable { ending }
    }
}

/// A pipe, or a file that another program has opened: standard output.
pub struct Stream(pub File);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Received<Stream> {
    /// Makes the bytes durable if they went to a regular file. A pipe needs nothing.
    ///
    /// # Errors
    ///
    /// The disk fails: [`OpenError::Write`].
    pub fn sync(self) -> Result<Delivered, OpenError> {
        let Self { content: Stream(file), ending } = self;
        if file.metadata().is_ok_and(|data| data.is_file()) {
            durable_fs::sync(&file).map_err(OpenError::Write)?;
        }
        Ok(Delivered { ending })
    }
}

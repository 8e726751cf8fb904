//! The state of the viewer: the current file, and which files were seen.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::manifest::{Entry, Manifest};
use crate::media::Kind;
use crate::platform::tty::Cell;
use crate::safe_text::printable;
use crate::terminal::session::DesktopSession;
use crate::terminal::style;
use crate::view::caller::Words;
use crate::view::capabilities::Means;
use crate::view::ending::{End, Report, Save, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::graphics::Limits;
use crate::view::memory::MemoryFile;
use crate::view::player::Player;

/// The time for which a message stays in the last row.
const MESSAGE: Duration = Duration::from_secs(4);

/// A share, and the ways to show its files.
pub(in crate::view) struct Viewing {
    pub(in crate::view) memory: MemoryFile,
    /// How each file is shown. `None`: it can only be saved.
    pub(in crate::view) means: Vec<Option<Means>>,
    pub(in crate::view) manifest: Manifest,
    /// The time after which the viewer closes by itself.
    pub(in crate::view) time: Option<Duration>,
    pub(in crate::view) save: Option<Save>,
    pub(in crate::view) report: Option<Report>,
    /// Whether the relay keeps the share for a while after it was closed.
    pub(in crate::view) is_held: bool,
    pub(in crate::view) player: Option<Player>,
    pub(in crate::view) session: DesktopSession,
    pub(in crate::view) cell: Option<Cell>,
    pub(in crate::view) limits: Limits,
    pub(in crate::view) words: Words,
}

/// A share on the screen.
pub(super) struct Viewer<'a> {
    pub(super) shown: Viewing,
    pub(super) screen: FullScreen,
    pub(super) stop: &'a AtomicBool,
    /// When the viewer closes by itself. The time starts with the first file on the screen.
    pub(super) until: Option<Instant>,
    /// The index of the current file.
    pub(super) current: usize,
    /// The files that were seen, by their indexes.
    pub(super) seen: HashSet<usize>,
    pub(super) saved: Vec<PathBuf>,
    pub(super) is_reported: bool,
    /// The note of a report that failed.
    pub(super) unsent: String,
    /// The files that could not be shown, by their indexes.
    pub(super) failures: BTreeMap<usize, Unseen>,
    /// The number of the picture that the terminal has not confirmed, and the time when it was drawn.
    pub(super) unconfirmed: Option<(u32, Instant)>,
    /// Whether the warning about unseen files was shown.
    pub(super) warned: bool,
    pub(super) message: Option<RowMessage>,
    /// The index of the first line on the screen, and all lines of the current text.
    pub(super) top: usize,
    pub(super) lines: Vec<String>,
}

/// A message in the last row.
pub(super) struct RowMessage {
    pub(super) text: String,
    pub(super) until: Instant,
    /// Whether the message is about a picture that the terminal has not confirmed yet.
    pub(super) is_unconfirmed: bool,
}

/// The effect of a key.
pub(super) enum Then {
    /// Show the current file, which may be another one.
    Again,
    Stay,
    End(End),
}

impl<'a> Viewer<'a> {
    pub(super) fn new(shown: Viewing, screen: FullScreen, stop: &'a AtomicBool) -> Self {
        let current = shown.means.iter().position(Option::is_some).unwrap_or(0);
        let is_reported = shown.report.as_ref().is_some_and(|report| report.is_reported);
        Self {
            shown,
            screen,
            stop,
            until: None,
            current,
            seen: HashSet::new(),
            saved: Vec::new(),
            is_reported,
            unsent: String::new(),
            failures: BTreeMap::new(),
            unconfirmed: None,
            warned: false,
            message: None,
            top: 0,
            lines: Vec::new(),
        }
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.shown.manifest.entries[self.current]
    }

    /// The range of the current file among the bytes of the share.
    pub(super) fn range(&self) -> Range<u64> {
        self.shown.manifest.range_of(self.current).unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        let name = self.entry().name().or(self.shown.manifest.name.as_deref());
        name.map_or_else(|| Kind::of(&self.entry().r#type).word().to_owned(), printable)
    }

    /// Shows a message in the last row.
    pub(super) fn note(&mut self, text: String) {
        self.message = Some(RowMessage { text, until: Instant::now() + MESSAGE, is_unconfirmed: false });
    }

    /// Shows the message about a picture that the terminal has not confirmed yet.
    pub(super) fn note_unconfirmed(&mut self) {
        let text = Unseen::Unconfirmed.to_string();
        self.message = Some(RowMessage { text, until: Instant::now() + MESSAGE, is_unconfirmed: true });
    }

    /// Counts the current file as seen.
    pub(super) fn count_as_seen(&mut self) {
        self.failures.remove(&self.current);
        self.seen.insert(self.current);
    }

    /// Counts the current file as one that could not be shown.
    pub(super) fn count_as_failed(&mut self, why: Unseen) {
        self.failures.insert(self.current, why);
    }

    /// Writes a line in the middle of the screen, and waits for a key with an effect.
    pub(super) fn write_centered(&mut self, text: &str) -> io::Result<Then> {
        let size = self.screen.size();
        let text = style::readable(text);
        let column = (usize::from(size.columns).saturating_sub(text.chars().count()) / 2) + 1;
        self.screen.write(format!("\x1b[{};{column}H{text}", size.rows / 2 + 1).as_bytes())?;
        self.wait(None, Some(size))
    }
}

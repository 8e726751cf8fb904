//! A report with its content: in the store of a relay, or in a file that was saved there.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::store::{ReportStore, StoreArg, is_id};
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint, Unread};
use crate::cli::output::{format, stdout_columns, wrapped};
use crate::relay::rules::review::Evidence;
use crate::relay::{ByteStream, RelayError};
use crate::report::{Bundle, BundleError, ContentError, Facts, Identity, Note, Records, Verified, verify};
use crate::safe_text::{printable, reason};
use crate::wordlist::openers_words;

/// Bytes of a saved report that are read at once.
const PIECE: usize = 1 << 20;

/// The limit of what a report proves.
pub(super) const UNVERIFIED: &str = "The relay cannot tell who made a share. Names and words are unverified.";

/// The limit of a report that no store of a relay has shown.
const FROM_FILE: &str = "Anyone can make such a file: only the relay's own store proves its records.";

/// A report that was found, and not verified yet.
pub(super) struct Found {
    pub(super) bundle: Bundle,
    pub(super) blob: Blob,
}

/// The ciphertext behind a bundle.
pub(super) enum Blob {
    /// In the store.
    Stored(ByteStream),
    /// In a file.
    Saved(Box<dyn Read + Send>),
}

impl Blob {
    /// The next bytes. Blocks.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Stored(stream) => {
                Handle::current().block_on(stream.next()).transpose().map_err(|error| match error {
                    RelayError::PartsMissing => Failure::Unread(Unread::Incomplete),
                    error => Failure::Unread(Unread::Store { store: "the store".to_owned(), error }),
                })
            }
            Self::Saved(file) => {
                let mut piece = vec![0; PIECE];
                let count = file.read(&mut piece).map_err(|error| unreadable(&error))?;
                piece.truncate(count);
                Ok((count > 0).then(|| piece.into()))
            }
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::local(format!("the saved report cannot be read: {}", reason(error)), "check the file")
}

impl Found {
    /// The report that `which` names: an id in the store, a file, or `-` for standard input.
    pub(super) async fn find(which: &str, store: &StoreArg, cx: &Context) -> Result<Self, Failure> {
        if is_id(which) {
            let store = ReportStore::open(store.store.as_deref(), cx)?;
            let evidence = async { store.evidence(&store.find(which).await?.id).await };
            return cx.or_interrupted(evidence).await?.map(Self::from);
        }
        let path = PathBuf::from(which);
        cx.unless_interrupted(move || read(&path)).await?
    }

    /// The place in which it was found.
    pub(super) fn source(&self) -> Source {
        match self.blob {
            Blob::Stored(_) => Source::Store,
            Blob::Saved(_) => Source::File,
        }
    }

    /// Verifies the records, the keys and the list of files.
    pub(super) fn verify(&self, identities: &[Identity]) -> Result<Verified, Failure> {
        verify(&self.bundle, identities).map_err(|why| Failure::Unread(Unread::Refuted(why)))
    }
}

impl From<Evidence> for Found {
    fn from(evidence: Evidence) -> Self {
        let Evidence { id, offer, seal, claim, end, report, manifest, blob, .. } = evidence;
        let records = Records { offer, seal, claim, end, report };
        Self { bundle: Bundle { id, records, manifest: manifest.into() }, blob: Blob::Stored(blob) }
    }
}

fn read(path: &Path) -> Result<Found, Failure> {
    let mut file: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let hint = Hint::line("use the ID of a report, a file from save --encrypted, or - for standard input");
        Box::new(File::open(path).map_err(|error| Failure::path(path, &error, hint))?)
    };
    let bundle = Bundle::read(&mut file).map_err(|error| match error {
        BundleError::Read(error) => unreadable(&error),
        BundleError::Malformed => Failure::Unread(Unread::NotSaved),
    })?;
    Ok(Found { bundle, blob: Blob::Saved(file) })
}

/// Verifies the content and decrypts it to `to`, which must not be shown or named before this succeeds.
pub(super) async fn decrypt<W: Write + Send + 'static>(
    verified: Verified,
    mut blob: Blob,
    to: W,
    cx: &Context,
) -> Result<(Verified, W), Failure> {
    let bar = cx.output.bar("Checking", Some(verified.facts.blob_len));
    let shown = bar.clone();
    let work = move || {
        let failed = |error| match error {
            ContentError::Refuted(why) => Failure::Unread(Unread::Refuted(why)),
            ContentError::Write(error) => Failure::local(
                format!("the content cannot be written: {}", reason(&error)),
                "make room, or use another directory with -o",
            ),
        };
        let mut content = verified.content(to);
        while let Some(bytes) = blob.next()? {
            content.push(&bytes).map_err(failed)?;
            shown.inc(bytes.len() as u64);
        }
        let to = content.finish().map_err(failed)?;
        Ok((verified, to))
    };
    let done = cx.unless_interrupted(work).await;
    bar.finish_and_clear();
    done?
}

/// The place in which a report was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Store,
    File,
}

/// A verified report for people: what was sent, by whom it was opened and reported, and the note.
pub(super) fn text(id: &str, verified: &Verified, source: Source) -> String {
    let Verified { manifest, note, facts, .. } = verified;
    let mut lines = vec![format::describe(manifest)];
    if manifest.only_file().is_none() {
        lines.extend(manifest.entries.iter().map(|entry| format!("  {}", format::describe_entry(entry))));
    }
    lines.extend(format::words(manifest));
    if manifest.view_only {
        lines.push("The sender asked to show this and not to save it.".to_owned());
    }
    let opener = openers_words(&facts.claimant);
    lines.push(format!("uploaded on {}", format::time(facts.created)));
    lines.push(format!("opened on {} by {opener}", format::time(facts.opened)));
    lines.push(format!("reported on {}", format::time(facts.reported)));
    lines.push(facts.ended.map_or_else(
        || "not ended when this was read".to_owned(),
        |(state, at)| format!("{} on {}", state.word(), format::time(at)),
    ));
    lines.push(format!("id {id}"));
    match note {
        Note::Missing => lines.push("Note (written by the recipient): none".to_owned()),
        Note::Text(text) => lines.extend(note_lines(text)),
        Note::Unreadable => lines.push("Note (written by the recipient): it cannot be read".to_owned()),
    }
    lines.push(UNVERIFIED.to_owned());
    if source == Source::File {
        lines.push(FROM_FILE.to_owned());
    }
    let columns = stdout_columns();
    lines.iter().map(|line| wrapped(line, columns)).collect::<Vec<_>>().join("\n")
}

/// A note, which may have lines of its own. These are indented, so that none looks like a line of this program.
fn note_lines(text: &str) -> Vec<String> {
    match text.trim().lines().map(printable).collect::<Vec<_>>().as_slice() {
        [only] => vec![format!("Note (written by the recipient): {only}")],
        lines => {
            let lines = lines.iter().map(|line| format!("  {line}"));
            ["Note (written by the recipient):".to_owned()].into_iter().chain(lines).collect()
        }
    }
}

/// The same for programs.
pub(super) fn facts(id: &str, verified: &Verified, source: Source) -> Value {
    let Verified { manifest, note, facts, .. } = verified;
    let Facts { created, opened, claimant, ended, reported, blob_len } = facts;
    let report_note = match note {
        Note::Text(text) => Some(text),
        Note::Missing | Note::Unreadable => None,
    };
    let source = match source {
        Source::Store => "store",
        Source::File => "file",
    };
    json!({
        "id": id, "source": source, "created": created, "claimed": opened, "opener": openers_words(claimant),
        "reported": reported,
        "state": ended.map_or("claimed", |(state, _)| state.word()), "ended": ended.map(|(_, at)| at),
        "blob_len": blob_len, "name": manifest.name, "from": manifest.from, "note": manifest.note,
        "view_only": manifest.view_only, "files": format::files(manifest), "report_note": report_note,
    })
}

//! The input of a send: files, standard input or a text.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::cli::context::Context;
use crate::cli::input::metadata::{
    Cleaned, FROM_A_PIPE, Head, HeadReader, Known, Metadata, extension, head, is_innocent, look, refused,
};
use crate::cli::input::{prompt, warnings};
use crate::cli::output::errors::{Failure, Hint, is_a_directory};
use crate::cli::output::{Output, format};
use crate::link::Link;
use crate::manifest::Manifest;
use crate::media;
use crate::media::strip::Removed;
use crate::media::{HEAD_LEN, Kind};
use crate::safe_text::printable;
use crate::send::Input;

/// The arguments that choose the input.
pub(in crate::cli) struct InputOptions<'a> {
    pub(in crate::cli) files: &'a [PathBuf],
    /// Prompt for a text.
    pub(in crate::cli) text: bool,
    /// The name of a single file.
    pub(in crate::cli) name: Option<String>,
    pub(in crate::cli) no_name: bool,
    pub(in crate::cli) metadata: Metadata,
    /// Recipients are asked to view it and not to save it.
    pub(in crate::cli) view_only: bool,
    /// The hint at a file that cannot be read.
    pub(in crate::cli) hint: &'static str,
}

/// Everything that is sent, opened.
pub(in crate::cli) struct Inputs {
    pub(in crate::cli) sources: Vec<Input>,
    /// Bytes of all of them; `None` where one is a pipe.
    pub(in crate::cli) len: Option<u64>,
    known: Vec<Known>,
    metadata: Metadata,
}

impl Inputs {
    fn new(metadata: Metadata) -> Self {
        Self { sources: Vec::new(), len: Some(0), known: Vec::new(), metadata }
    }

    fn push(&mut self, input: Input, len: Option<u64>, known: Known) {
        self.sources.push(input);
        self.len = self.len.zip(len).map(|(sum, len)| sum + len);
        self.known.push(known);
    }

    /// The metadata that is removed, in words; `None`: nothing is.
    pub(in crate::cli) fn removed(&self) -> Option<String> {
        let mut all = Removed::default();
        for known in &self.known {
            if let Cleaned::Of(removed) = &known.cleaned {
                all.add(removed);
            }
        }
        format::removed(&all)
    }

    /// Warns of metadata that stays in photos, videos, sounds and documents, unless `--metadata keep` is set.
    pub(in crate::cli) fn warn(&self, sent: &Manifest, output: &Output) {
        if self.metadata != Metadata::Keep {
            warnings::of_metadata(&self.known, sent, output);
        }
    }

    /// Warns of formats that most browsers do not show.
    pub(in crate::cli) fn warn_of_browsers(&self, sent: &Manifest, view_only: bool, output: &Output) {
        warnings::of_browsers(&self.known, sent, view_only, output);
    }
}

impl InputOptions<'_> {
    /// Opens all of it.
    pub(in crate::cli) async fn open(self, cx: &Context) -> Result<Inputs, Failure> {
        let mut all = Inputs::new(self.metadata);
        let stdin = Path::new("-");
        if self.files.iter().filter(|file| *file == stdin).count() > 1 {
            return Err(Failure::usage("standard input can be read only once", "use - only once"));
        }
        let bare_terminal = self.files.is_empty() && io::stdin().is_terminal();
        if self.text || bare_terminal {
            let (input, len) = self.text(cx).await?;
            // A text needs no head: its sender has just typed it.
            all.push(input, Some(len), Known::piped(None, Head::default()));
            return Ok(all);
        }
        if self.files.is_empty() {
            let (input, known) = self.stdin(cx).await?;
            all.push(input, None, known);
            return Ok(all);
        }
        for path in self.files {
            if path == stdin {
                let (input, known) = self.stdin(cx).await?;
                all.push(input, None, known);
                continue;
            }
            let (input, len, known) = self.file(path, cx).await?;
            all.push(input, len, known);
        }
        Ok(all)
    }

    async fn text(&self, cx: &Context) -> Result<(Input, u64), Failure> {
        if !prompt::possible() {
            return Err(Failure::usage(
                "there is no terminal to type a text on",
                Hint::line("pipe the text in: echo TEXT | share send"),
            ));
        }
        let text = prompt::edit_text(cx).await?;
        if text.is_empty() {
            return Err(Failure::local("the text is empty", "nothing was sent"));
        }
        let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let input = Input { name: self.name.clone(), label: "the text".into(), reader, must_have_content: true };
        Ok((input, text.len() as u64))
    }

    /// Standard input. Its beginning is read first if its kind matters.
    async fn stdin(&self, cx: &Context) -> Result<(Input, Known), Failure> {
        let label = "standard input".to_owned();
        let reader: Box<dyn Read + Send> = if self.view_only || self.metadata == Metadata::Require {
            let head = cx.unless_interrupted(|| head(&mut io::stdin())).await?;
            let head = head.map_err(|error| Failure::path(Path::new(&label), &error, self.hint))?;
            self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
            let given = self.name.as_deref().map(Path::new).and_then(extension);
            if self.metadata == Metadata::Require && !is_innocent(&head, given.as_deref()) {
                return Err(refused(&label, FROM_A_PIPE));
            }
            Box::new(Cursor::new(head).chain(io::stdin()))
        } else {
            Box::new(io::stdin())
        };
        let name = self.name.clone().filter(|_| self.files.len() <= 1);
        let head = Head::default();
        let reader = Box::new(HeadReader { reader, head: head.clone() });
        Ok((Input { name, label, reader, must_have_content: true }, Known::piped(None, head)))
    }

    async fn file(&self, path: &Path, cx: &Context) -> Result<(Input, Option<u64>, Known), Failure> {
        if Link::is_in(&path.to_string_lossy()) {
            return Err(Failure::usage(
                "a link is not a file",
                Hint::line("run share open and paste the link at the prompt"),
            ));
        }
        let failed = |error: &io::Error| {
            // Windows denies access to a directory as if it were a file without rights.
            let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
            if is_denied && path.is_dir() { is_a_directory(path) } else { Failure::path(path, error, self.hint) }
        };
        // A named pipe opens only when another program writes to it.
        let from = path.to_owned();
        let file = cx.unless_interrupted(move || File::open(from)).await?.map_err(|error| failed(&error))?;
        let data = file.metadata().map_err(|error| failed(&error))?;
        if data.is_dir() {
            return Err(is_a_directory(path));
        }
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let given = self.name.clone().filter(|_| self.files.len() == 1);
        let name = if self.no_name { None } else { given.or(own) };
        let label = path.to_string_lossy().into_owned();
        let input = |reader| Input { name, label: label.clone(), reader, must_have_content: false };
        if !data.is_file() {
            return match self.metadata {
                Metadata::Require => Err(refused(&label, FROM_A_PIPE)),
                _ => {
                    let head = Head::default();
                    let reader = HeadReader { reader: Box::new(file), head: head.clone() };
                    Ok((input(Box::new(reader)), None, Known::piped(Some(path), head)))
                }
            };
        }
        let metadata = self.metadata;
        let (head, looked) =
            cx.unless_interrupted(move || look(file, &data, metadata)).await?.map_err(|error| failed(&error))?;
        self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
        let is_innocent = is_innocent(&head, extension(path).as_deref());
        match looked.cleaned {
            Cleaned::Not(why) if metadata == Metadata::Require && !is_innocent => {
                Err(refused(&label, &why.to_string()))
            }
            cleaned => {
                let (path, head) = (Some(path.to_owned()), Arc::new(Mutex::new(head)));
                let known = Known { path, head, cleaned, codecs: looked.codecs };
                Ok((input(looked.reader), Some(looked.len), known))
            }
        }
    }

    /// Content that may only be viewed must be of a kind that can be viewed.
    fn expect_fit(&self, head: &[u8], whole: bool, label: &str) -> Result<(), Failure> {
        if self.view_only && Kind::of(media::sniff(head, whole)) == Kind::File {
            return Err(Failure::usage(
                format!("{} can only be saved, which --view-only forbids", printable(label)),
                "nothing was sent; photos, videos, sounds and texts can be viewed",
            ));
        }
        Ok(())
    }
}

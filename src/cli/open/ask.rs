//! The questions before an opening.

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::manifest::Manifest;
use crate::media::Kind;

/// Words for not now. Enter alone is the empty word.
const NOT_NOW: &[&str] = &["n", "no", "not now", ""];

/// The person's answer.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    View,
    Save,
    NotNow,
}

/// How a share can be viewed.
pub(super) enum Viewing<'a> {
    /// As it is: `here`, `with mpv`.
    Whole(&'a str),
    /// Photos as colored blocks.
    Blocks,
}

/// Asks whether to view a share, to save it, or neither, until the answer is one of these. Enter is not now.
pub(super) async fn choose(viewing: Viewing<'_>, manifest: &Manifest, cx: &Context) -> Result<Choice, Failure> {
    let view: &[&str] = match viewing {
        Viewing::Whole(_) => &["v", "view", "y", "yes"],
        Viewing::Blocks => &["b", "blocks", "v", "view", "y", "yes"],
    };
    let save: &[&str] = if manifest.view_only { &[] } else { &["s", "save"] };
    let answers: [(&[&str], Choice); 3] = [(view, Choice::View), (save, Choice::Save), (NOT_NOW, Choice::NotNow)];
    prompt::choose(&question(&viewing, manifest), &answers, cx).await
}

/// The question, which names each key once.
fn question(viewing: &Viewing<'_>, manifest: &Manifest) -> String {
    let share = noun(manifest);
    match (viewing, manifest.view_only) {
        (Viewing::Whole(how), false) => {
            format!("This {share} can be opened once. [v]iew {how}, [s]ave here, or [n]ot now?")
        }
        (Viewing::Whole(how), true) => format!("This {share} can be opened once. [v]iew {how}, or [n]ot now?"),
        (Viewing::Blocks, view_only) => {
            let save = if view_only { "" } else { " [s]ave it," };
            format!(
                "This {share} can be opened once, and this terminal cannot show photos. \
                 Show the {share} as colored [b]locks,{save} or [n]ot now?"
            )
        }
    }
}

/// Asks whether to save a share in this directory, until the answer is yes or no. Enter is no.
pub(super) async fn wants_to_save(manifest: &Manifest, cx: &Context) -> Result<bool, Failure> {
    let question = format!("This {} can be opened once. [s]ave here, or [n]ot now?", noun(manifest));
    let answers: [(&[&str], bool); 2] = [(&["s", "save", "y", "yes"], true), (NOT_NOW, false)];
    prompt::choose(&question, &answers, cx).await
}

/// The end of a command after the answer not now.
pub(super) fn not_now() -> Failure {
    Failure::Interrupted(Some(Hint::outcome("nothing was opened")))
}

/// The noun for a share in a sentence.
pub(super) fn noun(manifest: &Manifest) -> &'static str {
    manifest.only_file().map_or("album", |only| Kind::of(&only.r#type).word())
}

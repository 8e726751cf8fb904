//! Questions about a share that can be opened once.

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::Failure;
use crate::manifest::Manifest;
use crate::media::Kind;

/// A person's choice.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    View,
    Save,
    NotNow,
}

/// How a question ends that offers to save the share, where that is allowed.
pub(super) fn save_it_here(manifest: &Manifest) -> &'static str {
    if manifest.view_only { "" } else { "[s]ave it here, " }
}

/// Asks until the answer is one. Enter is no.
pub(super) async fn choose(question: &str, manifest: &Manifest, cx: &Context) -> Result<Choice, Failure> {
    let save: &[&str] = if manifest.view_only { &[] } else { &["s", "save"] };
    let answers: [(&[&str], Choice); 3] = [
        (&["v", "view", "b", "blocks", "y", "yes"], Choice::View),
        (save, Choice::Save),
        (&["", "n", "no", "not now"], Choice::NotNow),
    ];
    prompt::choose(question, &answers, cx).await
}

/// Asks whether to save the share in this directory. Enter is no.
pub(super) async fn wants_to_save(manifest: &Manifest, cx: &Context) -> Result<bool, Failure> {
    let question = format!("{} can be opened once. [s]ave it here, [n]ot now?", this(manifest));
    let answers: [(&[&str], bool); 2] = [(&["s", "save", "y", "yes"], true), (&["", "n", "no", "not now"], false)];
    prompt::choose(&question, &answers, cx).await
}

/// The answer no: the share still waits.
pub(super) fn not_now() -> Failure {
    Failure::Interrupted(Some("not now: nothing is lost".into()))
}

/// A share in the words of a question.
pub(super) fn this(manifest: &Manifest) -> &'static str {
    match &manifest.entries[..] {
        [only] => match Kind::of(&only.r#type) {
            Kind::Photo => "This photo",
            Kind::Video => "This video",
            Kind::Sound => "This sound",
            Kind::Text => "This text",
            Kind::File => "This file",
        },
        _ => "This album",
    }
}

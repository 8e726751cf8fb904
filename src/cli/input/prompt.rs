//! Questions at the terminal, and their answers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::wrapped;
use crate::platform::tty::Tty;
use crate::safe_text::reason;
use crate::terminal::editor::{self, Edited};
use crate::terminal::question::Question;
pub(crate) use crate::terminal::question::{discard_rest, is_possible as possible};
use crate::terminal::style;

/// The prompt of the editor: 80 columns have room for it in one line.
const TEXT: &str = "Type or paste the text, then press Ctrl-D. It is not shown; Ctrl-R shows it.";
/// The same at a terminal that cannot show and hide a text.
const TEXT_UNSEEN: &str = "Type or paste the text, then press Ctrl-D. It is not shown.";

/// The terminal, and a prompt as it fits there.
fn tty(prompt: &str) -> Result<(Tty, String), Failure> {
    let no_terminal =
        |_| Failure::usage("there is no terminal to prompt on", Hint::line("pass the answer as an option: see --help"));
    let tty = Tty::open().map_err(no_terminal)?;
    let text = wrapped(&style::readable(prompt), Some(tty.columns()));
    Ok((tty, text))
}

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("the terminal: {}", reason(error)), "nothing was done")
}

/// Asks, and returns one line. Ctrl-C and Ctrl-D decline.
async fn line(question: &str, hide: bool, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let (tty, text) = tty(question)?;
    let question = Question::ask(tty, &text, hide).map_err(|error| failed(&error))?;
    let reader = question.reader().map_err(|error| failed(&error))?;
    let answer = cx.unless_interrupted(reader).await?.map_err(|error| failed(&error))?;
    if answer.is_empty() {
        return Err(Failure::Interrupted(None));
    }
    question.close();
    Ok(answer)
}

/// Prompts for a line that is not shown while it is typed.
pub(crate) async fn ask_hidden(question: &str, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let answer = line(question, true, cx).await?;
    Ok(Zeroizing::new(answer.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Prompts for a line.
pub(crate) async fn ask(question: &str, cx: &Context) -> Result<String, Failure> {
    Ok(line(question, false, cx).await?.trim().to_owned())
}

/// Prompts for a text of several lines, without the line breaks at its end. Ctrl-C declines, and so does Ctrl-D before
/// anything was typed.
pub(crate) async fn edit_text(cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let (tty, prompt) = tty(if editor::can_show() { TEXT } else { TEXT_UNSEEN })?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let mut editing = tokio::task::spawn_blocking(move || editor::edit(tty, &prompt, &stopped));
    let edited = tokio::select! {
        edited = &mut editing => edited,
        _ = cx.interrupted() => {
            // The editor puts the terminal back as it was.
            stop.store(true, Ordering::SeqCst);
            let _ = editing.await;
            return Err(Failure::Interrupted(None));
        }
    };
    match edited.map_err(anyhow::Error::from)?.map_err(|error| failed(&error))? {
        Edited::Done(text) => Ok(text),
        Edited::Refused(why) => Err(Failure::local(why, "nothing was sent; send the text as a file")),
        Edited::Cancelled => Err(Failure::Interrupted(None)),
    }
}

/// Asks a question whose keys are letters in brackets, until the answer is one of `answers`: each is a list of words
/// with the same meaning. Enter alone is the empty word.
pub(crate) async fn choose<T: Copy>(question: &str, answers: &[(&[&str], T)], cx: &Context) -> Result<T, Failure> {
    loop {
        let answer = line(question, false, cx).await?.trim().to_lowercase();
        if let Some((_, meaning)) = answers.iter().find(|(words, _)| words.contains(&answer.as_str())) {
            return Ok(*meaning);
        }
        cx.output.answer_keys(&keys(question));
    }
}

/// Asks a question with the keys `[y]es` and `[n]o`. Enter is no.
pub(crate) async fn confirm(question: &str, cx: &Context) -> Result<bool, Failure> {
    choose(question, &[(&["y", "yes"], true), (&["", "n", "no"], false)], cx).await
}

/// The keys of a question in words: `[v]iew, [s]ave or [n]ot now?` has `type v, s or n`.
fn keys(question: &str) -> String {
    let keys: Vec<&str> = question.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0)).collect();
    match &keys[..] {
        [] => "type an answer".to_owned(),
        [only] => format!("type {only}"),
        [first @ .., last] => format!("type {} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_that_the_question_names() {
        assert_eq!(keys("Revoke it? [y]es or [n]o"), "type y or n");
        assert_eq!(keys("[v]iew in this terminal, [s]ave here, or [n]ot now?"), "type v, s or n");
        assert_eq!(keys("[s]ave here?"), "type s");
    }

    #[test]
    fn prompts_fit_into_80_columns() {
        assert!(TEXT.len() < 80 && TEXT_UNSEEN.len() < 80);
    }
}

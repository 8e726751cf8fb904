//! Questions to the person at the terminal, and what counts as an answer.

use std::io;

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::wrapped;
use crate::platform::tty::Tty;
use crate::terminal::question::Question;
pub(crate) use crate::terminal::question::{discard_rest, is_possible as possible};
use crate::terminal::style;

/// Asks, and returns one line. Ctrl-C and Ctrl-D are no.
async fn line(question: &str, hide: bool, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let no_terminal = |_| Failure::usage("there is no terminal to ask at", Hint::line("give it as --help says"));
    let failed = |error: io::Error| Failure::local(format!("the terminal: {error}"), "nothing was done");
    let tty = Tty::open().map_err(no_terminal)?;
    let text = wrapped(&style::readable(question), Some(tty.columns()));
    let question = Question::ask(tty, &text, hide).map_err(failed)?;
    let answer = cx.unless_interrupted(question.reader().map_err(failed)?).await?.map_err(failed)?;
    if answer.is_empty() {
        return Err(Failure::Interrupted(None));
    }
    question.close();
    Ok(answer)
}

/// Asks a question. An answer comes in small letters.
async fn ask(question: &str, cx: &Context) -> Result<String, Failure> {
    Ok(line(question, false, cx).await?.trim().to_lowercase())
}

/// Asks for something that is not shown while it is typed.
pub(crate) async fn ask_hidden(question: &str, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let answer = line(question, true, cx).await?;
    Ok(Zeroizing::new(answer.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The meaning of an answer that a question does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise<T> {
    /// It counts as this one.
    Take(T),
    /// The question is asked again.
    AskAgain,
}

/// Asks a question that has a few answers, each in the words that mean it. Enter alone is the empty word.
pub(crate) async fn choose<T: Copy>(
    question: &str,
    answers: &[(&[&str], T)],
    otherwise: Otherwise<T>,
    cx: &Context,
) -> Result<T, Failure> {
    loop {
        if let Some(meaning) = meaning_of(&ask(question, cx).await?, answers, otherwise) {
            return Ok(meaning);
        }
        cx.output.info(&format!("Type {}.", keys_of(answers)));
    }
}

/// Asks a question that only a clear yes answers with yes.
pub(crate) async fn confirm(question: &str, cx: &Context) -> Result<bool, Failure> {
    choose(question, &[(&["y", "yes"], true)], Otherwise::Take(false), cx).await
}

/// The keys of a question, each the first word of its answer: `v, s or n`.
fn keys_of<T>(answers: &[(&[&str], T)]) -> String {
    let keys: Vec<&str> = answers.iter().filter_map(|(words, _)| words.first().copied()).collect();
    match &keys[..] {
        [keys @ .., last] if !keys.is_empty() => format!("{} or {last}", keys.join(", ")),
        keys => keys.concat(),
    }
}

/// The meaning of one answer. `None`: the question is asked again.
fn meaning_of<T: Copy>(answer: &str, answers: &[(&[&str], T)], otherwise: Otherwise<T>) -> Option<T> {
    let named = answers.iter().find(|(words, _)| words.contains(&answer)).map(|(_, meaning)| *meaning);
    match otherwise {
        Otherwise::Take(meaning) => Some(named.unwrap_or(meaning)),
        Otherwise::AskAgain => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_its_keys() {
        let answers: [(&[&str], u8); 4] = [(&["v", "view"], 1), (&["s"], 2), (&[], 3), (&["n", ""], 4)];
        assert_eq!(keys_of(&answers), "v, s or n");
        assert_eq!(keys_of(&answers[..1]), "v");
    }

    #[test]
    fn unnamed_answers_count_as_the_question_has_it() {
        let answers: [(&[&str], u8); 2] = [(&["y", "yes"], 1), (&["", "n"], 2)];
        for (answer, again, taken) in [("y", Some(1), 1), ("", Some(2), 2), ("maybe", None, 3), ("Y", None, 3)] {
            assert_eq!(meaning_of(answer, &answers, Otherwise::AskAgain), again, "{answer}");
            assert_eq!(meaning_of(answer, &answers, Otherwise::Take(3)), Some(taken), "{answer}");
        }
    }
}

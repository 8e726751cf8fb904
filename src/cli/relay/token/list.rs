//! `share relay token list`: the create tokens of a relay.

use std::path::Path;

use serde_json::json;

use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Column, format, stdout_columns, table};
use crate::cli::relay::token::file;
use crate::cli::relay::token::line::{TokenLine, exact};
use crate::relay::clock::{Clock, SystemClock};
use crate::safe_text::printable;

/// Runs the command.
pub(super) fn run(path: &Path, cx: &Context) -> Result<(), Failure> {
    let (lines, _) = file::load(path)?;
    let now = SystemClock.now();
    let rows: Vec<_> = lines.iter().map(|line| row(line, now)).collect();
    let mut texts = table(&COLUMNS, &rows, stdout_columns()).into_iter();
    if !cx.output.is_json() && !rows.is_empty() && stdout_columns().is_some() {
        cx.output.answer_row("", json!({}), &texts.next().unwrap_or_default())?;
    }
    for (line, text) in lines.iter().zip(texts) {
        cx.output.answer_row("token", line.facts(path), &text)?;
    }
    if lines.is_empty() {
        cx.output.info("No create tokens: nobody can create shares at a relay with this file.");
    }
    Ok(())
}

/// The columns of the table.
const COLUMNS: [Column; 5] = [
    Column { title: "name", min: 8, rank: 5 },
    Column { title: "largest share", min: 8, rank: 3 },
    Column { title: "bytes a day", min: 8, rank: 2 },
    Column { title: "shares a day", min: 4, rank: 1 },
    Column { title: "ends", min: 15, rank: 4 },
];

/// The row of a token, with a cell for each of [`COLUMNS`].
fn row(TokenLine { name, token }: &TokenLine, now: u64) -> [String; COLUMNS.len()] {
    let limits = &token.limits;
    let end = |until: u64| {
        let time = format::time(until);
        if until > now { time } else { format!("ended {time}") }
    };
    [
        name.as_deref().map_or_else(|| "(without a name)".to_owned(), printable),
        limits.max_size.map(exact).unwrap_or_default(),
        limits.bytes_a_day.map(exact).unwrap_or_default(),
        limits.shares_a_day.map(|count| count.to_string()).unwrap_or_default(),
        token.until.map(end).unwrap_or_default(),
    ]
}

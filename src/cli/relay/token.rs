//! `share relay token`: makes a create token, for uploads to a relay that requires one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use directories::ProjectDirs;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::durable_fs::{lock, sync};
use crate::relay::server::CreatePolicy;
use crate::safe_text::printable;
use crate::secret::{hex, random_hex};
use crate::state::{private, private_dir, read_all};

/// The mark of a hash in the file of create tokens.
const HASHED: &str = "sha256:";

/// Make a create token for a sender
///
/// Prints the token and adds its hash to the file that `share relay --create-token-file` reads. To revoke a token,
/// delete its line from that file and restart the relay.
#[derive(Args)]
#[command(after_long_help = TOKEN_EXAMPLES)]
pub(super) struct TokenArgs {
    /// Name of the token's holder, such as anna
    #[arg(value_hint = ValueHint::Other)]
    name: String,
    /// Write to FILE [default: data directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    create_token_file: Option<PathBuf>,
}

const TOKEN_EXAMPLES: &str = "\
Examples:
  share relay token anna
  share relay token anna --create-token-file /etc/share/tokens";

/// Makes a token for a name, and adds its hash to the file.
pub(super) fn run(args: &TokenArgs, cx: &Context) -> Result<(), Failure> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if args.name.is_empty() || !args.name.chars().all(is_word) {
        return Err(Failure::usage(
            "the name is one word, like anna or anna@example.org",
            Hint::run("share relay token anna"),
        ));
    }
    let path = match &args.create_token_file {
        Some(path) => path.clone(),
        None => {
            let dirs = ProjectDirs::from("", "", "share");
            let dirs = dirs.ok_or_else(|| {
                Failure::usage("this user has no home directory", Hint::run("--create-token-file FILE"))
            })?;
            private_dir(dirs.data_dir())
                .map_err(|error| Failure::path(dirs.data_dir(), &error, "no token was made"))?;
            dirs.data_dir().join("create-tokens")
        }
    };
    let failed = |error: std::io::Error| Failure::path(&path, &error, "no token was made");
    let mut file = private(&path).map_err(failed)?;
    lock(&file).map_err(failed)?;
    let old = String::from_utf8(read_all(&file).map_err(failed)?).unwrap_or_default();
    if old.lines().any(|line| line.split_whitespace().next() == Some(&args.name)) {
        return Err(Failure::local(
            format!("{} already has a token", args.name),
            format!("to revoke that token, delete its line from {}", printable(&path.to_string_lossy())),
        ));
    }
    let token = Zeroizing::new(random_hex::<16>());
    let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let line = format!("{newline}{} {HASHED}{}\n", args.name, hex(&CreatePolicy::hash(&token)));
    // The read above moved to the end of the file.
    file.write_all(line.as_bytes()).and_then(|()| sync(&file)).map_err(failed)?;
    let shown = printable(&path.to_string_lossy());
    let facts = json!({ "name": args.name, "token": token.as_str(), "file": path.to_string_lossy() });
    if cx.output.result("token", facts, &token).is_err() {
        return Err(Failure::local("standard output is closed", format!("remove the last line from {shown}")));
    }
    cx.output.info(&format!("Give the token to {}: share relay use URL prompts for it.", args.name));
    cx.output
        .info(&format!("To accept the token, restart: share relay --create-token-file {}", format::quoted(&shown)));
    Ok(())
}

/// The hashes of the tokens in a file: one a line, as `NAME sha256:…`, or a bare token.
pub(super) fn read_tokens(path: &Path) -> Result<Vec<[u8; 32]>, Failure> {
    let text =
        fs::read_to_string(path).map_err(|error| Failure::path(path, &error, Hint::run("share relay token NAME")))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // Without any token, nobody may create shares.
    lines.map(read_token).collect::<Option<Vec<_>>>().ok_or_else(|| {
        Failure::usage(
            format!("{}: some lines are not create tokens", printable(&path.to_string_lossy())),
            Hint::line("to make tokens: share relay token NAME; a token of your own has at least 16 characters"),
        )
    })
}

fn read_token(line: &str) -> Option<[u8; 32]> {
    match line.split_once(char::is_whitespace) {
        None => (line.len() >= 16).then(|| CreatePolicy::hash(line)),
        Some((_, hashed)) => {
            let digits = hashed.trim().strip_prefix(HASHED)?;
            let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
            bytes.filter(|_| digits.len() == 64).and_then(|bytes| bytes.try_into().ok())
        }
    }
}

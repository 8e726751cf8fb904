//! `share send`: seals files or standard input, leaves them at a relay, prints a link.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::access::PassphraseArgs;
use super::failure::{Trouble, is_a_directory};
use super::output::{self, Output, Watched};
use super::state::State;
use super::{Common, interrupted, opening, prompt, words};
use crate::link::{Link, RelayUrl};
use crate::manifest::printable;
use crate::media::Kind;
use crate::relay::MIN_TTL;
use crate::secret::{Flags, LinkSecret};
use crate::send::{Input, Outgoing, Sent, Wishes};

/// Life of a share, unless it is said otherwise.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);
/// The longest life that can be asked for.
const MAX_TTL: Duration = Duration::from_hours(90 * 24);

/// The longest name that can be given: what file systems take.
const MAX_NAME: usize = 255;

/// Leave something that can be opened once, and print its link
#[derive(Args)]
pub(super) struct SendArgs {
    /// What to send; nothing or `-`: standard input. Several files make one album with one link
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to leave it
    #[arg(long, value_name = "URL", env = "SHARE_RELAY", hide_env_values = true)]
    relay: Option<String>,
    /// How long it may wait to be opened: 1m to 90d [default: 14d]
    #[arg(short, long, value_name = "TIME", env = "SHARE_EXPIRE", hide_env_values = true, value_parser = super::duration)]
    expire: Option<Duration>,
    /// What the recipient calls it
    #[arg(short, long, value_name = "NAME", conflicts_with = "no_name")]
    name: Option<String>,
    /// Don't tell the recipient the names of files
    #[arg(long)]
    no_name: bool,
    /// Ask for a text to send
    #[arg(long, conflicts_with = "files")]
    text: bool,
    /// Print the link in the form that no bot and no preview follows
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Runs the command.
pub(super) async fn run(args: SendArgs, common: &Common, output: &Output) -> Result<(), Trouble> {
    let Some(url) = args.relay.as_deref().filter(|url| !url.trim().is_empty()) else {
        return Err(Trouble::usage("no relay is configured", "share send --relay URL …, or SHARE_RELAY"));
    };
    let url = RelayUrl::parse(url).map_err(Trouble::RelayUrl)?;
    let ttl = args.expire.unwrap_or(DEFAULT_TTL);
    if ttl < MIN_TTL || ttl > MAX_TTL {
        return Err(Trouble::usage("--expire takes 1 minute to 90 days", "--expire 24h, --expire 7d"));
    }
    if args.bare && !url.has_bare_form() {
        return Err(Trouble::usage(
            format!("a bare link to {} would be followed over plain http", url.name()),
            "send it without --bare",
        ));
    }
    if output::stdout_is_closed() {
        return Err(Trouble::local("standard output is closed", "nothing was sent: the link would be printed there"));
    }
    if args.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
        return Err(Trouble::usage(format!("a name has at most {MAX_NAME} bytes"), "give it a shorter --name"));
    }
    let (inputs, expected_len) = args.inputs()?;
    let flags = if args.passphrase.is_given() { Flags::PASSPHRASE } else { Flags::default() };
    let secret = LinkSecret::random(flags);
    let passphrase = if args.passphrase.is_given() { Some(args.passphrase.read(true)?) } else { None };
    let keys = secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
    drop(passphrase);

    let wishes = Wishes {
        name: args.name().filter(|_| inputs.len() > 1),
        created: words::today(),
        ttl: ttl.as_secs(),
        or_shorter: args.expire.is_none(),
        expected_len,
        view_only: false,
        // Never an argument: every program of this machine could see it there.
        create_token: std::env::var("SHARE_CREATE_TOKEN").ok().filter(|token| !token.is_empty()),
    };
    let outgoing = Outgoing::new(common.connect(&url, output)?, keys, wishes);
    let bar = output.bar(expected_len);
    let inputs = inputs.into_iter().map(|input| watched(input, &bar)).collect();
    let sent = tokio::select! {
        sent = outgoing.send(inputs) => sent,
        () = interrupted() => {
            bar.finish_and_clear();
            output.say("taking it back …");
            let hint = if outgoing.take_back().await {
                "taken back: nothing was sent"
            } else {
                "no link was made: what the relay has of it is unreadable, and goes within a day"
            };
            return Err(Trouble::Interrupted(Some(hint.to_owned())));
        }
    };
    bar.finish_and_clear();
    let sent = sent.map_err(|error| Trouble::Send { relay: url.name(), error })?;

    let link = Link { relay: Some(url), secret };
    let text = if args.bare { Some(link.bare()) } else { link.web() };
    output.say(&words::describe(&sent.manifest));
    warn_of_metadata(&sent, output);
    if text.is_none_or(|text| output.result(&text).is_err()) {
        outgoing.take_back().await;
        return Err(Trouble::local(
            "standard output is closed",
            "the link could not be shown: the share was taken back",
        ));
    }
    output.say(&format!("Opens once, until {}.", words::time(sent.expires)));
    if args.expire.is_none() && sent.expires < unhurried(ttl) {
        output.say("The relay keeps nothing for longer.");
    }
    if let Ok(state) = State::open(common) {
        opening::catch_up(&state).await;
    }
    Ok(())
}

/// A minute less than `ttl` from now, Unix seconds: what a relay that honoured it must at least have granted.
fn unhurried(ttl: Duration) -> u64 {
    use crate::relay::clock::{Clock, SystemClock};
    (SystemClock.now() + ttl.as_secs()).saturating_sub(60)
}

/// Whoever sends a photo should know what goes with it.
fn warn_of_metadata(sent: &Sent, output: &Output) {
    let carriers: Vec<_> = sent.manifest.entries.iter().filter(|entry| carries_metadata(&entry.r#type)).collect();
    match &carriers[..] {
        [] => {}
        [one] => {
            let name = one.name.as_deref().map_or_else(|| "it".to_owned(), printable);
            output.warn(&format!("metadata NOT removed: {name} goes with the position, time and camera it has in it"));
        }
        many => output.warn(&format!(
            "metadata NOT removed: {} photos and videos go with the position, time and camera they have in them",
            many.len()
        )),
    }
}

fn carries_metadata(mime: &str) -> bool {
    matches!(Kind::of(mime), Kind::Photo | Kind::Video)
}

fn watched(input: Input, bar: &indicatif::ProgressBar) -> Input {
    let reader = Box::new(Watched { inner: input.reader, bar: bar.clone() });
    Input { reader, ..input }
}

impl SendArgs {
    /// What to read, opened, and how much it is where that can be known.
    fn inputs(&self) -> Result<(Vec<Input>, Option<u64>), Trouble> {
        let stdin = Path::new("-");
        if self.files.iter().filter(|file| *file == stdin).count() > 1 {
            return Err(Trouble::usage("standard input can be read only once", "give - only once"));
        }
        let bare_terminal = self.files.is_empty() && io::stdin().is_terminal();
        if self.text || bare_terminal {
            if !prompt::possible() {
                return Err(Trouble::usage("there is no terminal to ask for a text at", "echo … | share send"));
            }
            let text = prompt::ask_hidden("text (one line, not shown):")?;
            if prompt::discard_rest() {
                return Err(Trouble::usage(
                    "the text has more than one line, and nothing of it was sent",
                    "cat | share send, paste it, and press Ctrl-D",
                ));
            }
            if text.is_empty() {
                return Err(Trouble::local("the text is empty", "nothing was sent"));
            }
            let length = text.len() as u64;
            let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
            let input = Input { name: self.name(), label: "the text".into(), reader, must_have_content: true };
            return Ok((vec![input], Some(length)));
        }
        if self.files.is_empty() {
            return Ok((vec![self.stdin()], None));
        }
        let mut expected = Some(0u64);
        let mut inputs = Vec::with_capacity(self.files.len());
        for path in &self.files {
            if path == stdin {
                expected = None;
                inputs.push(self.stdin());
                continue;
            }
            let (input, length) = self.file(path)?;
            expected = expected.zip(length).map(|(sum, length)| sum + length);
            inputs.push(input);
        }
        Ok((inputs, expected))
    }

    /// The name that was given, if it is one.
    fn name(&self) -> Option<String> {
        self.name.clone().filter(|name| !name.trim().is_empty())
    }

    fn stdin(&self) -> Input {
        let reader: Box<dyn Read + Send> = Box::new(io::stdin());
        let name = self.name().filter(|_| self.files.len() <= 1);
        Input { name, label: "standard input".to_owned(), reader, must_have_content: true }
    }

    fn file(&self, path: &Path) -> Result<(Input, Option<u64>), Trouble> {
        let failed = |error: &io::Error| Trouble::path(path, error, "nothing was sent");
        let file = File::open(path).map_err(|error| failed(&error))?;
        let data = file.metadata().map_err(|error| failed(&error))?;
        if data.is_dir() {
            return Err(is_a_directory(path));
        }
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let given = self.name().filter(|_| self.files.len() == 1);
        let name = if self.no_name { None } else { given.or(own) };
        let label = path.to_string_lossy().into_owned();
        let input = Input { name, label, reader: Box::new(file), must_have_content: false };
        Ok((input, data.is_file().then_some(data.len())))
    }
}

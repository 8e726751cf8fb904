//! `share send`: seals files or standard input, leaves them at a relay or serves them from here, prints links.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use zeroize::Zeroizing;

use super::access::PassphraseArgs;
use super::batch::{Batch, KeptAt, Plan};
use super::connect::{Connected, Way};
use super::failure::{self, Trouble, is_a_directory};
use super::outbox::expect_opened;
use super::output::{self, Output, Watched};
use super::{Context, asking, config, direct, opening, prompt, qr, words};
use crate::link::RelayUrl;
use crate::manifest::printable;
use crate::media::Kind;
use crate::relay::MIN_TTL;
use crate::secret::Flags;
use crate::send::{Input, Sent, Wishes};
use crate::spoken;

/// Life of a share, unless it is said otherwise.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);
/// The longest life that can be asked for.
const MAX_TTL: Duration = Duration::from_hours(90 * 24);

/// The longest name that can be given: what file systems take.
const MAX_NAME: usize = 255;
/// The most links of one command: each is an upload of its own, and they run side by side.
const MAX_LINKS: usize = 20;

/// Send something that can be opened once, and print its link
///
/// Without a relay, and at a terminal, it is served from this machine to the network it is on, until it was opened.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that can be said")]
pub(super) struct SendArgs {
    /// What to send; nothing or `-`: standard input. Several files make one album with one link
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to leave it
    #[arg(long, value_name = "URL", env = "SHARE_RELAY", hide_env_values = true)]
    relay: Option<String>,
    /// Serve it from this machine until it was opened
    #[arg(long)]
    direct: bool,
    #[command(flatten)]
    pub(super) host: direct::HostArgs,
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
    /// A link of their own for WHO; may be said several times
    #[arg(long = "for", value_name = "WHO", conflicts_with = "links")]
    recipients: Vec<String>,
    /// So many links, each of which opens once
    #[arg(long, value_name = "N")]
    links: Option<usize>,
    /// Print the link in the form that no bot and no preview follows
    #[arg(long)]
    bare: bool,
    /// Show the link as a QR code too
    #[arg(long)]
    qr: bool,
    /// Wait until it was opened
    #[arg(long)]
    wait: bool,
    /// Keep in FILE what asks for it and takes it back, on any machine
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Make a passphrase of four words, and show it
    #[arg(short = 'P', long, conflicts_with = "passphrase")]
    generate_passphrase: bool,
}

/// Runs the command.
pub(super) async fn run(args: SendArgs, cx: &Context) -> Result<(), Trouble> {
    let place = args.place(cx)?;
    let ttl = args.ttl(cx)?;
    args.expect_sense(place.as_ref())?;
    let (inputs, expected_len) = args.inputs(cx).await?;
    let passphrase = match (args.generate_passphrase, args.passphrase.is_given()) {
        (true, _) => Some(spoken::passphrase()),
        (false, true) => Some(args.passphrase.read(true, cx).await?),
        (false, false) => None,
    };
    let shown = passphrase.clone().filter(|_| args.generate_passphrase);
    let wishes = Wishes {
        name: args.name().filter(|_| inputs.len() > 1),
        created: words::today(),
        ttl: ttl.as_secs(),
        or_shorter: args.expire.is_none() && cx.config.expire.is_none(),
        expected_len,
        view_only: false,
        create_token: None,
    };
    let plan = Plan {
        recipients: args.recipients()?,
        flags: if passphrase.is_some() { Flags::PASSPHRASE } else { Flags::default() },
        passphrase,
        name: args.name().or_else(|| inputs.iter().find_map(|input| input.name.clone())),
        receipt: args.receipt.clone(),
        wishes,
    };
    let sending = Sending { args, cx, inputs, expected_len, shown, ttl };
    match place {
        Some(url) => sending.through(url, plan).await,
        None => sending.directly(plan).await,
    }
}

/// A `share send`, once it is clear what and how.
struct Sending<'a> {
    args: SendArgs,
    cx: &'a Context,
    inputs: Vec<Input>,
    expected_len: Option<u64>,
    /// A passphrase that was made here, and that somebody must be told.
    shown: Option<Zeroizing<String>>,
    ttl: Duration,
}

impl Sending<'_> {
    /// Leaves it at a relay.
    async fn through(mut self, url: RelayUrl, mut plan: Plan) -> Result<(), Trouble> {
        let (cx, way) = (self.cx, Way::to(url));
        plan.wishes.create_token = cx.create_token(&way.url);
        let or_shorter = plan.wishes.or_shorter;
        let connected = cx.connect(&way).await?;
        let urls = vec![way.url.clone(); plan.recipients.len()];
        let mut batch = Batch::new(plan, &connected.relay, &urls, KeptAt::Relay(&way.url), cx)?;
        self.send(&mut batch, &way.name()).await?;
        self.print(&batch).await?;
        let expires = batch.sent().map_or(0, |sent| sent.expires);
        cx.output.say(&format!("Opens once, until {}.", words::time(expires)));
        if or_shorter && expires < unhurried(self.ttl) {
            cx.output.say("The relay keeps nothing for longer.");
        }
        if self.args.qr {
            show_qr(&batch, &cx.output);
        }
        self.afterwards(&connected).await;
        if self.args.wait { self.wait(&batch, &way, &connected).await } else { Ok(()) }
    }

    /// Serves it from this machine.
    async fn directly(mut self, plan: Plan) -> Result<(), Trouble> {
        let cx = self.cx;
        if self.args.receipt.is_some() {
            return Err(Trouble::usage(
                "a receipt is for what waits at a relay, and this machine would be one itself",
                "without --receipt; Ctrl-C takes it back",
            ));
        }
        let host = direct::Host::open(&self.args.host, plan.recipients.len(), self.expected_len, cx)?;
        expect_bare_form(self.args.bare, host.urls()?.first())?;
        let plan = Plan { flags: host.flags(plan.flags), ..plan };
        let mut batch = Batch::new(plan, &host.relay(), &host.urls()?, KeptAt::Here(&host.place()), cx)?;
        self.send(&mut batch, direct::THIS).await.map_err(direct::in_our_own_words)?;
        let host = host.serve(&batch)?;
        self.print(&batch).await?;
        if self.args.qr || output::stdout_is_terminal() {
            show_qr(&batch, &cx.output);
        }
        host.until_opened(&batch, cx).await
    }

    /// Uploads it. Ctrl-C, or an error, and nothing is left.
    async fn send(&mut self, batch: &mut Batch, place: &str) -> Result<(), Trouble> {
        let output = &self.cx.output;
        let bar = output.bar(self.expected_len);
        let inputs = std::mem::take(&mut self.inputs).into_iter().map(|input| watched(input, &bar)).collect();
        let sent = tokio::select! {
            sent = batch.send(inputs) => Some(sent),
            _ = self.cx.interrupted() => None,
        };
        output.clear();
        match sent {
            Some(sent) => sent.map_err(|(error, gone)| Trouble::Send { relay: place.to_owned(), error, gone })?,
            None => {
                output.say("taking it back …");
                let hint = if batch.take_back().await {
                    "taken back: nothing was sent"
                } else {
                    "no link was made: what the relay has of it is unreadable, and goes by itself"
                };
                return Err(Trouble::Interrupted(Some(hint.to_owned())));
            }
        }
        if let Some(sent) = batch.sent() {
            output.say(&words::describe(&sent.manifest));
            warn_of_metadata(sent, output);
        }
        Ok(())
    }

    /// Prints the links. Where nobody can read them, nothing is left.
    async fn print(&self, batch: &Batch) -> Result<(), Trouble> {
        if batch.print(self.args.bare, self.shown.as_ref().map(|words| words.as_str()), &self.cx.output).is_err() {
            let hint = if batch.take_back().await {
                "the link could not be shown: the share was taken back"
            } else {
                "the link could not be shown, and the relay could not be told: share revoke takes it back"
            };
            return Err(Trouble::local("standard output is closed or full", hint));
        }
        if let Some(words) = &self.shown {
            self.cx.output.insist(&format!("passphrase: {}", words.as_str()));
            self.cx.output.say("Tell it on another way than the link.");
        }
        Ok(())
    }

    /// What else is due now that a relay is at hand.
    async fn afterwards(&self, connected: &Connected) {
        connected.sweep().await;
        opening::catch_up(self.cx).await;
    }

    /// Waits until all were opened.
    async fn wait(&self, batch: &Batch, way: &Way, connected: &Connected) -> Result<(), Trouble> {
        let waiting = try_join_all(batch.shares.iter().map(async |share| {
            let owner = share.entry.owner().ok_or_else(|| anyhow::anyhow!("a share without an id"))?;
            let named = asking::Named { relay: &connected.relay, way: Some(way) };
            let status = asking::wait_at(&share.entry, &owner, &named, self.cx).await?;
            batch.note_end(share, &status);
            Ok::<_, Trouble>(status)
        }));
        let told = tokio::select! {
            told = waiting => told?,
            _ = self.cx.interrupted() => {
                let hint = "it still waits: share status --wait goes on, share revoke takes it back";
                return Err(Trouble::Interrupted(Some(hint.to_owned())));
            }
        };
        expect_opened(batch.shares.iter().map(|share| &share.entry).zip(&told))
    }
}

/// A bare link has no scheme: it must be clear how its relay is reached.
fn expect_bare_form(bare: bool, url: Option<&RelayUrl>) -> Result<(), Trouble> {
    match url.filter(|url| bare && !url.has_bare_form()) {
        None => Ok(()),
        Some(url) => Err(Trouble::usage(
            format!("a bare link cannot say how {} is reached", url.name()),
            "send it without --bare",
        )),
    }
}

fn show_qr(batch: &Batch, output: &Output) {
    let Some(columns) = output::columns().filter(|_| !output.is_json()) else { return };
    let [share] = &batch.shares[..] else { return };
    match share.link.web().and_then(|link| qr::draw(&link, columns)) {
        Some(code) => {
            output.say(&code);
            if share.link.secret.flags().contains(Flags::DIRECT) {
                output.say("A browser that follows it trusts this network: it cannot know whom it speaks to.");
            }
        }
        None => output.say("The terminal is too narrow for the QR code."),
    }
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
    /// The relay; `None`: this machine. Without a terminal, that must have been said: a script would wait for ever.
    fn place(&self, cx: &Context) -> Result<Option<RelayUrl>, Trouble> {
        let relay = if self.direct { None } else { cx.relay(self.relay.as_deref())? };
        if relay.is_some() || self.direct || output::stdout_is_terminal() {
            return Ok(relay);
        }
        Err(Trouble::usage(
            "no relay is configured",
            "share relay use URL, or --direct to serve it from here until it is opened",
        ))
    }

    fn ttl(&self, cx: &Context) -> Result<Duration, Trouble> {
        let ttl = match (self.expire, &cx.config.expire) {
            (Some(said), _) => said,
            (None, Some(text)) => super::duration(text).map_err(|why| config::wrong("expire", &why))?,
            (None, None) => DEFAULT_TTL,
        };
        if ttl < MIN_TTL || ttl > MAX_TTL {
            return Err(Trouble::usage("--expire takes 1 minute to 90 days", "--expire 24h, --expire 7d"));
        }
        Ok(ttl)
    }

    /// What cannot work is found before anything is read.
    fn expect_sense(&self, place: Option<&RelayUrl>) -> Result<(), Trouble> {
        expect_bare_form(self.bare, place)?;
        if self.generate_passphrase && self.passphrase.is_file_said() {
            return Err(Trouble::usage("a passphrase is made or read, not both", "-P, or --passphrase-file FILE"));
        }
        if self.receipt.as_deref() == Some(Path::new("-")) {
            return Err(Trouble::usage("a receipt goes to a file", "--receipt FILE"));
        }
        if self.recipients.iter().any(|recipient| recipient.trim().is_empty()) {
            return Err(Trouble::usage("--for says for whom", "--for anna"));
        }
        if output::stdout_is_closed() {
            let hint = "nothing was sent: the link would be printed there";
            return Err(Trouble::local("standard output is closed or full", hint));
        }
        if self.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(Trouble::usage(format!("a name has at most {MAX_NAME} bytes"), "give it a shorter --name"));
        }
        match &self.receipt {
            Some(path) if path.symlink_metadata().is_ok() => Err(failure::in_the_way(path)),
            _ => Ok(()),
        }
    }

    /// Who gets a link.
    fn recipients(&self) -> Result<Vec<Option<String>>, Trouble> {
        let recipients = match self.links {
            Some(count) => vec![None; count],
            None if self.recipients.is_empty() => vec![None],
            None => self.recipients.iter().cloned().map(Some).collect(),
        };
        if recipients.is_empty() || recipients.len() > MAX_LINKS {
            return Err(Trouble::usage(format!("one command makes 1 to {MAX_LINKS} links"), "--links 5"));
        }
        Ok(recipients)
    }

    /// What to read, opened, and how much it is where that can be known.
    async fn inputs(&self, cx: &Context) -> Result<(Vec<Input>, Option<u64>), Trouble> {
        let stdin = Path::new("-");
        if self.files.iter().filter(|file| *file == stdin).count() > 1 {
            return Err(Trouble::usage("standard input can be read only once", "give - only once"));
        }
        let bare_terminal = self.files.is_empty() && io::stdin().is_terminal();
        if self.text || bare_terminal {
            if !prompt::possible() {
                return Err(Trouble::usage("there is no terminal to ask for a text at", "echo … | share send"));
            }
            let text = prompt::ask_hidden("text (one line, not shown):", cx).await?;
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
            let (input, length) = self.file(path, cx).await?;
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

    async fn file(&self, path: &Path, cx: &Context) -> Result<(Input, Option<u64>), Trouble> {
        if path.to_string_lossy().to_ascii_lowercase().contains("#share1") {
            return Err(Trouble::usage("a link is not a file", "share open, and paste the link when it asks"));
        }
        let hint =
            if self.passphrase.is_flag() { "nothing was sent; -p takes no value, it asks" } else { "nothing was sent" };
        let failed = |error: &io::Error| Trouble::path(path, error, hint);
        // A pipe with a name opens when somebody writes.
        let from = path.to_owned();
        let file = cx.unless_interrupted(move || File::open(from)).await?.map_err(|error| failed(&error))?;
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

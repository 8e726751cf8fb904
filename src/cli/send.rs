//! `share send`: seals files or standard input, leaves them at a relay or serves them from here, prints links.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use zeroize::Zeroizing;

use crate::cli::batch::{Batch, KeptAt, Plan};
use crate::cli::catch_up::catch_up;
use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::input::files::{Inputs, Metadata, Wanted};
use crate::cli::input::link::PassphraseArgs;
use crate::cli::output::errors::{Exit, Failure, Message};
use crate::cli::output::qr::Pen;
use crate::cli::output::{Output, Watched, errors, format, qr};
use crate::cli::{asking, config, output};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::{MIN_TTL, RelayError};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::secret::Flags;
use crate::send::{Input, SendError, SendOptions};
use crate::state::outbox::expect_opened;
use crate::terminal::clipboard;
use crate::{host, wordlist};

/// Life of a share, unless it is said otherwise.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);
/// The longest life that can be asked for.
const MAX_TTL: Duration = Duration::from_hours(90 * 24);

/// What the page takes in a browser on a phone, in bytes.
const PHONES_TAKE: u64 = 256 << 20;

/// The longest name that can be given: what file systems take.
const MAX_NAME: usize = 255;
/// The most links of one command: each is an upload of its own, and they run side by side.
const MAX_LINKS: usize = 20;

/// Send something that can be opened once, and print its link
///
/// Without a relay, and at a terminal, it is served from this machine to the network it is on, until it was opened.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that can be said")]
pub(crate) struct SendArgs {
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
    pub(crate) host: host::HostArgs,
    /// How long it may wait to be opened: 1m to 90d [default: 14d]
    #[arg(short, long, value_name = "TIME", env = "SHARE_EXPIRE", hide_env_values = true, value_parser = crate::cli::context::duration)]
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
    /// Copy the link to the clipboard, and keep it out of clipboard histories
    #[arg(short, long)]
    copy: bool,
    /// Ask recipients' programs to show it and not to save it: a courtesy, not a lock
    #[arg(long)]
    view_only: bool,
    /// What becomes of positions, times and cameras in photos and videos
    #[arg(long, value_name = "WHAT", default_value = "strip")]
    metadata: Metadata,
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
pub(crate) async fn run(args: SendArgs, cx: &Context) -> Result<(), Failure> {
    let place = args.place(cx)?;
    let ttl = args.ttl(cx)?;
    args.expect_sense(place.as_ref())?;
    let inputs = args.wanted().open(cx).await?;
    let passphrase = match (args.generate_passphrase, args.passphrase.is_given()) {
        (true, _) => Some(wordlist::passphrase()),
        (false, true) => Some(args.passphrase.read(true, cx).await?),
        (false, false) => None,
    };
    let shown = passphrase.clone().filter(|_| args.generate_passphrase);
    let wishes = SendOptions {
        name: args.name().filter(|_| inputs.sources.len() > 1),
        created: format::today(),
        ttl: ttl.as_secs(),
        or_shorter: args.expire.is_none() && cx.config.expire.is_none(),
        expected_len: inputs.len,
        view_only: args.view_only,
        create_token: None,
    };
    let plan = Plan {
        recipients: args.recipients()?,
        flags: if passphrase.is_some() { Flags::PASSPHRASE } else { Flags::default() },
        passphrase,
        name: args.name().or_else(|| inputs.sources.iter().find_map(|input| input.name.clone())),
        receipt: args.receipt.clone(),
        wishes,
    };
    let sending = Sending { args, cx, inputs, shown, ttl };
    match place {
        Some(url) => sending.through(url, plan).await,
        None => sending.directly(plan).await,
    }
}

/// A `share send`, once it is clear what and how.
struct Sending<'a> {
    args: SendArgs,
    cx: &'a Context,
    inputs: Inputs,
    /// A passphrase that was made here, and that somebody must be told.
    shown: Option<Zeroizing<String>>,
    ttl: Duration,
}

impl Sending<'_> {
    /// Leaves it at a relay.
    async fn through(mut self, url: RelayUrl, mut plan: Plan) -> Result<(), Failure> {
        let (cx, endpoint) = (self.cx, Endpoint::to(url));
        plan.wishes.create_token = cx.create_token(&endpoint.url);
        let connected = cx.connect(&endpoint).await?;
        let urls = vec![endpoint.url.clone(); plan.recipients.len()];
        let mut batch = Batch::new(plan, &connected.relay, &urls, KeptAt::Relay(&endpoint.url), cx)?;
        self.send(&mut batch, &endpoint.name()).await.map_err(|trouble| self.in_the_files_words(trouble))?;
        self.print(&batch).await?;
        self.copy(&batch);
        let (expires, granted) = batch.sent().map_or((0, 0), |sent| (sent.expires, sent.ttl));
        cx.output.say(&format!("Opens once, until {}.", format::time(expires)));
        if granted < self.ttl.as_secs() {
            cx.output.say("The relay keeps nothing for longer.");
        }
        if self.args.qr {
            show_qr(&batch, &cx.output);
        }
        self.afterwards(&connected).await;
        if self.args.wait { self.wait(&batch, &endpoint, &connected).await } else { Ok(()) }
    }

    /// Serves it from this machine.
    async fn directly(mut self, plan: Plan) -> Result<(), Failure> {
        let cx = self.cx;
        if self.args.receipt.is_some() {
            return Err(Failure::usage(
                "a receipt is for what waits at a relay, and this machine would be one itself",
                "without --receipt; Ctrl-C takes it back",
            ));
        }
        let host = host::Host::open(&self.args.host, plan.recipients.len(), self.inputs.len, cx)?;
        let for_programs = host.is_for_programs();
        self.args.bare |= for_programs;
        expect_bare_form(self.args.bare, host.urls()?.first())?;
        let plan = Plan { flags: host.flags(plan.flags), ..plan };
        let mut batch = Batch::new(plan, &host.relay(), &host.urls()?, KeptAt::Here(&host.place()), cx)?;
        self.send(&mut batch, host::THIS).await.map_err(host::in_our_own_words)?;
        let host = host.serve(&batch)?;
        self.print(&batch).await?;
        self.copy(&batch);
        if !for_programs && (self.args.qr || output::stdout_is_terminal()) {
            show_qr(&batch, &cx.output);
        }
        host.until_opened(&batch, cx).await
    }

    /// Uploads it. Ctrl-C, or an error, and nothing is left.
    async fn send(&mut self, batch: &mut Batch, place: &str) -> Result<(), Failure> {
        let output = &self.cx.output;
        let bar = output.bar(self.inputs.len);
        let inputs = std::mem::take(&mut self.inputs.sources).into_iter().map(|input| watched(input, &bar)).collect();
        let sent = tokio::select! {
            sent = batch.send(inputs) => Some(sent),
            _ = self.cx.interrupted() => None,
        };
        output.clear();
        match sent {
            Some(sent) => sent.map_err(|(error, gone)| Failure::Send { relay: place.to_owned(), error, gone })?,
            None => {
                output.say("taking it back …");
                let hint = if batch.take_back().await {
                    "taken back: nothing was sent"
                } else {
                    "no link was made: what the relay has of it is unreadable, and goes by itself"
                };
                return Err(Failure::Interrupted(Some(hint.to_owned())));
            }
        }
        if let Some(sent) = batch.sent() {
            let removed = self.inputs.removed().map(|removed| format!(" · removed: {removed}")).unwrap_or_default();
            output.say(&format!("{}{removed}", format::describe(&sent.manifest)));
            self.inputs.warn(&sent.manifest, output);
            self.inputs.warn_of_browsers(&sent.manifest, self.args.view_only, output);
            if self.args.view_only {
                output.say("Their programs are asked to show it and not to save it. A camera does not ask.");
            }
            if sent.manifest.total_size() > PHONES_TAKE {
                output.say("A browser on a phone opens up to 256 MiB; share open takes all of it.");
            }
        }
        Ok(())
    }

    /// What is too large has a name and a size, and another way to go.
    fn in_the_files_words(&self, trouble: Failure) -> Failure {
        match (&trouble, &self.args.files[..], self.inputs.len) {
            (Failure::Send { relay, error: SendError::Relay(RelayError::TooLarge { max }), .. }, [only], Some(len)) => {
                let name = only.to_string_lossy();
                Failure::Explained(Message {
                    exit: Exit::Refused,
                    what: format!(
                        "{} is {}; {relay} takes {} a share",
                        printable(&name),
                        format::size(len),
                        format::binary(*max)
                    ),
                    hint: Some(format!("on the same network: share send --direct {}", format::quoted(&name))),
                })
            }
            _ => trouble,
        }
    }

    /// Prints the links. Where nobody can read them, nothing is left.
    async fn print(&self, batch: &Batch) -> Result<(), Failure> {
        let shown = self.shown.as_ref().map(|words| words.as_str());
        if batch.print(self.args.bare, shown, self.inputs.removed().as_deref(), &self.cx.output).is_err() {
            let hint = if batch.take_back().await {
                "the link could not be shown: the share was taken back"
            } else {
                "the link could not be shown, and the relay could not be told: share revoke takes it back"
            };
            return Err(Failure::local("standard output is closed or full", hint));
        }
        if let Some(words) = &self.shown {
            self.cx.output.insist(&format!("passphrase: {}", words.as_str()));
            self.cx.output.say("Tell it on another way than the link.");
        }
        Ok(())
    }

    /// Copies the links. They are printed all the same.
    fn copy(&self, batch: &Batch) {
        if !self.args.copy {
            return;
        }
        let links: Vec<_> = batch.shares.iter().filter_map(|share| share.text(self.args.bare)).collect();
        let text = Zeroizing::new(links.iter().map(|link| link.as_str()).collect::<Vec<_>>().join("\n"));
        match clipboard::copy(&text) {
            Ok(how) => self.cx.output.say(how.words()),
            Err(why) => self.cx.output.warn(&format!("it was not copied: {why}")),
        }
    }

    /// What else is due now that a relay is at hand.
    async fn afterwards(&self, connected: &Connected) {
        connected.sweep().await;
        catch_up(self.cx).await;
    }

    /// Waits until all were opened.
    async fn wait(&self, batch: &Batch, endpoint: &Endpoint, connected: &Connected) -> Result<(), Failure> {
        let waiting = try_join_all(batch.shares.iter().map(async |share| {
            let owner = share.entry.owner().ok_or_else(|| anyhow::anyhow!("a share without an id"))?;
            let named = asking::Named { relay: &connected.relay, endpoint: Some(endpoint) };
            let status = asking::wait_at(&share.entry, &owner, &named, self.cx).await?;
            batch.note_end(share, &status);
            Ok::<_, Failure>(status)
        }));
        let told = tokio::select! {
            told = waiting => told?,
            _ = self.cx.interrupted() => {
                let hint = "it still waits: share status --wait goes on, share revoke takes it back";
                return Err(Failure::Interrupted(Some(hint.to_owned())));
            }
        };
        expect_opened(batch.shares.iter().map(|share| &share.entry).zip(&told))
    }
}

/// A bare link has no scheme: it must be clear how its relay is reached.
fn expect_bare_form(bare: bool, url: Option<&RelayUrl>) -> Result<(), Failure> {
    match url.filter(|url| bare && !url.has_bare_form()) {
        None => Ok(()),
        Some(url) => Err(Failure::usage(
            format!("a bare link cannot say how {} is reached", url.name()),
            "send it without --bare",
        )),
    }
}

fn show_qr(batch: &Batch, output: &Output) {
    if output.is_json() {
        return;
    }
    let Some(columns) = output::columns() else {
        output.say("The QR code is for a terminal, and there is none.");
        return;
    };
    let [share] = &batch.shares[..] else { return };
    let Some(pen) = Pen::of_this_terminal() else {
        output.say("This terminal cannot show a QR code: it needs colors, or UTF-8.");
        return;
    };
    match share.link.web().and_then(|link| qr::draw(&link, columns, pen)) {
        Some(code) => {
            output.say(&code);
            if share.link.secret.flags().contains(Flags::DIRECT) {
                output.say("A browser that follows it trusts this network: it cannot know whom it speaks to.");
            }
        }
        None => output.say("The terminal is too narrow for the QR code."),
    }
}

fn watched(input: Input, bar: &indicatif::ProgressBar) -> Input {
    let reader = Box::new(Watched { inner: input.reader, bar: bar.clone() });
    Input { reader, ..input }
}

impl SendArgs {
    /// The relay; `None`: this machine. Without a terminal, that must have been said: a script would wait for ever.
    fn place(&self, cx: &Context) -> Result<Option<RelayUrl>, Failure> {
        let relay = if self.direct { None } else { cx.relay(self.relay.as_deref())? };
        if relay.is_some() || self.direct || output::stdout_is_terminal() {
            return Ok(relay);
        }
        Err(Failure::usage(
            "no relay is configured",
            "share relay use URL, or --direct to serve it from here until it is opened",
        ))
    }

    fn ttl(&self, cx: &Context) -> Result<Duration, Failure> {
        let ttl = match (self.expire, &cx.config.expire) {
            (Some(said), _) => said,
            (None, Some(text)) => crate::cli::context::duration(text).map_err(|why| config::wrong("expire", &why))?,
            (None, None) => DEFAULT_TTL,
        };
        if ttl < MIN_TTL || ttl > MAX_TTL {
            return Err(Failure::usage("--expire takes 1 minute to 90 days", "--expire 24h, --expire 7d"));
        }
        Ok(ttl)
    }

    /// What cannot work is found before anything is read.
    fn expect_sense(&self, place: Option<&RelayUrl>) -> Result<(), Failure> {
        expect_bare_form(self.bare, place)?;
        if self.generate_passphrase && self.passphrase.is_file_said() {
            return Err(Failure::usage("a passphrase is made or read, not both", "-P, or --passphrase-file FILE"));
        }
        if self.receipt.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("a receipt goes to a file", "--receipt FILE"));
        }
        if self.recipients.iter().any(|recipient| recipient.trim().is_empty()) {
            return Err(Failure::usage("--for says for whom", "--for anna"));
        }
        if output::stdout_is_closed() {
            let hint = "nothing was sent: the link would be printed there";
            return Err(Failure::local("standard output is closed or full", hint));
        }
        if self.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(Failure::usage(format!("a name has at most {MAX_NAME} bytes"), "give it a shorter --name"));
        }
        match &self.receipt {
            Some(path) if path.symlink_metadata().is_ok() => Err(errors::in_the_way(path)),
            _ => Ok(()),
        }
    }

    /// Who gets a link.
    fn recipients(&self) -> Result<Vec<Option<String>>, Failure> {
        let recipients = match self.links {
            Some(count) => vec![None; count],
            None if self.recipients.is_empty() => vec![None],
            None => self.recipients.iter().cloned().map(Some).collect(),
        };
        if recipients.is_empty() || recipients.len() > MAX_LINKS {
            return Err(Failure::usage(format!("one command makes 1 to {MAX_LINKS} links"), "--links 5"));
        }
        Ok(recipients)
    }

    /// What is to be read.
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            files: &self.files,
            text: self.text,
            name: self.name(),
            no_name: self.no_name,
            metadata: self.metadata,
            view_only: self.view_only,
            hint: if self.passphrase.is_flag() {
                "nothing was sent; -p takes no value, it asks"
            } else {
                "nothing was sent"
            },
        }
    }

    /// The name that was given, if it is one.
    fn name(&self) -> Option<String> {
        self.name.clone().filter(|name| !name.trim().is_empty())
    }
}

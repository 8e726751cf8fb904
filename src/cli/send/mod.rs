//! `share send`: sends files or standard input through a relay, or serves them from here, and prints links.

mod arguments;
mod links;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use zeroize::Zeroizing;

pub(super) use self::arguments::SendArgs;
use self::arguments::expect_bare_form;
use self::links::{LinkDisplay, copy, print, show_qr, warn_of_no_outbox};
use crate::cli::catch_up::catch_up;
use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::input::files::Inputs;
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Watched, format};
use crate::cli::{asking, host, output};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::{Relay, RelayError};
use crate::relay_url::RelayUrl;
use crate::secret::Flags;
use crate::send::{BatchPlan, Committed, Draft, Input, KeptAt, Recorded, SendError, SendOptions, Sent, Share, Unsent};
use crate::state::outbox::Outbox;
use crate::wordlist;

/// The largest share that the page opens in a browser on a phone, in bytes.
const PHONES_TAKE: u64 = 256 << 20;

/// Runs the command.
pub(super) async fn run(args: SendArgs, cx: &Context) -> Result<(), Failure> {
    let relay = args.relay(cx)?;
    let ttl = args.ttl(cx)?;
    args.expect_sense(relay.as_ref())?;
    let inputs = args.wanted().open(cx).await?;
    let passphrase = match (args.generate_passphrase, args.passphrase.is_given()) {
        (true, _) => Some(wordlist::passphrase()),
        (false, true) => Some(args.passphrase.read(true, cx).await?),
        (false, false) => None,
    };
    let shown = passphrase.clone().filter(|_| args.generate_passphrase);
    let options = SendOptions {
        name: args.name().filter(|_| inputs.sources.len() > 1),
        created: format::today(),
        ttl,
        or_shorter: args.expire.is_none() && cx.config.expire.is_none(),
        expected_len: inputs.len,
        view_only: args.view_only,
        create_token: None,
    };
    let plan = BatchPlan {
        recipients: args.recipients()?,
        flags: if passphrase.is_some() { Flags::PASSPHRASE } else { Flags::default() },
        passphrase,
        name: args.name().or_else(|| inputs.sources.iter().find_map(|input| input.name.clone())),
        options,
        describe: format::describe,
    };
    let sending = Sending { args, cx, inputs, shown, ttl };
    match relay {
        Some(url) => sending.through(url, plan).await,
        None => sending.directly(plan).await,
    }
}

/// A `share send`, once it is clear what and how.
struct Sending<'a> {
    args: SendArgs,
    cx: &'a Context,
    inputs: Inputs,
    /// A passphrase that was made here and that the sender must read.
    shown: Option<Zeroizing<String>>,
    ttl: Duration,
}

impl Sending<'_> {
    /// Sends it through a relay.
    async fn through(mut self, url: RelayUrl, mut plan: BatchPlan) -> Result<(), Failure> {
        let (cx, endpoint) = (self.cx, Endpoint::to(url));
        plan.options.create_token = cx.create_token(&endpoint.url);
        let connected = cx.connect(&endpoint).await?;
        let urls = vec![endpoint.url.clone(); plan.recipients.len()];
        let recorded = self.record(Draft::new(plan, &urls, KeptAt::Relay(&endpoint.url)))?;
        let sent = self.upload(recorded, &connected.relay, &endpoint.name()).await;
        let batch = self.print(sent.map_err(|error| self.in_the_files_words(error))?).await?;
        let (expires, granted) = batch.sent().map_or((0, Duration::ZERO), |sent| (sent.expires, sent.ttl));
        cx.output.info(&format!("Opens once, until {}.", format::time(expires)));
        if granted.as_secs() < self.ttl.as_secs() {
            cx.output.info("The relay keeps nothing for longer.");
        }
        if self.args.qr {
            show_qr(&batch, &cx.output);
        }
        self.afterwards(&connected).await;
        if self.args.wait { self.wait(&batch, &endpoint, &connected).await } else { Ok(()) }
    }

    /// Serves it from this machine.
    async fn directly(mut self, plan: BatchPlan) -> Result<(), Failure> {
        let cx = self.cx;
        if self.args.receipt.is_some() {
            return Err(Failure::usage(
                "a receipt is for what waits at a relay, and this machine would be one itself",
                Hint::line("without --receipt; Ctrl-C takes it back"),
            ));
        }
        let host = self.args.host.open(plan.recipients.len(), self.inputs.len, cx)?;
        let for_programs = host.is_for_programs();
        self.args.bare |= for_programs;
        let urls = host.urls().map_err(host::failure)?;
        expect_bare_form(self.args.bare, urls.first())?;
        let plan = BatchPlan { flags: host.flags(plan.flags), ..plan };
        let recorded = self.record(Draft::new(plan, &urls, KeptAt::Here(&host.folder_name())))?;
        let batch = self.upload(recorded, &host.relay(), host::THIS).await.map_err(host::upload_failure)?;
        let serving = host.serve(&batch);
        let batch = self.print(batch).await?;
        if !for_programs && (self.args.qr || output::stdout_is_terminal()) {
            show_qr(&batch, &cx.output);
        }
        host::until_opened(serving, &batch, cx).await
    }

    /// Records the shares in the outbox, and in a receipt if the user asked for one.
    fn record(&self, draft: Draft) -> Result<Recorded, Failure> {
        let outbox = self.cx.state().and_then(|state| Outbox::open(&state));
        let recorded = draft.record(outbox, self.args.receipt.clone()).map_err(|error| {
            Failure::path(self.args.receipt.as_deref().unwrap_or(Path::new("")), &error, "nothing was sent")
        })?;
        if let Some(error) = recorded.unrecorded() {
            warn_of_no_outbox(error, &self.cx.output);
        }
        Ok(recorded)
    }

    /// Uploads to `relay`, which is called `name`. Ctrl-C, or an error, and nothing is left.
    async fn upload(&mut self, recorded: Recorded, relay: &Arc<dyn Relay>, name: &str) -> Result<Committed, Failure> {
        let output = &self.cx.output;
        let bar = output.bar(if name == host::THIS { "Encrypting" } else { "Uploading" }, self.inputs.len);
        let inputs = std::mem::take(&mut self.inputs.sources).into_iter().map(|input| watched(input, &bar)).collect();
        let uploading = recorded.upload_to(relay);
        let revoker = uploading.revoker();
        let sent = tokio::select! {
            sent = uploading.run(inputs) => Some(sent),
            _ = self.cx.interrupted() => None,
        };
        output.clear();
        let Some(sent) = sent else {
            output.info("taking it back …");
            let hint = if revoker.revoke().await {
                "taken back: nothing was sent"
            } else {
                "no link was made: what the relay has of it is unreadable, and goes by itself"
            };
            return Err(Failure::Interrupted(Some(hint.into())));
        };
        let batch = sent.map_err(|Unsent { error, gone }| Failure::Send { relay: name.to_owned(), error, gone })?;
        if let Some(sent) = batch.sent() {
            self.describe(sent);
        }
        Ok(batch)
    }

    /// Prints what was sent, and warnings about it.
    fn describe(&self, sent: &Sent) {
        let output = &self.cx.output;
        let removed = self.inputs.removed().map(|removed| format!(" (removed: {removed})")).unwrap_or_default();
        output.info(&format!("{}{removed}", format::describe(&sent.manifest)));
        self.inputs.warn(&sent.manifest, output);
        self.inputs.warn_of_browsers(&sent.manifest, self.args.view_only, output);
        if self.args.view_only {
            output.info("Their programs are asked to show it and not to save it. A camera does not ask.");
        }
        if sent.manifest.total_size() > PHONES_TAKE {
            output.info("A browser on a phone opens up to 256 MiB; share open takes all of it.");
        }
    }

    /// The error for a file that is too large for the relay: with its name, its size and another way to send it.
    fn in_the_files_words(&self, error: Failure) -> Failure {
        match (&error, &self.args.files[..], self.inputs.len) {
            (Failure::Send { relay, error: SendError::Relay(RelayError::TooLarge { max }), .. }, [only], Some(len)) => {
                let name = only.to_string_lossy();
                Failure::TooLarge { relay: relay.clone(), file: name.into_owned(), len, max: *max }
            }
            _ => error,
        }
    }

    /// Prints the links, and copies them. If they cannot be printed, the shares are revoked.
    async fn print(&mut self, batch: Committed) -> Result<Committed, Failure> {
        let (output, bare) = (&self.cx.output, self.args.bare);
        // It is wiped when it was shown.
        let words = self.shown.take();
        let passphrase = words.as_ref().map(|words| words.as_str());
        let shown = LinkDisplay { bare, passphrase, removed: self.inputs.removed() };
        if print(&batch, &shown, output).is_err() {
            let hint = Hint::line(if batch.revoke().await {
                "the link could not be shown: the share was taken back"
            } else {
                "the link could not be shown, and the relay could not be told: share revoke takes it back"
            });
            return Err(Failure::local("standard output is closed or full", hint));
        }
        if let Some(words) = &words {
            output.show_secret("passphrase: ", words);
            output.info("Tell it on another way than the link.");
        }
        if self.args.copy {
            copy(&batch, bare, output);
        }
        Ok(batch)
    }

    /// Does the chores that are due now that a relay is at hand.
    async fn afterwards(&self, connected: &Connected) {
        connected.sweep().await;
        catch_up(self.cx).await;
    }

    /// Waits until all were opened.
    async fn wait(&self, batch: &Committed, endpoint: &Endpoint, connected: &Connected) -> Result<(), Failure> {
        let waiting = try_join_all(batch.shares().iter().map(async |share| {
            let at = asking::Reached::at(endpoint, &connected.relay);
            let status = asking::wait_at(share.entry(), batch.shares().len() > 1, share.owner(), &at, self.cx).await?;
            batch.note_end(share, &status);
            Ok::<_, Failure>(status)
        }));
        let ends = tokio::select! {
            ends = waiting => ends?,
            _ = self.cx.interrupted() => {
                let hint = Hint::line("it still waits: share status --wait goes on, share revoke takes it back");
                return Err(Failure::Interrupted(Some(hint)));
            }
        };
        expect_opened(batch.shares().iter().map(Share::entry).zip(&ends))
    }
}

fn watched(input: Input, bar: &indicatif::ProgressBar) -> Input {
    let reader = Box::new(Watched { inner: input.reader, bar: bar.clone() });
    Input { reader, ..input }
}

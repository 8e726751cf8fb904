//! `share send`: sends files or standard input through a relay, or serves them from here, and prints links.

mod arguments;
mod links;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use zeroize::Zeroizing;

pub(super) use self::arguments::SendArgs;
use self::arguments::expect_bare_form;
use self::links::{LinkDisplay, QrChoice, copy, print, show_on_desktop, warn_of_no_outbox};
use self::words::Words;
use crate::cli::catch_up::catch_up;
use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::cli::input::files::Inputs;
use crate::cli::notice::Notifier;
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Watched, format};
use crate::cli::{allowance, asking, host, output};
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
    let notifier = Notifier::of(&args.notify, args.wait || relay.is_none(), "send --wait --notify FILE", cx)?;
    let Words { from, note } = Words::of(&args, cx)?;
    let inputs = args.wanted().open(cx).await?;
    let passphrase = match (args.generate_passphrase, args.passphrase.is_given()) {
        (true, _) => Some(wordlist::passphrase()),
        (false, true) => Some(args.passphrase.read(true, cx).await?),
        (false, false) => None,
    };
    let shown = passphrase.clone().filter(|_| args.generate_passphrase);
    let options = SendOptions {
        name: args.name().filter(|_| inputs.sources.len() > 1),
        from,
        note,
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
    let sending = Sending { args, cx, inputs, shown, ttl, notifier };
    match relay {
        Some(url) => sending.through(url, plan).await,
        None => sending.directly(plan).await,
    }
}

/// A `share send` whose arguments were checked and whose inputs are open.
struct Sending<'a> {
    args: SendArgs,
    cx: &'a Context,
    inputs: Inputs,
    /// A generated passphrase, which is printed.
    shown: Option<Zeroizing<String>>,
    ttl: Duration,
    notifier: Notifier,
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
        let batch = sent.map_err(|error| self.with_file_name(error))?;
        let (expires, granted) = batch.sent().map_or((0, Duration::ZERO), |sent| (sent.expires, sent.ttl));
        if granted.as_secs() < self.ttl.as_secs() {
            let longest = format::duration_words(granted);
            cx.output.info(&format!("{} keeps shares for at most {longest}.", endpoint.name()));
        }
        let works = if batch.shares().len() > 1 { "Each link works once. All expire" } else { "Works once. Expires" };
        let qr = if self.args.qr { QrChoice::Always } else { QrChoice::Never };
        let batch = self.print(batch, qr, &format!("{works} on {}.", format::time(expires))).await?;
        self.warn_of_little(&batch, &endpoint.name());
        self.afterwards(&connected).await;
        if self.args.wait { self.wait(&batch, &endpoint, &connected).await } else { Ok(()) }
    }

    /// Prints the rest of the create token's limits if it is little. Of several shares the last one has the least.
    fn warn_of_little(&self, batch: &Committed, relay: &str) {
        let lefts = batch.shares().iter().filter_map(|share| share.sent().left);
        let least = lefts.min_by_key(|left| (left.shares, left.bytes)).filter(allowance::is_little);
        if let Some(rest) = least.as_ref().and_then(allowance::rest) {
            self.cx.output.info(&format!("Your create token at {relay} has {rest}."));
        }
    }

    /// Serves it from this computer.
    async fn directly(mut self, plan: BatchPlan) -> Result<(), Failure> {
        let cx = self.cx;
        if self.args.receipt.is_some() {
            return Err(Failure::usage(
                "--receipt is only for shares at a relay",
                Hint::line("leave out --receipt: Ctrl-C revokes a share that is served from here"),
            ));
        }
        let (count, len) = (plan.recipients.len(), self.inputs.len);
        let (host, mut tunnel) = self.args.host.open(count, len, self.args.bare, cx).await?;
        let for_programs = host.is_for_programs();
        self.args.bare |= for_programs;
        let urls = host.urls().map_err(host::failure)?;
        expect_bare_form(self.args.bare, urls.first())?;
        let plan = BatchPlan { flags: host.flags(plan.flags), ..plan };
        let recorded = self.record(Draft::new(plan, &urls, KeptAt::Here(&host.folder_name())))?;
        let batch = self.upload(recorded, &host.relay(), host::THIS).await.map_err(host::upload_failure)?;
        let serving = host::expect_tunnel(host.serve(&batch), tunnel.as_mut(), &batch, cx).await?;
        host::introduce(&serving, &batch, &cx.output);
        let qr = match (for_programs, self.args.qr) {
            (false, true) => QrChoice::Always,
            (false, false) if output::stdout_is_terminal() => QrChoice::IfItFits,
            (true, _) | (false, false) => QrChoice::Never,
        };
        let status = host::status_line(&serving, tunnel.as_ref(), batch.shares().len());
        let batch = self.print(batch, qr, &status).await?;
        host::until_opened(serving, tunnel, &batch, &self.notifier, cx).await
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

    /// Uploads to `relay`, which is called `name`. After Ctrl-C or an error the shares are revoked.
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
            output.info("Stopping …");
            let outcome = if revoker.revoke().await {
                "nothing was sent".to_owned()
            } else {
                format!(
                    "nothing was sent: {name} may keep encrypted parts until they expire, and there is no link to them"
                )
            };
            return Err(Failure::Interrupted(Some(Hint::outcome(outcome))));
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
            output.info("Recipients' programs are asked not to save this share; they cannot prevent screenshots.");
        }
        if sent.manifest.total_size() > PHONES_TAKE {
            output.info("Browsers on phones open up to 256 MiB: recipients of this share need `share`.");
        }
    }

    /// The error, with the name and the size of the file where that is too large for the relay.
    fn with_file_name(&self, error: Failure) -> Failure {
        match (&error, &self.args.files[..], self.inputs.len) {
            (Failure::Send { relay, error: SendError::Relay(RelayError::TooLarge { max }), .. }, [only], Some(len)) => {
                let name = only.to_string_lossy();
                Failure::TooLarge { relay: relay.clone(), file: name.into_owned(), len, max: *max }
            }
            _ => error,
        }
    }

    /// Copies the links, and prints them with a `status` line, or shows that on the desktop. If nobody gets the links,
    /// the shares are revoked.
    async fn print(&mut self, batch: Committed, qr: QrChoice, status: &str) -> Result<Committed, Failure> {
        let (output, bare) = (&self.cx.output, self.args.bare);
        // Wiped at the end of this function.
        let words = self.shown.take();
        let passphrase = words.as_ref().map(|words| words.as_str());
        let shown = LinkDisplay { bare, passphrase, removed: self.inputs.removed(), qr, status };
        let (done, failed) = if self.args.desktop {
            let copied = show_on_desktop(&batch, &shown, output);
            ("copied", copied.map_err(|why| format!("the clipboard: {why}")))
        } else {
            if self.args.copy {
                copy(&batch, bare, output);
            }
            let printed = print(&batch, &shown, output);
            ("printed", printed.map_err(|_| "standard output is closed or full".to_owned()))
        };
        let Err(why) = failed else { return Ok(batch) };
        let hint = if batch.revoke().await {
            Hint::from(format!("the link could not be {done}, so the share was revoked"))
        } else {
            Hint::line("the relay did not confirm that it revoked the share; to try again: share revoke")
        };
        Err(Failure::local(why, hint))
    }

    /// Sweeps and catches up while the relay is connected.
    async fn afterwards(&self, connected: &Connected) {
        connected.sweep().await;
        catch_up(self.cx).await;
    }

    /// Waits until all shares of `batch` have ended.
    async fn wait(&self, batch: &Committed, endpoint: &Endpoint, connected: &Connected) -> Result<(), Failure> {
        self.cx.output.info("Waiting until the share is opened. Press Ctrl-C to stop waiting; the link keeps working.");
        let waiting = try_join_all(batch.shares().iter().map(async |share| {
            let at = asking::Reached::at(endpoint, &connected.relay);
            let several = batch.shares().len() > 1;
            let waiting = asking::wait_at(share.entry(), several, share.owner(), &at, &self.notifier, self.cx);
            let status = waiting.await?;
            batch.note_end(share, &status);
            Ok::<_, Failure>(status)
        }));
        let ends = tokio::select! {
            ends = waiting => ends,
            _ = self.cx.interrupted() => {
                self.cx.output.info("The link keeps working.");
                return Err(Failure::Interrupted(Some(Hint::run("share status --wait"))));
            }
        };
        self.notifier.settle(self.cx).await;
        expect_opened(batch.shares().iter().map(Share::entry).zip(&ends?))
    }
}

fn watched(input: Input, bar: &indicatif::ProgressBar) -> Input {
    let reader = Box::new(Watched { inner: input.reader, bar: bar.clone() });
    Input { reader, ..input }
}

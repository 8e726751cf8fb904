//! `share relay`: runs a relay.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytesize::ByteSize;
use clap::{Args, ValueHint};
use ipnet::{IpNet, Ipv4Net};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::config;
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::relay::limits::{LimitArgs, size};
use crate::cli::relay::listening;
use crate::cli::relay::operations::{OperationArgs, Operations, SETTLE_TIME};
use crate::cli::relay::reporting::{ReportingArgs, larger_than_room, no_room_beside};
use crate::cli::relay::summary::{Summary, creators_word};
use crate::cli::relay::tls::{self, TlsArgs};
use crate::cli::relay::token::watch::WatchedTokens;
use crate::cli::stores::{self, StoreName};
use crate::relay::clock::SystemClock;
use crate::relay::health::Health;
use crate::relay::metrics::Metrics;
use crate::relay::rules::{Operator, Policy, StoreRelay};
use crate::relay::server;
use crate::relay::server::{CreatePolicy, Limits, ServerOptions};
use crate::relay::store::Store;
use crate::relay::store::aside::SetAside;
use crate::relay::store::bounded::Bounded;
use crate::relay::store::folder::Sharing;
use crate::relay::store::measured::Measured;
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;

/// The warning about a bucket that keeps versions.
const KEEPS_VERSIONS: &str = "the bucket keeps versions of deleted objects: ciphertext of opened shares remains until \
                              the bucket's lifecycle rules delete it";

/// The warning about a proxy on this machine whose requests all have its own address.
const NO_ADDRESSES: &str = "without --trusted-proxy, no limit per address applies to strangers: all requests have the \
                            address of the proxy on this machine";

/// The address on which a relay listens unless another one is set.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), server::PORT);

/// The options of a relay that runs here.
#[derive(Args)]
pub(super) struct ServeArgs {
    /// Listen on ADDRESS [default: 127.0.0.1:4080]
    #[arg(
        long, value_name = "ADDRESS", env = "SHARE_LISTEN", value_parser = listening::address,
        value_hint = ValueHint::Other, help_heading = NETWORK
    )]
    listen: Option<SocketAddr>,
    /// Announce URL, the address of a proxy in front
    #[arg(long, value_name = "URL", env = "SHARE_PUBLIC_URL", value_hint = ValueHint::Url, help_heading = NETWORK)]
    public_url: Option<String>,
    /// Allow plain HTTP on a network that you trust
    #[arg(long, help_heading = NETWORK)]
    plain_http: bool,
    /// Trust proxies in NET to name the client in X-Forwarded-For, Forwarded or the PROXY protocol (repeatable)
    #[arg(
        long, value_name = "NET", value_parser = network, value_hint = ValueHint::Other, hide_short_help = true,
        help_heading = NETWORK
    )]
    trusted_proxy: Vec<IpNet>,
    /// Let anyone create shares (lower limits)
    #[arg(long, alias = "open", conflicts_with = "create_token_file", help_heading = ACCESS)]
    anyone: bool,
    /// Let holders of a token in FILE create shares
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = ACCESS)]
    create_token_file: Option<PathBuf>,
    /// Store shares at URL [default: data directory]
    #[arg(
        long, value_name = "URL", env = "SHARE_STORE", value_hint = ValueHint::Url, help_heading = STORAGE,
        long_help = STORE
    )]
    store: Option<String>,
    /// Let several relays use the folder
    #[arg(long, hide_short_help = true, help_heading = STORAGE)]
    shared_folder: bool,
    /// Keep SIZE free on the disk [default: 5 %, and at least 1 GiB]
    #[arg(
        long, value_name = "SIZE", value_parser = size, value_hint = ValueHint::Other, hide_short_help = true,
        help_heading = STORAGE
    )]
    reserve: Option<ByteSize>,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    reporting: ReportingArgs,
    #[command(flatten)]
    pub(super) operation: OperationArgs,
}

/// Headings of groups of options.
const NETWORK: &str = "Network";
const ACCESS: &str = "Who may create shares (default: only this machine)";
const STORAGE: &str = "Storage";

/// The full help of `--store`.
const STORE: &str = "Store shares at URL: file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory: \
                     [default: data directory]";

/// The longest prefix of a network that contains IPv4 addresses in their IPv6 form, `::ffff:0:0/96`, and others.
const MAPPED_PREFIX: u8 = 96;

/// A network, or one address. A network of IPv4 addresses in their IPv6 form is one of IPv4: all addresses are compared
/// in that form.
fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let unknown = |_| "expected an address or a network, like 10.0.0.0/8".to_owned();
    let network: IpNet = text.parse().or_else(|_| alone()).map_err(unknown)?;
    let IpNet::V6(v6) = network else { return Ok(network) };
    let Some(v4) = v6.addr().to_ipv4_mapped() else { return Ok(network) };
    let prefix = v6.prefix_len().checked_sub(MAPPED_PREFIX).and_then(|prefix| Ipv4Net::new(v4, prefix).ok());
    prefix.map(IpNet::V4).ok_or_else(|| "expected an IPv4 network without ::ffff:, like 10.0.0.0/8".to_owned())
}

/// Runs the command.
pub(super) async fn run(args: ServeArgs, cx: &Context) -> Result<(), Failure> {
    let listen = args.listen(cx)?;
    let public_url = args.public_url(cx)?;
    let create = args.creation()?;
    args.expect_known_senders(&create, public_url.is_some())?;
    args.reporting.recipient(args.store.as_deref())?;
    let metrics = Arc::<Metrics>::default();
    let (rules, operator) = args.rules(&metrics, cx).await?;
    let (listener, address) = listening::main(listen, cx)?;
    // The service manager may have chosen another address.
    args.expect_private(address)?;
    if args.anyone && public_url.is_some() && address.ip().is_loopback() && args.trusted_proxy.is_empty() {
        cx.output.warn(NO_ADDRESSES);
    }
    let tls = args.tls.prepare(address.port(), cx).await?;
    let public_url = tls::known_as(public_url, tls.as_ref())?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let shown = public_url.as_ref().map_or_else(|| format!("{scheme}://{address}/"), ToString::to_string);
    let health = Arc::new(Health::new(rules.clone(), metrics.clone()));
    let summary = args.summary(&shown, address, &create, operator.as_ref())?;
    let mut operations = args.operation.begin(summary.facts(), health, metrics.clone(), cx)?;
    if let [unknown, ..] = &cx.unused_sockets()[..] {
        let what =
            format!("the service manager passed a socket named {}, which the relay does not use", printable(unknown));
        return Err(Failure::usage(what, "name sockets relay and admin: FileDescriptorName= in systemd"));
    }
    if cx.output.result("listening", json!({ "url": shown }), &shown).is_err() {
        return Err(Failure::local(
            "standard output is closed",
            "the relay prints its address there: leave standard output open",
        ));
    }
    let limits = args.reporting.limit(args.limits.of_clients(), operator.as_ref());
    let limits = Limits { trusted_proxies: args.trusted_proxy, ..limits };
    let (drain, contact) = (args.operation.drain, args.reporting.contact().map(str::to_owned));
    let mut options = ServerOptions {
        create,
        public_url,
        contact,
        drain,
        limits,
        metrics: metrics.clone(),
        ..ServerOptions::default()
    };
    let mut tasks = vec![tokio::spawn(rules.clone().keep_sweeping()), tokio::spawn(rules.clone().keep_counting())];
    if let Some(tls) = tls {
        tasks.extend(tls.begin(&mut options, metrics.clone(), cx));
    }
    summary.print(metrics.certificate(), operations.status_command(), args.operation.log, cx);
    operations.ready(&shown);
    let served = until_stopped(|stop| server::serve(rules.clone(), listener, options, stop), operations, cx).await;
    tasks.iter().for_each(JoinHandle::abort);
    if served.is_ok() {
        // After a longer time the next run's sweep deletes what is left.
        let _ = tokio::time::timeout(SETTLE_TIME, rules.end_deletions()).await;
    }
    served
}

/// Serves until a signal asks to stop, and running requests have finished. A second signal ends them at once.
async fn until_stopped<F: Future<Output = io::Result<()>>>(
    serve: impl FnOnce(Pin<Box<dyn Future<Output = ()> + Send>>) -> F,
    operations: Operations,
    cx: &Context,
) -> Result<(), Failure> {
    let (begin, begun) = oneshot::channel();
    let operations = Arc::new(operations);
    let (signals, noted) = (cx.signals.clone(), operations.clone());
    let stop = Box::pin(async move {
        signals.next().await;
        noted.stopping();
        let _ = begin.send(());
    });
    let second = async {
        // Without a first signal the server has failed.
        if begun.await.is_err() {
            std::future::pending::<()>().await;
        }
        cx.interrupted().await;
    };
    tokio::select! {
        served = serve(stop) => served.map_err(|error| anyhow::Error::from(error).into()),
        () = second => Err(Failure::Interrupted(None)),
    }
}

impl ServeArgs {
    /// The address to listen on. `None`: the port of https on all interfaces.
    fn listen(&self, cx: &Context) -> Result<Option<SocketAddr>, Failure> {
        let listen = match (self.listen, &cx.config.listen) {
            (Some(given), _) => given,
            (None, None) if self.tls.is_given() => return Ok(None),
            (None, None) => LISTEN,
            (None, Some(given)) => given
                .parse()
                .map_err(|_| config::wrong("listen", "expected an address with a port, like 127.0.0.1:4080"))?,
        };
        self.expect_private(listen).map(|()| Some(listen))
    }

    /// Fails if a relay without encryption would listen for other machines, unless the operator allows that.
    fn expect_private(&self, address: SocketAddr) -> Result<(), Failure> {
        if address.ip().is_loopback() || self.plain_http || self.tls.is_given() {
            return Ok(());
        }
        Err(Failure::usage(
            format!("{address} can be reached from other machines, and plain HTTP is not encrypted"),
            Hint::line("use --domain NAME to get a certificate, or listen on 127.0.0.1 behind a proxy with one"),
        ))
    }

    /// Fails if only programs of this machine may create shares, but no request is known to come from one.
    fn expect_known_senders(&self, create: &CreatePolicy, is_behind_proxy: bool) -> Result<(), Failure> {
        let who = match create {
            CreatePolicy::Loopback if self.tls.is_given() => "with a certificate",
            CreatePolicy::Loopback if is_behind_proxy => "behind a proxy",
            _ => return Ok(()),
        };
        Err(Failure::usage(
            format!(
                "{who}, no request is known to come from this machine, so senders must be authorized in another way"
            ),
            Hint::line("use --create-token-file FILE, or --anyone to let anyone create shares"),
        ))
    }

    /// The address in links, if it differs from the one that the relay listens on.
    fn public_url(&self, cx: &Context) -> Result<Option<RelayUrl>, Failure> {
        let given = self.public_url.as_ref().or(cx.config.public_url.as_ref());
        let url = given.map(|url| RelayUrl::parse(url)).transpose().map_err(Failure::RelayUrl)?;
        if url.as_ref().is_some_and(RelayUrl::is_store) {
            let hint = Hint::run("--public-url https://share.example");
            return Err(Failure::usage("--public-url takes the address of a server, not of a folder or bucket", hint));
        }
        Ok(url)
    }

    /// The rules over the tested store, and the operator in them.
    async fn rules(
        &self,
        metrics: &Arc<Metrics>,
        cx: &Context,
    ) -> Result<(Arc<StoreRelay>, Option<Operator>), Failure> {
        let (max_bytes, max_ttl) = (self.limits.max_bytes()?, self.limits.max_ttl()?);
        let sharing = if self.shared_folder { Sharing::WithOthers } else { Sharing::Alone };
        let store = stores::of_relay(self.store.as_deref(), sharing, cx)?;
        let store: Arc<dyn Store> = Arc::new(Measured::new(store, metrics.clone()));
        let operator =
            self.reporting.operator(self.store.as_deref(), &*store, self.limits.max_stored(), max_bytes).await?;
        let bounded = self.limits.max_stored().map(|max| Arc::new(Bounded::new(store.clone(), max)));
        let store = bounded.clone().map_or(store, |bounded| bounded as Arc<dyn Store>);
        let max_reported = operator.as_ref().map(|operator| operator.max_reported);
        let aside = max_reported.map(|max| Arc::new(SetAside::new(store.clone(), bounded.clone(), max)));
        let store = aside.clone().map_or(store, |aside| aside as Arc<dyn Store>);
        let in_memory = self.store.as_deref() == Some(stores::IN_MEMORY);
        let policy = Policy {
            max_bytes,
            max_ttl,
            // Other programs need no room in this memory.
            reserve: if in_memory { Some(0) } else { self.reserve.map(|reserve| reserve.as_u64()) },
            operator: operator.clone(),
            ..Policy::default()
        };
        let rules = StoreRelay::new(store, Arc::new(SystemClock), policy).deleting_after_answers();
        let rules = Arc::new(rules.counted_by(metrics.clone()));
        let name = StoreName::of_relay(self.store.as_deref());
        let hint = Hint::line("use another --store; nothing was changed");
        let found = stores::probe(&rules, &name, hint, cx).await?;
        if found.keeps_versions == Some(true) {
            cx.output.warn(KEEPS_VERSIONS);
        }
        // It lists both, so that both counts know of other nodes from the same moment.
        if let Some(aside) = aside {
            aside.list_all().await.map_err(anyhow::Error::from)?;
            tokio::spawn(aside.keep_listing());
        } else if let Some(bounded) = bounded {
            bounded.list_all().await.map_err(anyhow::Error::from)?;
            tokio::spawn(bounded.keep_listing());
        }
        if let Some(max) = max_reported {
            if !rules.has_room().await {
                cx.output.warn(&no_room_beside(max));
            }
            if let Some(warning) = larger_than_room(max_bytes, max) {
                cx.output.warn(&warning);
            }
        }
        Ok((rules, operator))
    }

    fn summary(
        &self,
        url: &str,
        listens: SocketAddr,
        create: &CreatePolicy,
        operator: Option<&Operator>,
    ) -> Result<Summary, Failure> {
        Ok(Summary {
            url: url.to_owned(),
            listens,
            store: StoreName::of_relay(self.store.as_deref()).shown().to_owned(),
            create: creators_word(create),
            max_size: self.limits.max_bytes()?,
            max_lifetime: self.limits.max_ttl()?,
            max_stored: self.limits.max_stored(),
            operator: operator.cloned(),
        })
    }

    /// The policy of admission. Tokens follow their file from now on.
    fn creation(&self) -> Result<CreatePolicy, Failure> {
        let Some(path) = &self.create_token_file else {
            return Ok(if self.anyone { CreatePolicy::Open } else { CreatePolicy::Loopback });
        };
        let watched = WatchedTokens::open(path)?;
        let accepted = watched.accepted();
        tokio::spawn(watched.keep_reading());
        Ok(CreatePolicy::Tokens(accepted))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_names_the_address_on_which_a_relay_listens() {
        assert_eq!(super::LISTEN.to_string(), "127.0.0.1:4080");
    }

    #[test]
    fn an_ipv4_network_in_its_ipv6_form_is_one_of_ipv4() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(super::network(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["::ffff:0.0.0.0/95", "10.0.0.0/33", "proxy.example"] {
            assert!(super::network(text).is_err(), "{text}");
        }
    }
}

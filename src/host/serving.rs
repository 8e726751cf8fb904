//! Hosting in three steps, each of which consumes the one before: listen ([`Listening`]), make room for shares
//! ([`Host`]), serve them ([`Serving`]).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::host::activity::{Event, Watcher};
use crate::host::address::{ChosenAddress, ListenAddress};
use crate::host::error::HostError;
use crate::host::folder::PrivateFolder;
use crate::relay::here::Here;
use crate::relay::rules::StoreRelay;
use crate::relay::server::guests::{Activity, Guests};
use crate::relay::server::{CreatePolicy, Limits, ServerOptions};
use crate::relay::{Credential, Relay, ShareState, Status, server};
use crate::relay_url::RelayUrl;
use crate::secret::{Claimant, Flags};
use crate::send::{Committed, Share};
use crate::state::StateDir;
use crate::state::outbox::is_over;

/// How long an opener who was cut off can learn that the share was revoked.
const CUT_OFF_TIME: Duration = Duration::from_secs(4);
/// How long late visitors can learn that a share was opened.
const AFTERLIFE: Duration = Duration::from_mins(1);
/// The most visitors at once: a browser or two, and our own programs.
const MAX_CONNECTIONS: usize = 64;
/// The same through a tunnel, where visitors have no address by which to limit each.
const MAX_CONNECTIONS_OF_TUNNEL: usize = 256;
/// The most of them from one address: one visitor leaves room for others.
const MAX_CONNECTIONS_OF_ONE: usize = 48;
/// The time that running answers get when hosting ends.
const DRAIN: Duration = Duration::from_secs(1);

/// The sender's choices for hosting.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostOptions<'a> {
    /// The address to listen on, perhaps with a port.
    pub listen: Option<&'a str>,
    /// The name of the interface to listen on.
    pub interface: Option<&'a str>,
    /// The address of a tunnel that leads here.
    pub public_url: Option<&'a str>,
    /// Whether this program opens the tunnel.
    pub opens_tunnel: bool,
}

/// A port for each share, on which nobody answers yet.
pub struct Listening {
    listeners: Vec<TcpListener>,
    /// The same port of this computer's other loopback address.
    pair: Option<TcpListener>,
    public_url: Option<RelayUrl>,
    /// Proves that the tunnel leads here, if this program has opened it.
    here: Option<Arc<Here>>,
    address: ListenAddress,
}

impl Listening {
    /// Finds an address, and a port there for each of `count` shares.
    ///
    /// # Errors
    /// Those of [`HostError`] that are about addresses and tunnels.
    pub fn open(options: HostOptions<'_>, count: usize) -> Result<Self, HostError> {
        let public_url = options.public_url.map(RelayUrl::parse).transpose().map_err(HostError::PublicUrl)?;
        if public_url.as_ref().is_some_and(RelayUrl::is_store) {
            return Err(HostError::PublicUrlIsStore);
        }
        let has_tunnel = public_url.is_some() || options.opens_tunnel;
        if has_tunnel && count > 1 {
            return Err(HostError::TunnelToMany);
        }
        let wanted = ChosenAddress { listen: options.listen, interface: options.interface, has_tunnel };
        let address = ListenAddress::find(wanted)?;
        let (listeners, pair) = if options.opens_tunnel {
            let (listener, pair) = address.pair()?;
            (vec![listener], pair)
        } else {
            ((0..count).map(|number| address.listener(number)).collect::<Result<Vec<_>, _>>()?, None)
        };
        Ok(Self { listeners, pair, public_url, here: None, address })
    }

    /// The address of a tunnel that leads here.
    pub(super) fn public_url(&self) -> Option<&RelayUrl> {
        self.public_url.as_ref()
    }

    /// All listeners once more, and the port of the first one.
    pub(super) fn shared(&self) -> io::Result<(Vec<TcpListener>, u16)> {
        let all =
            self.listeners.iter().chain(&self.pair).map(TcpListener::try_clone).collect::<io::Result<Vec<_>>>()?;
        let port = all.first().map(TcpListener::local_addr).transpose()?.map_or(0, |address| address.port());
        Ok((all, port))
    }

    /// Makes links lead to `origin`, which `here` has proved to lead here.
    pub(super) fn reached_at(&mut self, origin: RelayUrl, here: Arc<Here>) {
        (self.public_url, self.here) = (Some(origin), Some(here));
    }

    /// The address.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Makes a private folder with room for `expected` bytes in each share.
    ///
    /// # Errors
    /// [`HostError::NoFolder`], [`HostError::Unfit`], [`HostError::NoRoom`].
    pub fn into_host(self, state: io::Result<StateDir>, expected: Option<u64>) -> Result<Host, HostError> {
        let (folder, rules) = PrivateFolder::make(state)?;
        folder.expect_room(expected.unwrap_or(0).saturating_mul(self.listeners.len() as u64))?;
        Ok(Host { rules, listening: self, folder })
    }
}

/// This machine as a relay, into which shares can be uploaded and from which nobody can open any yet.
pub struct Host {
    rules: Arc<StoreRelay>,
    listening: Listening,
    folder: PrivateFolder,
}

impl Host {
    /// The relay to upload to.
    pub fn relay(&self) -> Arc<dyn Relay> {
        self.rules.clone()
    }

    /// The flags of links besides `flags`: a key is pinned where no tunnel ends the encryption.
    pub fn flags(&self, flags: Flags) -> Flags {
        if self.listening.public_url.is_some() { flags } else { flags.with(Flags::DIRECT) }
    }

    /// The addresses in links, one for each share.
    ///
    /// # Errors
    /// [`HostError::NoAddress`], [`HostError::Address`].
    pub fn urls(&self) -> Result<Vec<RelayUrl>, HostError> {
        let url = |listener: &TcpListener| match &self.listening.public_url {
            Some(url) => Ok(url.clone()),
            None => {
                let address = listener.local_addr().map_err(HostError::NoAddress)?;
                let scheme = if self.listening.address.is_public() { "https" } else { "http" };
                RelayUrl::parse(&format!("{scheme}://{address}/")).map_err(HostError::Address)
            }
        };
        self.listening.listeners.iter().map(url).collect()
    }

    /// Whether links are for programs only, in their bare form: to an address that everybody reaches, nothing goes in
    /// the clear, and a browser cannot check the key.
    pub fn is_for_programs(&self) -> bool {
        self.listening.address.is_public()
    }

    /// The name of the folder in which shares lie.
    pub fn folder_name(&self) -> String {
        self.folder.name()
    }

    /// Starts to serve the shares that were uploaded: from now on their links work.
    pub fn serve(self, batch: &Committed) -> Serving {
        let Self { rules, listening: Listening { listeners, mut pair, public_url, here, address }, folder } = self;
        let (stop, stopped) = watch::channel(false);
        let reach = if here.is_some() { Reach::Tunnel(None) } else { reach(&listeners, public_url.is_some()) };
        let is_public = address.is_public();
        let serve = |(listener, share): (TcpListener, &Share)| {
            let (guests, activity) = Guests::new(rules.clone());
            let options = ServerOptions {
                create: CreatePolicy::Closed,
                public_url: public_url.clone(),
                direct: public_url.is_none().then(|| share.link().secret.direct_key()),
                plain: !is_public,
                more: pair.take().into_iter().collect(),
                here: here.clone(),
                only_public: here.is_some(),
                drain: DRAIN,
                max_connections: if here.is_some() { MAX_CONNECTIONS_OF_TUNNEL } else { MAX_CONNECTIONS },
                limits: Limits { connections: Some(MAX_CONNECTIONS_OF_ONE), ..Limits::default() },
                ..ServerOptions::default()
            };
            let mut stopped = stopped.clone();
            let stop = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            let server = tokio::spawn(server::serve(Arc::new(guests), listener, options, stop));
            ServedShare { activity, owner: share.owner().clone(), server }
        };
        let served = listeners.into_iter().zip(batch.shares()).map(serve).collect();
        let sweeper = tokio::spawn(rules.clone().keep_sweeping());
        Serving { rules, served, stop, sweeper, reach, address, _folder: folder }
    }
}

/// The visitors that listeners can have.
fn reach(listeners: &[TcpListener], has_tunnel: bool) -> Reach {
    let is_loopback = |listener: &TcpListener| listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    match (has_tunnel, listeners.iter().all(is_loopback)) {
        (true, false) => Reach::Tunnel(None),
        (true, true) => Reach::Tunnel(listeners.first().and_then(|listener| listener.local_addr().ok())),
        (false, true) => Reach::Loopback,
        (false, false) => Reach::Network,
    }
}

/// The visitors that can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody on the network.
    Network,
    /// Programs of this machine.
    Loopback,
    /// Everybody who comes through a tunnel. It must lead to this address, where only this machine reaches that.
    Tunnel(Option<SocketAddr>),
}

/// The progress of all shares together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All have ended.
    Over,
    /// One is being opened.
    Opening,
    /// At least one waits, and none is being opened.
    Waiting,
}

/// The outcome of revoking the shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// How many had been opened before.
    pub opened: usize,
    /// An opener who was cut off.
    pub cut_off: Option<Claimant>,
}

/// One share, as it is served.
struct ServedShare {
    activity: watch::Receiver<Activity>,
    owner: Credential,
    server: JoinHandle<io::Result<()>>,
}

/// Shares that are served. Their folder goes when this goes.
pub struct Serving {
    rules: Arc<StoreRelay>,
    served: Vec<ServedShare>,
    stop: watch::Sender<bool>,
    sweeper: JoinHandle<()>,
    reach: Reach,
    address: ListenAddress,
    _folder: PrivateFolder,
}

impl Serving {
    /// The visitors that can come.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The address.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Calls `report` with each event until all shares of `batch` have ended, and returns the ends. `batch` has the
    /// served shares. An end is saved in the outbox before the call.
    pub async fn until_opened(&self, batch: &Committed, report: impl Fn(&Share, Event)) -> Vec<Status> {
        let report = &report;
        let watching = self.served.iter().zip(batch.shares()).map(async |(served, share)| {
            let watcher = Watcher::new(&self.rules, &served.owner, served.activity.clone());
            let status = watcher.until_ended(|event| report(share, event)).await;
            batch.note_end(share, &status);
            report(share, Event::Ended(Box::new(status.clone())));
            status
        });
        join_all(watching).await
    }

    /// The progress of all shares together.
    pub async fn standing(&self) -> Standing {
        let states = join_all(self.served.iter().map(|served| self.rules.state(&served.owner))).await;
        if states.iter().all(|state| state.as_ref().is_ok_and(|state| is_over(*state))) {
            Standing::Over
        } else if states.contains(&Ok(ShareState::Claimed)) {
            Standing::Opening
        } else {
            Standing::Waiting
        }
    }

    /// Revokes all shares of `batch`, and notes their ends in the outbox. Their servers go on, and answer that.
    pub async fn revoke(&self, batch: &Committed) -> Revoked {
        let mut revoked = Revoked { opened: 0, cut_off: None };
        for (served, share) in self.served.iter().zip(batch.shares()) {
            let was = self.rules.revoke(&served.owner).await;
            revoked.opened += usize::from(matches!(was, Ok(ShareState::Finished)));
            if let Ok(status) = self.rules.status(&served.owner, &[], Duration::ZERO).await {
                batch.note_end(share, &status);
                let cut_off = status.claimant.filter(|_| matches!(was, Ok(ShareState::Claimed)));
                revoked.cut_off = revoked.cut_off.or(cut_off);
            }
        }
        revoked
    }

    /// Lasts as long as late visitors should learn that a share was opened.
    pub async fn answer_late_visitors(&self) {
        sleep(AFTERLIFE).await;
    }

    /// Lasts as long as an opener who was cut off needs to learn the truth, and not to think that the line broke.
    pub async fn answer_cut_off(&self) {
        sleep(CUT_OFF_TIME).await;
    }

    /// Ends the servers, after answers that are on their way, and removes the folder.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.sweeper.abort();
        let servers = self.served.into_iter().map(|served| served.server);
        let _ = timeout(DRAIN * 2, join_all(servers)).await;
    }
}

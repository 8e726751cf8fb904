//! Being one's own relay: a share waits in a private folder of this machine, and this program hands it out on the
//! network that it is on, until it was opened.
//!
//! Our own programs speak TLS with a key that the link names; browsers, which cannot, speak plain HTTP on the same
//! port. Only looking and opening are open to the network.

pub mod address;
pub mod interfaces;

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, sleep_until};

use self::address::{PORT, Place, Wanted};
use self::interfaces::{Enclosure, Kind, Own};
use crate::cli::batch::{Batch, Share};
use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, format};
use crate::cli::signals::Stop;
use crate::cli::stores;
use crate::platform::files;
use crate::relay::clock::SystemClock;
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::server::guests::{Activity, Guests};
use crate::relay::server::{CreatePolicy, Options};
use crate::relay::store::folder::{Folder, Sharing};
use crate::relay::{Credential, Relay, RelayError, ShareState, Status, server};
use crate::relay_url::RelayUrl;
use crate::secret::{Flags, random_hex};
use crate::send::SendError;
use crate::state::outbox::{expect_opened, is_over};
use crate::state::{StateDir, private};
use crate::wordlist::openers_words;

/// What errors call this machine.
pub(crate) const THIS: &str = "this machine";
/// Room that stays free on the disk, in bytes.
const RESERVE: u64 = 64 << 20;
/// The largest share, in bytes: the list of its parts must fit into an answer.
const LARGEST: u64 = 256 << 30;
/// How the names of folders begin.
const FOLDER: &str = "share-direct-";
/// What the program that serves a folder holds; and in the directory of folders, who makes or removes one.
const LOCK: &str = "lock";
/// How long an opener who was cut off is told so.
const TOLD: Duration = Duration::from_secs(4);
/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this long without a visitor, the network may be to blame.
const LONELY: Duration = Duration::from_secs(30);
/// How long second openers are told the truth.
const AFTERLIFE: Duration = Duration::from_mins(1);
/// The most visitors at once: a browser or two, and our own programs.
const MAX_CONNECTIONS: usize = 64;
/// A second Ctrl-C this long after the first cuts an opener off.
const TWICE: Duration = Duration::from_secs(10);
/// What running answers get when the program stops.
const DRAIN: Duration = Duration::from_secs(1);

/// How this machine is reached.
#[derive(Args)]
pub(crate) struct HostArgs {
    /// With --direct: the address to listen on [default: the one on the local network, port 4080 if it is free]
    #[arg(long, value_name = "ADDRESS", env = "SHARE_LISTEN", hide_env_values = true)]
    listen: Option<String>,
    /// Serve a direct share on the interface NAME, such as wlan0
    #[arg(long, value_name = "NAME", env = "SHARE_INTERFACE", hide_env_values = true)]
    interface: Option<String>,
    /// With --direct: the address of a tunnel that leads here
    #[arg(long, value_name = "URL", env = "SHARE_PUBLIC_URL", hide_env_values = true)]
    public_url: Option<String>,
}

impl HostArgs {
    /// Where to listen. An argument wins over what the environment and the configuration file say of the other one.
    fn place(&self, cx: &Context) -> Result<Place, Failure> {
        let is_said =
            |value: &Option<String>, variable: &str| value.is_some() && *value != std::env::var(variable).ok();
        let listen_said = is_said(&self.listen, "SHARE_LISTEN");
        let interface_said = is_said(&self.interface, "SHARE_INTERFACE");
        let has_tunnel = self.public_url.is_some();
        let interface = self.interface.as_deref().or(cx.config.interface.as_deref()).filter(|name| !name.is_empty());
        Place::find(&Wanted {
            listen: self.listen.as_deref().filter(|_| listen_said || !interface_said),
            interface: interface.filter(|_| interface_said || !has_tunnel),
            has_tunnel,
        })
    }
}

/// The rules over such a folder. There is one clock.
fn rules(folder: Folder) -> Arc<StoreRelay> {
    let policy = Policy { max_bytes: LARGEST, grace: Duration::ZERO, reserve: Some(RESERVE), ..Policy::default() };
    Arc::new(StoreRelay::new(Arc::new(folder), Arc::new(SystemClock), policy))
}

/// A directory that goes with this program.
struct Private(PathBuf);

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// This machine as a relay, before anything waits in it.
pub(crate) struct Host {
    rules: Arc<StoreRelay>,
    listeners: Vec<TcpListener>,
    public_url: Option<RelayUrl>,
    folder: Private,
    place: Place,
}

impl Host {
    /// Finds an address, a port for each of `count` shares, and a folder with room for `expected` bytes in each.
    pub(crate) fn open(args: &HostArgs, count: usize, expected: Option<u64>, cx: &Context) -> Result<Self, Failure> {
        // What the configuration file says of these is about a relay that runs here.
        let public_url = args.public_url.as_deref().map(RelayUrl::parse).transpose();
        let public_url = public_url
            .map_err(|error| Failure::usage(format!("--public-url: {error}"), "--public-url https://tunnel.example"))?;
        if public_url.as_ref().is_some_and(RelayUrl::is_store) {
            return Err(Failure::usage(
                "--public-url is the address of a tunnel",
                "--public-url https://tunnel.example",
            ));
        }
        if public_url.is_some() && count > 1 {
            return Err(Failure::usage("a tunnel leads to one link", "send it once for each, or use a relay"));
        }
        let place = args.place(cx)?;
        let listeners = (0..count).map(|number| place.listener(number)).collect::<Result<Vec<_>, _>>()?;
        if place.ip.is_loopback() && args.listen.is_none() && public_url.is_none() {
            cx.output.warn("this computer has no local network: the link can be opened only on this computer");
        }
        let (private, folder) = folder(cx)?;
        let needed = expected.unwrap_or(0).saturating_mul(count as u64);
        // A file system that cannot be asked may have room; one that does not count has none.
        let free = files::free_space(&private.0).map_or(u64::MAX, |space| space.map_or(0, |space| space.free));
        if free < needed.saturating_add(RESERVE) {
            return Err(no_room());
        }
        let rules = rules(folder);
        Ok(Self { rules, listeners, public_url, folder: private, place })
    }

    /// Where shares are left.
    pub(crate) fn relay(&self) -> Arc<dyn Relay> {
        self.rules.clone()
    }

    /// What links say besides `flags`: that a key is pinned, where no tunnel ends the encryption.
    pub(crate) fn flags(&self, flags: Flags) -> Flags {
        if self.public_url.is_some() { flags } else { flags.with(Flags::DIRECT) }
    }

    /// Where links lead, one for each share.
    pub(crate) fn urls(&self) -> Result<Vec<RelayUrl>, Failure> {
        let url = |listener: &TcpListener| match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => {
                let address = listener.local_addr().map_err(anyhow::Error::from)?;
                let scheme = if self.place.is_public() { "https" } else { "http" };
                RelayUrl::parse(&format!("{scheme}://{address}/")).map_err(Failure::RelayUrl)
            }
        };
        self.listeners.iter().map(url).collect()
    }

    /// Whether links are for programs only, in their bare form: to an address that everybody reaches, nothing goes in
    /// the clear, and a browser cannot check the key.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.place.is_public()
    }

    /// The name of the folder in which shares lie.
    pub(crate) fn place(&self) -> String {
        self.folder.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Opens the doors: from now on the links work.
    pub(crate) fn serve(self, batch: &Batch) -> Result<Serving, Failure> {
        let (stop, stopped) = watch::channel(false);
        let mut doors = Vec::with_capacity(self.listeners.len());
        let is_loopback =
            |listener: &TcpListener| listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
        let is_alone = self.listeners.iter().all(is_loopback);
        let is_public = self.place.is_public();
        let doors_at = self.listeners.first().and_then(|listener| listener.local_addr().ok());
        for (listener, share) in self.listeners.into_iter().zip(&batch.shares) {
            let (guests, seen) = Guests::new(self.rules.clone());
            let direct = self.public_url.is_none().then(|| share.link.secret.direct_key());
            let options = Options {
                create: CreatePolicy::Closed,
                public_url: self.public_url.clone(),
                direct,
                plain: !is_public,
                drain: DRAIN,
                max_connections: MAX_CONNECTIONS,
            };
            let mut stopped = stopped.clone();
            let stop = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            let server = tokio::spawn(server::serve(Arc::new(guests), listener, options, stop));
            let owner = share.entry.owner().ok_or_else(|| anyhow::anyhow!("a share without an id"))?;
            doors.push(Door { seen, owner, server });
        }
        let sweeper = tokio::spawn(self.rules.clone().keep_sweeping());
        let listens = doors_at.filter(|_| is_alone);
        let reach = match (&self.public_url, is_alone) {
            (Some(_), _) => Reach::Tunnel(listens),
            (None, true) => Reach::Loopback,
            (None, false) => Reach::Network,
        };
        Ok(Serving { rules: self.rules, doors, stop, sweeper, reach, place: self.place, _folder: self.folder })
    }
}

/// One share, as it is handed out.
struct Door {
    seen: watch::Receiver<Activity>,
    owner: Credential,
    server: JoinHandle<io::Result<()>>,
}

/// Shares that are handed out. Their folder goes when this goes.
pub(crate) struct Serving {
    rules: Arc<StoreRelay>,
    doors: Vec<Door>,
    stop: watch::Sender<bool>,
    sweeper: JoinHandle<()>,
    reach: Reach,
    place: Place,
    _folder: Private,
}

/// Who can come.
#[derive(Clone, Copy)]
enum Reach {
    /// Whoever is on the network.
    Network,
    /// Programs of this machine.
    Loopback,
    /// Whoever comes through a tunnel, which leads to this address.
    Tunnel(Option<SocketAddr>),
}

impl Serving {
    /// Until all shares have come to their ends, or somebody takes them back.
    pub(crate) async fn until_opened(self, batch: &Batch, cx: &Context) -> Result<(), Failure> {
        let output = &cx.output;
        let reach = match (self.reach, &self.place.own) {
            (Reach::Network, _) if self.place.is_public() => {
                format!("to every program that reaches {}", self.place.ip)
            }
            (Reach::Network, Some(own)) if own.kind == Kind::Tunnel => {
                format!("through the tunnel {} only", crate::safe_text::printable(&own.name))
            }
            (Reach::Network, _) => "on this network only".to_owned(),
            (Reach::Loopback, _) => "to programs on it only".to_owned(),
            (Reach::Tunnel(None), _) => "through your tunnel".to_owned(),
            (Reach::Tunnel(Some(address)), _) => format!("through your tunnel, which must lead to {address}"),
        };
        output.say(&format!("Served by this computer, {reach}. Opens once. Keep this running; Ctrl-C takes it back."));
        self.say_how_it_is_reached(output);
        output.say(&format!("Unopened, it ends on {}.", format::time(batch.sent().map_or(0, |sent| sent.expires))));
        if matches!(self.reach, Reach::Network | Reach::Loopback) && !self.place.is_public() {
            output.say("hint: for someone elsewhere you need a relay: share help relay");
        }
        let several = batch.shares.len() > 1;
        let watching = self.doors.iter().zip(&batch.shares).map(|(door, share)| {
            let teller = Teller { output, batch, share, several, reach: self.reach, enclosure: self.place.enclosure };
            attend(&self.rules, &door.owner, door.seen.clone(), teller)
        });
        let mut watching = Box::pin(join_all(watching));
        let (mut warned, mut leaving) = (None::<Instant>, false);
        let told = loop {
            tokio::select! {
                biased;
                told = &mut watching => break Some(told),
                stop = cx.interrupted() => {
                    let states = join_all(self.doors.iter().map(|door| self.rules.state(&door.owner))).await;
                    if states.iter().all(|state| state.as_ref().is_ok_and(|state| is_over(*state))) {
                        // It has ended, and is about to be told.
                        leaving = true;
                        continue;
                    }
                    let opening = states.contains(&Ok(ShareState::Claimed));
                    let twice = warned.is_some_and(|warned| warned.elapsed() < TWICE);
                    if !opening || twice || stop == Stop::Machine {
                        break None;
                    }
                    warned = Some(Instant::now());
                    output.warn("somebody is opening it right now; Ctrl-C again cuts them off");
                }
            }
        };
        drop(watching);
        output.clear();
        let Some(told) = told else {
            let (told, cut_off) = self.take_back(batch).await;
            if cut_off {
                // Whoever was cut off shall hear the truth, and not think that the line broke.
                tokio::select! {
                    () = sleep(TOLD) => {},
                    _ = cx.interrupted() => {},
                }
            }
            self.close().await;
            return Err(told);
        };
        if leaving {
            output.say("Nothing is left here.");
        } else {
            output.say("Nothing is left here. Second openers are told so for a minute; Ctrl-C leaves now.");
            tokio::select! {
                () = sleep(AFTERLIFE) => {},
                _ = cx.interrupted() => {},
            }
        }
        self.close().await;
        expect_opened(batch.shares.iter().map(|share| &share.entry).zip(&told))
    }

    /// Says what a person must know of the address that is in the link.
    fn say_how_it_is_reached(&self, output: &Output) {
        if let Reach::Tunnel(_) = self.reach {
            return;
        }
        if let Some(enclosure) = self.place.enclosure {
            output.warn(&enclosed(enclosure, self.place.ip));
            output.say(&format!("hint: {}", way_out(enclosure, self.place.ip)));
        }
        if self.place.is_public() {
            output.say("Recipients need share: a browser cannot open this link.");
        }
        if !self.place.others.is_empty() {
            let others: Vec<_> = self.place.others.iter().map(Own::words).collect();
            let others = others.join(", ");
            output.say(&format!("This computer's other addresses: {others}. To use one, set --interface NAME."));
        }
    }

    /// Takes all back. Returns what to tell, and whether an opener was cut off.
    async fn take_back(&self, batch: &Batch) -> (Failure, bool) {
        let (mut opened, mut cut_off) = (0, None);
        for (door, share) in self.doors.iter().zip(&batch.shares) {
            let was = self.rules.revoke(&door.owner).await;
            opened += usize::from(matches!(was, Ok(ShareState::Finished)));
            if let Ok(status) = self.rules.status(&door.owner, None, Duration::ZERO).await {
                batch.note_end(share, &status);
                cut_off = cut_off.or(status.claimant.filter(|_| matches!(was, Ok(ShareState::Claimed))));
            }
        }
        let hint = match (opened, self.doors.len()) {
            (0, 1) => match cut_off {
                None => "taken back: the link is dead, and nothing is left here".to_owned(),
                Some(who) => format!(
                    "taken back while it was being opened ({}), perhaps too late; nothing is left here",
                    openers_words(&who)
                ),
            },
            (0, _) => "taken back: the links are dead, and nothing is left here".to_owned(),
            (some, all) => format!("{some} of {all} were opened; the rest is taken back, and nothing is left here"),
        };
        (Failure::Interrupted(Some(hint)), cut_off.is_some())
    }

    /// Closes the doors, after answers that are on their way.
    async fn close(self) {
        self.stop.send_replace(true);
        self.sweeper.abort();
        let servers = self.doors.into_iter().map(|door| door.server);
        let _ = tokio::time::timeout(DRAIN * 2, join_all(servers)).await;
    }
}

/// That nobody elsewhere may reach `ip`.
fn enclosed(enclosure: Enclosure, ip: IpAddr) -> String {
    let inside = match enclosure {
        Enclosure::Container => "a container",
        Enclosure::Wsl => "WSL",
    };
    format!("share is running in {inside}: other computers may be unable to reach {ip}")
}

/// What helps then.
fn way_out(enclosure: Enclosure, ip: IpAddr) -> String {
    let publish = match enclosure {
        Enclosure::Container => "publish port 4080 of the container",
        Enclosure::Wsl => "forward port 4080 from Windows, or use mirrored networking",
    };
    let address = SocketAddr::new(ip, PORT);
    format!("{publish}, and send with --listen {address} --public-url http://ADDRESS:4080; or use a relay")
}

/// Tells the sender what happens to one share.
struct Teller<'a> {
    output: &'a Output,
    batch: &'a Batch,
    share: &'a Share,
    /// There are others: say which one it is.
    several: bool,
    reach: Reach,
    /// What may keep others from coming.
    enclosure: Option<Enclosure>,
}

impl Teller<'_> {
    fn tell(&self, event: &str, facts: serde_json::Value, what: &str) {
        let which = match (&self.share.entry.recipient, self.several) {
            (Some(recipient), true) => format!("{} · ", crate::safe_text::printable(recipient)),
            (None, true) => format!("{} · ", self.share.entry.short_id()),
            (_, false) => String::new(),
        };
        let mut facts = facts;
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("for".to_owned(), json!(self.share.entry.recipient));
            facts.insert("id".to_owned(), json!(self.share.entry.id().map(|id| id.hex())));
        }
        self.output.happens(event, facts, &format!("{} {which}{what}", format::time_of_day()));
    }
}

/// Follows one share to its end, and tells what happens.
async fn attend(
    rules: &StoreRelay,
    owner: &Credential,
    mut seen: watch::Receiver<Activity>,
    teller: Teller<'_>,
) -> Status {
    let total = teller.share.sent.as_ref().map_or(0, |sent| sent.manifest.blob_len);
    let (mut known, mut bar) = (Activity::default(), None);
    let mut look = interval(LOOK_EVERY);
    let lonely = Instant::now() + LONELY;
    let mut waits_alone = true;
    loop {
        let is_time = tokio::select! {
            Ok(()) = seen.changed() => false,
            _ = look.tick() => true,
            () = sleep_until(lonely), if waits_alone => {
                waits_alone = false;
                if let (false, Reach::Network) = (known.came, teller.reach) {
                    let port = teller.share.link.relay.as_ref().and_then(RelayUrl::port).unwrap_or(PORT);
                    let hint = match teller.enclosure {
                        Some(_) => "hint: nobody has visited the link yet. Other computers may be unable to reach this address".to_owned(),
                        None => {
                            format!("hint: nobody has visited the link yet. Is the recipient on the same network? A firewall here must allow TCP {port}")
                        }
                    };
                    teller.output.say(&hint);
                }
                false
            }
        };
        let now = *seen.borrow_and_update();
        if now.looks > known.looks && now.claimant.is_none() {
            teller.tell("looked-at", json!({}), "looked at");
        }
        if let (Some(claimant), None) = (now.claimant, known.claimant) {
            let words = openers_words(&claimant);
            teller.tell("opening", json!({ "opener": words }), &format!("being opened ({words})"));
            if !teller.several && now.fetched < total {
                bar = Some(teller.output.bar(Some(total)));
            }
        }
        if let Some(bar) = &bar {
            bar.set_position(now.fetched.min(total));
        }
        let may_be_over = is_time || now.finished != known.finished;
        known = now;
        if !may_be_over || !rules.state(owner).await.is_ok_and(is_over) {
            continue;
        }
        // What the clock says is not decided before a cell says it too: somebody may be at the door.
        let settled = rules.settle_now(owner).await;
        match settled.and(rules.status(owner, None, Duration::ZERO).await) {
            Ok(status) if !is_over(status.state) => {}
            Ok(status) => {
                if bar.take().is_some() {
                    teller.output.clear();
                }
                let facts = teller.share.entry.facts(Some(&status));
                teller.batch.note_end(teller.share, &status);
                teller.tell("ended", facts, &teller.share.entry.outcome(&status));
                return status;
            }
            Err(error) => tracing::warn!(%error, "the folder cannot be read"),
        }
    }
}

/// What a failed upload means where the relay is this machine's own disk.
pub(crate) fn in_our_own_words(trouble: Failure) -> Failure {
    match trouble {
        Failure::Send { error: SendError::Relay(RelayError::NoSpace { .. }), .. } => no_room(),
        trouble => trouble,
    }
}

fn no_room() -> Failure {
    Failure::local(
        "there is no room on this disk for what would wait to be opened",
        "nothing was sent; --state-dir can be on another disk",
    )
}

/// The directory of these folders, and our turn to make or remove one: nobody removes one that is just being made.
fn folders(state: &StateDir) -> io::Result<(PathBuf, File)> {
    let directory = state.subdirectory("direct")?;
    let turn = private(&directory.join(LOCK))?;
    turn.lock()?;
    Ok((directory, turn))
}

/// A private folder, and the store in it.
fn folder(cx: &Context) -> Result<(Private, Folder), Failure> {
    let kept = StateDir::open(cx).and_then(|state| {
        remove_leftovers(&state);
        folders(&state)
    });
    let (directory, _turn) = match kept {
        Ok((directory, turn)) => (directory, Some(turn)),
        // Ciphertext may lie in a temporary directory as well, under a name that nobody can know before.
        Err(_) => (std::env::temp_dir(), None),
    };
    let place = Private(directory.join(format!("{FOLDER}{}", random_hex::<8>())));
    let made = files::private_directory().create(&place.0);
    made.map_err(|error| Failure::path(&directory, &error, "--state-dir DIR, or a relay"))?;
    let folder = stores::folder(&place.0, Sharing::Alone, "--state-dir DIR, or a relay")?;
    Ok((place, folder))
}

/// Whether a program still holds the folder.
fn is_held(path: &Path) -> bool {
    match File::open(path.join(LOCK)) {
        // Shared: two who look at once must not take each other for the program.
        Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// What another program of this machine serves from the folder `place`, while it does: whoever sent it may ask about it
/// and take it back from here as well. That program sees it.
pub(crate) fn beside(place: Option<&str>, cx: &Context) -> Option<Arc<StoreRelay>> {
    let place = place.filter(|place| is_folder(place))?;
    let directory = StateDir::open(cx).and_then(|state| state.subdirectory("direct")).ok();
    let found = directory.into_iter().chain([std::env::temp_dir()]).map(|directory| directory.join(place));
    let path = found.into_iter().find(|path| is_held(path))?;
    Folder::open(&path, Sharing::WithItsServer).ok().map(rules)
}

/// Whether a name is one that we give to folders.
fn is_folder(name: &str) -> bool {
    let random = name.strip_prefix(FOLDER);
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// Removes the folders whose programs are gone. Whatever else somebody keeps there is not ours.
pub(crate) fn remove_leftovers(state: &StateDir) {
    if state.has("direct")
        && let Ok((directory, _turn)) = folders(state)
    {
        remove_abandoned(&directory, Duration::ZERO);
    }
    // Here nobody takes turns: one that is young may not be held yet.
    remove_abandoned(&std::env::temp_dir(), Duration::from_mins(2));
}

fn remove_abandoned(directory: &Path, older: Duration) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(is_folder) {
            continue;
        }
        // Not where a link leads, nor what is somebody else's.
        let Ok(data) = fs::symlink_metadata(entry.path()) else { continue };
        let is_ours = data.is_dir() && files::is_own(&data);
        let age = data.modified().ok().and_then(|made| made.elapsed().ok()).unwrap_or_default();
        if is_ours && age >= older && !is_held(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

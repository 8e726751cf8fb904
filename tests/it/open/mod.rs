//! The opening flow of the library: its steps, its progress, and the resulting state at the relay.

mod chunks;
mod reports;

use std::fs;
use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use share::manifest::{Entry, Manifest};
use share::open::{
    Begin, Destination, Envelope, Look, OpenError, PrepareError, Progress, Refusal, Seekable, Session, Stage, Stream,
    Targets, Unnamed, unfinished,
};
use share::relay::client::endpoint::Endpoint;
use share::relay::client::retry::Backoff;
use share::relay::store::memory::Memory;
use share::relay::{Checksum, Commit, Create, Credential, Gone, Relay, RelayError, ShareState, V1, Verifiers};
use share::relay_url::RelayUrl;
use share::seal::{Sealer, seal_bytes};
use share::secret::{DeviceSecret, Flags, Keys, LinkSecret, Token};
use share::state::StateDir;

use crate::support::{START, TIME_LIMIT, TestClock, node_over};

/// A share at a relay.
struct Shared {
    relay: Arc<dyn Relay>,
    secret: LinkSecret,
    owner: Credential,
}

impl Shared {
    /// Sends files of these names and contents.
    async fn send(files: &[(&str, &[u8])], passphrase: Option<&str>) -> Self {
        let clock = TestClock::at(START);
        Self::send_to(Arc::new(node_over(Arc::new(Memory::new(clock.clone(), 1 << 30)), clock)), files, passphrase)
            .await
    }

    /// Sends files of these names and contents to a relay.
    async fn send_to(relay: Arc<dyn Relay>, files: &[(&str, &[u8])], passphrase: Option<&str>) -> Self {
        let flags = if passphrase.is_some() { Flags::PASSPHRASE } else { Flags::default() };
        let secret = LinkSecret::random(flags);
        let keys = secret.keys(passphrase);
        let plain = files.iter().flat_map(|(_, content)| content.iter().copied()).collect::<Vec<u8>>();
        let mut sealer = Sealer::new(&plain[..], &keys.blob_identity).unwrap();
        let (mut parts, mut buffer) = (Vec::new(), BytesMut::new());
        while sealer.next_part(&mut buffer).unwrap() {
            parts.push(Bytes::copy_from_slice(&buffer));
        }
        let lengths = sealer.lengths().unwrap();
        let entry = |(name, content): &(&str, &[u8])| {
            Entry::new(Some((*name).to_owned()), "text/plain".to_owned(), content.len() as u64)
        };
        let entries = files.iter().map(entry).collect();
        let manifest = Manifest::new(Some("trip".to_owned()), entries, lengths.age_len, false, "2026-11-22".to_owned());
        let manifest = seal_bytes(&manifest.to_bytes().unwrap(), &keys.manifest_identity).unwrap();
        let owner = Credential::new(keys.id, Token::random());
        let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
        let create = Create {
            v: V1,
            flags: flags.bits(),
            ttl: 86_400,
            verifiers,
            max_len: None,
            create_token: None,
            account: None,
        };
        relay.create(&owner, &create).await.unwrap();
        let crcs = parts.iter().map(|part| Checksum::of(part)).collect();
        for (number, part) in (0..).zip(&parts) {
            relay.put_part(&owner, number, Checksum::of(part), part.clone().into()).await.unwrap();
        }
        let commit = Commit { v: V1, blob_len: lengths.blob_len, parts: crcs, manifest: manifest.into() };
        relay.commit(&owner, &commit).await.unwrap();
        Self { relay, secret, owner }
    }

    fn keys(&self, passphrase: Option<&str>) -> Keys {
        self.secret.keys(passphrase)
    }

    async fn look(&self, session: Session, passphrase: Option<&str>) -> Result<Look, Refusal> {
        session.look(self.relay.clone(), self.keys(passphrase), Backoff::new(Duration::ZERO)).await
    }

    async fn envelope(&self, session: Session) -> Envelope {
        match self.look(session, None).await {
            Ok(Look::Waits(envelope)) => *envelope,
            _ => panic!("it does not wait"),
        }
    }

    async fn state(&self) -> ShareState {
        self.relay.status(&self.owner, &[], Duration::ZERO).await.unwrap().state
    }
}

/// A device without a journal.
fn session(device: &DeviceSecret, progress: &Progress) -> Session {
    Session::without_journal(DeviceSecret::from_bytes(*device.as_bytes()), progress)
}

#[tokio::test]
async fn each_step_moves_the_progress_and_the_relay() {
    let share = Shared::send(&[("a.txt", b"one"), ("b.txt", b"two")], None).await;
    let (directory, progress) = (tempfile::tempdir().unwrap(), Progress::default());
    let envelope = share.envelope(session(&DeviceSecret::random(), &progress)).await;
    let ready = envelope.prepare(Targets::within(&envelope_manifest(&share).await, directory.path())).unwrap();
    assert_eq!((progress.stage(), share.state().await), (Stage::Untouched, ShareState::Waiting));
    let claimed = ready.claim().await.unwrap();
    assert_eq!((progress.stage(), share.state().await), (Stage::Claimed, ShareState::Claimed));
    let received = claimed.receive(|_| {}).await.unwrap();
    let noted = received.sync().unwrap().note().unwrap();
    assert!(!directory.path().join("trip").exists(), "a name before the journal has it");
    let (saved, finishable) = noted.place().unwrap().note().unwrap();
    assert_eq!((progress.stage(), share.state().await), (Stage::Saved, ShareState::Claimed));
    let album = saved.album.unwrap();
    assert_eq!(album, directory.path().join("trip"));
    assert_eq!(fs::read(album.join("a.txt")).unwrap(), b"one");
    assert_eq!(fs::read(album.join("b.txt")).unwrap(), b"two");
    let finished = finishable.finish().await;
    assert!(finished.is_confirmed());
    finished.close();
    assert_eq!(share.state().await, ShareState::Finished);
}

async fn envelope_manifest(share: &Shared) -> Manifest {
    share.envelope(session(&DeviceSecret::random(), &Progress::default())).await.manifest
}

/// A destination that cannot be written.
struct Nowhere;

impl Destination for Nowhere {
    type Sink = Stream;

    fn hidden_names(&self) -> Vec<std::path::PathBuf> {
        Vec::new()
    }

    fn prepare(self, _: Vec<std::path::PathBuf>) -> io::Result<Stream> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

/// A file that the caller has opened.
struct Elsewhere(fs::File);

impl Destination for Elsewhere {
    type Sink = Stream;

    fn hidden_names(&self) -> Vec<std::path::PathBuf> {
        Vec::new()
    }

    fn prepare(self, _: Vec<std::path::PathBuf>) -> io::Result<Stream> {
        Ok(Stream(self.0))
    }
}

#[tokio::test]
async fn a_failing_destination_costs_nothing_and_only_the_same_device_resumes() {
    let share = Shared::send(&[("a.txt", b"one")], None).await;
    let (device, progress) = (DeviceSecret::random(), Progress::default());
    let failed = share.envelope(session(&device, &progress)).await.prepare(Nowhere);
    assert!(matches!(failed, Err(PrepareError::Destination(_))));
    assert_eq!((progress.stage(), share.state().await), (Stage::Untouched, ShareState::Waiting));

    let file = || tempfile::tempfile().unwrap();
    let ready = share.envelope(session(&device, &progress)).await.prepare(Elsewhere(file())).unwrap();
    drop(ready.claim().await.unwrap());
    assert_eq!((progress.stage(), share.state().await), (Stage::Claimed, ShareState::Claimed));
    let other = share.look(session(&DeviceSecret::random(), &Progress::default()), None).await;
    let Err(Refusal { error: OpenError::Relay(RelayError::Gone { how: Gone::AlreadyOpened, .. }), session: None }) =
        other
    else {
        panic!("another device opened it too");
    };
    let Ok(Look::Ours(ours)) = share.look(session(&device, &progress), None).await else {
        panic!("the device does not know its own claim");
    };
    let mut out = file();
    let resumed = ours.resume().await.unwrap().prepare(Elsewhere(out.try_clone().unwrap())).unwrap();
    let delivered = resumed.receive(|_| {}).await.unwrap().sync().unwrap();
    delivered.note().finish().await.close();
    let mut text = String::new();
    out.rewind().unwrap();
    out.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), share.state().await), ("one", ShareState::Finished));
}

/// The state directory of a device, and the relay's address in its journals.
struct Device(tempfile::TempDir);

impl Device {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn state(&self) -> StateDir {
        StateDir::open(self.0.path().to_owned()).unwrap()
    }

    fn begin(&self, share: &Shared, progress: &Progress) -> Begin {
        let endpoint = Endpoint::to(RelayUrl::parse("https://relay.example").unwrap());
        Session::begin(&self.state(), &share.owner.id, &endpoint, progress).unwrap()
    }

    /// Begins once the lock of an earlier step is free: a program that another test starts inherits the locks of this
    /// process, and holds them from its fork to its exec.
    fn begin_again(&self, share: &Shared, progress: &Progress) -> Begin {
        let waiting = Instant::now();
        loop {
            match self.begin(share, progress) {
                Begin::Busy if waiting.elapsed() < TIME_LIMIT => thread::yield_now(),
                begun => return begun,
            }
        }
    }

    fn session(&self, share: &Shared, progress: &Progress) -> Session {
        match self.begin_again(share, progress) {
            Begin::New(session) => *session,
            _ => panic!("an earlier run has left something"),
        }
    }

    /// The number of its journals.
    fn journals(&self) -> usize {
        fs::read_dir(self.0.path().join("opening")).unwrap().count()
    }
}

#[tokio::test]
async fn an_unclaimed_share_leaves_no_trace_and_a_claimed_one_is_resumed() {
    let share = Shared::send(&[("a.txt", b"one")], None).await;
    let (device, directory, progress) = (Device::new(), tempfile::tempdir().unwrap(), Progress::default());
    let manifest = envelope_manifest(&share).await;
    let targets = || Targets::within(&manifest, directory.path());
    let envelope = share.envelope(device.session(&share, &progress)).await;
    assert!(matches!(device.begin(&share, &Progress::default()), Begin::Busy), "two programs of one device");
    assert!(progress.is_resumable());
    let ready = envelope.prepare(targets()).unwrap();
    assert_eq!(device.journals(), 1);
    drop(ready);
    assert_eq!(device.journals(), 0);

    let ready = share.envelope(device.session(&share, &progress)).await.prepare(targets()).unwrap();
    // Dropped after each step, as by a kill.
    drop(ready.claim().await.unwrap());
    let resumed = async || {
        let Ok(Look::Ours(ours)) = share.look(device.session(&share, &Progress::default()), None).await else {
            panic!("the device does not know its own claim");
        };
        ours.resume().await.unwrap().prepare(targets()).unwrap().receive(|_| {}).await.unwrap()
    };
    drop(resumed().await.sync().unwrap());
    drop(resumed().await.sync().unwrap().note().unwrap());
    assert_eq!((device.journals(), fs::read_dir(directory.path()).unwrap().count()), (1, 0));

    // The file has its name, but the journal does not have it yet.
    drop(resumed().await.sync().unwrap().note().unwrap().place().unwrap());
    assert_eq!(fs::read(directory.path().join("a.txt")).unwrap(), b"one");
    let Begin::Saved(earlier) = device.begin_again(&share, &Progress::default()) else { panic!("it is not found") };
    assert_eq!(earlier.files[0].path, directory.path().join("a.txt"));
    assert_eq!(share.state().await, ShareState::Claimed);
    earlier.finish(&*share.relay).await.unwrap();
    assert_eq!((share.state().await, device.journals()), (ShareState::Finished, 0));
}

#[tokio::test]
async fn a_saved_share_is_finished_by_the_next_command() {
    let share = Shared::send(&[("a.txt", b"one")], None).await;
    let (device, progress) = (Device::new(), Progress::default());
    let out = tempfile::tempfile().unwrap();
    let ready = share.envelope(device.session(&share, &progress)).await.prepare(Elsewhere(out)).unwrap();
    let delivered = ready.claim().await.unwrap().receive(|_| {}).await.unwrap().sync().unwrap();
    drop(delivered.note());
    assert_eq!((progress.stage(), share.state().await, device.journals()), (Stage::Saved, ShareState::Claimed, 1));
    let state = device.state();
    let waiting = Instant::now();
    let found = loop {
        let found: Vec<_> = unfinished(&state).unwrap().collect();
        // As in `Device::begin_again`.
        if !found.is_empty() || waiting.elapsed() > TIME_LIMIT {
            break found;
        }
        thread::yield_now();
    };
    for unfinished in found {
        assert_eq!(unfinished.endpoint.name(), "relay.example");
        unfinished.finish(&*share.relay, &state.device().unwrap()).await;
    }
    assert_eq!((share.state().await, device.journals()), (ShareState::Finished, 0));
}

#[tokio::test]
async fn a_wrong_passphrase_returns_the_session_while_another_may_be_tried() {
    let share = Shared::send(&[("a.txt", b"one")], Some("right")).await;
    let mut next = Some(session(&DeviceSecret::random(), &Progress::default()));
    let mut tried = 0;
    while let Some(session) = next.take() {
        let Err(Refusal { error, session }) = share.look(session, Some(&format!("wrong {tried}"))).await else {
            panic!("a wrong passphrase opens it");
        };
        tried += 1;
        let OpenError::Relay(RelayError::WrongPassphrase { left }) = error else { panic!("{error}") };
        assert_eq!(session.is_some(), left > 0);
        next = session.map(|session| *session).filter(|_| tried < 3);
    }
    assert_eq!(tried, 3);
}

/// A screen.
struct Screen;

impl Unnamed for Screen {}

impl Destination for Screen {
    type Sink = Self;

    fn hidden_names(&self) -> Vec<std::path::PathBuf> {
        Vec::new()
    }

    fn prepare(self, _: Vec<std::path::PathBuf>) -> io::Result<Self> {
        Ok(self)
    }
}

#[tokio::test]
async fn a_share_is_read_in_any_order_and_finished_when_it_is_closed() {
    let content = (0..300_000u32).flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
    let share = Shared::send(&[("a.bin", &content)], None).await;
    let (device, progress) = (DeviceSecret::random(), Progress::default());
    let ready = share.envelope(session(&device, &progress)).await.prepare(Screen).unwrap();
    let read = async |seekable: &Seekable, at: usize| {
        let piece = seekable.read(at as u64, 1000).await.unwrap();
        assert_eq!(&piece[..], &content[at..content.len().min(at + 1000)]);
    };
    let left = ready.claim().await.unwrap().seek().await.unwrap().deliver(async |(seekable, Screen)| {
        for at in [content.len() - 10, 0, 65_000, 700_000] {
            read(&seekable, at).await;
        }
        Err::<(), _>("left")
    });
    assert_eq!(left.await.err(), Some("left"));
    assert_eq!((progress.stage(), share.state().await), (Stage::Claimed, ShareState::Claimed));
    let Ok(Look::Ours(ours)) = share.look(session(&device, &progress), None).await else { panic!("it is lost") };
    let claimed = ours.resume().await.unwrap().prepare(Screen).unwrap();
    let ((), delivered) = claimed.seek().await.unwrap().deliver(async |_| Ok::<_, ()>(())).await.unwrap();
    assert_eq!(share.state().await, ShareState::Claimed);
    delivered.note().finish().await.close();
    assert_eq!((progress.stage(), share.state().await), (Stage::Saved, ShareState::Finished));
}

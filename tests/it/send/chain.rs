//! The sending flow: draft → recorded → uploading → committed, and revoking in each state.

use std::fs;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use share::relay::rules::{Policy, StoreRelay};
use share::relay::{Relay, RelayError, ShareState};
use share::relay_url::RelayUrl;
use share::secret::Flags;
use share::send::{KeptAt, SendError};
use tempfile::TempDir;

use crate::support::{TestRelay, drafts, noise};

fn url() -> RelayUrl {
    RelayUrl::parse("https://relay.example").unwrap()
}

#[tokio::test]
async fn a_share_is_recorded_before_its_upload_and_complete_after_it() {
    let (home, bench) = (TempDir::new().unwrap(), TestRelay::memory());
    let outbox = drafts::outbox(home.path()).unwrap();
    let draft = drafts::draft(&[url(), url()], Flags::default(), KeptAt::Relay(&url()));
    assert!(outbox.entries().unwrap().is_empty(), "a draft leaves no trace");

    let recorded = draft.record(Ok(outbox.clone()), None).unwrap();
    assert!(recorded.unrecorded().is_none());
    let entries = outbox.last().unwrap();
    assert_eq!(entries.len(), 2, "those that are sent together belong together");
    assert!(entries.iter().all(|entry| entry.expires.is_none() && entry.label == "beach.jpg"));
    assert!(bench.objects().await.is_empty());

    let content = noise(20_000_000, 1);
    let uploading = recorded.upload_to(&bench.relay);
    let committed = uploading.run(drafts::input(io::Cursor::new(content.clone()))).await.unwrap();
    assert_eq!(committed.sent().unwrap().manifest.total_size(), content.len() as u64);
    for (share, entry) in committed.shares().iter().zip(outbox.last().unwrap()) {
        assert_eq!(bench.rules.state(share.owner()).await, Ok(ShareState::Waiting));
        assert!(share.link().web().unwrap().starts_with("https://relay.example/#share1"));
        assert_eq!(entry.id(), Some(share.link().secret.id()));
        assert!(entry.expires == Some(share.sent().expires) && entry.label == "20000000 bytes");
    }

    let owner = committed.shares()[0].owner().clone();
    assert!(committed.revoke().await);
    assert_eq!(bench.rules.state(&owner).await, Ok(ShareState::Revoked));
    assert!(outbox.entries().unwrap().is_empty() && bench.data().await.is_empty());
}

/// A reader that fails after these bytes.
struct Broken(io::Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.0.read(space)? {
            0 => Err(io::ErrorKind::PermissionDenied.into()),
            count => Ok(count),
        }
    }
}

#[tokio::test]
async fn a_failed_upload_leaves_nothing() {
    let (home, bench) = (TempDir::new().unwrap(), TestRelay::memory());
    let outbox = drafts::outbox(home.path()).unwrap();
    let receipts = home.path().join("receipts");
    let draft = drafts::draft(&[url(), url()], Flags::default(), KeptAt::Relay(&url()));
    let recorded = draft.record(Ok(outbox.clone()), Some(receipts.clone())).unwrap();
    assert_eq!(fs::read_to_string(&receipts).unwrap().lines().count(), 2);
    let broken = Broken(io::Cursor::new(noise(20_000_000, 1)));
    let unsent = recorded.upload_to(&bench.relay).run(drafts::input(broken)).await.err().unwrap();
    assert!(matches!(&unsent.error, SendError::Read { name, .. } if name == "beach.jpg"), "{unsent:?}");
    assert!(unsent.gone);
    assert!(bench.data().await.is_empty() && outbox.entries().unwrap().is_empty() && !receipts.exists());
}

/// A reader that blocks after these bytes until the sender is dropped.
struct Stalled(io::Cursor<Vec<u8>>, Receiver<()>);

impl Read for Stalled {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.0.read(space)? {
            0 => self.1.recv().map_or(Ok(0), |()| Ok(0)),
            count => Ok(count),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_upload_can_be_revoked() {
    let (home, bench) = (TempDir::new().unwrap(), TestRelay::memory());
    let outbox = drafts::outbox(home.path()).unwrap();
    let recorded = drafts::draft(&[url()], Flags::default(), KeptAt::Relay(&url())).record(Ok(outbox.clone()), None);
    let uploading = recorded.unwrap().upload_to(&bench.relay);
    let revoker = uploading.revoker();
    let (sender, receiver) = channel();
    let stalled = Stalled(io::Cursor::new(noise(20_000_000, 1)), receiver);
    let upload = tokio::spawn(uploading.run(drafts::input(stalled)));
    while bench.data().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    upload.abort();
    assert!(upload.await.err().unwrap().is_cancelled());
    assert!(revoker.revoke().await, "nothing is left");
    assert!(revoker.revoke().await, "and nothing the second time");
    assert!(bench.data().await.is_empty() && outbox.entries().unwrap().is_empty());
    drop(sender);
}

#[tokio::test]
async fn a_missing_outbox_is_an_error_where_it_is_needed() {
    let missing = || Err(io::ErrorKind::PermissionDenied.into());
    let home = TempDir::new().unwrap();
    let (url, draft) = (url(), |kept_at| drafts::draft(&[url()], Flags::default(), kept_at));
    let at_relay = draft(KeptAt::Relay(&url)).record(missing(), None).unwrap();
    assert_eq!(at_relay.unrecorded().unwrap().kind(), io::ErrorKind::PermissionDenied);
    let with_receipt = draft(KeptAt::Relay(&url)).record(missing(), Some(home.path().join("receipt"))).unwrap();
    assert!(with_receipt.unrecorded().is_none(), "the receipt does the same");
    let here = draft(KeptAt::Here("folder")).record(missing(), None).unwrap();
    assert!(here.unrecorded().is_none(), "ending the program revokes it");
    // An upload that never reached the relay needs no revoking.
    let bench = TestRelay::memory();
    let uploading = at_relay.upload_to(&bench.relay);
    let revoker = uploading.revoker();
    drop(uploading);
    assert!(revoker.revoke().await && bench.objects().await.is_empty());
    // An unwritable receipt is an error before anything is sent.
    let nowhere = home.path().join("none/receipt");
    let outbox = drafts::outbox(home.path()).unwrap();
    let error = draft(KeptAt::Relay(&url)).record(Ok(outbox.clone()), Some(nowhere)).err().unwrap();
    assert!(error.kind() == io::ErrorKind::NotFound && outbox.entries().unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing_to_revoke() {
    let (home, bench) = (TempDir::new().unwrap(), TestRelay::memory());
    let outbox = drafts::outbox(home.path()).unwrap();
    let draft = drafts::draft(&[url()], Flags::default(), KeptAt::Relay(&url()));
    let policy = Policy { max_bytes: 5 << 20, reserve: Some(0), ..Policy::default() };
    let relay: Arc<dyn Relay> = Arc::new(StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy));
    let uploading = draft.record(Ok(outbox.clone()), None).unwrap().upload_to(&relay);
    let unsent = uploading.run(drafts::input(io::repeat(7).take(20 << 20))).await.err().unwrap();
    assert!(matches!(unsent.error, SendError::Relay(RelayError::TooLarge { .. })), "{unsent:?}");
    assert!(unsent.gone && outbox.entries().unwrap().is_empty() && bench.data().await.is_empty());
}

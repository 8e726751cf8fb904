//! The contract of all relays, over every store, alone and behind servers. Each test is one rule.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use share::blob::PART_LEN;
use share::relay::clock::Clock;
use share::relay::rules::{Policy, StoreRelay};
use share::relay::store::memory::Memory;
use share::relay::store::{Created, Object, Space, Store, StoreError};
use share::relay::{Checksum, ClaimResponse, Content, Gone, Relay, RelayError, ShareState};
use share::secret::{Claimant, Receipt, Token};

use crate::support::{Fault, Faults, Faulty, Kind, START, Sample, Slow, TestClock, TestRelay};

const DAY: u64 = 86_400;

/// The end in an error for link holders.
fn gone<T: std::fmt::Debug>(result: Result<T, RelayError>) -> Gone {
    match result {
        Err(RelayError::Gone { how, .. }) => how,
        other => panic!("not gone: {other:?}"),
    }
}

async fn bytes_of(relay: &dyn Relay, holder: &share::relay::Credential, claimed: &ClaimResponse) -> Vec<u8> {
    let mut blob = Vec::new();
    for number in 0..u32::try_from(claimed.parts.len()).unwrap() {
        let part = relay.get_part(holder, number, 0).await.unwrap().whole().await.unwrap();
        assert_eq!(Checksum::of(&part), claimed.parts[number as usize]);
        blob.extend_from_slice(&part);
    }
    blob
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_share_is_opened_once_and_deleted() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        for blob_len in [4096, PART_LEN, PART_LEN + 1] {
            let share = Sample::new(blob_len, false);
            let (link, device) = (share.link(), share.device());
            relay.create(&share.owner, &share.create).await.unwrap();
            assert_eq!(relay.notice(&link).await, Err(RelayError::Unknown), "{}: not sealed yet", bench.name);
            share.put_all(relay).await;
            let committed = relay.commit(&share.owner, &share.commit).await.unwrap();
            assert_eq!(committed.expires, START + 14 * DAY);

            let notice = relay.notice(&link).await.unwrap();
            assert_eq!((notice.expires, notice.blob_len), (committed.expires, blob_len as u64));
            let waiting = relay.manifest(&link, share.proof()).await.unwrap();
            assert_eq!(waiting.manifest, share.commit.manifest);
            assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Waiting);

            let claimed = relay.claim(&link, share.proof(), &device.token).await.unwrap();
            assert_eq!((claimed.at, claimed.until), (START, START + DAY));
            assert_eq!(claimed.part.is_some(), blob_len == 4096, "a small share comes with its claim");
            assert_eq!(bytes_of(relay, &device, &claimed).await, share.parts.concat(), "{}", bench.name);
            assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Claimed);

            let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
            relay.finish(&device, &receipt).await.unwrap();
            assert!(bench.data().await.is_empty(), "{}", bench.name);
            let status = relay.status(&share.owner, &[], Duration::ZERO).await.unwrap();
            assert_eq!((status.state, status.receipt, status.bytes_left), (ShareState::Finished, Some(receipt), 0));
            assert_eq!(status.claimant, Some(device.token.claimant(&share.keys.id)));
            assert_eq!(gone(relay.get_part(&device, 0, 0).await), Gone::AlreadyOpened);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_may_be_repeated() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(2 * PART_LEN, false);
        let (link, device) = (share.link(), share.device());
        let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
        let mut committed = Vec::new();
        let mut claims = Vec::new();
        for _ in 0..2 {
            relay.create(&share.owner, &share.create).await.unwrap();
        }
        for _ in 0..2 {
            share.put_all(relay).await;
        }
        for _ in 0..2 {
            committed.push(relay.commit(&share.owner, &share.commit).await.unwrap());
            bench.clock.advance(10);
        }
        share.put_all(relay).await;
        relay.create(&share.owner, &share.create).await.unwrap();
        assert_eq!(committed[0], committed[1], "{}", bench.name);
        for _ in 0..2 {
            claims.push(relay.claim(&link, share.proof(), &device.token).await.unwrap());
            bench.clock.advance(10);
        }
        assert_eq!(claims[0], claims[1], "{}", bench.name);
        for _ in 0..2 {
            relay.finish(&device, &receipt).await.unwrap();
        }
        let other = Receipt::from_bytes([1; 32]);
        assert_eq!(gone(relay.finish(&device, &other).await), Gone::AlreadyOpened, "{}", bench.name);
        for _ in 0..2 {
            assert_eq!(relay.revoke(&share.owner).await, Ok(ShareState::Finished));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_upload_in_one_request_is_atomic_and_may_be_repeated() {
    for bench in TestRelay::all() {
        let share = Sample::new(70_000, false);
        for _ in 0..2 {
            let part = Content::Whole(share.parts[0].clone());
            bench.relay.deposit(&share.owner, &share.create, &share.commit, part).await.unwrap();
        }
        let device = share.device();
        let claimed = bench.relay.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        assert_eq!(claimed.part.as_ref(), Some(&share.parts[0]), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_and_wrong_tokens_get_the_same_answer() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let (share, other) = (Sample::new(5000, false), Sample::new(5000, false));
        share.send(relay).await;
        let wrong = share::relay::Credential::new(share.keys.id, Token::random());
        for credential in [&wrong, &other.link(), &share.owner] {
            assert_eq!(relay.notice(credential).await, Err(RelayError::Unknown));
            assert_eq!(relay.manifest(credential, share.proof()).await, Err(RelayError::Unknown));
            let claim = relay.claim(credential, share.proof(), &Token::random()).await;
            assert_eq!(claim, Err(RelayError::Unknown), "{}", bench.name);
        }
        for credential in [&wrong, &other.owner, &share.link()] {
            assert_eq!(relay.status(credential, &[], Duration::ZERO).await, Err(RelayError::Unknown));
            assert_eq!(relay.revoke(credential).await, Err(RelayError::Unknown));
            assert_eq!(relay.commit(credential, &share.commit).await, Err(RelayError::Unknown));
            let part = share.parts[0].clone();
            let put = relay.put_part(credential, 0, Checksum::of(&part), part.into()).await;
            assert_eq!(put, Err(RelayError::Unknown));
            assert!(matches!(relay.get_part(credential, 0, 0).await, Err(RelayError::Unknown)));
        }
        // A link without a passphrase has no guesses to count, and never locks.
        for _ in 0..30 {
            assert_eq!(relay.manifest(&share.link(), &Token::random()).await, Err(RelayError::Unknown));
        }
        assert!(relay.manifest(&share.link(), share.proof()).await.is_ok(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_claimants_wins() {
    for bench in TestRelay::all() {
        let winners = winners(&bench).await;
        assert_eq!(winners.len(), 1, "{}", bench.name);
        assert!(bench.relay.get_part(&winners[0], 0, 0).await.is_ok(), "{}", bench.name);
    }
}

/// The devices that win, of 64 that claim a share at once.
async fn winners(bench: &TestRelay) -> Vec<share::relay::Credential> {
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let devices: Vec<_> = (0..64).map(|_| share.device()).collect();
    let link = share.link();
    let claims = devices.iter().map(|device| bench.relay.claim(&link, share.proof(), &device.token));
    let results = join_all(claims).await;
    let mut winners = Vec::new();
    for (result, device) in results.into_iter().zip(devices.clone()) {
        match result {
            Ok(_) => winners.push(device),
            Err(RelayError::Gone { how: Gone::AlreadyOpened, claimant: Some(_), .. }) => {}
            Err(error) => panic!("{}: {error:?}", bench.name),
        }
    }
    winners
}

/// A store that checks and then writes, which is not an exclusive creation.
struct CheckThenSet(Memory);

#[async_trait]
impl Store for CheckThenSet {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        if self.0.read(name, 0).await?.is_some() {
            return Ok(Created::Exists);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.0.delete(&[name.to_owned()]).await?;
        self.0.create(name, content).await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        self.0.read(name, offset).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.0.list(prefix, before).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        self.0.delete(names).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.0.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.0.keeps_versions(name).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_exclusive_creation_the_race_has_two_winners_and_the_probe_refuses_the_store() {
    let clock = TestClock::at(START);
    let store: Arc<dyn Store> = Arc::new(CheckThenSet(Memory::new(clock.clone(), u64::MAX)));
    let bench = TestRelay::over("check, then set", store, clock);
    assert!(winners(&bench).await.len() > 1, "the race test cannot see a broken store");
    let refused = bench.rules.probe().await.unwrap_err().to_string();
    assert!(refused.contains("twice"), "{refused}");
    let clock = TestClock::at(START);
    TestRelay::over("slow", Arc::new(Slow(Memory::new(clock.clone(), u64::MAX))), clock).rules.probe().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_a_store_falsely_calls_existing_is_written_again() {
    let clock = TestClock::at(START);
    let memory = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let faults = Arc::new(Faults::default());
    let store: Arc<dyn Store> = Arc::new(Faulty::new(memory.clone(), faults.clone()));
    let bench = TestRelay::over("conflicts", store, clock);
    // Each name is refused once, as if it existed.
    let refused = Mutex::new(BTreeSet::new());
    faults.plan(move |op| {
        let is_first = op.kind == Kind::Create && refused.lock().unwrap().insert(op.name.to_owned());
        is_first.then_some(Fault::Conflict)
    });
    let share = Sample::new(5000, false);
    bench.relay.create(&share.owner, &share.create).await.unwrap();
    assert_eq!(memory.list("due/", None).await.unwrap().len(), 1, "nobody would ever sweep it");
    let part = share.parts[0].clone();
    let put = async || bench.relay.put_part(&share.owner, 0, Checksum::of(&part), part.clone().into()).await;
    assert_eq!(put().await, Err(RelayError::BUSY), "it is not there");
    put().await.unwrap();
    assert_eq!(
        bench.relay.commit(&share.owner, &share.commit).await,
        Err(RelayError::BUSY),
        "its manifest is not there"
    );
    bench.relay.commit(&share.owner, &share.commit).await.unwrap();
    let device = share.device();
    bench.relay.claim(&share.link(), share.proof(), &device.token).await.unwrap();
    let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
    bench.relay.finish(&device, &receipt).await.unwrap();
    assert!(faults.clear() > 7);
    assert!(bench.data().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_holder_may_resume_a_claim() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(PART_LEN + 5, false);
        share.send(relay).await;
        let (ours, theirs, link) = (share.device(), share.device(), share.link());
        let claimant = ours.token.claimant(&share.keys.id);
        let until = Some(relay.claim(&link, share.proof(), &ours.token).await.unwrap().until);
        bench.clock.advance(3600);
        let expected = RelayError::Gone { how: Gone::AlreadyOpened, at: START, claimant: Some(claimant), until };
        assert_eq!(relay.claim(&link, share.proof(), &theirs.token).await, Err(expected.clone()));
        assert_eq!(relay.manifest(&link, share.proof()).await, Err(expected.clone()));
        assert_eq!(relay.notice(&link).await, Err(expected), "{}", bench.name);
        assert!(matches!(relay.get_part(&theirs, 0, 0).await, Err(RelayError::Unknown)));
        let receipt = Receipt::from_bytes([0; 32]);
        assert_eq!(relay.finish(&theirs, &receipt).await, Err(RelayError::Unknown));
        assert!(relay.claim(&link, share.proof(), &ours.token).await.is_ok());
        let rest = relay.get_part(&ours, 0, PART_LEN as u64 - 10).await.unwrap();
        assert_eq!(rest.known_len(), Some(10));
        assert_eq!(rest.whole().await.unwrap(), share.parts[0][PART_LEN - 10..], "{}", bench.name);
        let beyond = |number: u32, offset| relay.get_part(&ours, number, offset);
        for number in [2, 3, u32::MAX] {
            assert_eq!(beyond(number, 0).await.err(), Some(RelayError::BadRequest), "{}: {number}", bench.name);
        }
        let len = PART_LEN as u64;
        for (number, max, offset) in [(0, len, len), (0, len, 1 << 53), (0, len, u64::MAX), (1, 5, 5), (1, 5, len)] {
            let expected = Some(RelayError::OutOfRange { max });
            assert_eq!(beyond(number, offset).await.err(), expected, "{}: {number}, {offset}", bench.name);
        }
        // A finished share is never shown as resumable.
        relay.finish(&ours, &share.keys.receipt(&claimant)).await.unwrap();
        let expected = RelayError::Gone { how: Gone::AlreadyOpened, at: START, claimant: Some(claimant), until: None };
        assert_eq!(relay.notice(&link).await, Err(expected), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_different_wrong_passphrases_lock_a_share_and_a_repeated_one_does_not() {
    join_all(TestRelay::all().into_iter().map(async |bench| {
        let relay = &*bench.relay;
        let share = Sample::new(5000, true);
        share.send(relay).await;
        let link = share.link();
        for _ in 0..50 {
            relay.manifest(&link, share.proof()).await.unwrap();
        }
        let guesses = |status: share::relay::Status| status.guesses;
        let status = relay.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!(guesses(status), 1, "{}: the right one, fifty times", bench.name);
        let wrong: Vec<Token> = (0..19).map(|_| Token::random()).collect();
        for (left, guess) in (0..19).rev().zip(&wrong) {
            for _ in 0..3 {
                let expected = Err(RelayError::WrongPassphrase { left });
                assert_eq!(relay.manifest(&link, guess).await, expected, "{}", bench.name);
            }
        }
        assert!(relay.manifest(&link, share.proof()).await.is_ok(), "nineteen wrong ones don't lock it");
        let last = relay.claim(&link, &Token::random(), &Token::random()).await;
        assert_eq!(gone(last), Gone::Locked, "{}", bench.name);
        assert_eq!(gone(relay.claim(&link, share.proof(), &Token::random()).await), Gone::Locked);
        assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Locked);
        assert!(bench.data().await.is_empty(), "{}", bench.name);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_are_limited_to_twenty_comparisons() {
    for bench in TestRelay::all() {
        let share = Sample::new(5000, true);
        share.send(&*bench.relay).await;
        let link = share.link();
        let guesses: Vec<Token> = (0..200).map(|_| Token::random()).collect();
        let results = join_all(guesses.iter().map(|guess| bench.relay.manifest(&link, guess))).await;
        let compared = results.iter().filter(|result| matches!(result, Err(RelayError::WrongPassphrase { .. })));
        assert!(compared.count() <= 20, "{}", bench.name);
        assert_eq!(gone(bench.relay.manifest(&link, share.proof()).await), Gone::Locked, "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unopened_share_expires_and_is_swept() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        bench.clock.advance(5 * DAY);
        share.send(relay).await;
        bench.clock.advance(14 * DAY - 1);
        bench.rules.sweep().await.unwrap();
        assert!(relay.notice(&share.link()).await.is_ok(), "{}: the life begins at the seal", bench.name);
        bench.clock.advance(1);
        let claim = relay.claim(&share.link(), share.proof(), &Token::random()).await;
        assert_eq!(gone(claim), Gone::Expired, "{}", bench.name);
        let state = relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state;
        assert_eq!(state, ShareState::Waiting, "{}: somebody may be at the door", bench.name);
        bench.clock.advance(121);
        assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Expired);
        bench.rules.sweep().await.unwrap();
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        assert_eq!(gone(relay.notice(&share.link()).await), Gone::Expired);
        bench.clock.advance(29 * DAY);
        bench.rules.sweep().await.unwrap();
        assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Expired);
        bench.clock.advance(DAY + 500);
        bench.rules.sweep().await.unwrap();
        assert_eq!(relay.status(&share.owner, &[], Duration::ZERO).await, Err(RelayError::Unknown));
        bench.clock.advance(DAY);
        bench.rules.sweep().await.unwrap();
        assert!(bench.objects().await.is_empty(), "{}", bench.name);
        assert!(bench.store.list("due/", None).await.unwrap().is_empty(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_claim_lapses() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        share.send(relay).await;
        let (device, link) = (share.device(), share.link());
        relay.claim(&link, share.proof(), &device.token).await.unwrap();
        bench.clock.advance(DAY);
        assert!(matches!(gone(relay.get_part(&device, 0, 0).await), Gone::Lapsed));
        assert_eq!(gone(relay.claim(&link, share.proof(), &device.token).await), Gone::Lapsed);
        assert_eq!(gone(relay.finish(&device, &Receipt::from_bytes([0; 32])).await), Gone::Lapsed);
        assert_eq!(gone(relay.notice(&link).await), Gone::AlreadyOpened, "{}", bench.name);
        bench.clock.advance(121);
        bench.rules.sweep().await.unwrap();
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        let status = relay.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!((status.state, status.ended), (ShareState::Lapsed, Some(START + DAY)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_can_revoke_before_during_and_after_the_upload() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        share.put_all(relay).await;
        assert_eq!(relay.revoke(&share.owner).await, Ok(ShareState::Uploading));
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        assert_eq!(gone(relay.commit(&share.owner, &share.commit).await), Gone::Aborted);
        let part = share.parts[0].clone();
        assert_eq!(gone(relay.put_part(&share.owner, 0, Checksum::of(&part), part.into()).await), Gone::Aborted);
        assert!(bench.data().await.is_empty(), "{}", bench.name);

        let share = Sample::new(5000, false);
        share.send(relay).await;
        assert_eq!(relay.revoke(&share.owner).await, Ok(ShareState::Waiting));
        assert_eq!(gone(relay.claim(&share.link(), share.proof(), &Token::random()).await), Gone::Revoked);
        assert!(bench.data().await.is_empty(), "{}", bench.name);

        let share = Sample::new(5000, false);
        share.send(relay).await;
        let device = share.device();
        relay.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        assert_eq!(relay.revoke(&share.owner).await, Ok(ShareState::Claimed));
        assert_eq!(gone(relay.get_part(&device, 0, 0).await), Gone::Revoked);
        assert_eq!(gone(relay.finish(&device, &Receipt::from_bytes([0; 32])).await), Gone::Revoked);
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        let status = relay.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!((status.state, status.claimed), (ShareState::Revoked, Some(START)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_upload_cannot_be_committed() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(2 * PART_LEN + 100, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        let put = async |number: usize, part: &Bytes| {
            let number_on_wire = u32::try_from(number).unwrap();
            relay.put_part(&share.owner, number_on_wire, Checksum::of(part), part.clone().into()).await
        };
        for missing in 0..3 {
            assert_eq!(relay.commit(&share.owner, &share.commit).await, Err(RelayError::PartsMissing));
            put(missing, &share.parts[missing]).await.unwrap();
        }
        let mut wrong = share.commit.clone();
        wrong.blob_len -= 1;
        assert_eq!(relay.commit(&share.owner, &wrong).await, Err(RelayError::PartsMissing), "{}", bench.name);
        wrong.blob_len = 5;
        assert_eq!(relay.commit(&share.owner, &wrong).await, Err(RelayError::BadRequest));
        let other = Bytes::from_static(b"other bytes");
        assert_eq!(put(2, &other).await, Err(RelayError::PartDiffers), "{}: a part is written once", bench.name);
        relay.commit(&share.owner, &share.commit).await.unwrap();
        assert_eq!(put(2, &other).await, Err(RelayError::Committed));
        assert_eq!(put(3, &other).await, Err(RelayError::Committed));
        let mut changed = share.commit.clone();
        changed.parts.swap(0, 1);
        assert_eq!(relay.commit(&share.owner, &changed).await, Err(RelayError::Committed), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupted_part_is_refused_and_leaves_nothing() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(600_000, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        let mut corrupted = share.parts[0].to_vec();
        corrupted[300_000] ^= 1;
        let put = relay.put_part(&share.owner, 0, Checksum::of(&share.parts[0]), Bytes::from(corrupted).into()).await;
        assert_eq!(put, Err(RelayError::BadChecksum), "{}", bench.name);
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        share.put_all(relay).await;
        relay.commit(&share.owner, &share.commit).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_checked_before_anything_is_stored() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        let mut create = share.create.clone();
        create.ttl = 91 * DAY;
        assert_eq!(relay.create(&share.owner, &create).await, Err(RelayError::TooLongLived { max: 90 * DAY }));
        create.ttl = 59;
        assert_eq!(relay.create(&share.owner, &create).await, Err(RelayError::BadRequest));
        create = share.create.clone();
        create.max_len = Some((4 << 30) + 1);
        assert_eq!(relay.create(&share.owner, &create).await, Err(RelayError::TooLarge { max: 4 << 30 }));
        create = share.create.clone();
        create.flags = 0x80;
        assert_eq!(relay.create(&share.owner, &create).await, Err(RelayError::BadRequest));
        assert!(bench.objects().await.is_empty(), "{}", bench.name);
        relay.create(&share.owner, &share.create).await.unwrap();
        let part = Bytes::from_static(b"x");
        let far = relay.put_part(&share.owner, 1024, Checksum::of(&part), part.into()).await;
        assert_eq!(far, Err(RelayError::TooLarge { max: 4 << 30 }), "{}", bench.name);
        let other = Sample { keys: share.keys, ..Sample::new(5000, false) };
        let mut taken = other.create.clone();
        taken.verifiers.own = other.owner.token.verifier(share::secret::Role::Owner, &other.keys.id);
        let owner = share::relay::Credential::new(other.keys.id, other.owner.token.clone());
        assert_eq!(relay.create(&owner, &taken).await, Err(RelayError::IdTaken), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_upload_is_swept_with_its_late_parts() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(PART_LEN + 5, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        let put = async |number: usize| {
            let part = share.parts[number].clone();
            relay.put_part(&share.owner, u32::try_from(number).unwrap(), Checksum::of(&part), part.into()).await
        };
        put(0).await.unwrap();
        bench.clock.advance(DAY);
        bench.rules.sweep().await.unwrap();
        put(1).await.unwrap();
        bench.clock.advance(121);
        bench.rules.sweep().await.unwrap();
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        assert_eq!(gone(put(1).await), Gone::Aborted, "{}", bench.name);
        assert!(bench.data().await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_sender_gets_a_change_at_once() {
    join_all(TestRelay::all().into_iter().map(async |bench| {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        share.send(relay).await;
        let wait = Duration::from_secs(20);
        let (link, device) = (share.link(), share.device());
        let (status, _) = tokio::join!(
            relay.status(&share.owner, &[ShareState::Waiting], wait),
            relay.claim(&link, share.proof(), &device.token)
        );
        assert_eq!(status.unwrap().state, ShareState::Claimed, "{}", bench.name);
        let same = relay.status(&share.owner, &[ShareState::Claimed], Duration::ZERO).await.unwrap();
        assert_eq!(same.state, ShareState::Claimed);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_neither_claims_nor_sweeps() {
    let store_clock = TestClock::at(START);
    let store: Arc<dyn Store> = Arc::new(Memory::new(store_clock.clone(), u64::MAX));
    let clock = TestClock::at(START);
    let bench = TestRelay::over("memory", store.clone(), clock.clone());
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    clock.advance(30 * DAY);
    assert!(bench.rules.probe().await.unwrap_err().to_string().contains("clock"));
    bench.rules.check_clock().await.unwrap();
    assert_eq!(bench.rules.sweep().await, Err(RelayError::BUSY));
    store_clock.advance(30 * DAY);
    bench.rules.check_clock().await.unwrap();
    assert!(bench.rules.sweep().await.is_ok());

    let share = Sample::new(5000, false);
    let early = TestClock::at(clock.now() - 3600);
    let node = StoreRelay::new(store, early, Policy { reserve: Some(0), ..Policy::default() });
    share.send(&*bench.relay).await;
    node.check_clock().await.unwrap();
    let claim = node.claim(&share.link(), share.proof(), &Token::random()).await;
    assert_eq!(claim, Err(RelayError::BUSY));
    assert!(bench.relay.claim(&share.link(), share.proof(), &Token::random()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_opener_and_sweeper_at_once_have_one_outcome() {
    for bench in [TestRelay::slow_memory(), TestRelay::folder()] {
        for _ in 0..30 {
            let share = Sample::new(5000, false);
            share.send(&*bench.relay).await;
            bench.clock.advance(14 * DAY - 1);
            let (link, device) = (share.link(), share.device());
            let late = async {
                bench.clock.advance(200);
                bench.rules.sweep().await.unwrap();
            };
            let (claim, revoke, ()) = tokio::join!(
                bench.relay.claim(&link, share.proof(), &device.token),
                bench.relay.revoke(&share.owner),
                late
            );
            bench.clock.advance(200);
            bench.rules.sweep().await.unwrap();
            let status = bench.relay.status(&share.owner, &[], Duration::ZERO).await.unwrap();
            match (&claim, status.state) {
                // Claimed first, and then revoked during the opening or not.
                (Ok(_), ShareState::Revoked) => assert_eq!(revoke, Ok(ShareState::Claimed)),
                (Err(RelayError::Gone { how: Gone::Revoked, .. }), ShareState::Revoked) => {
                    assert_eq!(revoke, Ok(ShareState::Waiting));
                }
                (Err(RelayError::Gone { how: Gone::Expired, .. }), ShareState::Expired) => {
                    assert_eq!(revoke, Ok(ShareState::Expired));
                }
                // Refused by the clock, or lost, as a second look at the records shows.
                (Err(RelayError::Gone { .. } | RelayError::Busy { .. }), ShareState::Expired | ShareState::Revoked) => {
                }
                other => panic!("{}: {other:?}, {revoke:?}", bench.name),
            }
            assert!(bench.data().await.is_empty(), "{}", bench.name);
        }
    }
}

#[test]
fn claimants_are_compared_and_not_printed() {
    let claimant = Claimant::from_bytes([3; 32]);
    assert_eq!(format!("{claimant:?}"), "Claimant(…)");
    assert_eq!(format!("{:?}", Token::from_bytes([3; 32])), "Token(…)");
}

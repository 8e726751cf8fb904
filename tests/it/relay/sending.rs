//! Answers about content that differs, limits, and shares that have ended, over every store, alone and behind servers.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use share::blob::PART_LEN;
use share::relay::rules::{Policy, StoreRelay};
use share::relay::{Checksum, Commit, Content, Gone, MAX_SEALED_MANIFEST, Relay, RelayError, ShareState};
use share::secret::{Receipt, Token};

use crate::support::{Sample, TestRelay};

/// Another encrypted manifest for the same parts.
fn other_manifest(commit: &Commit) -> Commit {
    Commit { manifest: Bytes::from_static(b"another manifest"), ..commit.clone() }
}

async fn put(relay: &dyn Relay, share: &Sample, number: u32, crc: Checksum, part: &Bytes) -> Result<(), RelayError> {
    relay.put_part(&share.owner, number, crc, part.clone().into()).await
}

async fn deposit(relay: &dyn Relay, share: &Sample, commit: &Commit, part: &Bytes) -> Result<(), RelayError> {
    relay.deposit(&share.owner, &share.create, commit, part.clone().into()).await.map(drop)
}

/// The bytes of a part, one of which was damaged.
fn damaged(part: &Bytes) -> Bytes {
    let mut bytes = part.to_vec();
    bytes[part.len() / 2] ^= 1;
    bytes.into()
}

/// The same bytes, of unknown length.
fn in_chunks(bytes: &Bytes) -> Content {
    let chunks: Vec<_> = bytes.chunks(60_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Content::Unsized(stream::iter(chunks).boxed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_with_another_manifest_is_sealed() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        share.send(relay).await;
        let other = other_manifest(&share.commit);
        assert_eq!(relay.commit(&share.owner, &other).await, Err(RelayError::Committed), "{}", bench.name);
        assert_eq!(deposit(relay, &share, &other, &share.parts[0]).await, Err(RelayError::Committed), "{}", bench.name);
        // After a restart, or on another node.
        let policy = Policy { reserve: Some(0), ..Policy::default() };
        let node = StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy);
        assert_eq!(node.commit(&share.owner, &other).await, Err(RelayError::Committed), "{}", bench.name);
        assert_eq!(deposit(&node, &share, &other, &share.parts[0]).await, Err(RelayError::Committed));
        assert!(relay.commit(&share.owner, &share.commit).await.is_ok());
        assert_eq!(deposit(&node, &share, &share.commit, &share.parts[0]).await, Ok(()), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_manifests_at_once_one_is_committed() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        for _ in 0..5 {
            let share = Sample::new(5000, false);
            relay.create(&share.owner, &share.create).await.unwrap();
            share.put_all(relay).await;
            let commits = [share.commit.clone(), other_manifest(&share.commit)];
            let answers =
                join_all(commits.iter().cycle().take(6).map(|commit| relay.commit(&share.owner, commit))).await;
            let shown = relay.manifest(&share.link(), share.proof()).await.unwrap().manifest;
            for (answer, commit) in answers.into_iter().zip(commits.iter().cycle()) {
                let is_shown = commit.manifest == shown;
                assert!(
                    answer.as_ref().is_ok_and(|_| is_shown) || (answer == Err(RelayError::Committed) && !is_shown),
                    "{}: {answer:?}, {is_shown}",
                    bench.name
                );
            }
        }
    }
}

/// The record of a node that does not know the hash of the manifest.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_an_older_node_is_compared_by_the_stored_manifest() {
    for bench in TestRelay::all() {
        let share = Sample::new(5000, false);
        share.send(&*bench.relay).await;
        let name = format!("v1/{}/seal", share.keys.id.hex());
        let seal = bench.store.read(&name, 0).await.unwrap().unwrap().whole().await.unwrap();
        let mut seal: serde_json::Value = serde_json::from_slice(&seal).unwrap();
        seal.as_object_mut().unwrap().remove("manifest").expect("a hash");
        bench.store.delete(std::slice::from_ref(&name)).await.unwrap();
        bench.store.create(&name, Bytes::from(seal.to_string()).into()).await.unwrap();
        let policy = Policy { reserve: Some(0), ..Policy::default() };
        let node = StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy);
        let other = other_manifest(&share.commit);
        assert_eq!(node.commit(&share.owner, &other).await, Err(RelayError::Committed), "{}", bench.name);
        assert_eq!(deposit(&node, &share, &other, &share.parts[0]).await, Err(RelayError::Committed));
        assert!(node.commit(&share.owner, &share.commit).await.is_ok(), "{}", bench.name);
        assert_eq!(deposit(&node, &share, &share.commit, &share.parts[0]).await, Ok(()), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_misses_parts_does_not_fix_its_manifest() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        let early = relay.commit(&share.owner, &other_manifest(&share.commit)).await;
        assert_eq!(early, Err(RelayError::PartsMissing), "{}", bench.name);
        share.put_all(relay).await;
        assert!(relay.commit(&share.owner, &share.commit).await.is_ok(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_part_that_does_not_fit_its_checksum_is_refused() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(300_000, false);
        let (part, crc) = (&share.parts[0], share.commit.parts[0]);
        relay.create(&share.owner, &share.create).await.unwrap();
        share.put_all(relay).await;
        let damaged = damaged(part);
        let refused = Err(RelayError::BadChecksum);
        assert_eq!(put(relay, &share, 0, crc, &damaged).await, refused, "{}: stored", bench.name);
        assert_eq!(put(relay, &share, 0, crc, part).await, Ok(()), "{}", bench.name);
        relay.commit(&share.owner, &share.commit).await.unwrap();
        assert_eq!(put(relay, &share, 0, crc, &damaged).await, refused, "{}: committed", bench.name);
        assert_eq!(deposit(relay, &share, &share.commit, &damaged).await, refused, "{}", bench.name);
        assert_eq!(put(relay, &share, 0, crc, part).await, Ok(()), "{}", bench.name);
        assert_eq!(deposit(relay, &share, &share.commit, part).await, Ok(()), "{}", bench.name);
        assert_eq!(relay.put_part(&share.owner, 0, crc, in_chunks(&damaged)).await, refused, "{}", bench.name);
        assert_eq!(relay.put_part(&share.owner, 0, crc, in_chunks(part)).await, Ok(()), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_for_a_part_are_part_differs_before_the_commit_and_sealed_after_it() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        share.put_all(relay).await;
        let other = Bytes::from_static(b"other bytes");
        let policy = Policy { reserve: Some(0), ..Policy::default() };
        let node = StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy);
        let crc = Checksum::of(&other);
        for relay in [relay, &node] {
            assert_eq!(put(relay, &share, 0, crc, &other).await, Err(RelayError::PartDiffers), "{}", bench.name);
        }
        relay.commit(&share.owner, &share.commit).await.unwrap();
        for relay in [relay, &node] {
            assert_eq!(put(relay, &share, 0, crc, &other).await, Err(RelayError::Committed), "{}", bench.name);
            assert_eq!(put(relay, &share, 1, crc, &other).await, Err(RelayError::Committed), "{}", bench.name);
        }
        assert_eq!(bench.data().await.len(), 2, "{}: a part and a manifest", bench.name);
    }
}

/// Two parts of different lengths with one checksum: the second is the first, and four bytes that restore the checksum.
#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_with_the_same_checksum_are_another_part() {
    let share = Sample::new(5000, false);
    let (part, crc) = (&share.parts[0], share.commit.parts[0]);
    let longer = with_checksum(part, crc);
    assert_eq!((Checksum::of(&longer), longer.len()), (crc, part.len() + 4));
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        relay.create(&share.owner, &share.create).await.unwrap();
        share.put_all(relay).await;
        let policy = Policy { reserve: Some(0), ..Policy::default() };
        let node = StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy);
        for relay in [relay, &node] {
            assert_eq!(put(relay, &share, 0, crc, &longer).await, Err(RelayError::PartDiffers), "{}", bench.name);
            let chunked = relay.put_part(&share.owner, 0, crc, in_chunks(&longer)).await;
            assert_eq!(chunked, Err(RelayError::PartDiffers), "{}", bench.name);
        }
        relay.commit(&share.owner, &share.commit).await.unwrap();
        for relay in [relay, &node] {
            assert_eq!(put(relay, &share, 0, crc, &longer).await, Err(RelayError::Committed), "{}", bench.name);
            assert_eq!(deposit(relay, &share, &share.commit, &longer).await, Err(RelayError::Committed));
        }
    }
}

/// `bytes` and four more, with the checksum `crc`: CRC-32C is linear in the last four bytes.
fn with_checksum(bytes: &[u8], crc: Checksum) -> Bytes {
    let value = |crc: Checksum| u32::from_str_radix(&crc.to_string(), 16).unwrap();
    let sum = |last: u32| value(Checksum::of(&[bytes, &last.to_le_bytes()].concat()));
    let (zero, wanted) = (sum(0), value(crc));
    // Gaussian elimination over the effects of each bit.
    let mut rows: Vec<(u32, u32)> = (0..32).map(|bit| (sum(1 << bit) ^ zero, 1 << bit)).collect();
    let (mut left, mut last) = (wanted ^ zero, 0);
    for bit in 0..32 {
        let Some(at) = rows.iter().position(|(effect, _)| effect & (1 << bit) != 0) else { continue };
        let (effect, bits) = rows.swap_remove(at);
        for row in rows.iter_mut().filter(|row| row.0 & (1 << bit) != 0) {
            *row = (row.0 ^ effect, row.1 ^ bits);
        }
        if left & (1 << bit) != 0 {
            (left, last) = (left ^ effect, last ^ bits);
        }
    }
    assert_eq!(left, 0);
    [bytes, &last.to_le_bytes()].concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_learns_how_the_share_has_ended_from_every_request() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let ends = async |share: &Sample| {
            let answers = [
                relay.create(&share.owner, &share.create).await,
                put(relay, share, 0, share.commit.parts[0], &share.parts[0]).await,
                put(relay, share, 1, Checksum::of(b"x"), &Bytes::from_static(b"x")).await,
                relay.commit(&share.owner, &share.commit).await.map(drop),
                deposit(relay, share, &share.commit, &share.parts[0]).await,
            ];
            answers.map(|answer| match answer {
                Err(RelayError::Gone { how, .. }) => how,
                other => panic!("{}: {other:?}", bench.name),
            })
        };
        let uploading = Sample::new(5000, false);
        relay.create(&uploading.owner, &uploading.create).await.unwrap();
        relay.revoke(&uploading.owner).await.unwrap();
        assert_eq!(ends(&uploading).await, [Gone::Aborted; 5], "{}", bench.name);

        let revoked = Sample::new(5000, false);
        revoked.send(relay).await;
        relay.revoke(&revoked.owner).await.unwrap();
        assert_eq!(ends(&revoked).await, [Gone::Revoked; 5], "{}", bench.name);

        let finished = Sample::new(5000, false);
        finished.send(relay).await;
        let device = finished.device();
        relay.claim(&finished.link(), finished.proof(), &device.token).await.unwrap();
        // A claimed share has not ended.
        assert!(relay.commit(&finished.owner, &finished.commit).await.is_ok(), "{}", bench.name);
        relay.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
        assert_eq!(ends(&finished).await, [Gone::AlreadyOpened; 5], "{}", bench.name);

        let taken_back = Sample::new(5000, false);
        taken_back.send(relay).await;
        relay.claim(&taken_back.link(), taken_back.proof(), &device.token).await.unwrap();
        relay.revoke(&taken_back.owner).await.unwrap();
        assert_eq!(ends(&taken_back).await, [Gone::Revoked; 5], "{}", bench.name);

        let (expired, lapsed) = (Sample::new(5000, false), Sample::new(5000, false));
        expired.send(relay).await;
        lapsed.send(relay).await;
        relay.claim(&lapsed.link(), lapsed.proof(), &device.token).await.unwrap();
        bench.clock.advance(14 * 86_400);
        for swept in [false, true] {
            if swept {
                bench.clock.advance(121);
                bench.rules.sweep().await.unwrap();
            }
            assert_eq!(ends(&expired).await, [Gone::Expired; 5], "{}", bench.name);
            assert_eq!(ends(&lapsed).await, [Gone::Lapsed; 5], "{}", bench.name);
        }
        assert!(bench.data().await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_is_refused_with_the_limit_that_it_exceeds() {
    for bench in TestRelay::all() {
        let relay = &*bench.relay;
        let share = Sample::new(5000, false);
        relay.create(&share.owner, &share.create).await.unwrap();
        let long = Bytes::from(vec![0; PART_LEN + 1]);
        let crc = Checksum::of(&long);
        let too_large = |max: u64| Err(RelayError::TooLarge { max });
        assert_eq!(put(relay, &share, 0, crc, &long).await, too_large(PART_LEN as u64), "{}", bench.name);
        assert_eq!(put(relay, &share, 1023, crc, &long).await, too_large(PART_LEN as u64), "{}", bench.name);
        let one = Bytes::from_static(b"x");
        for number in [1024, u32::MAX] {
            assert_eq!(
                put(relay, &share, number, Checksum::of(&one), &one).await,
                too_large(4 << 30),
                "{}",
                bench.name
            );
        }
        let empty = put(relay, &share, 0, Checksum::of(b""), &Bytes::new()).await;
        assert_eq!(empty, Err(RelayError::EmptyPart), "{}", bench.name);
        assert!(bench.data().await.is_empty(), "{}", bench.name);
        let blob_len = (4 << 30) + 1;
        let parts = vec![crc; 1025];
        let commit = Commit { blob_len, parts, ..share.commit.clone() };
        assert_eq!(relay.commit(&share.owner, &commit).await.map(drop), too_large(4 << 30), "{}", bench.name);
        let manifest = Bytes::from(vec![0; MAX_SEALED_MANIFEST + 1]);
        let commit = Commit { manifest, ..share.commit.clone() };
        assert_eq!(
            relay.commit(&share.owner, &commit).await.map(drop),
            too_large(MAX_SEALED_MANIFEST as u64),
            "{}",
            bench.name
        );
        assert!(bench.data().await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_link_is_refused_by_a_relay_and_accepted_by_a_senders_own_computer() {
    for bench in TestRelay::all() {
        let share = Sample::new(5000, false);
        for flags in [2, 3] {
            let mut create = share.create.clone();
            create.flags = flags;
            let created = bench.relay.create(&share.owner, &create).await;
            assert_eq!(created, Err(RelayError::BadRequest), "{}", bench.name);
            assert!(bench.objects().await.is_empty(), "{}", bench.name);
        }
        let policy = Policy { reserve: Some(0), direct: true, ..Policy::default() };
        let host = StoreRelay::new(bench.store.clone(), bench.clock.clone(), policy);
        let mut create = share.create.clone();
        create.flags = 2;
        host.create(&share.owner, &create).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_share_shows_twenty_guesses_and_what_is_left_never_rises() {
    join_all(TestRelay::all().into_iter().map(async |bench| {
        let relay = &*bench.relay;
        let share = Sample::new(5000, true);
        share.send(relay).await;
        let (link, first) = (share.link(), Token::random());
        let left = async |proof: &Token| match relay.manifest(&link, proof).await {
            Err(RelayError::WrongPassphrase { left }) => left,
            other => panic!("{}: {other:?}", bench.name),
        };
        assert_eq!(left(&first).await, 19, "{}", bench.name);
        for expected in (0..19).rev() {
            assert_eq!(left(&Token::random()).await, expected, "{}", bench.name);
            assert_eq!(left(&first).await, expected, "{}: of a repeated proof", bench.name);
        }
        let locked = relay.manifest(&link, &Token::random()).await;
        assert!(matches!(locked, Err(RelayError::Gone { how: Gone::Locked, .. })), "{}: {locked:?}", bench.name);
        let status = relay.status(&share.owner, &[], std::time::Duration::ZERO).await.unwrap();
        assert_eq!((status.state, status.guesses), (ShareState::Locked, 20), "{}", bench.name);
    }))
    .await;
}

//! Limits of create tokens for one day, which are counted in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use share::relay::rules::{Policy, StoreRelay};
use share::relay::server::{self, CreatePolicy, CreateToken, CreateTokens, ServerOptions};
use share::relay::store::Store;
use share::relay::store::folder::{Folder, Sharing};
use share::relay::store::memory::Memory;
use share::relay::{Account, AccountKey, AccountLimits, Allowance, Daily, Left, Relay, RelayError, ShareState, V1};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::{Sample, TestClock, TestRelay, TestS3, client_of};

pub(super) const DAY: u64 = 86_400;
/// The middle of a day.
pub(super) const NOON: u64 = 4_102_444_800 + DAY / 2;
const TOKEN: &str = "0123456789abcdef-anna";
pub(super) const MIB: usize = 1 << 20;

fn token(limits: AccountLimits) -> CreateToken {
    CreateToken { limits, ..CreateToken::unlimited(TOKEN) }
}

fn account(limits: AccountLimits) -> Account {
    Account { key: AccountKey::of(&CreateToken::hash(TOKEN)), limits }
}

pub(super) fn shares(count: u64) -> AccountLimits {
    AccountLimits { shares_a_day: Some(count), ..AccountLimits::default() }
}

pub(super) fn bytes(len: usize) -> AccountLimits {
    AccountLimits { bytes_a_day: Some(len as u64), ..AccountLimits::default() }
}

/// A share of an account, as a server passes it on.
pub(super) fn sample(limits: AccountLimits, blob_len: usize, announced: Option<usize>) -> Sample {
    let mut sample = Sample::new(blob_len, false);
    sample.create.account = Some(account(limits));
    sample.create.max_len = announced.map(|len| len as u64);
    sample
}

/// Sends a share in one request.
pub(super) async fn deposit(relay: &dyn Relay, sample: &Sample) -> Result<Option<Left>, RelayError> {
    let part = sample.parts[0].clone().into();
    relay.deposit(&sample.owner, &sample.create, &sample.commit, part).await.map(|committed| committed.left)
}

pub(super) fn is_quota(answer: &Result<impl Sized, RelayError>, what: Daily) -> bool {
    matches!(answer, Err(RelayError::Quota { what: Some(found), .. }) if *found == what)
}

/// The names of the objects that count, without their directories.
pub(super) async fn counted(store: &dyn Store) -> Vec<String> {
    let objects = store.list("used/", None).await.unwrap();
    objects.into_iter().map(|object| object.name.rsplit('/').next().unwrap_or_default()[33..].to_owned()).collect()
}

pub(super) fn rules(store: &Arc<dyn Store>, clock: &Arc<TestClock>) -> Arc<StoreRelay> {
    let policy = Policy { reserve: Some(0), ..Policy::default() };
    Arc::new(StoreRelay::new(store.clone(), clock.clone(), policy))
}

pub(super) fn memory() -> (Arc<dyn Store>, Arc<TestClock>) {
    let clock = TestClock::at(NOON);
    (Arc::new(Memory::new(clock.clone(), u64::MAX)), clock)
}

/// A relay of several over one store.
struct Node {
    client: Arc<dyn Relay>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Node {
    fn start(store: &Arc<dyn Store>, clock: &Arc<TestClock>, tokens: Vec<CreateToken>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client_of(&format!("http://{}/", listener.local_addr().unwrap()));
        let create = CreatePolicy::Tokens(CreateTokens::with_clock(tokens, clock.clone()));
        let options = ServerOptions { create, ..ServerOptions::default() };
        let server = tokio::spawn(server::serve(rules(store, clock), listener, options, std::future::pending()));
        Self { client, server }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A share of a client with the token.
fn of_client(blob_len: usize) -> Sample {
    let mut sample = Sample::new(blob_len, false);
    sample.create.create_token = Some(TOKEN.to_owned());
    sample
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_token_hold_over_three_nodes_and_a_restart() {
    const LIMIT: usize = 24;
    const SENDERS: usize = 4;
    let (directory, s3) = (TempDir::new().unwrap(), TestS3::start_at(TestClock::at(NOON)));
    let folder = Folder::open(&directory.path().join("store"), Sharing::WithOthers).unwrap();
    for store in [Arc::new(folder) as Arc<dyn Store>, Arc::new(s3.bucket("shares"))] {
        let clock = TestClock::at(NOON);
        let start = || Node::start(&store, &clock, vec![token(shares(LIMIT as u64))]);
        let mut nodes = [(); 3].map(|()| start());
        let sent = Arc::new(AtomicUsize::new(0));
        let send = |client: &Arc<dyn Relay>, until: usize| {
            let (client, sent) = (client.clone(), sent.clone());
            async move {
                while sent.load(Ordering::SeqCst) < until {
                    match deposit(&*client, &of_client(4096)).await {
                        Ok(_) => sent.fetch_add(1, Ordering::SeqCst),
                        answer if is_quota(&answer, Daily::Shares) => return,
                        answer => panic!("{answer:?}"),
                    };
                }
            }
        };
        for until in [LIMIT / 2, usize::MAX] {
            let mut senders = JoinSet::new();
            for node in &nodes {
                (0..SENDERS).for_each(|_| drop(senders.spawn(send(&node.client, until))));
            }
            senders.join_all().await;
            // Half of the limit is used by now, or all of it.
            nodes[1] = start();
        }
        let sent = sent.load(Ordering::SeqCst);
        assert!((LIMIT..=LIMIT + 2 * SENDERS).contains(&sent), "{sent}: what two nodes accept at once");
        assert_eq!(counted(&*store).await.len(), sent);
        for node in &nodes {
            assert!(is_quota(&deposit(&*node.client, &of_client(4096)).await, Daily::Shares));
        }
        clock.advance(DAY);
        // One after the other, the limit is exact.
        for number in 0..LIMIT {
            let left = deposit(&*nodes[number % 3].client, &of_client(4096)).await.unwrap().unwrap();
            assert_eq!(left.shares, Some((LIMIT - 1 - number) as u64));
            assert_eq!((left.shares_a_day, left.resets), (Some(LIMIT as u64), NOON + DAY + DAY / 2));
        }
        let refused = deposit(&*nodes[1].client, &of_client(4096)).await;
        let until = Some(NOON + DAY + DAY / 2);
        assert_eq!(refused, Err(RelayError::Quota { what: Some(Daily::Shares), max: LIMIT as u64, until }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_takes_what_it_announced_and_its_commit_corrects_that() {
    let (store, clock) = memory();
    let (one, other) = (rules(&store, &clock), rules(&store, &clock));
    let limits = bytes(10 * MIB);
    let first = sample(limits, 5 * MIB, Some(8 * MIB));
    for relay in [&one, &one, &other] {
        relay.create(&first.owner, &first.create).await.unwrap();
    }
    assert_eq!(counted(&*store).await, [format!("{}", 8 * MIB)], "a repetition counts nothing");
    let second = sample(limits, 3 * MIB, Some(3 * MIB));
    let refused = other.create(&second.owner, &second.create).await;
    let until = Some(NOON + DAY / 2);
    assert_eq!(refused, Err(RelayError::Quota { what: Some(Daily::Bytes), max: 10 << 20, until }));
    assert_eq!(other.status(&second.owner, &[], std::time::Duration::ZERO).await.map(drop), Err(RelayError::Unknown));
    first.put_all(&*other).await;
    let left = other.commit(&first.owner, &first.commit).await.unwrap().left.unwrap();
    assert_eq!((left.bytes, left.bytes_a_day), (Some(5 << 20), Some(10 << 20)));
    assert_eq!(one.commit(&first.owner, &first.commit).await.map(drop), Ok(()), "repeated at a node that restarted");
    one.create(&second.owner, &second.create).await.unwrap();
    // A share that is revoked still counts.
    assert_eq!(one.revoke(&second.owner).await, Ok(ShareState::Uploading));
    assert!(is_quota(&deposit(&*other, &sample(limits, 3 * MIB, None)).await, Daily::Bytes));
    deposit(&*other, &sample(limits, 2 * MIB, None)).await.unwrap();
    assert!(is_quota(&deposit(&*one, &sample(limits, 4096, None)).await, Daily::Bytes));
    assert_eq!(store.list("used/", None).await.unwrap().iter().map(|object| object.len).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_unknown_length_takes_more_as_it_grows() {
    let (store, clock) = memory();
    let (one, other) = (rules(&store, &clock), rules(&store, &clock));
    let limits = bytes(30 * MIB);
    let first = sample(limits, 22 * MIB, None);
    one.create(&first.owner, &first.create).await.unwrap();
    assert_eq!(counted(&*store).await, ["4096"]);
    for (number, part) in (0..).zip(&first.parts) {
        let relay = if number % 2 == 0 { &one } else { &other };
        let crc = first.commit.parts[number as usize];
        relay.put_part(&first.owner, number, crc, part.clone().into()).await.unwrap();
    }
    let taken = counted(&*store).await;
    assert!(taken.len() == 3 && taken.contains(&(30 * MIB).to_string()), "all that is left: {taken:?}");
    one.commit(&first.owner, &first.commit).await.unwrap();
    // The second lies about its length, and does not get more than the limit.
    let second = sample(limits, 12 * MIB, Some(4096));
    other.create(&second.owner, &second.create).await.unwrap();
    let put = async |number: u32| {
        let at = number as usize;
        other.put_part(&second.owner, number, second.commit.parts[at], second.parts[at].clone().into()).await
    };
    put(0).await.unwrap();
    put(1).await.unwrap();
    assert!(is_quota(&put(2).await, Daily::Bytes));
    let commit = share::relay::Commit { blob_len: 8 << 20, parts: second.commit.parts[..2].to_vec(), ..second.commit };
    let left = one.commit(&second.owner, &commit).await.unwrap().left.unwrap();
    assert_eq!(left.bytes, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_counts_on_the_day_on_which_it_was_announced() {
    let (store, clock) = memory();
    let relay = rules(&store, &clock);
    let limits = AccountLimits { bytes_a_day: Some(4 << 20), shares_a_day: Some(1), max_size: None };
    let late = sample(limits, 2 * MIB, Some(3 * MIB));
    clock.advance(DAY / 2 - 60);
    relay.create(&late.owner, &late.create).await.unwrap();
    clock.advance(120);
    let [early, next] = [(); 2].map(|()| sample(limits, MIB, None));
    deposit(&*relay, &early).await.unwrap();
    assert!(is_quota(&deposit(&*relay, &next).await, Daily::Shares));
    // Its answer was lost. It is there, so the limit of the new day does not matter.
    relay.create(&late.owner, &late.create).await.unwrap();
    late.put_all(&*relay).await;
    assert_eq!(relay.commit(&late.owner, &late.commit).await.unwrap().left, None, "it says nothing about today");
    let days = store.list("used/", None).await.unwrap();
    let of_day = |day: &str| days.iter().filter(|object| object.name.starts_with(&format!("used/{day}/"))).count();
    assert_eq!((of_day("21000101"), of_day("21000102")), (2, 1), "{days:?}");
    clock.advance(DAY);
    deposit(&*relay, &next).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_old_days_are_deleted_when_their_uploads_have_ended() {
    for relay in [TestRelay::memory(), TestRelay::folder(), TestRelay::bucket()] {
        let rules = &relay.rules;
        // The clock of all kinds begins with a day.
        for _ in 0..3 {
            deposit(&**rules, &sample(shares(9), 4096, None)).await.unwrap();
            relay.clock.advance(DAY);
        }
        let days = async || {
            rules.sweep().await.unwrap();
            counted(&*relay.store).await.len()
        };
        assert_eq!(days().await, 3, "{}", relay.name);
        relay.clock.advance(5 * DAY - 1);
        assert_eq!(days().await, 3, "{}: a clock may be ahead for days", relay.name);
        relay.clock.advance(1);
        assert_eq!(days().await, 2, "{}", relay.name);
        relay.clock.advance(7 * DAY);
        assert_eq!(days().await, 0, "{}", relay.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_share_of_a_token_is_that_of_its_limits() {
    let (store, clock) = memory();
    let relay = rules(&store, &clock);
    let limits = AccountLimits { max_size: Some(5 << 20), bytes_a_day: Some(6 << 20), shares_a_day: None };
    let max = RelayError::TooLarge { max: 5 << 20 };
    let long = sample(limits, 6 * MIB, Some(6 * MIB));
    assert_eq!(relay.create(&long.owner, &long.create).await, Err(max.clone()));
    let unannounced = sample(limits, 6 * MIB, None);
    relay.create(&unannounced.owner, &unannounced.create).await.unwrap();
    let put = async |number: u32| {
        let (at, owner) = (number as usize, &unannounced.owner);
        relay.put_part(owner, number, unannounced.commit.parts[at], unannounced.parts[at].clone().into()).await
    };
    put(0).await.unwrap();
    assert_eq!(put(1).await, Err(max.clone()));
    assert_eq!(relay.commit(&unannounced.owner, &unannounced.commit).await.map(drop), Err(max));
    // No share can be longer than a whole day's bytes.
    let daily = sample(bytes(MIB), 2 * MIB, None);
    assert_eq!(deposit(&*relay, &daily).await.map(drop), Err(RelayError::TooLarge { max: 1 << 20 }));
    // A token whose limit is only a size is not counted.
    let size = AccountLimits { max_size: Some(5 << 20), ..AccountLimits::default() };
    let before = counted(&*store).await;
    assert_eq!(deposit(&*relay, &sample(size, 4096, None)).await, Ok(None));
    assert_eq!(counted(&*store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_is_answered_to_holders_of_a_valid_token() {
    let (store, clock) = memory();
    let limits = AccountLimits { max_size: Some(8 << 20), bytes_a_day: Some(9 << 20), shares_a_day: Some(2) };
    let until = NOON + 100;
    let ended = CreateToken { until: Some(until), ..token(limits) };
    let nodes = [(); 2].map(|()| Node::start(&store, &clock, vec![ended.clone(), CreateToken::unlimited("plain")]));
    let ask = async |token: &str| {
        let ask = Allowance { v: V1, create_token: token.to_owned(), account: None };
        nodes[1].client.allowance(&ask).await
    };
    let resets = NOON + DAY / 2;
    assert_eq!(ask("plain").await, Ok(Left { resets, ..Left::default() }));
    assert_eq!(ask("plain-").await, Err(RelayError::NotAllowed));
    let all = Left {
        shares: Some(2),
        shares_a_day: Some(2),
        bytes: Some(9 << 20),
        bytes_a_day: Some(9 << 20),
        max_size: Some(8 << 20),
        resets,
        until: Some(until),
    };
    assert_eq!(ask(TOKEN).await, Ok(all));
    // An upload that has begun may finish after the end of its token, and nothing new may begin.
    let [first, second] = [(); 2].map(|()| of_client(4 * MIB + 1));
    nodes[0].client.create(&first.owner, &first.create).await.unwrap();
    assert_eq!(ask(TOKEN).await, Ok(all), "for some seconds");
    clock.advance(3);
    assert_eq!(ask(TOKEN).await, Ok(Left { shares: Some(1), bytes: Some((9 << 20) - 4096), ..all }));
    clock.advance(100);
    assert_eq!(ask(TOKEN).await, Err(RelayError::NotAllowed));
    assert_eq!(nodes[1].client.create(&second.owner, &second.create).await, Err(RelayError::NotAllowed));
    first.put_all(&*nodes[1].client).await;
    let left = nodes[1].client.commit(&first.owner, &first.commit).await.unwrap().left.unwrap();
    assert_eq!((left.shares, left.bytes), (Some(1), Some((9 << 20) - (4 << 20) - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_a_store_reveal_no_token_and_no_id() {
    let (store, clock) = memory();
    let node = Node::start(&store, &clock, vec![token(shares(9))]);
    let share = of_client(4096);
    deposit(&*node.client, &share).await.unwrap();
    let names: Vec<String> = store.list("used/", None).await.unwrap().into_iter().map(|object| object.name).collect();
    let hash = share::secret::hex(&CreateToken::hash(TOKEN));
    let account = AccountKey::of(&CreateToken::hash(TOKEN)).hex();
    let [name] = &names[..] else { panic!("{names:?}") };
    assert!(name.starts_with(&format!("used/21000101/{account}/")) && name.ends_with("-4096"), "{name}");
    for secret in [TOKEN, &hash[..8], &share.keys.id.hex()[..8]] {
        assert!(!name.contains(secret), "{name}");
    }
    // The share's own record has the account, and neither.
    let offer = store.read(&format!("v1/{}/offer", share.keys.id.hex()), 0).await.unwrap().unwrap();
    let offer = String::from_utf8(offer.whole().await.unwrap().to_vec()).unwrap();
    assert!(offer.contains(&account) && !offer.contains(TOKEN) && !offer.contains(&hash[..8]), "{offer}");
}

//! The shares of addresses in a relay when others do their worst. All sockets are in network namespaces.

use std::iter::repeat_n;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use share::relay::client::HttpRelay;
use share::relay::{Checksum, Commit, Credential, MAX_SEALED_MANIFEST, Relay, RelayError, V1, Verifiers};
use share::relay_url::RelayUrl;
use share::secret::{Flags, Keys, LinkSecret, Receipt, Token};
use tokio::time::{interval, timeout};

use crate::support::{
    Crowd, Held, HostName, RelayProcess, Sandbox, Seen, TIME_LIMIT, among_hosts, noise, open_sockets, peak_memory,
    relay_among_hosts, upload,
};

/// The time from one opening to the next.
const PACE: Duration = Duration::from_millis(20);

/// A share that waits at the relay.
type Waiting = Keys;

/// A relay's address on its host, as the other hosts use it.
fn address(relay: &RelayProcess) -> SocketAddr {
    let port = relay.url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    (HostName::Relay.address(), port).into()
}

fn client(relay: SocketAddr) -> HttpRelay {
    HttpRelay::new(RelayUrl::parse(&format!("http://{relay}/")).unwrap(), None, Duration::from_secs(10)).unwrap()
}

/// Deposits small shares, on the relay's own machine: no limit of an address is about that.
fn deposited(relay: SocketAddr, count: usize) -> Vec<Waiting> {
    let relay = SocketAddr::from(([127, 0, 0, 1], relay.port()));
    let work = async move || {
        let (client, part) = (client(relay), Bytes::from(noise(4096, 1)));
        let commit = Commit { v: V1, blob_len: 4096, parts: vec![Checksum::of(&part)], manifest: noise(600, 2).into() };
        let mut waiting = Vec::new();
        for _ in 0..count {
            let keys = LinkSecret::random(Flags::default()).keys(None);
            let (owner, mut create) = upload();
            let owner = Credential::new(keys.id, owner.token);
            create.verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
            client.deposit(&owner, &create, &commit, part.clone().into()).await.unwrap();
            waiting.push(keys);
        }
        waiting
    };
    HostName::Relay.run(work).join().unwrap()
}

/// Opens shares, one each [`PACE`], on a connection of its own. Returns how long each took, sorted.
async fn open(relay: SocketAddr, shares: Vec<Waiting>) -> Result<Vec<Duration>, RelayError> {
    let (mut times, mut turns) = (Vec::new(), interval(PACE));
    for keys in shares {
        turns.tick().await;
        let (client, link) = (client(relay), Credential::new(keys.id, keys.link_token.clone()));
        let (begun, claim_token) = (Instant::now(), Token::random());
        client.manifest(&link, &keys.open_token).await?;
        let claimed = client.claim(&link, &keys.open_token, &claim_token).await?;
        assert_eq!(claimed.part.unwrap().len(), 4096);
        client.finish(&Credential::new(keys.id, claim_token), &Receipt::from_bytes([7; 32])).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}

/// The middle of some measurements.
fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

/// Waits until `is_so`.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < TIME_LIMIT, "{what}: it took longer than {TIME_LIMIT:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_crowd_of_slow_sockets_and_abandoned_uploads_delays_no_opening() {
    const ROUNDS: usize = 5;
    const OPENS: usize = 100;
    /// The crowd's clients share the processors with the relay: now and then an opening waits for one of them.
    const SCHEDULED: Duration = Duration::from_millis(20);
    let test = "relay::load::a_crowd_of_slow_sockets_and_abandoned_uploads_delays_no_opening";
    if !among_hosts(test) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = relay_among_hosts(&sandbox);
    let (at, pid) = (address(&relay), relay.pid());
    let mut shares = deposited(at, 2 * ROUNDS * OPENS);
    let before = peak_memory(pid);
    let (mut quiet, mut loaded, mut created, mut refused) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let mut next = || shares.split_off(shares.len() - OPENS);
        let (first, second) = (next(), next());
        quiet.push(HostName::C.run(async move || open(at, first).await.unwrap()).join().unwrap());
        let crowd = Crowd::new(at, HostName::more_of_a());
        let running = crowd.clone();
        let load = HostName::A.run(async move || {
            let idle = [Held::Silent, Held::Half, Held::Answered].into_iter().cycle().take(2000);
            let slow = repeat_n(Held::Part, 100).chain(repeat_n(Held::Json, 100));
            tokio::join!(running.hold(idle.chain(slow)), running.abandon(1000));
        });
        until("all sockets are connected", || crowd.seen.held.load(Relaxed) >= 2200);
        loaded.push(HostName::C.run(async move || open(at, second).await.unwrap()).join().unwrap());
        crowd.stop.cancel();
        load.join().unwrap();
        created += crowd.seen.created.load(Relaxed);
        refused += crowd.seen.refused.load(Relaxed);
        until("the sockets are closed", || open_sockets(pid) < 50);
    }
    let p99 = |rounds: &[Vec<Duration>]| median(rounds.iter().map(|times| times[OPENS * 99 / 100 - 1]).collect());
    let p50 = |rounds: &[Vec<Duration>]| median(rounds.iter().map(|times| times[OPENS / 2]).collect());
    let memory = peak_memory(pid);
    eprintln!(
        "p50 {:?} quiet, {:?} loaded; p99 {:?} quiet, {:?} loaded; memory {} MiB before, {} MiB; {created} uploads, \
         {refused} refused",
        p50(&quiet),
        p50(&loaded),
        p99(&quiet),
        p99(&loaded),
        before >> 20,
        memory >> 20,
    );
    assert!(created + refused >= 10_000, "{created} and {refused} uploads were begun");
    assert!(p50(&loaded) < p50(&quiet) * 2);
    assert!(p99(&loaded) < p99(&quiet) * 2 + SCHEDULED);
    assert!(memory < 256 << 20);
}

#[test]
#[ignore = "needs network namespaces and a minute: tests/all"]
fn slow_sockets_are_closed_within_a_minute() {
    /// The time over which a rate is averaged, and that for which a refused client may be silent, on a loaded machine.
    const LONGEST: Duration = Duration::from_secs(60 + 5 + 10);
    if !among_hosts("relay::load::slow_sockets_are_closed_within_a_minute") {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = relay_among_hosts(&sandbox);
    let (pid, crowd) = (relay.pid(), Crowd::new(address(&relay), HostName::more_of_a()));
    let before = open_sockets(pid);
    let work = async move || {
        let crowd = &crowd;
        let each = Held::ALL.map(|held| async move {
            let times = timeout(LONGEST, join_all((0..20).map(|number| crowd.once(number, held)))).await;
            (held, times.map(|times| times.into_iter().max().unwrap()))
        });
        join_all(each).await
    };
    let times = HostName::A.run(work).join().unwrap();
    eprintln!("{times:?}");
    assert!(times.iter().all(|(_, longest)| longest.is_ok()), "{times:?}");
    assert_eq!(open_sockets(pid), before);
}

/// Uploads a share with the longest manifest. Returns how long that took.
async fn send(relay: SocketAddr) -> Result<Duration, RelayError> {
    let (client, (owner, create)) = (client(relay), upload());
    let (begun, part) = (Instant::now(), Bytes::from(noise(100_000, 3)));
    client.create(&owner, &create).await?;
    let crc = Checksum::of(&part);
    client.put_part(&owner, 0, crc, part.into()).await?;
    let manifest = noise(MAX_SEALED_MANIFEST, 4).into();
    client.commit(&owner, &Commit { v: V1, blob_len: 100_000, parts: vec![crc], manifest }).await?;
    Ok(begun.elapsed())
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn two_hostile_addresses_cannot_starve_a_third() {
    const OPENS: usize = 20;
    /// The time for all of them, and for an upload. The hosts share the processors with the relay.
    const LONGEST: Duration = Duration::from_secs(45);
    if !among_hosts("relay::load::two_hostile_addresses_cannot_starve_a_third") {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = relay_among_hosts(&sandbox);
    let (at, pid) = (address(&relay), relay.pid());
    let mut shares = deposited(at, 2 * OPENS);
    let honest = |shares| {
        let work = async move || {
            let opened = open(at, shares).await?;
            Ok((opened, send(at).await?))
        };
        let work = async move || timeout(LONGEST, work()).await.map_err(|_| RelayError::Timeout)?;
        HostName::C.run(work).join().unwrap()
    };
    let quiet = honest(shares.split_off(OPENS));
    // One of them has a whole IPv6 network.
    let crowds = [
        (HostName::A, Crowd::new((HostName::RELAY_6, at.port()).into(), HostName::network_of_a())),
        (HostName::B, Crowd::new(at, vec![HostName::B.address()])),
    ];
    let loads = crowds.clone().map(|(host, crowd)| host.run(async move || crowd.everything().await));
    let has_begun = |seen: &Seen| seen.created.load(Relaxed) + seen.refused.load(Relaxed) > 100;
    until("both have begun", || {
        crowds.iter().all(|(_, crowd)| has_begun(&crowd.seen) && crowd.seen.held.load(Relaxed) > 50)
    });
    let loaded = honest(shares);
    for (_, crowd) in &crowds {
        crowd.stop.cancel();
    }
    for load in loads {
        load.join().unwrap();
    }
    let memory = peak_memory(pid) >> 20;
    let shown = |answered: &Result<(Vec<Duration>, Duration), RelayError>| {
        answered
            .as_ref()
            .map(|(opened, sent)| (opened[OPENS / 2], opened[OPENS * 99 / 100 - 1], *sent))
            .map_err(Clone::clone)
    };
    eprintln!("p50, p99 and an upload: {:?} quiet, {:?} loaded; {memory} MiB", shown(&quiet), shown(&loaded));
    assert!(loaded.unwrap().0[OPENS / 2] < Duration::from_secs(1));
    assert!(memory < 256);
}

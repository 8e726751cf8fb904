//! Many real processes at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use share::relay::client::HttpRelay;
use share::relay::{Gone, Relay, RelayError};
use share::relay_url::RelayUrl;

use crate::support::{Ended, RelayProcess, Running, Sample, Sandbox, TestS3, expect_no_data, node, noise};

fn all(running: Vec<Running>) -> Vec<Ended> {
    running.into_iter().map(Running::wait).collect()
}

#[test]
fn one_of_sixty_four_devices_gets_the_share() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(6_000_000, 8);
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(&content).ok();
    let running = (0..64)
        .map(|device| {
            let home = sandbox.other_home(&format!("home-{device}"));
            let out = format!("out-{device}");
            sandbox.share(["open", "-q", &link, "-o", &out]).env("HOME", home).start()
        })
        .collect();
    let ended = all(running);
    let winners: Vec<usize> = (0..64).filter(|device| ended[*device].code == 0).collect();
    assert_eq!(winners.len(), 1, "{ended:?}");
    for loser in ended.iter().filter(|ended| ended.code != 0) {
        assert_eq!(loser.code, 3, "{loser:?}");
        assert!(loser.stderr.contains("on another device"), "{loser:?}");
    }
    let out = format!("out-{}", winners[0]);
    assert!(sandbox.read(&out) == content);
    assert_eq!(sandbox.names(), [out]);
    relay.expect_empty();
}

#[test]
fn one_of_sixty_four_processes_of_a_device_opens_the_share() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(6_000_000, 9);
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(&content).ok();
    let running = (0..64).map(|_| sandbox.share(["open", "-q", &link, "-o", "."]).start()).collect();
    let ended = all(running);
    assert_eq!(ended.iter().filter(|ended| ended.code == 0).count(), 1, "{ended:?}");
    assert_eq!(ended.iter().filter(|ended| ended.code == 3).count(), 63, "{ended:?}");
    assert_eq!(sandbox.names(), ["file"]);
    assert!(sandbox.read("file") == content);
}

/// The number of shares.
fn shares() -> usize {
    if std::env::var_os("SHARE_FAULTS_RESULTS").is_some() { 2000 } else { 25 }
}

/// Repeats a request whose connection broke, as clients do: a relay may close an idle connection at the moment when it
/// is used again.
async fn again<T, Answer>(ask: impl Fn() -> Answer) -> Result<T, RelayError>
where
    Answer: Future<Output = Result<T, RelayError>>,
{
    for _ in 0..4 {
        match ask().await {
            Err(error) if error.is_transient() => {}
            answer => return answer,
        }
    }
    ask().await
}

/// Lets 64 devices race for each of many shares, at three relay processes. Each share has one winner, who downloads it
/// at another relay than the one of the claim, and finishes at the third.
fn race(relays: &[RelayProcess]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let clients = relays.iter().map(|relay| {
            let url = RelayUrl::parse(&relay.url).unwrap();
            Arc::new(HttpRelay::new(url, None, Duration::from_mins(1)).unwrap())
        });
        let clients: Vec<_> = clients.collect();
        let one = async |turn: usize| {
            let share = Sample::new(4096, false);
            share.send(&*clients[turn % 3]).await;
            let devices: Vec<_> = (0..64).map(|_| share.device()).collect();
            let link = share.link();
            let claims = devices.iter().enumerate().map(|(at, device)| {
                let client = &clients[(turn + at) % 3];
                again(|| client.claim(&link, share.proof(), &device.token))
            });
            let mut winner = None;
            for (at, claim) in join_all(claims).await.into_iter().enumerate() {
                match claim {
                    Ok(claimed) => {
                        assert!(claimed.part.as_ref() == Some(&share.parts[0]));
                        assert!(winner.replace(at).is_none(), "two winners");
                    }
                    Err(RelayError::Gone { how: Gone::AlreadyOpened, .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            let winner = winner.expect("a winner");
            let next = &clients[(turn + winner + 1) % 3];
            let read = again(|| next.get_part(&devices[winner], 0, 0)).await.unwrap();
            assert!(read.whole().await.unwrap() == share.parts[0]);
            let receipt = share.keys.receipt(&devices[winner].token.claimant(&share.keys.id));
            let last = &clients[(turn + winner + 2) % 3];
            again(|| last.finish(&devices[winner], &receipt)).await.unwrap();
        };
        let ended = stream::iter(0..shares()).map(one).buffer_unordered(3).count().await;
        assert_eq!(ended, shares());
    });
}

#[test]
fn three_relays_over_one_bucket_have_one_winner_per_share() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    race(&[(); 3].map(|()| node(&sandbox, &s3)));
    expect_no_data(&s3);
}

#[test]
fn three_relays_over_one_folder_have_one_winner_per_share() {
    let sandbox = Sandbox::new();
    let relays = [(); 3].map(|()| sandbox.relay_with(&["--shared-folder", "--anyone", "--max-lifetime", "90d"]));
    race(&relays);
    relays[0].expect_empty();
}

//! Tunnels in virtual time, and outputs of programs.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::Duration;
use std::{fs, iter};

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep, timeout};

use super::output::{Lines, Output};
use super::probe::{self, Asked, Candidates};
use super::watch::until_silent;
use crate::relay::RelayError;
use crate::relay::here::Answer;
use crate::relay_url::RelayUrl;

fn url(text: &str) -> RelayUrl {
    RelayUrl::parse(text).unwrap()
}

#[test]
fn every_known_output_yields_its_address() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tunnels");
    let mut count = 0;
    for file in fs::read_dir(directory).unwrap() {
        let text = fs::read(file.unwrap().path()).unwrap();
        let mut parts = text.splitn(3, |byte| *byte == b'\n');
        let [source, expected] = [(); 2].map(|()| String::from_utf8(parts.next().unwrap().to_vec()).unwrap());
        assert!(source.starts_with("# recorded, 20") || source.starts_with("# from memory"), "{source}");
        let expected = url(expected.strip_prefix("# expects ").unwrap());
        let bytes = parts.next().unwrap();
        for piece in [1, 7, bytes.len()] {
            let (mut lines, mut output) = (Lines::default(), Output::default());
            let complete: Vec<_> = bytes.chunks(piece).flat_map(|piece| lines.push(piece)).collect();
            let found: Vec<_> = complete.iter().flat_map(|line| output.add(line)).collect();
            assert!(found.contains(&expected), "{source}: {found:?}");
            assert!(output.last_lines(20).iter().all(|line| !line.contains('\u{1b}')), "{source}");
        }
        count += 1;
    }
    assert_eq!(count, 5);
}

/// Addresses that appear at a second, each with its answers; after those nothing answers.
async fn found(
    appear: &[(u64, &str)],
    answer: impl Fn(&str, usize) -> Result<Answer, RelayError>,
    within: u64,
) -> (Result<String, Vec<Asked>>, Vec<(String, u64)>) {
    let (to, mut new) = unbounded_channel();
    let (begun, asked) = (Instant::now(), RefCell::new(Vec::new()));
    let ask = async |origin: &RelayUrl| {
        let count = asked.borrow().iter().filter(|(name, _)| *name == origin.name()).count();
        asked.borrow_mut().push((origin.name(), begun.elapsed().as_secs()));
        answer(&origin.name(), count)
    };
    let appearing = async {
        for (at, origin) in appear {
            sleep((begun + Duration::from_secs(*at)).saturating_duration_since(Instant::now())).await;
            to.send(url(origin)).unwrap();
        }
        std::future::pending::<()>().await;
    };
    let candidates = Candidates { known: None, new: &mut new, is_current: &|_| true };
    let end = tokio::select! {
        found = probe::find(candidates, &ask, begun + Duration::from_secs(within)) => found,
        () = appearing => unreachable!(),
    };
    (end.map(|origin| origin.name()), asked.into_inner())
}

fn unknown() -> RelayError {
    RelayError::NoConnection("name or service not known".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_looked_up_before_its_time() {
    for (origin, first) in [
        ("https://a.trycloudflare.com", 12),
        ("https://a.example", 2),
        ("https://203.0.113.1:8443", 0),
        ("https://[2001:db8::1]", 0),
    ] {
        let (end, asked) = found(&[(3, origin)], |_, _| Ok(Answer::Ours), 60).await;
        assert_eq!(end.unwrap(), url(origin).name());
        assert_eq!(asked, [(url(origin).name(), 3 + first)]);
    }
    let (_, asked) = found(&[(0, "https://a.example")], |_, _| Err(unknown()), 40).await;
    assert_eq!(asked.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [2, 4, 8, 16, 24, 32, 40][..asked.len()]);
    assert!(asked.len() >= 6);
}

#[tokio::test(start_paused = true)]
async fn decoys_do_not_answer() {
    let appear = [(0, "https://docs.example"), (0, "https://203.0.113.9"), (1, "https://ours.example")];
    let answer = |name: &str, count: usize| match (name, count) {
        ("docs.example", _) => Ok(Answer::Foreign),
        // It works after a while.
        ("ours.example", 2..) => Ok(Answer::Ours),
        _ => Err(unknown()),
    };
    let (end, _) = found(&appear, answer, 60).await;
    assert_eq!(end.unwrap(), "ours.example");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_comes_late_is_found_and_one_that_never_comes_is_an_error() {
    let (end, _) = found(&[(55, "https://late.example")], |_, _| Ok(Answer::Ours), 60).await;
    assert_eq!(end.unwrap(), "late.example");
    let begun = Instant::now();
    let (end, asked) = found(&[(59, "https://too-late.example")], |_, _| Ok(Answer::Ours), 60).await;
    let missed = end.unwrap_err();
    assert!(missed[0].answer.is_none() && asked.is_empty() && begun.elapsed() == Duration::from_mins(1));
    assert!(found(&[], |_, _| unreachable!(), 60).await.0.unwrap_err().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reflected_nonce_is_refused() {
    // A decoy forwards questions to our address, which replaces no host.
    let answer = |name: &str, count: usize| match (name, count) {
        ("decoy.example", _) => Ok(Answer::OtherHost("ours.example".to_owned())),
        (_, 0) => Err(unknown()),
        _ => Ok(Answer::Ours),
    };
    let (end, _) = found(&[(0, "https://decoy.example"), (0, "https://ours.example")], answer, 60).await;
    assert_eq!(end.unwrap(), "ours.example");
    let never = |name: &str, _| match name {
        "decoy.example" => Ok(Answer::OtherHost("ours.example".to_owned())),
        _ => Err(unknown()),
    };
    let (end, _) = found(&[(0, "https://decoy.example"), (0, "https://ours.example")], never, 60).await;
    assert!(probe::replacing(&end.unwrap_err()).is_none(), "not an error of the tunnel");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_host_has_its_own_error_and_soon() {
    let begun = Instant::now();
    let answer = |_: &str, _| Ok(Answer::OtherHost("127.0.0.1:8080".to_owned()));
    let (end, _) = found(&[(0, "https://a.example")], answer, 60).await;
    let (origin, host) = probe::replacing(&end.unwrap_err()).unwrap();
    assert_eq!((&*origin.name(), &*host, begun.elapsed().as_secs()), ("a.example", "127.0.0.1:8080", 7));
}

/// The seconds until a tunnel is lost whose questions have these answers, if that is within ten minutes, and the
/// number of questions.
async fn lost_after(answers: &[bool], is_busy: bool, slept: &[u64]) -> (Option<u64>, usize) {
    let (begun, count, ticks) = (Instant::now(), Cell::new(0), Cell::new(0));
    let ask = async |_: &RelayUrl| {
        count.set(count.get() + 1);
        if answers.get(count.get() - 1).copied().unwrap_or(true) { Ok(Answer::Ours) } else { Err(unknown()) }
    };
    // Looked at before and after each tick.
    let since_boot = || {
        ticks.set(ticks.get() + 1);
        let slept: u64 = slept.iter().take(ticks.get() / 2).sum();
        begun.elapsed() + Duration::from_secs(slept)
    };
    let origin = url("https://a.example");
    let is_busy = || is_busy;
    let silent = until_silent(&origin, &ask, &is_busy, &since_boot);
    let end = timeout(Duration::from_secs(595), silent).await;
    (end.ok().map(|()| begun.elapsed().as_secs()), count.get())
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_lost_after_three_questions_in_vain() {
    assert_eq!(lost_after(&[false; 3], false, &[]).await, (Some(70), 3));
    assert_eq!(lost_after(&[false, false, true, false, false, false], false, &[]).await.1, 6);
    let (end, asked) = lost_after(&[], false, &[]).await;
    assert_eq!((end, asked), (None, 9), "one question a minute");
    assert_eq!(lost_after(&[false; 3], true, &[]).await, (None, 0), "bytes flow");
    let night: Vec<u64> = iter::once(0).chain([30_000]).collect();
    assert_eq!(lost_after(&[false; 3], true, &night).await, (Some(30), 3), "after a night it is asked at once");
}

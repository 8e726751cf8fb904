//! The search for the address that leads here, among those that a program has printed.
//!
//! A name is not looked up at once. Before the operator has created it, the answer would be that it does not exist, and
//! resolvers keep that answer: for half an hour below `trycloudflare.com`.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

use crate::relay::RelayError;
use crate::relay::here::Answer;
use crate::relay_url::RelayUrl;

/// Time from the appearance of a name to the first question.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The same for names of an operator whose negative answers last long.
const LONG_FIRST_PAUSE: Duration = Duration::from_secs(12);
/// The names of that operator.
const SLOW_NAMES: &str = ".trycloudflare.com";
/// The longest pause between two questions. They double from [`FIRST_PAUSE`] on.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Time for a better address after one whose server replaces the host.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// An address that was asked, and its last answer.
#[derive(Debug)]
pub struct Asked {
    /// The address.
    pub origin: RelayUrl,
    /// `None`: there was no time for a question.
    pub answer: Option<Result<Answer, RelayError>>,
}

/// The addresses to ask.
pub(super) struct Candidates<'a> {
    /// One that is known already, and may be asked at once.
    pub(super) known: Option<&'a RelayUrl>,
    /// More of them, as they appear.
    pub(super) new: &'a mut UnboundedReceiver<RelayUrl>,
    /// Whether one that has appeared should still be asked.
    pub(super) is_current: &'a dyn Fn(&RelayUrl) -> bool,
}

/// Asks all addresses until one leads here.
///
/// # Errors
/// All addresses and their last answers, at `deadline`.
pub(super) async fn find(
    candidates: Candidates<'_>,
    ask: &impl AsyncFn(&RelayUrl) -> Result<Answer, RelayError>,
    mut deadline: Instant,
) -> Result<RelayUrl, Vec<Asked>> {
    let Candidates { known, new, is_current } = candidates;
    let asked = RefCell::new(Vec::new());
    let keep_asking = |origin: RelayUrl, is_known: bool| {
        asked.borrow_mut().insert(0, Asked { origin: origin.clone(), answer: None });
        let asked = &asked;
        async move {
            sleep(if is_known { Duration::ZERO } else { first_pause(&origin) }).await;
            let mut pause = FIRST_PAUSE;
            while is_known || is_current(&origin) {
                let answer = ask(&origin).await;
                let end = match &answer {
                    Ok(Answer::Ours) => Some(true),
                    Ok(Answer::OtherHost(_)) => Some(false),
                    _ => None,
                };
                if let Some(asked) = asked.borrow_mut().iter_mut().find(|asked| asked.origin == origin) {
                    asked.answer = Some(answer);
                }
                if let Some(is_ours) = end {
                    return Some((origin, is_ours));
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            None
        }
    };
    let mut asking = FuturesUnordered::new();
    asking.extend(known.map(|known| keep_asking(known.clone(), true)));
    loop {
        tokio::select! {
            biased;
            Some(end) = asking.next() => match end {
                Some((origin, true)) => return Ok(origin),
                Some((_, false)) => deadline = deadline.min(Instant::now() + LAST_CHANCE),
                None => {}
            },
            Some(origin) = new.recv() => asking.push(keep_asking(origin, false)),
            () = sleep_until(deadline) => break,
        }
    }
    drop(asking);
    Err(asked.into_inner())
}

/// The address whose server forwards here and replaces the host, unless that is what another address does when it
/// reflects a question.
pub(super) fn replacing(asked: &[Asked]) -> Option<(RelayUrl, String)> {
    asked.iter().find_map(|one| match &one.answer {
        Some(Ok(Answer::OtherHost(host))) if !asked.iter().any(|other| other.origin.name() == *host) => {
            Some((one.origin.clone(), host.clone()))
        }
        _ => None,
    })
}

fn first_pause(origin: &RelayUrl) -> Duration {
    let name = origin.name();
    let host = name.rsplit_once(':').map_or(&*name, |(host, _)| host);
    if host.parse::<std::net::Ipv4Addr>().is_ok() || name.starts_with('[') {
        Duration::ZERO
    } else if host.ends_with(SLOW_NAMES) {
        LONG_FIRST_PAUSE
    } else {
        FIRST_PAUSE
    }
}

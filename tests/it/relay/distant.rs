//! A store that is 40 ms away, as a bucket in another region: the speed of real programs through a real server, against
//! that of the store alone with as many requests at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use share::blob::PART_LEN;
use share::relay::clock::SystemClock;
use share::relay::rules::{Policy, StoreRelay};
use share::relay::store::Store;
use share::relay::store::memory::Memory;

use crate::support::{Observed, Sandbox, TestS3, noise, served};

/// How far away the store is.
const DELAY: Duration = Duration::from_millis(40);
/// Parts of the store alone on their way at once: two, and as many as a client has.
const AT_ONCE: [usize; 2] = [2, 3];
const SIZE: usize = 100_000_000;

/// The times of sending and opening.
#[derive(Clone, Copy, Debug)]
struct Times {
    send: Duration,
    open: Duration,
}

/// The store alone: as many parts, several at once.
async fn plain(store: &Arc<Observed>, content: &[u8], at_once: usize) -> Times {
    let content = Bytes::copy_from_slice(content);
    let parts: Vec<Bytes> =
        (0..content.len()).step_by(PART_LEN).map(|at| content.slice(at..content.len().min(at + PART_LEN))).collect();
    let name = |number: usize| format!("v1/{at_once:032x}/part/{number:06}-00000000");
    let begun = Instant::now();
    let created = stream::iter(parts.iter().enumerate()).map(async |(number, part)| {
        store.create(&name(number), part.clone().into()).await.unwrap();
    });
    created.buffer_unordered(at_once).collect::<()>().await;
    let send = begun.elapsed();
    let begun = Instant::now();
    let read = stream::iter(0..parts.len())
        .map(async |number| store.read(&name(number), 0).await.unwrap().unwrap().whole().await.unwrap().len());
    let read: usize = read.buffer_unordered(at_once).fold(0, async |sum, len| sum + len).await;
    assert_eq!(read, content.len());
    Times { send, open: begun.elapsed() }
}

/// Prints how fast the programs are in comparison, and returns the ratios.
fn compare(what: &str, inner: Arc<dyn Store>) -> [f64; 2] {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = Observed::delayed(inner, DELAY);
    let policy = Policy { reserve: Some(0), ..Policy::default() };
    let rules = Arc::new(StoreRelay::new(store.clone(), Arc::new(SystemClock), policy).deleting_after_answers());
    let url = runtime.block_on(async { served(rules).1 });
    let sandbox = Sandbox::new();
    let content = noise(SIZE, 3);
    sandbox.write("noise.bin", &content);
    let start = (0..5).map(|_| {
        let begun = Instant::now();
        sandbox.share(["--version"]).ok();
        begun.elapsed()
    });
    let start = start.min().unwrap();
    let alone = AT_ONCE.map(|at_once| runtime.block_on(plain(&store, &content, at_once)));
    store.timed_visits();
    let begun = Instant::now();
    let link = sandbox.share(["send", "-q", "--metadata", "keep", "--relay", &url, "noise.bin"]).ok();
    let send = Phases::of(begun, start, &store, "create part");
    let begun = Instant::now();
    sandbox.share(["open", "-q", &link, "-o", "got.bin"]).ok();
    let open = Phases::of(begun, start, &store, "read part");
    assert!(sandbox.read("got.bin") == content);
    [
        send.compare(what, "send", alone.map(|times| times.send)),
        open.compare(what, "open", alone.map(|times| times.open)),
    ]
}

/// The time of a program, without that of its start.
struct Phases {
    before: Duration,
    parts: Duration,
    after: Duration,
}

impl Phases {
    fn of(begun: Instant, start: Duration, store: &Observed, part: &str) -> Self {
        let end = Instant::now();
        let visits = store.timed_visits();
        let parts: Vec<Instant> = visits.iter().filter(|(visit, _)| visit == part).map(|(_, at)| *at).collect();
        let (first, last) = (parts[0], *parts.last().unwrap() + DELAY);
        Self { before: (first - begun).saturating_sub(start), parts: last - first, after: end - last }
    }

    /// Prints the speed in comparison to that of the store alone.
    #[expect(clippy::print_stderr, reason = "a measurement")]
    fn compare(&self, what: &str, done: &str, alone: [Duration; 2]) -> f64 {
        let Self { before, parts, after } = *self;
        eprintln!("{what}, {done}: {before:.0?} + {parts:.0?} + {after:.0?}");
        let ratios =
            alone.map(|alone| [before + parts + after, parts].map(|ours| alone.as_secs_f64() / ours.as_secs_f64()));
        for ((at_once, alone), [all, of_parts]) in AT_ONCE.iter().zip(alone).zip(ratios) {
            eprintln!(
                "  the store alone, {at_once} at once: {alone:.0?}; {all:.2} of it, {of_parts:.2} while parts flow"
            );
        }
        ratios[0][0]
    }
}

/// The greater part of the time is the store's, though a share needs a few more round trips before its first part and
/// after its last one. Both run on this machine, so the limit is one that a loaded machine keeps.
#[test]
#[ignore = "takes long: tests/all"]
fn a_distant_store_is_used_at_most_of_its_speed() {
    let memory = Arc::new(Memory::new(Arc::new(SystemClock), u64::MAX));
    let s3 = TestS3::start();
    let ratios = [compare("memory", memory), compare("bucket", Arc::new(s3.bucket("relay")))];
    assert!(ratios.concat().iter().all(|ratio| *ratio > 0.3), "{ratios:?}");
}

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
/// Parts that a client has on their way at once.
const AT_ONCE: usize = 2;
const SIZE: usize = 100_000_000;

/// The times of sending and opening.
#[derive(Clone, Copy, Debug)]
struct Times {
    send: Duration,
    open: Duration,
}

/// The store alone: as many parts, two at once.
async fn plain(store: &Arc<Observed>, content: &[u8]) -> Times {
    let content = Bytes::copy_from_slice(content);
    let parts: Vec<Bytes> =
        (0..content.len()).step_by(PART_LEN).map(|at| content.slice(at..content.len().min(at + PART_LEN))).collect();
    let name = |number: usize| format!("v1/{:032x}/part/{number:06}-00000000", 7);
    let begun = Instant::now();
    let created = stream::iter(parts.iter().enumerate()).map(async |(number, part)| {
        store.create(&name(number), part.clone().into()).await.unwrap();
    });
    created.buffer_unordered(AT_ONCE).collect::<()>().await;
    let send = begun.elapsed();
    let begun = Instant::now();
    let read = stream::iter(0..parts.len())
        .map(async |number| store.read(&name(number), 0).await.unwrap().unwrap().whole().await.unwrap().len());
    let read: usize = read.buffer_unordered(AT_ONCE).fold(0, async |sum, len| sum + len).await;
    assert_eq!(read, content.len());
    Times { send, open: begun.elapsed() }
}

/// Prints how fast the programs are in comparison, and returns the ratios.
fn compare(what: &str, inner: Arc<dyn Store>) -> [f64; 2] {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = Observed::delayed(inner, DELAY);
    let policy = Policy { reserve: Some(0), ..Policy::default() };
    let rules = Arc::new(StoreRelay::new(store.clone(), Arc::new(SystemClock), policy));
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
    let alone = runtime.block_on(plain(&store, &content));
    store.timed_visits();
    let begun = Instant::now();
    let link = sandbox.share(["send", "-q", "--metadata", "keep", "--relay", &url, "noise.bin"]).ok();
    let send = Phases::of(begun, start, &store, "create part");
    let begun = Instant::now();
    sandbox.share(["open", "-q", &link, "-o", "got.bin"]).ok();
    let open = Phases::of(begun, start, &store, "read part");
    assert!(sandbox.read("got.bin") == content);
    [send.compare(what, "send", alone.send), open.compare(what, "open", alone.open)]
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
    fn compare(&self, what: &str, done: &str, alone: Duration) -> f64 {
        let Self { before, parts, after } = *self;
        let ratio = |ours: Duration| alone.as_secs_f64() / ours.as_secs_f64();
        let (all, of_parts) = (ratio(before + parts + after), ratio(parts));
        eprintln!(
            "{what}, {done}: {before:.0?} + {parts:.0?} + {after:.0?}; the store alone {alone:.0?}: \
             {all:.2} of its speed, {of_parts:.2} while parts flow"
        );
        all
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

//! Malicious relays and senders. Whatever they alter: exit 7, no file, and no receipt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use share::blob::PART_LEN;
use share::link::Link;
use share::relay::{Checksum, ClaimResponse, Commit, Create, Credential, Relay, RelayError, V1, Verifiers};
use share::relay_url::RelayUrl;
use share::seal;
use share::secret::{Flags, Keys, LinkSecret, Token};

use crate::support::{Misbehaving, Misbehavior, Sandbox, TestRelay, files, noise, served};

/// Much less time than a parser takes for a malicious input, and enough for a machine that runs all tests at once. Each
/// of these takes a fraction of a second alone.
const SOON: Duration = Duration::from_secs(5);

/// The alteration of a relay.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// A byte of a part is changed in every answer.
    Corrupt,
    /// A byte of a part is changed once.
    CorruptOnce,
    /// A byte is changed, and the checksums are recomputed.
    Forge,
    /// The last byte of a part is withheld.
    Truncate,
    /// Two parts and their checksums are swapped.
    Swap,
    /// The manifest in the claim differs from the one in the look.
    Exchange,
    /// The last part is removed, and the length shortened.
    Shorten,
}

struct Liar {
    lie: Lie,
    finished: AtomicBool,
    corrupted: AtomicBool,
}

impl Misbehavior for Arc<Liar> {
    fn claimed(&self, claimed: &mut ClaimResponse, second: Option<Bytes>) {
        match self.lie {
            Lie::Swap => claimed.parts.swap(0, 1),
            Lie::Forge => claimed.parts[1] = Checksum::of(&self.part(1, second.unwrap())),
            Lie::Exchange => claimed.manifest = Bytes::from([&claimed.manifest[..], b"x"].concat()),
            Lie::Shorten => {
                claimed.parts.pop();
            }
            Lie::Corrupt | Lie::CorruptOnce | Lie::Truncate => {}
        }
    }

    fn number(&self, number: u32) -> u32 {
        if self.lie == Lie::Swap && number < 2 { 1 - number } else { number }
    }

    fn part(&self, number: u32, bytes: Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        match self.lie {
            Lie::Corrupt | Lie::Forge if number == 1 => bytes[1000] ^= 1,
            Lie::CorruptOnce if number == 1 && !self.corrupted.swap(true, Ordering::SeqCst) => bytes[1000] ^= 1,
            Lie::Truncate if number == 1 => {
                bytes.pop();
            }
            _ => {}
        }
        bytes.into()
    }

    fn finish(&self) -> Result<(), RelayError> {
        self.finished.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alteration_by_a_relay_is_detected() {
    for lie in [Lie::CorruptOnce, Lie::Corrupt, Lie::Forge, Lie::Truncate, Lie::Swap, Lie::Exchange, Lie::Shorten] {
        let sandbox = Sandbox::new();
        let bench = TestRelay::memory();
        let (finished, corrupted) = (AtomicBool::new(false), AtomicBool::new(false));
        let liar = Arc::new(Liar { lie, finished, corrupted });
        let (_, url) = served(Arc::new(Misbehaving { relay: bench.relay.clone(), how: liar.clone() }));
        let content = noise(2 * PART_LEN + 1000, 6);
        let link = sandbox.share(["send", "-q", "--relay", &url]).input(&content).ok();
        if lie == Lie::CorruptOnce {
            // The network may have done this: the part is fetched again.
            assert!(sandbox.share(["open", "-q", &link]).run().stdout == content);
            continue;
        }
        let start = Instant::now();
        let ended = sandbox.share(["open", "-q", &link, "-o", "out"]).fails(7, "damaged or was changed");
        assert!(start.elapsed() < SOON, "{lie:?}: {ended:?}");
        assert_eq!(sandbox.names(), Vec::<String>::new(), "{lie:?}");
        assert!(!liar.finished.load(Ordering::SeqCst), "{lie:?}");
        let piped = sandbox.share(["open", "-q", &link]).run();
        assert!(piped.code == 7 && content.starts_with(&piped.stdout), "{lie:?}: only what was verified goes out");
    }
}

/// A share with a hostile manifest.
async fn plant(relay: &dyn Relay, url: &str, sealed: impl FnOnce(&Keys) -> Vec<u8>) -> String {
    let secret = LinkSecret::random(Flags::default());
    let keys = secret.keys(None);
    let owner = Credential::new(keys.id, Token::random());
    let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
    let create = Create { v: V1, flags: 0, ttl: 3600, verifiers, max_len: None, create_token: None, account: None };
    let blob = Bytes::from(noise(4096, 1));
    let commit = Commit { v: V1, blob_len: 4096, parts: vec![Checksum::of(&blob)], manifest: sealed(&keys).into() };
    relay.deposit(&owner, &create, &commit, blob.into()).await.unwrap();
    let link = Link { relay: Some(RelayUrl::parse(url).unwrap()), secret };
    link.web().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_manifest_is_refused_at_once_without_a_claim() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (_, url) = served(bench.relay.clone());
    let padded = |json: &str| format!("{json:<2048}").into_bytes();
    let entry = r#"{"name":null,"type":"text/plain","size":1}"#;
    let manifest = |fields: &str| {
        format!(
            r#"{{"v":1,"name":null,{fields}"age_len":300,"blob_len":4096,"view_only":false,"created":"2026-11-22"}}"#
        )
    };
    let entries = format!(r#""entries":[{entry}],"#);
    let hostile_header = b"age-encryption.org/v1\n-> a\n".iter().copied().chain(b"-> a\n".repeat(13_100)).collect();
    let mut links = vec![plant(&*bench.relay, &url, |_| hostile_header).await];
    for json in [
        manifest(&format!("{entries}{entries}")),
        manifest(r#""entries":[],"#),
        manifest(&format!("{entries}\"more\":1,")),
        manifest(&entries.replace("\"size\":1", "\"size\":18446744073709551615")),
        manifest(&entries).replace("4096", "4097"),
        "[".repeat(2000),
    ] {
        let seal = |keys: &Keys| seal::seal_bytes(&padded(&json), &keys.manifest_identity).unwrap();
        links.push(plant(&*bench.relay, &url, seal).await);
    }
    for (number, link) in links.iter().enumerate() {
        let start = Instant::now();
        let ended = sandbox.share(["open", link, "-o", "out"]).run();
        assert!(ended.code == 7 && start.elapsed() < SOON, "{number}: {ended:?}");
        sandbox.share(["peek", link]).fails(7, "");
        assert_eq!(sandbox.names(), Vec::<String>::new());
    }
    // None was claimed. A well-formed manifest with a blob of another key is found later.
    let right = plant(&*bench.relay, &url, |keys| {
        seal::seal_bytes(&padded(&manifest(&entries)), &keys.manifest_identity).unwrap()
    });
    let link = right.await;
    assert!(sandbox.share(["peek", &link]).ok().starts_with("text, 1 byte"));
    sandbox.share(["open", "-q", &link]).fails(7, "damaged or was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senders_names_stay_in_the_directory_and_send_no_commands_to_the_terminal() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (_, url) = served(bench.relay.clone());
    for (number, name) in ["../../escape", "/etc/passwd", "\x1b[2J\x1b]0;x\x07.jpg", "\u{202e}gpj.exe", "..", "CON"]
        .into_iter()
        .enumerate()
    {
        let link = sandbox.share(["send", "-q", "--relay", &url, "-n", name]).input("x").ok();
        let directory = format!("dir-{number}");
        std::fs::create_dir(sandbox.path(&directory)).unwrap();
        let peeked = sandbox.share(["peek", &link]).ok();
        let opened = sandbox.share(["open", &link, "-o", &directory]).run();
        assert_eq!(opened.code, 0, "{opened:?}");
        for text in [&peeked, &opened.stderr] {
            assert!(!text.contains(['\x1b', '\x07', '\u{202e}']), "{text:?}");
        }
        assert_eq!(files(&sandbox.path(&directory)).len(), 1, "{name:?}");
    }
    assert_eq!(sandbox.names().len(), 6, "nothing outside");
}

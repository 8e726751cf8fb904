//! Reports by an opener, and what an operator can and cannot be made to believe.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use share::blob::PART_LEN;
use share::manifest::{Entry, Manifest};
use share::open::{Claimed, Progress, ReportError, Reportable, Staging, Targets};
use share::relay::rules::{Operator, Policy, StoreRelay};
use share::relay::store::memory::Memory;
use share::relay::{Checksum, HOLD, RelayError};
use share::report::{
    Bundle, ContentError, Disclosed, MAX_NOTE, Note, NoteError, Recipient, Records, Refuted, identities, seal_keys,
    seal_note, verify,
};
use share::safe_text::printable;
use share::seal::seal_bytes;
use share::secret::{Claimant, DeviceSecret, Flags, Id, LinkSecret};

use super::{Shared, session};
use crate::support::{POLICY, START, TestClock, TestRelay, noise};

/// Bytes of a chunk of an age file.
const CHUNK: u64 = 1 << 16;

/// A relay whose operator has an identity.
struct Operated {
    relay: TestRelay,
    rules: Arc<StoreRelay>,
    identity: Identity,
}

impl Operated {
    fn new() -> Self {
        let clock = TestClock::at(START);
        let relay = TestRelay::over("memory", Arc::new(Memory::new(clock.clone(), 1 << 30)), clock);
        let identity = Identity::generate();
        let (recipient, contact) = (identity.to_public().to_string(), "abuse@relay.example".to_owned());
        let operator = Some(Operator { recipient, contact, max_reported: 1 << 30 });
        let rules = StoreRelay::new(relay.store.clone(), relay.clock.clone(), Policy { operator, ..POLICY });
        Self { relay, rules: Arc::new(rules), identity }
    }

    fn recipient(&self) -> Recipient {
        self.identity.to_public().to_string().parse().unwrap()
    }

    async fn send(&self, content: &[u8]) -> Shared {
        Shared::send_to(self.rules.clone(), &[("a.txt", content)], None).await
    }

    /// A reported share, as it is in the operator's store.
    async fn filed(&self, id: &Id) -> Filed {
        let mut evidence = self.rules.evidence(id).await.unwrap();
        let mut blob = Vec::new();
        while let Some(piece) = evidence.blob.next().await {
            blob.extend_from_slice(&piece.unwrap());
        }
        let (offer, seal, claim) = (evidence.offer, evidence.seal, evidence.claim);
        let records = Records { offer, seal, claim, end: evidence.end, report: evidence.report };
        Filed { bundle: Bundle { id: *id, records, manifest: evidence.manifest.to_vec() }, blob }
    }
}

/// A share that a new device claimed, and where its files would go.
async fn claimed(share: &Shared) -> (Claimed<Staging>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let envelope = share.envelope(session(&DeviceSecret::random(), &Progress::default())).await;
    let targets = Targets::within(&envelope.manifest, directory.path());
    (envelope.prepare(targets).unwrap().claim().await.unwrap(), directory)
}

/// A report as the operator has it.
#[derive(Clone)]
struct Filed {
    bundle: Bundle,
    blob: Vec<u8>,
}

impl Filed {
    /// Verifies all of it: the note and the content, or why not.
    fn read(&self, identity: &Identity) -> Result<(Note, Vec<u8>), Refuted> {
        let verified = verify(&self.bundle, std::slice::from_ref(identity))?;
        let refuted = |error| match error {
            ContentError::Refuted(why) => why,
            ContentError::Write(error) => panic!("{error}"),
        };
        let mut content = verified.content(Vec::new());
        for piece in self.blob.chunks(100_000) {
            content.push(piece).map_err(refuted)?;
        }
        let content = content.finish().map_err(refuted)?;
        Ok((verified.note, content))
    }

    fn expect_refuted(&self, identity: &Identity, expected: &Refuted) {
        assert_eq!(self.read(identity).as_ref().err(), Some(expected));
    }

    /// The same with other keys.
    fn with_keys(&self, keys: &[u8]) -> Self {
        let mut filed = self.clone();
        filed.bundle.records.report["keys"] = json!(BASE64URL.encode(keys));
        filed
    }

    /// The same with another note.
    fn with_note(&self, note: &[u8]) -> Self {
        let mut filed = self.clone();
        filed.bundle.records.report["note"] = json!(BASE64URL.encode(note));
        filed
    }

    /// The same with another manifest, and the record of its hash.
    fn with_manifest(&self, manifest: Vec<u8>) -> Self {
        let mut filed = self.clone();
        filed.bundle.records.seal["manifest"] = json!(BASE64URL.encode(Sha256::digest(&manifest)));
        filed.bundle.manifest = manifest;
        filed
    }
}

#[tokio::test]
async fn an_opener_reports_though_the_sender_revokes_at_once() {
    let operated = Operated::new();
    let content = noise(PART_LEN + 70_000, 3);
    let share = operated.send(&content).await;
    let (claimed, _directory) = claimed(&share).await;
    assert!(claimed.is_held());
    let reportable = claimed.reportable().unwrap();
    assert_eq!((reportable.contact.as_str(), reportable.opened), ("abuse@relay.example", Some(START)));
    share.relay.revoke(&share.owner).await.unwrap();
    assert!(reportable.report(" look at\nthis ").await.unwrap());
    assert!(!reportable.report("once more").await.unwrap(), "the first one stays");
    let filed = operated.filed(&reportable.id()).await;
    let (note, read) = filed.read(&operated.identity).unwrap();
    assert_eq!(note, Note::Text("look at\nthis".to_owned()));
    assert!(read == content);
    let facts = filed.bundle.records.facts().unwrap();
    assert_eq!((facts.claimant, facts.opened, facts.reported), (reportable.claimant(), START, START));
    assert_eq!(facts.ended, Some((share::relay::ShareState::Revoked, START)));
    let mut file = Vec::new();
    filed.bundle.write_to(&mut file).unwrap();
    assert_eq!(Bundle::read(&mut &file[..]).unwrap(), filed.bundle);
}

#[tokio::test]
async fn a_share_is_reportable_for_an_hour_and_only_with_an_operator() {
    let operated = Operated::new();
    let share = operated.send(b"content").await;
    let (claimed_share, _directory) = claimed(&share).await;
    let reportable = claimed_share.reportable().unwrap();
    let too_long = reportable.report(&"x".repeat(MAX_NOTE + 1)).await;
    assert!(matches!(too_long, Err(ReportError::TooLong(2001))), "{too_long:?}");
    share.relay.revoke(&share.owner).await.unwrap();
    operated.relay.clock.advance(HOLD.as_secs() + 200);
    operated.rules.sweep().await.unwrap();
    let late = reportable.report("").await;
    assert!(matches!(late, Err(ReportError::Relay(RelayError::TooLate { .. }))), "{late:?}");
    // Another device of the link.
    let share = operated.send(b"content").await;
    let (_claimed, _directory) = claimed(&share).await;
    let to = share::relay::ReportTo { recipient: operated.recipient().to_string(), contact: String::new() };
    let stranger = Reportable::of_keys(share.relay.clone(), &DeviceSecret::random(), &share.keys(None), &to).unwrap();
    let refused = stranger.report("").await;
    assert!(matches!(refused, Err(ReportError::Relay(RelayError::Unknown))), "{refused:?}");
    let unusable = share::relay::ReportTo { recipient: "age1pq1abc".to_owned(), ..to };
    let device = DeviceSecret::random();
    assert!(Reportable::of_keys(share.relay.clone(), &device, &share.keys(None), &unusable).is_none());
    // A relay without an operator.
    let share = Shared::send(&[("a.txt", b"content")], None).await;
    let (claimed, _directory) = claimed(&share).await;
    assert!(!claimed.is_held() && claimed.reportable().is_none());
}

#[tokio::test]
async fn forged_reports_are_exposed_by_the_step_that_fails() {
    let operated = Operated::new();
    let identity = &operated.identity;
    let (share, other) = (operated.send(b"what Anna sent").await, operated.send(b"other content!").await);
    let mut filed = Vec::new();
    for share in [&share, &other] {
        let (claimed, _directory) = claimed(share).await;
        claimed.reportable().unwrap().report("note").await.unwrap();
        filed.push(operated.filed(&share.keys(None).id).await);
    }
    let [genuine, foreign] = &filed[..] else { unreachable!() };
    assert_eq!(genuine.read(identity).unwrap().1, b"what Anna sent");
    let keys = share.keys(None);
    let claimant = genuine.bundle.records.facts().unwrap().claimant;
    let to = operated.recipient();
    let sealed = |id: Id, claimant: Claimant, manifest: &Identity, blob: &Identity| {
        seal_keys(&Disclosed::new(id, claimant, manifest.clone(), blob.clone()), &to).unwrap()
    };
    let (own, others) = (&keys, &other.keys(None));
    let stranger = Identity::generate();
    genuine.expect_refuted(&stranger, &Refuted::NotForThisIdentity);
    // The report of another share, and one that names it.
    let mut replayed = genuine.clone();
    replayed.bundle.records.report = foreign.bundle.records.report.clone();
    replayed.expect_refuted(identity, &Refuted::OtherShare);
    let stranger = Claimant::from_bytes([7; 32]);
    let cases = [
        (sealed(others.id, claimant, &own.manifest_identity, &own.blob_identity), Refuted::OtherShare),
        (sealed(own.id, stranger, &own.manifest_identity, &own.blob_identity), Refuted::OtherDevice),
        (sealed(own.id, claimant, &others.manifest_identity, &others.blob_identity), Refuted::Manifest),
        (sealed(own.id, claimant, &own.manifest_identity, &others.blob_identity), Refuted::Content),
        (seal_bytes(b"{}", identity).unwrap(), Refuted::Malformed),
        (b"age-encryption.org/v1\n-> ".repeat(200), Refuted::NotForThisIdentity),
    ];
    for (keys, expected) in cases {
        genuine.with_keys(&keys).expect_refuted(identity, &expected);
    }
    // Another manifest: in the store alone, with its record, and of a form that no opening accepts.
    let mut swapped = genuine.clone();
    swapped.bundle.manifest.clone_from(&foreign.bundle.manifest);
    swapped.expect_refuted(identity, &Refuted::StoredManifest);
    genuine.with_manifest(foreign.bundle.manifest.clone()).expect_refuted(identity, &Refuted::Manifest);
    let malformed = seal_bytes(b"{\"v\":1}", &own.manifest_identity).unwrap();
    let refused = genuine.with_manifest(malformed).read(identity);
    assert!(matches!(refused, Err(Refuted::ManifestForm(_))), "{refused:?}");
    let verified = verify(&genuine.bundle, std::slice::from_ref(identity)).unwrap();
    let mut longer = verified.manifest.clone();
    longer.entries.push(Entry::new(None, "text/plain".to_owned(), 1));
    let mut shorter: Manifest = verified.manifest.clone();
    shorter.entries[0].size = 3;
    for manifest in [longer, shorter] {
        let manifest = seal_bytes(&manifest.to_bytes().unwrap(), &own.manifest_identity).unwrap();
        genuine.with_manifest(manifest).expect_refuted(identity, &Refuted::Sizes);
    }
    older_records_prove_nothing(genuine, identity);
}

/// A commit without the hash of the manifest, and records that are missing or damaged.
fn older_records_prove_nothing(genuine: &Filed, identity: &Identity) {
    let mut older = genuine.clone();
    older.bundle.records.seal.as_object_mut().unwrap().remove("manifest");
    older.expect_refuted(identity, &Refuted::Records);
    let mut closed = genuine.clone();
    closed.bundle.records.report = json!({ "state": "closed", "v": 1, "at": START });
    closed.expect_refuted(identity, &Refuted::Records);
    let mut unopened = genuine.clone();
    unopened.bundle.records.claim = json!({ "state": "revoked", "v": 1, "at": START });
    unopened.expect_refuted(identity, &Refuted::Records);
}

#[tokio::test]
async fn other_bytes_are_exposed_even_if_the_records_were_changed_with_them() {
    let operated = Operated::new();
    let share = operated.send(&noise(PART_LEN + 5, 1)).await;
    let (claimed, _directory) = claimed(&share).await;
    claimed.reportable().unwrap().report("").await.unwrap();
    let genuine = operated.filed(&share.keys(None).id).await;
    assert_eq!(genuine.read(&operated.identity).unwrap().0, Note::Missing);
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut filed = genuine.clone();
        change(&mut filed.blob);
        filed
    };
    for filed in [
        changed(|blob| blob[PART_LEN / 2] ^= 1),
        changed(|blob| blob.truncate(PART_LEN)),
        changed(|blob| blob.truncate(PART_LEN + 1)),
        changed(|blob| blob.push(0)),
        changed(|blob| blob.rotate_left(PART_LEN)),
    ] {
        filed.expect_refuted(&operated.identity, &Refuted::StoredContent);
    }
    // With the checksums that belong to other bytes, the encryption still tells.
    let mut consistent = changed(|blob| blob[PART_LEN / 2] ^= 1);
    let crcs: Vec<_> = consistent.blob.chunks(PART_LEN).map(Checksum::of).collect();
    consistent.bundle.records.seal["parts"] = json!(crcs);
    // A stream may have been shown up to the chunk that its sender damaged.
    let sound = (PART_LEN as u64 / 2) / CHUNK * CHUNK - CHUNK;
    consistent.expect_refuted(&operated.identity, &Refuted::Broken(sound));
    assert!(Refuted::Broken(sound).may_be_by_sender() && !Refuted::StoredContent.may_be_by_sender());
}

#[tokio::test]
async fn a_note_is_read_only_in_its_form_and_never_commands_a_terminal() {
    let operated = Operated::new();
    let share = operated.send(b"content").await;
    let (claimed, _directory) = claimed(&share).await;
    let hostile = "a\x1b[2Jb\u{202e}c\u{7}";
    claimed.reportable().unwrap().report(hostile).await.unwrap();
    let genuine = operated.filed(&share.keys(None).id).await;
    let Note::Text(text) = genuine.read(&operated.identity).unwrap().0 else { panic!("no note") };
    assert_eq!(text, hostile);
    assert!(!printable(&text).contains(['\x1b', '\u{202e}', '\u{7}']));
    let (id, to) = (share.keys(None).id, operated.recipient());
    let other = LinkSecret::random(Flags::default()).id();
    let longest = "\u{1f3f4}".repeat(MAX_NOTE);
    let controls = "\x01".repeat(MAX_NOTE);
    for note in [&longest, &controls] {
        let sealed = seal_note(id, note, &to).unwrap();
        assert!(sealed.len() <= share::relay::MAX_REPORT_NOTE, "{}", sealed.len());
        assert_eq!(genuine.with_note(&sealed).read(&operated.identity).unwrap().0, Note::Text(note.clone()));
    }
    assert!(matches!(seal_note(id, &"x".repeat(MAX_NOTE + 1), &to), Err(NoteError::TooLong(2001))));
    let by_hand = |id: &Id, note: &str| {
        let mut plain = format!(r#"{{"v":1,"id":"{}","note":"{note}"}}"#, id.hex()).into_bytes();
        plain.resize(plain.len().next_multiple_of(2048), b' ');
        seal_bytes(&plain, &operated.identity).unwrap()
    };
    assert_eq!(genuine.with_note(&by_hand(&id, "x")).read(&operated.identity).unwrap().0, Note::Text("x".to_owned()));
    let unreadable = [
        by_hand(&id, &"x".repeat(MAX_NOTE + 1)),
        by_hand(&other, "x"),
        seal_bytes(b"{}", &operated.identity).unwrap(),
        seal_note(id, "x", &Identity::generate().to_public().to_string().parse().unwrap()).unwrap(),
        vec![b'a'; 20_000],
    ];
    for note in unreadable {
        assert_eq!(genuine.with_note(&note).read(&operated.identity).unwrap().0, Note::Unreadable);
    }
}

#[tokio::test]
#[ignore = "needs age: tests/all"]
async fn the_age_program_reads_keys_and_note_and_keys_disclose_nothing_else() {
    let operated = Operated::new();
    let share = operated.send(b"content").await;
    let (claimed, directory) = claimed(&share).await;
    let reportable = claimed.reportable().unwrap();
    reportable.report("not for children").await.unwrap();
    let genuine = operated.filed(&reportable.id()).await;
    let file = directory.path().join("operator.key");
    let text = format!("# created by a test\n{}\n", operated.identity.to_string().expose_secret());
    std::fs::write(&file, &text).unwrap();
    assert!(verify(&genuine.bundle, &identities(&text).unwrap()).is_ok());
    let read = |member: &str| {
        let sealed = BASE64URL.decode(genuine.bundle.records.report[member].as_str().unwrap()).unwrap();
        let mut age = Command::new("age");
        age.arg("-d").arg("-i").arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut age = age.spawn().unwrap();
        age.stdin.take().unwrap().write_all(&sealed).unwrap();
        let output = age.wait_with_output().unwrap();
        assert!(output.status.success(), "{member}");
        output.stdout
    };
    let (keys, note) = (read("keys"), read("note"));
    assert_eq!((keys.len(), note.len()), (512, 2048));
    let [keys, note]: [Value; 2] = [keys, note].map(|plain| serde_json::from_slice(&plain).unwrap());
    let (own, claimant) = (share.keys(None), reportable.claimant());
    let text = |identity: &Identity| identity.to_string().expose_secret().to_owned();
    let (manifest, blob) = (text(&own.manifest_identity), text(&own.blob_identity));
    let id = own.id.hex();
    let expected =
        json!({ "v": 1, "id": id, "claimant": claimant, "manifest_identity": manifest, "blob_identity": blob });
    assert_eq!(keys, expected, "neither a secret, a passphrase, a token nor the receipt");
    assert_eq!(note, json!({ "v": 1, "id": id, "note": "not for children" }));
}

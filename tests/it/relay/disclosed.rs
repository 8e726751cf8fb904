//! Test vectors of reports: the two files for the operator, the request, the records, and a saved report.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use share::relay::rules::StoreRelay;
use share::relay::server::Limits;
use share::relay::store::Store;
use share::relay::store::memory::Memory;
use share::relay::{
    Checksum, Commit, Create, Credential, HOLD, MAX_REPORT, MAX_REPORT_KEYS, MAX_REPORT_NOTE, Relay, Report,
    TOMBSTONE_TIME, V1, Verifiers,
};
use share::report::{
    Bundle, Disclosed, KEYS_LEN, MAX_NOTE, NOTE_PADDING, Note, Recipient, Records, identities, seal_keys, seal_note,
    verify,
};
use share::seal;
use share::secret::{DeviceSecret, Keys, Token};

use super::protocol::{TEXT, Walk, expect_shown, keys, spaced, unhex};
use crate::support::{TestClock, operated};

/// `reports` of the vectors. `KEYS` and `NOTE` in the texts stand for the two encrypted files.
#[derive(Deserialize)]
struct Vectors {
    share: usize,
    operator_identity: String,
    operator_recipient: String,
    keys_json: String,
    keys_len: usize,
    keys: String,
    note: String,
    note_json: String,
    note_len: usize,
    sealed_note: String,
    note_lens: Vec<NoteLength>,
    body: String,
    answer: String,
    records: Stored,
    header: String,
}

/// The length of the padded JSON of a note of `times` times `unit`, in bytes.
#[derive(Deserialize)]
struct NoteLength {
    unit: String,
    times: usize,
    len: usize,
}

#[derive(Deserialize)]
struct Stored {
    seal: String,
    report: String,
    closed: String,
    review: String,
}

impl Vectors {
    fn read() -> Self {
        let vectors: Value = serde_json::from_str(include_str!("../vectors.json")).unwrap();
        serde_json::from_value(vectors["reports"].clone()).unwrap()
    }

    fn filled(&self, text: &str) -> String {
        text.replace("KEYS", &self.keys).replace("NOTE", &self.sealed_note)
    }

    fn operator(&self) -> age::x25519::Identity {
        self.operator_identity.parse().unwrap()
    }

    /// The saved report of the vectors: its header, the manifest and the part of the walk.
    fn saved(&self, walk: &Walk) -> Vec<u8> {
        let header = self.filled(&self.header);
        let len = u32::try_from(header.len()).unwrap().to_be_bytes();
        [&len[..], header.as_bytes(), &BASE64URL.decode(&walk.manifest).unwrap(), &walk.part()].concat()
    }
}

/// A JSON text with spaces up to `len` bytes.
fn padded(json: &str, len: usize) -> Vec<u8> {
    let mut bytes = json.as_bytes().to_vec();
    bytes.resize(len, b' ');
    bytes
}

#[test]
fn both_files_of_a_report_have_the_content_of_the_vectors() {
    let vectors = Vectors::read();
    let (keys, vector) = keys(vectors.share);
    let identity = vectors.operator();
    let recipient: Recipient = vectors.operator_recipient.parse().unwrap();
    assert_eq!(identity.to_public().to_string(), vectors.operator_recipient);
    let opened = |file: &[u8]| seal::open_bytes(file, &identity).unwrap();
    let claimant = DeviceSecret::from_bytes(unhex(&vector["device_secret"])).claim_token(&keys.id).claimant(&keys.id);
    let disclosed = Disclosed::new(keys.id, claimant, keys.manifest_identity.clone(), keys.blob_identity.clone());
    let expected = padded(&vectors.keys_json, vectors.keys_len);
    assert_eq!(opened(&BASE64URL.decode(&vectors.keys).unwrap()), expected);
    assert_eq!(opened(&seal_keys(&disclosed, &recipient).unwrap()), expected);
    let expected = padded(&vectors.note_json, vectors.note_len);
    assert_eq!(opened(&BASE64URL.decode(&vectors.sealed_note).unwrap()), expected);
    assert_eq!(opened(&seal_note(keys.id, &vectors.note, &recipient).unwrap()), expected);
    for NoteLength { unit, times, len } in vectors.note_lens {
        let note = unit.repeat(times);
        assert_eq!(opened(&seal_note(keys.id, &note, &recipient).unwrap()).len(), len, "{times} times {unit:?}");
        assert!(times <= MAX_NOTE);
    }
}

#[test]
fn a_saved_report_is_read_written_and_verified_as_in_the_vectors() {
    let (vectors, walk) = (Vectors::read(), Walk::read());
    let (keys, _) = keys(vectors.share);
    let saved = vectors.saved(&walk);
    let mut rest = &saved[..];
    let bundle = Bundle::read(&mut rest).unwrap();
    let records: Records = serde_json::from_str(&vectors.filled(&vectors.header)).unwrap();
    assert_eq!(bundle, Bundle { id: keys.id, records, manifest: BASE64URL.decode(&walk.manifest).unwrap() });
    assert_eq!(rest, walk.part());
    let mut written = Vec::new();
    bundle.write_to(&mut written).unwrap();
    let header = |file: &[u8]| -> Value {
        let len = u32::from_be_bytes(file[..4].try_into().unwrap()) as usize;
        serde_json::from_slice(&file[4..4 + len]).unwrap()
    };
    assert_eq!(header(&written), header(&saved));
    let operator = identities(&vectors.operator_identity).unwrap();
    let verified = verify(&bundle, &operator).unwrap();
    assert_eq!(verified.note, Note::Text(vectors.note));
    let mut content = verified.content(Vec::new());
    content.push(rest).unwrap();
    assert_eq!(content.finish().unwrap(), walk.content.as_bytes());
}

/// A share of the walk with these keys, committed at `relay`. Its owner.
async fn committed(relay: &StoreRelay, walk: &Walk, keys: &Keys) -> Credential {
    let owner = Credential::new(keys.id, Token::from_bytes(unhex(&walk.owner_token.clone().into())));
    let create = Create {
        v: V1,
        flags: keys.flags.bits(),
        ttl: 14 * 86_400,
        verifiers: Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token),
        max_len: None,
        create_token: None,
        account: None,
    };
    relay.create(&owner, &create).await.unwrap();
    let (part, manifest) = (walk.part(), BASE64URL.decode(&walk.manifest).unwrap().into());
    let commit = Commit { v: V1, blob_len: 4096, parts: vec![Checksum::of(&part)], manifest };
    relay.put_part(&owner, 0, commit.parts[0], Bytes::from(part).into()).await.unwrap();
    relay.commit(&owner, &commit).await.unwrap();
    owner
}

#[tokio::test]
async fn the_request_and_the_records_of_a_report_are_those_of_the_vectors() {
    let (vectors, walk) = (Vectors::read(), Walk::read());
    let clock = TestClock::at(walk.at);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let relay = operated(store.clone(), clock.clone());
    let (keys, vector) = keys(vectors.share);
    committed(&relay, &walk, &keys).await;
    clock.advance(600);
    let device = DeviceSecret::from_bytes(unhex(&vector["device_secret"])).claim_token(&keys.id);
    let holder = Credential::new(keys.id, device.clone());
    let link = Credential::new(keys.id, keys.link_token.clone());
    relay.claim(&link, &keys.open_token, &device).await.unwrap();
    clock.advance(60);
    relay.finish(&holder, &keys.receipt(&device.claimant(&keys.id))).await.unwrap();
    clock.advance(60);
    let body = vectors.filled(&vectors.body);
    let report: Report = serde_json::from_str(&body).unwrap();
    assert_eq!(serde_json::to_string(&report).unwrap(), body);
    report.check().unwrap();
    let reported = relay.report(&holder, &report).await.unwrap();
    assert_eq!(format!("{{\"v\":1,\"at\":{}}}", reported.at), vectors.answer);
    clock.advance(HOLD.as_secs());
    assert_eq!(relay.review(&keys.id).await.unwrap(), walk.at + 660 + HOLD.as_secs());
    let stored = &vectors.records;
    for (name, expected) in [("seal", &stored.seal), ("report", &stored.report), ("review", &stored.review)] {
        assert_eq!(read(&store, &keys, name).await, vectors.filled(expected), "{name}");
    }
    expect_shown(&*store, &format!("v1/{}/review", keys.id.hex())).await;
}

async fn read(store: &Memory, keys: &Keys, name: &str) -> String {
    let name = format!("v1/{}/{name}", keys.id.hex());
    let record = store.read(&name, 0).await.unwrap().unwrap().whole().await.unwrap();
    String::from_utf8(record.to_vec()).unwrap()
}

#[tokio::test]
async fn the_sweeper_closes_a_hold_with_the_record_of_the_vectors() {
    let (vectors, walk) = (Vectors::read(), Walk::read());
    let clock = TestClock::at(walk.at);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let relay = operated(store.clone(), clock.clone());
    let (keys, vector) = keys(vectors.share);
    let owner = committed(&relay, &walk, &keys).await;
    clock.advance(600);
    let device = DeviceSecret::from_bytes(unhex(&vector["device_secret"])).claim_token(&keys.id);
    let link = Credential::new(keys.id, keys.link_token.clone());
    relay.claim(&link, &keys.open_token, &device).await.unwrap();
    clock.advance(60);
    relay.revoke(&owner).await.unwrap();
    clock.advance(HOLD.as_secs() + 121);
    relay.sweep().await.unwrap();
    assert_eq!(read(&store, &keys, "report").await, vectors.records.closed);
    expect_shown(&*store, &format!("v1/{}/report", keys.id.hex())).await;
}

#[test]
fn numbers_of_reports_are_those_of_the_code() {
    let text = TEXT.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [
        format!("`keys` has at most {MAX_REPORT_KEYS} bytes"),
        format!("at most {}; the JSON has at most {}.", spaced(MAX_REPORT_NOTE as u64), spaced(MAX_REPORT as u64)),
        format!("| reports | {} an hour | address |", Limits::default().reports.unwrap()),
        format!("and `\"hold\":{}`", HOLD.as_secs()),
        format!("A node with an operator adds `\"hold\":{}`", HOLD.as_secs()),
        format!("spaces up to {KEYS_LEN} bytes"),
        format!("spaces up to a multiple of {NOTE_PADDING} bytes"),
        format!("\"manifest_len\":{}}}", BASE64URL.decode(Walk::read().manifest).unwrap().len()),
        format!("A note has at most {MAX_NOTE} characters"),
        format!(
            "deleted {} hour after the end (`hold`), and {} days after it if it was reported",
            HOLD.as_secs() / 3600,
            TOMBSTONE_TIME.as_secs() / 86_400
        ),
    ] {
        assert!(text.contains(&sentence), "{sentence}");
    }
}

//! The protocol's text: its examples, tables and numbers are those of the code.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::Deserialize;
use share::blob::{MIN_LEN, PART_LEN, padded_len};
use share::manifest::{self, Manifest};
use share::relay::rules::UPLOAD_TIME;
use share::relay::store::Store;
use share::relay::store::memory::Memory;
use share::relay::{
    Checksum, Commit, Create, Credential, INLINE_LEN, LEASE, MAX_DEPOSIT_MANIFEST, MAX_GUESSES, MAX_SEALED_MANIFEST,
    MAX_TTL, MAX_WAIT, MIN_TTL, ShareState, TOMBSTONE_TIME, V1, Verifiers,
};
use share::seal::{self, MAX_HEADER, Unsealer};
use share::secret::{DeviceSecret, Flags, Keys, LinkSecret, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestClock, TestRelay, served};

pub(super) const TEXT: &str = include_str!("../../../src/relay/PROTOCOL.md");
const VECTORS: &str = include_str!("../vectors.json");

/// The values that the walk's requests and answers leave out.
#[derive(Deserialize)]
pub(super) struct Walk {
    pub(super) owner_token: String,
    pub(super) at: u64,
    pub(super) content: String,
    manifest_json: String,
    pub(super) manifest: String,
    part: String,
}

impl Walk {
    pub(super) fn read() -> Self {
        serde_json::from_str(include_str!("../walk.json")).unwrap()
    }

    pub(super) fn part(&self) -> Vec<u8> {
        BASE64URL.decode(&self.part).unwrap()
    }
}

/// The keys, the passphrase and the vectors of share `number`.
pub(super) fn keys(number: usize) -> (Keys, serde_json::Value) {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vector = vectors["shares"][number].clone();
    let flags = u8::try_from(vector["flags"].as_u64().unwrap()).unwrap();
    let secret = LinkSecret::from_parts(Flags::from_bits(flags).unwrap(), unhex(&vector["secret"]));
    (secret.keys(vector["passphrase"].as_str()), vector)
}

pub(super) fn unhex<const N: usize>(hex: &serde_json::Value) -> [u8; N] {
    let hex = hex.as_str().unwrap();
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

/// A number in groups of three digits, as the text writes it.
pub(super) fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let groups = digits.as_bytes()[head..].chunks(3).map(|group| std::str::from_utf8(group).unwrap());
    [&digits[..head]].into_iter().filter(|head| !head.is_empty()).chain(groups).collect::<Vec<_>>().join(" ")
}

/// A text without white space, so that its line breaks do not matter.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The contents of the fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    TEXT.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// A request or an answer.
#[derive(Debug, PartialEq)]
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Reads a message as the text writes it.
fn written(text: &str, walk: &Walk) -> Message {
    let mut lines = text.lines();
    let first = lines.next().unwrap().to_owned();
    let (mut headers, mut length, mut json, mut part) = (Vec::new(), None, String::new(), Vec::new());
    for line in lines.map(str::trim) {
        match line.split_once(": ") {
            Some((name, value)) if json.is_empty() => headers.push((name.to_lowercase(), value.to_owned())),
            _ if line == "PART" => part = walk.part(),
            _ if json.is_empty() && !line.starts_with('{') => length = Some(u32::from_str_radix(line, 16).unwrap()),
            _ => json.push_str(&line.replace("MANIFEST", &walk.manifest)),
        }
    }
    let mut body = json.clone().into_bytes();
    if let Some(length) = length {
        assert_eq!(length as usize, json.len(), "the length in: {text}\n{:08x}", json.len());
        body.splice(0..0, length.to_be_bytes());
    }
    Message { first, headers, body: [body, part].concat() }
}

/// Sends a request, and reads the whole answer.
async fn ask(address: &str, request: &Message) -> Message {
    let has_length = request.body.is_empty() || request.headers.iter().any(|(name, _)| name == "content-length");
    let length = if has_length { String::new() } else { format!("Content-Length: {}\r\n", request.body.len()) };
    let head = format!("{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{length}", request.first);
    let headers: String = request.headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[format!("{head}{headers}\r\n").as_bytes(), &request.body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let first = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Message { first, headers, body: answer[end + 4..].to_vec() }
}

/// A relay whose clock shows the time at which the walk begins.
fn relay_at(now: u64) -> TestRelay {
    let clock = TestClock::at(now);
    TestRelay::over("memory", Arc::new(Memory::new(clock.clone(), u64::MAX)), clock)
}

/// The record in the store, and whether the text shows it.
pub(super) async fn expect_shown(store: &dyn Store, name: &str) {
    let record = store.read(name, 0).await.unwrap().unwrap().whole().await.unwrap();
    let record = String::from_utf8(record.to_vec()).unwrap();
    assert!(squeezed(TEXT).contains(&squeezed(&record)), "{name}: {record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_get_the_answers_in_the_text() {
    let walk = Walk::read();
    let bench = relay_at(walk.at);
    let (_, url) = served(bench.relay.clone());
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let steps = blocks("http");
    assert_eq!(steps.len(), 8);
    for step in steps {
        let (request, expected) = step.split_once("\n\n").unwrap();
        let (request, expected) = (written(request, &walk), written(expected, &walk));
        bench.clock.advance(match &*request.first {
            "POST /v1/manifest" => 600,
            "POST /v1/finish" => 60,
            _ => 0,
        });
        let length = request.headers.iter().find(|(name, _)| name == "content-length");
        if let Some((_, length)) = length {
            assert_eq!(*length, request.body.len().to_string(), "{}", request.first);
        }
        let answer = ask(address, &request).await;
        let (shown, body) = (String::from_utf8_lossy(&answer.body), &answer.body);
        assert_eq!(answer.first, expected.first, "{}: {shown}", request.first);
        for header in &expected.headers {
            assert!(answer.headers.contains(header), "{}: {header:?} in {:?}", request.first, answer.headers);
        }
        if answer.headers.iter().any(|(name, _)| name == "content-range") {
            assert_eq!(*body, walk.part()[4090..], "{}", request.first);
        } else {
            assert_eq!(String::from_utf8_lossy(&expected.body), shown, "{}", request.first);
        }
    }
    let (keys, _) = keys(0);
    for name in ["offer", "seal", "claim", "end"] {
        expect_shown(&*bench.store, &format!("v1/{}/{name}", keys.id.hex())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_stored_as_the_text_shows_them() {
    let walk = Walk::read();
    let bench = relay_at(walk.at);
    let part = walk.part();
    let offer = |keys: &Keys, owner: &Credential| Create {
        v: V1,
        flags: keys.flags.bits(),
        ttl: 14 * 86_400,
        verifiers: Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token),
        max_len: None,
        create_token: None,
        account: None,
    };
    let owner_token: [u8; 32] = unhex(&walk.owner_token.clone().into());
    let commit =
        Commit { v: V1, blob_len: 4096, parts: vec![Checksum::of(&part)], manifest: walk.manifest.clone().into() };
    for number in [1, 2, 0] {
        let (keys, vector) = keys(number);
        let owner = Credential::new(keys.id, Token::from_bytes(owner_token));
        let link = Credential::new(keys.id, keys.link_token.clone());
        let name = |last: &str| format!("v1/{}/{last}", keys.id.hex());
        bench.relay.create(&owner, &offer(&keys, &owner)).await.unwrap();
        if number == 2 {
            bench.relay.revoke(&owner).await.unwrap();
            expect_shown(&*bench.store, &name("seal")).await;
            continue;
        }
        bench.relay.put_part(&owner, 0, commit.parts[0], Bytes::from(part.clone()).into()).await.unwrap();
        bench.relay.commit(&owner, &commit).await.unwrap();
        if number == 1 {
            bench.relay.manifest(&link, &keys.open_token).await.unwrap();
            expect_shown(&*bench.store, &name("try/00")).await;
            bench.relay.revoke(&owner).await.unwrap();
            expect_shown(&*bench.store, &name("claim")).await;
            continue;
        }
        bench.clock.advance(600);
        let device = DeviceSecret::from_bytes(unhex(&vector["device_secret"]));
        bench.relay.claim(&link, &keys.open_token, &device.claim_token(&keys.id)).await.unwrap();
        bench.clock.advance(LEASE.as_secs() + 121);
        bench.rules.sweep().await.unwrap();
        expect_shown(&*bench.store, &name("end")).await;
        let status = bench.relay.status(&owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!(status.state, ShareState::Lapsed);
    }
}

#[test]
fn the_content_of_the_walk_is_what_the_text_says() {
    let walk = Walk::read();
    let (keys, _) = keys(0);
    assert!(blocks("json").iter().any(|block| block.replace("\n ", "") == walk.manifest_json), "the manifest");
    let encrypted = BASE64URL.decode(&walk.manifest).unwrap();
    let plain = seal::open_bytes(&encrypted, &keys.manifest_identity).unwrap();
    assert_eq!((plain.len(), String::from_utf8(plain.clone()).unwrap().trim_end()), (2048, &*walk.manifest_json));
    let manifest = Manifest::parse(&plain, 4096).unwrap();
    let (mut part, mut content) = (walk.part(), Vec::new());
    let mut unsealer = Unsealer::new(&keys.blob_identity, manifest.age_len);
    unsealer.push(&mut part, &mut content).unwrap();
    unsealer.finish().unwrap();
    assert_eq!(content, walk.content.as_bytes());
}

#[test]
fn the_manifest_of_version_2_is_canonical() {
    let json =
        blocks("json").iter().map(|block| block.replace("\n ", "")).find(|json| json.contains("\"v\":2")).unwrap();
    let mut bytes = json.into_bytes();
    bytes.resize(2048, b' ');
    let manifest = Manifest::parse(&bytes, 4096).unwrap();
    assert_eq!(manifest.to_bytes().unwrap(), bytes);
    assert_eq!((manifest.from.as_deref(), manifest.entries[0].name()), (Some("Anna"), Some("a.jpg")));
}

#[test]
fn tables_have_the_known_answers() {
    const BOTH: [(&str, &str); 3] = [("KEY", "fragment"), ("id", "id"), ("open token", "open_token")];
    const PLAIN: [(&str, &str); 7] = [
        ("link token", "link_token"),
        ("manifest identity", "manifest_identity"),
        ("blob identity", "blob_identity"),
        ("claim token", "claim_token"),
        ("claimant", "claimant"),
        ("opener's words", "openers_words"),
        ("receipt", "receipt"),
    ];
    const PASSPHRASE: [(&str, &str); 2] = [("salt", "passphrase_salt"), ("P", "stretched")];
    let (_, tables) = TEXT.split_once("| value | flags 0 |").unwrap();
    let (plain, passphrase) = tables.split_once("| value | flags 1 |").unwrap();
    for (number, table, rows) in
        [(0, plain, [&BOTH[..], &PLAIN].concat()), (1, passphrase, [&BOTH[..], &PASSPHRASE].concat())]
    {
        let (_, vector) = keys(number);
        for (row, name) in rows {
            let value = vector[name].as_str().unwrap();
            assert!(table.contains(&format!("| {row} | `{value}` |")), "{row}: {value}");
        }
    }
    let (_, table) = TEXT.split_once("| age_len | E | S | step | blob_len |").unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().skip(2).take_while(|row| row.starts_with('|')).map(|row| row.split('|').collect()).collect();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let number = |at: usize| row[at].trim().parse::<u64>().ok();
        let (age_len, blob_len) = (number(1).unwrap(), number(5).unwrap());
        assert_eq!(padded_len(age_len), blob_len);
        if let (Some(exponent), Some(varying), Some(step)) = (number(2), number(3), number(4)) {
            assert_eq!((u64::from(age_len.ilog2()), u64::from(exponent.ilog2()) + 1), (exponent, varying));
            assert_eq!((1 << (exponent - varying), age_len.next_multiple_of(step)), (step, blob_len));
        } else {
            assert!(age_len <= MIN_LEN);
        }
    }
}

#[test]
fn numbers_are_those_of_the_code() {
    let text = TEXT.split_whitespace().collect::<Vec<_>>().join(" ");
    let days = |time: Duration| time.as_secs() / 86_400;
    let hours = |time: Duration| time.as_secs() / 3600;
    for sentence in [
        format!("| part | {} bytes of a blob", spaced(PART_LEN as u64)),
        format!("and to at least {MIN_LEN} bytes"),
        format!("its header must end within the first {MAX_HEADER} bytes"),
        format!("JSON and spaces together have at most {} bytes", spaced(manifest::MAX_LEN as u64)),
        format!("and in version 1 at most {}.", spaced(manifest::MAX_LEN_V1 as u64)),
        format!("fill JSON of at most {} bytes", spaced(manifest::MAX_LEN_V1 as u64)),
        format!("`from` of at most {} and `note` of at most {} characters", manifest::MAX_FROM, manifest::MAX_NOTE),
        format!("takes the first {} or {} characters", manifest::MAX_FROM, manifest::MAX_NOTE),
        format!("at most {} components", manifest::MAX_COMPONENTS),
        format!("1 to {} characters", manifest::MAX_COMPONENT),
        format!("The encrypted manifest has at most {} bytes", spaced(MAX_SEALED_MANIFEST as u64)),
        format!("encrypted manifest of more than {} bytes, since older", spaced(MAX_DEPOSIT_MANIFEST as u64)),
        format!("manifest of more than {} bytes with", spaced(MAX_DEPOSIT_MANIFEST as u64)),
        format!("the first of `00` to `{}`", MAX_GUESSES - 1),
        format!("one part of at most {} bytes", spaced(INLINE_LEN)),
        format!("required; {} to `max_ttl` seconds", MIN_TTL.as_secs()),
        format!("| ttl | {} seconds to {} days", MIN_TTL.as_secs(), days(MAX_TTL)),
        format!("| lease | {} hours", hours(LEASE)),
        format!("aborted {} hours after `offer`", hours(UPLOAD_TIME)),
        format!("deleted {} days after the end", days(TOMBSTONE_TIME)),
        format!("`Prefer: wait=<seconds>`, at most {}", MAX_WAIT.as_secs()),
        format!("\"max_ttl\":{},\"lease\":{}", MAX_TTL.as_secs(), LEASE.as_secs()),
    ] {
        assert!(text.contains(&sentence), "{sentence}");
    }
}

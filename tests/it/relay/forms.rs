//! The forms that a request may have: bodies in chunks, credentials, entity tags, ranges and versions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use share::blob::PART_LEN;
use share::relay::store::memory::Memory;
use share::relay::{Credential, ShareState};
use share::secret::Token;

use crate::support::raw::{CHUNKED, ask, bearer, chunked, head, relay};
use crate::support::{Faults, Faulty, Kind, START, Sample, TestClock, TestRelay, contains, noise, served};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_come_in_chunks() {
    let (bench, address) = relay();
    let post = |path: &str, credential: &Credential, body: &[u8]| {
        let head = head(&address, &format!("POST {path}"), &format!("{}{CHUNKED}", bearer(credential)));
        ask(&address, [head.as_bytes(), &chunked(body, 1000)].concat())
    };
    let put = |share: &Sample, body: &[u8], len: usize| {
        let crc = format!("Share-Crc32c: {}\r\n", share.commit.parts[0]);
        let head = head(&address, "PUT /v1/part/0", &format!("{}{crc}{CHUNKED}", bearer(&share.owner)));
        ask(&address, [head.as_bytes(), &chunked(body, len)].concat())
    };
    let mut share = Sample::new(PART_LEN, false);
    // A list of many files: the commit needs more than a short body.
    share.commit.manifest = Bytes::from(noise(700_000, 3));
    assert_eq!(post("/v1/create", &share.owner, &serde_json::to_vec(&share.create).unwrap()).status(), "201");
    let part = share.parts[0].clone();
    put(&share, b"", 1).expect("400", "empty-part", "nothing");
    put(&share, &part[1..], 100_000).expect("400", "bad-checksum", "a byte is missing");
    let longer = put(&share, &[&part[..], b"x"].concat(), 100_000);
    longer.expect("413", "too-large", "a byte too many");
    assert!(contains(&longer.body, b"\"max\":4194304}"), "{longer:?}");
    assert_eq!(bench.relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().bytes_left, 0);
    // Twice: a repetition gets the same answer.
    for _ in 0..2 {
        assert_eq!(put(&share, &part, 100_000).status(), "204");
    }
    let commit = serde_json::to_vec(&share.commit).unwrap();
    assert!(commit.len() > 262_144);
    assert_eq!(post("/v1/commit", &share.owner, &commit).status(), "201");
    let (link, device) = (share.link(), share.device());
    let token = |token: &Token| BASE64URL.encode(token.as_bytes());
    let (proof, claim) = (token(share.proof()), token(&device.token));
    let seen = post("/v1/manifest", &link, format!("{{\"proof\":\"{proof}\"}}").as_bytes());
    assert_eq!(seen.status(), "200");
    let claim = format!("{{\"v\":1,\"proof\":\"{proof}\",\"claim_token\":\"{claim}\"}}");
    assert_eq!(post("/v1/claim", &link, claim.as_bytes()).status(), "200");
    let receipt = format!("{{\"receipt\":\"{}\"}}", "A".repeat(43));
    assert_eq!(post("/v1/finish", &device, receipt.as_bytes()).status(), "200");

    let other = Sample::new(5000, false);
    let (create, commit) =
        (serde_json::to_string(&other.create).unwrap(), serde_json::to_string(&other.commit).unwrap());
    let object = format!("{{\"create\":{create},\"commit\":{commit}}}");
    let deposit = [&u32::try_from(object.len()).unwrap().to_be_bytes(), object.as_bytes(), &other.parts[0]].concat();
    assert_eq!(post("/v1/deposit", &other.owner, &deposit).status(), "201");
    assert_eq!(bench.relay.status(&other.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_may_be_written_in_any_case_and_only_once() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let get = |headers: &str| ask(&address, head(&address, "GET /v1/link", headers));
    let right = bearer(&share.link());
    for same in [&right, &right.replace("Bearer ", "bearer "), &right.replace("Bearer ", "BEARER   ")] {
        assert_eq!(get(same).status(), "200", "{same}");
    }
    for twice in [right.repeat(2), format!("{right}Authorization: Basic x\r\n")] {
        get(&twice).expect("404", "unknown", &twice);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn share_authorization_means_what_authorization_means() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let get = |headers: &str| ask(&address, head(&address, "GET /v1/link", headers));
    let usual = bearer(&share.link());
    let own = format!("Share-{usual}");
    // `Authorization` then belongs to a proxy in front of the relay, whatever it is.
    let wrong = bearer(&Credential::random());
    for right in [
        own.clone(),
        own.replace("Bearer ", "bearer   "),
        format!("Authorization: Basic eDp5\r\n{own}"),
        format!("{own}{}", wrong.repeat(2)),
        format!("{own}{usual}"),
    ] {
        assert_eq!(get(&right).status(), "200", "{right}");
    }
    let (malformed, empty) = ("Share-Authorization: Bearer x\r\n".to_owned(), "Share-Authorization:\r\n".to_owned());
    for refused in [own.repeat(2), format!("Share-{wrong}"), malformed, empty] {
        for headers in [refused.clone(), format!("{refused}{usual}")] {
            get(&headers).expect("404", "unknown", &headers);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_waits_also_behind_a_proxy_that_changes_tags() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let get = |tag: &str, prefer: &str| {
        let headers = format!("{}If-None-Match: {tag}\r\nPrefer: {prefer}\r\n", bearer(&share.owner));
        ask(&address, head(&address, "GET /v1/owner", &headers))
    };
    for tag in ["\"waiting\"", "W/\"waiting\"", "\"waiting-gzip\"", "\"claimed\", W/\"waiting\"", "*"] {
        let start = Instant::now();
        let answer = get(tag, "respond-async, wait=1");
        assert_eq!(answer.status(), "304", "{tag}: {answer:?}");
        assert!(answer.head.contains("etag: \"waiting\"\r\n") && answer.body.is_empty(), "{tag}: {answer:?}");
        assert!(start.elapsed() >= Duration::from_secs(1), "{tag}: answered before its time");
    }
    assert_eq!(get("\"claimed\"", "wait=50").status(), "200");
}

/// The store's work does not show whether a share exists, nor what was wrong with the credential.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_fit_nothing_cost_the_same_reads() {
    let (clock, faults) = (TestClock::at(START), Arc::new(Faults::default()));
    let store = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone(), u64::MAX)), faults.clone()));
    let bench = TestRelay::over("counted", store, clock);
    let (_, url) = served(bench.relay.clone());
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let [waiting, claimed, uploading] = [(); 3].map(|()| Sample::new(5000, false));
    waiting.send(&*bench.relay).await;
    claimed.send(&*bench.relay).await;
    bench.relay.claim(&claimed.link(), claimed.proof(), &claimed.device().token).await.unwrap();
    bench.relay.create(&uploading.owner, &uploading.create).await.unwrap();
    let wrong = |share: &Sample| bearer(&Credential::new(share.keys.id, Token::random()));
    let unknown = bearer(&Credential::random());
    let credentials = [
        ("unknown", unknown.clone()),
        ("missing", String::new()),
        ("malformed", "Authorization: Bearer x\r\n".to_owned()),
        ("another scheme", unknown.replace("Bearer", "Basic")),
        ("two", bearer(&waiting.link()).repeat(2)),
        ("two of its own", format!("Share-{}", bearer(&waiting.link())).repeat(2)),
        ("a malformed one of its own", format!("Share-Authorization: Bearer x\r\n{}", bearer(&waiting.link()))),
        ("wrong, waiting", wrong(&waiting)),
        ("wrong, claimed", wrong(&claimed)),
        ("wrong, uploading", wrong(&uploading)),
    ];
    let token = "A".repeat(43);
    let create = serde_json::to_string(&waiting.create).unwrap();
    let commit = serde_json::to_string(&waiting.commit).unwrap();
    let deposit = format!("{{\"create\":{create},\"commit\":{commit}}}");
    let len = u32::try_from(deposit.len()).unwrap().to_be_bytes();
    let frame = [&len, deposit.as_bytes()].concat();
    let crc = format!("Share-Crc32c: {}\r\n", waiting.commit.parts[0]);
    for (line, headers, body) in [
        ("GET /v1/link", "", Vec::new()),
        ("GET /v1/owner", "", Vec::new()),
        ("GET /v1/owner", "If-None-Match: *\r\nPrefer: wait=50\r\n", Vec::new()),
        ("DELETE /v1/owner", "", Vec::new()),
        ("GET /v1/part/0", "", Vec::new()),
        ("GET /v1/part/0", "Range: bytes=7-\r\n", Vec::new()),
        ("PUT /v1/part/0", &crc, b"x".to_vec()),
        ("POST /v1/create", "", create.clone().into()),
        ("POST /v1/commit", "", commit.clone().into()),
        ("POST /v1/deposit", "", frame),
        ("POST /v1/manifest", "", format!("{{\"proof\":\"{token}\"}}").into()),
        ("POST /v1/claim", "", format!("{{\"proof\":\"{token}\",\"claim_token\":\"{token}\"}}").into()),
        ("POST /v1/finish", "", format!("{{\"receipt\":\"{token}\"}}").into()),
    ] {
        let observed = credentials.each_ref().map(|(_, credential)| {
            faults.plan(|_| None);
            let headers = format!("{headers}{credential}Content-Length: {}\r\n", body.len());
            let answer = ask(&address, [head(&address, line, &headers).as_bytes(), &body].concat());
            let head = answer.head.lines().filter(|line| !line.starts_with("date: ")).collect::<String>();
            let counts = faults.counts();
            (head, answer.body, counts.asked(Kind::Read), counts.asked_in_all())
        });
        for ((about, _), seen) in credentials.iter().zip(&observed) {
            assert_eq!(seen, &observed[0], "{line}, {about}");
        }
        let is_refused = ["404", "400"].contains(&observed[0].0.split(' ').nth(1).unwrap());
        assert!(is_refused && observed[0].2 <= 1, "{line}: {observed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_beyond_the_end_is_out_of_range_however_long_its_number_is() {
    for bench in [TestRelay::memory(), TestRelay::folder()] {
        let (_, url) = served(bench.relay.clone());
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let share = Sample::new(5000, false);
        share.send(&*bench.relay).await;
        let device = share.device();
        bench.relay.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        let get = |first: &str| {
            let headers = format!("{}Range: bytes={first}-\r\n", bearer(&device));
            ask(&address, head(&address, "GET /v1/part/0", &headers))
        };
        let last = get("4999");
        assert!(last.status() == "206" && last.body == share.parts[0][4999..], "{last:?}");
        assert!(last.head.contains("content-range: bytes 4999-4999/5000\r\n"), "{last:?}");
        let powers = [1u64 << 53, 1 << 63, u64::MAX].map(|number| number.to_string());
        for first in ["5000", "5001", &"9".repeat(40)].into_iter().chain(powers.iter().map(String::as_str)) {
            let answer = get(first);
            answer.expect("416", "out-of-range", first);
            assert!(contains(&answer.body, b"\"max\":5000}"), "{first}: {answer:?}");
            assert!(answer.head.contains("content-range: bytes */5000\r\n"), "{first}: {answer:?}");
        }
    }
}

/// A body with this text in place of its version.
type Body<'a> = &'a dyn Fn(&str) -> Vec<u8>;

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_a_body_is_refused_before_anything_happens() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    let token = |token: &Token| BASE64URL.encode(token.as_bytes());
    let device = share.device();
    let post = |path: &str, credential: &Credential, body: &[u8]| {
        let headers = format!("{}Content-Length: {}\r\n", bearer(credential), body.len());
        ask(&address, [head(&address, &format!("POST {path}"), &headers).as_bytes(), body].concat())
    };
    let (create, commit) =
        (serde_json::to_string(&share.create).unwrap(), serde_json::to_string(&share.commit).unwrap());
    let deposit = |v: &str| {
        let object = format!("{{{v}\"create\":{create},\"commit\":{commit}}}");
        [&u32::try_from(object.len()).unwrap().to_be_bytes(), object.as_bytes(), &share.parts[0]].concat()
    };
    let (proof, claim) = (token(share.proof()), token(&device.token));
    let manifest = |v: &str| format!("{{{v}\"proof\":\"{proof}\"}}").into_bytes();
    let claim = |v: &str| format!("{{{v}\"proof\":\"{proof}\",\"claim_token\":\"{claim}\"}}").into_bytes();
    let finish = |v: &str| format!("{{{v}\"receipt\":\"{}\"}}", "A".repeat(43)).into_bytes();
    let (owner, link) = (&share.owner, &share.link());
    let steps: [(&str, &Credential, Body<'_>); 4] = [
        ("/v1/deposit", owner, &deposit),
        ("/v1/manifest", link, &manifest),
        ("/v1/claim", link, &claim),
        ("/v1/finish", &device, &finish),
    ];
    for (path, credential, body) in steps {
        let state = async || bench.relay.status(owner, &[], Duration::ZERO).await.map(|status| status.state);
        let before = state().await;
        for v in ["2", "\"x\"", "\"1\"", "null", "1.0", "-1", "18446744073709551617"] {
            let about = format!("{path} {v}");
            post(path, credential, &body(&format!("\"v\":{v},"))).expect("400", "bad-request", &about);
        }
        assert_eq!(state().await, before, "{path}");
        // Older clients leave it out.
        let accepted = body(if path == "/v1/claim" { "" } else { "\"v\":1," });
        assert!(post(path, credential, &accepted).status().starts_with("20"), "{path}");
    }
    assert_eq!(bench.relay.status(owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Finished);
}

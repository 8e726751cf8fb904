//! Reports over HTTP: the form of the request, its answers, and what a relay with an operator states.

use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use share::relay::rules::StoreRelay;
use share::relay::server::{self, CreatePolicy, Limits, ServerOptions};
use share::relay::store::memory::Memory;
use share::relay::{Credential, HOLD, Relay, RelayError, Report};

use crate::support::raw::{Answer, ask, bearer, head};
use crate::support::{START, Sample, TestClock, client_of, contains, node_over, operated, operated_for, served};

/// An age file, as far as a relay can see, of `len` bytes.
fn age_file(len: usize) -> Bytes {
    let mut file = b"age-encryption.org/v1\n-> X25519 A\n--- A\n".to_vec();
    file.resize(len, 7);
    file.into()
}

/// `relay`, served over HTTP: its client and its address.
fn over_http(relay: StoreRelay) -> (Arc<dyn Relay>, String) {
    let (client, url) = served(Arc::new(relay));
    (client, url.trim_start_matches("http://").trim_end_matches('/').to_owned())
}

/// A share that a device has claimed, and the answer to the claim.
async fn claimed(relay: &dyn Relay) -> (Sample, Credential, share::relay::ClaimResponse) {
    let share = Sample::new(5000, false);
    share.send(relay).await;
    let device = share.device();
    let answer = relay.claim(&share.link(), share.proof(), &device.token).await.unwrap();
    (share, device, answer)
}

fn post(address: &str, holder: &Credential, body: &str) -> Answer {
    let headers = format!("{}Content-Length: {}\r\n", bearer(holder), body.len());
    ask(address, head(address, "POST /v1/report", &headers) + body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_answered_once_as_new_and_then_with_the_first_time() {
    let clock = TestClock::at(START);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let (relay, address) = over_http(operated(store.clone(), clock.clone()));
    let (share, device, answer) = claimed(&*relay).await;
    let to = answer.report.unwrap();
    assert_eq!((&*to.recipient, &*to.contact), ("age1operator", "abuse@relay.example"));
    let report = Report::new(age_file(600), Some(age_file(2300)));
    let body = serde_json::to_string(&report).unwrap();
    for (other, why) in [(share.link(), "link"), (share.owner.clone(), "owner"), (Credential::random(), "none")] {
        post(&address, &other, &body).expect("404", "unknown", why);
    }
    let first = post(&address, &device, &body);
    assert_eq!((first.status(), &*first.body), ("201", format!("{{\"v\":1,\"at\":{START}}}").as_bytes()));
    clock.advance(60);
    let again = relay.report(&device, &Report::new(age_file(700), None)).await.unwrap();
    assert_eq!((again.is_new, again.at), (false, START));
    let again = post(&address, &device, &body);
    assert_eq!((again.status(), &again.body), ("200", &first.body));
    // Too late, with the end of the hour.
    let (late, late_device, _) = claimed(&*relay).await;
    relay.revoke(&late.owner).await.unwrap();
    let until = START + 60 + HOLD.as_secs();
    assert_eq!(relay.status(&late.owner, &[], std::time::Duration::ZERO).await.unwrap().kept_until, Some(until));
    clock.advance(HOLD.as_secs());
    let refused = post(&address, &late_device, &body);
    refused.expect("410", "too-late", "an hour after the end");
    assert!(contains(&refused.body, format!("\"at\":{until}}}").as_bytes()), "{refused:?}");
    assert_eq!(relay.report(&late_device, &report).await, Err(RelayError::TooLate { at: until }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_another_form_is_refused_before_its_token_is_compared() {
    let clock = TestClock::at(START);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let (relay, address) = over_http(operated(store, clock));
    let (_, device, _) = claimed(&*relay).await;
    let json = |keys: Bytes, note| serde_json::to_string(&Report::new(keys, note)).unwrap();
    for body in ["", "{}", "null", "{\"v\":2,\"keys\":\"\"}", &json(Bytes::from_static(b"no age file"), None)] {
        post(&address, &device, body).expect("400", "bad-request", body);
        post(&address, &Credential::random(), body).expect("400", "bad-request", body);
    }
    let spaces = " ".repeat(32 * 1024);
    for (body, max) in [
        (json(age_file(6145), None), 6144),
        (json(age_file(600), Some(age_file(16_385))), 16_384),
        (json(age_file(600), None) + &spaces, 32_768),
    ] {
        let refused = post(&address, &device, &body);
        refused.expect("413", "too-large", "a long report");
        assert!(contains(&refused.body, format!("\"max\":{max}}}").as_bytes()), "{refused:?}");
    }
    assert_eq!(post(&address, &device, &json(age_file(6144), Some(age_file(16_384)))).status(), "201");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_beyond_the_room_have_no_space() {
    let clock = TestClock::at(START);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let (relay, address) = over_http(operated_for(store, clock, 4000));
    let (_, device, _) = claimed(&*relay).await;
    let body = serde_json::to_string(&Report::new(age_file(600), None)).unwrap();
    post(&address, &device, &body).expect("507", "no-space", "more than the room");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_counts_with_its_own_reports_and_their_bytes() {
    let clock = TestClock::at(START);
    let rules: Arc<dyn Relay> = Arc::new(operated(Arc::new(Memory::new(clock.clone(), u64::MAX)), clock));
    let body = serde_json::to_string(&Report::new(age_file(600), None)).unwrap();
    let few = Limits { reports: NonZeroU32::new(2), ..Limits::default() };
    let small = Limits { reported: Some(12_000), ..Limits::default() };
    for limits in [few, small] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let limits = Limits { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..limits };
        let options = ServerOptions { create: CreatePolicy::Open, limits, ..ServerOptions::default() };
        tokio::spawn(server::serve(rules.clone(), listener, options, std::future::pending()));
        let send = |holder: &Credential| {
            let client = "X-Forwarded-For: 192.0.2.1\r\n";
            let headers = format!("{}{client}Content-Length: {}\r\n", bearer(holder), body.len());
            ask(&address, head(&address, "POST /v1/report", &headers) + &body)
        };
        for _ in 0..3 {
            send(&Credential::random()).expect("404", "unknown", "no opener");
        }
        let [(_, first, _), (_, second, _), (share, third, _)] =
            [claimed(&*rules).await, claimed(&*rules).await, claimed(&*rules).await];
        for device in [&first, &second, &first] {
            assert!(["200", "201"].contains(&send(device).status()));
        }
        let refused = send(&third);
        refused.expect("429", "slow-down", "a third one");
        assert!(contains(&refused.body, b"\"limit\":\"reports\""), "{refused:?}");
        send(&share.link()).expect("404", "unknown", "no opener");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_an_operator_states_and_takes_nothing() {
    let clock = TestClock::at(START);
    let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
    let (with, with_address) = over_http(operated(store.clone(), clock.clone()));
    let (without, address) = over_http(node_over(store, clock));
    let about = |address: &str| ask(address, head(address, "GET /.well-known/share", "")).body;
    let plain = "{\"v\":1,\"max_bytes\":1073741824,\"max_ttl\":7776000,\"lease\":86400,\"create\":\"open\",\
                 \"public_url\":null,\"contact\":null,\"send\":true}";
    assert_eq!(String::from_utf8(about(&address)).unwrap(), plain);
    let stated = plain.replace(
        "\"contact\":null,",
        "\"contact\":\"abuse@relay.example\",\"operator_recipient\":\"age1operator\",\"hold\":3600,",
    );
    assert_eq!(String::from_utf8(about(&with_address)).unwrap(), stated);
    // Committed with an operator, opened at the other node, and reported at the first.
    let share = Sample::new(5000, false);
    share.send(&*with).await;
    let device = share.device();
    let answer = without.claim(&share.link(), share.proof(), &device.token).await.unwrap();
    assert_eq!(answer.report, None);
    let report = Report::new(age_file(600), None);
    assert_eq!(without.report(&device, &report).await, Err(RelayError::Unknown));
    assert!(with.report(&device, &report).await.unwrap().is_new);
    // Committed without one: no hold, no report.
    let (_, device, answer) = claimed(&*without).await;
    assert_eq!(answer.report, None);
    assert_eq!(with.report(&device, &report).await, Err(RelayError::Unknown));
    // A relay that has never heard of reports answers as to any unknown path.
    let unknown = client_of(&format!("http://{address}/older"));
    assert_eq!(unknown.report(&device, &report).await, Err(RelayError::Unknown));
}

//! Create tokens in the page that sends: typed, by a link, kept, used up and revoked.

use std::net::TcpListener;
use std::time::Instant;

use serde_json::json;

use super::{arrive, link};
use crate::support::{Browser, Engine, Proxy, RelayProcess, Sandbox, TIME_LIMIT, Tab, in_every_engine};

in_every_engine!(
    typed_token_is_checked_and_kept_for_the_tab_or_on_request_longer,
    token_from_a_link_leaves_the_address_bar_and_is_only_in_bodies_that_need_it,
    over_plain_http_no_token_is_kept_for_longer_than_the_tab,
    used_up_token_has_the_time_at_which_it_comes_back,
    token_that_the_relay_no_longer_accepts_is_forgotten,
);

const FILE: [&str; 2] = ["--create-token-file", "tokens"];
/// The token in the storage of the tab, and in that of the browser.
const STORED: &str = "[sessionStorage, localStorage].map((store) => store.getItem('share.token'))";

/// Makes a token, and returns the token or its link.
fn make(sandbox: &Sandbox, args: &[&str]) -> String {
    sandbox.share(["relay", "token", "-q"].iter().chain(args).chain(&FILE)).ok()
}

/// Opens the page that sends, which asks for a token.
fn asked<'a>(tab: &'a Tab, url: &str) -> &'a Tab {
    tab.goto(&format!("{url}send")).expect("Enter your token").until("document.querySelector('#token')")
}

/// Types a token in place of what is there.
fn enter(tab: &Tab, token: &str) {
    tab.until("document.querySelector('#token')").value("document.querySelector('#token').focus()");
    tab.press("Control+a").type_text(token).press_button("Continue");
}

/// Waits for the first screen after the question.
fn admitted(tab: &Tab) -> &Tab {
    tab.expect("Send something").until("document.querySelector('#files')")
}

/// Writes a text, and goes on to the screen before sending.
fn write(tab: &Tab, text: &str) {
    tab.until("document.querySelector('#text')").value("document.querySelector('#text').focus()");
    tab.type_text(text).press_button("Continue").expect("Check and send");
}

/// Opens a link elsewhere, and returns its text.
fn opened(sandbox: &Sandbox, link: &str) -> String {
    sandbox.share(["open", "-q", link, "-o", "-"]).env("HOME", sandbox.other_home("elsewhere")).ok()
}

/// Presses the button that sends, which may be off until the relay has answered.
fn press_send(tab: &Tab) {
    tab.until("document.querySelector('.sending button.main[aria-disabled=false]')");
    tab.tell("click", json!({ "selector": ".sending button.main" }));
}

/// Revokes a token, and waits until the relay refuses it.
fn revoke(sandbox: &Sandbox, relay: &RelayProcess, name: &str, token: &str) {
    sandbox.share(["relay", "token", "revoke", name].iter().chain(&FILE)).ok();
    let send =
        || sandbox.share(["send", "-q", "--relay", &relay.url]).env("SHARE_CREATE_TOKEN", token).input("x").run();
    let begun = Instant::now();
    while send().code == 0 {
        assert!(begun.elapsed() < TIME_LIMIT, "the relay still accepts {name}");
    }
}

fn typed_token_is_checked_and_kept_for_the_tab_or_on_request_longer(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let token = make(&sandbox, &["anna"]);
    let relay = sandbox.relay_with(&[&FILE[..], &["--contact", "ops@relay.example"]].concat());
    let tab = browser.tab();
    asked(&tab, &relay.url).expect("write to the operator: ops@relay.example");
    enter(&tab, &token.replace(&token[..1], if token.starts_with('0') { "1" } else { "0" }));
    tab.expect("does not accept this token. Check it");
    assert_eq!(tab.value(STORED), json!([null, null]));
    enter(&tab, &token);
    admitted(&tab);
    assert_eq!(tab.value(STORED), json!([token, null]));
    write(&tab, "tangerine-42");
    assert_eq!(opened(&sandbox, &link(&tab)), "tangerine-42");
    arrive(&tab, &relay);
    // Another tab asks again.
    let other = tab.new_tab();
    asked(&other, &relay.url).tell("click", json!({ "selector": "#keep" }));
    enter(&other, &token);
    admitted(&other);
    assert_eq!(other.value(STORED), json!([null, token]));
    let third = tab.new_tab();
    arrive(&third, &relay);
    assert_eq!(third.value(STORED), json!([null, token]));
}

fn token_from_a_link_leaves_the_address_bar_and_is_only_in_bodies_that_need_it(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    make(&sandbox, &["anna"]);
    let relay = sandbox.relay_with(&FILE);
    let line = Proxy::recording(&relay.address());
    let made = make(&sandbox, &["carla", "--link", "--relay", &line.url]);
    let token = made.split_once("#token=").unwrap().1.to_owned();
    // The relay has read its file again.
    let begun = Instant::now();
    let send =
        || sandbox.share(["send", "-q", "--relay", &relay.url]).env("SHARE_CREATE_TOKEN", &token).input("x").run();
    while send().code != 0 {
        assert!(begun.elapsed() < TIME_LIMIT, "the relay does not accept the token");
    }
    let tab = browser.tab();
    tab.goto(&made);
    admitted(&tab);
    assert_eq!(tab.value("location.href"), json!(format!("{}send", line.url)));
    assert_eq!(tab.value(STORED), json!([token, null]));
    write(&tab, "tangerine-42");
    let link = link(&tab);
    assert_eq!(opened(&sandbox, &link), "tangerine-42");
    assert!(!tab.remembers().contains(link.split_once('#').unwrap().1), "the browser keeps the link");
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // Each request is recorded as a head and a body.
    let recorded = String::from_utf8_lossy(&line.recorded()).into_owned();
    let mut needed = 0;
    for (at, _) in recorded.match_indices(&token) {
        let before = &recorded[..at];
        let head = before.rfind(" HTTP/1.1\r\n").map(|end| &before[before[..end].rfind(['P', 'G']).unwrap()..end]);
        let body = before.rfind("\r\n\r\n") > before.rfind(" HTTP/1.1\r\n");
        let path = head.unwrap().rsplit(' ').next().unwrap();
        assert!(body && ["/v1/allowance", "/v1/create", "/v1/deposit"].contains(&path), "{path}");
        needed += usize::from(path != "/v1/allowance");
    }
    assert_eq!(needed, 1, "the share was created with the token");
    assert!(!recorded.contains("#token") && !recorded.contains("token%3D"), "no request has the fragment");
}

fn over_plain_http_no_token_is_kept_for_longer_than_the_tab(engine: Engine) {
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let sandbox = Sandbox::new();
    let token = make(&sandbox, &["anna"]);
    let options = ["relay", "--store", "memory:", "--listen", &listens, "--public-url", "http://photos.lan"];
    let _relay = sandbox.start_as_relay(sandbox.share(options.iter().chain(&FILE)));
    let tab = browser.tab();
    asked(&tab, "http://photos.lan/");
    assert_eq!(tab.value("[isSecureContext, document.querySelector('#keep') === null]"), json!([false, true]));
    enter(&tab, &token);
    admitted(&tab);
    assert_eq!(tab.value(STORED), json!([token, null]));
}

fn used_up_token_has_the_time_at_which_it_comes_back(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let token = make(&sandbox, &["anna", "--max-shares-per-day", "1"]);
    let relay = sandbox.relay_with(&FILE);
    let tab = browser.tab();
    asked(&tab, &relay.url);
    enter(&tab, &token);
    admitted(&tab);
    write(&tab, "tangerine-42");
    tab.until("document.querySelector('.sending button.main[aria-disabled=false]')");
    // While the sender reads what the recipient will see, the token is used up elsewhere.
    let elsewhere = sandbox.share(["send", "-q", "--relay", &relay.url]).env("SHARE_CREATE_TOKEN", &token);
    elsewhere.input("x").ok();
    press_send(&tab);
    tab.expect("Token used up").expect("Your token’s limit for today is reached; it resets on ");
    // Midnight, UTC, in the time zone of this machine.
    assert!(tab.text().contains(" at ") && !tab.text().contains('{'), "{}", tab.text());
    assert_eq!(tab.value(STORED), json!([token, null]), "it is valid tomorrow");
    // The next visit finds that out before anything is sent.
    arrive(&tab, &relay);
    write(&tab, "tangerine-42");
    tab.expect("Too many links: your token allows 0 more until ");
    assert_eq!(tab.value("document.querySelector('.sending button.main').ariaDisabled"), "true");
}

fn token_that_the_relay_no_longer_accepts_is_forgotten(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let (anna, ben) = (make(&sandbox, &["anna"]), make(&sandbox, &["ben"]));
    let relay = sandbox.relay_with(&FILE);
    let tab = browser.tab();
    asked(&tab, &relay.url).tell("click", json!({ "selector": "#keep" }));
    enter(&tab, &anna);
    admitted(&tab);
    write(&tab, "tangerine-42");
    // While the sender reads what the recipient will see.
    revoke(&sandbox, &relay, "anna", &anna);
    press_send(&tab);
    tab.expect("Token not accepted").expect("What you chose is still here");
    assert_eq!(tab.value(STORED), json!([null, null]));
    tab.press_button("Enter another token");
    enter(&tab, &ben);
    tab.expect("Check and send");
    assert_eq!(opened(&sandbox, &link(&tab)), "tangerine-42");
    // Between two visits.
    revoke(&sandbox, &relay, "ben", &ben);
    asked(&tab, &relay.url).expect("does not accept this token. Check it");
    assert_eq!(tab.value(STORED), json!([null, null]));
}

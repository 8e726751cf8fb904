//! The relay's bare address, and addresses that lost the key of their link.

use std::net::TcpListener;

use serde_json::json;
use share::page;

use crate::support::{Browser, Host, Sandbox, Tab};

const LOST: &str = "The end of its link is missing";
const TOKEN: &str = "you need a token from its operator";
const HERE: &str = "Send something from this browser";

/// Opens an address and waits until the page knows what the relay allows.
fn visit(browser: &Browser, url: &str) -> Tab {
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(url).expect("Links that work once").expect(LOST).expect("share send photo.jpg");
    tab.until("performance.getEntriesByName(new URL('.well-known/share', location.href).href)[0]?.responseEnd > 0");
    tab
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn bare_address_explains_what_this_is_and_promises_nothing_that_the_relay_refuses() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay.url);
    tab.expect(&format!("share relay use {}\nshare send photo.jpg", relay.url));
    assert!(!tab.text().contains(TOKEN) && tab.text().contains(HERE), "{}", tab.text());
    assert_eq!(tab.requests(), ["GET /", "GET /.well-known/share"]);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // A link that is pasted there opens.
    sandbox.write("tokens", b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    let another = Sandbox::new();
    let tokens = sandbox.path("tokens");
    let closed = another.relay_with(&["--create-token-file", tokens.to_str().unwrap()]);
    let tab = visit(&browser, &closed.url);
    tab.expect(TOKEN).expect("share relay use").expect(HERE);
    tab.tell("click", json!({ "selector": "main a" }));
    tab.until("location.pathname === '/send'").until("document.title === 'Send something · share'");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn bare_address_in_direct_mode_offers_no_relay() {
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={listens}")]) else { return };
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"psst");
    let host = Host::start(&sandbox, &["a.txt", "--public-url", "http://photos.lan", "--listen", &listens]);
    let tab = visit(&browser, "http://photos.lan/");
    assert_eq!(tab.value("isSecureContext"), false);
    for text in ["relay use", TOKEN, HERE] {
        assert!(!tab.text().contains(text), "{text}: {}", tab.text());
    }
    let fragment = host.link().split_once('#').unwrap().1;
    tab.value(&format!("location.hash = {fragment:?}"));
    tab.expect("A text for you").hold().expect("psst");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn bare_address_below_a_path_names_that_path() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = browser.tab();
    // A proxy that serves the relay below /files/.
    tab.tell("answer", json!({ "path": "/files/", "status": 200, "body": page::PAGE.html(), "type": "text/html" }));
    let about = json!({ "v": 1, "create": "open", "public_url": null, "send": true }).to_string();
    tab.tell("answer", json!({ "path": "/files/.well-known/share", "status": 200, "body": about }));
    tab.goto(&format!("{}files/", relay.url)).expect(&format!("share relay use {}files/\n", relay.url));
    let link = format!("document.querySelector('main a').href === '{}files/send'", relay.url);
    tab.until(&link);
    // The operator's own address counts more.
    let tab = browser.tab();
    let about = json!({ "v": 1, "create": "open", "public_url": "https://relay.example/", "send": true }).to_string();
    tab.tell("answer", json!({ "path": "/.well-known/share", "status": 200, "body": about }));
    tab.goto(&relay.url).expect("share relay use https://relay.example/\n");
    // A relay that does not answer.
    let tab = browser.tab();
    tab.tell("answer", json!({ "path": "/.well-known/share", "status": 502, "body": "<h1>Bad gateway</h1>" }));
    let tab = tab.goto(&relay.url).expect("share send photo.jpg");
    assert!(!tab.text().contains("relay use"), "{}", tab.text());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn unknown_path_is_no_landing_page() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&format!("{}some/where", relay.url)).expect("The key is missing").expect("Nothing was opened");
    assert!(!tab.text().contains("share send"), "{}", tab.text());
    assert_eq!(tab.requests(), ["GET /some/where"]);
}

//! The page in several tabs: coming back to a closed share, and resuming in another tab of the same browser.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::support::{Browser, Engine, Host, PHOTO, ROOT, RelayProcess, Sandbox, Tab, in_every_engine, send, status};

in_every_engine!(
    coming_back_to_what_was_closed_is_told_as_such,
    another_tab_resumes_when_the_first_is_gone,
    another_tab_resumes_over_plain_http,
);

/// Asserts that no secret of a link is in storage that tabs share; returns the number of entries.
fn shared_storage(tab: &Tab, link: &str) -> usize {
    let kept = tab.value("JSON.stringify(localStorage)").as_str().unwrap().to_owned();
    let fragment = link.split_once('#').unwrap().1;
    assert!(!kept.contains(fragment) && !kept.contains("stretched") && !kept.contains("fragment"), "{kept}");
    usize::try_from(tab.value("localStorage.length").as_u64().unwrap()).unwrap()
}

/// A page of another site.
fn elsewhere(relay: &RelayProcess) -> String {
    relay.url.replace("127.0.0.1", "localhost")
}

fn coming_back_to_what_was_closed_is_told_as_such(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let (relay, other) = (sandbox.relay(), Sandbox::new());
    let other_relay = other.relay();
    sandbox.write("a.txt", b"psst");
    let link = send(&sandbox, &relay, &["a.txt"]);
    let tab = browser.tab();
    // Firefox changes its process for another site, and may drop the last request of a page: then the share is shown
    // again.
    let came_back = || {
        tab.until(
            "['Closed and deleted', 'Already opened', 'a.txt'].includes(document.querySelector('h1').textContent)",
        );
        assert!(!tab.text().contains("someone else"), "{}", tab.text());
        if engine == Engine::Firefox && tab.text().starts_with("a.txt") {
            tab.press_button("Close").expect("The sender sees");
        }
        assert!(!tab.text().starts_with("a.txt"), "{}", tab.text());
        tab.until("sessionStorage.length + localStorage.length === 0");
        relay.expect_empty();
    };
    // Opened, left, and revisited.
    tab.goto(&link).hold().expect("psst").goto(&elsewhere(&other_relay));
    tab.tell("back", json!({}));
    came_back();
    // The same by visiting the link again.
    let link = send(&sandbox, &relay, &["a.txt"]);
    tab.goto(&link).hold().expect("psst").goto(&elsewhere(&other_relay));
    tab.goto(&link);
    came_back();
    // Closed properly: a reload and going back show the time.
    let link = send(&sandbox, &relay, &["a.txt"]);
    tab.goto(&link).hold().expect("psst");
    assert_eq!(shared_storage(&tab, &link), 1);
    tab.press_button("Close").expect("The sender sees it was opened by");
    assert_eq!(tab.remembers(), r#""{}{}""#);
    tab.tell("reload", json!({}));
    tab.expect("Already opened").expect("You opened this link in this browser on ");
    // WebKitGTK's driver gets no answer from a page that is restored from the browser's cache.
    if engine != Engine::WebKit {
        tab.goto(&elsewhere(&other_relay));
        tab.tell("back", json!({}));
        tab.expect("You opened this link in this browser on ");
    }
}

fn another_tab_resumes_when_the_first_is_gone(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.txt", b"first page");
    sandbox.write("b.txt", b"second page");
    sandbox.write("passphrase", b"correct horse");
    let link = send(&sandbox, &relay, &["a.txt", "b.txt"]);
    let first = browser.tab();
    first.goto(&link).hold().expect("first page");
    assert_eq!(shared_storage(&first, &link), 1);
    // Two at once: the second waits for the first.
    let second = first.new_tab();
    second.goto(&link).expect("Open in another tab");
    first.goto("about:blank");
    second.expect("The other tab is closed").press_button("Continue here").expect("first page");
    // In the other order, closed properly.
    let third = second.new_tab();
    third.goto(&link).expect("Open in another tab");
    second.press_button("Next").expect("second page").press_button("Close").expect("The sender sees");
    third
        .expect("The other tab is closed")
        .press_button("Continue here")
        .expect("You opened this link in this browser on ");
    assert_eq!(third.remembers(), r#""{}{}""#);
    relay.expect_empty();

    // With a passphrase, which is asked for again.
    let link = send(&sandbox, &relay, &["--passphrase-file", "passphrase", "a.txt", "b.txt"]);
    let answer = |tab: &Tab, passphrase: &str| {
        tab.tell("click", json!({ "selector": "#passphrase" }));
        tab.value("document.querySelector('#passphrase').value = '', 0");
        tab.tell("type", json!({ "text": passphrase }));
        tab.tell("press", json!({ "key": "Enter" }));
    };
    let tab = browser.tab();
    tab.goto(&link).expect("Enter the passphrase");
    answer(&tab, "correct horse");
    tab.hold().expect("first page");
    let resumed = tab.new_tab();
    tab.goto("about:blank");
    resumed.goto(&link).expect("Enter the passphrase");
    answer(&resumed, "incorrect horse");
    resumed.expect("Wrong passphrase");
    answer(&resumed, "correct horse");
    resumed.expect("first page").press_button("Next").expect("second page").press_button("Close");
    resumed.expect("The sender sees");
    assert_eq!(resumed.remembers(), r#""{}{}""#);

    // A tab without the key explains how to get it.
    let link = send(&sandbox, &relay, &["a.txt", "b.txt"]);
    resumed.goto(&link).hold().expect("first page");
    resumed.value("sessionStorage.clear()");
    resumed.tell("reload", json!({}));
    resumed.expect("The key is missing").expect("Open the link from the message in this browser again");
    resumed.goto(&link).expect("first page");
    // Another browser counts as another device.
    browser.tab().goto(&link).expect("Being opened").expect("open the link there again before");
}

fn another_tab_resumes_over_plain_http(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"first page");
    sandbox.write("b.txt", b"second page");
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut host =
        Host::start(&sandbox, &["a.txt", "b.txt", "--public-url", "http://photos.lan", "--listen", &listens]);
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let first = browser.tab();
    first.goto(host.link()).hold().expect("first page");
    assert_eq!(first.value("[isSecureContext, 'locks' in navigator]"), json!([false, false]));
    let second = first.new_tab();
    second.goto(host.link()).expect("Open in another tab");
    first.tell("reload", json!({}));
    first.expect("first page").goto("about:blank");
    second.expect("The other tab is closed").press_button("Continue here").expect("first page");
    second.press_button("Next").expect("second page").press_button("Close").expect("The sender sees");
    assert_eq!(second.remembers(), r#""{}{}""#);
    host.expect("opened by: ");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_killed_tab_is_resumed_by_a_new_one_and_a_waiting_one_notices_the_opening() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.zip", b"PK\x03\x04 and so on");
    let link = send(&sandbox, &relay, &["a.zip"]);
    let waits = browser.tab();
    waits.goto(&link).expect("Press and hold to open");
    let first = waits.new_tab();
    first.goto(&link).hold().expect("cannot show this kind of file");
    waits.expect("Open in another tab");
    first.tell("kill", json!({}));
    waits.expect("The other tab is closed");
    waits.press_button("Continue here").expect("cannot show this kind of file");
    let fresh = waits.new_tab();
    fresh.goto(&link).expect("Open in another tab");
    // Expired entries, and those that other programs wrote, are removed.
    fresh.value(
        "localStorage.setItem('share.v1.x', '{'),
         localStorage.setItem('share.v1.y', JSON.stringify({
             stage: 'begun', claimToken: 'A'.repeat(43), shown: '', until: '1',
         }))",
    );
    fresh.tell("reload", json!({}));
    fresh.expect("Open in another tab");
    assert_eq!(shared_storage(&fresh, &link), 1);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn an_unfinished_opening_is_shown_differently_from_a_finished_one() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let gone = |extra: serde_json::Value| {
        let mut body = json!({ "type": "urn:share:already-opened", "at": 1_700_000_000, "claimant": "A".repeat(43) });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
        tab.tell("answer", json!({ "path": "/v1/manifest", "status": 410, "body": body.to_string() }));
        tab.goto(&link);
        tab
    };
    let tab = gone(json!({ "until": 1_700_086_400 }));
    tab.expect("Being opened")
        .expect("on Nov 14, 2023 at 22:13")
        .expect("open the link there again")
        .expect("before Nov 15, 2023 at 22:13");
    assert!(!tab.text().contains("Already opened"), "{}", tab.text());
    let directory = Path::new(ROOT).join("target/pictures");
    fs::create_dir_all(&directory).unwrap();
    tab.tell("shot", json!({ "path": directory.join("being-opened-phone.png") }));
    gone(json!({})).expect("Already opened").expect("someone else has seen it");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_key_that_a_login_page_cut_off_is_reported_missing_and_nothing_is_lost() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let tab = browser.tab();
    tab.goto(&format!("{}?from=login", relay.url)).expect("its link is missing").expect("Nothing was opened");
    assert_eq!(tab.requests(), ["GET /?from=login", "GET /.well-known/share"]);
    assert!(status(&sandbox).contains("waiting"), "{}", status(&sandbox));
    // Another link in the same tab, pasted before or during an opening, starts a new opening.
    sandbox.write("a.txt", b"first page");
    sandbox.write("b.txt", b"second page");
    let other = send(&sandbox, &relay, &["a.txt", "b.txt"]);
    let paste = |link: &str| {
        tab.value(&format!("location.hash = {:?}, 0", link.split_once('#').unwrap().1));
    };
    paste(&link);
    tab.expect("beach.jpg");
    paste(&other);
    tab.expect("2 files").hold().expect("first page");
    paste(&link);
    tab.expect("beach.jpg").hold().until("document.querySelector('.stage img')?.complete");
    tab.press_button("Close").expect("The sender sees");
    paste(&other);
    tab.expect("first page").press_button("Next").expect("second page").press_button("Close").expect("The sender sees");
    relay.expect_empty();
}

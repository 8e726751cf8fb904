//! The page that sends without a pointer, without a screen, in the dark and with forced colors.

use serde_json::{Value, json};

use super::{arrive, unfold};
use crate::page::access::{FOCUSED, expect_names, tab_to};
use crate::support::{Browser, CLIP, Engine, PHOTO, Sandbox, Tab, in_every_engine};

in_every_engine!(text_is_sent_and_revoked_with_keys_alone);

fn text_is_sent_and_revoked_with_keys_alone(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = browser.tab_with(json!({ "width": 844, "height": 700, "still": true }));
    arrive(&tab, &relay);
    // The heading of each screen has the focus, so that a screen reader starts there.
    assert_eq!(tab.value(FOCUSED), "Send something");
    expect_names(&tab, &["Photos and videos", "Files", "Or write some text"]);
    tab_to(&tab, "Tab", "Photos and videos");
    tab.value("document.activeElement.blur()");
    tab.value("document.querySelector('#text').focus()");
    tab.type_text("psst").press("Tab");
    assert_eq!(tab.value(FOCUSED), "Continue");
    tab.press("Enter").expect("A text for you");
    assert_eq!(tab.value(FOCUSED), "Check and send");
    expect_names(&tab, &["Expires after", "Create the link", "Remove A text"]);
    tab_to(&tab, "Tab", "One link per recipient");
    tab.press("Enter").press("Tab").type_text("Anna").press("Enter").expect("Anna");
    assert_eq!(tab.value("document.activeElement.id"), "recipient");
    tab_to(&tab, "Tab", "Create the link");
    tab.press("Enter").expect("The link is ready");
    assert_eq!(tab.value(FOCUSED), "The link is ready");
    expect_names(&tab, &["Link for Anna", "Copy link", "Revoke", "Send another"]);
    tab_to(&tab, "Tab", "Revoke");
    tab.press("Enter").expect("Then nobody can open it");
    assert_eq!(tab.value(FOCUSED), "Keep it", "the safe answer has the focus");
    tab.press("Escape").until("!document.querySelector('dialog')").expect("Not opened yet");
    assert_eq!(tab.value(FOCUSED), "Revoke");
    tab.press("Enter").expect("Then nobody can open it");
    tab_to(&tab, "Tab", "Revoke");
    tab.press("Enter").expect("Revoked on");
    // The revoked link is not missed.
    tab_to(&tab, "Tab", "Send another");
    tab.press("Enter").expect("Send something");
    assert_eq!(tab.complaints(), Vec::<String>::new());
    relay.expect_empty();
}

/// Asserts that the screen breaks no rule of accessibility seriously, and takes a picture of it.
fn check(tab: &Tab, options: &Value, state: &str) {
    let found = tab.tell("axe", json!({}));
    let is_serious = |found: &&Value| {
        (found["impact"] == "serious" || found["impact"] == "critical")
            // With forced colors, axe reads the page's own colors of some elements.
            && (options["forced"] != true || found["id"] != "color-contrast")
    };
    let serious: Vec<&Value> = found.as_array().unwrap().iter().filter(is_serious).collect();
    assert!(serious.is_empty(), "{state}, {options}: {serious:#?}");
    let kind = ["dark", "forced"].into_iter().find(|kind| options[kind] == true).unwrap_or("light");
    tab.shot(&format!("send-{state}-{kind}-{}", options["width"]));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_screen_keeps_the_rules_of_accessibility() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let damaged = sandbox.write("damaged.jpg", b"\xff\xd8\xff\xe1 and no more");
    for options in [
        json!({ "width": 390, "height": 844, "touch": true }),
        json!({ "width": 390, "height": 844, "touch": true, "dark": true }),
        json!({ "width": 1280, "height": 800 }),
        json!({ "width": 844, "height": 390, "touch": true, "forced": true }),
    ] {
        let check = |tab: &Tab, state: &str| check(tab, &options, state);
        let tab = browser.tab_with(options.clone());
        arrive(&tab, &relay);
        check(&tab, "choose");
        tab.choose("#files", &[PHOTO, CLIP, damaged.to_str().unwrap()]);
        tab.until("document.querySelector('.stays') && document.querySelector('.thumbnail canvas')");
        check(&tab, "review");
        unfold(&tab);
        check(&tab, "options");
        super::links(&tab);
        unfold(&tab);
        check(&tab, "sent");
        tab.press_button("Revoke").expect("Then nobody can open it");
        check(&tab, "question");
        tab.press_button("Keep it");
        let list = tab.new_tab();
        arrive(&list, &relay).press_button("Sent from this browser").expect("Not opened yet");
        check(&list, "kept");
        let body = json!({ "type": "urn:share:not-allowed" }).to_string();
        let refused = browser.tab_with(options.clone());
        refused.tell("answer", json!({ "path": "/v1/deposit", "status": 401, "body": body }));
        arrive(&refused, &relay).choose("#photos", &[PHOTO]).expect("Will be removed");
        refused.press_button("Create the link").expect("Token not accepted").press_button("Enter another token");
        refused.expect("Enter your token");
        check(&refused, "token");
        for tab in [tab, refused] {
            tab.tell("close", json!({}));
        }
    }
}

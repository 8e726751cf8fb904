//! The page that sends, in twelve languages on a small phone.

use serde_json::json;

use super::{arrive, links, unfold, write};
use crate::page::languages::Small;
use crate::support::{Browser, CLIP, PHOTO, Sandbox, Tab};

/// Chooses an album with a file that keeps its metadata, and sets all options.
fn fill(sandbox: &Sandbox, tab: &Tab) {
    let damaged = sandbox.write("a photo with quite a long name.jpg", b"\xff\xd8\xff\xe1 and no more");
    tab.choose("#files", &[PHOTO, CLIP, damaged.to_str().unwrap()]).expect("Check and send");
    tab.until("document.querySelector('.stays')");
    unfold(tab);
    write(tab, "#from", "Ben");
    write(tab, "#note", "From the beach, as promised");
    write(tab, "#passphrase", "correct horse battery staple");
    for name in ["Anna", "Maximiliane"] {
        write(tab, "#recipient", name);
        tab.press("Enter");
    }
    tab.until("document.querySelectorAll('.recipients li').length === 2");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_screen_fits_on_a_small_phone_in_every_language() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let mut small = Small::of(&browser);
    let tab = small.tab(&json!({}));
    arrive(&tab, &relay);
    small.look_in_all(&tab, "send-choose");
    let tab = small.tab(&json!({}));
    fill(&sandbox, arrive(&tab, &relay));
    small.look_in_all(&tab, "send-review");
    let tab = small.tab(&json!({}));
    fill(&sandbox, arrive(&tab, &relay));
    assert_eq!(links(&tab).len(), 2);
    let list = tab.new_tab();
    arrive(&list, &relay).press_button("Sent from this browser").expect("Anna").expect("Not opened yet");
    small.look_in_all(&tab, "send-sent");
    small.expect_none();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn list_token_and_errors_fit_on_a_small_phone_in_every_language() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let mut small = Small::of(&browser);
    let tab = small.tab(&json!({}));
    fill(&sandbox, arrive(&tab, &relay));
    links(&tab);
    let list = tab.new_tab();
    arrive(&list, &relay).press_button("Sent from this browser").expect("Anna").expect("Not opened yet");
    small.look_in_all(&list, "send-kept");
    let tab = small.tab(&json!({}));
    let about =
        json!({ "v": 1, "create": "token", "max_bytes": 1000, "max_ttl": 86400, "contact": "ops@relay.example" });
    tab.tell("answer", json!({ "path": "/.well-known/share", "status": 200, "body": about.to_string() }));
    tab.goto(&format!("{}send", relay.url)).expect("Enter your token");
    small.look_in_all(&tab, "send-token");
    let tab = small.tab(&json!({ "before": "delete Crypto.prototype.getRandomValues" }));
    tab.goto(&format!("{}send", relay.url)).expect("This browser cannot send");
    small.look_in_all(&tab, "send-unsupported");
    for (state, body) in [
        ("quota", json!({ "type": "urn:share:quota", "limit": "bytes", "max": 1, "until": 1_795_361_000 })),
        ("not-allowed", json!({ "type": "urn:share:not-allowed" })),
        ("too-large", json!({ "type": "urn:share:too-large", "max": 1000 })),
        ("no-space", json!({ "type": "urn:share:no-space" })),
    ] {
        let tab = small.tab(&json!({}));
        tab.tell("answer", json!({ "path": "/v1/deposit", "status": 403, "body": body.to_string() }));
        arrive(&tab, &relay).choose("#photos", &[PHOTO]).expect("Will be removed");
        tab.press_button("Create the link").expect("What you chose is still here");
        small.look_in_all(&tab, &format!("send-{state}"));
    }
    small.expect_none();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn german_fits_on_a_small_phone_at_twice_the_text_size() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let mut small = Small::of(&browser);
    let tab = small.tab(&json!({ "text": 200, "languages": ["de"] }));
    tab.goto(&format!("{}send", relay.url)).expect("Etwas senden").until("document.querySelector('#files')");
    small.look(&tab, "send-choose-large", "de");
    tab.choose("#photos", &[PHOTO]).expect("Wird entfernt");
    unfold(&tab);
    small.look(&tab, "send-review-large", "de");
    links(&tab);
    small.look(&tab, "send-sent-large", "de");
    small.expect_none();
}

//! The reach of a thumb on the page that sends, and errors that lose nothing.

use serde_json::{Value, json};

use super::{arrive, link, links, visit};
use crate::support::{Browser, CLIP, PHOTO, Sandbox, Tab, noise};

/// The place of the first element of a selector: whether it is in view and not covered, and its edges in pixels.
fn place(tab: &Tab, selector: &str) -> Value {
    tab.value(&format!(
        "(() => {{
            const element = document.querySelector({});
            const {{ left, top, right, bottom, height }} = element.getBoundingClientRect();
            const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
            const isInView = top >= 0 && bottom <= innerHeight && (middle === element || element.contains(middle));
            return {{ isInView, top, height }};
        }})()",
        json!(selector)
    ))
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn main_buttons_are_in_view_and_within_reach_of_a_thumb() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    for (width, height) in [(390, 844), (320, 568), (844, 390)] {
        let tab = browser.tab_with(json!({ "width": width, "height": height, "touch": true }));
        arrive(&tab, &relay);
        let expect = |selector: &str| {
            let found = place(&tab, selector);
            assert_eq!(found["isInView"], true, "{selector} at {width}x{height}: {found}");
            assert!(found["height"].as_f64().unwrap() >= 44.0, "{selector} at {width}x{height}: {found}");
            found["top"].as_f64().unwrap()
        };
        if height > width {
            // A thumb reaches the lower two thirds of the screen.
            assert!(expect(".way") > f64::from(height) / 3.0);
        }
        tab.choose("#photos", &[PHOTO, CLIP]).expect("Check and send");
        expect(".sending button.main");
        links(&tab);
        expect(".sent button.main");
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn nothing_moves_when_the_page_has_looked_at_a_file() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    // The last place of the button below the files at the time of each drawing.
    let watch = "globalThis.places = new Set();
        const look = () => {
            const add = document.querySelector('button.add');
            if (add) places.add(add.getBoundingClientRect().top);
            requestAnimationFrame(look);
        };
        requestAnimationFrame(look);";
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true, "before": watch }));
    arrive(&tab, &relay).choose("#photos", &[PHOTO, CLIP]);
    tab.until("document.querySelectorAll('.verdict').length === 2 && document.querySelector('.thumbnail canvas')");
    tab.expect("Will be removed: location and camera data").until("places.size > 0");
    assert_eq!(tab.value("places.size"), 1);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn errors_lose_nothing_that_was_chosen() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    let body = json!({ "type": "urn:share:too-large", "max": 1000 }).to_string();
    tab.tell("answer", json!({ "path": "/v1/deposit", "status": 413, "body": body }));
    tab.choose("#photos", &[PHOTO]).expect("Will be removed").press_button("Create the link");
    tab.expect("Too large").expect("accepts 1.0 kB at most.").expect("What you chose is still here");
    tab.press_button("Back to the files").expect("beach.jpg").expect("Will be removed: location and camera data");
    // A file of several parts takes another way than the deposit.
    let large = sandbox.write("large.bin", &noise(9_000_000, 5));
    tab.press_button("Add more").choose("#files", &[large.to_str().unwrap()]).expect("2 files for you");
    link(&tab);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn limits_apply_to_the_padded_length() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = browser.tab();
    let about = json!({ "v": 1, "create": "open", "max_bytes": 98_400, "max_ttl": 86400, "contact": null });
    tab.tell("answer", json!({ "path": "/.well-known/share", "status": 200, "body": about.to_string() }));
    arrive(&tab, &relay);
    // Encrypted: 98 016 bytes, which are padded to 98 304; and 98 416, to 100 352.
    let [fits, is_over] = [97_800, 98_200].map(|length| sandbox.write(&format!("{length}.bin"), &noise(length, 5)));
    tab.choose("#files", &[is_over.to_str().unwrap()]).expect("accepts 98.4 kB at most.");
    tab.tell("click", json!({ "selector": ".chosen button.remove" }));
    tab.expect("Send something").choose("#files", &[fits.to_str().unwrap()]);
    link(&tab);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn upload_shows_its_progress_waits_for_the_network_and_is_canceled() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let large = sandbox.write("large.bin", &noise(30_000_000, 5));
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    arrive(&tab, &relay);
    tab.choose("#files", &[large.to_str().unwrap()])
        .until("document.querySelector('button.main[aria-disabled=false]')");
    tab.tell("offline", json!({ "is": true }));
    tab.press_button("Create the link").expect("Sending…").expect("of 30.0 MB").expect("Waiting for").expect("Try now");
    tab.shot("send-waiting");
    tab.press_button("Cancel").expect("Canceled. No link was made.").expect("large.bin");
    tab.tell("offline", json!({ "is": false }));
    relay.expect_empty();
    link(&tab);
}

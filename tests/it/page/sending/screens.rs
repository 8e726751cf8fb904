//! The screens of the page that sends, from a choice to the opener's words.

use std::fs;

use serde_json::json;

use super::{arrive, link, unfold, visit, write};
use crate::support::{Browser, Engine, PHOTO, Sandbox, in_every_engine};

in_every_engine!(photo_is_chosen_sent_and_opened, second_press_at_once_sends_nothing);

/// The state of the share on the screen after sending.
const STATE: &str = "document.querySelector('.state').textContent";

fn photo_is_chosen_sent_and_opened(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    // Said before anything is chosen.
    tab.expect("Its operator could change the page to read what you send.");
    tab.choose("#photos", &[PHOTO]).expect("Check and send").expect("Will be removed: location and camera data");
    tab.expect("A photo for you").expect("photo, 27.5 kB").expect("Expires on");
    let link = link(&tab);
    tab.expect("The link is ready").expect("Removed: location and camera data").expect("Not opened yet");
    sandbox.share(["open", &link, "-o", "."]).ok();
    let opened = sandbox.read("beach.jpg");
    assert!(opened != fs::read(PHOTO).unwrap() && opened.starts_with(&[0xff, 0xd8]));
    tab.until(&format!("{STATE}.startsWith('Opened on')"));
    assert_eq!(tab.complaints(), Vec::<String>::new());
    relay.expect_empty();
}

fn second_press_at_once_sends_nothing(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    tab.choose("#photos", &[PHOTO]).expect("Will be removed");
    tab.value("[1, 2].forEach(() => document.querySelector('.sending button.main').click())");
    tab.expect("The link is ready");
    let deposits = tab.requests().into_iter().filter(|request| request.contains("/v1/deposit")).count();
    assert_eq!(deposits, 1, "{:?}", tab.requests());
    assert_eq!(tab.value("Object.keys(localStorage).filter((name) => name.startsWith('share.sent.')).length"), 1);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn warning_of_the_last_of_many_files_is_shown_before_sending() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    let texts: Vec<_> = (0..70).map(|number| sandbox.write(&format!("{number}.txt"), b"psst")).collect();
    let damaged = sandbox.write("zzz.jpg", b"\xff\xd8\xff\xe1 and no more");
    let paths: Vec<&str> = texts.iter().chain([&damaged]).map(|path| path.to_str().unwrap()).collect();
    tab.choose("#files", &paths).expect("71 files for you").expect("Files in which metadata may stay: 1");
    tab.expect("zzz.jpg").expect("Not removed: location, time and camera data");
    assert_eq!(tab.value("document.querySelector('.chosen li').innerText.includes('zzz.jpg')"), true);
    assert_eq!(tab.value("document.querySelectorAll('.chosen li').length"), 51);
    tab.press_button("Show more").until("document.querySelectorAll('.chosen li').length === 71");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn options_reach_the_recipient() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    tab.choose("#camera", &[PHOTO]).expect("Will be removed");
    unfold(&tab);
    tab.tell("click", json!({ "selector": "#view-only" }));
    tab.value("document.querySelector('#expires').value = '3600'");
    tab.value("document.querySelector('#expires').dispatchEvent(new Event('change')), 0");
    write(&tab, "#passphrase", "  correct horse ");
    write(&tab, "#from", "Ben");
    write(&tab, "#recipient", "Anna");
    tab.expect("View only: the sender asks you").expect("Asks for the passphrase first");
    // Another language loses nothing.
    crate::page::languages::choose(&tab, "de");
    crate::page::languages::choose(&tab, "en");
    assert_eq!(tab.value("document.querySelector('#passphrase').value"), "  correct horse ");
    assert_eq!(tab.value("document.querySelectorAll('.options details[open]').length"), 3);
    // A recipient that was typed counts as added.
    assert_eq!(tab.value("document.querySelector('#recipient').value"), "Anna");
    let sent = link(&tab);
    tab.until("document.querySelector('.sent input').ariaLabel.includes('Anna')")
        .expect("Send it separately from the link.")
        .expect("correct horse");
    assert!(!tab.remembers().contains("horse"), "{}", tab.remembers());
    let ttl = tab.value("JSON.parse(Object.entries(localStorage).find(([name]) => name.startsWith('share.sent.'))[1])");
    let ttl = ttl["state"]["expires"].as_f64().unwrap() - ttl["at"].as_f64().unwrap();
    assert!((3590.0..3610.0).contains(&ttl), "{ttl}");
    let opener = browser.tab();
    opener.goto(&sent).expect("Enter the passphrase").type_text("correct horse").press("Enter");
    opener.expect("A photo for you").expect("Ben").expect("View only: the sender asks you");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn share_sheet_gets_the_link_alone() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let sheet = "globalThis.outcomes = [];
        navigator.canShare = () => true;
        navigator.share = async (what) => {
            globalThis.given = what;
            const name = outcomes.shift();
            if (name) throw new DOMException('no', name);
        };";
    let tab = browser.tab_with(json!({ "before": sheet }));
    arrive(&tab, &relay).choose("#photos", &[PHOTO]).expect("Will be removed");
    let sent = link(&tab);
    // A changed mind is no error, and the link is still missed.
    tab.value("outcomes.push('AbortError', 'NotAllowedError')");
    tab.press_button("Share").until("outcomes.length === 1").press_button("Share").expect("could not share the link");
    tab.press_button("Send another").expect("Leave without it?").press_button("Go back");
    tab.press_button("Share").expect("Shared with the app you chose.");
    assert_eq!(tab.value("given"), json!({ "url": sent }));
    tab.press_button("Send another").expect("Sent from this browser");
}

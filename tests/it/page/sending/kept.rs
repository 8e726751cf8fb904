//! The list of shares that were sent from a browser, and the screen after sending that leads to it.

use serde_json::json;

use super::{arrive, link, links, unfold, visit, write};
use crate::support::{Browser, Engine, PHOTO, Sandbox, in_every_engine};

in_every_engine!(shares_are_listed_followed_revoked_and_forgotten_in_two_tabs, link_is_left_only_after_a_question);

fn shares_are_listed_followed_revoked_and_forgotten_in_two_tabs(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    tab.choose("#photos", &[PHOTO]).expect("Will be removed");
    unfold(&tab);
    for name in ["Anna", "Ben"] {
        write(&tab, "#recipient", name);
        tab.press("Enter");
    }
    tab.expect("Create 2 links");
    let links = links(&tab);
    // The other tab of this browser lists both, and not their links.
    let list = tab.new_tab();
    arrive(&list, &relay).press_button("Sent from this browser").expect("For Anna").expect("For Ben");
    list.expect("Links cannot be shown again");
    for secret in links.iter().map(|link| link.split_once('#').unwrap().1) {
        assert!(
            !list.remembers().contains(secret) && !list.value("document.body.innerHTML").to_string().contains(secret)
        );
    }
    sandbox.share(["open", &links[0], "-o", "."]).ok();
    list.until("[...document.querySelectorAll('.kept .state')].some(({ textContent }) => /by: /.test(textContent))");
    // The question's safe answer changes nothing.
    let revoke = || {
        list.value(
            "[...document.querySelectorAll('.kept button')]
                .find(({ hidden, textContent }) => !hidden && textContent === 'Revoke').click()",
        );
        list.expect("Then nobody can open it")
    };
    revoke().press_button("Keep it").expect("Not opened yet");
    revoke().tell("click", json!({ "selector": "dialog button:not(.main)" }));
    list.expect("Revoked on");
    tab.until("[...document.querySelectorAll('.sent .state')].some(({ textContent }) => /^Revoked/.test(textContent))");
    sandbox.share(["open", &links[1], "-o", "."]).fails(4, "revoked");
    list.press_button("Remove all from list").expect("can no longer check or revoke");
    // A press soon after the last answer counts as a double tap, and answers nothing.
    list.until("(document.querySelector('dialog button:not(.main)')?.click(), !document.querySelector('dialog'))");
    list.expect("Nothing is listed here");
    assert!(!list.remembers().contains("share.sent."), "{}", list.remembers());
    assert_eq!(list.complaints(), Vec::<String>::new());
}

fn link_is_left_only_after_a_question(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = browser.tab();
    tab.goto(&relay.url).expect("Links that work once");
    arrive(&tab, &relay).choose("#photos", &[PHOTO]).expect("Will be removed");
    let sent = link(&tab);
    tab.press_button("Send another").expect("Leave without it?").press_button("Go back");
    tab.until("!document.querySelector('dialog')").expect("The link is ready");
    // Once it was copied, nothing is asked.
    tab.press_button("Copy link").expect("Copied.");
    tab.press_button("Send another").expect("Send something").expect("Sent from this browser");
    assert!(!tab.value("document.documentElement.innerHTML").to_string().contains(sent.split_once('#').unwrap().1));
    // The browser's way back does the same as the page's.
    tab.choose("#photos", &[PHOTO]).expect("Check and send");
    tab.tell("back", json!({}));
    tab.expect("Send something").press_button("Continue").expect("beach.jpg");
    // After a link was left, one step back leaves the page.
    link(&tab);
    tab.tell("back", json!({}));
    tab.expect("Leave without it?").press_button("Leave").expect("Send something");
    tab.tell("back", json!({}));
    tab.until("location.pathname === '/'");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn revoked_link_that_is_being_opened_names_its_opener() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    tab.choose("#photos", &[PHOTO]).expect("Will be removed");
    let sent = link(&tab);
    let opener = browser.tab();
    opener.goto(&sent).hold().until_photo(640);
    let state = || tab.value("document.querySelector('.state').textContent").as_str().unwrap().to_owned();
    tab.expect("Opening since");
    let opening = state();
    let (_, name) = opening.split_once(" by: ").unwrap();
    tab.press_button("Revoke").expect("revoking may come too late");
    tab.tell("click", json!({ "selector": "dialog button:not(.main)" }));
    tab.expect("Revoked on");
    assert!(state().ends_with(&format!("Opening had begun by: {name}")), "{opening}, then {}", state());
}

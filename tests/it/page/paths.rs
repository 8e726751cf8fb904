//! More of the ways through the page, in each browser engine.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Browser, Engine, PHOTO, Proxy, Sandbox, Tab, in_every_engine, noise, planted, send, status};

in_every_engine!(
    text_is_copied_as_it_is,
    view_only_share_offers_no_way_to_keep_it,
    cut_connection_is_resumed_without_a_reload,
    going_back_to_a_waiting_share_shows_it_again,
    page_from_the_back_forward_cache_starts_again,
);

/// The labels of all buttons and links.
fn controls(tab: &Tab) -> Vec<String> {
    let code = "[...document.querySelectorAll('button, a')]
        .map((each) => each.getAttribute('aria-label') ?? each.innerText)";
    serde_json::from_value(tab.value(code)).unwrap()
}

fn text_is_copied_as_it_is(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let text = "caf\u{e9} <b>not bold</b>\n\n  tangerine-42\n\u{1f34a}";
    sandbox.write("words.txt", text.as_bytes());
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &["words.txt"])).hold().expect("tangerine-42");
    assert_eq!(tab.value("document.querySelector('.stage pre').textContent"), text);
    tab.press_button("Copy").expect("Copied");
    assert_eq!(tab.pasted(), text);
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert_eq!(saved["name"], "words.txt");
    assert_eq!(fs::read_to_string(saved["path"].as_str().unwrap()).unwrap(), text);
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    relay.expect_empty();
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn view_only_share_offers_no_way_to_keep_it(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let beach = fs::read(PHOTO).unwrap();
    let tab = browser.tab();
    let files: [(&str, &str, &[u8]); 2] = [("a.jpg", "image/jpeg", &beach), ("b.txt", "text/plain", b"psst")];
    tab.goto(&planted(&relay.url, &files, true)).expect("asks you not to keep a copy");
    tab.hold().until_photo(640);
    let menu = "document.querySelector('.stage img')
        .dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))";
    assert_eq!(tab.value(menu), false, "the menu that saves a picture does not open");
    let offers = |tab: &Tab| {
        let all = controls(tab);
        assert!(all.iter().any(|label| label == "Close"), "{all:?}");
        all.into_iter().filter(|label| ["Save", "Copy", "another app"].iter().any(|word| label.contains(word))).count()
    };
    assert_eq!(offers(&tab), 0, "{:?}", controls(&tab));
    tab.press("ArrowRight").expect("psst");
    assert_eq!(offers(&tab), 0, "{:?}", controls(&tab));
    tab.press("Control+a");
    assert!(!tab.value("getSelection().toString()").as_str().unwrap().contains("psst"), "the text is not selected");
    tab.press_button("Close").expect("The sender sees it was opened by");
    relay.expect_empty();
    // The browser cannot show the file: the page says so while the share still waits.
    tab.goto("about:blank").goto(&planted(&relay.url, &[("a.pdf", "application/pdf", b"%PDF-1.7")], true));
    tab.expect("the share is still waiting");
    assert_eq!(tab.requests().last().unwrap(), "POST /v1/manifest");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn cut_connection_is_resumed_without_a_reload(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    let content = noise(13_000_000, 3);
    sandbox.write("holidays.bin", &content);
    let tab = browser.tab();
    tab.goto(&line.link(&send(&sandbox, &relay, &["holidays.bin"]))).expect("file, 13.0 MB");
    // Within the first part, and within a later one.
    line.stop_down_at(2_000_000);
    tab.hold();
    line.wait_until_down_stopped();
    line.cut();
    line.stop_down_at(9_000_000);
    line.wait_until_asked(1);
    line.wait_until_down_stopped();
    line.cut();
    line.mend();
    tab.expect("cannot show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content);
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    relay.expect_empty();
    let claims = tab.requests().iter().filter(|request| *request == "POST /v1/claim").count();
    assert_eq!(claims, 1, "{:?}", tab.requests());
}

fn going_back_to_a_waiting_share_shows_it_again(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let (relay, other) = (sandbox.relay(), Sandbox::new());
    let other_relay = other.relay();
    let elsewhere = other_relay.url.replace("127.0.0.1", "localhost");
    let link = send(&sandbox, &relay, &[PHOTO]);
    if engine == Engine::WebKit {
        return going_back_in_webkit(&browser, &link, &elsewhere);
    }
    let tab = browser.tab();
    tab.goto(&link).expect("beach.jpg").goto(&elsewhere);
    tab.tell("back", json!({}));
    tab.expect("beach.jpg").expect("Press and hold to open");
    assert!(status(&sandbox).contains("waiting"), "{}", status(&sandbox));
    tab.hold().until_photo(640);
    tab.press_button("Close").expect("The sender sees it was opened by");
    relay.expect_empty();
}

fn page_from_the_back_forward_cache_starts_again(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &[PHOTO])).hold().until_photo(640);
    // No engine of these keeps a page in that cache which has asked for what may not be stored; phones do.
    tab.value("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })), 0");
    relay.expect_empty();
    tab.value("setTimeout(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))), 0");
    tab.expect("Closed and deleted").expect("The sender sees it was opened by");
    tab.until("document.querySelectorAll('img').length === 0");
}

/// The driver gets no answer from the page after it has come back: the page sends its text, and its proxy records it.
fn going_back_in_webkit(browser: &Browser, link: &str, elsewhere: &str) {
    let tell = "addEventListener('DOMContentLoaded', () => setInterval(() => {
        fetch('/told', { method: 'POST', body: document.querySelector('main').innerText });
    }, 100))";
    let tab = browser.tab_with(json!({ "before": tell }));
    tab.tell("answer", json!({ "path": "/told", "status": 204, "body": "" }));
    tab.goto(link).expect("beach.jpg").goto(elsewhere);
    let before = tab.requests().len();
    tab.value("history.back(), 0");
    let late = Instant::now() + Duration::from_secs(20);
    let told = || {
        let all = tab.tell("requests", json!({}));
        let new = all.as_array().unwrap().iter().skip(before);
        new.map(|request| request["body"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    while !told().iter().any(|text| text.contains("beach.jpg") && text.contains("Press and hold to open")) {
        assert!(Instant::now() < late, "{:?}", told());
        thread::sleep(Duration::from_millis(100));
    }
}

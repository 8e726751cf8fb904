//! What matters most about the page, in each engine that the tests drive.

use std::fs;
use std::net::TcpListener;

use serde_json::json;

use super::browser::{send, status};
use super::browsers::{Browser, CLIP, Engine, PHOTO, Tab};
use super::direct::Host;
use super::noise::noise;
use super::proxy::Proxy;
use super::sandbox::Sandbox;

/// Makes a test of each function, for each engine: `engines::firefox::a_photo_is_opened_once`.
macro_rules! in_every_engine {
    ($($test:ident),* $(,)?) => {
        in_every_engine!(chromium Chromium $($test)*);
        in_every_engine!(firefox Firefox $($test)*);
        in_every_engine!(webkit WebKit $($test)*);
    };
    ($module:ident $engine:ident $($test:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Engine::$engine);
                }
            )*
        }
    };
}
pub(crate) use in_every_engine;

in_every_engine!(
    a_photo_is_opened_once_and_nothing_is_left,
    an_album_is_turned_and_its_text_is_text,
    a_video_plays_and_seeks_and_leaving_it_tells_the_sender,
    a_passphrase_is_asked_for_until_it_is_right,
    a_reload_in_the_middle_goes_on,
    a_page_over_plain_http_opens_what_it_was_sent,
    a_tab_that_dies_takes_nothing_along,
);

/// A link of ours is gone from the browser.
fn expect_forgotten(tab: &Tab) {
    assert_eq!(tab.remembers(), r#""{}{}""#);
    assert!(tab.value("location.href").as_str().unwrap().ends_with('/'), "the key is gone from the address");
}

fn a_photo_is_opened_once_and_nothing_is_left(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    tab.goto(&link).expect("photo, 27.5 kB");
    // A short press opens nothing.
    tab.tell("hold", json!({ "selector": ".hold", "milliseconds": 300 }));
    tab.expect("Hold it for a whole second").hold().until("document.querySelector('.stage img')");
    let photo = fs::read(PHOTO).unwrap();
    assert_eq!(tab.shows(&photo), (640 * 400, true));
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert_eq!(saved["name"], "beach.jpg");
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Saved, close now");
    tab.expect("The sender sees that it was opened");
    expect_forgotten(&tab);
    relay.expect_empty();
    let words = tab.text().split(['“', '”']).nth(1).unwrap().to_owned();
    assert!(status(&sandbox).contains(&words), "{words}: {}", status(&sandbox));
    assert_eq!(tab.requests(), ["GET /", "POST /v1/manifest", "POST /v1/claim", "POST /v1/finish"]);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // The link again, in another tab of the same browser, and in another browser.
    for second in [tab.new_tab(), browser.tab()] {
        second.goto(&link).expect("Already opened").expect(&words);
    }
}

fn an_album_is_turned_and_its_text_is_text(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let text = "caf\u{e9} <b>not bold</b>\n\u{202e}abc\n";
    sandbox.write("words.txt", text.as_bytes());
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &["--name", "Our trip", PHOTO, "words.txt"]));
    tab.expect("Our trip").expect("2 files").hold().expect("1 of 2").until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&fs::read(PHOTO).unwrap()), (640 * 400, true));
    tab.tell("press", json!({ "key": "ArrowRight" }));
    tab.expect("2 of 2").expect("<b>not bold</b>");
    assert_eq!(tab.value("document.querySelector('.stage pre').textContent"), text);
    tab.press_button("Previous").expect("1 of 2").until("document.querySelector('.stage img')");
    tab.press_button("Close").expect("The sender sees that it was opened");
    expect_forgotten(&tab);
    relay.expect_empty();
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn a_video_plays_and_seeks_and_leaving_it_tells_the_sender(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &[CLIP])).expect("video, 74.8 kB").hold();
    tab.until("document.querySelector('video')?.readyState >= 2");
    let length = tab.value("document.querySelector('video').duration").as_f64().unwrap();
    assert!((5.5..6.5).contains(&length), "{length}");
    tab.value("document.querySelector('video').play()");
    tab.until("document.querySelector('video').currentTime > 0.3");
    tab.value("document.querySelector('video').pause()");
    for at in [4.5, 1.5] {
        tab.value(&format!("document.querySelector('video').currentTime = {at}; 0"));
        tab.until("!document.querySelector('video').seeking");
        let found = tab.value("document.querySelector('video').currentTime").as_f64().unwrap();
        assert!((found - at).abs() < 0.1, "{at}: {found}");
    }
    assert_eq!(relay.data().len(), 2, "it is not over");
    assert_eq!(tab.complaints(), Vec::<String>::new());
    tab.tell("leave", json!({}));
    relay.expect_empty();
    assert!(status(&sandbox).contains("opened"), "{}", status(&sandbox));
}

fn a_passphrase_is_asked_for_until_it_is_right(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("passphrase", "pásswörd with spaces".as_bytes());
    sandbox.write("secret.txt", b"tangerine-42");
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &["--passphrase-file", "passphrase", "secret.txt"]));
    tab.expect("It has a passphrase").tell("type", json!({ "text": "password" }));
    tab.tell("press", json!({ "key": "Enter" }));
    // What was wrong is selected, and typed over.
    tab.expect("19 more may be tried").tell("type", json!({ "text": "pásswörd with spaces" }));
    tab.tell("press", json!({ "key": "Enter" }));
    tab.expect("secret.txt").hold().expect("tangerine-42");
    tab.press_button("Close").expect("The sender sees that it was opened");
    expect_forgotten(&tab);
    relay.expect_empty();
}

fn a_reload_in_the_middle_goes_on(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    let content = noise(9_000_000, 3);
    sandbox.write("holidays.bin", &content);
    let tab = browser.tab();
    tab.goto(&line.link(&send(&sandbox, &relay, &["holidays.bin"]))).expect("file, 9.0 MB");
    line.stop_down_at(4_000_000);
    tab.hold().expect("Opening…");
    line.wait_until_down_stopped();
    assert!(tab.remembers().contains("share.v1."));
    line.mend();
    tab.tell("reload", json!({}));
    tab.expect("does not show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content);
    tab.press_button("Close").expect("The sender sees that it was opened");
    expect_forgotten(&tab);
    relay.expect_empty();
}

fn a_page_over_plain_http_opens_what_it_was_sent(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write("beach.jpg", &fs::read(PHOTO).unwrap());
    // Its two ends must be known before either is there.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let mut host = Host::start(&sandbox, &["beach.jpg", "--public-url", "http://photos.lan", "--listen", &listens]);
    let tab = browser.tab();
    tab.goto(host.link()).expect("This page came over plain http");
    assert_eq!(tab.value("[location.host, isSecureContext]"), json!(["photos.lan", false]));
    tab.hold().until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&fs::read(PHOTO).unwrap()), (640 * 400, true));
    tab.press_button("Close").expect("The sender sees that it was opened");
    host.expect("Nothing is left here");
}

fn a_tab_that_dies_takes_nothing_along(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let tab = browser.tab();
    tab.goto(&link).hold().until("document.querySelector('.stage img')");
    if engine == Engine::WebKit {
        // Its driver gives up the whole browser with one tab.
        assert!(tab.try_to("kill", json!({})).is_err());
        return;
    }
    tab.tell("kill", json!({}));
    // It was not closed, and so is not over; another tab has not opened it.
    tab.new_tab().goto(&link).expect("Already opened");
    assert_eq!(relay.data().len(), 2, "it is not over");
}

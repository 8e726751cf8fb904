//! Essential behavior of the page in each browser engine.

use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    Browser, CLIP, Engine, Host, PHOTO, Proxy, Sandbox, Tab, in_every_engine, kill, noise, send, status,
};

in_every_engine!(
    photo_opens_once_and_leaves_nothing,
    album_pages_turn_and_text_stays_text,
    video_plays_and_seeks_and_closing_its_tab_finishes,
    page_asks_for_the_passphrase_until_it_is_right,
    reload_during_a_download_resumes,
    page_over_plain_http_opens_a_photo,
    crashed_tab_does_not_finish_the_share,
    browser_ends_with_its_test,
);

/// Asserts that the tab keeps nothing of the share.
fn expect_forgotten(tab: &Tab) {
    assert_eq!(tab.remembers(), r#""{}{}""#);
    assert!(tab.value("location.href").as_str().unwrap().ends_with('/'), "the key is gone from the address");
}

fn photo_opens_once_and_leaves_nothing(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    tab.goto(&link).expect("photo, 27.5 kB");
    // A short press does not open the share.
    tab.tell("hold", json!({ "selector": ".hold", "milliseconds": 300 }));
    tab.expect("Hold for a full second").hold().until("document.querySelector('.stage img')");
    let photo = fs::read(PHOTO).unwrap();
    assert_eq!(tab.shows(&photo), (640 * 400, true));
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert_eq!(saved["name"], "beach.jpg");
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    expect_forgotten(&tab);
    relay.expect_empty();
    let words = tab.opener();
    assert!(status(&sandbox).contains(&words), "{words}: {}", status(&sandbox));
    let requests: Vec<String> =
        tab.requests().into_iter().filter(|request| !request.contains("/page/words-")).collect();
    assert_eq!(requests, ["GET /", "POST /v1/manifest", "POST /v1/claim", "POST /v1/finish"]);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // A second visitor comes in another tab of the same browser, or in another browser.
    for second in [tab.new_tab(), browser.tab()] {
        second.goto(&link).expect("Already opened").expect(&words);
    }
}

fn album_pages_turn_and_text_stays_text(engine: Engine) {
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
    tab.press_button("Close").expect("The sender sees it was opened by");
    expect_forgotten(&tab);
    relay.expect_empty();
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn video_plays_and_seeks_and_closing_its_tab_finishes(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    let link = send(&sandbox, &relay, &[CLIP]);
    tab.goto(&link).expect("video, 74.8 kB");
    tab.hold();
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
    assert_eq!(relay.data().len(), 2, "the share is not finished");
    assert_eq!(tab.complaints(), Vec::<String>::new());
    let later = (engine == Engine::Firefox).then(|| tab.new_tab());
    tab.tell("leave", json!({}));
    if let Some(later) = later {
        // Firefox may lose the last request of a tab that is closed. The browser's next visit makes up for it: it sends
        // the request, or shows the video once more if the note of it was lost as well.
        later.goto(&link).until("document.querySelector('h1').textContent !== 'One moment…'");
        let over = "['Closed and deleted', 'Already opened'].includes(document.querySelector('h1').textContent)";
        later.until(&format!("{over} || document.querySelector('video')"));
        if later.value(&format!("{over} ? 0 : 1")) == 1 {
            later.press_button("Close").press_button("Close anyway").expect("The sender sees");
        }
    }
    relay.expect_empty();
    assert!(status(&sandbox).contains("opened"), "{}", status(&sandbox));
}

fn page_asks_for_the_passphrase_until_it_is_right(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("passphrase", "pásswörd with spaces".as_bytes());
    sandbox.write("secret.txt", b"tangerine-42");
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &["--passphrase-file", "passphrase", "secret.txt"]));
    tab.expect("Enter the passphrase").tell("type", json!({ "text": "password" }));
    tab.tell("press", json!({ "key": "Enter" }));
    // The page selects the wrong passphrase, so typing replaces it.
    tab.expect("19 more tries before").tell("type", json!({ "text": "pásswörd with spaces" }));
    tab.tell("press", json!({ "key": "Enter" }));
    tab.expect("secret.txt").hold().expect("tangerine-42");
    tab.press_button("Close").expect("The sender sees it was opened by");
    expect_forgotten(&tab);
    relay.expect_empty();
}

fn reload_during_a_download_resumes(engine: Engine) {
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
    tab.expect("cannot show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content);
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    expect_forgotten(&tab);
    relay.expect_empty();
}

fn page_over_plain_http_opens_a_photo(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write("beach.jpg", &fs::read(PHOTO).unwrap());
    // The browser and the sender both need the address before the sender listens.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let mut host = Host::start(&sandbox, &["beach.jpg", "--public-url", "http://photos.lan", "--listen", &listens]);
    let tab = browser.tab();
    tab.goto(host.link()).expect("This page came over plain http");
    assert_eq!(tab.value("[location.host, isSecureContext]"), json!(["photos.lan", false]));
    tab.hold().until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&fs::read(PHOTO).unwrap()), (640 * 400, true));
    tab.press_button("Close").expect("The sender sees it was opened by");
    host.expect("Nothing is left here");
}

fn crashed_tab_does_not_finish_the_share(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let tab = browser.tab();
    tab.goto(&link).hold().until("document.querySelector('.stage img')");
    tab.tell("kill", json!({}));
    // The share is not finished. A new tab of the same browser resumes. In WebKit the storage dies with the tab.
    if engine == Engine::WebKit {
        browser.tab().goto(&link).expect("Being opened");
    } else {
        tab.new_tab().goto(&link).until("document.querySelector('.stage img')");
    }
    assert_eq!(relay.data().len(), 2, "the share is not finished");
}

/// Whether a process runs; a zombie does not.
fn runs(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

fn browser_ends_with_its_test(engine: Engine) {
    for driver_is_killed in [false, true] {
        let Some(browser) = Browser::start_engine(engine, &[]) else { return };
        browser.tab().goto("data:text/html,<main>here</main>").expect("here");
        let family = browser.processes();
        assert!(family.len() > 2, "{family:?}");
        if driver_is_killed {
            kill(browser.driver_id());
        }
        drop(browser);
        let late = Instant::now() + Duration::from_secs(10);
        while family.iter().any(|id| runs(*id)) {
            assert!(Instant::now() < late, "{engine:?} outlives its test, driver killed: {driver_is_killed}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

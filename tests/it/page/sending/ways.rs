//! Ways into the page that sends: dropped and pasted files and texts; and pages that cannot send.

use std::net::TcpListener;

use serde_json::json;

use super::{arrive, link, visit, write};
use crate::page::logins::{COOKIE, in_front};
use crate::support::{Browser, Engine, PHOTO, Sandbox, folder_url, in_every_engine};

in_every_engine!(
    files_and_pictures_are_dropped_and_pasted,
    dropped_directory_keeps_its_paths,
    text_is_written_and_pasted_and_stays_as_it_is,
    page_over_plain_http_warns_copies_and_keeps_no_token,
);

fn files_and_pictures_are_dropped_and_pasted(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let notes = sandbox.write("notes.txt", b"psst");
    let tab = visit(&browser, &relay);
    assert!(tab.drop_onto("main", &[PHOTO], None));
    tab.expect("Check and send").expect("Will be removed: location and camera data");
    // More on the screen that follows; each can be removed again.
    assert!(tab.drop_onto("main", &[notes.to_str().unwrap()], None));
    tab.expect("2 files for you").expect("notes.txt");
    assert!(tab.paste_into("main", &[PHOTO], None));
    tab.expect("3 files for you");
    // With copied files, file managers paste their names.
    assert!(tab.paste_into("main", &[notes.to_str().unwrap()], Some("/home/ben/notes.txt")));
    tab.expect("4 files for you");
    tab.tell("click", json!({ "selector": ".chosen li:last-child button.remove" }));
    tab.expect("3 files for you");
    tab.tell("click", json!({ "selector": ".chosen button.remove" }));
    tab.expect("2 files for you").expect("Removed: beach.jpg");
    let link = link(&tab);
    sandbox.share(["open", &link, "-o", "."]).ok();
    let names = sandbox.names();
    assert!(names.iter().any(|name| name.contains("album") || name == "notes.txt"), "{names:?}");
    // Nothing is taken while links are shown.
    assert!(tab.drop_onto("main", &[PHOTO], None), "the browser must not open the file in place of the page");
    tab.expect("The link is ready");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

/// Makes a directory of each dropped file, which drivers cannot drop. One in it cannot be read.
const DIRECTORIES: &str = "DataTransferItem.prototype.webkitGetAsEntry = function () {
    const file = this.getAsFile();
    const directory = (name, readEntries) => ({ name, isDirectory: true, createReader: () => ({ readEntries }) });
    const pieces = [
        [{ name: file.name, isFile: true, file: (then) => then(file) }],
        [directory('secret', (_, failed) => failed(new DOMException('no', 'NotReadableError')))],
        [],
    ];
    return directory('trip', (then) => then(pieces.shift()));
};";

fn dropped_directory_keeps_its_paths(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let notes = sandbox.write("notes.txt", b"psst");
    let tab = browser.tab_with(json!({ "before": DIRECTORIES }));
    assert!(arrive(&tab, &relay).drop_onto("main", &[PHOTO, notes.to_str().unwrap()], None));
    tab.expect("2 files for you").expect("Not everything could be added.");
    tab.expect("trip/beach.jpg").expect("trip/notes.txt");
    sandbox.share(["open", &link(&tab), "-o", "opened"]).ok();
    assert!(sandbox.path("opened/trip/beach.jpg").exists(), "{:?}", sandbox.names());
    assert_eq!(sandbox.read("opened/trip/notes.txt"), b"psst");
}

fn text_is_written_and_pasted_and_stays_as_it_is(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    assert_eq!(tab.value("document.querySelector('.row.end button').disabled"), true);
    assert!(tab.paste_into("main", &[], Some("The Wi-Fi password is ")));
    tab.until("document.activeElement.id === 'text'").type_text("tangerine-42");
    let text = "The Wi-Fi password is tangerine-42";
    tab.until(&format!("document.querySelector('#text').value === '{text}'")).press_button("Continue");
    tab.expect("A text for you").expect(text);
    // The way back keeps it, and it can be changed.
    tab.press_button("Add more").until(&format!("document.querySelector('#text')?.value === '{text}'"));
    write(&tab, "#text", "!");
    tab.press_button("Continue").expect("A text for you");
    let opened = sandbox.share(["open", &link(&tab), "-o", "-"]).ok();
    assert_eq!(opened, format!("{text}!"));
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn page_over_plain_http_warns_copies_and_keeps_no_token(engine: Engine) {
    let sandbox = Sandbox::new();
    // The browser needs the address before the relay listens.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let store = folder_url(sandbox.path("store"));
    let at = ["relay", "--listen", &listens, "--store", &store, "--reserve", "0", "-vv"];
    let options = ["--anyone", "--public-url", "http://photos.lan"];
    let _relay = sandbox.start_as_relay(sandbox.share(at.iter().chain(&options)));
    let tab = browser.tab();
    tab.goto("http://photos.lan/send").expect("This page came over plain http").expect("Send something");
    assert_eq!(tab.value("isSecureContext"), false);
    tab.choose("#photos", &[PHOTO]).expect("Will be removed");
    let link = link(&tab);
    assert!(link.starts_with("http://photos.lan/#share1"), "{link}");
    assert_eq!(tab.value("'share' in navigator || 'clipboard' in navigator"), false);
    tab.press_button("Copy link").expect("Copied.");
    assert_eq!(tab.value("getSelection().toString() || document.activeElement.value"), link.as_str());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn browser_without_scripts_or_random_numbers_is_told_to_use_another() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let send = format!("{}send", relay.url);
    let plain = browser.tab_with(json!({ "script": false }));
    assert!(plain.goto(&send).text().contains("This page cannot send"));
    let tab = browser.tab_with(json!({ "before": "delete Crypto.prototype.getRandomValues" }));
    tab.goto(&send).expect("This browser cannot send").expect("share send photo.jpg");
    assert_eq!(tab.value("document.querySelector('input')"), json!(null));
    // A link to open goes to the page that opens, and in no request.
    let tab = browser.tab();
    tab.goto(&format!("{send}#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg")).expect("Not found");
    assert_eq!(tab.value("location.pathname"), "/");
    assert!(tab.requests().iter().all(|request| !request.contains("share1")), "{:?}", tab.requests());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn relay_that_does_not_answer_is_asked_again() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = browser.tab();
    tab.tell("answer", json!({ "path": "/.well-known/share", "status": 502, "body": "<h1>Bad gateway</h1>" }));
    tab.goto(&format!("{}send", relay.url)).until("document.querySelector('main button:not([hidden])')");
    tab.expect("trying again in").expect("Try now");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn relay_behind_a_login_asks_to_log_in_and_loses_nothing() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let login = "location = /login { add_header Set-Cookie 'session=amber; Path=/'; return 302 /send; }";
    let (_nginx, url) = in_front(&relay, login, COOKIE);
    // The session ends as soon as the page is there.
    let tab = browser.tab_with(json!({ "before": "document.cookie = 'session=; Max-Age=0; Path=/'" }));
    tab.goto(&format!("{url}/send")).expect("Log in first");
    tab.value("document.cookie = 'session=amber; Path=/'");
    tab.press_button("Try again").expect("Send something").choose("#photos", &[PHOTO]).expect("Will be removed");
    tab.value("document.cookie = 'session=; Max-Age=0; Path=/'");
    tab.press_button("Create the link").expect("Log in first").expect("What you chose is still here");
    tab.value("document.cookie = 'session=amber; Path=/'");
    tab.press_button("Try again").expect("The link is ready");
}

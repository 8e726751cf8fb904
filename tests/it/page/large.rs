//! Shares that are too large for memory: a browser writes them to disk while they arrive.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    Browser, Engine, Host, PHOTO, Proxy, RelayProcess, Sandbox, Tab, in_every_engine, noise, send, status,
};

in_every_engine!(
    a_share_too_large_for_memory_is_kept_on_disk_until_it_is_closed,
    nothing_large_is_opened_over_plain_http,
);

/// More than a phone's browser is expected to hold, in bytes.
const LEN: usize = (256 << 20) + 100_000;
const NAME: &str = "holidays.bin";
const CHOOSE: &str = "This file is too large to show here. You choose where to save it.";

/// A dialog that returns a file in the browser's own file system.
const PICKER: &str = "
    globalThis.refuses = null;
    globalThis.fails = false;
    const { write } = FileSystemWritableFileStream.prototype;
    FileSystemWritableFileStream.prototype.write = function (...what) {
        return fails ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : write.apply(this, what);
    };
    globalThis.showSaveFilePicker = async ({ suggestedName }) => {
        if (refuses) throw new DOMException('not now', refuses);
        return (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
    };";

/// The size and the SHA-256 of the file that the user chose.
const SAVED: &str = "navigator.storage.getDirectory()
    .then((directory) => directory.getFileHandle('holidays.bin'))
    .then((handle) => handle.getFile())
    .then(async (file) => {
        const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
        return [file.size, [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')];
    })";

const KEPT: &str =
    "This is too large for memory. Until you close it, this browser keeps it on this device, unencrypted.";

/// Bytes that browsers have certainly stored once the download stands still at [`MIDDLE`]. Parts are dropped while the
/// disk is slow.
const SOME: u64 = 4 << 20;
const MIDDLE: u64 = 100_000_000;

/// A browser without a dialog for saving, on a phone.
const NO_PICKER: &str = "
    delete globalThis.showSaveFilePicker;
    const real = matchMedia;
    globalThis.matchMedia = (query) => (query === '(pointer: coarse)' ? { matches: true } : real(query));";

/// The sizes of the contents in the browser's private file system.
const CONTENT: &str = "(async () => {
    const found = [];
    for await (const place of (await navigator.storage.getDirectory()).values())
        for await (const [name, file] of place.entries())
            if (name === 'content') found.push((await file.getFile()).size);
    return found;
})()";

/// A large file at a relay.
struct Large {
    sandbox: Sandbox,
    relay: RelayProcess,
    line: Proxy,
    link: String,
    content: Vec<u8>,
}

impl Large {
    fn new() -> Self {
        Self::behind(&[])
    }

    /// A share with other files before the large one.
    fn behind(files: &[&str]) -> Self {
        let sandbox = Sandbox::new();
        let relay = sandbox.relay();
        let line = Proxy::to(&relay.address(), None);
        let content: Vec<u8> = noise(1_000_003, 3).iter().copied().cycle().take(LEN).collect();
        sandbox.write(NAME, &content);
        let link = line.link(&send(&sandbox, &relay, &[files, &[NAME]].concat()));
        Self { sandbox, relay, line, link, content }
    }

    /// The value of [`SAVED`] once the file was saved.
    fn whole(&self) -> Value {
        json!([LEN, format!("{:x}", Sha256::digest(&self.content))])
    }

    fn close(&self, tab: &Tab) {
        tab.expect(&format!("Saved: {NAME}")).expect("Closing deletes the file for good.");
        assert_eq!(tab.value(SAVED), self.whole());
        tab.press_button("Close").expect("The sender sees it was opened by");
        self.relay.expect_empty();
        assert_eq!(tab.remembers(), r#""{}{}""#);
    }
}

fn phone(before: &str) -> Value {
    json!({ "width": 390, "height": 844, "touch": true, "before": before })
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_file_too_large_to_show_is_written_to_disk_while_it_arrives() {
    let Some(browser) = Browser::start(&[]) else { return };
    let large = Large::new();
    let tab = browser.tab_with(phone(PICKER));
    tab.goto(&large.link).expect(CHOOSE).hold();
    // Nothing was opened for a user who changes their mind, or whose browser refuses.
    tab.value("void (refuses = 'AbortError')");
    tab.press_button("Save").expect(CHOOSE);
    tab.value("void (refuses = 'NotAllowedError')");
    tab.press_button("Save").expect("Too large for this page").expect("the share is still waiting");
    assert!(status(&large.sandbox).contains("waiting"), "{}", status(&large.sandbox));
    // A user whose disk is full is asked again.
    tab.tell("reload", json!({}));
    tab.expect(CHOOSE).hold();
    tab.value("void (fails = true)");
    tab.press_button("Save").expect("No room").expect("can resume in this tab");
    assert_eq!(tab.value(&format!("{SAVED}.then(([size]) => size, ({{ name }}) => name)")), "NotFoundError");
    tab.value("void (fails = false)");
    tab.press_button("Try again").expect(CHOOSE).press_button("Save");
    large.close(&tab);
    assert_eq!(tab.complaints().len(), 1, "{:?}", tab.complaints());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_reload_asks_again_where_to_save_and_downloads_only_the_rest() {
    let Some(browser) = Browser::start(&[]) else { return };
    let large = Large::new();
    let tab = browser.tab_with(phone(PICKER));
    tab.goto(&large.link).expect(CHOOSE);
    large.line.stop_down_at(large.line.down_bytes() + MIDDLE);
    tab.hold().press_button("Save");
    large.line.wait_until_down_stopped();
    let down = large.line.down_bytes();
    large.line.mend();
    tab.tell("reload", json!({}));
    tab.expect(CHOOSE).press_button("Save").expect(&format!("Saved: {NAME}"));
    let rest = large.line.down_bytes() - down;
    assert!(rest < LEN as u64 - SOME, "{rest}");
    // Nobody has seen it: only the button ends the share.
    tab.goto("about:blank");
    assert!(!large.relay.data().is_empty());
    tab.goto(&large.link).expect(CHOOSE).press_button("Save");
    large.close(&tab);
}

fn a_share_too_large_for_memory_is_kept_on_disk_until_it_is_closed(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let large = Large::behind(&[PHOTO]);
    let line = &large.line;
    let tab = browser.tab_with(json!({ "before": NO_PICKER }));
    if engine == Engine::WebKit {
        // WebKitGTK has no private file system.
        tab.goto(&large.link).expect("Too large for this page").expect("the share is still waiting");
        return;
    }
    tab.goto(&large.link).expect(KEPT);
    line.stop_down_at(line.down_bytes() + MIDDLE);
    tab.hold().expect("resumes by itself, even after a reload.");
    line.wait_until_down_stopped();
    // It appears once all of it was verified.
    assert_eq!(tab.value(CONTENT), json!([0]));
    let down = line.down_bytes();
    line.mend();
    tab.tell("reload", json!({}));
    tab.expect("1 of 2").until_photo(640);
    let rest = line.down_bytes() - down;
    assert!(rest < LEN as u64 - SOME, "{rest}");
    assert!(tab.value(CONTENT)[0].as_u64().unwrap() > LEN as u64);
    tab.press("ArrowRight").expect("2 of 2");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == large.content);
    // Another tab, in which the share cannot be resumed, leaves alone what this one shows.
    tab.value("localStorage.clear()");
    let other = tab.new_tab();
    other.goto(&large.line.url).expect("Links that work once");
    assert!(tab.value(CONTENT)[0].as_u64().unwrap() > LEN as u64);
    tab.press_button("Close").press_button("Yes, close now").expect("The sender sees it was opened by");
    large.relay.expect_empty();
    tab.until(&format!("{CONTENT}.then((found) => found.length === 0)"));
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn nothing_large_is_opened_over_plain_http(engine: Engine) {
    let sandbox = Sandbox::new();
    fs::File::create(sandbox.path(NAME)).unwrap().set_len(LEN as u64).unwrap();
    // The browser and the sender both need an address before the sender listens.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let host = Host::start(&sandbox, &[NAME, "--public-url", "http://photos.lan", "--listen", &listens]);
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")]) else { return };
    let tab = browser.tab_with(json!({ "before": NO_PICKER }));
    tab.goto(host.link()).expect("Too large for this page").expect("the share is still waiting");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn without_a_place_for_it_nothing_large_is_opened_or_lost() {
    let Some(browser) = Browser::start(&[]) else { return };
    let large = Large::new();
    let tab_with = |more: &str| browser.tab_with(json!({ "before": format!("{NO_PICKER} {more};") }));
    // An older browser, one that cannot write, one that hangs, and one with too little room.
    for lacks in [
        "delete FileSystemFileHandle.prototype.createWritable",
        "FileSystemFileHandle.prototype.createWritable = () => Promise.reject(new DOMException('no'))",
        "StorageManager.prototype.getDirectory = () => new Promise(() => {})",
        "StorageManager.prototype.estimate = async () => ({ quota: 500e6, usage: 10e6 })",
    ] {
        tab_with(lacks).goto(&large.link).expect("Too large for this page").expect("the share is still waiting");
    }
    assert!(status(&large.sandbox).contains("waiting"), "{}", status(&large.sandbox));
    // There is room for the content, and none for the parts; then the disk is full.
    let tab = tab_with(&format!(
        "StorageManager.prototype.estimate = async () => ({{ quota: {}, usage: 0 }});
         const {{ write }} = FileSystemWritableFileStream.prototype;
         globalThis.fails = true;
         FileSystemWritableFileStream.prototype.write = function (bytes) {{
             const refuses = fails && bytes.length > 1_000_000;
             return refuses ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : write.call(this, bytes);
         }}",
        3 * LEN
    ));
    tab.goto(&large.link).expect(KEPT).hold().expect("No room");
    assert_eq!(tab.value(CONTENT), json!([]), "nothing partial");
    tab.value("void (fails = false)");
    large.line.stop_down_at(large.line.down_bytes() + MIDDLE);
    tab.press_button("Try again").expect("After a reload it starts again.");
    large.line.wait_until_down_stopped();
    assert_eq!(tab.value(CONTENT), json!([0]));
    large.line.mend();
    tab.expect("cannot show this kind of file");
    assert_eq!(tab.value(CONTENT), json!([LEN]));
}

//! Files that are too large to be shown, which a browser writes to disk while they arrive.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Browser, Proxy, RelayProcess, Sandbox, Tab, noise, send, status};

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

/// A large file at a relay, and what [`SAVED`] is once it was saved.
struct Large {
    sandbox: Sandbox,
    relay: RelayProcess,
    line: Proxy,
    link: String,
    whole: Value,
}

impl Large {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let relay = sandbox.relay();
        let line = Proxy::to(&relay.address(), None);
        let mut content = noise(1_000_003, 3);
        content = content.iter().copied().cycle().take(LEN).collect();
        let whole = json!([LEN, format!("{:x}", Sha256::digest(&content))]);
        sandbox.write(NAME, &content);
        let link = line.link(&send(&sandbox, &relay, &[NAME]));
        Self { sandbox, relay, line, link, whole }
    }

    fn close(&self, tab: &Tab) {
        tab.expect(&format!("Saved: {NAME}")).expect("Closing deletes the file for good.");
        assert_eq!(tab.value(SAVED), self.whole);
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
    let without = browser.tab_with(phone("delete globalThis.showSaveFilePicker"));
    without.goto(&large.link).expect("Too large for this page").expect("the share is still waiting");
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
    tab.press_button("Save").expect("Something went wrong");
    assert_eq!(tab.value(&format!("{SAVED}.then(([size]) => size)")), 0, "nothing partial");
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
    large.line.stop_down_at(large.line.down_bytes() + 100_000_000);
    tab.hold().press_button("Save");
    large.line.wait_until_down_stopped();
    let down = large.line.down_bytes();
    large.line.mend();
    tab.tell("reload", json!({}));
    tab.expect(CHOOSE).press_button("Save").expect(&format!("Saved: {NAME}"));
    let rest = large.line.down_bytes() - down;
    assert!(rest < LEN as u64 - 50_000_000, "{rest}");
    // Nobody has seen it: only the button ends the share.
    tab.goto("about:blank");
    assert!(!large.relay.data().is_empty());
    tab.goto(&large.link).expect(CHOOSE).press_button("Save");
    large.close(&tab);
}

//! Receiving in a browser: the progress, the time left, and resuming from what the browser has stored.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::workers::{COUNT, COUNTED};
use crate::support::{
    Browser, Engine, Host, Proxy, ROOT, RelayProcess, Sandbox, Tab, TestRelay, WORKSHOP, forms, has, in_every_engine,
    noise, send, served,
};

in_every_engine!(reload_continues_where_the_download_was, reload_over_plain_http_starts_again,);

const PART: u64 = 4 << 20;
const FILE: &str = "holidays.bin";
/// The page stops here in the tests: the first part has arrived, the second has begun.
const MIDDLE: u64 = 6_000_000;
const STARTS_AGAIN: &str = "After a reload it starts again.";
const CONTINUES: &str = "the download resumes by itself, even after a reload.";

/// The names and sizes of all files that the page has stored.
const STORED: &str = "(async () => {
    const [found, root] = [{}, await navigator.storage.getDirectory()];
    for await (const [share, place] of root.entries()) {
        found[share] = 'a directory';
        for await (const parts of place.values())
            for await (const [name, file] of parts.entries()) found[name] = (await file.getFile()).size;
    }
    return found;
})()";

/// Runs code with the file of a stored part, and writes to it.
fn tamper(tab: &Tab, part: &str, write: &str) {
    tab.value(&format!(
        "(async () => {{
            for await (const place of (await navigator.storage.getDirectory()).values()) {{
                const parts = await place.getDirectoryHandle('parts');
                const file = await (await parts.getFileHandle('{part}')).createWritable({{ keepExistingData: true }});
                await file.write({write});
                await file.close();
            }}
        }})()"
    ));
}

fn wait_until_part_is_stored(tab: &Tab, part: u64) {
    tab.until(&format!("{STORED}.then((found) => found[{part}] === {PART})"));
}

fn wait_until_nothing_is_stored(tab: &Tab) {
    tab.until(&format!("{STORED}.then((found) => Object.keys(found).length === 0)"));
}

/// Nine megabytes that begin with a text.
fn content() -> Vec<u8> {
    let mut content = noise(9_000_000, 3);
    content[..CANARY.len()].copy_from_slice(CANARY);
    content
}

const CANARY: &[u8] = b"tangerine-42 and nothing else";

/// A share whose download stands still in the middle.
struct Halfway {
    sandbox: Sandbox,
    relay: RelayProcess,
    line: Proxy,
    link: String,
    tab: Tab,
}

impl Halfway {
    fn new(browser: &Browser, options: Value) -> Self {
        let sandbox = Sandbox::new();
        let relay = sandbox.relay();
        let line = Proxy::to(&relay.address(), None);
        sandbox.write(FILE, &content());
        let link = line.link(&send(&sandbox, &relay, &[FILE]));
        let tab = browser.tab_with(options);
        tab.goto(&link).expect("file, 9.0 MB");
        line.stop_down_at(MIDDLE);
        tab.hold().expect("of 9.0 MB");
        line.wait_until_down_stopped();
        Self { sandbox, relay, line, link, tab }
    }

    /// Reloads the page. Returns the requests of the rest of the download.
    fn reloaded(&self) -> Vec<String> {
        let before = self.tab.requests().len();
        self.line.mend();
        self.tab.tell("reload", json!({}));
        expect_content(&self.tab);
        self.tab.requests().split_off(before)
    }

    /// Leaves the page, and visits it again with a line that stops soon.
    fn revisited(&self) -> &Tab {
        self.tab.goto("about:blank");
        // Bytes of the old download that the line still holds must not count for the new visit.
        self.line.cut();
        self.line.stop_down_at(self.line.down_bytes() + 1_000_000);
        self.tab.goto(&self.link)
    }

    fn close(&self, tab: &Tab) {
        tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
        tab.expect("The sender sees it was opened by");
        self.relay.expect_empty();
    }
}

fn expect_content(tab: &Tab) {
    tab.expect("cannot show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content());
}

fn has_part(requests: &[String], part: u32) -> bool {
    requests.contains(&format!("GET /v1/part/{part}"))
}

fn reload_continues_where_the_download_was(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let opening = Halfway::new(&browser, json!({ "width": 390, "height": 844 }));
    let (tab, line) = (&opening.tab, &opening.line);
    if engine == Engine::WebKit {
        // WebKitGTK has no private file system.
        tab.expect(STARTS_AGAIN);
        opening.revisited().expect("The download starts again from the beginning.").expect(STARTS_AGAIN);
        let requests = opening.reloaded();
        assert!(has_part(&requests, 0), "{requests:?}");
        return opening.close(tab);
    }
    tab.expect(CONTINUES);
    wait_until_part_is_stored(tab, 0);
    // The page stores the bytes as the relay sent them.
    let texts = forms(CANARY).into_iter().map(|form| String::from_utf8_lossy(&form).into_owned());
    let found = |text: &str| {
        tab.value(&format!(
            "(async () => {{
                for await (const place of (await navigator.storage.getDirectory()).values())
                    for await (const file of (await place.getDirectoryHandle('parts')).values())
                        if ((await (await file.getFile()).text()).includes({})) return 1;
                return 0;
            }})()",
            json!(text)
        ))
    };
    assert_eq!(found("age-encryption.org/v1"), 1);
    for text in texts {
        assert_eq!(found(&text), 0, "{text}");
    }
    // The page then shows what is here and asks for the rest.
    let down = line.down_bytes();
    let before = tab.requests().len();
    opening.revisited().expect("4.1 MB had already arrived.").expect(CONTINUES);
    let requests = tab.requests().split_off(before);
    assert!(!has_part(&requests, 0), "{requests:?}");
    line.mend();
    expect_content(tab);
    let all = content().len() as u64;
    assert!(line.down_bytes() - down < all - PART + 1_500_000, "{} of {all}", line.down_bytes() - down);
    // It stays until the share is closed: another reload downloads nothing.
    let before = tab.requests().len();
    tab.tell("reload", json!({}));
    expect_content(tab);
    let requests = tab.requests().split_off(before);
    assert!((0..3).all(|part| !has_part(&requests, part)), "{requests:?}");
    opening.close(tab);
    wait_until_nothing_is_stored(tab);
    assert_eq!(tab.remembers(), r#""{}{}""#);
}

fn reload_over_plain_http_starts_again(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write(FILE, &content());
    // The browser and the sender both need an address before the sender listens.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut host = Host::start(&sandbox, &[FILE, "--public-url", "http://photos.lan", "--listen", &listens]);
    let line = Proxy::to(&listens, None);
    let address = line.url.trim_start_matches("http://").trim_end_matches('/');
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={address}")]) else { return };
    let tab = browser.tab_with(json!({ "before": COUNT }));
    tab.goto(host.link()).expect("This page came over plain http");
    assert_eq!(tab.value("[isSecureContext, 'storage' in navigator]"), json!([false, false]));
    line.stop_down_at(MIDDLE);
    tab.hold().expect("of 9.0 MB").expect(STARTS_AGAIN);
    line.wait_until_down_stopped();
    tab.goto("about:blank");
    line.stop_down_at(line.down_bytes() + 1_000_000);
    tab.goto(host.link()).expect("The download starts again from the beginning.").expect(STARTS_AGAIN);
    line.mend();
    expect_content(&tab);
    assert_eq!(tab.value(COUNTED), json!([2, 3]));
    tab.press_button("Close").press_button("Yes, close now").expect("The sender sees it was opened by");
    host.expect("opened by: ");
}

/// A tab that takes over from a crashed one.
fn another_tab_continues(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let opening = Halfway::new(&browser, json!({}));
    wait_until_part_is_stored(&opening.tab, 0);
    opening.tab.tell("kill", json!({}));
    opening.line.mend();
    let another = opening.tab.new_tab();
    another.goto(&opening.link);
    expect_content(&another);
    assert!(!has_part(&another.requests(), 0), "{:?}", another.requests());
    opening.close(&another);
    wait_until_nothing_is_stored(&another);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn another_tab_continues_the_download_of_a_crashed_one_in_chromium() {
    another_tab_continues(Engine::Chromium);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn another_tab_continues_the_download_of_a_crashed_one_in_firefox() {
    another_tab_continues(Engine::Firefox);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_damaged_stored_part_is_downloaded_again_and_a_beginning_is_completed() {
    let Some(browser) = Browser::start(&[]) else { return };
    for (write, range) in [
        ("{ type: 'write', position: 1000, data: 'spoiled' }", None),
        ("{ type: 'write', position: 5000000, data: 'too long' }", None),
        ("{ type: 'truncate', size: 1000000 }", Some("bytes=1000000-")),
    ] {
        let opening = Halfway::new(&browser, json!({}));
        wait_until_part_is_stored(&opening.tab, 0);
        tamper(&opening.tab, "0", write);
        let requests = opening.reloaded();
        assert!(has_part(&requests, 0), "{write}: {requests:?}");
        let all = opening.tab.tell("requests", json!({}));
        let asked = all.as_array().unwrap().iter().rfind(|each| each["url"].as_str().unwrap().ends_with("/part/0"));
        assert_eq!(asked.unwrap()["headers"].get("range").and_then(Value::as_str), range, "{write}");
        wait_until_part_is_stored(&opening.tab, 0);
        opening.close(&opening.tab);
    }
    // A beginning with another content: the checksum of the whole part finds it, and the relay is not blamed.
    let opening = Halfway::new(&browser, json!({}));
    wait_until_part_is_stored(&opening.tab, 0);
    tamper(&opening.tab, "0", "{ type: 'truncate', size: 1000000 }");
    tamper(&opening.tab, "0", "{ type: 'write', position: 1000, data: 'spoiled' }");
    let requests = opening.reloaded();
    assert_eq!(requests.iter().filter(|request| *request == "GET /v1/part/0").count(), 2, "{requests:?}");
    opening.close(&opening.tab);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_browser_that_cannot_store_parts_downloads_them_again() {
    let Some(browser) = Browser::start(&[]) else { return };
    let refuse = "Promise.reject(new DOMException('full', 'QuotaExceededError'))";
    let proto = "FileSystemFileHandle.prototype";
    for before in [
        // The disk is full from the beginning, or in the middle.
        format!("{proto}.createWritable = () => {refuse}"),
        format!(
            "const [create, files] = [{proto}.createWritable, []];
             {proto}.createWritable = function () {{
                 return files.push(this) > 1 ? {refuse} : create.call(this);
             }}"
        ),
        // Too little room, no private files, and older browsers.
        "StorageManager.prototype.estimate = async () => ({ quota: 17_000_000, usage: 0 })".to_owned(),
        format!("StorageManager.prototype.getDirectory = () => {refuse}"),
        "StorageManager.prototype.estimate = () => Promise.reject(new TypeError())".to_owned(),
        format!("delete {proto}.createWritable"),
        "delete globalThis.FileSystemFileHandle".to_owned(),
    ] {
        let opening = Halfway::new(&browser, json!({ "before": before }));
        opening.tab.expect(STARTS_AGAIN);
        if !before.contains("getDirectory") {
            wait_until_nothing_is_stored(&opening.tab);
        }
        let requests = opening.reloaded();
        assert!(has_part(&requests, 0), "{before}: {requests:?}");
        assert_eq!(opening.tab.complaints(), Vec::<String>::new(), "{before}");
        opening.close(&opening.tab);
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_damaged_share_is_reported_while_a_part_is_arriving_and_leaves_no_stored_parts() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    sandbox.write(FILE, &content());
    // Decrypting fails once the second part is being downloaded: in a worker, and in the page, which makes the nonces.
    let before = "const [ask, { setUint32 }] = [fetch, DataView.prototype];
        let begins;
        const isSecond = new Promise((resolve) => (begins = resolve));
        globalThis.fetch = (url, how) => {
            if (String(url).endsWith('/part/1')) begins();
            return ask(url, how);
        };
        const fail = () => {
            DataView.prototype.setUint32 = function (...how) {
                if (this.byteLength === 12) throw new Error('damaged');
                return setUint32.apply(this, how);
            };
            return { data: null };
        };
        globalThis.Worker = class {
            postMessage = () => isSecond.then(() => this.onmessage(fail()));
            terminate() {}
        };";
    let tab = browser.tab_with(json!({ "before": before }));
    tab.goto(&line.link(&send(&sandbox, &relay, &[FILE]))).expect("file, 9.0 MB");
    line.stop_down_at(MIDDLE);
    tab.hold().expect("None of it is shown");
    wait_until_nothing_is_stored(&tab);
    tab.expect("None of it is shown");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn stored_parts_end_with_the_share() {
    let Some(browser) = Browser::start(&[]) else { return };
    // The sender revokes it.
    let opening = Halfway::new(&browser, json!({}));
    wait_until_part_is_stored(&opening.tab, 0);
    opening.sandbox.share(["revoke", "-q", &opening.link]).ok();
    opening.line.mend();
    opening.tab.expect("Revoked");
    wait_until_nothing_is_stored(&opening.tab);

    // The lease ends by this browser's clock: the next page of the same relay removes it.
    let opening = Halfway::new(&browser, json!({}));
    wait_until_part_is_stored(&opening.tab, 0);
    let visitor = opening.tab.goto("about:blank").new_tab();
    opening.line.mend();
    visitor.goto(&opening.line.url);
    wait_until_part_is_stored(&visitor, 0);
    visitor.value(
        "for (const [name, text] of Object.entries(localStorage))
             localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), until: '1' }))",
    );
    visitor.tell("reload", json!({}));
    wait_until_nothing_is_stored(&visitor);

    // Leaving the page after all was seen closes the share.
    let (sandbox, elsewhere) = (Sandbox::new(), Sandbox::new());
    let (relay, other) = (sandbox.relay(), elsewhere.relay());
    sandbox.write("a.txt", "so many words\n".repeat(50_000).as_bytes());
    let tab = browser.tab();
    tab.goto(&send(&sandbox, &relay, &["a.txt"])).hold().expect("so many words");
    tab.until(&format!("{STORED}.then((found) => found[0] > 700_000)"));
    tab.goto(&other.url.replace("127.0.0.1", "localhost")).goto(&relay.url);
    relay.expect_empty();
    wait_until_nothing_is_stored(&tab);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs browsers: tests/all"]
async fn stored_parts_end_with_the_lease_by_the_relays_clock() {
    let Some(browser) = Browser::start(&[]) else { return };
    let (sandbox, bench) = (Sandbox::new(), TestRelay::memory());
    let (_, relay) = served(bench.relay.clone());
    let line = Proxy::to(relay.trim_start_matches("http://").trim_end_matches('/'), None);
    sandbox.write(FILE, &content());
    let link = sandbox.share(["send", "-q", "--relay", &relay, FILE]).ok();
    let tab = browser.tab();
    tab.goto(&line.link(&link)).expect("file, 9.0 MB");
    line.stop_down_at(MIDDLE);
    tab.hold();
    wait_until_part_is_stored(&tab, 0);
    bench.clock.advance(25 * 3600);
    line.mend();
    tab.expect("Too late");
    wait_until_nothing_is_stored(&tab);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn time_left_is_within_a_factor_of_two_of_the_truth() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::slow(&relay.address(), 200_000);
    sandbox.write(FILE, &noise(4_000_000, 3));
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    tab.goto(&line.link(&send(&sandbox, &relay, &[FILE]))).hold();
    let seconds = "Number(/^About (\\d+) seconds left$/.exec(document.querySelector('.left')?.textContent)?.[1] ?? 0)";
    tab.until(&format!("{seconds} > 0"));
    let shown = tab.value(seconds).as_f64().unwrap();
    let since = Instant::now();
    // The same text is for screen readers, and the bar has a name and a value.
    let heard = "document.querySelector('main [role=status]').textContent";
    assert!(tab.value(heard).as_str().unwrap().ends_with(" left"));
    let bar = "['aria-label', 'aria-valuetext'].map((name) => document.querySelector('progress').getAttribute(name))";
    let bar = tab.value(bar);
    assert!(bar[0] == "Progress" && bar[1].as_str().unwrap().ends_with("% of 4.0 MB"), "{bar}");
    // The beginning of a part is stored too.
    tab.until(&format!("{STORED}.then((found) => found[0] > 500_000 && found[0] < 4_000_000)"));
    tab.expect("cannot show this kind of file");
    let truth = since.elapsed().as_secs_f64();
    assert!((truth / 2.0..truth * 2.0).contains(&shown), "{shown} s were shown, and {truth} s were left");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn time_left_is_estimated_without_jumping_about() {
    if !has(WORKSHOP) {
        return;
    }
    let script = Path::new(ROOT).join("tests/browser/time_left.mjs");
    let ran = Command::new("node").arg(script).arg(WORKSHOP).output().unwrap();
    assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
}

//! The workers that decrypt shares of several parts, and the page that does it itself without them.

use std::fs;

use serde_json::json;

use crate::support::{Browser, Engine, Sandbox, Tab, in_every_engine, noise, send};

in_every_engine!(workers_decrypt_a_share_of_several_parts,);

/// Counts the workers that a page starts, and the parts that they decrypt.
pub(super) const COUNT: &str = "
    globalThis.counted = [0, 0];
    globalThis.Worker = class extends Worker {
        constructor(...how) {
            super(...how);
            counted[0] += 1;
            this.addEventListener('message', ({ data }) => (counted[1] += Number(data !== null)));
        }
    };";

/// The counts of [`COUNT`].
pub(super) const COUNTED: &str = "globalThis.counted";

/// Saves the file that the page cannot show, and asserts its content.
fn expect_saved(tab: &Tab, content: &[u8]) {
    tab.expect("cannot show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content);
}

fn workers_decrypt_a_share_of_several_parts(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // The first file ends within the second part, and the other one within the fifth.
    let (first, second) = (noise(5_000_000, 1), noise(13_000_000, 2));
    sandbox.write("first.bin", &first);
    sandbox.write("second.bin", &second);
    let tab = browser.tab_with(json!({ "before": COUNT }));
    tab.goto(&send(&sandbox, &relay, &["first.bin", "second.bin"])).hold().expect("1 of 2");
    assert_eq!(tab.value(COUNTED), json!([2, 5]));
    expect_saved(&tab, &first);
    tab.press("ArrowRight").expect("2 of 2");
    expect_saved(&tab, &second);
    let loads = tab.requests().iter().filter(|request| request.contains("/page/worker-")).count();
    assert_eq!(loads, 1);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    tab.press_button("Close").press_button("Yes, close now").expect("The sender sees it was opened by");
    relay.expect_empty();
    // A single part is not worth a worker.
    let tiny = noise(3_000_000, 3);
    sandbox.write("tiny.bin", &tiny);
    let tab = browser.tab_with(json!({ "before": COUNT }));
    tab.goto(&send(&sandbox, &relay, &["tiny.bin"])).hold();
    expect_saved(&tab, &tiny);
    assert_eq!(tab.value(COUNTED), json!([0, 0]));
}

/// A worker of one's own, with the real one at hand.
fn instead(class: &str) -> String {
    format!("const Real = Worker; globalThis.Worker = class {class};")
}

/// A worker that does this with each part.
fn idle(post: &str) -> String {
    instead(&format!("{{ postMessage() {{ {post} }} terminate() {{}} }}"))
}

/// An answer to the request for the script.
fn script(answer: &str) -> String {
    format!(
        "const real = fetch;
         globalThis.fetch = (url, ...how) => String(url).includes('/page/worker-') ? {answer} : real(url, ...how);"
    )
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_decrypts_itself_without_workers_and_after_one_failed() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(9_000_000, 3);
    sandbox.write("holidays.bin", &content);
    let fail = "this.dispatchEvent(new ErrorEvent('error'))";
    for before in [
        // A browser without workers, one that refuses them, and one in which something else has taken their policy.
        "delete globalThis.Worker;".to_owned(),
        instead("{ constructor() { throw new DOMException('no', 'SecurityError') } }"),
        "trustedTypes.createPolicy('worker', {});".to_owned(),
        // The script does not arrive, is late, or is another one.
        script("Promise.reject(new TypeError('no network'))"),
        script("new Promise(() => {})"),
        script("Promise.resolve(new Response('\"postMessage(1)\"'))"),
        // The workers fail at the start, after a part, at each part, or silently.
        instead(&format!("extends Real {{ constructor(...how) {{ super(...how); setTimeout(() => {fail}) }} }}")),
        instead(&format!(
            "extends Real {{
                constructor(...how) {{
                    super(...how);
                    this.addEventListener('message', () => {fail});
                }}
            }}"
        )),
        idle("setTimeout(() => this.onmessage({ data: null }))"),
        format!(
            "{} const later = setTimeout;
             globalThis.setTimeout = (go, after, ...rest) => later(go, after === 30_000 ? 300 : after, ...rest);",
            idle("")
        ),
    ] {
        let tab = browser.tab_with(json!({ "before": before }));
        tab.goto(&send(&sandbox, &relay, &["holidays.bin"])).hold();
        expect_saved(&tab, &content);
        tab.press_button("Close").press_button("Yes, close now").expect("The sender sees it was opened by");
        relay.expect_empty();
    }
}

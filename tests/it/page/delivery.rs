//! The way of the page to a browser: its weight, and the files that it loads.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use share::page;

use crate::support::{Browser, Host, PHOTO, Proxy, ROOT, Sandbox, WORKSHOP, has, send};

/// The directory of the finished page.
const DIST: &str = concat!(env!("OUT_DIR"), "/dist");
/// The most bytes of the page and one language table, by Brotli.
const MAX_WEIGHT: usize = 60_000;

/// Runs a script in tests/browser, and returns its output.
fn node(script: &str, arguments: &[&str]) -> String {
    let mut node = Command::new("node");
    let ran = node.arg(Path::new(ROOT).join("tests/browser").join(script)).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn the_page_and_one_language_weigh_at_most_60_kb() {
    if !page::is_complete() {
        return;
    }
    let weight = |compressed: fn(&page::File) -> Option<&'static [u8]>| {
        let table = page::FILES.iter().filter_map(compressed).map(<[u8]>::len).max().unwrap_or(0);
        compressed(&page::PAGE).unwrap().len() + table
    };
    let (br, gz) = (weight(|file| file.br), weight(|file| file.gz));
    eprintln!("the page and its largest language table: {br} bytes by Brotli, {gz} by gzip");
    assert!(br <= MAX_WEIGHT, "{br} bytes");
}

#[test]
fn the_page_does_not_use_webcrypto() {
    // Plain http has none, and WebKitGTK's X25519 refuses some keys.
    assert!(!page::HTML.contains("subtle"));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn compressed_files_are_the_plain_ones_and_the_script_has_no_needless_package() {
    if has(WORKSHOP) {
        eprintln!("{}", node("weight.mjs", &[WORKSHOP, DIST]));
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_uses_no_file_that_differs_from_the_one_it_was_built_with() {
    if has(WORKSHOP) {
        assert_eq!(node("files.mjs", &[WORKSHOP]), "held\n");
    }
}

/// The rate of a slow line, in bytes a second.
const RATE: u32 = 50_000;
/// The longest time until a share can be opened over it, in milliseconds since the navigation began.
const MAX_WAIT: f64 = 2000.0;

/// Notes every text of the page, and the time at which the button for opening is there.
const WATCH: &str = "
    window.texts = [];
    new MutationObserver(() => {
        const main = document.querySelector('main');
        if (main && texts.at(-1) !== main.innerText) texts.push(main.innerText);
        if (document.querySelector('.hold')) window.usable ??= performance.now();
    }).observe(document, { childList: true, subtree: true, characterData: true });";

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_share_can_be_opened_within_two_seconds_over_a_slow_line() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let times = [(); 3].map(|()| {
        let line = Proxy::slow(&relay.address(), RATE);
        let tab = browser.tab_with(json!({ "before": WATCH }));
        tab.goto(&line.link(&link)).until("window.usable > 0");
        let usable = tab.value("window.usable").as_f64().unwrap();
        let painted = tab.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
        eprintln!("{} bytes; first words after {painted} ms; usable after {usable} ms", line.down_bytes());
        let texts: Vec<String> = serde_json::from_value(tab.value("window.texts")).unwrap();
        // Parts of the first screen arrive one after another.
        let first = texts.iter().find(|text| !text.trim().is_empty()).unwrap();
        assert_eq!(first.trim(), "One moment…");
        assert!(!texts.iter().any(|text| text.contains("cannot open") || text.contains("taking long")), "{texts:?}");
        usable
    });
    let best = times.into_iter().fold(f64::INFINITY, f64::min);
    assert!(best <= MAX_WAIT, "{times:?}");
}

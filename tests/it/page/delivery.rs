//! The way of the page to a browser: its weight, and the files that it loads.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use share::page;

use crate::support::{Browser, Host, PHOTO, Proxy, ROOT, Sandbox, WORKSHOP, has, send};

/// The directory of the finished page.
const DIST: &str = concat!(env!("OUT_DIR"), "/dist");
/// The most bytes of the page and one language table, by Brotli.
const MAX_WEIGHT: usize = 60_000;
/// The most bytes of the other files, which the page loads after the claim, by Brotli: the list of words, and the
/// script of the workers, which a share of several parts has time for.
const MAX_WORDS: usize = 4500;
const MAX_WORKER: usize = 5000;

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
    let is_late = |file: &&page::File| file.name.starts_with("words-") || file.name.starts_with("worker-");
    let (late, tables): (Vec<_>, Vec<_>) = page::PAGE.files().partition(is_late);
    assert_eq!(tables.len(), 11, "all languages but English");
    let weight = |compressed: fn(&page::File) -> Option<&'static [u8]>| {
        let table = tables.iter().filter_map(|file| compressed(file)).map(<[u8]>::len).max().unwrap();
        compressed(&page::PAGE.file).unwrap().len() + table
    };
    let (br, gz) = (weight(|file| file.br), weight(|file| file.gz));
    eprintln!("the page and its largest language table: {br} bytes by Brotli, {gz} by gzip");
    assert!(br <= MAX_WEIGHT, "{br} bytes");
    let [words, worker] = late[..] else { panic!("the page has one list of words, and one script of workers") };
    for (file, most) in [(words, MAX_WORDS), (worker, MAX_WORKER)] {
        let len = file.br.unwrap().len();
        eprintln!("{}: {len} bytes by Brotli", file.name);
        assert!(len <= most, "{}: {len} bytes", file.name);
    }
}

#[test]
fn the_pages_do_not_use_webcrypto() {
    // Plain http has none, and WebKitGTK's X25519 refuses some keys.
    assert!(!page::PAGE.html().contains("subtle") && !page::SEND.html().contains("subtle"));
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

/// The text that is visible in the page.
const VISIBLE: &str = "document.querySelector('main').innerText.trim()";

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_browser_without_scripts_shows_how_to_open_the_link() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab_with(json!({ "script": false }));
    tab.goto(&send(&sandbox, &relay, &[PHOTO])).expect("This page cannot open the link").expect("share open");
    // It covers the text that scripts replace.
    let top = "(() => {
        const { x, y } = document.querySelector('.first h1').getBoundingClientRect();
        return document.elementFromPoint(x + 5, y + 5).textContent;
    })()";
    assert_eq!(tab.value(top), "This page cannot open the link");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_page_that_is_cut_off_shows_advice_after_15_seconds() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    // The style and the text have arrived, and a part of the script.
    line.stop_down_at(20_000);
    let tab = browser.tab();
    let link = line.link(&send(&sandbox, &relay, &[PHOTO]));
    // A driver's navigation would wait for the whole page.
    tab.value(&format!("void (location.href = '{link}')"));
    line.wait_until_down_stopped();
    tab.until("document.querySelector('.late')?.getAnimations().length === 1");
    let at = |milliseconds: u32| {
        let code = "document.querySelector('.late').getAnimations()[0]";
        tab.value(&format!("{code}.pause(); {code}.currentTime = {milliseconds}; {VISIBLE}"))
    };
    assert_eq!(at(14_999), "One moment…");
    let late = at(15_000);
    assert!(late.as_str().unwrap().starts_with("One moment…\n\nThis is taking long."), "{late}");
    assert!(late.as_str().unwrap().contains("share open"), "{late}");
    // The rest arrives.
    line.mend();
    tab.hold();
}

#[test]
fn the_first_words_are_those_of_the_table() {
    let table = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/languages/en.json"));
    let table: serde_json::Value = serde_json::from_str(table).unwrap();
    let first = table["loading"][0].as_str().unwrap();
    for page in [&page::PAGE, &page::SEND] {
        assert!(page.html().contains(&format!("<h1>{first}</h1>")), "{}: {first}", page.path);
    }
}

/// The rate of a slow line, in bytes a second.
const RATE: u32 = 50_000;
/// The longest time until a share can be opened over it, in milliseconds since the navigation began.
const MAX_WAIT: f64 = 2000.0;
/// Attempts to be as fast as that.
const ATTEMPTS: usize = 10;

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
    let sandbox = Sandbox::new();
    // Both addresses must be known before either side starts.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let line = Proxy::slow(&listens, RATE);
    let host = Host::start(&sandbox, &[PHOTO, "--public-url", "http://photos.lan", "--listen", &listens]);
    let near = line.url.trim_start_matches("http://").trim_end_matches('/');
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={near}")]) else { return };
    let fragment = host.link().split_once('#').unwrap().1;
    // Over plain http Chromium accepts gzip; from this machine, as over https, Brotli too.
    let page = &page::PAGE.file;
    for (url, coding, body) in [("http://photos.lan/", "gzip", page.gz), (&*line.url, "br", page.br)] {
        let once = || {
            let before = line.down_bytes();
            let tab = browser.tab_with(json!({ "before": WATCH }));
            tab.goto(&format!("{url}#{fragment}")).until("window.usable > 0");
            let usable = tab.value("window.usable").as_f64().unwrap();
            let painted = tab.value("performance.getEntriesByName('first-contentful-paint')[0].startTime");
            let bytes = line.down_bytes() - before;
            eprintln!("{coding}: {bytes} bytes; first words after {painted} ms; usable after {usable} ms");
            let body = body.unwrap().len() as u64;
            assert!((body..body + 6000).contains(&bytes), "{coding}: {bytes} bytes for {body}");
            let texts: Vec<String> = serde_json::from_value(tab.value("window.texts")).unwrap();
            // Parts of the first screen arrive one after another.
            let first = texts.iter().find(|text| !text.trim().is_empty()).unwrap();
            assert_eq!(first.trim(), "One moment…");
            assert!(
                !texts.iter().any(|text| text.contains("cannot open") || text.contains("taking long")),
                "{texts:?}"
            );
            usable
        };
        // Other tests may use both cores meanwhile.
        assert!((0..ATTEMPTS).any(|_| once() <= MAX_WAIT), "{coding} took longer than {MAX_WAIT} ms {ATTEMPTS} times");
    }
}

//! The page before the opening: what waits, who sent it, and the control that opens it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use share::manifest::Manifest;

use crate::support::{
    Browser, Engine, Host, PHOTO, ROOT, Sandbox, Tab, WORKSHOP, has, in_every_engine, planted, planted_with,
};

const FROM: &str = "Anna and Tom, from the house next door to the one with the blue shutters by the";
const NOTE: &str = "\
    We were there for the whole of September, and it rained only once, on the day when we had planned to walk up to \
    the crater. The long one shows everybody at the table: look at Tom’s hat! Please send them on to grandma, she \
    cannot open links by herself. See you on Sunday. Love, Ann";
const NAME: &str = "Our holiday in Sicily, September 2025: Palermo, Cefalù and the long way around Etna";
const INSTAGRAM: &str = "\
    Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21A329 \
    Instagram 300.0.0.0";
/// A page over plain http, in a browser that stores nothing.
const POOR: &str = "
    Object.defineProperty(window, 'isSecureContext', { get: () => false });
    Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })";

fn phone() -> Value {
    json!({ "width": 390, "height": 844, "touch": true })
}

/// Whether the viewport shows an element: nothing covers its middle or the middles of its sides.
fn is_in_view(tab: &Tab, selector: &str) -> bool {
    let code = format!(
        "(() => {{
            const element = document.querySelector({selector:?});
            const points = [[0.5, 0.5], [0.5, 0.04], [0.5, 0.96], [0.04, 0.5], [0.96, 0.5]];
            // A box, or one for each line of words.
            const boxes = [...element.getClientRects()];
            return scrollY === 0 && boxes.length > 0 && boxes.every(({{ x, y, width, height }}) =>
                points.every(([right, down]) =>
                    element.contains(document.elementFromPoint(x + right * width, y + down * height))));
        }})()"
    );
    tab.value(&code) == true
}

fn is_too_wide(tab: &Tab) -> bool {
    tab.value("document.documentElement.scrollWidth > innerWidth") == true
}

/// An album with a name, a note and files of all kinds: some of which no browser shows, or not this one.
fn album(url: &str) -> String {
    let photo = fs::read(PHOTO).unwrap();
    let mut files: Vec<(&str, &str, &[u8])> = vec![("landscape.jpg", "image/jpeg", &photo); 9];
    files.push(("a.heic", "image/heic", b"\0\0\0\x18ftypheic"));
    files.push(("clip.mov", "video/quicktime", b"\0\0\0\x14ftypqt  "));
    files.push(("letter.pdf", "application/pdf", b"%PDF-1.7"));
    planted_with(url, &files, |manifest| {
        manifest.name = Some(NAME.to_owned());
        manifest.from = Some(FROM.to_owned());
        manifest.note = Some(NOTE.to_owned());
    })
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn button_is_in_view_on_small_screens_with_everything_above_it() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    assert_eq!((FROM.chars().count(), NOTE.chars().count()), (79, 280));
    // Every warning at once.
    let link = album(&relay.url);
    let promise = ".opener p:nth-of-type(2)";
    for (width, height, text) in [(320, 568, 100), (390, 844, 100), (844, 390, 100), (1280, 720, 100), (320, 568, 200)]
    {
        let options = json!({
            "width": width, "height": height, "touch": width < 1000, "text": text,
            "agent": INSTAGRAM, "before": POOR,
        });
        let tab = browser.tab_with(options);
        tab.goto(&link).expect("12 files for you").expect("The sender will see that you opened it.");
        tab.until("document.querySelector('select')");
        tab.shot(&format!("envelope-full-{width}x{height}-{text}"));
        assert!(is_in_view(&tab, ".hold"), "{width}×{height}, text of {text} %");
        assert!(text > 100 || is_in_view(&tab, promise), "{width}×{height}");
        assert!(!is_too_wide(&tab), "{width}×{height}, text of {text} %");
        for warning in [
            "This page is inside Instagram.",
            "does not let this page store",
            "came over plain http",
            "1 of 12 files cannot be shown here; you can save it.",
            "1 of 12 files can only be saved.",
            "If this browser cannot play a video, you can save it.",
        ] {
            tab.expect(warning);
        }
        tab.tell("close", json!({}));
    }
    let tab = browser.tab_with(json!({ "width": 320, "height": 568, "touch": true }));
    tab.goto(&link).hold().expect("1 of 12");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn words_of_the_sender_are_text() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let written = |from: Option<&str>, note: Option<&str>| {
        planted_with(&relay.url, &[("a.txt", "text/plain", b"psst")], |manifest: &mut Manifest| {
            manifest.from = from.map(str::to_owned);
            manifest.note = note.map(str::to_owned);
        })
    };
    let open = |link: &str| {
        let tab = browser.tab_with(json!({ "width": 320, "height": 568, "touch": true }));
        tab.goto(link).expect("A text for you");
        tab
    };
    let shown = |tab: &Tab| tab.value("[...document.querySelectorAll('figure bdi')].map((it) => it.textContent)");

    let markup = "<img src=x onerror=\"document.title='ran'\"> https://elsewhere.example <b>bold</b>";
    let tab = open(&written(Some("Anna\u{202e}gpj.exe"), Some(markup)));
    assert_eq!(shown(&tab), json!(["Anna\u{fffd}gpj.exe", markup]));
    assert_eq!(tab.value("document.querySelectorAll('main :is(a, img, b, script)').length"), 0);
    tab.expect("Written by the sender");
    // Lines stay lines, and are counted.
    let tab = open(&written(None, Some("one\ntwo\r\nthree\u{7}")));
    assert_eq!(shown(&tab), json!(["one\ntwo\nthree\u{fffd}"]));
    tab.expect("one\ntwo\n");
    // A note without a space and with the widest letters, one from right to left, and lines that never end.
    for note in ["𝕎".repeat(280), "\u{fdfd}".repeat(280), "مرحبا بكم في الصورة ".repeat(14), "\n\n\n\nx".repeat(56)]
    {
        let tab = open(&written(Some(&"W".repeat(80)), Some(&note)));
        tab.shot("envelope-words-320");
        assert!(is_in_view(&tab, ".hold"), "{note}");
        assert!(!is_too_wide(&tab), "{note}");
        tab.until("[...document.querySelectorAll('blockquote button')].some((button) => !button.hidden)");
        tab.tell("click", json!({ "selector": "blockquote button" }));
        tab.until("document.querySelector('blockquote .clamped') === null");
        tab.value("scrollTo(0, 0)");
        assert!(is_in_view(&tab, ".hold") && !is_too_wide(&tab), "{note}");
    }
    let tab = open(&written(None, None));
    assert_eq!(tab.value("document.querySelector('figure')"), Value::Null);
    assert!(!tab.text().contains("Written by the sender"));
    // A name alone, and blank words.
    let tab = open(&written(Some("Anna"), Some(" \u{200b}\n")));
    assert_eq!(shown(&tab), json!(["Anna"]));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn list_of_an_album_opens_on_demand_and_has_all_of_its_files() {
    let sizes = "globalThis.sizes = [];
        addEventListener('DOMContentLoaded', () => new MutationObserver((records) => {
            for (const { addedNodes, target } of records) if (target.localName === 'ul') sizes.push(addedNodes.length);
        }).observe(document.querySelector('main'), { childList: true, subtree: true }))";
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let names: Vec<String> = (0..2000).map(|number| format!("IMG_{number:04} <b>.jpg")).collect();
    let mut files: Vec<(&str, &str, &[u8])> =
        names.iter().map(|name| (name.as_str(), "image/jpeg", &b"\xff\xd8\xff"[..])).collect();
    files.push(("a.zip", "application/zip", b"PK"));
    files.push(("a.heic", "image/heic", b"\0\0\0\x18ftypheic"));
    let link = planted_with(&relay.url, &files, |manifest| {
        manifest.entries[0].path = vec!["Day 1".to_owned(), "beach\u{202e}.jpg".to_owned()];
    });
    let tab = browser.tab_with(json!({ "width": 320, "height": 568, "touch": true, "before": sizes }));
    tab.goto(&link).expect("2,002 files, 6.0 kB");
    assert_eq!(tab.value("document.querySelectorAll('li').length"), 0, "nothing is listed before it is asked for");
    tab.tell("click", json!({ "selector": ".files summary" }));
    tab.until("document.querySelectorAll('li').length === 2002");
    let most = tab.value("Math.max(...sizes)").as_u64().unwrap();
    assert!(most <= 100, "{most} files in one frame");
    assert!(is_in_view(&tab, ".hold") && !is_too_wide(&tab));
    tab.shot("envelope-list-320");
    let line = |at: u32| tab.value(&format!("document.querySelectorAll('li')[{at}].innerText"));
    assert_eq!(line(0), "Day 1/beach\u{fffd}.jpg\nphoto, 3 bytes");
    assert_eq!(line(1999), "IMG_1999 <b>.jpg\nphoto, 3 bytes");
    assert_eq!(line(2000), "a.zip\nfile, 2 bytes\nto save");
    assert_eq!(line(2001), "a.heic\nphoto, 12 bytes\ncannot be shown here");
    let scrolls = "document.querySelector('ul').scrollHeight > document.querySelector('ul').clientHeight";
    assert_eq!(tab.value(scrolls), true, "the list scrolls by itself");
    // Opened again, it has each file once.
    tab.tell("click", json!({ "selector": ".files summary" }));
    tab.tell("click", json!({ "selector": ".files summary" }));
    tab.until("document.querySelector('details').open");
    assert_eq!(tab.value("document.querySelectorAll('li').length"), 2002);
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn files_that_this_browser_cannot_show_are_named_before_the_opening() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = fs::read(PHOTO).unwrap();
    let long = vec![b'x'; (1 << 20) + 1];
    let jpg: (&str, &str, &[u8]) = ("a.jpg", "image/jpeg", &photo);
    let heic: (&str, &str, &[u8]) = ("a.heic", "image/heic", b"\0\0\0\x18ftypheic");
    let mkv: (&str, &str, &[u8]) = ("a.mkv", "video/x-matroska", b"\x1a\x45\xdf\xa3");
    let mov: (&str, &str, &[u8]) = ("a.mov", "video/quicktime", b"\0\0\0\x14ftypqt  ");
    let pdf: (&str, &str, &[u8]) = ("a.pdf", "application/pdf", b"%PDF-1.7");
    let text: (&str, &str, &[u8]) = ("a.txt", "text/plain", &long);
    let cannot = "This browser cannot show this file. You can save it, or open the link in another browser instead.";
    let says = |files: &[(&str, &str, &[u8])]| {
        let tab = browser.tab_with(phone());
        tab.goto(&planted(&relay.url, files, false)).expect("Press and hold to open");
        let lines =
            tab.value("[...document.querySelectorAll('main > .warning, main > .note')].map((it) => it.innerText)");
        tab.tell("close", json!({}));
        lines
    };
    for (files, lines) in [
        (&[jpg][..], json!([])),
        (&[heic], json!([cannot])),
        (&[mkv], json!([cannot])),
        (&[text], json!([cannot])),
        (&[pdf], json!(["This kind of file can only be saved."])),
        (&[mov], json!(["If this browser cannot play a video, you can save it."])),
        (&[jpg, jpg], json!([])),
        (&[jpg, heic, mkv], json!(["2 of 3 files cannot be shown here; you can save them."])),
        (
            &[jpg, heic, pdf, mov],
            json!([
                "1 of 4 files cannot be shown here; you can save it.",
                "1 of 4 files can only be saved.",
                "If this browser cannot play a video, you can save it.",
            ]),
        ),
    ] {
        assert_eq!(says(files), lines, "{:?}", files.iter().map(|(name, ..)| name).collect::<Vec<_>>());
    }

    // View-only files that cannot be shown are refused. Only a computer is told of a program that may show them.
    let refused = |files: &[(&str, &str, &[u8])], options: Value| {
        let tab = browser.tab_with(options);
        tab.goto(&planted(&relay.url, files, true)).expect("the share is still waiting");
        assert_eq!(tab.requests().last().unwrap(), "POST /v1/manifest");
        tab.text()
    };
    assert!(refused(&[heic], json!({})).contains("run share open"));
    assert!(!refused(&[heic], phone()).contains("share open"));
    let text = refused(&[jpg, pdf], json!({}));
    assert!(text.contains("Ask the sender to allow it") && !text.contains("share open"), "{text}");
}

in_every_engine!(word_opens_through_an_input_method_and_only_if_it_was_typed);

fn word_opens_through_an_input_method_and_only_if_it_was_typed(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = planted(&relay.url, &[("a.txt", "text/plain", b"tangerine")], false);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    tab.goto(&link).expect("Can’t press and hold?").tell("click", json!({ "selector": "details:has(#word) summary" }));
    tab.expect("Type OPEN and press Enter").tell("click", json!({ "selector": "#word" }));
    // A program that fills in the form.
    tab.value(
        "(() => {
            const input = document.querySelector('#word');
            input.value = 'OPEN';
            input.dispatchEvent(new InputEvent('input', { bubbles: true }));
            input.dispatchEvent(new CompositionEvent('compositionend', { data: 'OPEN' }));
            input.form.requestSubmit();
        })()",
    );
    tab.expect("Nothing was opened. Type OPEN.");
    tab.value("document.querySelector('#word').select()");
    if engine == Engine::WebKit {
        assert!(tab.try_to("compose", json!({ "parts": ["x"] })).is_err(), "compose in WebKit too");
        tab.type_text("open").press("Enter");
    } else {
        tab.compose(&["ひ", "ひらけ"]);
        tab.until("document.querySelector('#word').value === 'ひらけ'");
        tab.press("Enter").expect("Nothing was opened. Type OPEN.");
        tab.value("document.querySelector('#word').select()");
        // The choice of an input method opens, without another Enter.
        tab.compose(&["ｏ", "ｏｐ", "ｏｐｅｎ"]);
    }
    tab.expect("tangerine");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn click_of_a_screen_reader_shows_the_form_for_the_word() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &[("a.txt", "text/plain", b"psst")], false)).expect("Press and hold to open");
    tab.value("document.querySelector('.hold').click()");
    tab.expect("or type OPEN below").until("document.querySelector('details:has(#word)').open");
    assert_eq!(tab.requests().last().unwrap(), "POST /v1/manifest");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn word_that_opens_may_be_spelled_in_many_ways() {
    if has(WORKSHOP) {
        let mut node = Command::new("node");
        let ran = node.arg(Path::new(ROOT).join("tests/browser/words.mjs")).arg(WORKSHOP).output().unwrap();
        assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn senders_words_arrive_from_the_program_in_direct_mode() {
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={listens}")]) else { return };
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"psst");
    let args = ["a.txt", "--from", "Anna", "--note", "from the beach"];
    let host =
        Host::start(&sandbox, &[&args[..], &["--public-url", "http://photos.lan", "--listen", &listens]].concat());
    let tab = browser.tab_with(phone());
    tab.goto(host.link()).expect("from the beach").expect("Anna").expect("Written by the sender");
    tab.expect("This page came over plain http");
    tab.shot("envelope-direct-phone").hold().expect("psst");
}

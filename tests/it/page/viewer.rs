//! The viewer: photos that fill the screen, zoom, and the bar within reach.

use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{
    Browser, CLIP, Engine, PHOTO, ROOT, RelayProcess, Sandbox, Tab, WORKSHOP, gradient, has, in_every_engine, planted,
    send,
};

in_every_engine!(photos_fill_the_screen_in_every_engine, a_tap_zooms_to_the_photos_own_pixels);

/// Phones and tablets in both directions, a desktop.
const SIZES: [(u32, u32); 5] = [(390, 844), (844, 390), (320, 568), (820, 1180), (1440, 900)];
/// The smallest part of the screen's width or height that a photo takes.
const FILLS: f64 = 0.95;

static LANDSCAPE: LazyLock<Vec<u8>> = LazyLock::new(|| gradient(1600, 1200, 128));
static PORTRAIT: LazyLock<Vec<u8>> = LazyLock::new(|| gradient(1200, 1600, 128));

/// An album of one file of each kind.
fn album(sandbox: &Sandbox, relay: &RelayProcess) -> String {
    sandbox.write("landscape.jpg", &LANDSCAPE);
    sandbox.write("portrait.jpg", &PORTRAIT);
    sandbox.write("words.txt", "a line of text\n".repeat(200).as_bytes());
    sandbox.write("data.zip", b"PK\x03\x04 and so on");
    let files = ["landscape.jpg", "portrait.jpg", CLIP, "words.txt", "data.zip"];
    send(sandbox, relay, &[&["--name", "Our trip"], &files[..]].concat())
}

/// Waits for the photo, which no longer moves.
fn wait_for_photo(tab: &Tab) {
    tab.until("document.querySelector('.stage img.loaded:not(.gliding)')");
}

/// The place of an element in pixels: left, top, width and height.
fn place(tab: &Tab, selector: &str) -> [i64; 4] {
    let code = format!(
        "(() => {{
            const {{ left, top, width, height }} = document.querySelector({}).getBoundingClientRect();
            return [left, top, width, height].map(Math.round);
        }})()",
        json!(selector)
    );
    serde_json::from_value(tab.value(&code)).unwrap()
}

/// Waits until the photo is whole, in the middle, and takes nearly all of the screen's width or height.
fn expect_filled(tab: &Tab, what: &str) {
    let code = format!(
        "(() => {{
            const {{ left, top, right, bottom, width, height }} =
                document.querySelector('.stage img.loaded').getBoundingClientRect();
            const isMiddle = Math.abs(left + right - innerWidth) < 2 && Math.abs(top + bottom - innerHeight) < 2;
            const isWhole = width < innerWidth + 1 && height < innerHeight + 1;
            return isMiddle && isWhole && Math.max(width / innerWidth, height / innerHeight) >= {FILLS};
        }})()"
    );
    let found = tab.try_to("until", json!({ "code": code }));
    assert!(found.is_ok(), "{what}: {:?}", place(tab, ".stage img"));
}

/// The buttons of the bar that can be used now, with their places. Each must be what a finger touches there.
const BUTTONS: &str = "[...document.querySelectorAll('.buttons button')].map((button) => {
    const { left, top, width, height } = button.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const touched = document.elementFromPoint(x, y);
    const isReached = button.contains(touched) && width >= 40 && height >= 40
        && left >= 0 && top >= 0 && left + width <= innerWidth && top + height <= innerHeight;
    return { name: button.textContent, place: [left, top].map(Math.round), isReached, isHidden: button.hidden };
})";

/// Waits until all buttons are within reach, as an engine may draw them after it has told the size. Returns their
/// places.
fn reach(tab: &Tab, what: &str) -> Vec<(String, Value)> {
    let _ =
        tab.try_to("until", json!({ "code": format!("{BUTTONS}.every((each) => each.isHidden || each.isReached)") }));
    let buttons = tab.value(BUTTONS);
    let buttons = buttons.as_array().unwrap();
    assert!(buttons.len() >= 2);
    let place = |button: &Value| {
        assert!(button["isHidden"] == true || button["isReached"] == true, "{what}: {button}");
        (button["name"].as_str().unwrap().trim().to_owned(), button["place"].clone())
    };
    buttons.iter().map(place).collect()
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn photos_fill_every_screen_and_the_bar_stays_where_it_is() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = album(&sandbox, &relay);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(&link).hold();
    for (number, name) in ["landscape", "portrait", "video", "text", "file"].iter().enumerate() {
        tab.expect(&format!("{} of 5", number + 1)).expect("Our trip");
        tab.until("document.querySelector('.stage:not(.waiting)')");
        for (width, height) in SIZES {
            tab.resize(width, height).until(&format!("innerWidth === {width} && innerHeight === {height}"));
            let stage = place(&tab, ".stage");
            assert_eq!(stage, [0, 0, width.into(), height.into()], "{name}");
            if number < 2 {
                expect_filled(&tab, &format!("{name} at {width}x{height}"));
            }
            reach(&tab, &format!("{name} at {width}x{height}"));
            tab.shot(&format!("viewer-{name}-{width}x{height}"));
        }
        tab.resize(390, 844).until("innerWidth === 390");
        if number < 4 {
            tab.press_button("Next");
        }
    }
    // No button moves from file to file.
    for (width, height) in SIZES {
        tab.resize(width, height).until(&format!("innerWidth === {width} && innerHeight === {height}"));
        let last = reach(&tab, "file");
        for _ in 0..4 {
            tab.press_button("Previous").until("document.querySelector('.stage:not(.waiting)')");
            assert_eq!(reach(&tab, "another"), last, "{width}x{height}");
        }
        tab.press("End").expect("5 of 5");
    }
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn photos_fill_the_screen_in_every_engine(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for bytes in [&*LANDSCAPE, &*PORTRAIT] {
        let tab = browser.tab_with(json!({ "width": 390, "height": 844, "dark": true }));
        tab.goto(&planted(&relay.url, &[("a.jpg", "image/jpeg", bytes)], false)).hold();
        wait_for_photo(&tab);
        for (width, height) in [(390, 844), (844, 390)] {
            tab.resize(width, height).until(&format!("innerWidth === {width} && innerHeight === {height}"));
            expect_filled(&tab, &format!("{engine:?} {width}x{height}"));
            reach(&tab, "photo");
        }
        assert_eq!(tab.value("getComputedStyle(document.querySelector('main')).backgroundColor"), "rgb(0, 0, 0)");
        tab.press_button("Close").expect("The sender sees");
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_small_photo_and_a_turned_one_fill_the_screen_too() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // EXIF in front of the picture: it was taken with the phone turned by 90 degrees.
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let turned = [&LANDSCAPE[..2], exif, &LANDSCAPE[2..]].concat();
    let beach = std::fs::read(PHOTO).unwrap();
    let files: [(&str, &str, &[u8]); 2] = [("turned.jpg", "image/jpeg", &turned), ("beach.jpg", "image/jpeg", &beach)];
    let tab = browser.tab();
    tab.resize(1440, 900).goto(&planted(&relay.url, &files, false)).hold();
    wait_for_photo(&tab);
    let [_, _, width, height] = place(&tab, ".stage img");
    assert!(width < height, "{width} {height}");
    expect_filled(&tab, "turned");
    tab.press_button("Next").expect("2 of 2");
    expect_filled(&tab, "640 by 400 pixels");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_bar_is_in_reach_with_large_text_forced_colors_and_notches() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let insets = json!({ "top": 47, "right": 47, "bottom": 34, "left": 47 });
    for (name, options) in [
        ("large-text", json!({ "text": 200 })),
        ("forced-colors", json!({ "forced": true })),
        ("notches", json!({ "insets": insets })),
        ("large-text-forced-dark", json!({ "text": 200, "forced": true, "dark": true })),
    ] {
        for (width, height) in [(390, 844), (844, 390), (320, 568)] {
            let mut options = options.clone();
            options["width"] = width.into();
            options["height"] = height.into();
            options["touch"] = true.into();
            let tab = browser.tab_with(options);
            tab.goto(&album(&sandbox, &relay)).hold();
            expect_filled(&tab, name);
            let buttons = reach(&tab, &format!("{name} at {width}x{height}"));
            assert_eq!(buttons.last().unwrap().0, "Next");
            tab.shot(&format!("viewer-{name}-{width}x{height}"));
            let found = tab.tell("axe", json!({}));
            assert!(found.as_array().unwrap().iter().all(|found| found["impact"] != "serious"), "{name}: {found}");
            tab.press_button("Close").expect("have not been seen or saved yet");
            for word in ["Go back", "Close anyway"] {
                let code = format!(
                    "[...document.querySelectorAll('dialog button')].some((button) => {{
                        const {{ left, top, right, bottom }} = button.getBoundingClientRect();
                        const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
                        return button.innerText === '{word}' && button === middle && bottom <= innerHeight;
                    }})"
                );
                assert_eq!(tab.value(&code), true, "{name} at {width}x{height}: {word}");
            }
            tab.shot(&format!("viewer-question-{name}-{width}x{height}"));
            tab.tell("close", json!({}));
        }
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_bar_is_one_row_on_the_smallest_phones_and_clear_of_the_caption() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let files = [("landscape.jpg", "image/jpeg", &LANDSCAPE[..]), ("portrait.jpg", "image/jpeg", &PORTRAIT[..])];
    for language in ["en", "de", "ar"] {
        let options = json!({ "width": 320, "height": 568, "touch": true, "languages": [language] });
        let tab = browser.tab_with(options);
        tab.goto(&planted(&relay.url, &files, false)).until("document.querySelector('.hold')");
        tab.tell("hold", json!({ "selector": ".hold", "milliseconds": 1150 }));
        wait_for_photo(&tab);
        tab.shot(&format!("viewer-smallest-{language}"));
        let places = reach(&tab, language);
        assert!(places.iter().all(|(_, place)| place[1] == places[0].1[1]), "{language}: {places:?}");
        tab.resize(568, 320);
        let is_clear = "(() => {
            const [caption, close] = ['.caption', 'button.close'].map((each) =>
                document.querySelector(each).getBoundingClientRect());
            return innerWidth === 568 && (caption.right <= close.left || caption.left >= close.right);
        })()";
        let found = tab.try_to("until", json!({ "code": is_clear }));
        tab.shot(&format!("viewer-smallest-sideways-{language}"));
        assert!(found.is_ok(), "{language}: {:?} {:?}", place(&tab, ".caption"), place(&tab, "button.close"));
    }
}

fn a_tap_zooms_to_the_photos_own_pixels(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(&planted(&relay.url, &[("a.jpg", "image/jpeg", &LANDSCAPE)], false)).hold();
    wait_for_photo(&tab);
    let is = |[left, top, width, height]: [f64; 4]| {
        let code = format!(
            "(() => {{
                const found = document.querySelector('.stage img').getBoundingClientRect();
                const near = (a, b) => Math.abs(a - b) < 1.5;
                return near(found.left, {left}) && near(found.top, {top}) && near(found.width, {width})
                    && near(found.height, {height});
            }})()"
        );
        let found = tab.try_to("until", json!({ "code": code }));
        assert!(found.is_ok(), "{:?}, expected {:?}", place(&tab, ".stage img"), [left, top, width, height]);
    };
    let fitted = [0.0, 275.75, 390.0, 292.5];
    is(fitted);
    // The pixel under the finger stays there: 100 of 390 are 410 of 1600, and 400 is 124 of 292.
    let zoomed = [100.0 - 410.25, 400.0 - 509.7, 1600.0, 1200.0];
    tab.tap_at((100.0, 400.0));
    is(zoomed);
    assert_eq!(tab.value("document.querySelector('.stage button').getAttribute('aria-pressed')"), "true");
    // A finger moves it, as far as its edges.
    tab.swipe((300.0, 500.0), (250.0, 450.0), 200);
    is([zoomed[0] - 50.0, zoomed[1] - 50.0, 1600.0, 1200.0]);
    tab.swipe((10.0, 100.0), (385.0, 800.0), 200);
    is([0.0, 0.0, 1600.0, 1200.0]);
    tab.tap_at((300.0, 300.0));
    is(fitted);
    if engine != Engine::WebKit {
        // Fingers that move apart zoom, and back to less than fitted fit it.
        tab.pinch((195.0, 422.0), 100.0, 200.0);
        is([-195.0, 129.5, 780.0, 585.0]);
        tab.pinch((195.0, 422.0), 200.0, 50.0);
        is(fitted);
        // A double tap is no zoom there and back.
        tab.double_tap((195.0, 422.0)).until("document.querySelector('main.zoomed')");
        is([195.0 - 800.0, 422.0 - 600.0, 1600.0, 1200.0]);
        // On a phone, the bar makes room while a finger moves a zoomed photo.
        tab.until("getComputedStyle(document.querySelector('.bar')).opacity === '0'");
        // A phone that is turned keeps the middle.
        tab.resize(844, 390);
        is([422.0 - 800.0, 195.0 - 600.0, 1600.0, 1200.0]);
        tab.press("0");
        is([162.0, 0.0, 520.0, 390.0]);
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_wheel_and_the_keyboard_zoom() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab_with(json!({ "still": true }));
    tab.goto(&planted(&relay.url, &[("a.jpg", "image/jpeg", &LANDSCAPE)], false)).hold();
    wait_for_photo(&tab);
    let width = || place(&tab, ".stage img")[2];
    assert_eq!(width(), 1024);
    tab.wheel((512.0, 384.0), -100.0, false).until("document.querySelector('main.zoomed')");
    let turned = width();
    assert!(turned > 1200, "{turned}");
    // A pinch on a touchpad arrives as a wheel with the control key; the page itself must not zoom.
    tab.wheel((512.0, 384.0), -20.0, true);
    tab.until(&format!("document.querySelector('.stage img').getBoundingClientRect().width > {turned} + 100"));
    assert_eq!(tab.value("[visualViewport.scale, innerWidth]"), json!([1, 1024]));
    tab.wheel((512.0, 384.0), 3000.0, false).until("!document.querySelector('main.zoomed')");
    assert_eq!(width(), 1024);
    for (key, expected) in [("+", 1600), ("+", 2400), ("-", 1600), ("0", 1024), ("Enter", 1600)] {
        tab.press(key);
        assert_eq!(width(), expected, "{key}");
    }
    let before = place(&tab, ".stage img");
    tab.press("ArrowRight");
    assert_eq!(place(&tab, ".stage img")[0], before[0] - 80, "arrows move what is zoomed");
    tab.press("Escape");
    assert_eq!(width(), 1024);
    // The Tab key reaches the picture, whose button zooms.
    tab.value("document.activeElement.blur()");
    tab.press("Tab");
    assert_eq!(tab.value("document.activeElement.getAttribute('aria-label')"), "Zoom");
    tab.press("Space");
    assert_eq!(width(), 1600);
    let names = tab.accessible();
    for (role, name) in [("button", "Zoom"), ("image", "a.jpg"), ("button", "Close"), ("heading", "a.jpg")] {
        assert!(names.iter().any(|node| node.role == role && node.name == name), "{role} {name}: {names:?}");
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn geometry_tally_and_archives_match_their_vectors() {
    if !has(WORKSHOP) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let archive = place.path().join("all.zip");
    let mut node = Command::new("node");
    node.arg(std::path::Path::new(ROOT).join("tests/browser/viewer.mjs")).arg(WORKSHOP).arg(&archive);
    let ran = node.output().unwrap();
    assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
    let check = "import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for entry in archive.infolist():
    assert entry.date_time == (1980, 1, 1, 0, 0, 0) and entry.flag_bits == 1 << 11, entry
    if entry.file_size: assert archive.read(entry) == f'{entry.filename}\\n'.encode() * 10000, entry
modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
assert len(modes) == 11 and modes['run.sh'] == 0o100755 and modes['leer/'] == 0o40755 and modes['x/y'] == 0o100644";
    let ran = Command::new("python3").args(["-c", check]).arg(&archive).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

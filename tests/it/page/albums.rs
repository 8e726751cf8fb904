//! Albums in the viewer: swipes, small pictures, and saving all files at once.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::support::{
    Accessible, Browser, CLIP, Engine, Host, PHOTO, RelayProcess, Sandbox, Tab, encoded, gradient, in_every_engine,
    planted, send, status,
};

in_every_engine!(a_finger_and_keys_turn_from_file_to_file,);

/// Chromium's dialog to save a file would wait for a person.
const NO_PICKER: &str = "delete globalThis.showSaveFilePicker";

fn phone(before: &str) -> Value {
    json!({ "width": 390, "height": 844, "touch": true, "before": before })
}

/// Twelve photos, each in its own color, some of them upright.
fn twelve(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let photo = |number: u8| {
        let (width, height) = if number.is_multiple_of(3) { (900, 1200) } else { (1200, 900) };
        let bytes = gradient(width, height, 21 * number);
        let name = format!("Gärten {number:02}.jpg");
        sandbox.write(&name, &bytes);
        (name, bytes)
    };
    (1..=12).map(photo).collect()
}

fn send_twelve(sandbox: &Sandbox, relay: &RelayProcess) -> (String, Vec<(String, Vec<u8>)>) {
    let photos = twelve(sandbox);
    let names: Vec<&str> = photos.iter().map(|(name, _)| name.as_str()).collect();
    (send(sandbox, relay, &[&["--name", "Österreich"], &names[..]].concat()), photos)
}

/// The highlighted button of the bar; "" for none.
fn main_button(tab: &Tab) -> String {
    tab.value("document.querySelector('.buttons .main')?.innerText.trim() ?? ''").as_str().unwrap().to_owned()
}

fn expect_main(tab: &Tab, word: &str) {
    let found = format!("document.querySelector('.buttons .main')?.innerText.trim() === '{word}'");
    assert!(tab.try_to("until", json!({ "code": found })).is_ok(), "{word}: {}", main_button(tab));
}

fn center(tab: &Tab, selector: &str) -> (f64, f64) {
    let code = format!(
        "(() => {{
            const {{ left, top, width, height }} = document.querySelector({}).getBoundingClientRect();
            return [left + width / 2, top + height / 2];
        }})()",
        json!(selector)
    );
    serde_json::from_value(tab.value(&code)).unwrap()
}

/// Checks an archive with Python's reader. Returns names and contents.
fn unpacked(path: &Path) -> Vec<(String, Vec<u8>)> {
    let place = tempfile::tempdir().unwrap();
    let code = "import os, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for number, entry in enumerate(archive.infolist()):
    open(f'{sys.argv[2]}/{number:03}', 'wb').write(archive.read(entry))
    print(entry.filename)";
    let ran = Command::new("python3").args(["-c", code]).args([path, place.path()]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let names = String::from_utf8(ran.stdout).unwrap();
    let read =
        |(number, name): (usize, &str)| (name.to_owned(), fs::read(place.path().join(format!("{number:03}"))).unwrap());
    names.lines().enumerate().map(read).collect()
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn one_thumb_opens_zooms_swipes_through_twelve_saves_all_and_closes() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let (link, photos) = send_twelve(&sandbox, &relay);
    let tab = browser.tab_with(phone(NO_PICKER));
    tab.goto(&link).hold().until("document.querySelector('.stage img.loaded')");
    tab.expect("1 of 12").expect("Österreich");
    expect_main(&tab, "Next");
    // A tap zooms and does not turn; so does a drag of what is zoomed.
    tab.tap_at((300.0, 400.0)).until("document.querySelector('main.zoomed')");
    tab.swipe((300.0, 500.0), (60.0, 500.0), 150).expect("1 of 12");
    tab.tap_at((195.0, 422.0)).until("!document.querySelector('main.zoomed')");
    tab.shot("album-phone");
    for number in 2..=12 {
        tab.swipe((330.0, 480.0), (90.0, 490.0), 120).expect(&format!("{number} of 12"));
        tab.until("document.querySelector('.stage img.loaded')");
        let seen = format!("document.querySelectorAll('.strip .seen').length === {number}");
        tab.until(&seen);
        expect_main(&tab, if number < 12 { "Next" } else { "Close" });
    }
    // Beyond the last one there is nothing.
    tab.swipe((330.0, 480.0), (90.0, 490.0), 120).until("!document.querySelector('.neighbor')").expect("12 of 12");
    assert_eq!(tab.shows(&photos[11].1), (1200 * 900, true));
    let button = |word: &str| {
        let code = format!(
            "[...document.querySelectorAll('main button')].find((each) => each.innerText.trim() === '{word}')
                .setAttribute('data-thumb', '{word}')"
        );
        tab.value(&code);
        tab.tap_at(center(&tab, &format!("[data-thumb='{word}']")));
    };
    button("Save all");
    let saved = tab.downloads(1);
    assert_eq!(saved[0].0, "Österreich.zip");
    assert_eq!(unpacked(&saved[0].1), photos);
    tab.expect("Check your downloads, then close.").shot("album-saved-phone");
    button("Close");
    tab.expect("You saved 12 files. Are they in your downloads?").shot("album-question-phone");
    button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    relay.expect_empty();
    assert!(status(&sandbox).contains("opened"), "{}", status(&sandbox));
    assert_eq!(tab.value("[...document.documentElement.classList].join()"), "");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn a_finger_and_keys_turn_from_file_to_file(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("words.txt", b"some words\n");
    let link = send(&sandbox, &relay, &[PHOTO, CLIP, "words.txt"]);
    // Without motion, nothing has to be waited for.
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true, "still": true }));
    tab.goto(&link).hold().expect("1 of 3").until("document.querySelector('.stage img.loaded')");
    // A short or an upright movement turns nothing, and pulling down neither reloads nor closes.
    tab.swipe((200.0, 300.0), (170.0, 300.0), 300).swipe((200.0, 200.0), (210.0, 800.0), 150);
    tab.expect("1 of 3").until("!document.querySelector('.neighbor')");
    tab.swipe((300.0, 400.0), (60.0, 400.0), 120).expect("2 of 3");
    // WebKitGTK takes no keys while its player starts.
    tab.until("document.querySelector('video')?.readyState >= 2");
    if engine == Engine::Chromium {
        // Swipes on a video turn, except on its controls. Firefox's take all fingers, and WebKitGTK's driver has only a
        // mouse.
        let (x, y) = center(&tab, "video");
        tab.swipe((x + 100.0, y), (x - 120.0, y), 120).expect("3 of 3").expect("some words");
        tab.swipe((60.0, 422.0), (300.0, 422.0), 120).expect("2 of 3");
    }
    for (key, expected) in [("Home", "1 of 3"), ("End", "3 of 3"), ("ArrowLeft", "2 of 3"), ("ArrowRight", "3 of 3")] {
        tab.press(key).expect(expected);
    }
    // From right to left, the next file comes from the left.
    tab.value("document.documentElement.dir = 'rtl'");
    tab.press("ArrowRight").expect("2 of 3").press("ArrowRight").expect("1 of 3");
    tab.until("document.querySelector('.stage img.loaded')");
    tab.swipe((60.0, 422.0), (300.0, 422.0), 120).expect("2 of 3");
    if engine == Engine::Chromium {
        tab.shot("album-from-the-right-phone");
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn small_pictures_are_named_marked_and_not_seen() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let (link, _) = send_twelve(&sandbox, &relay);
    let tab = browser.tab();
    tab.goto(&link).hold().until("document.querySelectorAll('.strip canvas').length === 12");
    tab.until("document.querySelector('.strip .seen')");
    let names = |tab: &Tab| -> Vec<String> {
        serde_json::from_value(tab.value(
            "[...document.querySelectorAll('.strip button')].map((each) => each.getAttribute('aria-label')
                + (each.getAttribute('aria-current') ?? ''))",
        ))
        .unwrap()
    };
    let found = names(&tab);
    assert_eq!(found[0], "Gärten 01.jpg, 1 of 12, seen or savedtrue");
    assert_eq!(found[11], "Gärten 12.jpg, 12 of 12");
    let sizes = tab.value("[...document.querySelectorAll('.strip canvas')].every((each) => each.width <= 256)");
    assert_eq!(sizes, true);
    // Small pictures are no files that were seen.
    tab.press_button("Close").expect("11 of these files have not been seen").press_button("Go back").expect("2 of 12");
    tab.tell("click", json!({ "selector": ".strip li:nth-child(12) button" }));
    tab.expect("12 of 12").until("document.querySelectorAll('.strip .seen').length === 3");
    // At the end, Next leads to the first file that was not seen.
    expect_main(&tab, "Next");
    tab.press_button("Next").expect("3 of 12");
    // The strip is one stop of the Tab key, and its focus follows the arrows.
    let stops =
        tab.value("[...document.querySelectorAll('.strip button')].filter((each) => each.tabIndex === 0).length");
    assert_eq!(stops, 1);
    tab.value("document.querySelector('.strip [aria-current]').focus()");
    tab.press("ArrowRight").expect("4 of 12");
    assert_eq!(tab.value("document.activeElement.getAttribute('aria-current')"), "true");
    tab.until("document.querySelector('.stage img.loaded')?.alt === 'Gärten 04.jpg'");
    let tree = tab.accessible();
    for (role, name) in [("navigation", "Files"), ("button", "Gärten 04.jpg, 4 of 12"), ("image", "Gärten 04.jpg")] {
        let is = |node: &Accessible| node.role == role && node.name.starts_with(name);
        assert!(tree.iter().any(is), "{role} {name}: {tree:?}");
    }
    assert_eq!(tab.value("document.querySelector('main > [role=status]').textContent"), "Gärten 04.jpg, 4 of 12");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_browser_that_writes_files_streams_the_archive_to_one() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let (link, photos) = send_twelve(&sandbox, &relay);
    let picker = "globalThis.written = []; globalThis.refuses = true; globalThis.fails = false;
        globalThis.showSaveFilePicker = async ({ suggestedName: name }) => {
            if (refuses) throw new DOMException('not now', 'AbortError');
            return { name, createWritable: async () => ({
                write: async (part) => {
                    if (fails) throw new DOMException('full', 'QuotaExceededError');
                    written.push(part);
                },
                abort: async () => written.push('aborted'),
                close: async () => written.push('closed'),
            }) };
        }";
    let tab = browser.tab_with(json!({ "before": picker }));
    tab.goto(&link).hold().until("document.querySelector('.stage img.loaded')");
    // Nothing was saved by a person who changed their mind, or when the disk is full.
    tab.press_button("Save all").press_button("Close").expect("11 of these files").press_button("Go back");
    tab.value("refuses = false; fails = true");
    tab.press_button("Save all").expect("The files could not be saved. Save them one by one.");
    assert_eq!(tab.value("written.splice(0).join()"), "aborted");
    tab.value("fails = false");
    tab.press_button("Save all").expect("Saved: Österreich.zip");
    assert_eq!(tab.value("written.filter((part) => part instanceof Blob).length"), 12);
    assert_eq!(tab.value("written.pop()"), "closed");
    let bytes = tab.value(
        "new Blob(written).arrayBuffer().then((all) => btoa(new Uint8Array(all)
            .reduce((text, byte) => text + String.fromCharCode(byte), '')))",
    );
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, bytes.as_str().unwrap()).unwrap();
    sandbox.write("all.zip", &bytes);
    assert_eq!(unpacked(&sandbox.path("all.zip")), photos);
    // It is certainly on the disk: nothing is left to ask.
    expect_main(&tab, "Close");
    tab.press_button("Close").expect("The sender sees");
    relay.expect_empty();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_phone_with_a_share_sheet_passes_all_photos_on_at_once() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let sheet = "globalThis.taken = []; globalThis.refuses = true;
        delete globalThis.showSaveFilePicker;
        navigator.canShare = () => true;
        navigator.share = async ({ files }) => {
            if (refuses) throw new DOMException('too many', 'NotAllowedError');
            taken.push(files.map(({ name, type, size }) => `${name} ${type} ${size}`).join());
        }";
    sandbox.write("a.jpg", &fs::read(PHOTO).unwrap());
    sandbox.write("b.txt", b"some words");
    let link = send(&sandbox, &relay, &["a.jpg", "b.txt"]);
    let tab = browser.tab_with(phone(sheet));
    tab.goto(&link).hold().until("document.querySelector('.stage img.loaded')");
    // The sheet refuses so many files only when it is asked: they are saved as an archive.
    tab.press_button("Save all");
    assert_eq!(tab.downloads(1)[0].0, "files.zip");
    tab.value("refuses = false");
    tab.press_button("Save all").expect("Shared with the app you chose");
    let sizes = tab.value("taken[0].split(',').map((file) => file.split(' ').slice(0, 2).join(' '))");
    assert_eq!(sizes, json!(["a.jpg image/jpeg", "b.txt text/plain"]));
    tab.shot("album-shared-phone");
    // Such a sheet reports a success once an app was chosen.
    tab.press_button("Close").expect("You saved 2 files. Are they in your downloads?");
    tab.press_button("Yes, close now").expect("The sender sees");
    relay.expect_empty();
    // Its limit is ten files: more are not passed on at all.
    let (link, photos) = send_twelve(&sandbox, &relay);
    let tab = browser.tab_with(phone(&sheet.replace("refuses = true", "refuses = false")));
    tab.goto(&link).hold().until("document.querySelector('.stage img.loaded')");
    tab.press_button("Save all");
    assert_eq!(unpacked(&tab.downloads(1)[0].1), photos);
    assert_eq!(tab.value("taken"), json!([]));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn closing_waits_for_an_archive_and_going_back_asks() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let picker = "globalThis.showSaveFilePicker = async ({ suggestedName: name }) => ({
        name,
        createWritable: async () => ({
            write: () => new Promise((done, fail) => Object.assign(globalThis, { done, fail })),
            abort: async () => {},
            close: async () => {},
        }),
    })";
    sandbox.write("a.txt", b"first");
    sandbox.write("b.txt", b"second");
    let tab = browser.tab_with(json!({ "before": picker }));
    tab.goto(&send(&sandbox, &relay, &["a.txt", "b.txt"])).hold().expect("first");
    // The browser's way back leaves nothing before the user has answered.
    tab.value("history.back(), 0");
    tab.expect("1 of these files has not been seen").press_button("Go back").expect("second");
    tab.until("!document.querySelector('dialog') && document.querySelectorAll('.strip .seen').length === 2");
    tab.value("history.back(), 0");
    tab.expect("Closing deletes the files for good.").press_button("Go back").expect("second");
    // A share is neither closed nor, when the page is left, finished while its archive is being written.
    tab.press_button("Save all").until("!!globalThis.fail");
    tab.press_button("Close").expect("Preparing the files");
    tab.tell("reload", json!({}));
    tab.expect("first");
    tab.press_button("Save all").until("!!globalThis.fail");
    tab.value("fail(new Error('disk'))");
    tab.expect("The files could not be saved.").press_button("Next").expect("second");
    tab.until("document.querySelectorAll('.strip .seen').length === 2");
    tab.press_button("Close").expect("The sender sees");
    relay.expect_empty();
    // The entry before the viewer's own one in the browser's history has the time of the end, too.
    let went = "new Promise((done) => { addEventListener('popstate', () => done(history.state.closed > 0)); \
                history.back() })";
    assert_eq!(tab.value(went), true);
    tab.tell("reload", json!({}));
    tab.expect("You opened this link in this browser on");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn over_plain_http_an_album_is_saved_as_an_archive() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"first");
    sandbox.write("b.txt", b"second");
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let args = ["a.txt", "b.txt", "--name", "Two", "--public-url", "http://photos.lan", "--listen", &listens];
    let host = Host::start(&sandbox, &args);
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={listens}")]) else { return };
    let tab = browser.tab();
    tab.goto(host.link()).hold().expect("first");
    let has =
        "[isSecureContext, 'showSaveFilePicker' in globalThis, 'canShare' in navigator, 'clipboard' in navigator]";
    assert_eq!(tab.value(has), json!([false, false, false, false]));
    tab.press_button("Copy").expect("Copied.");
    tab.press_button("Save all");
    let saved = tab.downloads(1);
    assert_eq!(saved[0].0, "Two.zip");
    let expected = [("a.txt", "first"), ("b.txt", "second")].map(|(name, text)| (name.to_owned(), text.into()));
    assert_eq!(unpacked(&saved[0].1), expected);
    tab.press_button("Close").expect("You saved 2 files. Are they in your downloads?");
    tab.press_button("Yes, close now").expect("The sender sees");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_kind_of_file_has_its_place_on_the_stage() {
    let Some(browser) = Browser::start(&["--autoplay-policy=no-user-gesture-required"]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let clear = encoded(&DynamicImage::new_rgba8(60, 40), ImageFormat::Png);
    let tone = tone();
    let files: [(&str, &str, &[u8]); 4] = [
        ("clear.png", "image/png", &clear),
        ("tone.wav", "audio/wav", &tone),
        ("words.txt", "text/plain", b"tangerine-42"),
        ("data.zip", "application/zip", b"PK\x03\x04"),
    ];
    for (name, options) in [("light", json!({})), ("dark", json!({ "dark": true }))] {
        let tab = browser.tab_with(options);
        tab.goto(&planted(&relay.url, &files, false)).hold().until("document.querySelector('.stage img.loaded')");
        let pattern = tab.value("getComputedStyle(document.querySelector('.stage img')).backgroundImage");
        assert!(pattern.as_str().unwrap().contains("conic-gradient"), "{pattern}");
        tab.shot(&format!("viewer-transparent-{name}"));
        tab.press_button("Next").expect("0:00 of 0:02").shot(&format!("viewer-sound-{name}"));
        // The large button and the slider are named, and work with the keyboard.
        let tree = tab.accessible();
        for (role, label) in [("button", "Play"), ("slider", "Position"), ("group", "tone.wav")] {
            assert!(tree.iter().any(|node| node.role == role && node.name == label), "{role} {label}: {tree:?}");
        }
        tab.value("document.querySelector('.player input').focus()");
        tab.press("ArrowRight").until("document.querySelector('audio').currentTime > 0").expect("2 of 4");
        tab.value("document.querySelector('.player button').focus()");
        tab.press("Space").until("!document.querySelector('audio').paused");
        tab.until("document.querySelector('.player button').getAttribute('aria-label') === 'Pause'");
        tab.until("document.querySelector('.strip li:nth-child(2) .seen')");
        tab.press("Space").until("document.querySelector('audio').paused");
        tab.press_button("Next").expect("tangerine-42").press_button("Copy").expect("Copied.");
        tab.shot(&format!("viewer-words-{name}"));
        // Saving is the main action for what cannot be shown, then closing.
        tab.press_button("Next").expect("cannot show this kind of file");
        expect_main(&tab, "Save");
        tab.press_button("Save").expect("Check your downloads");
        expect_main(&tab, "Close");
        tab.tell("close", json!({}));
    }
    // View-only: no menu of the browser, no saving; the wish leaves the picture but not the tree.
    let tab = browser.tab_with(phone("0"));
    tab.goto(&planted(&relay.url, &[("clear.png", "image/png", &clear)], true)).hold();
    tab.until("document.querySelector('.stage img.loaded')");
    let prevented = "!document.querySelector('.stage img').dispatchEvent(
        new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))";
    assert_eq!(tab.value(prevented), true);
    assert_eq!(
        tab.value("[...document.querySelectorAll('.buttons button')].map((each) => each.innerText).join()"),
        "Close"
    );
    tab.shot("viewer-view-only-phone");
    tab.until("getComputedStyle(document.querySelector('.note')).opacity === '0'");
    assert!(tab.accessible().iter().any(|node| node.name.contains("asks you not to keep a copy")));
    assert_eq!(
        tab.value("document.querySelector('.close').getAttribute('aria-describedby')"),
        tab.value("document.querySelector('.note').id"),
    );
}

/// Two seconds of a tone, as a WAV file.
fn tone() -> Vec<u8> {
    let rate: u32 = 8000;
    let samples: Vec<u8> = (0..2 * rate).map(|at| if at % 20 < 10 { 96 } else { 160 }).collect();
    let length = u32::try_from(samples.len()).unwrap();
    let mut file = [&b"RIFF"[..], &(36 + length).to_le_bytes(), b"WAVEfmt ", &16u32.to_le_bytes()].concat();
    file.extend([1u16, 1].iter().flat_map(|each| each.to_le_bytes()));
    file.extend([rate, rate].iter().flat_map(|each| each.to_le_bytes()));
    file.extend([1u16, 8].iter().flat_map(|each| each.to_le_bytes()));
    file.extend([&b"data"[..], &length.to_le_bytes(), &samples].concat());
    file
}

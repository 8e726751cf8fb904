//! The page in twelve languages: the choice, the tables, and how their texts fit on a small phone.

use std::path::Path;
use std::process::Command;
use std::{env, fs, mem};

use serde_json::{Value, json};

use super::reports::Operated;
use crate::support::{
    Browser, Engine, PHOTO, ROOT, Sandbox, Tab, WORKSHOP, has, in_every_engine, noise, planted, send,
};

/// The languages, in the order of the tables' names.
pub(super) const LANGUAGES: [&str; 12] = ["ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "tr", "zh-Hans"];

#[test]
#[ignore = "needs browsers: tests/all"]
fn plurals_are_complete_and_numbers_are_written_as_in_the_language() {
    if has(WORKSHOP) {
        let mut node = Command::new("node");
        let ran = node.arg(Path::new(ROOT).join("tests/browser/languages.mjs")).arg(WORKSHOP).output().unwrap();
        assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

in_every_engine!(browsers_language_is_spoken_at_once, chosen_language_stays_for_the_tab);

/// The language of the document, its direction, and the page's heading.
fn spoken(tab: &Tab) -> Value {
    tab.value("[document.documentElement.lang, document.documentElement.dir, document.querySelector('h1').innerText]")
}

/// The files that the tab has loaded beside the page.
fn loaded(tab: &Tab) -> Vec<String> {
    tab.requests().into_iter().filter(|request| request.starts_with("GET /page/")).collect()
}

/// Chooses a language with the page's control.
pub(super) fn choose(tab: &Tab, name: &str) {
    tab.value(&format!(
        "(() => {{
            const select = document.querySelector('.language:not([hidden]) select');
            select.value = '{name}';
            select.dispatchEvent(new Event('change'));
        }})()"
    ));
    tab.until(&format!(
        "document.documentElement.lang === '{name}' && document.querySelector('.language select').value === '{name}'"
    ));
}

fn browsers_language_is_spoken_at_once(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    // Every heading that the page shows, from the first one.
    let watch = "globalThis.headings = [];
        new MutationObserver(() => {
            const heading = document.querySelector('h1')?.textContent;
            if (heading && heading !== headings.at(-1)) headings.push(heading);
        }).observe(document, { childList: true, subtree: true })";
    let tab = browser.tab_with(json!({ "languages": ["de-AT", "de", "en"], "before": watch }));
    tab.goto(&link).expect("Zum Öffnen gedrückt halten").expect("Foto, 27,5 kB");
    assert_eq!(spoken(&tab), json!(["de", "ltr", "Ein Foto für dich"]));
    assert_eq!(tab.value("document.title"), "Öffnet einmal · share");
    assert_eq!(loaded(&tab).len(), 1, "{:?}", loaded(&tab));
    let shown = tab.value("headings.slice(headings.indexOf('Einen Moment\\u00a0…')).join()");
    assert_eq!(shown, "Einen Moment\u{a0}…,Ein Foto für dich", "no English in between");
    // The first language with a table; a region or a script does not matter.
    for (languages, expected) in [
        (vec!["eo", "ar-EG", "de"], json!(["ar", "rtl", "صورة لك"])),
        (vec!["zh-TW"], json!(["zh-Hans", "ltr", "你收到一张照片"])),
        (vec!["pt-PT"], json!(["pt", "ltr", "Uma foto para você"])),
        (vec!["en-GB", "fr"], json!(["en", "ltr", "A photo for you"])),
        (vec!["eo"], json!(["en", "ltr", "A photo for you"])),
    ] {
        // WebKitGTK has one language only.
        if engine == Engine::WebKit && languages[0] == "eo" && languages.len() > 1 {
            continue;
        }
        let tab = browser.tab_with(json!({ "languages": languages }));
        tab.goto(&link).until("document.querySelector('.hold')");
        assert_eq!(spoken(&tab), expected, "{languages:?}");
        assert_eq!(tab.remembers(), r#""{}{}""#, "no choice, no note");
        assert_eq!(tab.complaints(), Vec::<String>::new());
    }
}

fn chosen_language_stays_for_the_tab(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("passphrase", b"correct horse");
    let link = send(&sandbox, &relay, &["--passphrase-file", "passphrase", PHOTO]);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    tab.goto(&link).expect("Enter the passphrase");
    let offered = "Array.from(document.querySelectorAll('.language option'), ({ lang, text }) => [lang, text])";
    let offered: Vec<(String, String)> = serde_json::from_value(tab.value(offered)).unwrap();
    assert_eq!(offered[0], ("en".to_owned(), "English".to_owned()));
    assert_eq!(offered.len(), LANGUAGES.len());
    let names: Vec<&str> = offered[1..].iter().map(|(_, name)| name.as_str()).collect();
    assert!(names.is_sorted() && names.contains(&"Français"), "{names:?}");
    assert_eq!(tab.value("document.querySelector('.language optgroup').label"), "Not reviewed by native speakers");
    // The typed passphrase stays, and the control keeps the focus.
    tab.tell("type", json!({ "text": "correct horse" }));
    choose(&tab, "fr");
    tab.expect("Saisissez la phrase secrète");
    assert_eq!(tab.value("document.activeElement === document.querySelector('.language select')"), true);
    tab.press_button("Continuer").expect("Maintenir appuyé pour ouvrir");
    // A choice on the envelope asks the relay for nothing but the table.
    let before = tab.requests().len();
    choose(&tab, "ar");
    assert_eq!(spoken(&tab), json!(["ar", "rtl", "صورة لك"]));
    assert_eq!(tab.requests().len(), before + 1);
    tab.tell("reload", json!({}));
    tab.expect("أدخل عبارة المرور");
    choose(&tab, "ja");
    tab.tell("click", json!({ "selector": "#passphrase" }));
    tab.type_text("correct horse").press_button("続ける").expect("長押しで開く");
    tab.tell("hold", json!({ "selector": ".hold", "milliseconds": 1150 }));
    tab.until("document.querySelector('.stage img')");
    assert_eq!(tab.value("document.querySelector('.language').hidden"), true, "not while something is shown");
    tab.press_button("閉じる").expect("閉じて削除しました");
    choose(&tab, "en");
    tab.expect("The sender sees it was opened by");
    assert_eq!(tab.remembers(), r#""{\"share.language\":\"en\"}{}""#);
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn file_that_is_late_or_was_changed_leaves_english_and_no_words() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let held = "const real = fetch;
        globalThis.fetch = (url, ...rest) =>
            String(url).includes('/page/de-') ? new Promise(() => {}) : real(url, ...rest)";
    let changed = "const real = fetch;
        globalThis.fetch = async (url, ...rest) => {
            const answer = await real(url, ...rest);
            if (!String(url).includes('/page/')) return answer;
            return new Response((await answer.text()).replace(/Foto|abandon/, '$&s'), answer);
        }";
    for before in [held, changed] {
        let tab = browser.tab_with(json!({ "languages": ["de"], "before": before }));
        tab.goto(&link).expect("Press and hold to open");
        assert_eq!(spoken(&tab), json!(["en", "ltr", "A photo for you"]));
        assert_eq!(tab.value("document.querySelector('.language select').value"), "en");
        choose(&tab, "es");
        tab.expect("Mantén presionado para abrir");
    }
    // A choice that does not arrive changes nothing.
    let tab = browser.tab_with(json!({ "before": changed }));
    tab.goto(&link).expect("Press and hold to open");
    tab.value("document.querySelector('.language select').value = 'de'");
    tab.value("document.querySelector('.language select').dispatchEvent(new Event('change')), 0");
    tab.until("document.querySelector('.language select').value === 'en'").expect("Press and hold to open");
    assert_eq!(tab.remembers(), r#""{}{}""#);
    // Without the list of words the end has the opener's words no more, and no place for them.
    tab.hold()
        .until("document.querySelector('.stage img')?.complete")
        .press_button("Close")
        .expect("Closed and deleted");
    assert!(!tab.text().contains("opened by") && tab.text().contains("This page keeps nothing"), "{}", tab.text());
    let late = "const real = fetch;
        globalThis.fetch = (url, ...rest) =>
            String(url).includes('/page/words-') ? new Promise(() => {}) : real(url, ...rest)";
    let tab = browser.tab_with(json!({ "before": late }));
    tab.goto(&link).expect("Already opened").expect("or on another device.");
}

/// Elements that do not fit: wider than the screen, outside of it, or cut off.
const MISFITS: &str = "(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const found = scrollWidth > clientWidth ? [`${scrollWidth} of ${clientWidth} pixels`] : [];
    const scrolls = (element) => element !== null &&
        (['auto', 'scroll'].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    for (const element of document.querySelectorAll('body *')) {
        if (!element.checkVisibility({ visibilityProperty: true }) || scrolls(element.parentElement)) continue;
        if (element.closest('.heard, [aria-hidden=true], .cover')) continue;
        const { left, right, width } = element.getBoundingClientRect();
        const name = `${element.tagName} ${element.innerText?.slice(0, 40)}`;
        if (width > 1 && (left < -1 || right > innerWidth + 1)) found.push(`outside: ${name}`);
        const isLabel = ['BUTTON', 'SELECT', 'SUMMARY', 'LABEL', 'H1', 'CODE'].includes(element.tagName);
        if (isLabel && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${name}`);
    }
    return found;
})()";

/// A small phone, and the texts that did not fit on it.
pub(super) struct Small<'a> {
    browser: &'a Browser,
    misfits: Vec<String>,
}

impl<'a> Small<'a> {
    pub(super) fn of(browser: &'a Browser) -> Self {
        Self { browser, misfits: Vec::new() }
    }

    pub(super) fn tab(&self, more: &Value) -> Tab {
        let mut options = json!({ "width": 320, "height": 568, "touch": true });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.browser.tab_with(options)
    }

    /// Checks a screen. With `SHARE_PICTURES`, also puts a picture of it into target/pictures: hundreds take a while.
    pub(super) fn look(&mut self, tab: &Tab, state: &str, language: &str) {
        let found: Vec<String> = serde_json::from_value(tab.value(MISFITS)).unwrap();
        self.misfits.extend(found.into_iter().map(|misfit| format!("{state}, {language}: {misfit}")));
        if env::var_os("SHARE_PICTURES").is_none() {
            return;
        }
        let directory = Path::new(ROOT).join("target/pictures/languages");
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(format!("{state}-{language}.png"));
        tab.tell("shot", json!({ "path": path }));
    }

    /// Looks at a screen on which the language can be chosen, in each language.
    pub(super) fn look_in_all(&mut self, tab: &Tab, state: &str) {
        tab.until("document.querySelector('.language:not([hidden]) select')");
        for language in LANGUAGES {
            choose(tab, language);
            tab.value("document.querySelectorAll('details').forEach((details) => (details.open = true))");
            self.look(tab, state, language);
        }
        tab.tell("close", json!({}));
    }

    #[track_caller]
    pub(super) fn expect_none(&mut self) {
        let misfits = mem::take(&mut self.misfits);
        assert!(misfits.is_empty(), "{}", misfits.join("\n"));
    }
}

fn ended(word: &str, more: &Value) -> Value {
    let mut body = json!({ "type": format!("urn:share:{word}"), "at": 1_795_361_000 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "path": "/v1/manifest", "status": 410, "body": body.to_string() })
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_message_fits_on_a_small_phone_in_every_language() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = send(&sandbox, &relay, &[PHOTO]);
    let fragment = photo.split_once('#').unwrap().1;
    let with = |fragment: &str| format!("{}#{fragment}", relay.url);
    let other = if &fragment[20..22] == "qz" { "zq" } else { "qz" };
    let mut small = Small::of(&browser);
    for (state, link) in [
        ("landing", relay.url.clone()),
        ("exposed", format!("{}%23{fragment}", relay.url)),
        ("not-a-link", with("top")),
        ("short", with(&fragment[..50])),
        ("long", with(&format!("{fragment}q"))),
        ("damaged-link", with(&format!("{}{other}{}", &fragment[..20], &fragment[22..]))),
        ("too-new", with("share1sqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqaxpu6e")),
        ("unknown", with("share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg")),
    ] {
        let tab = small.tab(&json!({}));
        tab.goto(&link);
        small.look_in_all(&tab, state);
    }
    let being = json!({ "until": 1_795_449_000, "claimant": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY" });
    for (state, answer) in [
        ("expired", ended("expired", &json!({}))),
        ("lapsed", ended("lapsed", &json!({}))),
        ("revoked", ended("revoked", &json!({}))),
        ("locked", ended("locked", &json!({}))),
        ("aborted", ended("aborted", &json!({}))),
        ("already-opened", ended("already-opened", &json!({}))),
        ("being-opened", ended("already-opened", &being)),
        ("not-a-relay", json!({ "path": "/v1/manifest", "status": 200, "body": "<h1>Welcome to our hotel</h1>" })),
        ("no-answer", json!({ "path": "/v1/manifest", "status": 502, "body": "Bad gateway" })),
    ] {
        let tab = small.tab(&json!({}));
        tab.tell("answer", answer);
        tab.goto(&photo);
        small.look_in_all(&tab, state);
    }
    small.expect_none();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_envelope_fits_on_a_small_phone_in_every_language() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("holidays.tar.zst", &noise(900_000, 8));
    sandbox.write("secret.txt", b"The Wi-Fi password is\n\n  tangerine-42\n");
    sandbox.write("passphrase", b"correct horse");
    let mut small = Small::of(&browser);
    let instagram = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/21A329 Instagram 300.0.0.0";
    let album = send(&sandbox, &relay, &[PHOTO, "holidays.tar.zst", "secret.txt"]);
    let locked = send(&sandbox, &relay, &["--passphrase-file", "passphrase", PHOTO]);
    let heic: (&str, &str, &[u8]) = ("a.heic", "image/heic", b"\0\0\0\x18ftypheic");
    for (state, link, options) in [
        ("waiting", send(&sandbox, &relay, &[PHOTO]), json!({})),
        ("waiting-album", album, json!({})),
        ("waiting-in-app", send(&sandbox, &relay, &["holidays.tar.zst"]), json!({ "agent": instagram })),
        ("waiting-view-only", planted(&relay.url, &[("a.txt", "text/plain", b"psst")], true), json!({})),
        ("not-showable", planted(&relay.url, &[heic], true), json!({})),
        ("passphrase", locked.clone(), json!({})),
        ("unsupported", locked.clone(), json!({ "before": "delete globalThis.TransformStream" })),
    ] {
        let tab = small.tab(&options);
        tab.goto(&link);
        small.look_in_all(&tab, state);
    }
    let tab = small.tab(&json!({}));
    tab.goto(&locked).expect("Enter the passphrase").type_text("wrong").press("Enter").expect("19 more tries");
    small.look_in_all(&tab, "wrong-passphrase");
    let tab = small.tab(&json!({}));
    let large = json!({ "v": 1, "expires": 1_795_361_000, "blob_len": 1 << 30 }).to_string();
    tab.tell("answer", json!({ "path": "/v1/link", "status": 200, "body": large }));
    tab.goto(&locked);
    small.look_in_all(&tab, "too-large");
    small.expect_none();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn german_fits_on_a_small_phone_at_twice_the_text_size() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("passphrase", b"correct horse");
    sandbox.write("holidays.tar.zst", &noise(9_000, 8));
    let photo = send(&sandbox, &relay, &[PHOTO]);
    let mut small = Small::of(&browser);
    for (state, link, answer) in [
        ("waiting", photo.clone(), None),
        ("waiting-album", send(&sandbox, &relay, &[PHOTO, "holidays.tar.zst"]), None),
        ("passphrase", send(&sandbox, &relay, &["--passphrase-file", "passphrase", PHOTO]), None),
        ("landing", relay.url.clone(), None),
        ("already-opened", photo, Some(ended("already-opened", &json!({})))),
    ] {
        let tab = small.tab(&json!({ "text": 200, "languages": ["de"] }));
        if let Some(answer) = answer {
            tab.tell("answer", answer);
        }
        tab.goto(&link).until("document.querySelector('.language:not([hidden]) select')");
        tab.value("document.querySelectorAll('details').forEach((details) => (details.open = true))");
        small.look(&tab, &format!("{state}-large"), "de");
    }
    small.expect_none();
}

/// Opens the share of the envelope by typing the word of its language.
fn type_word(tab: &Tab, table: &Value) {
    let word = table["hold.word"].as_str().unwrap();
    tab.until("document.querySelector('.hold')");
    tab.value("document.querySelectorAll('details').forEach((details) => (details.open = true))");
    tab.value("document.querySelector('#word').focus()");
    if word.is_ascii() {
        tab.type_text(&word.to_lowercase()).press("Enter");
    } else {
        // Through an input method the word opens without another key.
        tab.compose(&[&word[..word.chars().next().unwrap().len_utf8()], word]);
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_file_fits_on_a_small_phone_in_every_language() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = Operated::start();
    let mut small = Small::of(&browser);
    for language in LANGUAGES {
        open_and_close(&mut small, &sandbox, &relay, language);
    }
    small.expect_none();
}

fn open_and_close(small: &mut Small, sandbox: &Sandbox, relay: &Operated, language: &str) {
    let path = Path::new(ROOT).join(format!("src/page/languages/{language}.json"));
    let table: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let word = |key: &str| table[key].as_str().unwrap().to_owned();
    sandbox.write("secret.txt", b"The Wi-Fi password is\n\n  tangerine-42\n");
    sandbox.write("holidays.tar.zst", &noise(9_000, 8));
    let tab = small.tab(&json!({ "languages": [language] }));
    tab.goto(&relay.send(sandbox, &[PHOTO, "secret.txt", "holidays.tar.zst"]));
    type_word(&tab, &table);
    tab.until("document.querySelector('.stage img')?.naturalWidth");
    small.look(&tab, "photo", language);
    tab.press_button(&word("showing.report")).until("document.querySelector('dialog textarea')");
    small.look(&tab, "report", language);
    // Both answers are in view, and the text above them scrolls.
    let reached = "[...document.querySelectorAll('dialog button')].every((button) => {
        const { left, top, width, height } = button.getBoundingClientRect();
        return document.elementFromPoint(left + width / 2, top + height / 2) === button && height >= 44;
    })";
    assert_eq!(tab.value(reached), true, "{language}");
    tab.tell("click", json!({ "selector": "dialog button.main" }));
    tab.until("!document.querySelector('dialog')");
    tab.press_button(&word("showing.close")).until("document.querySelector('dialog[open]')");
    small.look(&tab, "unseen", language);
    tab.press_button(&word("showing.anyway"));
    tab.expect(table["closed.held"][2].as_str().unwrap());
    small.look(&tab, "closed", language);
    tab.tell("close", json!({}));
}

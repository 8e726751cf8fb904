//! The tools with which the tests do what a person does: fingers, keys, sizes and settings of a browser.

use std::fs;

use serde_json::json;

use crate::support::{Accessible, Browser, Engine, PHOTO, Sandbox, Tab, in_every_engine};

in_every_engine!(
    fingers_and_the_wheel_are_a_persons,
    sizes_and_settings_reach_the_page,
    screen_readers_tree_and_saved_files_are_listed,
    files_are_chosen_dropped_and_pasted,
);

/// Covers the page with an element that records what happens to it.
fn record(tab: &Tab) {
    tab.value(
        "const cover = document.createElement('div');
         cover.style.cssText = 'position: fixed; inset: 0; touch-action: none';
         document.body.append(cover);
         globalThis.events = [];
         const names = ['pointerdown', 'pointermove', 'pointerup', 'touchstart', 'click', 'wheel'];
         for (const name of names) {
             cover.addEventListener(name, (event) => {
                 if (name === 'wheel') event.preventDefault();
                 const { clientX, clientY, isTrusted, pointerId, ctrlKey } = event;
                 events.push({ name, at: [clientX, clientY], isTrusted, pointerId, ctrlKey });
             }, { passive: false });
         }",
    );
}

/// How often an event came since the last call, and the points of the first and the last one.
fn count(tab: &Tab, name: &str) -> (u64, String) {
    let code = format!(
        "(() => {{
            const found = events.filter((event) => event.name === '{name}' && event.isTrusted).map(({{ at }}) => at);
            return [found.length, [found[0], found.at(-1)].join(' ')];
        }})()"
    );
    let found = tab.value(&code);
    (found[0].as_u64().unwrap(), found[1].as_str().unwrap().to_owned())
}

fn fingers_and_the_wheel_are_a_persons(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(&relay.url);
    record(&tab);
    let again = || tab.value("events.length = 0");
    tab.tap_at((100.0, 200.0)).until("events.some(({ name }) => name === 'click')");
    assert_eq!(count(&tab, "click"), (1, "100,200 100,200".to_owned()));
    let touches = engine != Engine::WebKit;
    assert_eq!(count(&tab, "touchstart").0, u64::from(touches));
    again();
    tab.double_tap((100.0, 200.0)).until("events.filter(({ name }) => name === 'pointerup').length === 2");
    again();
    tab.swipe((300.0, 400.0), (50.0, 420.0), 150).until("events.some(({ name }) => name === 'pointerup')");
    assert_eq!(count(&tab, "pointerdown"), (1, "300,400 300,400".to_owned()));
    let (moves, ends) = count(&tab, "pointermove");
    assert!(moves >= 4 && ends.ends_with(" 50,420"), "{moves} {ends}");
    again();
    if touches {
        tab.pinch((200.0, 400.0), 60.0, 260.0).until("events.filter(({ name }) => name === 'pointerup').length === 2");
        assert_eq!(tab.value("new Set(events.map(({ pointerId }) => pointerId).filter(Number)).size"), 2);
        let up = tab.value("events.filter(({ name }) => name === 'pointerup').map(({ at }) => at[0]).sort()");
        assert_eq!(up, json!([330, 70]));
        again();
    } else {
        assert!(tab.try_to("pinch", json!({ "x": 9, "y": 9, "from": 2, "to": 9 })).is_err(), "document it there");
    }
    tab.wheel((200.0, 300.0), -100.0, touches).until("events.some(({ name }) => name === 'wheel')");
    assert_eq!(tab.value("events.find(({ name }) => name === 'wheel').ctrlKey"), touches);
}

fn sizes_and_settings_reach_the_page(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let options = json!({
        "width": 390, "height": 844, "scale": 2, "dark": true, "still": true, "text": 200,
        "languages": ["de-CH", "de", "en"],
    });
    let size = |tab: &Tab| tab.value("parseFloat(getComputedStyle(document.querySelector('p')).fontSize)").as_f64();
    let tab = browser.tab_with(options);
    tab.goto(&relay.url).until("innerWidth === 390 && innerHeight === 844");
    let found = "[
        devicePixelRatio, navigator.language,
        ...['prefers-color-scheme: dark', 'prefers-reduced-motion: reduce', 'forced-colors: active']
            .map((query) => matchMedia(`(${query})`).matches),
    ]";
    assert_eq!(tab.value(found), json!([2, "de-CH", true, true, false]));
    if engine != Engine::WebKit {
        assert_eq!(tab.value("navigator.languages"), json!(["de-CH", "de", "en"]));
    }
    tab.resize(844, 390).until("innerWidth === 844 && innerHeight === 390");
    assert_eq!(tab.new_tab().goto(&relay.url).value("navigator.language"), "de-CH");
    let large = size(&tab).unwrap();
    let plain = browser.tab();
    plain.goto(&relay.url);
    assert!((large / size(&plain).unwrap() - 2.0).abs() < 0.01, "{large}");
    assert_eq!(plain.value(found), json!([1, "en-US", false, false, false]));
    if engine == Engine::WebKit {
        assert!(browser.try_tab(json!({ "forced": true })).is_err(), "document it there");
    } else {
        let forced = browser.tab_with(json!({ "forced": true }));
        assert_eq!(forced.value("matchMedia('(forced-colors: active)').matches"), true);
    }
    if engine == Engine::Chromium {
        let tab = browser.tab_with(json!({ "insets": { "top": 47, "right": 0, "bottom": 34, "left": 0 } }));
        tab.goto(&relay.url);
        let inset = "(() => {
            document.body.style.paddingBottom = 'env(safe-area-inset-bottom)';
            return getComputedStyle(document.body).paddingBottom;
        })()";
        assert_eq!(tab.value(inset), "34px");
    } else {
        assert!(browser.try_tab(json!({ "insets": {} })).is_err(), "document it there");
    }
}

fn screen_readers_tree_and_saved_files_are_listed(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&format!("{}#top", relay.url)).expect("This is not a share link");
    let heading = |node: &Accessible| node.role == "heading" && node.name == "This is not a share link";
    assert!(tab.accessible().iter().any(heading), "{:?}", tab.accessible());
    // WebKit saves one file at a time.
    tab.value(
        "(async () => {
            for (const name of ['a.txt', 'b.txt', 'c.txt']) {
                const href = URL.createObjectURL(new Blob([name]));
                Object.assign(document.createElement('a'), { href, download: name }).click();
                await new Promise((done) => setTimeout(done, 100));
            }
        })()",
    );
    let saved = tab.downloads(3);
    for (name, path) in &saved {
        assert_eq!(fs::read_to_string(path).unwrap(), *name);
    }
    let names: Vec<&str> = saved.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.txt", "b.txt", "c.txt"]);
    // Writing, with keys and with an input method.
    let value = "document.querySelector('input').value";
    tab.value("document.body.append(document.createElement('input')), document.querySelector('input').focus()");
    tab.type_text("ab").press("ArrowLeft").type_text("c").until(&format!("{value} === 'acb'"));
    tab.press("Control+a").press("Delete").until(&format!("{value} === ''"));
    if engine == Engine::WebKit {
        assert!(tab.try_to("compose", json!({ "parts": ["x"] })).is_err(), "document it there");
    } else {
        tab.value("document.addEventListener('compositionend', ({ data }) => globalThis.ended = data), 0");
        tab.compose(&["d", "da", "\u{6253}\u{5f00}"]).until("globalThis.ended === '\u{6253}\u{5f00}'");
        assert_eq!(tab.value(value), "\u{6253}\u{5f00}");
    }
    tab.shot(&format!("tools-{engine:?}"));
}

fn files_are_chosen_dropped_and_pasted(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    tab.goto(&relay.url);
    // Only drops onto the heading and pasted files are taken.
    tab.value(
        "globalThis.handed = [];
         const sizes = (files) => [...files].map(({ name, type, size }) => `${name} ${type} ${size}`).join(', ');
         for (const [id, multiple] of [['one', false], ['many', true]]) {
             const input = Object.assign(document.createElement('input'), { type: 'file', id, multiple });
             input.hidden = true;
             input.onchange = () => handed.push(`${id}: ${sizes(input.files)}`);
             document.body.append(input);
         }
         addEventListener('drop', (event) => {
             const { files } = event.dataTransfer;
             handed.push(`drop: ${sizes(files)} ${event.dataTransfer.getData('text/plain')}`);
             if (event.target.tagName === 'H1') event.preventDefault();
         });
         addEventListener('paste', (event) => {
             const { files } = event.clipboardData;
             handed.push(`paste: ${sizes(files)} ${event.clipboardData.getData('text/plain')}`);
             if (files.length > 0) event.preventDefault();
         })",
    );
    let text = sandbox.write("note.txt", b"a note");
    let text = text.to_str().unwrap();
    let (photo, size) = (PHOTO, fs::metadata(PHOTO).unwrap().len());
    tab.choose("#one", &[text]).choose("#many", &[text, photo]).choose("#one", &[photo]);
    assert!(tab.drop_onto("h1", &[text, photo], None));
    assert!(!tab.drop_onto("main", &[], Some("words")));
    assert!(tab.paste_into("body", &[photo], None));
    assert!(!tab.paste_into("body", &[], Some("words")));
    let (note, beach) = ("note.txt text/plain 6", format!("beach.jpg image/jpeg {size}"));
    let expected = [
        format!("one: {note}"),
        format!("many: {note}, {beach}"),
        format!("one: {beach}"),
        format!("drop: {note}, {beach} "),
        "drop:  words".to_owned(),
        format!("paste: {beach} "),
        "paste:  words".to_owned(),
    ];
    tab.until("handed.length === 7");
    assert_eq!(tab.value("handed"), json!(expected));
}

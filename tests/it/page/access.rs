//! The page without a pointer, and without a screen: keys alone, and the tree that screen readers read.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Accessible, Browser, CLIP, Engine, PHOTO, Sandbox, Tab, in_every_engine, send};

in_every_engine!(
    album_is_opened_zoomed_saved_and_closed_with_keys_alone,
    screen_readers_find_a_name_for_every_control_and_picture,
);

/// The label of the element that has the focus.
pub(super) const FOCUSED: &str =
    "(({ ariaLabel, innerText, localName }) => ariaLabel ?? innerText?.trim() ?? localName)
    (document.activeElement)";

/// The most stops of the Tab key on a screen.
const STOPS: usize = 30;

/// Presses Tab, or Shift and Tab, until the control with this label has the focus.
pub(super) fn tab_to(tab: &Tab, key: &str, label: &str) {
    let mut stops = Vec::new();
    while stops.len() < STOPS {
        tab.press(key);
        let at = tab.value(FOCUSED).as_str().unwrap_or_default().to_owned();
        if at == label {
            // The element with the focus shows it. WebKit's window has none: nothing on its desktop manages windows.
            let shown = "(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && outlineWidth !== '0px')
                (getComputedStyle(document.activeElement)) || !document.hasFocus()";
            assert_eq!(tab.value(shown), true, "{label}");
            return;
        }
        stops.push(at);
    }
    panic!("the Tab key never reaches {label:?}: {stops:?}");
}

/// The width of the picture on the stage, in pixels of the page.
fn width(tab: &Tab) -> f64 {
    tab.value("document.querySelector('.stage img').getBoundingClientRect().width").as_f64().unwrap()
}

fn album_is_opened_zoomed_saved_and_closed_with_keys_alone(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("words.txt", b"psst");
    let tab = browser.tab_with(json!({ "width": 844, "height": 600, "still": true }));
    tab.goto(&send(&sandbox, &relay, &["--name", "Our trip", PHOTO, "words.txt"])).expect("Press and hold to open");
    tab_to(&tab, "Tab", "Press and hold to open");
    tab.tell("holdKey", json!({ "selector": ".hold", "key": " ", "milliseconds": 1150 }));
    tab.expect("1 of 2").until("document.querySelector('.stage img')?.naturalWidth === 640");
    // The heading has the focus, so that a screen reader starts there.
    assert_eq!(tab.value(FOCUSED), "beach.jpg");
    tab.press("ArrowRight").expect("2 of 2").expect("psst").press("ArrowLeft").expect("1 of 2");
    tab.until("document.querySelector('.stage img')?.naturalWidth === 640");
    let fitted = width(&tab);
    tab_to(&tab, "Tab", "Zoom");
    tab.press("Enter").until(&format!(
        "Math.abs(document.querySelector('.stage img').getBoundingClientRect().width - {fitted}) > 50"
    ));
    tab.press("Enter")
        .until(&format!("Math.abs(document.querySelector('.stage img').getBoundingClientRect().width - {fitted}) < 2"));
    tab_to(&tab, "Tab", "Save");
    tab.press("Enter").expect("Check your downloads");
    let saved = tab.downloads(1);
    assert_eq!(saved[0].0, "beach.jpg");
    assert!(fs::read(&saved[0].1).unwrap().starts_with(&[0xff, 0xd8]));
    tab_to(&tab, "Shift+Tab", "Close");
    tab.press("Enter").expect("in your downloads?");
    // Escape gives the safe answer.
    tab.press("Escape").until("!document.querySelector('dialog[open]')").expect("1 of 2");
    tab_to(&tab, "Tab", "Close");
    tab.press("Enter").expect("in your downloads?");
    assert_eq!(tab.value(FOCUSED), "Go back", "the safe answer has the focus");
    tab_to(&tab, "Tab", "Yes, close now");
    tab.press("Enter").expect("The sender sees it was opened by");
    relay.expect_empty();
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

/// Whether a node is one that must have a name. The roles are those of all three engines.
fn needs_name(node: &Accessible) -> bool {
    let roles = [
        "button",
        "pushbutton",
        "toggle button",
        "link",
        "image",
        "img",
        "graphic",
        "heading",
        "textbox",
        "entry",
        "combobox",
        "slider",
        "progressbar",
        "progress bar",
        "video",
        "audio",
        "group",
        "dialog",
    ];
    roles.contains(&node.role.to_lowercase().as_str())
}

/// Asserts that a screen reader finds these names, and no control without one. Browsers update the tree later.
pub(super) fn expect_names(tab: &Tab, names: &[&str]) {
    let late = Instant::now() + Duration::from_secs(10);
    while let Err(error) = find_names(&tab.accessible(), names) {
        assert!(Instant::now() < late, "{error}");
    }
}

fn find_names(tree: &[Accessible], names: &[&str]) -> Result<(), String> {
    // Firefox's own player has a picture without a name, which follows its last button.
    let own = tree.iter().position(|node| node.name == "Full Screen").map(|at| at + 1);
    let all = tree.iter().enumerate().filter(|(at, _)| Some(*at) != own).map(|(_, node)| node);
    let named: Vec<&Accessible> = all.filter(|node| needs_name(node)).collect();
    if let Some(node) = named.iter().find(|node| node.role != "group" && node.name.trim().is_empty()) {
        return Err(format!("{node:?} has no name: {tree:#?}"));
    }
    match names.iter().find(|name| !named.iter().any(|node| node.name.contains(**name))) {
        Some(name) => Err(format!("nothing is named {name:?}: {tree:#?}")),
        None => Ok(()),
    }
}

fn screen_readers_find_a_name_for_every_control_and_picture(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("words.txt", b"psst");
    let tab = browser.tab();
    let link = send(&sandbox, &relay, &["--name", "Our trip", PHOTO, CLIP, "words.txt"]);
    tab.goto(&link).expect("Press and hold to open");
    expect_names(&tab, &["Press and hold to open"]);
    tab.hold().expect("1 of 3").until("document.querySelector('.stage img')?.naturalWidth === 640");
    expect_names(&tab, &["beach.jpg", "Zoom", "Close", "Save", "Save all", "Previous", "Next", "clip.mp4, 2 of 3"]);
    let picture = |node: &Accessible| {
        ["image", "img", "graphic"].contains(&node.role.to_lowercase().as_str()) && node.name == "beach.jpg"
    };
    assert!(tab.accessible().iter().any(picture), "the picture has its name: {:#?}", tab.accessible());
    tab.press_button("Next").until("document.querySelector('video')?.readyState >= 2");
    expect_names(&tab, &["clip.mp4", "Close", "Next"]);
    tab.press_button("Next").expect("psst");
    expect_names(&tab, &["words.txt", "Copy", "Close"]);
    tab.press_button("Close").expect("has not been seen");
    expect_names(&tab, &["Go back", "Close anyway"]);
}

//! The page that sends.

mod access;
mod engine;
mod formats;
mod kept;
mod languages;
mod line;
mod memory;
mod metadata;
mod network;
mod reach;
mod screens;
mod tokens;
#[cfg(unix)]
mod ways;

use serde_json::json;

use crate::support::{Browser, RelayProcess, Tab};

/// A tab like a phone with the page that sends, whose first screen is there.
fn visit(browser: &Browser, relay: &RelayProcess) -> Tab {
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    arrive(&tab, relay);
    tab
}

/// Opens the page that sends, and waits for its first screen.
fn arrive<'a>(tab: &'a Tab, relay: &RelayProcess) -> &'a Tab {
    tab.goto(&format!("{}send", relay.url)).expect("Send something").until("document.querySelector('#files')")
}

/// Sends what is on the screen before sending, and returns the links.
fn links(tab: &Tab) -> Vec<String> {
    tab.until("document.querySelector('.sending button.main[aria-disabled=false]')");
    tab.tell("click", json!({ "selector": ".sending button.main" }));
    tab.until("document.querySelector('.sent input')");
    serde_json::from_value(tab.value("[...document.querySelectorAll('.sent input')].map(({ value }) => value)"))
        .unwrap()
}

/// Sends what is on the screen before sending by one link.
fn link(tab: &Tab) -> String {
    let links = links(tab);
    assert_eq!(links.len(), 1, "{links:?}");
    links.into_iter().next().unwrap()
}

/// Opens every part of the screen that unfolds.
fn unfold(tab: &Tab) {
    tab.value("document.querySelectorAll('details').forEach((details) => (details.open = true))");
}

/// Writes into a field of the page, as its user does.
fn write(tab: &Tab, field: &str, text: &str) {
    tab.value(&format!("document.querySelector('{field}').focus()"));
    tab.type_text(text);
}

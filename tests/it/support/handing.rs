//! Files and text that are handed to a page: chosen, dropped, pasted. Every engine can do all three.

use serde_json::{Value, json};

use super::browsers::Tab;

impl Tab {
    /// Chooses files in a file input, as the browser's dialog does. Several need `multiple`.
    pub(crate) fn choose(&self, selector: &str, paths: &[&str]) -> &Self {
        self.tell("choose", json!({ "selector": selector, "paths": paths }));
        self
    }

    /// Drops files, some megabytes at most, and a text on an element. Returns whether the page took them.
    pub(crate) fn drop_onto(&self, selector: &str, paths: &[&str], text: Option<&str>) -> bool {
        self.tell("drop", json!({ "selector": selector, "paths": paths, "text": text })) == Value::Bool(true)
    }

    /// Pastes files, some megabytes at most, and a text into an element. Returns whether the page took them.
    pub(crate) fn paste_into(&self, selector: &str, paths: &[&str], text: Option<&str>) -> bool {
        self.tell("paste", json!({ "selector": selector, "paths": paths, "text": text })) == Value::Bool(true)
    }
}

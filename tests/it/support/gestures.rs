//! Fingers, keys, sizes and pictures of a tab, and the tree that screen readers read. Each engine's file in
//! tests/browser lists the commands that the engine cannot run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::browsers::{ROOT, Tab};

/// A point of the viewport, in pixels of the page.
pub(crate) type Point = (f64, f64);

/// A node of the tree that screen readers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accessible {
    /// In the engine's own words; Chromium and `WebKit` use those of ARIA.
    pub(crate) role: String,
    pub(crate) name: String,
}

impl Tab {
    /// Taps at a point with a finger.
    pub(crate) fn tap_at(&self, (x, y): Point) -> &Self {
        self.tell("tapAt", json!({ "x": x, "y": y }));
        self
    }

    /// Taps twice at a point with a finger.
    pub(crate) fn double_tap(&self, (x, y): Point) -> &Self {
        self.tell("doubleTap", json!({ "x": x, "y": y }));
        self
    }

    /// Moves a finger along a line within `milliseconds`, in 8 steps.
    pub(crate) fn swipe(&self, from: Point, to: Point, milliseconds: u64) -> &Self {
        self.tell("swipe", json!({ "from": from, "to": to, "milliseconds": milliseconds }));
        self
    }

    /// Moves two fingers left and right of a point so that their distance changes, in pixels. Not in `WebKit`.
    pub(crate) fn pinch(&self, (x, y): Point, from: f64, to: f64) -> &Self {
        self.tell("pinch", json!({ "x": x, "y": y, "from": from, "to": to }));
        self
    }

    /// Turns the wheel at a point; with `control`, as the pinch of a trackpad does.
    pub(crate) fn wheel(&self, (x, y): Point, by: f64, control: bool) -> &Self {
        self.tell("wheel", json!({ "x": x, "y": y, "by": by, "control": control }));
        self
    }

    /// Presses a key, such as `ArrowRight`, `Shift+Tab` or `a`.
    pub(crate) fn press(&self, key: &str) -> &Self {
        self.tell("press", json!({ "key": key }));
        self
    }

    /// Types a text with the keyboard.
    pub(crate) fn type_text(&self, text: &str) -> &Self {
        self.tell("type", json!({ "text": text }));
        self
    }

    /// Writes as an input method does: each part replaces the one before it, and the last is accepted. Not in `WebKit`.
    pub(crate) fn compose(&self, parts: &[&str]) -> &Self {
        self.tell("compose", json!({ "parts": parts }));
        self
    }

    /// Pastes what was copied into a new field, and returns it.
    pub(crate) fn pasted(&self) -> String {
        self.value(
            "globalThis.field = document.createElement('textarea');
             field.style.cssText = 'position: fixed; inset: 0; z-index: 99';
             document.body.append(field);
             field.focus();
             0",
        );
        self.press("Control+v").until("field.value !== ''");
        self.value("field.remove(), field.value").as_str().unwrap().to_owned()
    }

    /// Changes the size of the viewport, as turning a phone does.
    pub(crate) fn resize(&self, width: u32, height: u32) -> &Self {
        self.tell("resize", json!({ "width": width, "height": height }));
        self
    }

    /// Waits until this tab has saved `count` files in all; their names and where they are.
    pub(crate) fn downloads(&self, count: usize) -> Vec<(String, PathBuf)> {
        let all = self.tell("downloads", json!({ "count": count }));
        let text = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(|file| (text(file, "name"), PathBuf::from(text(file, "path")))).collect()
    }

    /// Puts what the viewport shows into target/pictures, for reviewers.
    pub(crate) fn shot(&self, name: &str) -> &Self {
        let directory = Path::new(ROOT).join("target/pictures");
        fs::create_dir_all(&directory).unwrap();
        self.tell("shot", json!({ "path": directory.join(format!("{name}.png")), "whole": false }));
        self
    }

    /// The tree that screen readers read, in its order.
    pub(crate) fn accessible(&self) -> Vec<Accessible> {
        let all = self.tell("accessible", json!({}));
        let text = |node: &Value, key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let node = |node: &Value| Accessible { role: text(node, "role"), name: text(node, "name") };
        all.as_array().unwrap().iter().map(node).collect()
    }
}

//! Browsers for the tests: Chromium, Firefox and `WebKitGTK`, driven by tests/browser/driver.mjs. Each engine's file
//! there lists the commands that it cannot run.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::time_limit::skip;

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The build directory of the page: its sources and npm packages.
pub(crate) const WORKSHOP: &str = concat!(env!("OUT_DIR"), "/page");
/// The directory in which tests/setup installs the browser driver's packages.
pub(crate) const DRIVEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser");

pub(crate) const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beach.jpg");
pub(crate) const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clip.mp4");

/// Whether a program or path that a test needs is there; see [`skip`].
pub(crate) fn has(path: &str) -> bool {
    let there = Path::new(path).exists();
    if !there {
        skip(&format!("no {path}; tests/setup installs it"));
    }
    there
}

/// A desktop browser engine. None of them is that of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    /// `WebKitGTK`, which is neither Safari nor iOS.
    WebKit,
}

impl Engine {
    /// The driver's name for the engine, and the programs that it needs.
    fn name_and_programs(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Chromium => ("chromium", &["/usr/bin/chromium"]),
            Self::Firefox => ("firefox", &["/usr/bin/firefox-esr"]),
            Self::WebKit => ("webkit", &["/usr/bin/WebKitWebDriver", "/usr/bin/Xvfb"]),
        }
    }
}

/// A browser.
pub(crate) struct Browser {
    driver: Arc<Mutex<Driver>>,
}

struct Driver {
    engine: Engine,
    process: Child,
    /// `None` after closing, which ends the driver.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// The browser's files. Removed even if the driver dies.
    _place: TempDir,
}

impl Driver {
    fn tell(&mut self, command: &Value) -> Result<Value, String> {
        let engine = self.engine;
        writeln!(self.to.as_mut().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{engine:?}: {command}: {line:?}"));
        match answer.get("error") {
            Some(error) => Err(format!("{engine:?}: {command}: {error}")),
            None => Ok(answer["ok"].clone()),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver kills its browser when its input closes. If the driver hangs, the kernel kills its children.
        self.to = None;
        let late = Instant::now() + Duration::from_secs(10);
        while Instant::now() < late && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A tab of a browser.
pub(crate) struct Tab {
    driver: Arc<Mutex<Driver>>,
    number: u64,
}

impl Browser {
    /// Starts Chromium; `None` on a developer's machine without it.
    pub(crate) fn start(flags: &[&str]) -> Option<Self> {
        Self::start_engine(Engine::Chromium, flags)
    }

    /// Starts a browser; `None` on a developer's machine without it. The flags are the browser's own, except
    /// `--host=NAME=ADDRESS`, which resolves a name to a loopback address in every engine.
    pub(crate) fn start_engine(engine: Engine, flags: &[&str]) -> Option<Self> {
        let (name, programs) = engine.name_and_programs();
        if !programs.iter().chain(&[DRIVEN, WORKSHOP]).all(|path| has(path)) {
            return None;
        }
        let script = Path::new(ROOT).join("tests/browser/driver.mjs");
        let mut command = Command::new("node");
        command.arg(script).args([DRIVEN, name]).args(flags).stdin(Stdio::piped()).stdout(Stdio::piped());
        let directory = TempDir::new().unwrap();
        let mut process = command.env("TMPDIR", directory.path()).spawn().unwrap();
        let (to, from) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        Some(Self { driver: Arc::new(Mutex::new(Driver { engine, process, to, from, _place: directory })) })
    }

    /// The id of the driver's process, whose descendants are the browser.
    pub(crate) fn driver_id(&self) -> u32 {
        self.driver.lock().unwrap().process.id()
    }

    /// The ids of the browser's processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let parent = |id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
        };
        let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let all: Vec<(u32, u32)> = ids.filter_map(|id| Some((id, parent(id)?))).collect();
        let mut family = vec![self.driver_id()];
        let mut at = 0;
        while let Some(&member) = family.get(at) {
            family.extend(all.iter().filter(|(_, parent)| *parent == member).map(|(id, _)| *id));
            at += 1;
        }
        family.split_off(1)
    }

    /// Opens a tab with its own storage, as on another machine.
    pub(crate) fn tab(&self) -> Tab {
        self.tab_with(json!({}))
    }

    /// A tab with options, which tests/browser/driver.mjs lists.
    pub(crate) fn tab_with(&self, options: Value) -> Tab {
        self.try_tab(options).unwrap()
    }

    /// The same, or the error of an engine that does not have an option.
    pub(crate) fn try_tab(&self, mut options: Value) -> Result<Tab, String> {
        options["do"] = "tab".into();
        let number = self.driver.lock().unwrap().tell(&options)?.as_u64().unwrap();
        Ok(Tab { driver: self.driver.clone(), number })
    }
}

impl Tab {
    pub(crate) fn try_to(&self, action: &str, mut with: Value) -> Result<Value, String> {
        with["do"] = action.into();
        with["tab"] = self.number.into();
        self.driver.lock().unwrap().tell(&with)
    }

    pub(crate) fn tell(&self, action: &str, with: Value) -> Value {
        self.try_to(action, with).unwrap()
    }

    pub(crate) fn goto(&self, url: &str) -> &Self {
        self.tell("goto", json!({ "url": url }));
        self
    }

    pub(crate) fn value(&self, code: &str) -> Value {
        self.tell("value", json!({ "code": code }))
    }

    /// The opener's two words on a page that was closed.
    pub(crate) fn opener(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("opened by: ").unwrap();
        rest.split_once('.').unwrap().0.to_owned()
    }

    pub(crate) fn text(&self) -> String {
        self.tell("text", json!({})).as_str().unwrap().to_owned()
    }

    /// Waits until the page shows a text.
    pub(crate) fn expect(&self, text: &str) -> &Self {
        let code = format!("document.querySelector('main').innerText.includes({})", json!(text));
        self.wait_for(&code, &format!("{text:?} was never said"))
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&self, code: &str) -> &Self {
        self.wait_for(code, &format!("{code} was never true"))
    }

    fn wait_for(&self, code: &str, complaint: &str) -> &Self {
        if let Err(error) = self.try_to("until", json!({ "code": code })) {
            let text = self.try_to("text", json!({}));
            panic!("{complaint}: {error}\n{text:?}\n{:?}", self.try_to("complaints", json!({})));
        }
        self
    }

    /// Waits until the page has decoded a photo of this width: only then it counts as seen.
    pub(crate) fn until_photo(&self, width: u32) -> &Self {
        let photo = "document.querySelector('.stage img')";
        self.until(&format!("{photo}?.complete && {photo}.naturalWidth === {width}"));
        // The page asks for the pixels first, and looks at them before it counts the photo.
        self.value(&format!("{photo}.decode().then(() => {photo}.decode()).then(() => 0)"));
        self
    }

    /// Presses the button with this label.
    pub(crate) fn press_button(&self, word: &str) -> &Self {
        self.tell("click", json!({ "selector": format!("button:text-is({})", json!(word)) }));
        self
    }

    /// Opens another tab with the same storage.
    pub(crate) fn new_tab(&self) -> Self {
        let number = self.tell("newTab", json!({})).as_u64().unwrap();
        Self { driver: self.driver.clone(), number }
    }

    /// Opens the waiting share.
    pub(crate) fn hold(&self) -> &Self {
        self.expect("Press and hold to open");
        self.tell("hold", json!({ "selector": ".hold", "milliseconds": 1150 }));
        self
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        serde_json::from_value(self.tell("complaints", json!({}))).unwrap()
    }

    /// The requests of the page: method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        let all = self.tell("requests", json!({}));
        let line = |request: &Value| {
            // URLs of the page's own memory (`blob:`) are no requests.
            let url = request["url"].as_str().filter(|url| !url.starts_with("blob:"))?;
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            Some(format!("{} /{path}", request["method"].as_str()?))
        };
        all.as_array().unwrap().iter().filter_map(line).collect()
    }

    /// The session storage of this tab.
    pub(crate) fn remembers(&self) -> String {
        self.value("JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + document.cookie").to_string()
    }

    /// The number of pixels that the page shows, and whether all of them equal those of `original`.
    pub(crate) fn shows(&self, original: &[u8]) -> (u64, bool) {
        let code = format!(
            "(async () => {{
                const bytes = Uint8Array.from(atob('{}'), (letter) => letter.charCodeAt(0));
                const pixels = (source, width, height) => {{
                    const canvas = new OffscreenCanvas(width, height).getContext('2d');
                    canvas.drawImage(source, 0, 0);
                    return canvas.getImageData(0, 0, width, height).data;
                }};
                const original = await createImageBitmap(new Blob([bytes]));
                const shown = document.querySelector('.stage img');
                await shown.decode();
                const [a, b] = [original, shown].map((each) =>
                    pixels(each, each.naturalWidth ?? each.width, each.naturalHeight ?? each.height));
                return [a.length / 4, a.length === b.length && a.every((value, at) => value === b[at])];
            }})()",
            BASE64_STANDARD.encode(original)
        );
        // WebKitGTK rarely draws a photo before it has decoded all of it.
        let late = Instant::now() + Duration::from_secs(2);
        loop {
            let found = self.value(&code);
            if found[1] == true || Instant::now() > late {
                return (found[0].as_u64().unwrap(), found[1].as_bool().unwrap());
            }
        }
    }
}

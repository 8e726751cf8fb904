//! The page removes metadata before it sends: the recipient gets what `share send` would have sent.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{link, visit};
use crate::support::{Browser, Engine, Sandbox, contains, corpus, in_every_engine};

in_every_engine!(photos_and_films_arrive_as_share_send_sends_them, files_that_cannot_be_cleaned_are_named_before);

/// Files with the word CANARY in their metadata: photos that are turned and have a location, and films.
const CLEANED: [&str; 7] = [
    "turned-6.jpg",
    "png-all.png",
    "turned-3.webp",
    "gif-xmp.gif",
    "heic-all.heic",
    "avif-all.avif",
    "video-apple.mov",
];

/// The event that lists files, in a command's output with `--json`. Warnings precede it.
fn event(output: &str) -> Value {
    let mut events = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.find(|event| event["files"].is_array()).unwrap()
}

/// The files of a share, as the recipient's program lists them.
fn listed(sandbox: &Sandbox, link: &str) -> Value {
    let peeked = sandbox.share(["peek", "--json", link]).ok();
    event(&peeked)["files"].clone()
}

fn photos_and_films_arrive_as_share_send_sends_them(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let paths: Vec<PathBuf> = CLEANED.iter().map(|name| corpus().join(name)).collect();
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let sent = sandbox.share(["send", "--json", "--relay", &relay.url].iter().chain(&paths)).ok();
    let sent = event(&sent);
    let tab = visit(&browser, &relay);
    tab.choose("#files", &paths).expect("Check and send");
    tab.expect("Will be removed: location, camera data, time, and 17 metadata fields");
    tab.expect("Will be removed: location, camera data, and 1 metadata field");
    let page = link(&tab);
    // The program says the same of all of them.
    let removed = sent["removed"].as_str().unwrap().replace("time, ", "time, and ").replace("other", "metadata");
    assert!(removed.starts_with("location, camera data, time, and "), "{removed}");
    tab.expect(&format!("Removed: {removed}"));
    let (program, page) = (sent["link"].as_str().unwrap(), page.as_str());
    assert_eq!(listed(&sandbox, page), listed(&sandbox, program));
    for (link, directory) in [(program, "program"), (page, "page")] {
        sandbox.share(["open", "-q", link, "-o", directory]).ok();
    }
    for (name, path) in CLEANED.iter().zip(paths) {
        let [sent, expected] = ["page", "program"].map(|place| sandbox.read(&format!("{place}/{name}")));
        assert!(sent == expected, "{name}");
        assert!(contains(&fs::read(path).unwrap(), b"CANARY") && !contains(&sent, b"CANARY"), "{name}");
    }
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

fn files_that_cannot_be_cleaned_are_named_before(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let raw = corpus().join("unknown/photo.nef");
    let text = "plain text";
    sandbox.write("paper.pdf", b"%PDF-1.7\n/Author (CANARY)");
    sandbox.write("plain.txt", text.as_bytes());
    let (pdf, plain) = (sandbox.path("paper.pdf"), sandbox.path("plain.txt"));
    let paths = [&raw, &pdf, &plain].map(|path| path.to_str().unwrap());
    let tab = visit(&browser, &relay);
    tab.choose("#files", &paths).expect("Check and send");
    tab.expect("Not removed: location, time and camera data may stay in this file");
    tab.expect("Not removed: author, times and comments may stay in this file");
    assert_eq!(tab.text().matches("Not removed: ").count(), 2, "{}", tab.text());
    let link = link(&tab);
    let types: Vec<Value> =
        listed(&sandbox, &link).as_array().unwrap().iter().map(|file| file["type"].clone()).collect();
    assert_eq!(types, ["application/octet-stream", "application/pdf", "text/plain"]);
    sandbox.share(["open", "-q", &link, "-o", "opened"]).ok();
    for path in paths.map(PathBuf::from) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(sandbox.read(&format!("opened/{name}")) == fs::read(&path).unwrap(), "{name}");
    }
}

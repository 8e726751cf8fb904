//! The page's engine without a browser: node runs its modules. It sends to a relay, and the program and age open it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{ROOT, RelayProcess, Sandbox, WORKSHOP, files, has, noise};

/// Runs a script of tests/browser. Returns its output.
fn node(script: &str, input: &str) -> String {
    let mut node = Command::new("node");
    node.arg(Path::new(ROOT).join("tests/browser").join(script)).arg(WORKSHOP);
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ran = node.wait_with_output().unwrap();
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Sends files, named by their paths in the sandbox, with options of tests/browser/sending.mjs.
fn send(sandbox: &Sandbox, relay: &RelayProcess, paths: &[&str], mut options: Value) -> Value {
    let item = |path: &&str| {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let file = sandbox.path(if path.is_empty() { "unnamed" } else { path });
        json!({ "path": names, "type": "text/plain", "file": file })
    };
    options["relay"] = relay.url.as_str().into();
    options["items"] = paths.iter().map(item).collect();
    serde_json::from_str(&node("sending.mjs", &format!("{options}\n"))).unwrap()
}

fn link(sent: &Value) -> &str {
    sent["link"].as_str().unwrap()
}

/// The content of a file that is named by its length: that of its own.
fn content(length: usize) -> Vec<u8> {
    noise(length, length as u64)
}

/// Lengths at which chunks, parts or slices end.
const LENGTHS: [usize; 7] = [0, 1, 65_536, 65_537, 393_216, 4 << 20, 9_000_000];

#[test]
#[ignore = "needs node: tests/all"]
fn the_program_opens_each_length_that_the_page_sent() {
    if !has(WORKSHOP) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for length in LENGTHS {
        sandbox.write("file.bin", &content(length));
        let sent = send(&sandbox, &relay, &["file.bin"], json!({}));
        let only = &sent["sent"][0];
        assert_eq!(sent["events"]["sent"].as_array().unwrap().last(), sent["events"]["begin"].get(0));
        let out = format!("out-{length}");
        fs::create_dir(sandbox.path(&out)).unwrap();
        sandbox.share(["open", "-q", link(only), "-o", &out]).ok();
        assert!(sandbox.read(&format!("{out}/file.bin")) == content(length), "{length} bytes");
        sandbox.share(["open", "-q", link(only)]).fails(3, "already opened");
    }
    relay.expect_empty();
}

#[test]
#[ignore = "needs age: tests/all"]
fn age_decrypts_what_the_page_sent() {
    if !has(WORKSHOP) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for length in LENGTHS {
        sandbox.write("file.bin", &content(length));
        let sent = send(&sandbox, &relay, &["file.bin"], json!({}));
        let text = |name: &str| sent["sent"][0][name].as_str().unwrap().to_owned();
        let mut parts: Vec<PathBuf> = relay.data();
        parts.retain(|path| path.to_str().unwrap().contains(&format!("{}/part/", text("id"))));
        parts.sort();
        let mut blob: Vec<u8> = parts.iter().flat_map(|path| fs::read(path).unwrap()).collect();
        let age_len = length + 184 + 16 * length.div_ceil(65_536).max(1);
        assert_eq!(blob.len() as u64, share::blob::padded_len(age_len as u64));
        blob.truncate(age_len);
        let (key, file) = (sandbox.write("key", text("blobIdentity").as_bytes()), sandbox.write("blob.age", &blob));
        let age = Command::new("age").args(["-d", "-i"]).args([key, file]).output();
        let age = age.expect("the age program: tests/setup installs it");
        assert!(age.status.success() && age.stdout == content(length), "{length} bytes");
    }
}

#[test]
#[ignore = "needs node: tests/all"]
fn the_program_opens_albums_words_and_texts_that_the_page_sent() {
    if !has(WORKSHOP) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    fs::create_dir_all(sandbox.path("Trip/Day 1")).unwrap();
    let paths = ["Trip/Day 1/a.txt", "Trip/b.txt", "Trip/empty"];
    for (path, bytes) in paths.iter().zip([&content(5_000_000)[..], b"bee", b""]) {
        sandbox.write(path, bytes);
    }
    let options = json!({ "from": "Anna", "note": "from the beach", "name": "Trip", "passphrase": "correct horse" });
    let sent = send(&sandbox, &relay, &paths, options);
    sandbox.write("passphrase", b"correct horse\n");
    let open = ["open", link(&sent["sent"][0]), "--passphrase-file", "passphrase", "-o", "out"];
    let opened = sandbox.share(open).run();
    assert!(opened.stderr.contains("Anna") && opened.stderr.contains("from the beach"), "{}", opened.stderr);
    let found = files(&sandbox.path("out"));
    assert_eq!(found.len(), 3, "{found:?}");
    for path in paths {
        let same = |found: &PathBuf| found.ends_with(path) && fs::read(found).unwrap() == sandbox.read(path);
        assert!(found.iter().any(same), "{path}: {found:?}");
    }
    // A text without a name, for two recipients.
    sandbox.write("unnamed", "caf\u{e9}".as_bytes());
    let sent = send(&sandbox, &relay, &[""], json!({ "recipients": ["Anna", "Ben"] }));
    for (number, only) in sent["sent"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&only["kind"], &only["count"]), (&json!("text"), &json!(1)), "{number}");
        let shown = sandbox.share(["open", "-q", link(only)]).ok();
        assert_eq!(shown.trim_end(), "caf\u{e9}");
    }
    relay.expect_empty();
}

#[test]
#[ignore = "needs node: tests/all"]
fn an_upload_that_is_cancelled_leaves_nothing() {
    if !has(WORKSHOP) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("file.bin", &content(9_000_000));
    let sent = send(&sandbox, &relay, &["file.bin"], json!({ "cancelAfter": 4 << 20 }));
    assert_eq!(sent["refused"], "revoked");
    relay.expect_empty();
}

#[test]
#[ignore = "needs node: tests/all"]
fn the_page_sends_once_whatever_fails() {
    if has(WORKSHOP) {
        assert_eq!(node("uploading.mjs", ""), "held\n");
    }
}

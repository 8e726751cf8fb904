//! Shares with directories, and shares of very many files.

use std::sync::Arc;

use share::manifest::Manifest;
use share::relay::{Commit, MAX_DEPOSIT_MANIFEST, RelayError};

use crate::support::{Misbehaving, Misbehavior, Sandbox, TestRelay, events, expect_mode, planted_with, served};

fn path(text: &str) -> Vec<String> {
    text.split('|').map(str::to_owned).collect()
}

/// Puts the files of a manifest at paths, and adds empty directories.
fn at(manifest: &mut Manifest, paths: &[&str], directories: &[&str]) {
    for (entry, text) in manifest.entries.iter_mut().zip(paths) {
        entry.path = path(text);
    }
    manifest.directories = directories.iter().map(|text| path(text)).collect();
}

#[test]
fn a_share_with_directories_is_saved_with_them() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let contents = [("", "text/plain", &b"one"[..]), ("", "text/plain", b"two"), ("", "text/x-sh", b"three")];
    let planted = || {
        planted_with(&relay.url, &contents, |manifest| {
            manifest.name = Some("Trip".to_owned());
            at(manifest, &["Day 1|a.txt", "Day 1|.. |a.txt", "run.sh"], &["Day 1|empty", "Day 2"]);
            manifest.entries[2].executable = true;
        })
    };
    let link = planted();
    let peeked = sandbox.share(["peek", &link]).ok();
    assert!(peeked.starts_with("Trip: 3 files, 11 bytes · until "), "{peeked}");
    assert!(peeked.contains("\n  Day 1/.. /a.txt: text, 3 bytes\n"), "{peeked}");
    let peeked = &events(&sandbox.share(["peek", &link, "--json"]).run())[0];
    assert_eq!(peeked["files"][0]["path"], serde_json::json!(["Day 1", "a.txt"]));
    assert_eq!(peeked["files"][0]["name"], "a.txt");

    let opened = sandbox.share(["open", &link, "-o", "."]).run();
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(opened.stderr.contains("Saved 3 files in Trip."), "{}", opened.stderr);
    let note = "1 file is marked as executable; it was saved as an ordinary file.";
    assert!(opened.stderr.contains(note), "{}", opened.stderr);
    assert_eq!(sandbox.names(), ["Trip"]);
    assert_eq!(sandbox.read("Trip/Day 1/a.txt"), b"one");
    assert_eq!(sandbox.read("Trip/Day 1/directory/a.txt"), b"two");
    assert_eq!(sandbox.read("Trip/run.sh"), b"three");
    for directory in ["Trip", "Trip/Day 1", "Trip/Day 1/empty", "Trip/Day 2"] {
        expect_mode(sandbox.path(directory), 0o700);
    }
    expect_mode(sandbox.path("Trip/run.sh"), 0o600);

    let saved = events(&sandbox.share(["open", &planted(), "--json", "-o", "."]).run());
    let paths: Vec<_> = saved.iter().filter(|event| event["event"] == "saved").map(|event| &event["path"]).collect();
    assert_eq!(paths[0], sandbox.path("Trip (1)/Day 1/a.txt").to_str().unwrap());
    assert_eq!(paths.len(), 3);
}

#[test]
fn a_single_file_is_saved_without_its_directories() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = planted_with(&relay.url, &[("", "text/plain", b"one")], |manifest| at(manifest, &["a|b|c.txt"], &[]));
    assert!(sandbox.share(["peek", &link]).ok().starts_with("c.txt: text, 3 bytes"));
    sandbox.share(["open", "-q", &link, "-o", "."]).ok();
    assert_eq!(sandbox.names(), ["c.txt"]);
}

#[test]
fn very_many_files_are_one_share() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let names: Vec<String> = (0..1500).map(|number| format!("{number:04}-{}.txt", "x".repeat(40))).collect();
    for name in &names {
        sandbox.write(name, name.as_bytes());
    }
    let send = ["send", "-q", "--relay", &relay.url, "--name", "All"];
    let link = sandbox.share(send.iter().copied().chain(names.iter().map(String::as_str))).ok();
    assert!(sandbox.share(["peek", &link]).ok().starts_with("All: 1500 files, "));
    sandbox.share(["open", "-q", &link, "-o", "."]).ok();
    for name in &names {
        assert_eq!(sandbox.read(&format!("All/{name}")), name.as_bytes());
    }
    relay.expect_empty();
}

/// A relay of an older version, which accepts shorter manifests.
struct Older;

impl Misbehavior for Older {
    fn commit(&self, commit: &Commit) -> Result<(), RelayError> {
        if commit.manifest.len() > MAX_DEPOSIT_MANIFEST { Err(RelayError::BadRequest) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_relay_refuses_very_many_files() {
    let bench = TestRelay::memory();
    let (_, url) = served(Arc::new(Misbehaving { relay: bench.relay.clone(), how: Older }));
    let refused = tokio::task::spawn_blocking(move || {
        let sandbox = Sandbox::new();
        let names: Vec<String> = (0..900).map(|number| format!("{number:04}-{}.txt", "x".repeat(60))).collect();
        for name in &names {
            sandbox.write(name, b"");
        }
        let send = ["send", "-q", "--relay", &url];
        let send = sandbox.share(send.iter().copied().chain(names.iter().map(String::as_str)));
        send.fails(9, "does not accept so many files in one share").stderr
    });
    assert!(refused.await.unwrap().contains("send fewer files at once"));
    assert!(bench.data().await.is_empty());
}

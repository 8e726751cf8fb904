//! Compatibility with the state that an earlier release left, in tests/frozen (see tests/freeze).

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{RelayProcess, Run, Sandbox, files, set_mode};

struct Frozen {
    sandbox: Sandbox,
    relay: RelayProcess,
    links: Value,
}

impl Frozen {
    /// A relay over the earlier release's store, and homes with its state.
    fn thaw() -> Self {
        let sandbox = Sandbox::new();
        copy("store", &sandbox.other_home("store"), &[]);
        set_mode(sandbox.other_home("store"), 0o700);
        let relay = sandbox.relay();
        let names = [("RELAY", relay.url.clone()), ("DIR/work", sandbox.path("").display().to_string())];
        copy("sender", &state(&sandbox.home()), &names);
        copy("recipient", &state(&sandbox.other_home("ben")), &names);
        let links = fs::read_to_string(frozen("links.json")).unwrap();
        Self { sandbox, relay, links: serde_json::from_str(&links).unwrap() }
    }

    fn link(&self, name: &str) -> String {
        format!("{}{}", self.relay.url, self.links[name].as_str().unwrap())
    }

    /// A run on the device that has claimed a share.
    fn ben(&self, args: &[&str]) -> Run {
        self.sandbox.share(args).env("HOME", self.sandbox.other_home("ben"))
    }

    /// The journals of the device that has claimed a share.
    fn journals(&self) -> Vec<PathBuf> {
        files(&state(&self.sandbox.other_home("ben")).join("opening"))
    }

    fn status(&self, name: &str) -> String {
        self.sandbox.share(["status", &self.link(name)]).ok()
    }
}

fn frozen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen").join(name)
}

fn state(home: &Path) -> PathBuf {
    home.join(".local/state/share")
}

/// Copies files, with what stands for an address or a path replaced.
fn copy(what: &str, to: &Path, names: &[(&str, String)]) {
    for path in files(&frozen(what)) {
        let target = to.join(path.strip_prefix(frozen(what)).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let mut content = fs::read(&path).unwrap();
        if let Ok(text) = std::str::from_utf8(&content) {
            content = names.iter().fold(text.to_owned(), |text, (name, by)| text.replace(name, by)).into_bytes();
        }
        fs::write(target, content).unwrap();
    }
}

#[test]
fn a_waiting_share_is_opened() {
    let frozen = Frozen::thaw();
    let listed = frozen.sandbox.share(["list"]).ok();
    assert!(listed.contains("\twaiting.txt\tanna\twaiting\t"), "{listed}");
    frozen.ben(&["open", "-q", &frozen.link("waiting.txt"), "-o", "got.txt"]).ok();
    assert_eq!(frozen.sandbox.read("got.txt"), b"this is waiting.txt\n");
    assert!(frozen.status("waiting.txt").contains("(verified: the opener had the link)"));
}

#[test]
fn a_waiting_share_is_revoked() {
    let frozen = Frozen::thaw();
    frozen.sandbox.share(["revoke", "-y", &frozen.link("waiting.txt")]).ok();
    frozen.ben(&["open", &frozen.link("waiting.txt"), "-o", "got.txt"]).fails(4, "the sender revoked this link");
}

#[test]
fn an_interrupted_opening_is_resumed() {
    let frozen = Frozen::thaw();
    let link = frozen.link("claimed.txt");
    frozen.sandbox.share(["open", &link, "-o", "got.txt"]).fails(3, "on another device");
    frozen.ben(&["open", "-q", &link, "-o", "got.txt"]).ok();
    assert_eq!(frozen.sandbox.read("got.txt"), b"this is claimed.txt\n");
    assert_eq!(frozen.journals(), Vec::<PathBuf>::new());
    assert!(frozen.status("claimed.txt").contains("(verified: the opener had the link)"));
}

/// The journal of a program that was killed after it had placed all files, with the fields that the earlier release
/// writes.
#[cfg(unix)]
#[test]
fn a_relay_is_informed_of_an_earlier_opening() {
    let frozen = Frozen::thaw();
    let path = frozen.sandbox.write("got.txt", b"this is claimed.txt\n");
    let [journal] = &frozen.journals()[..] else { panic!("one journal") };
    let data = fs::metadata(&path).unwrap();
    let placed = serde_json::json!({
        "path": path, "device": data.dev(), "inode": data.ino(), "size": data.size(),
        "modified": [data.mtime(), data.mtime_nsec()],
    });
    for named in [false, true] {
        let before = fs::read_to_string(journal).unwrap();
        let mut line: Value = serde_json::from_str(before.lines().next().unwrap()).unwrap();
        line["receipt"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
        line["until"] = 4_102_531_200_u64.into();
        line["placed"] = [placed.clone()].into();
        line["named"] = named.into();
        fs::write(journal, format!("{before}{line}\n")).unwrap();
    }
    frozen.ben(&["list"]).ok();
    assert!(!journal.exists(), "the relay knows");
    assert!(frozen.status("claimed.txt").contains("opened on"), "{}", frozen.status("claimed.txt"));
}

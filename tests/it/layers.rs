//! The floors of the house: imports point down, and each heavy crate lives in one room.

use std::fs;
use std::path::Path;

use super::sandbox::files;

/// A module and the modules of this crate that it must not use.
const FORBIDDEN: [(&str, &[&str]); 11] = [
    ("plain.rs", &["files", "link", "secret", "manifest", "media", "seal", "relay", "send", "open", "cli"]),
    ("files.rs", &["link", "secret", "manifest", "media", "seal", "relay", "send", "open", "cli"]),
    ("secret.rs", &["link", "manifest", "media", "seal", "relay", "send", "open", "cli"]),
    ("link.rs", &["manifest", "media", "seal", "relay", "send", "open", "cli"]),
    ("manifest.rs", &["link", "secret", "media", "seal", "relay", "send", "open", "cli"]),
    ("spoken.rs", &["link", "manifest", "media", "seal", "relay", "send", "open", "cli"]),
    ("media/", &["link", "secret", "manifest", "seal", "relay", "send", "open", "cli"]),
    ("seal.rs", &["link", "media", "relay", "send", "open", "cli"]),
    ("relay/", &["send", "open", "cli", "media"]),
    ("send/", &["open", "cli"]),
    ("open/", &["send", "cli"]),
];

/// A crate and the rooms in which it may appear.
const CRATES: [(&str, &[&str]); 13] = [
    ("icu_properties", &["plain.rs"]),
    ("age", &["seal.rs", "secret.rs"]),
    ("ring", &["seal.rs", "secret.rs", "relay/pinned.rs"]),
    ("axum", &["relay/server/", "cli/view/loopback.rs"]),
    ("reqwest", &["relay/client.rs", "relay/http.rs"]),
    ("object_store", &["relay/store/bucket.rs"]),
    ("image", &["cli/view/picture.rs", "cli/view/draw.rs"]),
    ("icy_sixel", &["cli/view/draw.rs"]),
    ("arboard", &["cli/clipboard.rs"]),
    ("clap", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("anyhow", &["cli/"]),
    ("directories", &["cli/"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = files(&root).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        // Comments may speak of anything.
        let code = fs::read_to_string(&path).unwrap();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (name, code)
    })
    .collect()
}

/// Whether `code` uses the path `name`, as a whole word.
fn uses(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn imports_point_down() {
    for (name, code) in sources() {
        for (_, forbidden) in FORBIDDEN.iter().filter(|(room, _)| name.starts_with(room)) {
            for module in *forbidden {
                assert!(!uses(&code, &format!("crate::{module}::")), "{name} uses {module}");
                assert!(!uses(&code, &format!("crate::{module};")), "{name} uses {module}");
            }
        }
    }
}

#[test]
fn heavy_crates_live_in_one_room() {
    for (name, code) in sources() {
        for (crate_name, rooms) in CRATES {
            let at_home = rooms.iter().any(|room| name.starts_with(room));
            assert!(at_home || !uses(&code, &format!("{crate_name}::")), "{name} uses {crate_name}");
        }
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for (name, code) in sources() {
        for word in ["process::exit", "todo!(", "unimplemented!(", "dbg!(", "#[allow("] {
            assert!(!code.contains(word), "{name} has {word}");
        }
    }
}

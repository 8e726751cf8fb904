//! The way of the page to a browser: its weight, and the files that it loads.

use std::path::Path;
use std::process::Command;

use share::page;

use crate::support::{ROOT, WORKSHOP, has};

/// The directory of the finished page.
const DIST: &str = concat!(env!("OUT_DIR"), "/dist");
/// The most bytes of the page and one language table, by Brotli.
const MAX_WEIGHT: usize = 60_000;

/// Runs a script in tests/browser, and returns its output.
fn node(script: &str, arguments: &[&str]) -> String {
    let mut node = Command::new("node");
    let ran = node.arg(Path::new(ROOT).join("tests/browser").join(script)).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn the_page_and_one_language_weigh_at_most_60_kb() {
    if !page::is_complete() {
        return;
    }
    let weight = |compressed: fn(&page::File) -> Option<&'static [u8]>| {
        let table = page::FILES.iter().filter_map(compressed).map(<[u8]>::len).max().unwrap_or(0);
        compressed(&page::PAGE).unwrap().len() + table
    };
    let (br, gz) = (weight(|file| file.br), weight(|file| file.gz));
    eprintln!("the page and its largest language table: {br} bytes by Brotli, {gz} by gzip");
    assert!(br <= MAX_WEIGHT, "{br} bytes");
}

#[test]
fn the_page_does_not_use_webcrypto() {
    // Plain http has none, and WebKitGTK's X25519 refuses some keys.
    assert!(!page::HTML.contains("subtle"));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn compressed_files_are_the_plain_ones_and_the_script_has_no_needless_package() {
    if has(WORKSHOP) {
        eprintln!("{}", node("weight.mjs", &[WORKSHOP, DIST]));
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_uses_no_file_that_differs_from_the_one_it_was_built_with() {
    if has(WORKSHOP) {
        assert_eq!(node("files.mjs", &[WORKSHOP]), "held\n");
    }
}

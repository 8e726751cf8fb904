//! The pictures of the documentation show the words of this program.

use std::path::Path;
use std::process::Command;

use crate::support::{DRIVEN, ROOT, SHARE, has};

/// Compares the words beside a part of the pictures with those of this program.
fn check(part: &str) {
    let mut command = Command::new(Path::new(ROOT).join("docs/pictures/regenerate"));
    let ran = command.args(["--check", part, SHARE]).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success(), "{}{}", text(&ran.stdout), text(&ran.stderr));
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn pictures_of_terminals_show_the_words_of_this_program() {
    check("terminal");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn pictures_of_the_page_show_its_words() {
    if ["/usr/bin/chromium", DRIVEN].into_iter().all(has) {
        check("page");
    }
}

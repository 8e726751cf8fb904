//! Runs every command of the README.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Run, SHARE, Sandbox, TestS3, photo};

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The contents of the README's code blocks of a kind.
fn blocks(kind: &str) -> Vec<String> {
    let readme = text("README.md");
    let mut blocks = readme.split("\n```");
    blocks.next();
    let mut found = Vec::new();
    while let (Some(block), Some(_)) = (blocks.next(), blocks.next()) {
        let (first, content) = block.split_once('\n').unwrap();
        if first == kind {
            found.push(content.to_owned());
        }
    }
    found
}

/// A shell in which `share` is the program under test.
fn shell(sandbox: &Sandbox, script: &str) -> Run {
    let bin = Path::new(SHARE).parent().unwrap().display().to_string();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &format!("PATH={bin}:$PATH\n{script}")]);
    sandbox.prepare(bash)
}

/// A sandbox with the files that the README mentions.
fn place() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    let content = photo(20_000);
    sandbox.write("photo.jpg", &content);
    sandbox.write("clip.mp4", b"\0\0\0\x18ftypmp42");
    sandbox.write("passphrase", b"correct horse");
    fs::create_dir(sandbox.path("holidays")).unwrap();
    sandbox.write("holidays/one.txt", b"sun");
    (sandbox, content)
}

/// The only block of a kind.
fn block(kind: &str) -> String {
    let [block] = &blocks(kind)[..] else { panic!("one block: {kind}") };
    block.clone()
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_session_block_works() {
    let (sandbox, content) = place();
    let relay = sandbox.relay();
    let shown = shell(&sandbox, &block("sh session")).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(sandbox.read("received.jpg"), content);
    assert_eq!(sandbox.read("photo (1).jpg"), content);
    assert_eq!(shown.matches("#share1").count(), 5, "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_pipes_block_works() {
    let (sandbox, content) = place();
    let relay = sandbox.relay();
    let script = block("sh pipes").replace("| tar x", "| tar xv");
    let shown = shell(&sandbox, &script).env("SHARE_RELAY", &relay.url).ok();
    assert!(shown.contains("holidays/one.txt"), "{shown}");
    assert_eq!(sandbox.read("photo-again.jpg"), content);
    assert!(shown.ends_with(r#""v":1}"#) && shown.contains(r#""event":"sent""#), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_sender_block_works() {
    let (sandbox, _) = place();
    let relay = sandbox.relay();
    let shown = shell(&sandbox, &block("sh sender")).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(shown.matches("waiting, until").count(), 3, "{shown}");
    assert!(shown.trim_end().lines().last().unwrap().contains("taken back on"), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_folder_block_works() {
    let (sandbox, content) = place();
    shell(&sandbox, &block("sh folder")).ok();
    assert_eq!(sandbox.read("from-the-folder.jpg"), content);
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_relay_block_works() {
    let sandbox = Sandbox::new();
    let command = block("sh relay");
    let script = format!("exec 3< <({}); read -r line <&3; echo \"$line\"; kill $!", command.trim());
    let shown = shell(&sandbox, &script).env("SHARE_LISTEN", "127.0.0.1:0").ok();
    assert!(shown.starts_with("http://127.0.0.1:"), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_bucket_block_works() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let command = block("sh bucket");
    let script = format!("exec 3< <({}); read -r line <&3; echo \"$line\"; kill $!", command.trim());
    let shown = shell(&sandbox, &script).envs(s3.settings()).env("SHARE_LISTEN", "127.0.0.1:0").ok();
    assert!(shown.starts_with("http://127.0.0.1:"), "{shown}");
}

/// The first command waits for a recipient: tests/first-run runs it at a terminal and opens the link.
#[test]
#[ignore = "takes long: tests/all"]
fn the_two_commands_for_a_fresh_machine_are_those_of_the_checks() {
    let [send, tests] = &blocks("sh")[..] else { panic!("two commands") };
    assert!(text("tests/first-run").contains(send.trim()), "{send}");
    for step in ["tests/first-run", tests.trim()] {
        assert!(text(".ci/run").contains(&format!("step {step}\n")), "{step}");
    }
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_readme_lists_all_settings() {
    let readme = text("README.md");
    let sandbox = Sandbox::new();
    let mut variables = std::collections::BTreeSet::new();
    for command in ["send", "open", "peek", "status", "revoke", "list", "relay"] {
        let help = sandbox.share([command, "--help"]).ok();
        let found = help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap().to_owned());
        variables.extend(found);
    }
    assert!(variables.len() >= 11, "{variables:?}");
    for variable in variables {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_readme_lists_the_exit_codes_of_the_help() {
    let sandbox = Sandbox::new();
    let help = sandbox.share(["--help"]).ok();
    let readme = text("README.md");
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130] {
        let told = help.lines().find_map(|line| line.trim().strip_prefix(&format!("{code}  "))).unwrap();
        assert!(readme.contains(&format!("| {code} | {told}")), "{code} {told}");
    }
}

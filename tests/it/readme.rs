//! Every command that the README shows is run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cli::photo;
use super::sandbox::{SHARE, Sandbox};

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
fn shell(sandbox: &Sandbox, script: &str) -> super::sandbox::Run {
    let bin = Path::new(SHARE).parent().unwrap().display().to_string();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &format!("PATH={bin}:$PATH\n{script}")]);
    sandbox.prepare(bash)
}

#[test]
fn the_session_works_as_it_stands() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = photo(20_000);
    sandbox.write("photo.jpg", &content);
    sandbox.write("clip.mp4", b"\0\0\0\x18ftypmp42");
    sandbox.write("passphrase", b"correct horse");
    fs::create_dir(sandbox.path("holidays")).unwrap();
    sandbox.write("holidays/one.txt", b"sun");
    let [session] = &blocks("sh session")[..] else { panic!("one session") };
    let shown = shell(&sandbox, session).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(sandbox.read("received.jpg"), content);
    assert_eq!(sandbox.read("photo (1).jpg"), content);
    assert!(shown.ends_with("holidays/\nholidays/one.txt"), "{shown}");
    assert_eq!(shown.matches("#share1").count(), 4, "{shown}");
}

#[test]
fn the_relay_runs_as_it_stands() {
    let sandbox = Sandbox::new();
    let [command] = &blocks("sh relay")[..] else { panic!("one relay") };
    let script = format!("exec 3< <({}); read -r line <&3; echo \"$line\"; kill $!", command.trim());
    let shown = shell(&sandbox, &script).env("SHARE_LISTEN", "127.0.0.1:0").ok();
    assert!(shown.starts_with("http://127.0.0.1:"), "{shown}");
}

#[test]
fn the_two_commands_for_a_fresh_machine_are_what_the_checks_run() {
    let ci = text(".ci/run");
    let commands = blocks("sh");
    assert_eq!(commands.len(), 2);
    for command in commands {
        assert!(ci.contains(&format!("step {}", command.trim())), "{command}");
    }
}

#[test]
fn the_exit_codes_are_the_ones_of_the_help() {
    let sandbox = Sandbox::new();
    let help = sandbox.share(["--help"]).ok();
    let readme = text("README.md");
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130] {
        let told = help.lines().find_map(|line| line.trim().strip_prefix(&format!("{code}  "))).unwrap();
        assert!(readme.contains(&format!("| {code} | {told}")), "{code} {told}");
    }
}

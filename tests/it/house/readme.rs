//! Every command that the README and the pages in `docs` show is run, and their tables are the program's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::documents::documents;
use crate::support::{Run, SHARE, Sandbox, TestS3, files, photo};

/// The labels of code blocks with commands. Each labels one block, which a test runs, except `sh` and `sh service`.
const RUN: [&str; 13] = [
    "sh",
    "sh bucket",
    "sh desktop",
    "sh folder",
    "sh install",
    "sh open",
    "sh pipes",
    "sh receipts",
    "sh relay",
    "sh send",
    "sh sender",
    "sh service",
    "sh status",
];

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The code blocks of all documents: their labels and contents.
fn all_blocks() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in documents() {
        let mut blocks = text.split("\n```");
        blocks.next();
        while let Some(block) = blocks.next() {
            let (label, content) = block.split_once('\n').unwrap();
            found.push((label.to_owned(), content.to_owned()));
            assert!(blocks.next().is_some(), "{}: a code block does not end", path.display());
        }
    }
    found
}

/// The contents of the code blocks with a label.
fn blocks(label: &str) -> Vec<String> {
    all_blocks().into_iter().filter(|(found, _)| found == label).map(|(_, content)| content).collect()
}

/// The only block with a label.
fn block(label: &str) -> String {
    assert!(RUN.contains(&label), "{label}");
    let [block] = &blocks(label)[..] else { panic!("one block: {label}") };
    block.clone()
}

/// A shell in which `share` is the program under test.
fn shell(sandbox: &Sandbox, script: &str) -> Run {
    let bin = Path::new(SHARE).parent().unwrap().display().to_string();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &format!("PATH={bin}:$PATH\n{script}")]);
    sandbox.prepare(bash)
}

/// A directory with the files that the documents mention.
fn directory() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    let content = photo(20_000);
    sandbox.write("photo.jpg", &content);
    sandbox.write("clip.mp4", b"\0\0\0\x18ftypmp42");
    sandbox.write("passphrase", b"correct horse");
    fs::create_dir(sandbox.path("holidays")).unwrap();
    sandbox.write("holidays/one.txt", b"sun");
    (sandbox, content)
}

#[test]
fn every_block_of_commands_is_run() {
    let labels: BTreeSet<String> = all_blocks().into_iter().map(|(label, _)| label).collect();
    let shown: Vec<&str> = labels.iter().map(String::as_str).filter(|label| label.starts_with("sh")).collect();
    assert_eq!(shown, RUN);
    for label in labels {
        assert!(label.starts_with("sh") || ["console", "http", "json", "text"].contains(&label.as_str()), "{label:?}");
    }
}

#[test]
#[ignore = "takes long: tests/all"]
fn sending_works_as_it_stands() {
    let (sandbox, _) = directory();
    let relay = sandbox.relay();
    let shown = shell(&sandbox, &block("sh send")).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(shown.matches("#share1").count(), 5, "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn menus_of_file_managers_are_installed_as_it_stands() {
    let (sandbox, _) = directory();
    let script = format!("cd {:?}\n{}", env!("CARGO_MANIFEST_DIR"), block("sh desktop"));
    shell(&sandbox, &script).ok();
    let data = sandbox.home().join(".local/share");
    let installed: BTreeSet<String> =
        files(&data).iter().map(|path| path.strip_prefix(&data).unwrap().to_str().unwrap().to_owned()).collect();
    // The package for Debian has the same places.
    let manifest = text("Cargo.toml");
    let packaged = manifest.lines().filter(|line| line.contains("docs/deploy/desktop/") || line.contains("icon.svg"));
    let place = |line: &str| {
        let fields: Vec<&str> = line.split('"').collect();
        let name = if fields[3].ends_with('/') { fields[1].rsplit('/').next().unwrap() } else { "" };
        format!("{}{name}", fields[3].trim_start_matches("usr/share/"))
    };
    assert_eq!(installed, packaged.map(place).collect());
}

#[test]
#[ignore = "takes long: tests/all"]
fn opening_works_as_it_stands() {
    let (sandbox, content) = directory();
    let relay = sandbox.relay();
    let shown = shell(&sandbox, &block("sh open")).env("SHARE_RELAY", &relay.url).ok();
    assert!(shown.contains("photo.jpg: photo, 20"), "{shown}");
    assert_eq!(sandbox.read("received.jpg"), content);
    assert_eq!(sandbox.read("photo (1).jpg"), content);
}

#[test]
#[ignore = "takes long: tests/all"]
fn pipes_work_as_they_stand() {
    let (sandbox, content) = directory();
    let relay = sandbox.relay();
    let script = block("sh pipes").replace("| tar x", "| tar xv");
    let shown = shell(&sandbox, &script).env("SHARE_RELAY", &relay.url).ok();
    assert!(shown.contains("holidays/one.txt"), "{shown}");
    assert_eq!(sandbox.read("photo-again.jpg"), content);
    assert!(shown.ends_with(r#""v":1}"#) && shown.contains(r#""event":"sent""#), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn checking_and_revoking_work_as_they_stand() {
    let (sandbox, _) = directory();
    let relay = sandbox.relay();
    let shown = shell(&sandbox, &block("sh sender")).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(shown.matches("waiting").count(), 3, "{shown}");
    assert!(shown.trim_end().contains("revoked on"), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn receipts_work_as_they_stand_where_nothing_else_is_kept() {
    let (sandbox, _) = directory();
    let relay = sandbox.relay();
    // Every command has a state directory of its own.
    let script = format!("share() {{ SHARE_STATE_DIR=$(mktemp -d) command share \"$@\"; }}\n{}", block("sh receipts"));
    let shown = shell(&sandbox, &script).env("SHARE_RELAY", &relay.url).ok();
    assert_eq!(shown.matches("waiting").count(), 1, "{shown}");
    assert!(shown.trim_end().contains("revoked on"), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn a_folder_works_as_it_stands() {
    let (sandbox, content) = directory();
    shell(&sandbox, &block("sh folder")).ok();
    assert_eq!(sandbox.read("from-the-folder.jpg"), content);
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_relay_runs_as_it_stands() {
    let sandbox = Sandbox::new();
    let (command, status) = (block("sh relay"), block("sh status"));
    let script = format!("exec 3< <({}); read -r line <&3; echo \"$line\"; {status}; kill $!", command.trim());
    let shown = shell(&sandbox, &script.replace("\n;", ";")).env("SHARE_LISTEN", "127.0.0.1:0").ok();
    let (url, status) = shown.split_once('\n').unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && status.starts_with(&format!("{url} is ready\n")), "{shown}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn a_relay_over_a_bucket_runs_as_it_stands() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let command = block("sh bucket");
    let script = format!("exec 3< <({}); read -r line <&3; echo \"$line\"; kill $!", command.trim());
    let shown = shell(&sandbox, &script).envs(s3.settings()).env("SHARE_LISTEN", "127.0.0.1:0").ok();
    assert!(shown.starts_with("http://127.0.0.1:"), "{shown}");
}

/// `tests/deb` runs the commands of the packaged service, each block by its heading and its number below it.
#[test]
fn the_test_of_the_package_runs_the_commands_for_an_operator() {
    let (page, script) = (text("docs/relay.md"), text("tests/deb"));
    let (mut heading, mut below, mut count) = ("", 0, 0);
    for line in page.lines() {
        if line.starts_with('#') {
            (heading, below) = (line.trim_start_matches('#').trim(), 0);
        }
        if line == "```sh service" {
            (below, count) = (below + 1, count + 1);
            let number = if below == 1 { String::new() } else { format!(" {below}") };
            let runs = [format!("runs '{heading}'{number}\n"), format!("runs {heading}{number}\n")];
            assert!(runs.iter().any(|runs| script.contains(runs)), "{runs:?}");
        }
    }
    assert_eq!(count, blocks("sh service").len());
}

/// `tests/first-run` runs the first command at a terminal, and is the recipient; and it installs the program.
#[test]
fn the_checks_run_the_commands_for_a_fresh_machine() {
    let [send, tests] = &blocks("sh")[..] else { panic!("two commands") };
    for command in [send, &block("sh install")] {
        assert!(text("tests/first-run").contains(command.trim()), "{command}");
    }
    for step in ["tests/first-run", tests.trim()] {
        assert!(text(".ci/run").contains(&format!("step {step}\n")), "{step}");
    }
}

#[test]
fn recordings_show_what_the_program_prints() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let beach = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beach.jpg");
    let sent = sandbox.share(["send", "--relay", &relay.url, beach.to_str().unwrap()]).run();
    assert_eq!(sent.code, 0, "{sent:?}");
    let title = sent.stderr.lines().next().unwrap();
    assert!(blocks("console").iter().any(|recording| recording.lines().any(|line| line == title)), "{title}");
}

/// Every event that the commands print has a row in the table, and every member of it is named there.
#[test]
#[ignore = "takes long: tests/all"]
fn the_events_are_the_documented_ones() {
    let page = text("docs/scripting.md");
    let (sandbox, _) = directory();
    let relay = sandbox.relay();
    let script = r#"
        sent=$(share send --json -P --for anna photo.jpg)
        link=$(grep -o 'http[^"]*' <<<"$sent")
        grep -o '"passphrase":"[^"]*' <<<"$sent" | cut -d'"' -f4 >passphrase
        export SHARE_PASSPHRASE_FILE=passphrase SHARE_JSON=1
        echo "$sent"; share peek "$link"; share status; share list
        share open "$link" -o opened.jpg; share status; share list --forget
        share send clip.mp4; share revoke --yes; share open "$link" -o again.jpg || true; share relay check
        share relay use "$SHARE_RELAY"
        share relay token ben --create-token-file tokens; share completions bash; share man send
        share relay --store memory: --listen 127.0.0.1:0 >relay &
        until grep -q listening relay; do sleep 0.05; done
        kill $!; wait $! || true; cat relay
        unset SHARE_PASSPHRASE_FILE
        share send --direct --listen 127.0.0.1:0 photo.jpg >direct &
        until grep -q sent direct; do sleep 0.05; done
        link=$(grep -o 'http[^"]*' direct)
        share peek "$link"; share open "$link" -o direct.jpg
        until grep -q ended direct; do sleep 0.05; done
        kill $!; wait $! || true; cat direct
    "#;
    let shown = shell(&sandbox, script).env("SHARE_RELAY", &relay.url).ok();
    let status = page.lines().find(|line| line.starts_with("| `status`")).unwrap();
    let mut events = BTreeSet::new();
    for line in shown.lines() {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let event = line["event"].as_str().unwrap().to_owned();
        let row = match event.as_str() {
            "done" => page.lines().find(|line| line.starts_with(r#"`{"event":"done""#)),
            _ => page
                .lines()
                .find(|line| line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{event}`")))),
        };
        let row = row.unwrap_or_else(|| panic!("{event} is not in the table"));
        // The members of `status` are listed once.
        let status = if row.contains("as `status`") { status } else { "" };
        let named = format!("{row}{status}").replace('"', "`");
        for member in line.keys().filter(|member| !["v", "event"].contains(&member.as_str())) {
            assert!(named.contains(&format!("`{member}`")), "{event}: {member}");
        }
        events.insert(event);
    }
    assert_eq!(events.len(), 18, "{events:?}");
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_settings_are_the_ones_that_are_read() {
    let page = text("docs/scripting.md");
    let sandbox = Sandbox::new();
    let mut variables = BTreeSet::new();
    for command in ["send", "open", "peek", "status", "revoke", "list", "relay"] {
        let help = sandbox.share([command, "--help"]).ok();
        let found = help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap().to_owned());
        variables.extend(found);
    }
    assert!(variables.len() >= 11, "{variables:?}");
    for variable in variables {
        assert!(page.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
#[ignore = "takes long: tests/all"]
fn the_exit_codes_are_the_ones_of_the_help() {
    let sandbox = Sandbox::new();
    let help = sandbox.share(["--help"]).ok();
    let page = text("docs/scripting.md");
    // Two columns, each of a code and its meaning.
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let cells: Vec<_> = codes.split("  ").flat_map(str::lines).map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells.len(), 22, "{cells:?}");
    for pair in cells.chunks(2) {
        assert!(page.contains(&format!("| {} | {} |", pair[0], pair[1])), "{pair:?}");
    }
}

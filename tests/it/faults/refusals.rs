//! File systems that refuse an operation: hard links, renames that never replace, flushing, locks. `strace` injects the
//! errors into the real program.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{CHANGES, Ended, RelayProcess, Run, SHARE, Sandbox, files, photo};

/// The injected errors, as options of `strace`.
type Refusals<'a> = &'a [&'a str];

/// No hard links, as for programs on Android.
const NO_LINKS: &str = "linkat:error=EPERM";
/// No rename that never replaces.
const NO_RENAME: &str = "renameat2:error=EINVAL";
/// `link` is a different system call from `linkat`.
const NO_OLD_LINKS: &str = "link:error=EPERM";

/// A run of the program in which some system calls fail.
fn refused(sandbox: &Sandbox, refusals: Refusals, args: &[&str]) -> Run {
    // A relay that starts although it should refuse would run forever.
    let mut traced = Command::new("timeout");
    traced.args(["-s", "KILL", "60", "strace", "-f", "-qqq", "-o", "/dev/null"]);
    for refusal in refusals {
        traced.args(["-e", &format!("inject={refusal}")]);
    }
    sandbox.prepare(strace_of(traced, args)).env("SHARE_GIVE_UP", "30s")
}

fn strace_of(mut traced: Command, args: &[&str]) -> Command {
    traced.arg(SHARE).args(args);
    traced
}

fn sent(sandbox: &Sandbox, relay: &RelayProcess, names: &[&str]) -> String {
    sandbox.share(["send", "-q", "--metadata", "keep", "--relay", &relay.url].iter().chain(names)).ok()
}

#[test]
#[ignore = "needs strace: tests/all"]
fn files_are_saved_whichever_operation_a_file_system_refuses() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = photo(300_000);
    sandbox.write("beach.jpg", &content);
    sandbox.write("second.jpg", &content);
    let refusals: [Refusals; 9] = [
        &[NO_LINKS],
        &["linkat:error=EACCES", NO_OLD_LINKS],
        &[NO_LINKS, NO_RENAME],
        &[NO_LINKS, NO_OLD_LINKS, NO_RENAME],
        // As on a machine without `/proc`.
        &["linkat:error=ENOENT"],
        &["fsync:error=EINVAL"],
        &["fsync:error=EOPNOTSUPP", "syncfs:error=ENOSYS"],
        &["flock:error=ENOLCK"],
        &["flock:error=EOPNOTSUPP", NO_LINKS, NO_OLD_LINKS, NO_RENAME, "fsync:error=EBADF", "statfs:error=ENOSYS"],
    ];
    for (number, refusals) in refusals.iter().enumerate() {
        // A device without a secret.
        let home = sandbox.other_home(&format!("home-{number}"));
        let there = |args: &[&str]| refused(&sandbox, refusals, args).env("HOME", &home).run();
        let quiet = |ended: &Ended| {
            assert_eq!(ended.code, 0, "{refusals:?} {ended:?}");
            assert!(!ended.stderr.contains("warning"), "{refusals:?} {ended:?}");
        };
        let link = sent(&sandbox, &relay, &["beach.jpg"]);
        fs::write(sandbox.path("got.jpg"), "another").unwrap();
        let ended = there(&["open", &link, "-o", "got.jpg"]);
        assert_eq!(ended.code, 8, "what is there is never replaced: {refusals:?} {ended:?}");
        quiet(&there(&["open", &link, "-o", "got.jpg", "-f"]));
        assert!(sandbox.read("got.jpg") == content, "{refusals:?}");
        fs::create_dir(sandbox.path("in")).unwrap();
        fs::write(sandbox.path("in/beach.jpg"), "another").unwrap();
        quiet(&there(&["open", &sent(&sandbox, &relay, &["beach.jpg"]), "-o", "in"]));
        assert_eq!(sandbox.read("in/beach.jpg"), b"another", "{refusals:?}");
        assert!(sandbox.read("in/beach (1).jpg") == content, "{refusals:?}");
        quiet(&there(&["open", &sent(&sandbox, &relay, &["beach.jpg", "second.jpg"]), "-o", "album"]));
        assert!(sandbox.read("album/second.jpg") == content, "{refusals:?}");
        // Its state directory can be written too: only the device's secret is left in it.
        quiet(&there(&["list"]));
        let kept = files(&home);
        assert_eq!(kept.len(), 1, "{refusals:?} {kept:?}");
        assert_eq!(fs::read(&kept[0]).unwrap().len(), 32, "{refusals:?}");
        assert_eq!(sandbox.names(), ["album", "beach.jpg", "got.jpg", "in", "second.jpg"], "{refusals:?}");
        for name in ["album", "in"] {
            fs::remove_dir_all(sandbox.path(name)).unwrap();
        }
    }
}

#[test]
#[ignore = "needs strace: tests/all"]
fn a_program_killed_on_a_limited_file_system_leaves_nothing_and_resumes() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = photo(100_000);
    sandbox.write("beach.jpg", &content);
    let refusals = [NO_LINKS, NO_OLD_LINKS, NO_RENAME];
    let mut deaths = 0;
    for call in CHANGES.iter().filter(|call| !matches!(**call, "write" | "renameat2" | "linkat")) {
        for number in 1..100 {
            let link = sent(&sandbox, &relay, &["beach.jpg"]);
            let kill = format!("{call}:signal=KILL:when={number}");
            let harmed: Vec<&str> = refusals.iter().copied().chain([&*kill]).collect();
            let ended = refused(&sandbox, &harmed, &["open", "-q", &link, "-o", "got.jpg"]).run();
            let whole = fs::read(sandbox.path("got.jpg")).unwrap_or_default();
            assert!(whole.is_empty() || whole == content, "part of it: {call} {number}");
            if ended.code != 0 && whole.is_empty() {
                refused(&sandbox, &refusals, &["open", "-q", &link, "-o", "got.jpg"]).ok();
            }
            assert!(sandbox.read("got.jpg") == content, "{call} {number} {ended:?}");
            fs::remove_file(sandbox.path("got.jpg")).unwrap();
            sandbox.share(["list", "-q"]).ok();
            assert_eq!(sandbox.names(), ["beach.jpg"], "{call} {number} {ended:?}");
            if ended.code == 0 {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths > 5, "{deaths}");
}

#[test]
#[ignore = "needs strace: tests/all"]
fn a_failing_disk_is_named_and_is_not_treated_as_a_refusal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("beach.jpg", &photo(100_000));
    let link = sent(&sandbox, &relay, &["beach.jpg"]);
    sandbox.share(["list"]).ok();
    fs::create_dir(sandbox.path("in")).unwrap();
    let failing = |path: &Path| {
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qqq", "-o", "/dev/null", "-P"]).arg(path);
        traced.args(["-e", "inject=fsync:error=EIO"]);
        sandbox.prepare(strace_of(traced, &["open", &link, "-o", "in"])).run()
    };
    let notes = sandbox.home().join(".local/state/share/opening");
    fs::create_dir_all(&notes).unwrap();
    let ended = failing(&notes);
    assert_eq!(ended.code, 8, "{ended:?}");
    let error = format!(
        "error: {}: input/output error\nhint: use --state-dir DIR on another disk; nothing was opened",
        notes.display()
    );
    assert!(ended.stderr.contains(&error), "{ended:?}");
    let ended = failing(&sandbox.path("in"));
    assert_eq!(ended.code, 8, "{ended:?}");
    assert!(
        ended.stderr.contains("error: in: input/output error\nhint: use another path with -o; nothing was opened"),
        "{ended:?}"
    );
    sandbox.share(["open", "-q", &link, "-o", "in"]).ok();
    assert_eq!(sandbox.names(), ["beach.jpg", "in"]);
}

#[test]
#[ignore = "needs strace: tests/all"]
fn a_relay_refuses_a_folder_in_which_two_openers_could_win() {
    let sandbox = Sandbox::new();
    let store = format!("file://{}", sandbox.path("store").display());
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &store];
    let links = [NO_LINKS, NO_OLD_LINKS, NO_RENAME];
    let ended = refused(&sandbox, &links, &relay).fails(8, "neither hard links nor a rename that never replaces");
    assert!(ended.stderr.contains("hint: use a folder on another file system"), "{ended:?}");
    let ended = refused(&sandbox, &links, &["relay", "use", &store]);
    ended.fails(8, "neither hard links nor a rename that never replaces");
    refused(&sandbox, &["flock:error=ENOLCK"], &relay).fails(8, "cannot be locked");
    // One of the two operations is enough, and so is a folder that cannot be flushed.
    for refusals in [&[NO_LINKS, NO_OLD_LINKS][..], &[NO_RENAME], &["fsync:error=EINVAL", "syncfs:error=EINVAL"]] {
        let home = sandbox.other_home(&format!("home-{}", refusals[0]));
        let share = |args: &[&str]| refused(&sandbox, refusals, args).env("HOME", &home);
        let folder = format!("file://{}", sandbox.path(&format!("folder-{}", refusals[0])).display());
        share(&["relay", "use", "-q", &folder]).ok();
        let link = share(&["send", "-q"]).input("text").ok();
        assert_eq!(share(&["open", "-q", &link]).ok(), "text", "{refusals:?}");
        share(&["open", &link]).fails(3, "already opened");
    }
}

//! Relays over folders whose file systems offer less: hard links, locks, flushing, modes. Each works, or is refused
//! with its reason.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{Limited, Run, SHARE, Sandbox};

/// A directory that others may enter, as `mkdir -m 755` makes it, and its address.
fn volume(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.path(name);
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    format!("file://{}", path.display())
}

/// A run in which some system calls fail.
fn refused(sandbox: &Sandbox, refusals: &[&str], args: &[&str]) -> Run {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qqq", "-o", "/dev/null"]);
    for refusal in refusals {
        traced.args(["-e", &format!("inject={refusal}")]);
    }
    traced.arg(SHARE).args(args);
    sandbox.prepare(traced)
}

const NO_RENAME: [&str; 2] = ["renameat2:error=EINVAL", "renameat2:error=ENOSYS"];
const NO_LINKS: [[&str; 2]; 3] = [
    ["linkat:error=EPERM", "link:error=EPERM"],
    ["linkat:error=EOPNOTSUPP", "link:error=EOPNOTSUPP"],
    ["linkat:error=ENOSYS", "link:error=ENOSYS"],
];

#[test]
#[ignore = "needs strace: tests/all"]
fn a_relay_works_without_hard_links_or_without_a_rename_that_never_replaces() {
    let links = NO_LINKS.iter().map(|refusals| &refusals[..]);
    let renames = NO_RENAME.iter().map(std::slice::from_ref);
    let flushes = ["fsync:error=EINVAL", "fsync:error=EOPNOTSUPP"].map(|refusal| [refusal, "syncfs:error=ENOSYS"]);
    let sandbox = Sandbox::new();
    for (number, refusals) in links.chain(renames).chain(flushes.iter().map(|all| &all[..])).enumerate() {
        let store = volume(&sandbox, &format!("volume-{number}"));
        let args = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &store];
        let start = || sandbox.start_as_relay(refused(&sandbox, refusals, &args));
        let relay = start();
        let [first, second] =
            ["one", "two"].map(|text| sandbox.share(["send", "-q", "--relay", &relay.url]).input(text).ok());
        assert_eq!(sandbox.share(["open", "-q", &first]).ok(), "one", "{refusals:?}");
        drop(relay);
        let relay = start();
        let at = |link: &str| format!("{}#{}", relay.url, link.split_once('#').unwrap().1);
        let there = sandbox.other_home("ben");
        sandbox.share(["open", &at(&first)]).env("HOME", there).fails(3, "on another device");
        assert_eq!(sandbox.share(["open", "-q", &at(&second)]).ok(), "two", "{refusals:?}");
    }
}

#[test]
#[ignore = "needs strace: tests/all"]
fn a_relay_is_refused_with_its_reason_where_a_share_could_be_opened_twice() {
    let sandbox = Sandbox::new();
    let store = volume(&sandbox, "volume");
    let args = ["relay", "--listen", "127.0.0.1:0", "--store", &store];
    for rename in NO_RENAME {
        for [link, old] in NO_LINKS {
            let ended = refused(&sandbox, &[rename, link, old], &args);
            let ended = ended.fails(8, "the file system has neither hard links nor a rename that never replaces");
            assert!(ended.stderr.contains("hint: use a folder on another file system"), "{ended:?}");
        }
    }
    for (error, why) in [
        ("ENOLCK", "no locks available"),
        ("ENOSYS", "function not implemented"),
        ("EOPNOTSUPP", "operation not supported"),
        ("EIO", "input/output error"),
    ] {
        let lock = format!("flock:error={error}");
        let ended = refused(&sandbox, &[&lock], &args);
        let ended = ended.fails(8, "cannot be locked, so a second relay would not be detected");
        assert!(ended.stderr.contains(why) && ended.stderr.contains("--shared-folder"), "{ended:?}");
        // The next step works, and so do clients without a server.
        let shared = [&args[..], &["--shared-folder", "--reserve", "0"]].concat();
        let relay = sandbox.start_as_relay(refused(&sandbox, &[&lock], &shared));
        let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("text").ok();
        assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
        drop(relay);
        refused(&sandbox, &[&lock], &["relay", "use", "-q", &store]).ok();
        let link = refused(&sandbox, &[&lock], &["send", "-q"]).input("text").ok();
        assert_eq!(refused(&sandbox, &[&lock], &["open", "-q", &link]).ok(), "text");
    }
    // An error of the disk is none of these.
    let ended = refused(&sandbox, &["fsync:error=EIO"], &args).fails(8, "input/output error");
    assert!(!ended.stderr.contains("another relay"), "{ended:?}");
}

#[test]
#[ignore = "needs a C compiler: tests/all"]
fn a_relay_works_where_each_flush_of_a_directory_fails_and_notices_one_that_fails_later() {
    let sandbox = Sandbox::new();
    let (limited, when) = (Limited::compile(&sandbox), sandbox.path("unflushed"));
    let store = volume(&sandbox, "volume");
    let args = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &store];
    let start = || sandbox.start_as_relay(limited.unflushed(sandbox.share(args), when.to_str().unwrap()));
    let send = |url: &str| sandbox.share(["send", "-q", "--relay", url, "--give-up", "2s"]).input("text");
    fs::write(&when, "").unwrap();
    let relay = start();
    let link = send(&relay.url).ok();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    drop(relay);
    fs::remove_file(&when).unwrap();
    let relay = start();
    send(&relay.url).ok();
    fs::write(&when, "").unwrap();
    send(&relay.url).fails(6, "is busy");
}

#[test]
#[ignore = "needs a C compiler: tests/all"]
fn a_file_system_without_modes_works_with_a_warning_unless_others_may_write() {
    let sandbox = Sandbox::new();
    let limited = Limited::compile(&sandbox);
    let store = volume(&sandbox, "volume");
    let used = limited.modes(sandbox.share(["relay", "use", &store]), "755").run();
    assert_eq!(used.code, 0, "{used:?}");
    let warning = "has no modes: other users of this machine can read and copy the encrypted data";
    assert_eq!(used.stderr.matches(warning).count(), 1, "{used:?}");
    let sent = limited.modes(sandbox.share(["send"]).input("text"), "755").run();
    assert!(sent.code == 0 && !sent.stderr.contains("modes"), "{sent:?}");
    let link = String::from_utf8(sent.stdout).unwrap();
    assert_eq!(limited.modes(sandbox.share(["open", "-q", link.trim()]), "755").ok(), "text");
    let store = volume(&sandbox, "open");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &store];
    for modes in ["777", "775"] {
        let ended = limited.modes(sandbox.share(relay), modes);
        let ended = ended.fails(8, "other users of this machine can change files in");
        assert!(ended.stderr.contains("hint: mount it with umask=077"), "{ended:?}");
        fs::remove_dir(sandbox.path("open/share-relay")).unwrap();
    }
}

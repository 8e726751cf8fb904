//! The places of stores: folders that other users may enter, and folders that programs copy between computers.

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::{SHARE, Sandbox, files, skip};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A directory `team` with this mode, and its address.
fn team(sandbox: &Sandbox, mode: u32) -> String {
    fs::create_dir(sandbox.path("team")).unwrap();
    set_mode(&sandbox.path("team"), mode);
    format!("file://{}", sandbox.path("team").display())
}

const SAID: &str = "so everything is stored in";

#[test]
fn a_relay_keeps_everything_private_in_a_directory_that_others_may_enter() {
    for outer in [0o755, 0o2775, 0o1777, 0o750] {
        let sandbox = Sandbox::new();
        let store = team(&sandbox, outer);
        let relay = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &store];
        let run = |log: &mut String| {
            let relay = sandbox.start_as_relay(sandbox.share(relay));
            *log = fs::read_to_string(&relay.log).unwrap();
            relay
        };
        let mut log = String::new();
        let running = run(&mut log);
        let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
        let said = format!("Other users can enter {}, {SAID} {}\n", outside.display(), inside.display());
        assert_eq!(log, said);
        let link = sandbox.share(["send", "-q", "--relay", &running.url]).input("text").ok();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(mode(&inside) & 0o777, 0o700);
        let held = sandbox.share(relay).fails(8, "another relay is using");
        assert!(!held.stderr.contains(SAID), "{held:?}");
        assert!(held.stderr.contains("team/share-relay"), "{held:?}");
        drop(running);
        // It is found again, also when the directory is private by then, and nothing more is printed.
        set_mode(&outside, 0o700);
        let running = run(&mut log);
        assert_eq!(log.matches(SAID).count(), 1, "{log}");
        let link = format!("{}#{}", running.url, link.split_once('#').unwrap().1);
        assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    }
}

#[test]
fn a_folder_without_a_server_is_private_in_a_directory_that_others_may_enter() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o755);
    // As on a USB stick.
    sandbox.write("team/letter.txt", b"dear");
    let used = sandbox.share(["relay", "use", &url]).run();
    assert_eq!(used.code, 0, "{used:?}");
    assert_eq!(used.stderr.matches(SAID).count(), 1, "{used:?}");
    let link = sandbox.share(["send", "-q"]).input("text").ok();
    assert!(link.starts_with(&format!("{url}/#share1")), "{link}");
    set_mode(&sandbox.path("team"), 0o700);
    let listed = sandbox.share(["status"]).run();
    assert!(listed.code == 0 && !listed.stderr.contains(SAID), "{listed:?}");
    let there = sandbox.other_home("ben");
    assert_eq!(sandbox.share(["open", "-q", &link, "--relay", &url]).env("HOME", &there).ok(), "text");
    sandbox.share(["open", &link]).fails(3, "on another device");
    assert_eq!(fs::read_dir(sandbox.path("team")).unwrap().count(), 2);
}

#[test]
fn a_store_that_lies_directly_in_a_directory_stays_there() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o700);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    let link = sandbox.share(["send", "-q"]).input("text").ok();
    set_mode(&sandbox.path("team"), 0o755);
    let refused = sandbox.share(["open", &link]).fails(8, "can be read by other users of this machine");
    assert!(refused.stderr.contains("try: chmod o= "), "{refused:?}");
    // A directory of that name in it, as another member of a group could make it, changes nothing.
    fs::create_dir(sandbox.path("team/share-relay")).unwrap();
    sandbox.share(["open", &link]).fails(8, "can be read by other users of this machine");
    set_mode(&sandbox.path("team"), 0o700);
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    assert_eq!(fs::read_dir(sandbox.path("team/share-relay")).unwrap().count(), 0);
}

#[test]
fn a_planted_private_directory_is_refused() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o777);
    let inside = sandbox.path("team/share-relay");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    let refused = |why: &str| {
        for command in [&relay[..], &["relay", "use", &url]] {
            let ended = sandbox.share(command).fails(8, why);
            assert!(ended.stderr.contains("use a new directory"), "{ended:?}");
        }
    };
    let elsewhere = sandbox.other_home("elsewhere");
    symlink(&elsewhere, &inside).unwrap();
    refused("share-relay is a symbolic link");
    fs::remove_file(&inside).unwrap();
    fs::write(&inside, "x").unwrap();
    sandbox.share(["relay", "use", &url]).fails(8, "not a directory");
    fs::remove_file(&inside).unwrap();
    // The folder of a group has its own address.
    fs::create_dir(&inside).unwrap();
    set_mode(&inside, 0o2770);
    let ended = sandbox.share(relay).fails(8, "share-relay is the folder of a group");
    assert!(ended.stderr.contains(&format!("{url}/share-relay")), "{ended:?}");
    assert_eq!(mode(&inside), 0o2770);
    // One of ours is made private again.
    set_mode(&inside, 0o755);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    assert_eq!(mode(&inside), 0o700);
    assert_eq!(files(&elsewhere).len(), 0);
    fs::remove_dir_all(&inside).unwrap();
    fs::create_dir(&inside).unwrap();
    if chown(&inside, Some(7001), None).is_err() {
        skip("only root can be two users");
        return;
    }
    refused("share-relay belongs to another user");
    assert_eq!(files(&inside).len(), 0);
}

#[test]
fn a_relay_stays_in_its_directory_when_others_exchange_it() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o777);
    let relay = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &url];
    let running = sandbox.start_as_relay(sandbox.share(relay));
    let (inside, moved) = (sandbox.path("team/share-relay"), sandbox.path("team/moved"));
    fs::rename(&inside, &moved).unwrap();
    let elsewhere = sandbox.other_home("elsewhere");
    symlink(&elsewhere, &inside).unwrap();
    let send = sandbox.share(["send", "-q", "--relay", &running.url, "--give-up", "20s"]);
    let link = send.input("text").ok();
    assert!(files(&moved.join("v1")).len() > 2);
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    assert_eq!(files(&elsewhere).len(), 0);
}

#[test]
fn a_directory_of_another_user_is_refused_with_the_command_that_helps() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o755);
    set_mode(&sandbox.path(""), 0o755);
    if chown(sandbox.path("team"), Some(7001), None).is_err() {
        skip("only root can be two users");
        return;
    }
    let as_other = || {
        let mut as_other = Command::new("setpriv");
        as_other.args(["--reuid", "7002", "--regid", "7002", "--clear-groups", SHARE]);
        as_other.args(["relay", "--listen", "127.0.0.1:0", "--store", &url]);
        sandbox.prepare(as_other).fails(8, "permission denied").stderr
    };
    let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
    assert!(as_other().contains(&format!("try: chown 7002 {}\n", outside.display())));
    // The private directory of another user, as after a first start as root.
    fs::DirBuilder::new().mode(0o700).create(&inside).unwrap();
    chown(&outside, Some(7002), None).unwrap();
    assert!(as_other().contains(&format!("try: chown -R 7002 {}\n", inside.display())));
}

#[test]
fn a_folder_that_a_program_copies_between_computers_is_refused() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("Dropbox")).unwrap();
    let team = sandbox.path("Dropbox/team");
    let url = format!("file://{}", team.display());
    // Used before it was copied.
    sandbox.share(["relay", "use", "-q", &url]).ok();
    let link = sandbox.share(["send", "-q"]).input("text").ok();
    sandbox.write("Dropbox/.dropbox", b"");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    for command in [&relay[..], &["relay", "use", &url], &["send"], &["open", &link], &["peek", &link]] {
        let ended = sandbox.share(command).input("x").fails(8, "Dropbox copies ");
        let marker = sandbox.path("Dropbox/.dropbox").canonicalize().unwrap();
        assert!(ended.stderr.contains(&format!("({})", marker.display())), "{ended:?}");
        assert!(ended.stderr.contains("two of them could open the same share before the copies meet"), "{ended:?}");
        assert!(ended.stderr.contains("can still be revoked"), "{ended:?}");
    }
    // A share that waits there is not opened, and can be revoked: its encrypted data are deleted.
    let listed = sandbox.share(["status"]).run();
    assert!(listed.code == 0 && listed.stderr.contains("may be out of date"), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("waiting"), "{listed:?}");
    sandbox.share(["revoke", &link]).ok();
    assert!(!files(&team).iter().any(|path| path.to_string_lossy().contains("/part/")));
    // A new directory there is not created.
    let new = format!("file://{}", sandbox.path("Dropbox/new").display());
    sandbox.share(["relay", "use", &new]).fails(8, "Dropbox copies ");
    assert!(!sandbox.path("Dropbox/new").exists());
    // Through a symbolic link too.
    symlink(&team, sandbox.path("there")).unwrap();
    let linked = format!("file://{}", sandbox.path("there").display());
    sandbox.share(["relay", "--listen", "127.0.0.1:0", "--store", &linked]).fails(8, "Dropbox copies ");
}

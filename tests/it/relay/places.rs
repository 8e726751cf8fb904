//! The places of stores: folders that other users may enter, and folders that programs copy between computers.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::{Run, SHARE, Sandbox, files, skip};

pub(super) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A directory `team` with this mode, and its address.
pub(super) fn team(sandbox: &Sandbox, mode: u32) -> String {
    fs::create_dir(sandbox.path("team")).unwrap();
    set_mode(&sandbox.path("team"), mode);
    format!("file://{}", sandbox.path("team").display())
}

const SAID: &str = "so everything is stored in";

#[test]
fn a_relay_keeps_everything_private_in_a_directory_that_others_may_enter() {
    // Other systems refuse a directory that the group may exchange.
    let outer: &[u32] = if cfg!(system = "linux") { &[0o755, 0o2775, 0o1777, 0o750] } else { &[0o755, 0o1777, 0o750] };
    for &outer in outer {
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
        assert!(log.starts_with(&said), "{log}");
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
    let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    let refused = |why: &str, hint: &str| {
        for command in [&relay[..], &["relay", "use", &url], &["open", &link]] {
            let ended = sandbox.share(command).fails(8, why);
            let [inside, lock] = [&inside, &outside.join("lock")].map(|path| path.display().to_string());
            assert!(ended.stderr.contains(&inside) && ended.stderr.contains(&lock), "{ended:?}");
            assert!(ended.stderr.contains(hint), "{ended:?}");
        }
    };
    set_mode(&outside, 0o755);
    refused("would hide it", &format!("try: chmod o= {}", outside.display()));
    assert!(!inside.exists());
    // Which of two is meant is the user's decision, whatever lies in them.
    fs::create_dir(&inside).unwrap();
    for outer in [0o755, 0o700] {
        set_mode(&outside, outer);
        refused("belongs to one store, and", "hint: move the one that is not in use to another place");
    }
    fs::remove_dir(&inside).unwrap();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
}

#[cfg(system = "linux")]
#[test]
fn a_store_in_a_private_directory_does_not_vanish_when_a_file_named_lock_appears() {
    for trace in ["lock", "share-store", "v1/"] {
        let sandbox = Sandbox::new();
        let store = team(&sandbox, 0o770);
        let relay = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &store];
        let running = sandbox.start_as_relay(sandbox.share(relay));
        let link = sandbox.share(["send", "-q", "--relay", &running.url]).input("text").ok();
        drop(running);
        let found = sandbox.path("team").join(trace);
        if trace.ends_with('/') {
            fs::create_dir(&found).unwrap();
        } else {
            fs::write(&found, "").unwrap();
        }
        let ended = sandbox.share(relay).fails(8, "belongs to one store, and");
        assert!(ended.stderr.contains("team/share-relay"), "{ended:?}");
        if trace.ends_with('/') {
            fs::remove_dir(&found).unwrap();
        } else {
            fs::remove_file(&found).unwrap();
        }
        let running = sandbox.start_as_relay(sandbox.share(relay));
        let link = format!("{}#{}", running.url, link.split_once('#').unwrap().1);
        assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    }
}

/// A run of a program as another user, who can enter the sandbox.
fn as_user(sandbox: &Sandbox, user: &str, args: &[&str]) -> Run {
    set_mode(&sandbox.path(""), 0o755);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--groups", "7000", SHARE]).args(args);
    let home = sandbox.other_home(user);
    chown(&home, Some(user.parse().unwrap()), None).unwrap();
    sandbox.prepare(command).env("HOME", home)
}

#[test]
fn a_store_of_another_user_does_not_vanish() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o2770);
    let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
    if chown(&outside, Some(7003), Some(7000)).is_err() {
        skip("only root can be two users");
        return;
    }
    set_mode(&outside, 0o2770);
    // The store of a group, which a member made.
    as_user(&sandbox, "7001", &["relay", "use", "-q", &url]).ok();
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    set_mode(&outside, 0o2775);
    for command in [&relay[..], &["relay", "use", &url]] {
        let ended = as_user(&sandbox, "7002", command).fails(8, "would hide it");
        assert!(ended.stderr.contains("hint: run share as the owner of"), "{ended:?}");
        assert!(!inside.exists());
    }
    set_mode(&outside, 0o2770);
    as_user(&sandbox, "7002", &["relay", "use", "-q", &url]).ok();
    // The private store of one user, from an older version.
    for name in ["lock", "share-store"] {
        set_mode(&outside.join(name), 0o600);
    }
    as_user(&sandbox, "7002", &relay).fails(8, "would hide it");
    // A stranger's files mean nothing if anyone may write.
    set_mode(&outside, 0o1777);
    chown(&outside, Some(0), None).unwrap();
    as_user(&sandbox, "7002", &["relay", "use", "-q", &url]).ok();
    assert!(inside.join("share-store").exists());
}

/// Changes modes as Kubernetes does in a volume with `fsGroup`, before each start.
fn give_to_group(path: &Path) {
    let data = fs::symlink_metadata(path).unwrap();
    set_mode(path, data.mode() & 0o7777 | if data.is_dir() { 0o2770 } else { 0o660 });
    if data.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to_group(&entry.unwrap().path());
        }
    }
}

#[cfg(system = "linux")]
#[test]
fn a_relay_starts_again_in_a_volume_that_is_given_to_a_group_before_each_start() {
    let sandbox = Sandbox::new();
    let store = team(&sandbox, 0o755);
    let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
    let relay = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &store];
    let mut links = Vec::new();
    for _ in 0..3 {
        give_to_group(&outside);
        let running = sandbox.start_as_relay(sandbox.share(relay));
        assert_eq!(mode(&inside) & 0o777, 0o700);
        links.push(sandbox.share(["send", "-q", "--relay", &running.url]).input("text").ok());
    }
    let running = sandbox.start_as_relay(sandbox.share(relay));
    for link in links {
        let link = format!("{}#{}", running.url, link.split_once('#').unwrap().1);
        assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "text");
    }
    drop(running);
    // Without a server, the directory may as well be one that a group shares.
    give_to_group(&outside);
    sandbox.share(["relay", "use", &store]).fails(8, "share-relay is the folder of a group");
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
    let relay = |store: &str| as_user(&sandbox, "7002", &["relay", "--listen", "127.0.0.1:0", "--store", store]);
    let denied = |store: &str| relay(store).fails(8, "permission denied").stderr;
    let (outside, inside) = (sandbox.path("team"), sandbox.path("team/share-relay"));
    // Each command changes nothing but the directory of the store.
    let new = format!("{}/team/a/b", sandbox.path("").display());
    for (store, directory) in [(&url, inside.to_str().unwrap()), (&format!("file://{new}"), &new)] {
        let args = ["install", "-d", "-o", "7002", "-m", "700", directory];
        assert!(denied(store).contains(&format!("try: sudo {}\n", args.join(" "))), "{}", denied(store));
        assert!(Command::new(args[0]).args(&args[1..]).status().unwrap().success());
        drop(sandbox.start_as_relay(relay(store)));
        assert_eq!(fs::metadata(&outside).unwrap().uid(), 7001);
    }
    // The private directory of another user, as after a first start as root.
    chown(&inside, Some(0), None).unwrap();
    assert!(denied(&url).contains(&format!("try: sudo chown -R 7002 {}\n", inside.display())));
    // Nor is a directory taken from a group, or one that may hold anything.
    set_mode(&outside, 0o770);
    assert!(denied(&url).contains("try: --store file:///another/directory\n"), "{}", denied(&url));
    set_mode(&outside, 0o700);
    let hint = format!("hint: if {0} is only for shares: sudo chown -R 7002 {0}\n", outside.display());
    assert!(denied(&url).contains(&hint), "{}", denied(&url));
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
    let without_a_server: [&[&str]; 3] = [&["send"], &["open", &link], &["peek", &link]];
    for command in [&relay[..], &["relay", "use", &url]].into_iter().chain(without_a_server) {
        let ended = sandbox.share(command).input("x").fails(8, "Dropbox copies ");
        let marker = sandbox.path("Dropbox/.dropbox").canonicalize().unwrap();
        assert!(ended.stderr.contains(&format!("({})", marker.display())), "{ended:?}");
        assert!(ended.stderr.contains("two of them could open the same share before the copies meet"), "{ended:?}");
        let root = format!("use a directory outside {}, even if Dropbox is set to", marker.parent().unwrap().display());
        assert!(ended.stderr.contains(&root), "{ended:?}");
        let is_served = !without_a_server.contains(&command);
        assert_eq!(ended.stderr.contains("can still be revoked"), !is_served, "{ended:?}");
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

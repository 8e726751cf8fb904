//! Files that other users plant in directories of stores.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::process::Command;

use super::places::{mode, set_mode, team};
use crate::support::{SHARE, Sandbox, files, skip};

#[cfg(system = "linux")]
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

#[cfg(system = "linux")]
#[test]
fn a_private_directory_in_which_others_could_plant_something_is_refused() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o777);
    let inside = sandbox.path("team/share-relay");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--reserve", "0", "--store", &url];
    // An empty one is made private.
    fs::create_dir(&inside).unwrap();
    set_mode(&inside, 0o777);
    drop(sandbox.start_as_relay(sandbox.share(relay)));
    assert_eq!(mode(&inside), 0o700);
    for writers in [0o777, 0o770, 0o702] {
        set_mode(&inside, writers);
        let ended = sandbox.share(relay).fails(8, "can change files in");
        assert!(ended.stderr.contains("and may have done so") && ended.stderr.contains("use a new directory"));
        assert_eq!(mode(&inside), writers);
    }
    // Others could read it, but change nothing.
    set_mode(&inside, 0o755);
    drop(sandbox.start_as_relay(sandbox.share(relay)));
    assert_eq!(mode(&inside), 0o700);
    let elsewhere = sandbox.path("elsewhere");
    for name in ["lock", "v1", "share-store"] {
        let _ = fs::rename(inside.join(name), sandbox.path("kept"));
        symlink(&elsewhere, inside.join(name)).unwrap();
        sandbox.share(relay).fails(8, &format!("share-relay/{name} is a symbolic link"));
        assert!(!elsewhere.exists());
        fs::remove_file(inside.join(name)).unwrap();
        let _ = fs::rename(sandbox.path("kept"), inside.join(name));
    }
    for name in ["tmp", "v1", "due", "probe", "lock"] {
        let path = inside.join(name);
        let is_new = !path.exists();
        if is_new {
            fs::create_dir(&path).unwrap();
        }
        if chown(&path, Some(7001), None).is_err() {
            skip("only root can be two users");
            return;
        }
        sandbox.share(relay).fails(8, &format!("share-relay/{name} belongs to another user"));
        chown(&path, Some(0), None).unwrap();
    }
    drop(sandbox.start_as_relay(sandbox.share(relay)));
}

#[test]
fn the_lock_of_a_folder_is_no_link() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o700);
    symlink(sandbox.path("elsewhere"), sandbox.path("team/lock")).unwrap();
    sandbox.share(["relay", "--listen", "127.0.0.1:0", "--store", &url]).fails(8, "team/lock is a symbolic link");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn without_a_proc_file_system_a_replaceable_directory_is_refused_with_that_reason() {
    let sandbox = Sandbox::new();
    let url = team(&sandbox, 0o777);
    let started = || {
        let mut hidden = Command::new("unshare");
        hidden.args(["--mount", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh", SHARE]);
        hidden.args(["relay", "use", &url]);
        sandbox.prepare(hidden)
    };
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        skip("only root can hide the proc file system");
        return;
    }
    started().fails(8, "other users of this machine can replace ");
    set_mode(&sandbox.path("team"), 0o1777);
    assert_eq!(started().run().code, 0);
}

#[cfg(system = "linux")]
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
fn a_stranger_cannot_forbid_folders_by_a_marker() {
    let sandbox = Sandbox::new();
    let url = format!("{}/deep", team(&sandbox, 0o1777));
    let used = || sandbox.share(["relay", "use", &url]);
    for marker in [".stfolder", ".sync_0d8d87f03b87.db"] {
        let marker = sandbox.write(&format!("team/{marker}"), b"");
        // Ours, and that of root.
        used().fails(8, " copies ");
        if chown(&marker, Some(7001), None).is_err() {
            skip("only root can be two users");
            return;
        }
        assert_eq!(used().run().code, 0);
        // If only the owner and a group may write, the marker is theirs.
        set_mode(&sandbox.path("team"), 0o775);
        used().fails(8, " copies ");
        set_mode(&sandbox.path("team"), 0o1777);
        fs::remove_file(&marker).unwrap();
    }
}

//! A relay without a server: a shared folder.

use std::fs;
use std::process::Command;

#[cfg(target_os = "linux")]
use crate::support::Conversation;
use crate::support::{Running, SHARE, Sandbox, files, folder_url, noise, photo, set_mode, skip, slashed};

fn url(sandbox: &Sandbox) -> String {
    folder_url(sandbox.path("team"))
}

/// The number of files with ciphertext in the folder.
fn data(sandbox: &Sandbox) -> usize {
    let root = sandbox.path("team");
    let is_data = |path: &std::path::PathBuf| {
        let path = slashed(path.strip_prefix(&root).unwrap());
        path.contains("/part/") || path.ends_with("/manifest") || path.starts_with("tmp/")
    };
    files(&root).iter().filter(|path| is_data(path)).count()
}

#[test]
fn a_folder_is_a_relay_for_its_users() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let used = sandbox.share(["relay", "use", &url]).run();
    assert_eq!(used.code, 0, "{used:?}");
    assert!(
        used.stderr.contains("only with people you trust") && used.stderr.contains("This relay is now the default"),
        "{used:?}"
    );
    let there = sandbox.other_home("ben");
    sandbox.share(["relay", "use", &url]).env("HOME", &there).ok();
    let content = photo(9_000_000);
    sandbox.write("beach.jpg", &content);
    let link = sandbox.share(["send", "-q", "beach.jpg"]).ok();
    assert!(link.starts_with(&format!("{url}/#share1")), "{link}");
    assert!(sandbox.share(["status"]).ok().contains("waiting"));
    assert!(sandbox.share(["peek", &link]).env("HOME", &there).ok().contains("beach.jpg"));
    sandbox.share(["open", "-q", &link, "-o", "got.jpg"]).env("HOME", &there).ok();
    assert!(sandbox.read("got.jpg") == content);
    assert_eq!(data(&sandbox), 0);
    sandbox.share(["open", &link, "-o", "again.jpg"]).fails(3, "on another device");
    assert!(sandbox.share(["status"]).ok().contains("(verified: the opener had the link)"));
    let link = sandbox.share(["send", "-q"]).input("text").ok();
    sandbox.share(["revoke", &link]).ok();
    sandbox.share(["open", &link]).env("HOME", &there).fails(4, "the sender revoked this link");
    assert_eq!(data(&sandbox), 0);
}

#[test]
fn senders_sweep_expired_shares() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    // An hour in which sweeping was due long ago: the markers are only hints, so the records decide.
    let link = sandbox.share(["send", "-q", "-e", "1m"]).input("short-lived").ok();
    assert!(data(&sandbox) > 0);
    let root = sandbox.path("team");
    for path in files(&root) {
        // Everything was written a day ago.
        let text = fs::read_to_string(&path).unwrap_or_default();
        if let Ok(mut record) = serde_json::from_str::<serde_json::Value>(&text)
            && let Some(at) = record.get("at").and_then(serde_json::Value::as_u64)
        {
            record["at"] = (at - 86_400).into();
            fs::write(&path, record.to_string()).unwrap();
        }
    }
    for path in files(&root.join("due")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (at, id) = name.split_once('-').unwrap();
        let at = at.parse::<u64>().unwrap() - 86_400;
        let hour = jiff_hour(at);
        fs::create_dir_all(root.join("due").join(&hour)).unwrap();
        fs::rename(&path, root.join("due").join(&hour).join(format!("{at}-{id}"))).unwrap();
    }
    sandbox.share(["peek", &link]).fails(4, "expired");
    assert!(data(&sandbox) > 0, "who only looks sweeps nothing");
    let other = sandbox.share(["send", "-q"]).input("another").ok();
    assert_eq!(data(&sandbox), 2, "a part and a manifest: those of the new one");
    assert_eq!(sandbox.share(["open", "-q", &other]).ok(), "another");
}

/// `yyyymmddhh`, the sort key of markers.
fn jiff_hour(at: u64) -> String {
    let output = Command::new("date").args(["-u", "-d", &format!("@{at}"), "+%Y%m%d%H"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn a_strangers_link_does_not_touch_local_folders_unasked() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    let link = sandbox.share(["send", "-q"]).input("text").ok();
    let there = sandbox.other_home("stranger");
    for args in [vec!["open", "-y"], vec!["peek"]] {
        let ended = sandbox
            .share(&args)
            .env("HOME", &there)
            .env("SHARE_LINK", &link)
            .fails(2, "on this computer, but that folder is not your relay");
        assert!(ended.stderr.contains(&format!("SHARE_RELAY={url}/")), "{ended:?}");
    }
    let command = format!(r#"HOME={} exec "$SHARE" peek '{link}'"#, there.display());
    let mut terminal = Conversation::start(&sandbox, &command);
    terminal.expect("[n]o ").press("\r");
    assert_eq!(terminal.end().0, 130);
    let mut terminal = Conversation::start(&sandbox, &command);
    terminal.expect("[n]o ").press("y\r");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("text, 4 bytes"), "{seen}");
    // With `--relay`, the folder was specified, so no question is asked.
    assert!(sandbox.share(["peek", &link, "--relay", &url]).env("HOME", &there).ok().contains("text"));
}

#[test]
fn only_a_folder_that_was_made_for_it_is_used() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    sandbox.share(["send", "--relay", &url]).input("x").fails(8, "no such file or directory");
    fs::create_dir(sandbox.path("team")).unwrap();
    set_mode(sandbox.path("team"), 0o700);
    sandbox.share(["send", "--relay", &url]).input("x").fails(2, "is not set up as a relay");
    assert!(files(&sandbox.path("team")).is_empty());
    sandbox.write("team/letter.txt", b"dear");
    sandbox.share(["relay", "use", &url]).fails(8, "contains other files");
    sandbox.share(["relay", "use", "file://nas/team"]).fails(2, "expected a folder like file:///srv/share");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/tmp", sandbox.path("link")).unwrap();
        let linked = folder_url(sandbox.path("link"));
        sandbox.share(["send", "--relay", &linked]).input("x").fails(2, "is not set up as a relay");
    }
    assert_eq!(files(&sandbox.home().join(".config")).len(), 0, "nothing became the default");
}

/// Two users of a group, in namespaces where this user is root and can become others.
#[cfg(target_os = "linux")]
#[test]
fn a_group_folder_works_for_all_members() {
    let sandbox = Sandbox::new();
    let is_root = rustix_is_root();
    if !is_root {
        skip("only root can be two users");
        return;
    }
    let script = r#"
        mkdir team; chown 0:7000 team; chmod 2770 team
        for who in 7001 7002; do mkdir home$who; chown $who:7000 home$who; done
        as() { HOME=$PWD/home$1 setpriv --reuid $1 --regid 7000 --clear-groups "$SHARE" "${@:2}"; }
        chmod 755 . ..
        as 7001 relay use -q "file://$PWD/team"
        as 7002 relay use -q "file://$PWD/team"
        link=$(echo hello | as 7001 send -q)
        as 7002 open -q "$link"
        as 7001 status
        ! as 7002 open -q "$link"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["-euc", script]);
    let ended = sandbox.prepare(bash).env("SHARE", SHARE).run();
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        ended.code == 0 && printed.starts_with("hello\n") && printed.contains("(verified: the opener had the link)"),
        "{ended:?}"
    );
}

fn rustix_is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

#[test]
fn processes_of_two_machines_never_both_open_a_share() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    for round in 0..10 {
        let content = noise(5000, round);
        let link = sandbox.share(["send", "-q"]).input(&content).ok();
        let openers: Vec<_> = (0..4)
            .map(|number| {
                let home = sandbox.other_home(&format!("home{number}"));
                sandbox.share(["open", "-q", "--relay", &url]).env("HOME", home).env("SHARE_LINK", &link).start()
            })
            .collect();
        let ended: Vec<_> = openers.into_iter().map(Running::wait).collect();
        assert_eq!(ended.iter().filter(|ended| ended.code == 0 && ended.stdout == content).count(), 1, "{ended:?}");
        assert_eq!(ended.iter().filter(|ended| ended.code == 3).count(), 3, "{ended:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_lead_nowhere_else() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    sandbox.share(["relay", "use", "-q", &url]).ok();
    let precious = sandbox.path("precious");
    fs::create_dir(&precious).unwrap();
    let old = precious.join("0123456789abcdef0123456789abcdef");
    fs::write(&old, b"precious").unwrap();
    let status = Command::new("touch").args(["-d", "3 days ago"]).arg(&old).status().unwrap();
    assert!(status.success());
    fs::remove_dir(sandbox.path("team/tmp")).unwrap();
    std::os::unix::fs::symlink(&precious, sandbox.path("team/tmp")).unwrap();
    sandbox.share(["send"]).input("text").fails(8, "is a symbolic link");
    assert!(old.exists());
    // Of old entries beside our temporary files, only our own are removed.
    fs::remove_file(sandbox.path("team/tmp")).unwrap();
    fs::create_dir(sandbox.path("team/tmp")).unwrap();
    for name in ["letter.txt", "0123456789abcdef0123456789abcdef"] {
        let path = sandbox.path("team/tmp").join(name);
        fs::write(&path, b"x").unwrap();
        Command::new("touch").args(["-d", "3 days ago"]).arg(&path).status().unwrap();
    }
    sandbox.share(["send", "-q"]).input("text").ok();
    assert_eq!(fs::read_dir(sandbox.path("team/tmp")).unwrap().count(), 1, "the letter");
}

#[cfg(unix)]
#[test]
fn a_group_folder_with_unreadable_files_is_refused() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("team")).unwrap();
    set_mode(sandbox.path("team"), 0o770);
    let refused = sandbox.share(["relay", "use", &url(&sandbox)]).fails(8, "do not inherit its group");
    assert!(refused.stderr.contains("chmod g+s"), "{refused:?}");
}

#[test]
fn relays_share_a_folder_only_if_all_have_the_option() {
    let sandbox = Sandbox::new();
    let store = folder_url(sandbox.other_home("store").join("shares"));
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &store, "--reserve", "0"];
    let sharing = || sandbox.share(relay).arg("--shared-folder");
    let alone = sandbox.start_as_relay(sandbox.share(relay));
    sharing().fails(8, "another relay is using");
    drop(alone);
    let (one, two) = (sandbox.start_as_relay(sharing()), sandbox.start_as_relay(sharing()));
    let refused = sandbox.share(relay).fails(8, "another relay is using");
    assert!(refused.stderr.contains("--shared-folder"), "{refused:?}");
    drop((one, two));
}

//! Sending from file managers: `share send --desktop`, the entry and the menus that run it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Bus, PHOTO, ROOT, Run, SHARE, Sandbox, Screen, files};

/// A desktop: a screen with a clipboard, and a bus with a service for notifications.
struct Desktop {
    screen: Screen,
    bus: Bus,
}

impl Desktop {
    fn start(sandbox: &Sandbox) -> Self {
        let desktop = Self { screen: Screen::start(), bus: Bus::start(sandbox) };
        desktop.bus.serve();
        desktop
    }

    /// `run` as a program of this desktop. `share` is in the `PATH`, and the entry where programs look for it.
    fn within(&self, sandbox: &Sandbox, run: Run) -> Run {
        let data = sandbox.path("data");
        fs::create_dir_all(data.join("applications")).unwrap();
        fs::copy(entry("share-send"), data.join("applications/share-send.desktop")).unwrap();
        let path = env::var_os("PATH").unwrap();
        let paths = [Path::new(SHARE).parent().unwrap().to_owned()].into_iter().chain(env::split_paths(&path));
        run.env("DISPLAY", &self.screen.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus.address)
            .env("XDG_DATA_DIRS", data)
            .env("PATH", env::join_paths(paths).unwrap())
    }

    /// The title, the text and the category of the notification number `count`.
    fn notified(&self, count: usize) -> (String, String, String) {
        let call = self.bus.notified(count).swap_remove(count - 1);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let data = &call["payload"]["data"];
        (text(&data[3]), text(&data[4]), text(&data[6]["category"]["data"]))
    }
}

/// The path of an entry.
fn entry(name: &str) -> PathBuf {
    Path::new(ROOT).join("docs/deploy/desktop").join(name).with_extension("desktop")
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn entry_sends_files_copies_the_link_and_notifies_without_the_link_in_any_log() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let desktop = Desktop::start(&sandbox);
    sandbox.write("it's 100% \"mine\" $HOME.txt", b"psst");
    fs::copy(PHOTO, sandbox.path("beach.jpg")).unwrap();
    let mut launch = Command::new("gio");
    launch.arg("launch").arg(entry("share-send"));
    let paths = ["it's 100% \"mine\" $HOME.txt", "beach.jpg"].map(|name| sandbox.path(name));
    launch.args(&paths);
    let ran = desktop.within(&sandbox, sandbox.prepare(launch)).env("SHARE_RELAY", &relay.url).run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let (title, text, category) = desktop.notified(1);
    assert_eq!((&*title, &*category), ("Link copied", "transfer.complete"));
    assert!(
        text.starts_with("Works once. Expires on ") && text.contains(" Paste within 10 minutes.\nRemoved: "),
        "{text}"
    );
    assert!(text.contains("location"), "{text}");
    let link = desktop.screen.clipboard(&["-o"]);
    assert!(link.starts_with(&relay.url) && !link.contains('\n'), "{link}");
    let key = link.split_once('#').unwrap().1;
    let recorded =
        [text, String::from_utf8_lossy(&ran.stdout).into_owned(), ran.stderr, fs::read_to_string(&relay.log).unwrap()];
    for seen in recorded {
        assert!(!seen.contains(key) && !seen.contains("mine"), "{seen}");
    }
    assert_eq!(desktop.screen.clipboard(&["-o", "-t", "x-kde-passwordManagerHint"]), "secret");
    sandbox.share(["open", "-q", &link, "-o", "got"]).env("HOME", sandbox.other_home("elsewhere")).ok();
    let got = files(&sandbox.path("got"));
    assert!(got.len() == 2 && got.iter().any(|path| fs::read(path).unwrap() == b"psst"), "{got:?}");
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn menu_of_nautilus_sends_the_selected_files() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let desktop = Desktop::start(&sandbox);
    sandbox.write("a b.txt", b"psst");
    sandbox.write("menu.py", include_bytes!("../../desktop/menu.py"));
    let run = |files: &[&str], language: &str| {
        let mut python = Command::new("/usr/bin/python3");
        // `-B`: without compiled files beside the module.
        python.args(["-B", "menu.py"]).arg(Path::new(ROOT).join("docs/deploy/desktop/share_send.py")).args(files);
        let run = desktop.within(&sandbox, sandbox.prepare(python)).env("LC_ALL", language).env("LANGUAGE", language);
        run.env("SHARE_RELAY", &relay.url).ok()
    };
    let file = format!("file://{}", sandbox.path("a%20b.txt").display());
    assert_eq!(run(&[&file], "C.UTF-8"), "Send by a link that works once");
    assert_eq!(desktop.notified(1).0, "Link copied");
    let link = desktop.screen.clipboard(&["-o"]);
    assert_eq!(
        sandbox.share(["open", "-q", &link, "-o", "-"]).env("HOME", sandbox.other_home("elsewhere")).ok(),
        "psst"
    );
    // No item for directories, nor for files that are on another computer.
    for other in ["directory", "sftp://elsewhere.example/a.txt"] {
        assert_eq!(run(&[&file, other], "C.UTF-8"), "", "{other}");
    }
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn errors_and_warnings_are_in_the_notification_with_the_next_step() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let desktop = Desktop::start(&sandbox);
    sandbox.write("a.txt", b"psst");
    sandbox.write("plan.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Author (me) >>\nendobj\n");
    let send = |args: &[&str]| {
        let run = sandbox.share(["send", "--desktop"].iter().chain(args));
        desktop.within(&sandbox, run)
    };
    let nowhere = ["--relay", "http://127.0.0.1:1", "--give-up", "100ms"];
    let cases: [(&[&str], i32, &str, &str); 4] = [
        (&["a.txt"], 2, "no relay is configured", "in a terminal, run: share relay use URL"),
        (&["--relay", &relay.url, "gone.txt"], 8, "gone.txt: no such file", "nothing was sent"),
        (&["--relay", &relay.url], 2, "no files were chosen", "choose files"),
        (&[&nowhere[..], &["a.txt"]].concat(), 6, "cannot be reached", ""),
    ];
    for (number, (args, code, what, next)) in (1..).zip(cases) {
        let ended = send(args).run();
        let (title, text, category) = desktop.notified(number);
        assert_eq!((ended.code, &*title, &*category), (code, "Not sent", "transfer.error"), "{ended:?}");
        let (first, second) = text.split_once('\n').unwrap();
        assert!(first.contains(what) && second.contains(next), "{text}");
        assert!(ended.stderr.contains(&format!("error: {first}")) && ended.stdout.is_empty(), "{ended:?}");
    }
    let ended = send(&["--relay", &relay.url, "plan.pdf"]).run();
    let (title, text, _) = desktop.notified(5);
    assert_eq!((ended.code, &*title), (0, "Link copied"));
    assert!(text.contains("\nWarning: metadata NOT removed from plan.pdf ("), "{text}");
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn share_without_a_clipboard_is_revoked_and_without_notifications_standard_error_has_the_words() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let desktop = Desktop::start(&sandbox);
    sandbox.write("a.txt", b"psst");
    let send = || desktop.within(&sandbox, sandbox.share(["send", "--desktop", "--relay", &relay.url, "a.txt"]));
    let nowhere = "unix:path=/nonexistent";
    let sent = send().env("DBUS_SESSION_BUS_ADDRESS", nowhere).run();
    assert!(
        sent.code == 0 && sent.stdout.is_empty() && sent.stderr.starts_with("Link copied. Works once. "),
        "{sent:?}"
    );
    let link = desktop.screen.clipboard(&["-o"]);
    assert!(!sent.stderr.contains(&link), "{sent:?}");
    sandbox.share(["revoke", "-q", "--yes", &link]).ok();
    relay.expect_empty();
    // A screen that does not answer.
    let failed = send().env("DISPLAY", ":4242").run();
    assert!(failed.code == 8 && failed.stderr.contains("could not be copied, so the share was revoked"), "{failed:?}");
    let (title, text, _) = desktop.notified(1);
    assert!(title == "Not sent" && text.starts_with("the clipboard: ") && text.contains("revoked"), "{text}");
    relay.expect_empty();
    // No desktop at all: nothing is uploaded.
    let log = fs::read_to_string(&relay.log).unwrap();
    let refused = send().env("DISPLAY", "").run();
    assert!(refused.code == 2 && refused.stderr.contains("there is no desktop"), "{refused:?}");
    assert_eq!(fs::read_to_string(&relay.log).unwrap(), log);
}

#[test]
fn options_that_need_a_terminal_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"psst");
    for option in ["--direct", "-p", "-P", "--qr"] {
        sandbox.share(["send", "--desktop", option, "a.txt"]).fails(2, "cannot be used");
    }
    sandbox.share(["send", "--desktop", "--tunnel", "cat", "a.txt"]).fails(2, "--desktop needs a relay");
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn entries_are_valid() {
    let check = |name: &str| {
        let ran = Command::new("desktop-file-validate").arg(entry(name)).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(check("share-send"), "");
    // The format of KDE's menus is its own: an entry of the type Service with actions.
    let found = check("share-send-dolphin");
    let errors: Vec<&str> = found.lines().map(|line| line.split_once("error: ").unwrap().1).collect();
    let (key, only) =
        ("is present in group \"Desktop Entry\", but the type is \"Service\"", "only valid for type \"Application\"");
    assert_eq!(errors, ["MimeType", "Actions"].map(|name| format!("key \"{name}\" {key} while this key is {only}")));
}

#[test]
fn entries_have_the_same_names_in_all_languages_and_the_same_command() {
    let fields = |name: &str| -> BTreeMap<String, String> {
        let text = fs::read_to_string(entry(name)).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let wanted = pairs.filter(|(key, _)| key.starts_with("Name") || *key == "Exec" || *key == "Icon");
        wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let all = fields("share-send");
    assert_eq!(
        (all.keys().filter(|key| key.starts_with("Name")).count(), &*all["Exec"]),
        (12, "share send --desktop %F")
    );
    assert_eq!(fields("share-send-dolphin"), all);
}

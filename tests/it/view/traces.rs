//! Viewed content leaves no trace: on disks, in a multiplexer, in a clipboard's history.

use std::fs;
use std::process::Command;

use image::ImageFormat;

use crate::support::{CLIP, SHARE, Sandbox, Screen, TerminalKind, Tty, contains, encoded, files, picture, send};

/// Runs the program under `strace`, and returns every write that contains the canary.
fn written(
    sandbox: &Sandbox,
    kind: TerminalKind,
    viewer: &str,
    link: &str,
    look: impl FnOnce(&mut Tty),
) -> Vec<String> {
    let log = sandbox.path("trace");
    let command = format!(
        "SHARE_VIEWER='{viewer}' strace -f -qq -y -s 90000 \
         -e trace=write,writev,pwrite64,pwritev,sendto,sendmsg,sendfile,copy_file_range,splice \
         -e signal=none -o {} \"$SHARE\" open -y '{link}'",
        log.display()
    );
    let mut tty = Tty::start(sandbox, kind, &command);
    look(&mut tty);
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let trace = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    assert!(!trace.contains("copy_file_range(") && !trace.contains("splice("), "nothing is copied unseen");
    let is_seen = |line: &str| line.contains("memfd:share") && line.contains("CANARY-IN-THE-PLAIN");
    assert!(trace.lines().any(is_seen), "the plaintext is in memory");
    trace.lines().filter(|line| line.contains("CANARY-IN-THE-PLAIN")).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn no_plaintext_is_written_to_any_file() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let canary = "CANARY-IN-THE-PLAIN ".repeat(20);
    sandbox.write("t.txt", canary.as_bytes());
    // Behind the end of the media data, which decoders ignore.
    let photo = encoded(&picture(16, 16, false).into(), ImageFormat::Png);
    sandbox.write("photo.png", &[&photo[..], canary.as_bytes()].concat());
    let clip = fs::read(CLIP).unwrap();
    sandbox.write(
        "clip.mp4",
        &[&clip[..], &u32::try_from(8 + canary.len()).unwrap().to_be_bytes(), b"free", canary.as_bytes()].concat(),
    );
    let mut link = |name: &str| send(&sandbox, &relay, &["--metadata", "keep", name]);
    let links = ["t.txt", "photo.png", "clip.mp4", "clip.mp4"].map(&mut link);
    for name in ["t.txt", "photo.png", "clip.mp4"] {
        fs::remove_file(sandbox.path(name)).unwrap();
    }
    let close = |tty: &mut Tty| {
        tty.expect("q closes").press("q");
    };
    let mut lines = written(&sandbox, TerminalKind::Plain, "", &links[0], close);
    lines.extend(written(&sandbox, TerminalKind::Kitty, "", &links[1], close));
    lines.extend(written(&sandbox, TerminalKind::Plain, "mpv --vo=null --ao=null --keep-open=no", &links[2], |_| {}));
    lines.extend(written(&sandbox, TerminalKind::Plain, "mpv --vo=tct --ao=null --keep-open=no", &links[3], |tty| {
        tty.until("it is drawn", |seen| contains(&seen.bytes, "▄".as_bytes()));
    }));
    assert!(lines.iter().any(|line| line.contains("memfd:share")), "{lines:?}");
    for line in &lines {
        assert!(line.contains("memfd:share") || line.contains("/dev/tty") || line.contains("/dev/pts/"), "{line}");
    }
    let mut places = files(sandbox.home().parent().unwrap());
    places.retain(|path| !path.starts_with(&relay.store));
    for directory in ["/dev/shm", "/run/user", "/var/tmp"] {
        places.extend(files(std::path::Path::new(directory)));
    }
    // Directories below /tmp belong to other tests.
    places.extend(fs::read_dir("/tmp").unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_file()));
    for path in places {
        let bytes = fs::read(&path).unwrap_or_default();
        assert!(!contains(&bytes, b"CANARY-IN-THE-PLAIN"), "{}", path.display());
    }
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn nothing_stays_in_tmux() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary text");
    let text = send(&sandbox, &relay, &["t.txt"]);
    let photo = send(&sandbox, &relay, &[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beach.jpg")]);
    let film = send(&sandbox, &relay, &[CLIP]);
    let tmux = |args: &[&str]| {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(sandbox.path("tmux")).args(["-f", "/dev/null"]).args(args);
        let output = tmux.env("HOME", sandbox.home()).env("SHARE", SHARE).env("LANG", "C.UTF-8").output().unwrap();
        assert!(output.status.success(), "{args:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let wait = |text: &str| {
        let begun = std::time::Instant::now();
        while !tmux(&["capture-pane", "-p"]).contains(text) {
            assert!(begun.elapsed().as_secs() < 120, "{text}: {}", tmux(&["capture-pane", "-p"]));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    tmux(&["new-session", "-d", "-x", "100", "-y", "30", "bash --norc"]);
    for (link, name, seen, answer) in
        [(&text, "t.txt: ", "canary text", "v"), (&photo, "beach.jpg: ", "▀▀▀", "b"), (&film, "clip.mp4: ", "▄▄▄", "v")]
    {
        tmux(&["send-keys", &format!("clear; \"$SHARE\" open '{link}'"), "Enter"]);
        wait(name);
        wait("ot now?");
        tmux(&["send-keys", answer, "Enter"]);
        wait(seen);
        tmux(&["send-keys", "q"]);
        wait("Closed and deleted.");
        let history = tmux(&["capture-pane", "-p", "-e", "-S", "-"]);
        assert!(!history.contains(seen), "{history}");
    }
    tmux(&["kill-server"]);
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_link_is_copied_without_an_entry_in_the_history() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"text");
    let screen = Screen::start();
    let clip = |args: &[&str]| screen.clipboard(args);
    let sent = sandbox.share(["send", "--copy", "--relay", &relay.url, "t.txt"]).env("DISPLAY", &screen.display).run();
    assert!(sent.stderr.contains("Copied to the clipboard for 10 minutes"), "{sent:?}");
    assert_eq!(clip(&["-o"]), String::from_utf8(sent.stdout).unwrap().trim());
    assert!(clip(&["-o", "-t", "TARGETS"]).contains("x-kde-passwordManagerHint"));
    assert_eq!(clip(&["-o", "-t", "x-kde-passwordManagerHint"]), "secret");
    drop(screen);
    // Without a desktop and a terminal, the link is printed all the same.
    let mut alone = Command::new("setsid");
    alone.args(["--wait", SHARE, "send", "--copy", "--relay", &relay.url, "t.txt"]);
    let sent = sandbox.prepare(alone).run();
    assert!(sent.code == 0 && sent.stderr.contains("warning: the link was not copied: "), "{sent:?}");
    // Over SSH, the terminal is asked.
    let command = format!("SSH_TTY=x DISPLAY=:1 \"$SHARE\" send --copy --relay {} t.txt", relay.url);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    assert_eq!(tty.end(), 0);
    let link = tty.screen().lines().find(|line| line.starts_with("http://")).unwrap().to_owned();
    let coded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, link.trim());
    assert!(tty.seen(|seen| contains(&seen.bytes, format!("\x1b]52;c;{coded}\x07").as_bytes())), "{}", tty.screen());
}

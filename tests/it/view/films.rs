//! Videos in the viewer, and the players for them.

use std::fs;
use std::process::Command;

use crate::support::{CLIP, Sandbox, TerminalKind, Tty, planted, send, state};

/// A shell word, quoted.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(system = "linux")]
#[test]
fn a_playlist_disguised_as_a_video_is_not_played() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let list: &[u8] = b"#EXTM3U\n/etc/passwd\nhttp://127.0.0.1:9/\n";
    let played = sandbox.path("played");
    let viewer = format!("mpv --vo=null --ao=null --log-file={}", played.display());
    let link = planted(&relay.url, &[("film.mp4", "video/mp4", list)], false);
    let mut tty =
        Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER='{viewer}' \"$SHARE\" open -y '{link}'"));
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert!(
        tty.screen().contains("the file is not of the type that the sender set") && !played.exists(),
        "{}",
        tty.screen()
    );
}

#[cfg(system = "linux")]
#[test]
fn a_player_that_exits_at_once_has_shown_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[CLIP]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=true \"$SHARE\" open -y '{link}'"));
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert!(tty.screen().contains("the viewer exited at once"), "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
    sandbox.share(["open", "-q", &link, "-o", "clip.mp4"]).ok();
}

/// A program cannot inherit memory there.
#[cfg(not(system = "linux"))]
#[test]
fn a_program_is_refused_as_a_viewer_before_the_share_is_opened() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[CLIP]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=true \"$SHARE\" open -y '{link}'"));
    assert_eq!(tty.end(), 2, "{}", tty.screen());
    assert!(
        tty.screen().contains("the viewer true cannot show a share from memory on this system"),
        "{}",
        tty.screen()
    );
    assert_eq!(state(&sandbox), "waiting");
    sandbox.share(["open", "-q", &link, "-o", "clip.mp4"]).ok();
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_video_too_large_for_memory_is_played_in_pieces() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // Its index is at the end, so a player must seek.
    let mut film = Command::new("ffmpeg");
    film.args([
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=1280x720:rate=25",
        "-t",
        "4",
        "-c:v",
        "huffyuv",
    ]);
    assert!(film.arg(sandbox.path("film.mov")).status().unwrap().success());
    assert!(fs::metadata(sandbox.path("film.mov")).unwrap().len() > 20_000_000);
    let link = send(&sandbox, &relay, &["film.mov"]);
    // A machine with 20 MB of available memory.
    sandbox.write("meminfo", b"MemTotal: 80000 kB\nMemAvailable: 80000 kB\n");
    let inside = format!("mount --bind meminfo /proc/meminfo && \"$SHARE\" open '{link}'");
    let command = format!("unshare --user --map-root-user --mount bash -c {}", quoted(&inside));
    let played = sandbox.path("played");
    let viewer = format!("mpv --vo=null --ao=null --keep-open=no --untimed --log-file={}", played.display());
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("export SHARE_VIEWER='{viewer}'; {command}"));
    tty.expect("This video can be opened once. [v]iew with mpv while it downloads, [s]ave here, or");
    tty.press("v\r");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(tty.screen().contains("Closed and deleted."), "{}", tty.screen());
    let log = fs::read_to_string(played).unwrap();
    assert!(log.contains("EOF code: 1") || log.contains("finished playback, success"), "{log}");
    assert_eq!(state(&sandbox), "finished");
    relay.expect_empty();
}

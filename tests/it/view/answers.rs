//! Replies of the terminal and typed answers, which share one input.

use crate::support::{Sandbox, TerminalKind, Tmux, Tty, encoded, open, picture, send, state};

/// Replies of a terminal to queries.
const ANSWERS: &str = "\x1bP>|kitty(0.35)\x1b\\\x1b[>1;4000;35c\x1b[6;20;10t\x1b[?62;c";

#[test]
fn a_slow_terminal_is_waited_for() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    let mut tty = open(&sandbox, TerminalKind::Late, &send(&sandbox, &relay, &["a.png"]), "");
    tty.expect("This photo can be opened once. [v]iew here, [s]ave here, or [n]ot now?").press("v\r");
    tty.until("the photo", |seen| seen.images.len() == 1).expect("q closes").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
}

#[test]
fn late_replies_are_not_typed() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    sandbox.write("phrase", b"horse\n");
    let link = send(&sandbox, &relay, &["--passphrase-file", "phrase", "t.txt"]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Mute, "\"$SHARE\" open");
    // Before, within, and after the typed text.
    tty.expect("Link (not shown):").press(&format!("{ANSWERS}{link}\r"));
    tty.expect("Passphrase:").press("ho").press(ANSWERS).press("rse\r");
    tty.expect("[n]ot now?").press("v").press(ANSWERS).press("\r");
    // As keys, its letters would close (q) or copy (c).
    tty.expect("canary").press("\x1bP>|q").press("cq(1)\x1b\\").press("\x1b[?62;").press("4c");
    tty.press("c").expect("Copied");
    assert!(tty.is_alternate(), "{}", tty.screen());
    tty.press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert_eq!(state(&sandbox), "finished");
}

#[test]
fn ctrl_c_works_while_the_terminal_is_silent() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let link = send(&sandbox, &relay, &["t.txt"]);
    let command = format!("\"$SHARE\" open '{link}'; echo code $?; stty -a | grep -o ' icanon'");
    let mut tty = Tty::start(&sandbox, TerminalKind::Mute, &command);
    tty.until("it asks", |seen| seen.bytes.windows(3).any(|window| window == b"\x1b[c")).press("n\r\x03");
    tty.expect("code 130").expect("icanon");
    assert!(!tty.screen().contains("ot now?"), "{}", tty.screen());
    assert!(sandbox.share(["peek", &link]).ok().starts_with("t.txt"), "it still waits");
}

#[test]
#[ignore = "needs tmux: tests/all"]
fn queries_do_not_change_the_title_of_a_pane() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    let link = send(&sandbox, &relay, &["a.png"]);
    let tmux = Tmux::start(&sandbox, &[]);
    // With TERM as set by `docker exec`, or by `ssh` from another terminal.
    for kind in ["xterm-256color", "screen-256color", "xterm-kitty"] {
        tmux.run(&["select-pane", "-T", "a title of its own"]);
        // The prompt of the last round is no longer on the screen.
        tmux.run(&["send-keys", "-R"]);
        tmux.keys(&format!("clear; env -u TMUX -u TMUX_PANE TERM={kind} \"$SHARE\" open '{link}'"));
        tmux.wait("[b]locks");
        tmux.keys("n");
        tmux.wait("nothing was opened");
        assert_eq!(tmux.run(&["display-message", "-p", "#{pane_title}"]).trim(), "a title of its own", "{kind}");
    }
}

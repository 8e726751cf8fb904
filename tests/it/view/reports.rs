//! The key that reports a share to the operator of its relay.

use share::report::Note;

use crate::support::{OperatedRelay, Sandbox, TerminalKind, Tty, contains, open, send, state, status};

const PROMPT: &str = "Note to the operator (Enter for none): ";

/// A text of which the last line shows that it is on the screen.
fn shown(sandbox: &Sandbox, link: &str) -> Tty {
    let mut tty = open(sandbox, TerminalKind::Plain, link, "");
    tty.expect("[v]iew here, [s]ave here").press("v\r").expect("canary text").expect("q closes");
    tty
}

#[test]
fn an_opener_reports_what_is_shown_though_the_sender_revokes_at_once() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"canary text");
    let link = send(&sandbox, &operated.relay, &["t.txt"]);
    let mut tty = shown(&sandbox, &link);
    tty.expect("q closes · s saves here · r reports · c copies");
    sandbox.share(["revoke", "-y"]).ok();
    assert!(status(&sandbox).contains("; the relay keeps the encrypted data until "), "{}", status(&sandbox));
    let before = sandbox.share(["status", "--json"]).ok();
    tty.press("r")
        .expect("Report this to the operator of 127.0.0.1:")
        .expect("The operator (abuse@relay.example) will");
    tty.expect("y reports it · any other key goes back");
    // Another key goes back, and Esc at the note does, too.
    tty.press("n").expect("canary text").press("r").expect("y reports it").press("y").expect(PROMPT);
    tty.press("never").expect("never_").press("\x1b").expect("canary text").expect("r reports");
    tty.press("r").expect("y reports it").press("y").expect(PROMPT);
    // Arrows are no text, and Backspace removes a whole character.
    tty.press("\x1b[Dnot for childrenü\x7f").expect("not for children_").press("\r");
    tty.expect("Reported. The sender is not told.").expect("canary text");
    assert_eq!(operated.reported(&link).unwrap(), (Note::Text("not for children".to_owned()), b"canary text".to_vec()));
    assert_eq!(sandbox.share(["status", "--json"]).ok(), before, "the sender sees no difference");
    // It is not offered again, and neither closes nor counts.
    tty.expect("q closes · s saves here · reported ·").press("r");
    assert_eq!(tty.press_until_end("q"), 0, "{}", tty.screen());
    let screen = tty.screen();
    assert!(screen.contains("Closed. The sender") && !screen.contains("deleted"), "{screen}");
    assert!(screen.contains("You reported it to the operator of the relay."), "{screen}");
    assert!(!tty.history().contains("not for children"), "{}", tty.history());
    assert!(sandbox.kept().iter().all(|path| path.ends_with("device")), "{:?}", sandbox.kept());
}

#[test]
fn a_report_that_fails_says_why_and_may_be_repeated() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start_with(&sandbox, &["--max-reported", "9000"]);
    sandbox.write("t.txt", b"canary text");
    let report = |tty: &mut Tty| {
        tty.press("r").expect("y reports it").press("y").expect(PROMPT).press("\r");
    };
    let first = send(&sandbox, &operated.relay, &["t.txt"]);
    let mut tty = shown(&sandbox, &first);
    report(&mut tty);
    tty.expect("Reported. The sender is not told.").press("q");
    assert_eq!(tty.end(), 0);
    assert_eq!(operated.reported(&first).unwrap().0, Note::Missing);
    let mut tty = shown(&sandbox, &send(&sandbox, &operated.relay, &["t.txt"]));
    report(&mut tty);
    tty.expect("has no room for more reports.").expect("canary text");
    // Ctrl-C leaves the share as it is.
    tty.expect("r reports").press("\x03");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
}

#[test]
fn a_relay_without_an_operator_offers_no_report() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary text");
    let mut tty = shown(&sandbox, &send(&sandbox, &relay, &["t.txt"]));
    tty.expect("q closes and deletes · s saves here · c copies").press("r");
    assert_eq!(tty.press_until_end("q"), 0, "{}", tty.screen());
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"operator") && !contains(&seen.bytes, b"report")));
    assert!(tty.screen().contains("Closed and deleted.") && !tty.screen().contains("report"), "{}", tty.screen());
    assert_eq!(state(&sandbox), "finished");
}

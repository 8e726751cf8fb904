//! The key that reports a share to the operator of its relay.

use rustix::process::Signal;
use share::report::Note;

use crate::support::{Activity, OperatedRelay, Sandbox, TerminalKind, Tty, contains, open, send, state, status};

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
    tty.expect("Reported. The relay does not tell the sender.").expect("canary text");
    assert_eq!(operated.reported(&link).unwrap(), (Note::Text("not for children".to_owned()), b"canary text".to_vec()));
    assert_eq!(sandbox.share(["status", "--json"]).ok(), before, "the sender sees no difference");
    // It is not offered again, and neither closes nor counts.
    tty.expect("q closes · s saves here · reported ·").press("r");
    assert_eq!(tty.press_until_end("q"), 0, "{}", tty.screen());
    let screen = tty.screen();
    assert!(screen.contains("Closed. The sender") && !screen.contains("deleted"), "{screen}");
    assert!(screen.contains("You reported it to the operator of the relay."), "{screen}");
    assert!(!tty.history().contains("not for children"), "{}", tty.history());
    // The command knows of it.
    let again = sandbox.share(["report", "-y"]).run();
    assert!(again.code == 0 && again.stderr.contains(" was reported before."), "{again:?}");
}

#[test]
fn pasted_lines_and_other_answers_are_no_early_end_of_a_note() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"canary text");
    let link = send(&sandbox, &operated.relay, &["t.txt"]);
    let mut tty = shown(&sandbox, &link);
    // A screen without room for the whole question asks nothing.
    tty.resize(40, 12);
    tty.expect("canary text").press("r").expect("Enlarge the terminal to report this.");
    tty.resize(80, 24);
    tty.expect("canary text").press("r").expect("y reports it");
    let drawn = |seen: &Activity| seen.bytes.windows(12).filter(|bytes| bytes == b"y reports it").count();
    let before = tty.seen(drawn);
    tty.resize(60, 30).until("the question on another screen", |seen| drawn(seen) > before);
    tty.press("yes\r").expect(PROMPT);
    // Line breaks are spaces, with the marks of a paste and without them.
    tty.press("\x1b[200~one\r\ntwo\r\x1b[201~").expect("one two _").press("three\rfour").expect("three four_");
    tty.press("\r").expect("Reported. The relay does not tell the sender.");
    assert_eq!(operated.reported(&link).unwrap().0, Note::Text("one two three four".to_owned()));
    assert_eq!(tty.press_until_end("q"), 0, "{}", tty.screen());
}

#[test]
fn esc_ends_the_wait_for_a_relay_that_does_not_answer() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"canary text");
    let link = send(&sandbox, &operated.relay, &["t.txt"]);
    let mut tty = shown(&sandbox, &link);
    operated.relay.signal(Signal::STOP);
    tty.press("r").expect("y reports it").press("y").expect(PROMPT).press("a note\r").expect("Reporting…");
    tty.press("\x1b").expect("Interrupted: the relay may have the report.").press("\x03");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
}

#[test]
fn a_report_that_fails_says_why_and_may_be_repeated() {
    let sandbox = Sandbox::new();
    // Less than a report takes.
    let operated = OperatedRelay::start_with(&sandbox, &["--max-reported", "9000"]);
    sandbox.write("t.txt", b"canary text");
    let mut tty = shown(&sandbox, &send(&sandbox, &operated.relay, &["t.txt"]));
    tty.press("r").expect("y reports it").press("y").expect(PROMPT).press("not lost").press("\r");
    tty.expect("has no room for more reports.").expect("canary text");
    // The note is not lost.
    tty.press("r").expect("y reports it").press("y").expect("not lost_").press("\x1b");
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

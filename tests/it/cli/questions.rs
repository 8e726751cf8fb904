//! Prompts at a pseudo-terminal.

use crate::support::{Conversation, Proxy, Sandbox, TerminalKind, Tty, photo};

#[test]
fn opening_at_a_terminal_asks_and_enter_means_not_now() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = photo(50_000);
    sandbox.write("sent.jpg", &content);
    let link = sandbox.share(["send", "-q", "-n", "beach.jpg", "--relay", &relay.url, "sent.jpg"]).ok();
    let mut terminal = Conversation::start(&sandbox, r#"TERM=xterm "$SHARE" open"#);
    terminal.expect("Link (not shown):").press(&format!("{link}\r"));
    terminal.expect("colored [b]locks, [s]ave it, or").expect("[n]ot now?").press("x\r");
    terminal.expect("type b, s or n").expect("[n]ot now?").press("\r");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
    assert!(seen.contains("nothing was opened"), "{seen}");

    let mut terminal = Conversation::start(&sandbox, &format!(r#"TERM=xterm "$SHARE" open '{link}'"#));
    terminal.expect("beach.jpg: photo, 50.0 kB").expect("ot now?").press("s\r");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("Saved as beach.jpg."), "{seen}");
    assert_eq!(sandbox.read("beach.jpg"), content);
}

#[test]
fn a_text_is_typed_without_echo_and_printed_without_control_characters() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let mut terminal = Conversation::start(&sandbox, &format!(r#""$SHARE" send -p --relay {} >link"#, relay.url));
    terminal.expect("Type or paste the text").press("s3cret\x04");
    terminal.expect("Passphrase:").press("horse\r");
    terminal.expect("Repeat the passphrase:").press("horse\r");
    let (code, seen) = terminal.end();
    assert!(code == 0 && !seen.contains("s3cret") && seen.contains("text, 6 bytes"), "{seen}");
    let link = String::from_utf8(sandbox.read("link")).unwrap();

    let mut terminal = Conversation::start(&sandbox, &format!(r#""$SHARE" open -o - '{}'"#, link.trim()));
    terminal.expect("Passphrase:").press("cow\r");
    terminal.expect("Wrong passphrase. 19 more can be tried").expect("Passphrase:").press("horse\r");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("s3cret"), "{seen}");
}

/// Types a text for `share send` at a terminal that shows what is on its screen, and returns the text that arrives.
fn typed(keys: &[(&str, &str)]) -> (String, String) {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let command = format!(r#""$SHARE" send --relay {} >link; echo code $?; stty -a | grep -o ' echo '"#, relay.url);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("Type or paste the text");
    for (keys, shown) in keys {
        tty.press(keys).expect(shown);
        if !tty.is_alternate() {
            assert!(!tty.history().contains("CANARY"), "{}", tty.history());
        }
    }
    tty.press("\x04").expect("code 0");
    tty.end();
    let history = tty.history();
    assert!(!history.contains("CANARY") && history.contains(" echo "), "{history}");
    let link = String::from_utf8(sandbox.read("link")).unwrap();
    (sandbox.share(["open", "-q", link.trim()]).ok(), history)
}

#[test]
fn a_text_of_several_lines_is_typed_unseen() {
    let (text, history) = typed(&[
        ("CANARY one\r", "(2 lines, 11 characters, not shown)"),
        ("CANARY twoo\x7f\rx\x15", "(3 lines, 22 characters, not shown)"),
        ("grüße word\x17!\r\r", "(5 lines, 31 characters, not shown)"),
    ]);
    assert_eq!(text, "CANARY one\nCANARY two\ngrüße !");
    assert!(!history.contains("not shown)"), "the size is erased: {history}");
}

#[test]
fn a_pasted_text_keeps_its_lines_and_obeys_no_key_in_it() {
    let (text, _) = typed(&[
        ("\x1b[200~CANARY\r\nline\x04\x03\x12 two\x1b[31m\x1b[201~", "(2 lines, 15 characters, not shown)"),
        ("!", "(2 lines, 16 characters, not shown)"),
    ]);
    assert_eq!(text, "CANARY\nline two!");
}

#[test]
fn a_typed_text_is_shown_on_request_and_leaves_no_trace() {
    let (text, _) = typed(&[
        ("CANARY one\rtwo", "(2 lines, 14 characters, not shown)"),
        ("\x12", "CANARY one two"),
        ("\x1b[A\x1b[D\x1b[DX\x1b[H>\x1b[F<\x1b[B\r3", "Ctrl-D: send Ctrl-R: hide Ctrl-C: cancel"),
        ("\x12", "(3 lines, 19 characters, not shown)"),
        ("\x12", ">CXANARY one< two 3"),
    ]);
    assert_eq!(text, ">CXANARY one<\ntwo\n3");
}

#[test]
fn a_shown_text_is_drawn_again_when_the_terminal_changes_its_size() {
    let sandbox = Sandbox::new();
    let resize = "(until [ -e go ]; do sleep 0.05; done; stty rows 5 cols 50 </dev/tty) &";
    let command = format!(r#"{resize} "$SHARE" send --relay http://127.0.0.1:9"#);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("Type or paste the text").press("one\x12").expect("one Ctrl-D: send");
    sandbox.write("go", b"");
    // In the fifth row, and still in the last one, which this terminal has kept.
    tty.expect("Ctrl-C: cancel Ctrl-D: send").press("\x03");
    assert_eq!(tty.end(), 130);
}

/// Pastes `text` and what a shell would run, and returns the error that follows Ctrl-D.
fn refused(text: &[u8]) -> String {
    let sandbox = Sandbox::new();
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, r#""$SHARE" send --relay http://127.0.0.1:9; sh"#);
    tty.expect("Type or paste the text").press("\x1b[200~").paste(text).expect("not shown)");
    tty.press("\rtouch made\r\x1b[201~end").expect("characters, not shown)").press("\x04").expect("hint:");
    tty.press("exit\r").end();
    assert!(!sandbox.path("made").exists(), "the shell got the rest of the text");
    tty.history()
}

#[test]
fn a_text_that_cannot_be_sent_whole_is_refused_only_after_its_end() {
    let history = refused(b"gr\xfc\xdfe");
    assert!(history.contains("the text is not UTF-8") && history.contains("nothing was sent"), "{history}");
    let history = refused(&vec![b'x'; 1 << 20]);
    assert!(history.contains("the text is longer than 1 MiB"), "{history}");
}

#[test]
fn a_key_that_a_question_does_not_have_is_answered_with_those_that_it_has() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.share(["send", "-q", "--relay", &relay.url]).input("text").ok();
    let mut terminal = Conversation::start(&sandbox, r#""$SHARE" revoke"#);
    terminal.expect("[y]es").press("maybe\r");
    terminal.expect("type y or n").expect("[y]es").press("\r");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
}

#[test]
fn binary_data_never_goes_to_a_terminal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(photo(500)).ok();
    let (code, seen) = Conversation::start(&sandbox, &format!(r#""$SHARE" open -o - '{link}'"#)).end();
    assert_eq!(code, 2, "{seen}");
    assert!(
        seen.contains("this photo cannot be printed on a terminal") && seen.contains("hint: use -o FILE"),
        "{seen}"
    );
    let text = sandbox.share(["send", "-q", "--relay", &relay.url]).input("a\x1b]0;title\x07b").ok();
    let (code, seen) = Conversation::start(&sandbox, &format!(r#""$SHARE" open -o - '{text}'"#)).end();
    assert!(code == 0 && seen.contains("a␛]0;title␇b"), "{seen}");
    assert!(sandbox.share(["peek", &link]).ok().starts_with("photo, "), "it still waits");
}

#[test]
fn an_interrupted_question_restores_the_terminal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for (question, command) in [
        ("Type or paste the text", r#""$SHARE" send --relay $RELAY"#),
        ("Passphrase:", r#""$SHARE" send -p x --relay $RELAY"#),
        ("Link (not shown):", r#""$SHARE" open"#),
    ] {
        sandbox.write("x", b"x");
        let command = format!("trap : INT; RELAY={}; {command}; echo code $?; stty -a | grep -o '.echo '", relay.url);
        for key in ["\x03", "\x04"] {
            let mut terminal = Conversation::start(&sandbox, &format!("bash -c '{}'", command.replace('\'', r"'\''")));
            terminal.expect(question).press(key);
            let (_, seen) = terminal.end();
            assert!(seen.contains("code 130") && seen.contains(" echo "), "{question} {key:?}: {seen}");
        }
    }
    assert!(relay.data().is_empty());
    // With `--json`, the interruption is an event.
    let command = format!(r#""$SHARE" send --json --text --relay {}"#, relay.url);
    let mut terminal = Conversation::start(&sandbox, &command);
    terminal.expect("Type or paste the text").press("\x03");
    let (code, seen) = terminal.end();
    assert!(code == 130 && seen.contains(r#""event":"done","exit":130"#), "{seen}");
}

#[test]
fn the_progress_bar_shows_that_the_relay_is_retried() {
    let sandbox = Sandbox::new();
    let mut relay = sandbox.relay();
    let content = photo(30_000_000);
    sandbox.write("beach.jpg", &content);
    let line = Proxy::to(&relay.address(), None);
    let waiting =
        format!("waiting for {}, trying again in ", line.url.trim_start_matches("http://").trim_end_matches('/'));
    line.stop_up_at(15_000_000);
    let command = format!("TERM=xterm \"$SHARE\" send beach.jpg --relay {} >link", line.url);
    let mut sender = Conversation::start(&sandbox, &command);
    line.wait_until_up_stopped();
    relay.kill();
    line.mend();
    sender.expect(&waiting);
    // The relay restarts at another address.
    let mut relay = sandbox.relay();
    line.lead_to(&relay.address());
    let (code, seen) = sender.end();
    assert_eq!(code, 0, "{seen}");
    let link = String::from_utf8(sandbox.read("link")).unwrap();

    line.stop_down_at(15_000_000);
    let mut opener = Conversation::start(&sandbox, &format!("TERM=xterm \"$SHARE\" open '{}' -o got.jpg", link.trim()));
    line.wait_until_down_stopped();
    relay.kill();
    line.mend();
    opener.expect(&waiting);
    let relay = sandbox.relay();
    line.lead_to(&relay.address());
    let (code, seen) = opener.end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("Saved as got.jpg. The sender sees it was opened by: "), "{seen}");
    assert!(sandbox.read("got.jpg") == content);
}

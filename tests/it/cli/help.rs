//! Help texts, errors in arguments, and files at the place of a command.

use std::fs;

use crate::support::Sandbox;
#[cfg(target_os = "linux")]
use crate::support::{Conversation, TerminalKind, Tty};

/// A screen of 80 × 40, with a row for the next prompt.
const COLUMNS: usize = 80;
const ROWS: usize = 39;

/// Every command, as the words that name it.
fn commands(sandbox: &Sandbox, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    let help = help(sandbox, path, "-h");
    let (_, listed) = help.split_once("Commands:\n").unwrap_or_default();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        commands(sandbox, &[path, &[name.to_owned()]].concat(), found);
    }
}

fn help(sandbox: &Sandbox, path: &[String], option: &str) -> String {
    sandbox.share(path.iter().map(String::as_str).chain([option])).ok()
}

/// The widest line of a text, in characters.
fn width(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn every_summary_fits_a_screen_and_every_help_its_width() {
    let sandbox = Sandbox::new();
    let mut all = Vec::new();
    commands(&sandbox, &[], &mut all);
    assert!(all.len() >= 13 && all.contains(&vec!["relay".to_owned(), "token".to_owned()]), "{all:?}");
    for path in &all {
        let (summary, full) = (help(&sandbox, path, "-h"), help(&sandbox, path, "--help"));
        assert!(summary.lines().count() <= ROWS && width(&summary) <= COLUMNS, "{path:?}:\n{summary}");
        assert!(width(&full) <= COLUMNS, "{path:?}:\n{full}");
        let name = [&["share".to_owned()], &path[..]].concat().join(" ");
        assert!(summary.lines().last().unwrap().contains(&format!("`{name} --help`")), "{summary}");
        assert!(!summary.contains("[env:") && full.contains("[env:"), "{path:?}:\n{summary}{full}");
        assert!(full.contains("\n\nExamples:\n  ") && full.contains(&format!("Usage: {name}")), "{path:?}:\n{full}");
        let as_word = sandbox.share(["help".to_owned()].iter().chain(path)).ok();
        assert_eq!(as_word, full);
    }
    let whole = help(&sandbox, &[], "--help");
    assert!(whole.lines().count() <= ROWS && whole.contains("Exit codes:\n    0  success"), "{whole}");
}

#[cfg(target_os = "linux")]
#[test]
fn help_is_as_wide_as_the_terminal_and_no_wider_than_80_columns() {
    let sandbox = Sandbox::new();
    for (columns, widest) in [(120, 80), (80, 80), (60, 60), (40, 40)] {
        for option in ["-h", "--help"] {
            let command =
                format!("stty cols {columns}; \"$SHARE\" open {option} | cat >piped; \"$SHARE\" open {option}");
            let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
            assert_eq!(tty.end(), 0, "{}", tty.screen());
            let text = tty.history();
            // Usage and examples are lines of a shell.
            let (text, _) = text.split_once("Examples:").unwrap_or((&text, ""));
            let text: Vec<_> = text.lines().filter(|line| !line.starts_with("Usage")).collect();
            assert!(width(&text.join("\n")) <= widest && text.len() > 20, "{columns}: {text:#?}");
            let piped = String::from_utf8(sandbox.read("piped")).unwrap();
            assert!(piped.lines().count() > 20 && width(&piped) <= COLUMNS, "{columns}: {piped}");
        }
    }
}

#[test]
fn share_alone_prints_a_few_lines() {
    let sandbox = Sandbox::new();
    let ended = sandbox.share([""; 0]).run();
    assert_eq!((ended.code, ended.stdout.len()), (2, 0), "{ended:?}");
    assert!(ended.stderr.lines().count() <= 12 && width(&ended.stderr) <= COLUMNS, "{}", ended.stderr);
    for part in ["share send photo.jpg", "share open", "Commands: send, open, peek,", "`share --help`"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_at_the_place_of_a_command_is_sent_after_a_question() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for name in ["a.txt", "b.txt", "c d.txt"] {
        sandbox.write(name, name.as_bytes());
    }
    let ask =
        |words: &str| Conversation::start(&sandbox, &format!(r#"export SHARE_RELAY={}; "$SHARE" {words}"#, relay.url));
    let mut terminal = ask("a.txt -n letter");
    terminal.expect("Send a.txt? [y]es, [n]o").press("y\r").expect("#share1");
    assert_eq!(terminal.end().0, 0);
    assert!(sandbox.share(["list"]).ok().contains("letter"), "the other options count");
    let before = relay.data().len();
    let mut terminal = ask("a.txt b.txt 'c d.txt'");
    terminal.expect("Send a.txt and 2 other files? [y]es, [n]o").press("n\r");
    let (code, seen) = terminal.end();
    assert!(code == 130 && seen.contains("nothing was sent"), "{seen}");
    assert_eq!(relay.data().len(), before);
    // Without a terminal nothing is asked, nor where the link would not be seen.
    let refused = sandbox.share(["a.txt", "c d.txt"]).fails(2, "'a.txt' is not a command");
    assert!(refused.stderr.contains("try: share send a.txt 'c d.txt'\n"), "{}", refused.stderr);
    let (code, seen) = ask("a.txt >out").end();
    assert!(code == 2 && seen.contains("try: share send a.txt"), "{seen}");
    let (code, seen) = ask("a.txt --nonsense").end();
    assert!(code == 2 && seen.contains("'a.txt' is not a command"), "{seen}");
}

#[test]
fn names_that_are_no_commands_lead_to_one() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("photos")).unwrap();
    sandbox.write("share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg", b"");
    for (word, hint) in [
        ("sned", "try: share send\n"),
        ("photos", "try: tar c photos | share send -n photos.tar\n"),
        ("nonsense", "try: share --help\n"),
    ] {
        let ended = sandbox.share([word]).fails(2, &format!("'{word}' is not a command"));
        assert!(ended.stderr.ends_with(hint), "{}", ended.stderr);
    }
    let link = "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";
    let ended = sandbox.share([link]).fails(2, "a link is not a command");
    assert!(!ended.stderr.contains("share1") && ended.stderr.contains("paste the link at the prompt"), "{ended:?}");
}

#[test]
fn errors_in_arguments_name_what_is_wrong() {
    let sandbox = Sandbox::new();
    for (line, error, hint) in [
        ("send --xyzzy", "unknown option '--xyzzy'", "try: share send --help"),
        ("send --expir 1d", "unknown option '--expir'", "hint: did you mean --expire?"),
        ("list nonsense", "unexpected argument 'nonsense'", "try: share list --help"),
        ("send --relay", "'--relay <URL>' needs a value", "try: share send --help"),
        ("send --qr=yes", "'--qr' takes no value", "try: share send --help"),
        ("relay use", "<URL> is missing", "try: share relay use --help"),
        ("send --metadata stripp", "invalid value 'stripp' for '--metadata <MODE>'", "hint: did you mean 'strip'?"),
        ("send --metadata x", "invalid value 'x' for '--metadata <MODE>'", "hint: one of: strip, keep, require"),
        ("send --for a --links 2", "the argument '--for <WHO>' cannot be used with '--links <N>'", "share send --help"),
        ("-q", "a command is missing", "try: share --help"),
        ("relay chekc", "'chekc' is not a command", "try: share relay check\n"),
        ("relay nonsense", "'nonsense' is not a command", "try: share relay --help"),
        ("send --links two", "invalid value 'two' for '--links <N>': it is not a number", "share send --help"),
        ("open --seconds 0", "for '--seconds <N>': use a number from 1 to 86400", "share open --help"),
        ("relay --listen nas", "for '--listen <ADDRESS>': expected an address with a port", "share relay --help"),
    ] {
        let ended = sandbox.share(line.split_whitespace()).fails(2, error);
        assert!(ended.stderr.contains(hint), "{line}: {}", ended.stderr);
    }
    let wrong = "invalid value 'soon' for SHARE_EXPIRE: expected a time like 30m, 24h or 7d";
    sandbox.share(["send"]).env("SHARE_EXPIRE", "soon").fails(2, wrong);
    sandbox.share(["send", "-esoon"]).env("SHARE_EXPIRE", "soon").fails(2, "for '--expire <TIME>': expected a time");
}

#[test]
fn share_log_takes_levels_and_numbers() {
    let sandbox = Sandbox::new();
    // A client that tries again logs so at the level of debugging.
    let log = |value: &str| {
        let send = sandbox.share(["send", "-q", "--relay", "http://127.0.0.1:1", "--give-up", "300ms"]);
        send.env("SHARE_LOG", value).input("x").fails(6, "cannot be reached").stderr.contains("DEBUG")
    };
    for (value, is_logged) in
        [("", false), ("0", false), ("Warn", false), ("INFO", false), ("1", true), ("debug", true)]
    {
        assert_eq!(log(value), is_logged, "{value}");
    }
    // A relay logs its requests, unless less is asked for.
    let requests = |value: &str| {
        let run = sandbox.share(["relay", "--listen", "127.0.0.1:0", "--store", "memory:"]).env("SHARE_LOG", value);
        let relay = sandbox.start_as_relay(run);
        sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
        let log = fs::read_to_string(&relay.log).unwrap().matches("INFO").count();
        fs::remove_file(&relay.log).unwrap();
        log > 0
    };
    assert_eq!(["", "0", "error", "warn", "info", "Trace"].map(requests), [true, true, false, false, true, true]);
    let ended = sandbox.share(["list"]).env("SHARE_LOG", "loud").fails(2, "invalid value 'loud' for SHARE_LOG");
    assert!(ended.stderr.contains("error, warn, info, debug, trace"), "{}", ended.stderr);
    sandbox.share(["list", "-v"]).env("SHARE_LOG", "loud").ok();
}

#[test]
fn relay_open_is_another_name_of_anyone() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--open"]);
    sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    sandbox.share(["relay", "--open", "--create-token-file", "x"]).fails(2, "'--anyone' cannot be used with");
    assert!(!sandbox.share(["relay", "--help"]).ok().contains("--open"));
}

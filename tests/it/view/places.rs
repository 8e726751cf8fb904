//! The screen on which something is shown, and whether it appeared there.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Sandbox, TerminalKind, Tmux, Tty, encoded, picture, programs, send, set_mode, state};

/// Time limit for something to appear.
const LONGEST: Duration = Duration::from_mins(2);

/// Waits for a file, and reads it.
fn appears(path: &std::path::Path) -> String {
    let begun = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(begun.elapsed() < LONGEST, "{} never came", path.display()),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Requests a page as a browser would.
fn get(url: &str) -> String {
    let (address, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Attaches a terminal with these variables to the tmux server of a sandbox.
fn attach(sandbox: &Sandbox, variables: &str) -> Tty {
    let command = format!("{variables} exec tmux -S {} attach", sandbox.path("tmux").display());
    let mut client = Tty::start(sandbox, TerminalKind::Plain, &command);
    client.until("it is attached", |seen| !seen.bytes.is_empty());
    client
}

#[test]
#[ignore = "needs tmux: tests/all"]
fn windows_open_at_the_client_that_attached_last() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    let link = send(&sandbox, &relay, &["a.png"]);
    let asked = sandbox.path("asked");
    let bin = programs(&sandbox, &[("xdg-open", &format!("echo \"$DISPLAY $1\" >{}", asked.display()))]);
    // The pane is created on a desktop.
    let tmux = Tmux::start(&sandbox, &[("DISPLAY", ":71"), ("WAYLAND_DISPLAY", "")]);
    let tmux_program = String::from_utf8(Command::new("which").arg("tmux").output().unwrap().stdout).unwrap();
    std::os::unix::fs::symlink(tmux_program.trim(), bin.join("tmux")).unwrap();
    tmux.keys(&format!("export PATH={}; PS1='> '", bin.display()));
    let open = |link: &str| {
        tmux.run(&["send-keys", "-R"]);
        tmux.run(&["clear-history"]);
        tmux.keys(&format!("\"$SHARE\" open '{link}'"));
    };
    open(&link);
    tmux.wait("[v]iew in your browser on display :71 of ");
    tmux.keys("n");
    tmux.wait("nothing was opened");
    // A client attaches over SSH.
    let attach = |variables: &str| attach(&sandbox, variables);
    let variable = |name: &str| {
        let printed = tmux.run(&["show-environment"]);
        printed.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned()
    };
    let until = |name: &str, wanted: &str| {
        let begun = Instant::now();
        while variable(name) != wanted {
            assert!(begun.elapsed() < LONGEST, "{}", variable(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut remote = attach("SSH_CONNECTION='192.0.2.1 5 192.0.2.2 22'");
    until("DISPLAY", "-DISPLAY");
    open(&link);
    tmux.wait("[b]locks");
    assert!(!tmux.screen().contains("browser"), "{}", tmux.screen());
    tmux.keys("n");
    tmux.wait("nothing was opened");
    // The clipboard follows it too.
    let text = sandbox.write("t.txt", b"text");
    tmux.run(&["send-keys", "-R"]);
    tmux.keys(&format!("\"$SHARE\" send --copy --relay {} {}", relay.url, text.display()));
    tmux.wait("Copied through the terminal");
    tmux.run(&["detach-client", "-a"]);
    tmux.run(&["detach-client"]);
    remote.end();
    // A client attaches on another desktop.
    let _local = attach("DISPLAY=:72");
    until("DISPLAY", "DISPLAY=:72");
    open(&link);
    tmux.wait("[v]iew in your browser on display :72 of ");
    tmux.keys("v");
    let printed = appears(&asked);
    let (display, url) = printed.trim().split_once(' ').unwrap();
    assert_eq!(display, ":72");
    assert!(get(url).starts_with("HTTP/1.1 200"));
    tmux.wait("Opened in your browser.");
    tmux.run(&["send-keys", "q"]);
    tmux.wait("run the same command again on this device");
}

#[test]
#[ignore = "needs tmux: tests/all"]
fn a_tmux_that_does_not_answer_means_no_screen() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    let link = send(&sandbox, &relay, &["a.png"]);
    let command = format!("DISPLAY=:71 TMUX=/nowhere,1,0 \"$SHARE\" open '{link}'");
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("[b]locks").press("n\r");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
}

#[test]
#[ignore = "needs tmux: tests/all"]
fn a_browser_that_never_comes_is_an_error() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    let link = send(&sandbox, &relay, &["a.png"]);
    let asked = sandbox.path("asked");
    let bin = programs(&sandbox, &[("xdg-open", "exit 4")]);
    let command = format!("PATH={} DISPLAY=:71 \"$SHARE\" open '{link}'", bin.display());
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("[n]ot now?").press("v\r").expect("No browser loaded the page (xdg-open: exit status: 4).");
    tty.expect("Press q to stop.");
    assert!(!tty.screen().contains("Opened in your browser"), "{}", tty.screen());
    let url = tty.screen().lines().find(|line| line.starts_with("http://127.0.0.1:")).unwrap().trim().to_owned();
    // The printed address works in any browser.
    assert!(get(&url).starts_with("HTTP/1.1 200"));
    tty.expect("Opened in your browser.").press("q");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
    // The next opener of URLs is tried.
    fs::write(bin.join("gio"), format!("#!/bin/sh\necho \"$2\" >{}\n", asked.display())).unwrap();
    set_mode(bin.join("gio"), 0o755);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("[n]ot now?").press("v\r");
    assert!(get(appears(&asked).trim()).starts_with("HTTP/1.1 200"));
    tty.expect("Opened in your browser.");
    assert!(!tty.screen().contains("No browser"), "{}", tty.screen());
    tty.press("q");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
}

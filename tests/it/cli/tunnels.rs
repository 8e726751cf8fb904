//! `share send --tunnel` with programs that only look like tunnels: the address is that of the sender's own port.

use std::fs;
use std::io::{BufRead, BufReader, Write};
#[cfg(target_os = "linux")]
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Host, Proxy, Run, SHARE, Sandbox, TIME_LIMIT, answering_for, free_port, noise};
#[cfg(target_os = "linux")]
use crate::support::{TerminalKind, Tty};

/// A sender of `note.txt` through the tunnel that `script` opens, and its port.
fn sending(sandbox: &Sandbox, script: &str, args: &[&str]) -> (Run, u16) {
    sending_by(Path::new(SHARE), sandbox, script, args)
}

/// The same by another copy of the program.
fn sending_by(program: &Path, sandbox: &Sandbox, script: &str, args: &[&str]) -> (Run, u16) {
    let port = free_port();
    sandbox.write("note.txt", b"content");
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let run = sandbox.prepare(command(program, script, &listen, &url));
    (args.iter().fold(run, Run::arg).env("SHARE_FROM", "x"), port)
}

/// A sender of `note.txt` that listens at an address, to which `url` leads.
fn sending_at(sandbox: &Sandbox, script: &str, listen: &str, url: &str) -> Run {
    sandbox.prepare(command(Path::new(SHARE), script, listen, url))
}

fn command(program: &Path, script: &str, listen: &str, url: &str) -> Command {
    let mut command = Command::new(program);
    let tunnel = format!("sh -c '{script}' tunnel {{}}");
    command.args(["send", "note.txt", "--tunnel", &tunnel, "--listen", listen, "--public-url", url]);
    command
}

/// The same, when it has printed its link.
fn tunneled(sandbox: &Sandbox, script: &str) -> (Host, u16) {
    let (run, port) = sending(sandbox, script, &[]);
    (Host::of(run.start(), 1), port)
}

/// The first line that a script has written to a file.
fn printed(sandbox: &Sandbox, name: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(sandbox.path(name)).unwrap_or_default();
        if let Some((line, _)) = text.split_once('\n') {
            return line.to_owned();
        }
        assert!(begun.elapsed() < TIME_LIMIT, "{name} was never written");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The status and the whole answer to a request for the page.
fn requested(address: &str, host: &str) -> String {
    let mut curl = Command::new("curl");
    let output = curl.args(["-si", "-H", &format!("Host: {host}"), &format!("http://{address}/")]).output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

/// Waits until the share is revoked.
fn until_revoked(sandbox: &Sandbox) {
    let begun = Instant::now();
    while !sandbox.share(["list", "--json"]).ok().contains("\"state\":\"revoked\"") {
        assert!(begun.elapsed() < TIME_LIMIT, "the share was not revoked");
    }
}

/// Waits until a process has ended. In a container nobody may fetch its exit code.
fn gone(pid: &str) {
    let begun = Instant::now();
    let is_zombie = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    let is_there = || Command::new("kill").args(["-0", pid]).output().unwrap().status.success();
    while is_there() && !is_zombie() {
        assert!(begun.elapsed() < TIME_LIMIT, "{pid} still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_share_is_served_through_a_tunnel_and_under_its_host_only() {
    let sandbox = Sandbox::new();
    let script = "echo $$ >pid; env >variables; ls -l /proc/self/fd >descriptors; echo >ready; cat";
    let (mut host, port) = tunneled(&sandbox, script);
    host.expect("Opening a tunnel with sh …\nThe tunnel's operator cannot read the share");
    host.expect(&format!("Serving through http://localhost:{port} until it is opened."));
    for (address, name, expected) in [
        ("127.0.0.1", format!("localhost:{port}"), "200 OK"),
        ("[::1]", format!("LOCALHOST:{port}"), "200 OK"),
        ("127.0.0.1", format!("127.0.0.1:{port}"), "421 Misdirected"),
        ("127.0.0.1", "localhost".to_owned(), "421 Misdirected"),
        ("127.0.0.1", "tunnel.example".to_owned(), "421 Misdirected"),
    ] {
        let answer = requested(&format!("{address}:{port}"), &name);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{address} {name}: {answer}");
    }
    printed(&sandbox, "ready");
    let variables = String::from_utf8(sandbox.read("variables")).unwrap();
    assert!(variables.contains("NO_COLOR=1") && variables.contains("TERM=dumb"), "{variables}");
    assert!(!variables.contains("SHARE_"), "{variables}");
    let descriptors = String::from_utf8(sandbox.read("descriptors")).unwrap();
    if cfg!(target_os = "linux") {
        assert!(descriptors.contains(" 0 -> pipe:"), "{descriptors}");
        assert!(!descriptors.contains("socket:") && !descriptors.contains("/.local/"), "{descriptors}");
    }
    assert_eq!(sandbox.share(["open", "-q", host.link()]).env("HOME", sandbox.other_home("b")).ok(), "content");
    host.expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 0);
    gone(&printed(&sandbox, "pid"));
}

#[test]
fn a_tunnel_ends_with_share_however_that_ends() {
    for signal in ["INT", "KILL"] {
        let sandbox = Sandbox::new();
        // The end of its input does not end it.
        let (host, _) = tunneled(&sandbox, "echo $$ >pid; exec sleep 1000");
        let pid = printed(&sandbox, "pid");
        host.signal(signal);
        let ended = host.end();
        gone(&pid);
        if signal == "INT" {
            assert!(ended.stderr.contains("\nrevoked: the link no longer works"), "{ended:?}");
        }
    }
}

#[test]
fn a_tunnel_that_ends_is_opened_again_and_its_output_is_read_to_the_end() {
    let sandbox = Sandbox::new();
    let script = "head -c 10000000 /dev/zero | tr \"\\\\0\" x; echo $$ >>pids; exec sleep 1000";
    // The program may be replaced by a newer one meanwhile.
    let program = sandbox.path("share");
    fs::copy(SHARE, &program).unwrap();
    let (run, port) = sending_by(&program, &sandbox, script, &["--json"]);
    let mut process = run.start();
    let (mut states, mut is_killed) = (Vec::new(), false);
    for line in BufReader::new(process.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        assert!(!line.contains("sleep"), "the command is in {line}");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "tunnel" {
            let state = event["state"].as_str().unwrap().to_owned();
            let url = if state == "opening" { Value::Null } else { format!("http://localhost:{port}").into() };
            assert_eq!((&event["program"], &event["url"]), (&"sh".into(), &url), "{line}");
            states.push(state);
        }
        if states.len() == 4 {
            break;
        }
        // The output fills the pipe many times over, so that only a reader lets the program get here.
        if !is_killed && line.contains("#share1") {
            let pid = printed(&sandbox, "pids");
            // Elsewhere `share` needs the file to run again.
            if cfg!(system = "linux") {
                fs::remove_file(&program).unwrap();
            }
            assert!(Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
            is_killed = true;
        }
    }
    assert_eq!(states, ["opening", "open", "lost", "open"]);
    process.kill();
}

#[test]
fn a_tunnel_that_cannot_be_opened_is_an_error_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    let send = |tunnel: &str, more: &[&str]| sandbox.share(["send", "note.txt", "--tunnel", tunnel].iter().chain(more));
    let needed = "--tunnel needs {} where the port goes";
    send("ssh -R 80:localhost:80 x", &[]).fails(2, needed);
    send("sh -c 'x {}", &[]).fails(2, "--tunnel: a quote is not closed");
    send("no-such-tunnel {}", &[]).fails(2, "no-such-tunnel is not installed");
    send("sh {}", &["--for", "anna", "--for", "ben"]).fails(2, "--tunnel allows only one link");
    send("sh {}", &["--interface", "lo"]).fails(2, "--tunnel and --interface cannot be used together");
    // It has no terminal on which it could ask, and what it prints is shown.
    let asks = "sh -c 'echo Host key verification failed.; read x </dev/tty || exit 255; : s3cret' {}";
    let shown = send(asks, &["-vv"]).fails(6, "sh ended before the tunnel was open (exit code 255)");
    assert!(shown.stderr.contains("sh: Host key verification failed."), "{shown:?}");
    assert!(shown.stderr.contains("run the command once in a terminal and accept the key"), "{shown:?}");
    let structured = send(asks, &["--json"]).run();
    let stdout = String::from_utf8_lossy(&structured.stdout);
    assert!(structured.code == 6 && !stdout.contains("Host key"), "its output is in no event: {structured:?}");
    for output in [&shown.stderr, &structured.stderr, &*stdout] {
        assert!(!output.contains("s3cret"), "{output}");
    }
    let silent = send("sh -c 'exec sleep 1000' {}", &["--give-up", "1s"]);
    silent.fails(6, "sh printed no https address within 1 second");
    let decoy = send("sh -c 'echo https://203.0.113.1; exec sleep 1000' {}", &["--give-up", "1s"]);
    decoy.fails(6, "no address that sh printed leads here: 203.0.113.1 (");
    assert!(sandbox.share(["list"]).ok().is_empty());
}

#[test]
fn settings_open_a_tunnel_only_where_this_computer_serves() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("note.txt", b"content");
    let tunnel = "sh -c 'touch opened; exit 7' {}";
    let send = |args: &[&str]| {
        sandbox
            .share(["send", "note.txt"].iter().chain(args))
            .env("SHARE_TUNNEL", tunnel)
            .env("SHARE_RELAY", &relay.url)
    };
    assert!(send(&[]).ok().starts_with(&relay.url), "through the relay");
    for args in [&["--direct", "--listen", "127.0.0.1:0"][..], &["--tunnel", "none", "--listen", "127.0.0.1:0"]] {
        let host = Host::of(send(args).start(), 1);
        assert!(host.link().starts_with("http://127.0.0.1:"), "{}", host.link());
        host.signal("INT");
        host.end();
    }
    assert!(!sandbox.path("opened").exists());
    send(&["--direct"]).fails(6, "sh ended before the tunnel was open (exit code 7)");
    assert!(sandbox.path("opened").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn no_other_program_may_have_the_port_to_which_a_tunnel_can_lead() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    for (theirs, ours) in [("[::1]", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("[::1]", "127.0.0.2")] {
        let other = TcpListener::bind(format!("{theirs}:0")).unwrap();
        let port = other.local_addr().unwrap().port();
        let url = format!("http://localhost:{port}");
        let ended = sending_at(&sandbox, "touch started; cat", &format!("{ours}:{port}"), &url).run();
        let expected = format!("error: cannot listen on {theirs}:{port}: ");
        assert!(ended.code == 8 && ended.stderr.contains(&expected), "{ended:?}");
    }
    assert!(!sandbox.path("started").exists());
}

#[test]
fn an_interstitial_page_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 23\r\nConnection: close\r\n\r\n\
                 <p>You are about to see";
    let warning = "warning: browsers get a page of the tunnel's operator first";
    for bare in [false, true] {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let url = answering_for("/", page, &listen);
        let run = sending_at(&sandbox, "cat", &listen, &url);
        let mut process = if bare { run.arg("--bare") } else { run }.start();
        let mut link = String::new();
        BufReader::new(process.0.stdout.as_mut().unwrap()).read_line(&mut link).unwrap();
        let pid = process.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        let ended = process.wait();
        assert_eq!(ended.stderr.contains(warning), !bare, "{ended:?}");
        assert_eq!(ended.stderr.contains("add --bare, so that only share opens the link"), !bare, "{ended:?}");
    }
}

#[test]
fn an_opener_who_is_cut_off_learns_of_the_revocation_through_the_tunnel() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", &noise(30_000_000, 1));
    let listen = format!("127.0.0.1:{}", free_port());
    let line = Proxy::to(&listen, None);
    let mut host = Host::of(sending_at(&sandbox, "exec sleep 1000", &listen, &line.url).start(), 1);
    line.stop_down_at(line.down_bytes() + 9_000_000);
    let opener = sandbox.share(["open", host.link(), "-o", "got"]).start();
    line.wait_until_down_stopped();
    host.expect("being opened").signal("INT");
    host.expect("press Ctrl-C again to cut the opener off").signal("INT");
    until_revoked(&sandbox);
    line.mend();
    let ended = opener.wait();
    assert!(ended.code == 4 && ended.stderr.contains("the sender revoked this link"), "{ended:?}");
    let ended = host.end();
    assert!(ended.code == 130 && ended.stderr.contains("while it was being opened ("), "{ended:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_tunnel_that_asks_on_the_terminal_fails_at_once_and_stops_nobody() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    // As OpenSSH does for the key of a new host.
    let script = "printf 'The key: ' >/dev/tty && read answer </dev/tty; echo no terminal >&2; exit 255";
    sandbox.write("asks", script.as_bytes());
    let send = "$SHARE send note.txt --tunnel 'sh asks {}'; echo code $?";
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, send);
    tty.expect("code 6");
    let screen = tty.screen();
    assert!(screen.contains("sh ended before the tunnel was open (exit code 255)"), "{screen}");
    assert!(screen.contains("sh: no terminal") && !screen.contains("The key"), "{screen}");
}

#[test]
fn an_address_in_a_line_without_an_end_is_found() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    let tunnel = "sh -c 'printf \"at https://203.0.113.1 press q: \"; exec sleep 1000' {}";
    let send = sandbox.share(["send", "note.txt", "--tunnel", tunnel, "--give-up", "2s"]);
    let ended = send.fails(6, "no address that sh printed leads here: 203.0.113.1 (");
    assert!(ended.stderr.contains("sh: at https://203.0.113.1 press q:"), "{ended:?}");
}

#[test]
fn an_argument_that_equals_its_variable_still_chooses_the_tunnel() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("note.txt", b"content");
    let tunnel = "sh -c 'exit 7' {}";
    let send = sandbox.share(["send", "note.txt", "--tunnel", tunnel]).env("SHARE_RELAY", &relay.url);
    send.env("SHARE_TUNNEL", tunnel).fails(6, "sh ended before the tunnel was open (exit code 7)");
}

#[test]
fn a_tunnel_that_ended_during_the_encryption_is_opened_again_before_the_link_is_printed() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let tunnel = "sh -c 'echo $$ >>pids; exec sleep 1000' {}";
    let args = ["send", "-", "--tunnel", tunnel, "--listen", &listen, "--public-url", &url];
    let mut process = sandbox.share(args).start_with(Stdio::piped());
    let mut stderr = BufReader::new(process.0.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("The tunnel's operator") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let pid = printed(&sandbox, "pids");
    assert!(Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    gone(&pid);
    process.0.stdin.take().unwrap().write_all(b"content").unwrap();
    while !said.contains("Serving through") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let [lost, back, link] =
        ["the tunnel closed; opening it again", "the tunnel is open again", "Expires on"].map(|words| said.find(words));
    assert!(lost.is_some() && lost < back && back < link, "{said}");
    process.kill();
}

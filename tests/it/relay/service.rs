//! A relay under a service manager: messages about its state, sockets, the journal.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};

use super::stopping::unfinished;
use crate::support::admin::{ask_admin, eventually, metric, socket_in, with_journal};
use crate::support::{SHARE, Sandbox, contains, skip};

const RELAY: [&str; 5] = ["relay", "--listen", "127.0.0.1:0", "--store", "memory:"];

/// The next message to a service manager.
fn next(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let len = manager.recv(&mut bytes).unwrap();
    std::str::from_utf8(&bytes[..len]).unwrap().to_owned()
}

/// The next message to a service manager that has this line.
fn message(manager: &UnixDatagram, line: &str) -> String {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(30), "no {line}");
        let text = next(manager);
        if text.lines().any(|found| found == line) {
            return text;
        }
    }
}

#[test]
fn a_service_manager_learns_the_state_of_a_relay() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let run = sandbox.share(RELAY).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    let mut relay = sandbox.start_as_relay(run);
    assert_eq!(message(&manager, "READY=1"), format!("READY=1\nSTATUS=Serving {}", relay.url));
    message(&manager, "WATCHDOG=1");
    message(&manager, "WATCHDOG=1");
    relay.signal(Signal::HUP);
    let reloading = message(&manager, "RELOADING=1");
    let (_, micros) = reloading.split_once("MONOTONIC_USEC=").unwrap();
    assert!(micros.parse::<u64>().unwrap() > 0);
    message(&manager, "READY=1");
    let mut request = unfinished(&relay);
    eventually("the request runs", || metric(&socket_in(&sandbox.home()), "share_connections") == Some(1));
    relay.signal(Signal::TERM);
    let stopping = message(&manager, "STOPPING=1");
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC=45000000\n"), "{stopping}");
    // The status stays, and the signs of life go on.
    for _ in 0..5 {
        assert_eq!(next(&manager), "WATCHDOG=1");
    }
    request.write_all(b"}").unwrap();
    assert_eq!(relay.ended(), Some(0));
}

#[test]
fn a_relay_serves_on_the_socket_that_it_is_passed() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Standard input becomes the first passed socket.
    let start = |names: &str, socket: OwnedFd| {
        let mut shell = Command::new("sh");
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$@\"";
        shell.args(["-c", script, "sh", SHARE]).args(RELAY);
        let run = sandbox.prepare(shell).env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", names);
        run.start_with(Stdio::from(socket))
    };
    for names in ["relay", ""] {
        let mut relay = start(names, listener.try_clone().unwrap().into());
        let mut url = String::new();
        BufReader::new(relay.0.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        assert_eq!(url, format!("http://{address}/\n"));
        let link = sandbox.share(["send", "-q", "--relay", url.trim()]).input("x").ok();
        assert!(link.starts_with(url.trim()));
        relay.kill();
    }
    let ended = start("other", listener.try_clone().unwrap().into()).wait();
    assert!(ended.code == 2 && ended.stderr.contains("a socket named other"), "{ended:?}");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    for socket in [OwnedFd::from(File::open("/dev/null").unwrap()), udp.into(), silent.into()] {
        let ended = start("relay", socket).wait();
        assert!(ended.code == 2 && ended.stderr.contains("descriptor 3 is no socket that listens"), "{ended:?}");
    }
    // Without --plain-http, as with --listen.
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let ended = start("relay", everywhere.into()).wait();
    assert!(ended.code == 2 && ended.stderr.contains("can be reached from other machines"), "{ended:?}");
}

#[test]
#[ignore = "needs systemd: tests/all"]
fn systemd_activates_a_relay_and_its_admin_listener() {
    let sandbox = Sandbox::new();
    let admin = sandbox.path("admin.sock");
    let mut activate = Command::new("systemd-socket-activate");
    // It takes no port 0, so the address is one that no other test uses.
    let [.., high, low] = std::process::id().to_be_bytes();
    activate.args([
        &*format!("--listen=127.77.{high}.{low}:4080"),
        &format!("--listen={}", admin.display()),
        "--fdname=relay:admin",
        SHARE,
    ]);
    activate.args(RELAY);
    let run = sandbox.prepare(activate);
    if !std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|dir| dir.join("systemd-socket-activate").exists())
    {
        return skip("systemd-socket-activate is missing");
    }
    let mut relay = run.start();
    eventually("it listens", || UnixStream::connect(&admin).is_ok());
    let mut url = String::new();
    BufReader::new(relay.0.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
    let link = sandbox.share(["send", "-q", "--relay", url.trim()]).input("x").ok();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
    assert_eq!(ask_admin(&admin, "/readyz").status(), "200");
    assert!(!socket_in(&sandbox.home()).exists(), "the passed one takes its place");
    relay.kill();
}

#[test]
fn a_log_in_the_journal_has_fields() {
    let sandbox = Sandbox::new();
    sandbox.share(["relay", "--log", "journald"]).fails(8, "journald cannot be reached");
    let directory = sandbox.path("journal");
    fs::create_dir(&directory).unwrap();
    let journald = UnixDatagram::bind(directory.join("socket")).unwrap();
    journald.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let relay =
        sandbox.start_as_relay(with_journal(&sandbox, &directory, &[&RELAY[..], &["--log", "journald"]].concat()));
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", relay.address()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let mut entry = [0; 4096];
    loop {
        let len = journald.recv(&mut entry).unwrap();
        if contains(&entry[..len], b"SHARE_ROUTE") {
            for field in [&b"SHARE_STATUS\n\x03\0\0\0\0\0\0\x00200\n"[..], b"PRIORITY\n\x01\0\0\0\0\0\0\x006\n"] {
                assert!(contains(&entry[..len], field), "{}", String::from_utf8_lossy(&entry[..len]));
            }
            break;
        }
    }
    assert_eq!(fs::read_to_string(&relay.log).unwrap(), "", "nothing is logged elsewhere");
}

//! Direct mode, and the program of a tunnel, without signals and shells: on every system.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Host, SHARE, Sandbox, TIME_LIMIT, folder_url, free_port, photo};

#[test]
fn a_share_is_served_and_opened_once() {
    let sandbox = Sandbox::new();
    let content = photo(3_000_000);
    sandbox.write("beach.jpg", &content);
    let mut host = Host::start(&sandbox, &["beach.jpg"]);
    let open = |name: &str| {
        let open = sandbox.share(["open", "-q", host.link(), "-o", name]);
        open.env("HOME", sandbox.other_home(name))
    };
    open("first").ok();
    assert!(sandbox.read("first") == content);
    open("second").fails(3, "on another device");
    host.expect("Nothing is left here.");
}

#[test]
fn impossible_requests_are_refused_before_anything_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let direct = |listen: &str| sandbox.share(["send", "--direct", "file", "--listen", listen]);
    direct("0.0.0.0").fails(2, "every interface");
    direct("192.0.2.7:4080").fails(8, "cannot listen on ");
    direct("nonsense").fails(2, "--listen takes an address");
    direct("10.255.255.1").fails(8, "cannot listen on ");
    let several = ["send", "--direct", "file", "--links", "2", "--public-url", "https://tunnel.example"];
    sandbox.share(several).fails(2, "--public-url allows only one link");
    sandbox.share(["send", "file"]).fails(2, "no relay is configured");
    assert_eq!(sandbox.kept().len(), 0, "{:?}", sandbox.kept());
}

/// The program is a relay, whose port shows whether it runs.
#[test]
fn the_program_of_a_tunnel_ends_when_share_is_killed() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    let [ours, theirs] = [free_port(), free_port()];
    let (store, state) = (folder_url(sandbox.path("store")), sandbox.path("state"));
    let program = format!(
        "'{SHARE}' relay --listen 127.0.0.1:{theirs} --store '{store}' --reserve 0 --anyone --state-dir '{}' \
         --public-url http://localhost:{{}}/",
        state.display()
    );
    let (listen, url) = (format!("127.0.0.1:{ours}"), format!("http://localhost:{ours}"));
    let run = sandbox.share(["send", "note.txt", "--tunnel", &program, "--listen", &listen, "--public-url", &url]);
    let host = Host::of(run.start(), 1);
    let wait_until = |runs: bool| {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", theirs)).is_ok() != runs {
            assert!(begun.elapsed() < TIME_LIMIT, "the program does not {}", if runs { "start" } else { "end" });
            thread::sleep(Duration::from_millis(10));
        }
    };
    wait_until(true);
    assert_eq!(sandbox.share(["open", "-q", host.link()]).env("HOME", sandbox.other_home("b")).ok(), "content");
    drop(host);
    wait_until(false);
}

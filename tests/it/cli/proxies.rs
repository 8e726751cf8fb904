//! Connections through proxies: what they carry, what goes beside them, and whose fault a failure is.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Run, SHARE, Sandbox, Socks, SocksReply, certificate};

const KEY: &str = "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";

fn peek(sandbox: &Sandbox, address: &str) -> Run {
    let run = sandbox.share(["peek", "--give-up", "300ms", &format!("{address}/#{KEY}")]);
    run.env("SSL_CERT_FILE", certificate("good").to_str().unwrap())
}

fn expect(ended: &Ended, code: i32, what: &str, hint: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    let what = format!("error: {what}\n");
    assert!(ended.stderr.contains(&what) && ended.stderr.contains(hint), "{what}{hint}: {ended:?}");
}

#[test]
fn an_error_names_the_proxy() {
    let sandbox = Sandbox::new();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let start = |reply| Socks::start(reply).address;
    let safe = "it is safe to run this again";
    for (address, what, hint) in [
        (gone, "cannot be reached: connection refused", "check that it is running; for Tor: 127.0.0.1:9050"),
        (start(SocksReply::OtherProtocol), "cannot be reached: no SOCKS proxy answers there", "check that"),
        (
            start(SocksReply::Password),
            "requires a user name and a password",
            "set SHARE_PROXY=socks5h://USER:PASSWORD@",
        ),
        (start(SocksReply::Code(2)), "does not connect to relay.example", "or set NO_PROXY=relay.example"),
        (start(SocksReply::Code(4)), "cannot reach relay.example: host unreachable", safe),
        (start(SocksReply::Code(5)), "cannot reach relay.example: connection refused", safe),
        (start(SocksReply::Code(1)), "cannot reach relay.example: general server failure", safe),
        (start(SocksReply::Closes), "cannot reach relay.example: the proxy closed the connection", safe),
    ] {
        let ended = peek(&sandbox, "https://relay.example").env("ALL_PROXY", format!("socks5h://{address}")).run();
        expect(&ended, 6, &format!("the proxy socks5h://{address} (set by ALL_PROXY) {what}"), hint);
    }
    let proxy = Socks::start(SocksReply::WrongPassword);
    let with_password = format!("socks5h://someone:hunter22@{}", proxy.address);
    let ended = peek(&sandbox, "https://relay.example").env("SHARE_PROXY", &with_password).arg("-vv").run();
    let what = format!("the proxy socks5h://{} (set by SHARE_PROXY) does not accept that password", proxy.address);
    expect(&ended, 6, &what, "set SHARE_PROXY=");
    assert!(!ended.stderr.contains("hunter22") && !ended.stderr.contains("warning"), "{ended:?}");
    let ended = peek(&sandbox, "https://relay.example").arg("--proxy").arg(&with_password).run();
    assert!(!ended.stderr.contains("hunter22") && ended.stderr.contains("warning: other users"), "{ended:?}");
    // For an onion service there is no way beside the proxy, and on the local network there is.
    let refuses = Socks::start(SocksReply::Code(2));
    let ended = peek(&sandbox, "http://a.onion").env("ALL_PROXY", format!("socks5://{}", refuses.address)).run();
    expect(
        &ended,
        6,
        &format!("the proxy socks5h://{} (set by ALL_PROXY) does not connect to a.onion", refuses.address),
        "",
    );
    assert!(!ended.stderr.contains("NO_PROXY") && refuses.asked().iter().all(|host| host == "a.onion"), "{ended:?}");
    let fails = Socks::start(SocksReply::Code(4));
    let ended =
        peek(&sandbox, "http://192.168.1.23:4080").env("ALL_PROXY", format!("socks5h://{}", fails.address)).run();
    assert!(ended.stderr.contains("or set NO_PROXY=192.168.1.23\n"), "{ended:?}");
}

#[test]
fn values_that_cannot_be_used_are_errors_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    let proxy = Socks::start(SocksReply::Code(4));
    for (name, value, what) in [
        ("ALL_PROXY", "socks4://127.0.0.1:9050", "ALL_PROXY: socks4 proxies are not supported"),
        ("https_proxy", "127.0.0.1:x", "https_proxy: not the address of a proxy"),
        ("SHARE_PROXY", "socks5h://127.0.0.1:0", "SHARE_PROXY: a proxy has no port 0"),
    ] {
        let ended = peek(&sandbox, "https://relay.example").env(name, value).run();
        expect(&ended, 2, what, "socks5h://HOST:PORT");
    }
    fs::create_dir_all(sandbox.home().join(".config/share")).unwrap();
    fs::write(sandbox.home().join(".config/share/config.toml"), format!("proxy = 'socks://{}'\n", proxy.address))
        .unwrap();
    let ended = peek(&sandbox, "https://relay.example").run();
    expect(
        &ended,
        6,
        &format!(
            "the proxy socks5h://{} (set by config.toml) cannot reach relay.example: host unreachable",
            proxy.address
        ),
        "",
    );
    assert!(
        !proxy.asked().is_empty() && proxy.asked().iter().all(|host| host == "relay.example"),
        "{:?}",
        proxy.asked()
    );
    fs::write(sandbox.home().join(".config/share/config.toml"), "proxy = 'gopher://x'\n").unwrap();
    let ended = peek(&sandbox, "https://relay.example").run();
    assert!(
        ended.code == 2 && ended.stderr.contains("config.toml: proxy: gopher proxies are not supported"),
        "{ended:?}"
    );
    // "none" switches the setting off, and what does not connect does not read it.
    for (onion, name) in [("http://a.onion", "a.onion"), ("http://A.ONION.:4080", "a.onion.:4080")] {
        let ended = peek(&sandbox, onion).arg("--proxy").arg("none").run();
        expect(
            &ended,
            2,
            &format!("{name} can be reached only through a proxy, such as Tor's"),
            "try: --proxy socks5h://127.0.0.1:9050",
        );
    }
    assert_eq!(sandbox.share(["list"]).run().code, 0);
    let https = ["peek", "--proxy", "https://127.0.0.1:9"];
    let direct = format!("http://192.168.1.5:4080/#{}", direct_key());
    let ended = sandbox.share(https.iter().copied().chain([&*direct])).run();
    expect(&ended, 2, "an https proxy cannot carry links to the sender's computer", "use an http or a socks5h proxy");
}

/// The key of a link to a sender's computer.
fn direct_key() -> String {
    use share::link::Link;
    use share::relay_url::RelayUrl;
    use share::secret::{Flags, LinkSecret};
    let relay = Some(RelayUrl::parse("http://192.168.1.5:4080").unwrap());
    let link = Link { relay, secret: LinkSecret::random(Flags::DIRECT) };
    link.web().unwrap().split_once('#').unwrap().1.to_owned()
}

#[test]
fn authorities_of_ones_own_are_trusted_in_addition() {
    let sandbox = Sandbox::new();
    let with = |file: &str| {
        sandbox.share(["peek", "--give-up", "300ms", "--ca", file, &format!("https://127.0.0.1:9/#{KEY}")])
    };
    let (missing, text) = (sandbox.path("missing.pem"), sandbox.write("text.pem", b"no certificate"));
    let ended = with(missing.to_str().unwrap()).run();
    assert!(ended.code == 8 && ended.stderr.contains("missing.pem: no such file"), "{ended:?}");
    let ended = with(text.to_str().unwrap()).run();
    assert!(ended.code == 2 && ended.stderr.contains("text.pem contains no certificate"), "{ended:?}");
    let damaged = sandbox.write("damaged.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let ended = with(damaged.to_str().unwrap()).run();
    assert!(ended.code == 2 && ended.stderr.contains("damaged.pem contains a damaged certificate"), "{ended:?}");
    // A computer without authorities of its own gets along with this file.
    fs::create_dir(sandbox.path("empty")).unwrap();
    let none = |run: Run| run.env("SSL_CERT_DIR", sandbox.path("empty").to_str().unwrap());
    let ended = none(with(certificate("good").to_str().unwrap())).env("SSL_CERT_FILE", "").run();
    assert!(ended.code == 6 && ended.stderr.contains("cannot be reached: connection refused"), "{ended:?}");
}

/// On host b with its own DNS server on host a: everything that a client may do, and the answers.
const STORY: &str = r#"
printf 'nameserver 192.168.77.1\noptions timeout:1 attempts:1\n' >resolv; mount --bind resolv /etc/resolv.conf
printf 'hosts: dns\n' >nsswitch; mount --bind nsswitch /etc/nsswitch.conf
on_a python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 53))
print(flush=True)
while True:
    query, peer = s.recvfrom(512)
    end = query.index(0, 12) + 5
    is_a = query[end-4:end-2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xc0\xa8\x4d\1" if is_a else b""
    s.sendto(query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0" + query[12:end] + answer, peer)
' >dns & until [ -s dns ]; do sleep 0.05; done
on_a microsocks -i 192.168.77.1 -p 1080 2>/dev/null &
on_a "$SHARE" relay --listen 192.168.77.1:4080 --plain-http --anyone --store memory: --reserve 0 >relay 2>&1 &
connects() { on_b bash -c "exec 3<>/dev/tcp/192.168.77.1/$1" 2>/dev/null; }
until connects 4080 && connects 1080; do sleep 0.05; done
mark() { on_b bash -c "echo $1 >/dev/udp/192.168.77.1/9"; }
mark BEGIN
try() { on_b "$SHARE" "$@" >>out 2>&1 || echo "exit $?" >>out; }
echo text >text
on_b "$SHARE" send text --relay http://192.168.77.1:4080 >link 2>sent || cat sent >&2
try status "$(cat link)"
try open "$(cat link)" -o got
try peek --give-up 1s "https://relay.example/#$KEY"
try peek --give-up 1s "http://relay.lan:4080/#$KEY"
try peek --give-up 1s "http://share.onion:4080/#$KEY"
try peek --give-up 1s "http://192.168.77.1:4999/#$DIRECT"
AWS_ENDPOINT_URL=http://bucket.lan:4081 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=x \
  try relay use s3://bucket --give-up 1s
AWS_REGION=x try relay use s3://bucket --give-up 1s
mark END
kill %2 %3 %1
"#;

/// The packets of host b in one run of the story: "udp 53", "tcp 1080"; and the names in DNS queries.
fn recorded(proxy: &str) -> (Vec<String>, String) {
    let sandbox = Sandbox::new();
    let two_hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/two-hosts");
    let mut command = Command::new(two_hosts);
    command.arg(sandbox.path("capture")).args(["bash", "-euc", STORY]);
    let run = sandbox.prepare(command).env("SHARE", SHARE).env("KEY", KEY).env("DIRECT", direct_key());
    let ended = run.env("ALL_PROXY", proxy).run();
    let out = String::from_utf8_lossy(&fs::read(sandbox.path("out")).unwrap_or_default()).into_owned();
    assert_eq!(ended.code, 0, "{ended:?}\n{out}");
    assert_eq!(sandbox.read("got"), b"text\n", "{out}");
    (packets(&sandbox.read("capture")), out)
}

/// The packets that host b sent between both marks, each with its protocol and port, and its text if it is a query.
fn packets(mut capture: &[u8]) -> Vec<String> {
    let (mut packets, mut is_between) = (Vec::new(), false);
    while capture.len() > 34 {
        let word = |at: usize| usize::from(u16::from_be_bytes([capture[at], capture[at + 1]]));
        let len = match word(12) {
            0x0800 => 14 + word(16),
            0x86dd => 54 + word(18),
            0x0806 => 42,
            other => panic!("a frame of type {other:x}"),
        };
        let frame = &capture[..len];
        capture = &capture[len..];
        if frame[12..14] != [8, 0] || frame[26..30] != [192, 168, 77, 2] {
            continue;
        }
        let (protocol, at) = (frame[23], 14 + usize::from(frame[14] & 15) * 4);
        let port = u16::from_be_bytes([frame[at + 2], frame[at + 3]]);
        let text: String =
            frame[at..].iter().map(|byte| char::from(*byte)).filter(char::is_ascii_alphanumeric).collect();
        match (protocol, port) {
            (17, 9) => is_between = text.contains("BEGIN"),
            _ if !is_between => {}
            (17, port) => packets.push(format!("udp {port} {text}")),
            (6, port) => packets.push(format!("tcp {port} to {:?}", &frame[30..34])),
            (other, _) => packets.push(format!("protocol {other}")),
        }
    }
    packets
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn with_all_proxy_no_packet_goes_elsewhere() {
    // The recording sees what goes beside a proxy.
    let (packets, out) = recorded("");
    for name in ["relayexample", "relaylan", "bucketlan"] {
        assert!(
            packets.iter().any(|packet| packet.starts_with("udp 53 ") && packet.contains(name)),
            "{name}: {packets:?}"
        );
    }
    for port in [443, 4080, 4081, 4999] {
        assert!(packets.iter().any(|packet| packet.starts_with(&format!("tcp {port} "))), "{port}: {packets:?}");
    }
    // Only the name of the onion service is kept from the network.
    assert!(!packets.iter().any(|packet| packet.contains("onion")), "{packets:?}");
    assert!(out.contains("share.onion:4080 can be reached only through a proxy"), "{out}");

    let (packets, out) = recorded("socks5h://192.168.77.1:1080");
    let is_to_proxy = |packet: &&String| *packet == "tcp 1080 to [192, 168, 77, 1]";
    let elsewhere: Vec<_> = packets.iter().filter(|packet| !is_to_proxy(packet)).collect();
    assert!(elsewhere.is_empty() && packets.len() > 50, "{} packets, {elsewhere:?}\n{out}", packets.len());
    assert!(!out.contains("can be reached only"), "{out}");
}

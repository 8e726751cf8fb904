//! Recordings of every packet that a client sends where a proxy is set.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::proxies::{KEY, direct_key};
use crate::support::{SHARE, Sandbox};

/// On host b with its own DNS server on host a: everything that a client may do, and the answers.
const STORY: &str = r#"
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem 2>/dev/null
openssl req $new -subj /CN=relay -keyout relay.key -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out relay.pem 2>/dev/null \
  -extfile <(echo subjectAltName=DNS:relay.example)
export SHARE_CA=$PWD/ca.pem
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
on_a "$SHARE" relay --listen 192.168.77.1:443 --tls-cert relay.pem --tls-key relay.key --anyone --store memory: \
  --reserve 0 --public-url https://relay.example >relay2 2>&1 &
connects() { on_b bash -c "exec 3<>/dev/tcp/192.168.77.1/$1" 2>/dev/null; }
until connects 4080 && connects 443 && connects 1080; do sleep 0.05; done
mark() { on_b bash -c "echo $1 >/dev/udp/192.168.77.1/9"; }
mark BEGIN
try() { on_b "$SHARE" "$@" >>out 2>&1 || echo "exit $?" >>out; }
echo text >text
on_b "$SHARE" send text --relay http://192.168.77.1:4080 >link 2>sent || cat sent >&2
try status "$(cat link)"
try open "$(cat link)" -o got
on_b "$SHARE" send text --relay https://relay.example >link 2>sent || cat sent >&2
try open "$(cat link)" -o got2
try relay check https://relay.example
try send --tunnel "sh -c 'echo https://tunnel.example; exec sleep 9' {}" --give-up 4s text
try peek --give-up 1s "http://relay.lan:4080/#$KEY"
try peek --give-up 1s "http://share.onion:4080/#$KEY"
try peek --give-up 1s "http://192.168.77.1:4999/#$DIRECT"
AWS_ENDPOINT_URL=http://bucket.lan:4081 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=x \
  try relay use s3://bucket --give-up 1s
AWS_REGION=x try relay use s3://bucket --give-up 1s
mark END
kill %1 %2 %3 %4
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
    for got in ["got", "got2"] {
        assert_eq!(sandbox.read(got), b"text\n", "{got}: {out}");
    }
    assert!(out.contains("pages for browsers and their files are the same"), "{out}");
    (packets(&sandbox.read("capture")), out)
}

/// The packets that host b sent between both marks, each with its protocol and port, and its text if it is a query.
fn packets(mut capture: &[u8]) -> Vec<String> {
    let (mut packets, mut is_between) = (Vec::new(), false);
    // Source ports of connections from before the first mark, whose ends may come after it.
    let mut early = Vec::new();
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
        // Neighbors and multicast groups are asked for by ICMPv6, after options of a hop or not.
        if frame[12..14] == [0x86, 0xdd] && is_between && ![0, 58].contains(&frame[20]) {
            packets.push(format!("IPv6, protocol {}", frame[20]));
        }
        if frame[12..14] != [8, 0] || frame[26..30] != [192, 168, 77, 2] {
            continue;
        }
        let (protocol, at) = (frame[23], 14 + usize::from(frame[14] & 15) * 4);
        let port = u16::from_be_bytes([frame[at + 2], frame[at + 3]]);
        let text: String =
            frame[at..].iter().map(|byte| char::from(*byte)).filter(char::is_ascii_alphanumeric).collect();
        match (protocol, port) {
            (17, 9) => is_between = text.contains("BEGIN"),
            (6, _) if !is_between => early.push([frame[at], frame[at + 1]]),
            (6, _) if early.contains(&[frame[at], frame[at + 1]]) => {}
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
    for name in ["relayexample", "relaylan", "bucketlan", "tunnelexample"] {
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

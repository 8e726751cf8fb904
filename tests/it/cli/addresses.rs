//! The address at which direct mode serves a share, in made-up networks.

use std::process::Command;

use crate::support::{SHARE, Sandbox};

/// Sends a file in direct mode on a machine with the interfaces that `SETUP` adds, and waits until it is served. The
/// other end of each cable is in the same namespace.
const STORY: &str = r#"
mount -t sysfs none /sys
ip link set lo up
cable() { ip link add "$1" type veth peer name "peer-$1"; ip link set "peer-$1" up; up "$1" "${@:2}"; }
tunnel() { ip tuntap add mode tun name "$1"; up "$1" "${@:2}"; }
up() { ip link set "$1" up; for address in "${@:2}"; do ip addr add "$address" dev "$1" ${NODAD-nodad}; done; }
NODAD= ; eval "$SETUP"
eval "exec $SHARE send --direct file $ARGUMENTS" >link 2>said &
until grep -q 'Press Ctrl-C to revoke it' said; do sleep 0.05; kill -0 $! || break; done
eval "$THEN"
kill -TERM $! || true
wait $! || true
"#;

/// The link without its key, and the messages.
fn served(setup: &str, arguments: &str) -> (String, String) {
    let sandbox = Sandbox::new();
    served_in(&sandbox, setup, arguments, "")
}

fn served_in(sandbox: &Sandbox, setup: &str, arguments: &str, then: &str) -> (String, String) {
    sandbox.write("file", b"content");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "bash", "-euc", STORY]);
    let run = sandbox.prepare(command).env("SHARE", SHARE).env("SETUP", setup).env("ARGUMENTS", arguments);
    let ended = run.env("THEN", then).run();
    let read = |name: &str| String::from_utf8(sandbox.read(name)).unwrap();
    assert_eq!(ended.code, 0, "{ended:?} {}", read("said"));
    let key = regex_lite::Regex::new("share1[0-9a-z]+").unwrap();
    (key.replace(read("link").trim(), "KEY").into_owned(), read("said"))
}

const WIFI: &str = "cable wlan0 192.168.1.23/24; ip route add default via 192.168.1.1;";

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_tunnel_is_not_a_local_network_whatever_its_name() {
    let wifi = "http://192.168.1.23:4080/#KEY";
    for vpn in [
        // It owns the default route.
        "ip route del default; tunnel CloudflareWARP 172.16.0.2/32; ip route add default dev CloudflareWARP",
        "ip route del default; tunnel office 10.99.1.7/16; ip route add default dev office",
        "ip route del default; cable cscotun0 10.99.1.7/32; ip route add default dev cscotun0",
        "ip link add guests type bridge; up guests 10.0.3.1/24",
    ] {
        let (link, said) = served(&format!("{WIFI} {vpn}"), "");
        assert_eq!(link, wifi, "{vpn}: {said}");
        let names_it = said.contains("This computer's other addresses: 1");
        assert_eq!(names_it, !vpn.contains("bridge"), "{vpn}: {said}");
    }
    // A tunnel is used if it is the only way to a network.
    let (link, said) = served("tunnel office 10.99.1.7/16", "");
    assert!(
        link.starts_with("http://10.99.1.7:") && said.contains("Serving on the tunnel office until"),
        "{link} {said}"
    );
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn an_interface_can_be_specified_by_name() {
    let both = format!("{WIFI} cable eth1 10.0.0.5/24");
    assert_eq!(served(&both, "").0, "http://192.168.1.23:4080/#KEY");
    let (link, said) = served(&both, "--interface eth1");
    assert_eq!(link, "http://10.0.0.5:4080/#KEY");
    assert!(
        said.contains("This computer's other addresses: 192.168.1.23 (wlan0). Use --interface NAME to choose one."),
        "{said}"
    );
    // An argument overrides a variable, also that of the other option.
    for arguments in ["--listen 10.0.0.5", "--interface eth1"] {
        let surroundings = format!("{both}; export SHARE_INTERFACE=wlan0 SHARE_LISTEN=192.168.1.23:4081");
        assert_eq!(served(&surroundings, arguments).0, "http://10.0.0.5:4080/#KEY");
    }
    let configured = format!(
        "{both}; mkdir -p \"$HOME/.config/share\"; echo interface = \\'eth1\\' >\"$HOME/.config/share/config.toml\""
    );
    assert_eq!(served(&configured, "").0, "http://10.0.0.5:4080/#KEY");
    let (link, said) = served(&both, "--interface eth7");
    assert!(link.is_empty() && said.contains("error: eth7 has no address that other computers can reach"), "{said}");
    assert!(said.contains("--interface wlan0, --interface eth1"), "{said}");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_public_address_is_for_programs_only() {
    for (setup, host) in [
        ("cable eth0 141.20.5.6/24; ip route add default via 141.20.5.1", "141.20.5.6:4080"),
        // While the kernel still checks for duplicates of that address.
        ("cable eth0 2001:db8:1::5/64", "[2001:db8:1::5]:4080"),
    ] {
        let sandbox = Sandbox::new();
        let plain = r#"
            host=$(sed 's/.*+//' link)
            python3 -c '
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
line = socket.create_connection((host.strip("[]"), int(port)))
line.sendall(b"GET / HTTP/1.1\r\nHost: " + sys.argv[1].encode() + b"\r\nConnection: close\r\n\r\n")
try: sys.stdout.buffer.write(line.recv(1000))
except ConnectionResetError: pass' "$host" >page
            HOME=$PWD/b "$SHARE" open -q "$(cat link)" >opened"#;
        let (link, said) = served_in(&sandbox, setup, "", plain);
        assert_eq!(link, format!("KEY+{host}"), "{said}");
        assert!(said.contains("Recipients need `share`; browsers cannot open this link."), "{said}");
        assert_eq!(sandbox.read("page"), b"", "nothing in the clear");
        assert_eq!(sandbox.read("opened"), b"content");
    }
    // Browsers can use a private address.
    let both = "NODAD=nodad; cable eth0 2001:db8:1::5/64 fd00::5/64";
    assert_eq!(served(both, "").0, "http://[fd00::5]:4080/#KEY");
    let (link, _) = served(both, "--listen '[2001:db8:1::5]:4081'");
    assert_eq!(link, "KEY+[2001:db8:1::5]:4081");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn containers_and_wsl_get_no_firewall_hint() {
    let inside = "cable eth0 172.17.0.2/16; export container=podman";
    let (link, said) = served(inside, "");
    assert_eq!(link, "http://172.17.0.2:4080/#KEY");
    assert!(said.contains("share runs in a container: other computers may be unable to reach 172.17.0.2"), "{said}");
    assert!(said.contains("--listen 172.17.0.2:4080 --public-url http://ADDRESS:4080"), "{said}");
    let wsl = "echo 5.15.153.1-microsoft-standard-WSL2 >release; mount --bind release /proc/sys/kernel/osrelease; \
               cable eth0 172.22.5.6/20";
    let (_, said) = served(wsl, "");
    assert!(said.contains("share runs in WSL: other computers may be unable to reach 172.22.5.6"), "{said}");
    // The published address leads here.
    let published = "--listen 172.17.0.2:4080 --public-url http://192.168.1.23:4080";
    let (link, said) = served(inside, published);
    assert!(link == "http://192.168.1.23:4080/#KEY" && !said.contains("runs in a container"), "{link} {said}");
}

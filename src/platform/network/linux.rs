//! The side of Linux.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use reqwest::ClientBuilder;
use rustix::io::Errno;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::kinds::{Enclosure, Hardware};

/// The directory in which Linux describes interfaces.
const INTERFACES: &str = "/sys/class/net";
/// `ARPHRD_ETHER` and `ARPHRD_INFINIBAND` of Linux. Interfaces of other types that have addresses are tunnels.
const NETWORKS: [&str; 2] = ["1", "32"];

pub(super) const NO_SUCH_FAMILY: i32 = Errno::AFNOSUPPORT.raw_os_error();

pub(super) fn hardware(name: &str) -> Hardware {
    hardware_at(&Path::new(INTERFACES).join(name))
}

/// The hardware in the directory `path` of sysfs.
fn hardware_at(path: &Path) -> Hardware {
    let link = fs::read_to_string(path.join("type")).ok();
    Hardware {
        has_device: path.join("device").exists(),
        is_network: link.is_none_or(|link| NETWORKS.contains(&link.trim())),
        is_program: path.join("tun_flags").exists(),
        is_inner_bridge: path.join("bridge").exists() && !leads_out(path),
    }
}

/// Whether one of a bridge's ports is a device or is based on one. Then the bridge connects this computer to its
/// network.
fn leads_out(bridge: &Path) -> bool {
    let ports = fs::read_dir(bridge.join("brif")).into_iter().flatten().flatten();
    ports.map(|port| bridge.with_file_name(port.file_name())).any(|port| {
        let below = fs::read_dir(&port).into_iter().flatten().flatten();
        below
            .map(|entry| entry.file_name())
            .any(|name| name == "device" || name.to_string_lossy().starts_with("lower_"))
    })
}

pub(super) fn enclosure() -> Option<Enclosure> {
    enclosure_in(Path::new("/"), std::env::var_os("container").is_some())
}

fn enclosure_in(root: &Path, is_declared: bool) -> Option<Enclosure> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default().to_lowercase();
    // WSL 1 has the addresses of Windows itself, and a release without this word.
    if read("proc/sys/kernel/osrelease").contains("microsoft-standard") {
        return Some(Enclosure::Wsl);
    }
    let has_mark =
        [".dockerenv", "run/.containerenv", "run/systemd/container"].iter().any(|mark| root.join(mark).exists());
    let groups = read("proc/1/cgroup");
    let is_grouped = ["/docker", "/lxc", "kubepods", "containerd", "libpod"].iter().any(|name| groups.contains(name));
    (is_declared || has_mark || is_grouped).then_some(Enclosure::Container)
}

pub(super) fn limit_unsent(socket: &TcpStream, bytes: u32) -> io::Result<()> {
    SockRef::from(socket).set_tcp_notsent_lowat(bytes)
}

pub(super) fn give_up_after(client: ClientBuilder, longest: Duration) -> ClientBuilder {
    client.tcp_user_timeout(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_read_from_sysfs() {
        let scratch = tempfile::tempdir().unwrap();
        let make = |interface: &str, files: &[(&str, &str)]| {
            for (name, content) in files {
                let path = scratch.path().join(interface).join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
        };
        make("wlan0", &[("type", "1\n"), ("device/vendor", "")]);
        make("CloudflareWARP", &[("type", "65534\n"), ("tun_flags", "0x1001\n")]);
        make("ztabc", &[("type", "1\n"), ("tun_flags", "0x1002\n")]);
        make("office", &[("type", "65534\n")]);
        make("he6", &[("type", "776\n")]);
        make("guests", &[("type", "1\n"), ("bridge/bridge_id", ""), ("brif/p1/port_id", "")]);
        make("p1", &[("type", "1\n")]);
        make("lan", &[("type", "1\n"), ("bridge/bridge_id", ""), ("brif/p2/port_id", "")]);
        make("p2", &[("type", "1\n"), ("device/vendor", "")]);
        make("vlan", &[("type", "1\n"), ("bridge/bridge_id", ""), ("brif/p3/port_id", "")]);
        make("p3", &[("type", "1\n"), ("lower_eth0/type", "1\n")]);
        let network = Hardware { has_device: false, is_network: true, is_program: false, is_inner_bridge: false };
        for (name, expected) in [
            ("wlan0", Hardware { has_device: true, ..network }),
            ("lan", network),
            ("vlan", network),
            ("not-told", network),
            ("CloudflareWARP", Hardware { is_network: false, is_program: true, ..network }),
            ("ztabc", Hardware { is_program: true, ..network }),
            ("office", Hardware { is_network: false, ..network }),
            ("he6", Hardware { is_network: false, ..network }),
            ("guests", Hardware { is_inner_bridge: true, ..network }),
        ] {
            assert_eq!(hardware_at(&scratch.path().join(name)), expected, "{name}");
        }
    }

    #[test]
    fn an_enclosure_is_known_by_its_marks() {
        let scratch = std::env::temp_dir().join(format!("share-enclosure-{}", std::process::id()));
        let of = |mark: &str, content: &str| {
            let path = scratch.join(mark);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            let found = enclosure_in(&scratch, false);
            fs::remove_file(path).unwrap();
            found
        };
        assert_eq!(of("proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n"), Some(Enclosure::Wsl));
        assert_eq!(of("proc/sys/kernel/osrelease", "6.1.0-27-amd64\n"), None);
        for mark in [".dockerenv", "run/.containerenv", "run/systemd/container"] {
            assert_eq!(of(mark, ""), Some(Enclosure::Container), "{mark}");
        }
        assert_eq!(of("proc/1/cgroup", "12:pids:/kubepods/besteffort/pod1\n"), Some(Enclosure::Container));
        assert_eq!(of("proc/1/cgroup", "0::/init.scope\n"), None);
        assert_eq!(enclosure_in(&scratch, true), Some(Enclosure::Container));
        fs::remove_dir_all(&scratch).unwrap();
    }
}

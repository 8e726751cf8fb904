//! Many real programs at once.

use super::noise::noise;
use super::sandbox::{Ended, Running, Sandbox};

fn all(running: Vec<Running>) -> Vec<Ended> {
    running.into_iter().map(Running::wait).collect()
}

#[test]
fn of_sixty_four_devices_one_gets_it() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(6_000_000, 8);
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(&content).ok();
    let running = (0..64)
        .map(|device| {
            let home = sandbox.other_home(&format!("home-{device}"));
            let out = format!("out-{device}");
            sandbox.share(["open", "-q", &link, "-o", &out]).env("HOME", home).start()
        })
        .collect();
    let ended = all(running);
    let winners: Vec<usize> = (0..64).filter(|device| ended[*device].code == 0).collect();
    assert_eq!(winners.len(), 1, "{ended:?}");
    for loser in ended.iter().filter(|ended| ended.code != 0) {
        assert_eq!(loser.code, 3, "{loser:?}");
        assert!(loser.stderr.contains("on another device"), "{loser:?}");
    }
    let out = format!("out-{}", winners[0]);
    assert!(sandbox.read(&out) == content);
    assert_eq!(sandbox.names(), [out]);
    assert!(relay.data().is_empty());
}

#[test]
fn of_sixty_four_programs_of_one_device_one_opens_it() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(6_000_000, 9);
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(&content).ok();
    let running = (0..64).map(|_| sandbox.share(["open", "-q", &link, "-o", "."]).start()).collect();
    let ended = all(running);
    assert_eq!(ended.iter().filter(|ended| ended.code == 0).count(), 1, "{ended:?}");
    assert_eq!(ended.iter().filter(|ended| ended.code == 3).count(), 63, "{ended:?}");
    assert_eq!(sandbox.names(), ["file"]);
    assert!(sandbox.read("file") == content);
}

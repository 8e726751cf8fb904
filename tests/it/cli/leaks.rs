//! No secret, token or name is left in the relay's folder, its log, or the state directory.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use share::link::Link;

use crate::support::{Sandbox, contains, files, forms, noise};

#[test]
#[ignore = "takes long: tests/all"]
fn a_relay_and_a_state_directory_contain_nothing_that_opens_or_names_a_share() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = [b"canary-content ".repeat(10), noise(5_000_000, 1)].concat();
    sandbox.write("canary-name.txt", &content);
    sandbox.write("passphrase", b"canary-passphrase");
    let send = ["send", "-q", "--relay", &relay.url, "--passphrase-file", "passphrase", "canary-name.txt"];
    let waiting = sandbox.share(send).ok();
    let opened = sandbox.share(send).ok();
    sandbox.share(["peek", &waiting, "--passphrase-file", "passphrase"]).ok();
    sandbox.share(["open", "-q", &opened, "--passphrase-file", "passphrase", "-o", "out"]).ok();
    sandbox.share(["open", &opened, "--passphrase-file", "passphrase", "-o", "out2"]).fails(3, "already opened");

    let mut canaries: Vec<Vec<u8>> = ["canary-content", "canary-passphrase"].map(Into::into).to_vec();
    let mut ids = Vec::new();
    for link in [&waiting, &opened] {
        let secret = Link::parse(link).unwrap().link.secret;
        let keys = secret.keys(Some("canary-passphrase"));
        canaries.push(link.split_once('#').unwrap().1.as_bytes().to_vec());
        canaries.extend(forms(keys.link_token.as_bytes()));
        canaries.extend(forms(keys.open_token.as_bytes()));
        canaries.extend(forms(&secret.passphrase_salt()));
        let device = fs::read(sandbox.home().join(".local/state/share/device")).unwrap();
        let device = share::secret::DeviceSecret::from_bytes(device.try_into().unwrap());
        canaries.extend(forms(device.claim_token(&keys.id).as_bytes()));
        ids.push(keys.id.hex().into_bytes());
    }
    let state = files(&sandbox.home());
    assert!(!state.is_empty());
    let log = fs::read(&relay.log).unwrap();
    assert!(contains(&log, b"/v1/claim"), "the log talks");
    let stored = files(&relay.store);
    assert!(stored.len() > 10);
    for path in stored.iter().chain(&state).chain([&relay.log]) {
        let name = path.to_string_lossy().into_owned().into_bytes();
        let bytes = fs::read(path).unwrap();
        // The outbox belongs to the sender: it may contain names, but nothing that opens a share.
        let is_outbox = String::from_utf8_lossy(&name).contains("/outbox/");
        assert!(is_outbox || !contains(&bytes, b"canary-name"), "{}", path.display());
        for canary in &canaries {
            assert!(!contains(&bytes, canary) && !contains(&name, canary), "{}", path.display());
        }
    }
    for id in &ids {
        for form in [id.clone(), BASE64_URL_SAFE_NO_PAD.encode(id).into_bytes()] {
            assert!(!contains(&log, &form), "an id in the log");
        }
    }
}

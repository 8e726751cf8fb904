//! No secret, token or name is left in the relay's folder, its log in any form, its answers to the operator, or the
//! state directory.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use share::link::Link;
use share::relay::server::CreateToken;
use share::secret::hex;

use crate::support::admin::{ask_admin, socket_in, with_journal};
use crate::support::{RelayProcess, Sandbox, contains, files, forms, noise};

/// A client's address, which only a proxy's header has.
const CLIENT: &str = "203.0.113.77";

/// A relay with most of its log in a format, and all that it has logged.
fn logging(sandbox: &Sandbox, format: &str) -> (RelayProcess, Box<dyn Fn() -> Vec<u8>>) {
    let store = sandbox.other_home("store");
    let (url, log) = (format!("file://{}", store.display()), Arc::new(Mutex::new(Vec::new())));
    let args = ["relay", "--listen", "127.0.0.1:0", "--store", &url, "--reserve", "0", "-vv", "--log", format];
    let args = [&args[..], &["--create-token-file", "tokens", "--trusted-proxy", "127.0.0.1"]].concat();
    let run = if format == "journald" {
        let directory = sandbox.path("journal");
        fs::create_dir(&directory).unwrap();
        let journald = UnixDatagram::bind(directory.join("socket")).unwrap();
        let log = log.clone();
        std::thread::spawn(move || {
            let mut entry = vec![0; 1 << 16];
            while let Ok(len) = journald.recv(&mut entry) {
                log.lock().unwrap().extend_from_slice(&entry[..len]);
            }
        });
        with_journal(sandbox, &directory, &args)
    } else {
        sandbox.share(&args)
    };
    let mut relay = sandbox.start_as_relay(run);
    relay.store = store;
    let path = relay.log.clone();
    let all = move || [log.lock().unwrap().clone(), fs::read(&path).unwrap()].concat();
    (relay, Box::new(all))
}

/// Everything that a relay has told its operator, with its source.
fn told(sandbox: &Sandbox, format: &str, log: impl Fn() -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let socket = socket_in(&sandbox.home());
    let paths = ["/livez", "/readyz", "/healthz", "/metrics", "/status"];
    let mut told = paths.map(|path| (path.to_owned(), ask_admin(&socket, path).body)).to_vec();
    told.push(("status".to_owned(), sandbox.share(["relay", "status"]).ok().into_bytes()));
    // After the answers, which may be logged.
    let log = log();
    assert!(contains(&log, b"/v1/claim"), "{format}: the log talks");
    told.push((format.to_owned(), log));
    told
}

#[test]
#[ignore = "takes long: tests/all"]
fn a_relay_and_a_state_directory_contain_nothing_that_opens_or_names_a_share() {
    for format in ["text", "json", "journald"] {
        let sandbox = Sandbox::new();
        let make = ["relay", "token", "canary-holder", "--max-shares-per-day", "9", "--create-token-file", "tokens"];
        let token = sandbox.share(make).ok();
        let (relay, log) = logging(&sandbox, format);
        let content = [b"canary-content ".repeat(10), noise(5_000_000, 1)].concat();
        sandbox.write("canary-name.txt", &content);
        sandbox.write("passphrase", b"canary-passphrase");
        let send = ["send", "-q", "--relay", &relay.url, "--passphrase-file", "passphrase", "canary-name.txt"];
        let send = || sandbox.share(send).env("SHARE_CREATE_TOKEN", &token);
        let (waiting, opened) = (send().ok(), send().ok());
        send().env("SHARE_CREATE_TOKEN", "canary-wrong-token").fails(9, "create token");
        sandbox.share(["peek", &waiting, "--passphrase-file", "passphrase"]).ok();
        sandbox.share(["open", "-q", &opened, "--passphrase-file", "passphrase", "-o", "out"]).ok();
        sandbox.share(["open", &opened, "--passphrase-file", "passphrase", "-o", "out2"]).fails(3, "already opened");
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        let head = format!("GET /v1/link HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {CLIENT}\r\n", relay.address());
        write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();

        let mut canaries: Vec<Vec<u8>> = ["canary-content", "canary-passphrase", CLIENT].map(Into::into).to_vec();
        let mut names = vec![b"canary".to_vec(), token.clone().into_bytes()];
        let hash = CreateToken::hash(&token);
        names.push(hex(&hash).into_bytes());
        // The token's use is counted in the store, under another hash.
        canaries.extend(forms(&hash));
        canaries.extend(["canary-holder", &token].map(Into::into));
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
            let id = keys.id.hex().into_bytes();
            names.push(BASE64_URL_SAFE_NO_PAD.encode(&id).into_bytes());
            names.extend([id[..8].to_vec(), id]);
        }
        let state = files(&sandbox.home());
        assert!(!state.is_empty());
        let stored = files(&relay.store);
        assert!(stored.len() > 10 && stored.iter().any(|path| path.to_string_lossy().contains("/used/")));
        for path in stored.iter().chain(&state) {
            let name = path.to_string_lossy().into_owned().into_bytes();
            let bytes = fs::read(path).unwrap();
            // The outbox belongs to the sender: it may contain names, but nothing that opens a share.
            let is_outbox = String::from_utf8_lossy(&name).contains("/outbox/");
            assert!(is_outbox || !contains(&bytes, b"canary-name"), "{}", path.display());
            for canary in &canaries {
                assert!(!contains(&bytes, canary) && !contains(&name, canary), "{}", path.display());
            }
        }
        let told = told(&sandbox, format, log);
        for (what, text) in told {
            for canary in canaries.iter().chain(&names) {
                let shown = String::from_utf8_lossy(canary).into_owned();
                assert!(!contains(&text, canary), "{what}: {shown}: {}", String::from_utf8_lossy(&text));
            }
        }
    }
}

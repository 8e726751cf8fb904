//! Two hosts on one network with all traffic recorded.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use share::link::Link;

use crate::support::{SHARE, Sandbox, photo};

/// The script for both hosts. Host a has a user at a terminal, who quits with Ctrl-C at the end.
const STORY: &str = r#"
mkfifo keys
on_a script -qefc '"$SHARE" send secret-beach.jpg' /dev/null <keys >screen &
exec 3>keys
until grep -q 'relay: share help relay' screen; do sleep 0.05; kill -0 %1; done
grep -ao 'http://[^ ]*#share1[0-9a-z]*' screen >link
on_b bash -c 'exec 4<>/dev/tcp/192.168.77.1/4080
  printf "GET / HTTP/1.1\r\nHost: 192.168.77.1:4080\r\nConnection: close\r\n\r\n" >&4; cat <&4' >page
HOME=$PWD/b on_b "$SHARE" peek "$(cat link)" >peeked
HOME=$PWD/b on_b "$SHARE" open "$(cat link)" -o got.jpg 2>opened
HOME=$PWD/c on_b "$SHARE" open "$(cat link)" -o late.jpg 2>late && exit 1
until grep -q 'Nothing is left here' screen; do sleep 0.05; kill -0 %1; done
printf '\003' >&3
wait %1
"#;

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn nothing_can_be_read_on_the_wire_between_two_hosts() {
    let sandbox = Sandbox::new();
    let content = photo(3_000_000);
    sandbox.write("secret-beach.jpg", &content);
    let two_hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/two-hosts");
    let mut command = Command::new(two_hosts);
    command.arg(sandbox.path("capture")).args(["bash", "-euc", STORY]);
    let ended = sandbox.prepare(command).env("SHARE", SHARE).run();
    let read = |name: &str| String::from_utf8_lossy(&fs::read(sandbox.path(name)).unwrap_or_default()).into_owned();
    assert_eq!(ended.code, 0, "{ended:?}\n{}\n{}\n{}", read("screen"), read("opened"), read("late"));
    assert!(sandbox.read("got.jpg") == content);
    assert!(read("page").contains("<!doctype html>"));
    assert!(read("peeked").starts_with("secret-beach.jpg: photo, 3.0 MB"));
    assert!(read("late").contains("already opened on"), "{}", read("late"));
    // The address of the cable, not that of the container network.
    let link = read("link").trim().to_owned();
    assert!(link.starts_with("http://192.168.77.1:4080/#share1"), "{link}");
    for event in ["link previewed", "being opened by: ", "opened by: "] {
        assert!(read("screen").contains(event), "{event}: {}", read("screen"));
    }

    let capture = sandbox.read("capture");
    assert!(capture.len() > content.len() && contains(&capture, b"GET / HTTP/1.1"), "what is in the clear is seen");
    let secret = Link::parse(&link).unwrap().link.secret;
    let keys = secret.keys(None);
    let device: [u8; 32] = fs::read(sandbox.path("b/.local/state/share/device")).unwrap().try_into().unwrap();
    let claim_token = share::secret::DeviceSecret::from_bytes(device).claim_token(&keys.id);
    let mut canaries: Vec<Vec<u8>> = vec![
        b"secret-beach".to_vec(),
        b"POST /v1/".to_vec(),
        b"GET /v1/".to_vec(),
        // Spelled as this program does: the page, which is public, contains the word too.
        b"authorization: Bearer".to_vec(),
        link.split_once('#').unwrap().1.as_bytes().to_vec(),
        content[..64].to_vec(),
    ];
    let ids = [&keys.id.as_bytes()[..], keys.link_token.as_bytes(), keys.open_token.as_bytes(), claim_token.as_bytes()];
    for bytes in ids {
        canaries.extend([bytes.to_vec(), BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes()]);
        canaries.push(share::secret::hex(bytes).into_bytes());
    }
    for canary in canaries {
        assert!(!contains(&capture, &canary), "{} is on the wire", String::from_utf8_lossy(&canary));
    }
}

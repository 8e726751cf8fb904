//! Full disks, at the relay and at the recipient.

use crate::support::{Sandbox, noise, with_a_small_disk};

/// Starts a relay over the folder `$1` in the background, and sets `$SHARE_RELAY` to its address.
const START_RELAY: &str = r#"
start_relay() {
  coproc RELAY { exec "$SHARE" relay --listen 127.0.0.1:0 --store "file://$PWD/$1" --reserve 0 2>relay.log; }
  read -r SHARE_RELAY <&"${RELAY[0]}"
  export SHARE_RELAY
}
"#;

#[test]
#[ignore = "needs user namespaces: tests/all"]
fn a_full_relay_refuses_until_there_is_room_again() {
    let sandbox = Sandbox::new();
    sandbox.write("film.bin", &noise(12_000_000, 1));
    let script = format!(
        r#"{START_RELAY}
        mkdir small/store && chmod 700 small/store
        start_relay small/store
        code=0; "$SHARE" send film.bin >link 2>err || code=$?
        echo "code $code"
        find small/store -path '*/part/*' | wc -l
        head -c 2000000 film.bin >short.bin
        "$SHARE" send -q short.bin >link
        "$SHARE" open -q "$(cat link)" | cmp - short.bin
        kill "$RELAY_PID"
        "#
    );
    let ended = with_a_small_disk(&sandbox, &script);
    assert_eq!(String::from_utf8(ended.stdout.clone()).unwrap(), "code 6\n0\n", "{ended:?}");
    assert_eq!(ended.code, 0, "{ended:?}");
    let error = String::from_utf8(sandbox.read("err")).unwrap();
    assert!(error.contains(" is full\nhint: "), "{error}");
}

#[test]
#[ignore = "needs user namespaces: tests/all"]
fn a_full_disk_at_the_recipient_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("film.bin", &noise(6_000_000, 2));
    let script = format!(
        r#"{START_RELAY}
        mkdir -m 700 store
        start_relay store
        "$SHARE" send -q film.bin >link
        head -c 4000000 film.bin >small/filler
        code=0; "$SHARE" open "$(cat link)" -o small 2>err || code=$?
        echo "code $code"; ls -A small
        # Found out too late: the room is taken between the check and the bytes.
        rm small/filler
        "$SHARE" peek "$(cat link)" >/dev/null
        code=0; ( ulimit -f 1000; trap '' XFSZ; "$SHARE" open "$(cat link)" -o small ) 2>err2 || code=$?
        echo "code $code"; ls -A small
        "$SHARE" open -q "$(cat link)" -o small
        ls -A small; cmp film.bin small/film.bin
        kill "$RELAY_PID"
        "#
    );
    let ended = with_a_small_disk(&sandbox, &script);
    let stdout = String::from_utf8(ended.stdout.clone()).unwrap();
    let stderr = |name| String::from_utf8(sandbox.read(name)).unwrap();
    assert_eq!(stdout, "code 8\nfiller\ncode 8\nfilm.bin\n", "{ended:?} {} {}", stderr("err"), stderr("err2"));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        stderr("err").contains("small: no space left on the disk\nhint: use another path with -o; nothing was opened"),
        "{}",
        stderr("err")
    );
    assert!(stderr("err2").contains("hint: run the same command again on this device"), "{}", stderr("err2"));
}

#[test]
#[ignore = "needs user namespaces: tests/all"]
fn a_read_only_home_opens_with_a_warning() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let opened = sandbox.share(["open", &link]).env("HOME", "/proc/nowhere").run();
    assert_eq!((opened.code, opened.stdout.as_slice()), (0, b"x".as_slice()), "{opened:?}");
    assert!(opened.stderr.contains("warning: cannot save state on this device"), "{opened:?}");
}

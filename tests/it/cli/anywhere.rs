//! Shares between two hosts behind two NATs, through a tunnel of the real OpenSSH.

use std::path::Path;
use std::process::Command;

use crate::support::{Browser, PHOTO, SHARE, Sandbox, noise};

/// Set in the run of this test on host b: the link that its browser opens.
const LINK: &str = "SHARE_TEST_LINK";

/// The hub's servers: OpenSSH, which prints the address of a forwarded port as operators of tunnels do, and nginx,
/// which has a certificate of an authority that only the hosts trust.
const HUB: &str = r#"
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f me
echo 8443 >port
cat >sshd_config <<CONFIG
Port 2222
HostKey $PWD/host
AuthorizedKeysFile $PWD/me.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
ClientAliveInterval 1
ClientAliveCountMax 2
ForceCommand echo "tunneled with tls termination, https://203.0.113.1:\$(cat $PWD/port)"; exec cat
CONFIG
if ! grep -q ^sshd: /etc/passwd; then
  { cat /etc/passwd; echo 'sshd:x:22222:65534::/run/sshd:/usr/sbin/nologin'; } >passwd
  mount --bind passwd /etc/passwd
fi
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req $new -subj /CN=hub -keyout key.pem -out request.pem
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out hub.pem \
  -extfile <(echo subjectAltName=IP:203.0.113.1)
cat >nginx.conf <<CONFIG
daemon off;
user root;
pid $PWD/nginx.pid;
error_log $PWD/nginx.log warn;
events { }
http {
  access_log off;
  client_body_temp_path $PWD/unused; proxy_temp_path $PWD/unused; fastcgi_temp_path $PWD/unused;
  uwsgi_temp_path $PWD/unused; scgi_temp_path $PWD/unused;
  # Each port is that of the tunnel while its file is there.
  map \$server_port \$file { 8443 $PWD/first; default $PWD/second; }
  server {
    listen 8443 ssl;
    listen 8444 ssl;
    ssl_certificate $PWD/hub.pem;
    ssl_certificate_key $PWD/key.pem;
    location / {
      proxy_pass http://127.0.0.1:9000;
      proxy_set_header Host \$http_host;
      proxy_buffering off;
      limit_rate 2m;
      if (!-e \$file) { return 404; }
    }
  }
}
CONFIG
touch first
# From OpenSSH 9.8 on, the server is divided into several programs, at a place that does not change.
if [ -e "$SSHD/usr/lib/openssh/sshd-session" ]; then mount --bind "$SSHD/usr/lib/openssh" /usr/lib/openssh; fi
on_hub "$SSHD/usr/sbin/sshd" -D -e -f "$PWD/sshd_config" 2>sshd.log &
on_hub nginx -c "$PWD/nginx.conf" &
until on_hub bash -c '</dev/tcp/127.0.0.1/2222 && </dev/tcp/127.0.0.1/8443' 2>/dev/null; do sleep 0.05; done
SSH="ssh -F /dev/null -i $PWD/me -p 2222 -o BatchMode=yes -o StrictHostKeyChecking=accept-new
  -o UserKnownHostsFile=$PWD/known -o ExitOnForwardFailure=yes -o ServerAliveInterval=1 -o ServerAliveCountMax=2
  -R 9000:127.0.0.1:{} root@203.0.113.1"
export SHARE_CA=$PWD/ca.pem

# Sends FILE, whose link and messages get a number.
sending() {
  on_a "$SHARE" send --metadata keep --tunnel "$SSH" "$1" >"link$2" 2>"sent$2" &
  sender=$!
  wait_for share1 "link$2"
}
wait_for() { until grep -qs "$1" "$2"; do sleep 0.05; kill -0 "$sender" || { cat sent*; exit 1; }; done; }
opening() { HOME=$PWD/b on_b "$SHARE" open "$(cat "link$1")" -o "$2" 2>"opened$1"; }
ended() {
  wait_for 'Nothing is left here' "sent$1"
  kill -INT $sender
  wait $sender
  if pgrep -x ssh; then exit 1; fi
}
"#;

/// Runs a story among the hosts, after that of the hub. Returns the messages of the first sender.
fn told(sandbox: &Sandbox, story: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("tests/nats"));
    command.args(["bash", "-euc", &[HUB, story].concat()]);
    let run = sandbox.prepare(command).env("SSHD", root.join("target/tools/openssh-server"));
    let ended = run.env("SHARE", SHARE).env("IT", std::env::current_exe().unwrap()).run();
    let logs = ["sent1", "opened1", "sshd.log", "nginx.log"].map(|name| {
        let log = std::fs::read(sandbox.path(name)).unwrap_or_default();
        format!("{name}: {}", String::from_utf8_lossy(&log))
    });
    assert_eq!(ended.code, 0, "{ended:?}\n{}", logs.join("\n"));
    String::from_utf8(sandbox.read("sent1")).unwrap()
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_share_crosses_two_nats_through_openssh() {
    if let Ok(link) = std::env::var(LINK) {
        // The certificate's authority is not one of the browser's.
        let Some(browser) = Browser::start(&["--ignore-certificate-errors"]) else { return };
        let tab = browser.tab();
        tab.goto(&link).hold().until("document.querySelector('.stage img')?.naturalWidth === 640");
        tab.press_button("Close").expect("opened by: ");
        return;
    }
    let sandbox = Sandbox::new();
    let photo = std::fs::read(PHOTO).unwrap();
    sandbox.write("photo.jpg", &photo);
    let sent = told(
        &sandbox,
        r#"
sending photo.jpg 1
opening 1 got.jpg
ended 1
sending photo.jpg 2
again=cli::anywhere::a_share_crosses_two_nats_through_openssh
SHARE_TEST_LINK=$(cat link2) on_b "$IT" --exact $again --include-ignored
ended 2
grep -q 'opened by' sent2
"#,
    );
    assert!(sandbox.read("got.jpg") == photo);
    assert!(sent.starts_with("Opening a tunnel with ssh …\nThe tunnel's operator cannot read the share"), "{sent}");
    assert!(sent.contains("\nServing through https://203.0.113.1:8443 until it is opened."), "{sent}");
    assert!(!sent.contains("BatchMode") && !sent.contains("warning"), "{sent}");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_tunnel_killed_in_the_middle_of_an_opening_is_resumed() {
    let sandbox = Sandbox::new();
    let content = noise(32_000_000, 1);
    sandbox.write("large", &content);
    let sent = told(
        &sandbox,
        r#"
sending large 1
opening 1 got &
opener=$!
# What has arrived is in a file without a name.
arrived() { find -L /proc/[0-9]*/fd -newer link1 -type f -size +8M 2>/dev/null; }
until [ -n "$(arrived)" ]; do sleep 0.02; kill -0 $opener; done
pkill -KILL -x ssh
wait $opener
ended 1
"#,
    );
    assert!(sandbox.read("got") == content);
    let lost = sent.find("the tunnel closed; opening it again");
    assert!(lost.is_some() && lost < sent.rfind(" opened by"), "{sent}");
    let opened = String::from_utf8(sandbox.read("opened1")).unwrap();
    assert!(opened.contains("resuming in") && opened.contains("\nSaved as got."), "{opened}");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_tunnel_survives_a_change_of_network_and_revokes_when_it_has_moved() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", b"content");
    let sent = told(
        &sandbox,
        r"
sending note.txt 1
move_a
wait_for 'the tunnel is open again' sent1
opening 1 got.txt
ended 1
sending note.txt 2
mv first second
echo 8444 >port
pkill -KILL -x ssh
code=0
wait $sender || code=$?
[ $code -eq 6 ]
if pgrep -x ssh; then exit 1; fi
",
    );
    assert_eq!(sandbox.read("got.txt"), b"content");
    assert!(sent.contains("the tunnel closed; opening it again"), "{sent}");
    let moved = String::from_utf8(sandbox.read("sent2")).unwrap();
    let error = "error: the tunnel came back at another address, so the link no longer works\n";
    assert!(moved.ends_with(&format!("{error}revoked: the link no longer works\n")), "{moved}");
}

//! Relays behind a login in nginx: a password, a client certificate.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::support::{Ended, Front, Nginx, Proxy, RelayProcess, Run, Sandbox, certificate, contains, files, skip};

/// The password, and what is sent of it.
const PASSWORD: &str = "falcon-7yQ2canary";
const SENT: &str = "YW1iZXI6ZmFsY29uLTd5UTJjYW5hcnk=";

/// A relay behind nginx with these directives; `None` on a developer's machine without nginx.
fn behind(sandbox: &Sandbox, server: &str, location: &str) -> Option<(RelayProcess, Nginx)> {
    if !Command::new("nginx").arg("-v").output().is_ok_and(|ended| ended.status.success()) {
        skip("no nginx");
        return None;
    }
    let front = Front::listen(Ipv4Addr::LOCALHOST.into(), "");
    let relay = sandbox.relay_with(&["--anyone"]);
    let address: SocketAddr = relay.address().parse().unwrap();
    Some((relay, front.start_with(address, server, location)))
}

/// A run that trusts nginx's certificate, and prints all that it can.
fn trusting(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.share(args).arg("-vv").env("SSL_CERT_FILE", certificate("good")).env("SHARE_GIVE_UP", "5s")
}

/// Sends, looks, asks and opens; returns all that was printed.
fn use_everything(sandbox: &Sandbox, url: &str) -> Vec<Ended> {
    sandbox.write("words.txt", b"psst");
    let sent = trusting(sandbox, &["send", "-q", "words.txt"]).run();
    let link = String::from_utf8(sent.stdout.clone()).unwrap().trim().to_owned();
    assert!(link.starts_with(&format!("{url}/#share1")), "{sent:?}");
    let mut ended = vec![sent];
    let _ = fs::remove_file(sandbox.path("received"));
    for args in [
        &["peek", &link][..],
        &["status"],
        &["open", &link, "-o", "received"],
        &["status", "--json"],
        &["list"],
        &["relay", "check"],
    ] {
        let run = trusting(sandbox, args).run();
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        ended.push(run);
    }
    assert_eq!(sandbox.read("received"), b"psst");
    ended
}

/// Asserts that nothing that was printed has the password, and no file but the one for it.
fn expect_secret(sandbox: &Sandbox, printed: &[Ended]) {
    let holds = |bytes: &[u8]| [PASSWORD, SENT].iter().any(|secret| contains(bytes, secret.as_bytes()));
    for ended in printed {
        assert!(!holds(&ended.stdout) && !holds(ended.stderr.as_bytes()), "{ended:?}");
    }
    let kept: Vec<_> = files(&sandbox.home()).into_iter().filter(|path| holds(&fs::read(path).unwrap())).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert!(kept.to_string_lossy().contains("/access/"), "{}", kept.display());
    assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn a_relay_behind_basic_auth_is_used_with_a_header_that_goes_nowhere_else() {
    let sandbox = Sandbox::new();
    let users = sandbox.write("users", format!("amber:{{PLAIN}}{PASSWORD}\n").as_bytes());
    let basic = format!("auth_basic share; auth_basic_user_file {};", users.display());
    let Some((relay, nginx)) = behind(&sandbox, "", &basic) else { return };
    let url = nginx.url.as_str();
    let with = |value: &str| {
        trusting(&sandbox, &["relay", "use", url, "--header", "Authorization"]).input(format!("{value}\n")).run()
    };
    let is_kept = || files(&sandbox.home()).iter().any(|path| path.to_string_lossy().contains("/access/"));

    let name = url.trim_start_matches("https://");
    let before = trusting(&sandbox, &["relay", "check", url]);
    let before = before.fails(9, &format!("{name} requires a user name and a password"));
    let wrong = with("amber:wrong");
    assert!(wrong.code != 0 && !is_kept(), "nothing is kept that does not work: {wrong:?}");
    let used = with(&format!("amber:{PASSWORD}"));
    assert_eq!(used.code, 0, "{used:?}");
    assert!(used.stderr.contains(&format!("1 header is kept for {name}.")), "{used:?}");
    assert!(used.stderr.contains("sent to it: the header Authorization"), "{used:?}");

    let mut printed = use_everything(&sandbox, url);
    let checked = trusting(&sandbox, &["relay", "check", "--json"]).run();
    let facts: Value = serde_json::from_slice(checked.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!((&facts["access"], &facts["client_cert"]), (&json!(["authorization"]), &json!(false)));

    // Another port and another scheme are other origins.
    let elsewhere = Proxy::recording(&relay.address());
    let other = trusting(&sandbox, &["relay", "check", elsewhere.url.trim_end_matches('/')]).run();
    assert_eq!(other.code, 0, "{other:?}");
    let recorded = elsewhere.recorded();
    assert!(contains(&recorded, b"GET /.well-known/share") && !contains(&recorded, SENT.as_bytes()));
    printed.extend([before, wrong, used, checked, other]);
    expect_secret(&sandbox, &printed);

    // A secret can be removed, whether or not the relay answers then.
    let removed = with("");
    assert!(removed.code == 0 && removed.stderr.contains("is kept") && !is_kept(), "{removed:?}");
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn a_relay_behind_a_client_certificate_is_used_with_one() {
    let sandbox = Sandbox::new();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["amber.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    sandbox.write("key.pem", key.serialize_pem().as_bytes());
    sandbox.write("other.pem", KeyPair::generate().unwrap().serialize_pem().as_bytes());
    let cert = sandbox.write("cert.pem", own.pem().as_bytes());
    let server = format!("ssl_client_certificate {}; ssl_verify_client on;", cert.display());
    let Some((_relay, nginx)) = behind(&sandbox, &server, "") else { return };
    let url = nginx.url.as_str();
    let with = |key: &str| ["relay", "use", url, "--client-cert", "cert.pem", "--client-key", key].map(str::to_owned);
    let run = |args: &[String]| trusting(&sandbox, &args.iter().map(String::as_str).collect::<Vec<_>>());
    trusting(&sandbox, &["relay", "check", url]).fails(9, "requires a client certificate");
    run(&with("other.pem")).fails(2, "cert.pem does not belong to its private key");
    let used = run(&with("key.pem")).run();
    assert_eq!(used.code, 0, "{used:?}");
    assert!(used.stderr.contains("A client certificate is kept for"), "{used:?}");
    use_everything(&sandbox, url);
    fs::rename(sandbox.path("key.pem"), sandbox.path("gone.pem")).unwrap();
    trusting(&sandbox, &["relay", "check"]).fails(8, "key.pem");
    fs::rename(sandbox.path("gone.pem"), sandbox.path("key.pem")).unwrap();
}

//! Relays behind a login in nginx: a password, a page, a client certificate.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::support::{
    Ended, Front, Host, Nginx, Proxy, RelayProcess, Run, Sandbox, certificate, contains, expect_mode, files, skip,
};

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
    expect_mode(kept, 0o600);
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
    assert!(removed.code == 0 && removed.stderr.contains("is stored for") && !is_kept(), "{removed:?}");
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
    for version in ["TLSv1.2", "TLSv1.3"] {
        behind_a_certificate(&sandbox, &server, version);
    }
}

fn behind_a_certificate(sandbox: &Sandbox, server: &str, version: &'static str) {
    if !Command::new("nginx").arg("-v").output().is_ok_and(|ended| ended.status.success()) {
        return skip("no nginx");
    }
    let front = Front::listen(Ipv4Addr::LOCALHOST.into(), "");
    let relay = sandbox.relay_with(&["--anyone"]);
    let nginx = front.start_speaking(version, relay.address().parse().unwrap(), server);
    let url = nginx.url.as_str();
    let with = |key: &str| ["relay", "use", url, "--client-cert", "cert.pem", "--client-key", key].map(str::to_owned);
    let run = |args: &[String]| trusting(sandbox, &args.iter().map(String::as_str).collect::<Vec<_>>());
    trusting(sandbox, &["relay", "check", url]).fails(9, "requires a client certificate");
    run(&with("other.pem")).fails(2, "cert.pem does not match its private key");
    let used = run(&with("key.pem")).run();
    assert_eq!(used.code, 0, "{used:?}");
    assert!(used.stderr.contains("A client certificate is kept for"), "{used:?}");
    use_everything(sandbox, url);
    fs::rename(sandbox.path("key.pem"), sandbox.path("gone.pem")).unwrap();
    trusting(sandbox, &["relay", "check"]).fails(8, "key.pem");
    fs::rename(sandbox.path("gone.pem"), sandbox.path("key.pem")).unwrap();
}

/// The value of another header.
const GATE: &str = "falcon-93xKcanary";

#[test]
#[ignore = "needs nginx: tests/all"]
fn a_relay_behind_a_login_page_is_used_with_a_header() {
    let sandbox = Sandbox::new();
    for (refusal, code, what) in [
        ("return 302 https://login.example/in?for=share", 9, "requires a login: it redirects to login.example"),
        ("return 302 /login", 9, "requires a login"),
        ("return 403", 6, "answers with a web page: a login, or a proxy in between"),
    ] {
        let gate = format!("if ($http_x_gate != {GATE}) {{ {refusal}; }}");
        let Some((_relay, nginx)) = behind(&sandbox, "", &gate) else { return };
        let url = nginx.url.as_str();
        trusting(&sandbox, &["relay", "check", url]).fails(code, what);
        let with = |value: &str| {
            trusting(&sandbox, &["relay", "use", url, "--header", "X-Gate"]).input(format!("{value}\n")).run()
        };
        let wrong = with("wrong");
        assert!(wrong.code == code && wrong.stderr.contains("does not accept the header X-Gate"), "{wrong:?}");
        assert_eq!(with(GATE).code, 0);
        use_everything(&sandbox, url);
    }
}

/// The directory of what is kept, and the path there for an origin.
fn kept_for(sandbox: &Sandbox, origin: &str) -> PathBuf {
    let name = origin.replace(':', "%3a").replace('/', "%2f");
    let any = files(&sandbox.home()).into_iter().find(|path| path.to_string_lossy().contains("/access/")).unwrap();
    any.with_file_name(name)
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn kept_headers_go_to_their_origin_only() {
    let sandbox = Sandbox::new();
    let refuses = "if ($http_x_gate) { return 401; }";
    let Some((relay, other_port)) = behind(&sandbox, "", refuses) else { return };
    let used = |recorder: &Proxy, header: &str| {
        let url = recorder.url.trim_end_matches('/');
        let run = trusting(&sandbox, &["relay", "use", url, "--header", header, "--keep-default"]);
        let ended = run.input(format!("{GATE}\n")).run();
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    let own = Proxy::recording(&relay.address());
    used(&own, "X-Gate");
    assert!(contains(&own.recorded(), GATE.as_bytes()));
    let shares = ["relay", "check", own.url.trim_end_matches('/')];
    assert_eq!(trusting(&sandbox, &shares).run().code, 0, "the header that was kept is sent");

    // The same file for other origins, as if it had been kept for them.
    let origin = own.url.trim_end_matches('/').to_owned();
    let text = fs::read_to_string(kept_for(&sandbox, &origin)).unwrap();
    let plant = |other: &str| fs::write(kept_for(&sandbox, other), text.replace(&origin, other)).unwrap();

    // Another port of the same host, by https and by http.
    trusting(&sandbox, &["relay", "check", &other_port.url]).ok();
    plant(&other_port.url);
    trusting(&sandbox, &["relay", "check", &other_port.url]).fails(6, "does not accept the header X-Gate");
    let elsewhere = Proxy::recording(&relay.address());
    sandbox.write("words.txt", b"psst");
    let link = trusting(&sandbox, &["send", "-q", "words.txt", "--relay", &relay.url]).ok();
    trusting(&sandbox, &["open", &elsewhere.link(link.trim()), "-o", "received"]).ok();
    assert!(!elsewhere.recorded().is_empty() && !contains(&elsewhere.recorded(), GATE.as_bytes()));

    // A redirect is not followed.
    let target = elsewhere.url.clone();
    let of_other = Sandbox::new();
    let Some((_relay, redirects)) = behind(&of_other, "", &format!("return 302 {target};")) else { return };
    let before = elsewhere.recorded().len();
    plant(&redirects.url);
    trusting(&sandbox, &["relay", "check", &redirects.url]).fails(9, "does not accept the header X-Gate");
    assert_eq!(elsewhere.recorded().len(), before);

    // A web proxy gets CONNECT for https, and nothing for an onion service.
    let proxy = Proxy::recording(&relay.address());
    for origin in ["https://relay.example", "http://a.onion"] {
        plant(origin);
    }
    let through = |url: &str| trusting(&sandbox, &["relay", "check", url, "--proxy", &proxy.url]);
    through("http://a.onion").fails(2, "would read the headers that are kept for a.onion");
    assert!(proxy.recorded().is_empty());
    assert_ne!(through("https://relay.example").run().code, 0);
    let asked = proxy.recorded();
    assert!(asked.starts_with(b"CONNECT relay.example:443 ") && !contains(&asked, GATE.as_bytes()));

    // A link to a sender's computer never reads what is kept: a damaged file does not matter there.
    let host = Host::start(&sandbox, &["words.txt", "--listen", "127.0.0.1:0"]);
    let address = host.link().split_once("://").unwrap().1.split('/').next().unwrap().to_owned();
    for scheme in ["http", "https"] {
        fs::write(kept_for(&sandbox, &format!("{scheme}://{address}")), "{").unwrap();
    }
    trusting(&sandbox, &["relay", "check", &format!("http://{address}")]).fails(8, "the file is damaged");
    trusting(&sandbox, &["peek", host.link()]).ok();
}

#[test]
#[ignore = "takes long: tests/all"]
fn headers_kept_at_once_are_all_kept_and_the_default_stays() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.share(["relay", "use", &relay.url]).ok();
    let other = Proxy::recording(&relay.address());
    let url = other.url.trim_end_matches('/');
    thread::scope(|scope| {
        for name in ["X-A", "X-B", "X-C", "X-D"] {
            let run = sandbox.share(["relay", "use", url, "--header", name, "--keep-default"]);
            scope.spawn(move || assert_eq!(run.input(format!("{GATE}\n")).run().code, 0));
        }
    });
    let mut kept: Vec<String> = {
        let checked = sandbox.share(["relay", "check", url, "--json"]).ok();
        let facts: Value = serde_json::from_str(checked.lines().next().unwrap()).unwrap();
        facts["access"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    kept.sort();
    assert_eq!(kept, ["x-a", "x-b", "x-c", "x-d"]);
    let checked = sandbox.share(["relay", "check", "--json"]).ok();
    assert!(checked.contains(&relay.url) && !checked.contains(url), "{checked}");
    sandbox.share(["relay", "use", url, "--keep-default"]).fails(2, "--keep-default has nothing to store");
    sandbox.share(["relay", "use", "file:///tmp", "--header", "X"]).fails(2, "work only with relay servers");
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn the_recipe_for_an_older_relay_passes_both_headers_on() {
    let sandbox = Sandbox::new();
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/relay.md")).unwrap();
    let map = &guide[guide.find("map $http_share_authorization").unwrap()..];
    let map = &map[..map.find("```").unwrap()];
    let users = sandbox.write("users", format!("amber:{{PLAIN}}{PASSWORD}\n").as_bytes());
    let basic = format!("auth_basic share; auth_basic_user_file {};", users.display());
    // nginx makes this relay an older one.
    let older = "proxy_set_header Share-Authorization '';";
    let Some((_relay, drops)) = behind(&sandbox, "", &format!("{basic} {older}")) else { return };
    let with = |url: &str| {
        let run = trusting(&sandbox, &["relay", "use", url, "--header", "Authorization"]);
        run.input(format!("amber:{PASSWORD}\n"))
    };
    with(&drops.url).fails(6, "the header Share-Authorization does not reach");

    let recipe = format!("{older} proxy_set_header Authorization $share_authorization;");
    // The store of a sandbox is that of one relay.
    let of_relay = Sandbox::new();
    let relay = of_relay.relay_with(&["--anyone"]);
    for login in [&*basic, ""] {
        let front = Front::listen(Ipv4Addr::LOCALHOST.into(), "");
        let address: SocketAddr = relay.address().parse().unwrap();
        let nginx = front.start_mapped(address, map, &format!("{login} {recipe}"));
        match login {
            "" => trusting(&sandbox, &["relay", "use", &nginx.url]).ok(),
            _ => with(&nginx.url).ok(),
        };
        use_everything(&sandbox, &nginx.url);
    }
}

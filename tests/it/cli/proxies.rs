//! Connections through proxies: what they carry, what goes beside them, and whose fault a failure is.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use share::relay::client::HttpRelay;
use share::relay::obstacle::{NotByHttps, Obstacle};
use share::relay::{Access, Identity, Network, Proxies, Relay, RelayError, Source};
use share::relay_url::RelayUrl;

#[cfg(unix)]
use crate::support::set_mode;
use crate::support::{Ended, Run, Sandbox, Socks, SocksReply, certificate};

pub(super) const KEY: &str = "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";

fn peek(sandbox: &Sandbox, address: &str) -> Run {
    let run = sandbox.share(["peek", "--give-up", "300ms", &format!("{address}/#{KEY}")]);
    run.env("SSL_CERT_FILE", certificate("good").to_str().unwrap())
}

fn expect(ended: &Ended, code: i32, what: &str, hint: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    let what = format!("error: {what}\n");
    assert!(ended.stderr.contains(&what) && ended.stderr.contains(hint), "{what}{hint}: {ended:?}");
}

#[test]
fn an_error_names_the_proxy() {
    let sandbox = Sandbox::new();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let start = |reply| Socks::start(reply).address;
    let safe = "it is safe to run this again";
    for (address, what, hint) in [
        (gone, "cannot be reached: connection refused", "check that it is running; for Tor: 127.0.0.1:9050"),
        (start(SocksReply::OtherProtocol), "cannot be reached: no SOCKS proxy answers there", "check that"),
        (
            start(SocksReply::Password),
            "requires a user name and a password",
            "set SHARE_PROXY=socks5h://USER:PASSWORD@",
        ),
        (start(SocksReply::Code(2)), "does not connect to relay.example", "or set NO_PROXY=relay.example"),
        (start(SocksReply::Code(4)), "cannot reach relay.example: host unreachable", safe),
        (start(SocksReply::Code(5)), "cannot reach relay.example: connection refused", safe),
        (start(SocksReply::Code(1)), "cannot reach relay.example: general server failure", safe),
        (start(SocksReply::Closes), "cannot reach relay.example: the proxy closed the connection", safe),
    ] {
        let ended = peek(&sandbox, "https://relay.example").env("ALL_PROXY", format!("socks5h://{address}")).run();
        expect(&ended, 6, &format!("the proxy socks5h://{address} (set by ALL_PROXY) {what}"), hint);
    }
    let proxy = Socks::start(SocksReply::WrongPassword);
    let with_password = format!("socks5h://someone:hunter22@{}", proxy.address);
    let ended = peek(&sandbox, "https://relay.example").env("SHARE_PROXY", &with_password).arg("-vv").run();
    let what = format!("the proxy socks5h://{} (set by SHARE_PROXY) does not accept that password", proxy.address);
    expect(&ended, 6, &what, "set SHARE_PROXY=");
    assert!(!ended.stderr.contains("hunter22") && !ended.stderr.contains("warning"), "{ended:?}");
    let ended = peek(&sandbox, "https://relay.example").arg("--proxy").arg(&with_password).run();
    assert!(!ended.stderr.contains("hunter22") && ended.stderr.contains("warning: other users"), "{ended:?}");
    // A web proxy gets the requests themselves, and may answer them.
    let web = format!("http://{}", start(SocksReply::OtherProtocol));
    let ended = peek(&sandbox, "http://192.168.1.23:4080").arg("--proxy").arg(&web).run();
    let answers = "(set by --proxy), or a server behind it, answers in place of 192.168.1.23:4080";
    expect(&ended, 6, &format!("the proxy {web} {answers}"), "or set NO_PROXY=192.168.1.23\n");
    // A proxy that refuses is asked once.
    let refuses = Socks::start(SocksReply::Code(2));
    let minutes = sandbox.share(["peek", &format!("https://relay.example/#{KEY}")]);
    let ended = minutes.env("ALL_PROXY", format!("socks5h://{}", refuses.address)).run();
    assert!(ended.code == 6 && refuses.asked().len() == 1, "{:?}: {ended:?}", refuses.asked());
    // For an onion service there is no way beside the proxy, and on the local network there is.
    let refuses = Socks::start(SocksReply::Code(2));
    let ended = peek(&sandbox, "http://a.onion").env("ALL_PROXY", format!("socks5://{}", refuses.address)).run();
    expect(
        &ended,
        6,
        &format!("the proxy socks5h://{} (set by ALL_PROXY) does not connect to a.onion", refuses.address),
        "",
    );
    assert!(!ended.stderr.contains("NO_PROXY") && refuses.asked().iter().all(|host| host == "a.onion"), "{ended:?}");
    let fails = Socks::start(SocksReply::Code(4));
    let ended =
        peek(&sandbox, "http://192.168.1.23:4080").env("ALL_PROXY", format!("socks5h://{}", fails.address)).run();
    assert!(ended.stderr.contains("or set NO_PROXY=192.168.1.23\n"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn a_password_that_other_users_can_read_causes_a_warning() {
    let sandbox = Sandbox::new();
    let config = sandbox.home().join(".config/share/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "proxy = 'http://me:hunter22@127.0.0.1:9'\n").unwrap();
    for (mode, warns) in [(0o644, true), (0o600, false)] {
        set_mode(&config, mode);
        let ended = sandbox.share(["list"]).run();
        assert_eq!(ended.stderr.contains("warning: other users of this computer can read the proxy's password"), warns);
        assert!(ended.code == 0 && !ended.stderr.contains("hunter22"), "{ended:?}");
    }
}

#[test]
fn values_that_cannot_be_used_are_errors_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    let proxy = Socks::start(SocksReply::Code(4));
    for (name, value, what) in [
        ("ALL_PROXY", "socks4://127.0.0.1:9050", "ALL_PROXY: socks4 proxies are not supported"),
        ("https_proxy", "127.0.0.1:x", "https_proxy: not the address of a proxy"),
        ("SHARE_PROXY", "socks5h://127.0.0.1:0", "SHARE_PROXY: a proxy has no port 0"),
    ] {
        let ended = peek(&sandbox, "https://relay.example").env(name, value).run();
        expect(&ended, 2, what, "socks5h://HOST:PORT");
    }
    // Text that is not UTF-8 is a value, too.
    #[cfg(unix)]
    {
        let text: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"socks5h://127.0.0.1:9050\xff");
        let ended = peek(&sandbox, "https://relay.example").env("ALL_PROXY", text).run();
        expect(&ended, 2, "ALL_PROXY: not the address of a proxy", "socks5h://HOST:PORT");
    }
    let config = sandbox.home().join(".config/share/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, format!("proxy = 'socks://{}'\n", proxy.address)).unwrap();
    let ended = peek(&sandbox, "https://relay.example").run();
    expect(
        &ended,
        6,
        &format!(
            "the proxy socks5h://{} (set by config.toml) cannot reach relay.example: host unreachable",
            proxy.address
        ),
        "",
    );
    assert!(
        !proxy.asked().is_empty() && proxy.asked().iter().all(|host| host == "relay.example"),
        "{:?}",
        proxy.asked()
    );
    fs::write(&config, "proxy = 'gopher://x'\n").unwrap();
    let ended = peek(&sandbox, "https://relay.example").run();
    assert!(
        ended.code == 2 && ended.stderr.contains("config.toml: proxy: gopher proxies are not supported"),
        "{ended:?}"
    );
    // "none" switches the setting off, and what does not connect does not read it.
    for (onion, name) in [("http://a.onion", "a.onion"), ("http://A.ONION.:4080", "a.onion.:4080")] {
        let ended = peek(&sandbox, onion).arg("--proxy").arg("none").run();
        expect(
            &ended,
            2,
            &format!("{name} can be reached only through a proxy, such as Tor's"),
            "try: --proxy socks5h://127.0.0.1:9050",
        );
    }
    assert_eq!(sandbox.share(["list"]).run().code, 0);
    let https = ["peek", "--proxy", "https://127.0.0.1:9"];
    let direct = format!("http://192.168.1.5:4080/#{}", direct_key());
    let ended = sandbox.share(https.iter().copied().chain([&*direct])).run();
    expect(&ended, 2, "an https proxy cannot carry links to the sender's computer", "use an http or a socks5h proxy");
}

#[test]
fn https_to_an_ipv6_address_is_refused_before_anything_is_sent() {
    let (sandbox, proxy) = (Sandbox::new(), Socks::start(SocksReply::Code(4)));
    let to_ipv6 = ["http://[fd00::5]:4080/#".to_owned() + &direct_key(), format!("https://[fd00::5]:4080/#{KEY}")];
    for link in to_ipv6 {
        let ended = sandbox.share(["peek", &link]).env("ALL_PROXY", format!("socks5h://{}", proxy.address)).run();
        let what = "an IPv6 address cannot be reached by https through the proxy socks5h://";
        assert!(ended.code == 2 && ended.stderr.contains(what) && proxy.asked().is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("use the name of the host, or set NO_PROXY=fd00::5\n"), "{ended:?}");
    }
}

/// The key of a link to a sender's computer.
pub(super) fn direct_key() -> String {
    use share::link::Link;
    use share::relay_url::RelayUrl;
    use share::secret::{Flags, LinkSecret};
    let relay = Some(RelayUrl::parse("http://192.168.1.5:4080").unwrap());
    let link = Link { relay, secret: LinkSecret::random(Flags::DIRECT) };
    link.web().unwrap().split_once('#').unwrap().1.to_owned()
}

#[test]
fn authorities_of_ones_own_are_trusted_in_addition() {
    let sandbox = Sandbox::new();
    let with = |file: &str| {
        sandbox.share(["peek", "--give-up", "300ms", "--ca", file, &format!("https://127.0.0.1:9/#{KEY}")])
    };
    let (missing, text) = (sandbox.path("missing.pem"), sandbox.write("text.pem", b"no certificate"));
    let ended = with(missing.to_str().unwrap()).run();
    assert!(ended.code == 8 && ended.stderr.contains("missing.pem: no such file"), "{ended:?}");
    let ended = with(text.to_str().unwrap()).run();
    assert!(ended.code == 2 && ended.stderr.contains("text.pem contains no certificate"), "{ended:?}");
    let damaged = sandbox.write("damaged.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let ended = with(damaged.to_str().unwrap()).run();
    assert!(ended.code == 2 && ended.stderr.contains("damaged.pem contains a damaged certificate"), "{ended:?}");
    // A computer without authorities of its own gets along with this file.
    fs::create_dir(sandbox.path("empty")).unwrap();
    let none = |run: Run| run.env("SSL_CERT_DIR", sandbox.path("empty").to_str().unwrap());
    let ended = none(with(certificate("good").to_str().unwrap())).env("SSL_CERT_FILE", "").run();
    assert!(ended.code == 6 && ended.stderr.contains("cannot be reached: connection refused"), "{ended:?}");
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let (sandbox, keys) = (Sandbox::new(), [(); 2].map(|()| KeyPair::generate().unwrap()));
    let [key_of_authority, key] = keys;
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key_of_authority).unwrap();
    let chain = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    sandbox.write("chain.pem", chain.pem().as_bytes());
    sandbox.write("key.pem", key.serialize_pem().as_bytes());
    let ca = sandbox.write("ca.pem", authority.pem().as_bytes());
    let options = ["relay", "--listen", "127.0.0.1:0", "--anyone", "--store", "memory:", "--reserve", "0"];
    let relay = sandbox.share(options.iter().chain(&["--tls-cert", "chain.pem", "--tls-key", "key.pem"]));
    let relay = sandbox.start_as_relay(relay);
    // Another authority is the only one of this computer.
    let check = || sandbox.share(["relay", "check", &relay.url]).env("SSL_CERT_FILE", certificate("good"));
    let ended = check().run();
    let what = format!("the certificate of {} is from an issuer that this computer does not trust", relay.address());
    expect(&ended, 6, &what, "if the relay has a certificate authority of its own, use --ca FILE");
    check().arg("--ca").arg(&ca).ok();
    check().env("SHARE_CA", &ca).ok();
    check().env("SSL_CERT_FILE", &ca).ok();
    let config = sandbox.home().join(".config/share/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, format!("ca = '{}'\n", ca.display())).unwrap();
    check().ok();
}

/// A network with this proxy.
fn through(proxy: &str) -> Network {
    Network::new(Proxies::read(Some((proxy, Source::Argument)), |_| None).unwrap())
}

#[test]
fn https_proxies_see_no_client_certificate() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let network = through(&format!("https://{}", listener.local_addr().unwrap()));
    let pem = ["good", "key"].map(|name| fs::read(certificate(name)).unwrap()).concat();
    let access = Access { identity: Some(Identity::from_pem(&pem).unwrap()), ..Access::default() };
    let relay = RelayUrl::parse("https://relay.example").unwrap();
    let made = HttpRelay::through(relay, None, Duration::from_secs(1), &network, Some(&access));
    let is_refused = |error| matches!(error, RelayError::Hindered(Obstacle::NotByHttps(_, NotByHttps::Certificate)));
    assert!(made.err().is_some_and(is_refused));
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test(start_paused = true)]
async fn a_silent_proxy_is_named_and_a_socks_proxy_has_more_time() {
    // Nobody accepts its connections.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for (scheme, seconds) in [("socks5h", 54), ("http", 10)] {
        let relay = RelayUrl::parse("https://relay.example").unwrap();
        let network = through(&format!("{scheme}://{address}"));
        let relay = HttpRelay::through(relay, None, Duration::from_mins(10), &network, None).unwrap();
        let begun = tokio::time::Instant::now();
        let error = relay.about().await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), seconds, "{error:?}");
        let RelayError::Hindered(Obstacle::ProxyFails(proxy, why)) = error else { panic!("{error:?}") };
        assert!(proxy.to_string().contains(scheme) && why == "no answer");
    }
}

#[test]
fn a_bucket_behind_a_proxy_has_its_own_errors() {
    let sandbox = Sandbox::new();
    let bucket = || {
        let run = sandbox.share(["relay", "use", "s3://bucket"]).env("AWS_REGION", "x");
        run.env("AWS_ENDPOINT_URL", "http://bucket.lan:9000")
    };
    // One without a password, which is asked for one, and one with another password.
    for (reply, user, does) in [
        (SocksReply::Password, "", "requires a user name and a password"),
        (SocksReply::WrongPassword, "me:hunter22@", "does not accept that password"),
    ] {
        let proxy = Socks::start(reply);
        let run = bucket().env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
        let ended = run.env("ALL_PROXY", format!("socks5h://{user}{}", proxy.address)).run();
        let what = format!("the proxy socks5h://{} (set by ALL_PROXY) {does}", proxy.address);
        expect(&ended, 6, &what, "set SHARE_PROXY=socks5h://USER:PASSWORD@");
        assert!(!ended.stderr.contains("retrying") && !ended.stderr.contains("hunter22"), "{ended:?}");
    }
    let proxy = Socks::start(SocksReply::Code(4));
    let ended = bucket().env("ALL_PROXY", format!("socks5h://{}", proxy.address)).run();
    let what =
        "s3://bucket: no credentials are set, and the service that hands them out is not asked through a SOCKS proxy";
    expect(&ended, 8, what, "set the bucket's keys in the environment");
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
    let run = bucket().env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
    let run = run.env("AWS_ENDPOINT_URL", "https://[fd00::5]:9000");
    let ended = run.env("ALL_PROXY", format!("socks5h://{}", proxy.address)).run();
    assert!(ended.code == 2 && ended.stderr.contains("AWS_ENDPOINT_URL: an IPv6 address cannot be"), "{ended:?}");
}

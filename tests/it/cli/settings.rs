//! Persistent settings: the environment, the configuration file, and the selected relay.

use std::fs;

use share::page;

#[cfg(target_os = "linux")]
use crate::support::Conversation;
use crate::support::{Run, Sandbox, answering_for, contains, events, expect_mode, files};

fn config(sandbox: &Sandbox, text: &str) {
    let directory = sandbox.home().join(".config/share");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), text).unwrap();
}

#[test]
fn arguments_override_the_environment_which_overrides_the_file() {
    let sandbox = Sandbox::new();
    let (one, two, three) = (sandbox.relay(), Sandbox::new(), Sandbox::new());
    let (two, three) = (two.relay(), three.relay());
    config(&sandbox, &format!("relay = '{}'\nexpire = '1d'\ngive_up = '300ms'\n", one.url));
    let send = || sandbox.share(["send", "-q"]).input("text");
    assert!(send().ok().starts_with(&one.url));
    assert!(send().env("SHARE_RELAY", &two.url).ok().starts_with(&two.url));
    let last = sandbox.share(["send", "-q", "--relay", &three.url]).env("SHARE_RELAY", &two.url).input("text").ok();
    assert!(last.starts_with(&three.url));
    // An empty variable counts as unset.
    assert!(send().env("SHARE_RELAY", "").ok().starts_with(&one.url));
    let expires = |run: Run| {
        let sent = events(&run.env("SHARE_JSON", "yes").run());
        sent[0]["expires"].as_u64().unwrap() - now()
    };
    assert!((86_300..=86_400).contains(&expires(send())));
    assert!((172_700..=172_800).contains(&expires(send().env("SHARE_EXPIRE", "2d"))));
    let three_days = sandbox.share(["send", "-q", "-e", "3d"]).input("text").env("SHARE_EXPIRE", "2d");
    assert!((259_100..=259_200).contains(&expires(three_days)));
    // The time limit for retries too.
    let begun = std::time::Instant::now();
    sandbox.share(["send", "--relay", "http://127.0.0.1:1"]).input("text").fails(6, "cannot be reached");
    assert!(begun.elapsed().as_secs() < 20);
    // The last of several values counts.
    let twice = ["send", "-q", "--relay", "http://127.0.0.1:1", "--relay", &two.url];
    assert!(sandbox.share(twice).input("text").ok().starts_with(&two.url));
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn errors_in_the_file_are_named() {
    let sandbox = Sandbox::new();
    for (text, error) in [
        ("relays = 'x'", "unknown field `relays`"),
        ("relay = 5", "invalid type"),
        ("relay = ", "config.toml: "),
        ("give_up = 'soon'", "give_up: expected a time like"),
        ("relay = 'http://nas'\nexpire = 'soon'", "expire: expected a time like"),
        ("relay = 'ftp://x'", "invalid relay address"),
    ] {
        config(&sandbox, text);
        sandbox.share(["send"]).input("text").fails(2, error);
    }
}

#[test]
fn a_relay_is_checked_before_it_is_used() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    config(&sandbox, "# mine\nexpire = '1d'\n");
    sandbox.share(["relay", "use", "http://127.0.0.1:1", "--give-up", "100ms"]).fails(6, "cannot be reached");
    // A path at which the relay does not answer: the error is about the address and not about a share.
    let typo = format!("{}typo", relay.url);
    let mistyped = sandbox.share(["relay", "check", &typo]).fails(6, "/typo is not a share relay");
    let correct = relay.url.trim_end_matches('/');
    assert!(mistyped.stderr.ends_with(&format!("try: share relay check {correct}\n")), "{mistyped:?}");
    sandbox.share(["relay", "use", "-q", &relay.url]).ok();
    let text = fs::read_to_string(sandbox.home().join(".config/share/config.toml")).unwrap();
    assert_eq!(text, format!("# mine\nexpire = '1d'\nrelay = \"{}\"\n", relay.url));
    assert!(sandbox.share(["send", "-q"]).input("text").ok().starts_with(&relay.url));
    let checked = sandbox.share(["relay", "check"]).ok();
    let limits = "works\n  anyone may upload\n  a share may have up to 4.0 GiB, and expires after 90 days at most\n";
    assert!(checked.contains(limits), "{checked}");
    let facts = events(&sandbox.share(["relay", "check", "--json"]).run()).pop().unwrap();
    assert_eq!(facts["max_bytes"], 4_294_967_296u64);
    assert_eq!(facts["may_create"], true);
    assert_eq!(facts["page"], "same");
    // The check has removed its test data.
    assert_eq!(relay.data().len(), 2, "the text's part and manifest");
    sandbox.share(["relay", "check", "--give-up", "100ms", "http://127.0.0.1:1"]).fails(6, "cannot be reached");
    sandbox.share(["relay", "cheque"]).fails(2, "cheque");
}

/// An answer with another page.
const OTHER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nevil";
/// An answer with a compressed one.
const COMPRESSED: &[u8] =
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\0";
/// An answer with no page.
const NOTHING: &[u8] = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_check_compares_the_page_and_each_file_that_it_loads() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let check = |url: &str| {
        let printed = sandbox.share(["relay", "check", "-q", url]).run();
        assert_eq!(printed.code, 0, "{printed:?}");
        let facts = events(&sandbox.share(["relay", "check", "--json", url]).run());
        let facts = facts.into_iter().find(|event| event["event"] == "relay").unwrap();
        (String::from_utf8_lossy(&printed.stdout).into_owned(), printed.stderr.clone(), facts)
    };
    let (found, warned, facts) = check(&relay.url);
    assert!(found.contains("for browsers ") && found.contains(" the same as in this program"), "{found}");
    assert!(warned.is_empty() && facts["page"] == "same" && facts["send_page"] == "same", "{warned} {facts}");
    assert_eq!(facts["page_files"].as_object().map_or(0, serde_json::Map::len), page::FILES.len());

    for (answer, word, finding, warning) in [
        (OTHER, "other", "is NOT the same as in this program", "the relay runs another version, or someone changed"),
        (COMPRESSED, "compressed", "cannot be compared: a proxy compressed it", "pass Accept-Encoding on"),
        (NOTHING, "missing", "the relay has no ", "to pass requests for /"),
    ] {
        let pages = [&page::PAGE, &page::SEND].into_iter();
        let pages = pages.zip([("page", "page for browsers"), ("send_page", "page that sends from browsers")]);
        for (page, (key, name)) in pages {
            let (found, warned, facts) = check(&answering_for(page.path, answer, &relay.address()));
            let line = found.lines().find(|line| line.contains(name));
            assert!(line.is_some_and(|line| line.contains(finding)) && facts[key] == word, "{found} {facts}");
            assert!(["page", "send_page"].iter().all(|other| *other == key || facts[other] == "same"), "{facts}");
            // A relay need not have a page that opens. This one states that it has one that sends.
            assert!(warned.contains(warning) != (word == "missing" && key == "page"), "{warned}");
            // Another page loads other files.
            let others = [&page::PAGE, &page::SEND].into_iter().filter(|other| other.path != page.path);
            let others = others.flat_map(page::Document::files).count();
            assert_eq!(facts["page_files"].as_object().map_or(0, serde_json::Map::len), others, "{facts}");
            assert!(!found.contains("page/"), "{found}");
        }

        let Some(file) = page::FILES.first().map(|file| file.path().trim_start_matches('/').to_owned()) else {
            continue;
        };
        let (found, warned, facts) = check(&answering_for(&format!("/{file}"), answer, &relay.address()));
        assert!(found.contains("the page for browsers is the same as in this program"), "{found}");
        assert!(found.contains("the page that sends from browsers is the same as in this program"), "{found}");
        assert!(found.lines().any(|line| line.contains(&file) && line.contains(finding)), "{found}");
        assert!(warned.contains(&file) && warned.contains(warning), "{warned}");
        assert!(facts["page"] == "same" && facts["page_files"][&file] == word, "{facts}");
    }
}

#[test]
fn a_check_compares_no_page_that_sends_where_the_relay_states_none() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let about = "{\"v\":1,\"max_bytes\":4294967296,\"max_ttl\":7776000,\"lease\":86400,\"create\":\"open\",\
                 \"public_url\":null,\"contact\":null}";
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n", about.len());
    let answer = format!("{head}Content-Type: application/json\r\n\r\n{about}");
    let url = answering_for("/.well-known/share", answer.into_bytes().leak(), &relay.address());
    let ended = sandbox.share(["relay", "check", "--json", &url]).run();
    let facts = events(&ended).into_iter().find(|event| event["event"] == "relay").unwrap();
    assert!(facts["page"] == "same" && facts["send_page"].is_null(), "{facts}");
    assert_eq!(facts["page_files"].as_object().map_or(0, serde_json::Map::len), page::PAGE.files().count());
    let found = sandbox.share(["relay", "check", "-q", &url]).ok();
    assert!(found.contains("the page for browsers and its files are the same") && !found.contains("sends"), "{found}");
}

#[test]
fn a_check_names_the_service_that_changes_the_page() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let page = page::PAGE.html();
    let loader = "<script src=\"/cdn-cgi/scripts/7d0fa10a/cloudflare-static/rocket-loader.min.js\"></script></body>";
    let changed = page.replacen("</body>", loader, 1);
    assert_ne!(changed, page, "the page has a body");
    let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{changed}", changed.len());
    let url = answering_for("/", answer.into_bytes().leak(), &relay.address());
    let checked = sandbox.share(["relay", "check", &url]).run();
    assert!(checked.code == 0 && contains(&checked.stdout, b"is NOT the same"), "{checked:?}");
    for part in ["is changed on its way by Cloudflare's Rocket Loader", "turn off Rocket Loader for this host"] {
        assert!(checked.stderr.contains(part), "{checked:?}");
    }
}

#[test]
fn create_tokens_are_made_stored_and_required() {
    let sandbox = Sandbox::new();
    let make = |name: &str| sandbox.share(["relay", "token", name, "--create-token-file", "tokens"]);
    let anna = make("anna").ok();
    let ben = make("ben").ok();
    assert!(anna.len() >= 32 && anna != ben, "{anna}");
    make("anna").fails(8, "anna already has a token");
    make("two words").fails(2, "the name is one word");
    let text = String::from_utf8(sandbox.read("tokens")).unwrap();
    assert!(text.lines().count() == 2 && !text.contains(&anna), "only what it hashes to: {text}");
    let relay = sandbox.relay_with(&["--create-token-file", "tokens"]);
    let send = || sandbox.share(["send", "-q"]).input("text");
    send().env("SHARE_RELAY", &relay.url).fails(9, "create token");
    let ended = sandbox.share(["relay", "use", &relay.url]).env("SHARE_CREATE_TOKEN", "0123456789abcdef").run();
    assert_eq!(ended.code, 9, "{ended:?}");
    #[cfg(target_os = "linux")]
    {
        let mut terminal = Conversation::start(&sandbox, &format!(r#""$SHARE" relay use {}"#, relay.url));
        terminal.expect("Create token for").press(&format!("{anna}\r"));
        let (code, seen) = terminal.end();
        assert!(code == 0 && seen.contains("you may upload") && !seen.contains(&anna), "{seen}");
    }
    #[cfg(not(target_os = "linux"))]
    sandbox.share(["relay", "use", &relay.url]).env("SHARE_CREATE_TOKEN", &anna).ok();
    assert!(send().ok().starts_with(&relay.url), "it is kept");
    let kept = files(&sandbox.home().join(".local/state/share/tokens"));
    expect_mode(&kept[0], 0o600);
    let there = sandbox.other_home("elsewhere");
    let used = sandbox.share(["relay", "use", "-q", &relay.url]).env("HOME", &there).env("SHARE_CREATE_TOKEN", &ben);
    used.ok();
    assert!(send().env("HOME", &there).ok().starts_with(&relay.url));
    // A hand-written list of bare tokens works as well.
    drop(relay);
    sandbox.write("bare", b"# ours\n0123456789abcdef\n");
    let relay = sandbox.relay_with(&["--create-token-file", "bare"]);
    let sent = send().env("SHARE_RELAY", &relay.url).env("SHARE_CREATE_TOKEN", "0123456789abcdef");
    assert!(sent.ok().starts_with(&relay.url));
}

//! Buckets: as the store of a relay, as the store of several relays, and as a relay without a server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{
    BucketFault, Denial, Proxy, Run, Sandbox, TestS3, data, expect_no_data, node, noise, photo, settle_bucket, skip,
};

/// A run of the program with the bucket's credentials.
fn share(sandbox: &Sandbox, s3: &TestS3, args: &[&str]) -> Run {
    sandbox.share(args).envs(s3.settings()).env("SHARE_GIVE_UP", "30s")
}

/// A bucket as a team's relay.
fn team() -> (Sandbox, TestS3, String) {
    let (sandbox, s3, url) = (Sandbox::new(), TestS3::start(), TestS3::url("team"));
    share(&sandbox, &s3, &["relay", "use", "-q", &url]).ok();
    (sandbox, s3, url)
}

#[test]
fn a_bucket_is_a_relay_for_users_with_credentials() {
    let (sandbox, s3, url) = team();
    let there = sandbox.other_home("ben");
    let content = photo(9_000_000);
    sandbox.write("beach.jpg", &content);
    let link = share(&sandbox, &s3, &["send", "-q", "beach.jpg"]).ok();
    assert!(link.starts_with(&format!("{url}/#share1")), "{link}");
    assert!(share(&sandbox, &s3, &["status"]).ok().contains("waiting"));
    share(&sandbox, &s3, &["relay", "use", "-q", &url]).env("HOME", &there).ok();
    assert!(share(&sandbox, &s3, &["peek", &link]).env("HOME", &there).ok().contains("beach.jpg"));
    share(&sandbox, &s3, &["open", "-q", &link, "-o", "got.jpg"]).env("HOME", &there).ok();
    assert!(sandbox.read("got.jpg") == content);
    assert_eq!(data(&s3), Vec::<String>::new());
    share(&sandbox, &s3, &["open", &link, "-o", "again.jpg"]).fails(3, "on another device");
    assert!(share(&sandbox, &s3, &["status"]).ok().contains("(verified: the opener had the link)"));
    let link = share(&sandbox, &s3, &["send", "-q"]).input("text").ok();
    share(&sandbox, &s3, &["revoke", &link]).ok();
    share(&sandbox, &s3, &["open", &link]).env("HOME", &there).fails(4, "the sender revoked this link");
    assert_eq!(data(&s3), Vec::<String>::new());
    assert!(s3.names().iter().all(|name| name.starts_with("team/")), "{:?}", s3.names());
}

#[test]
fn a_strangers_link_uses_no_credentials() {
    let (sandbox, s3, _) = team();
    let link = share(&sandbox, &s3, &["send", "-q"]).input("text").ok();
    s3.plan(|_| None);
    let there = sandbox.other_home("eve");
    let refused =
        share(&sandbox, &s3, &["open", "-y", &link]).env("HOME", &there).fails(2, "would use your credentials");
    assert!(refused.stderr.contains("SHARE_RELAY=s3://"), "{refused:?}");
    assert_eq!(s3.asked(), 0, "nothing was asked");
    s3.clear();
    assert_eq!(share(&sandbox, &s3, &["open", &link]).ok(), "text");
}

#[test]
fn an_unusable_bucket_is_explained() {
    let (sandbox, s3, url) = team();
    let use_it = |url: &str| share(&sandbox, &s3, &["relay", "use", url]);
    use_it("s3://elsewhere/team").fails(8, "there is no such bucket");
    use_it(&url).env("AWS_SECRET_ACCESS_KEY", "wrong").fails(8, "the secret key does not match the access key");
    for wrong in ["s3:///team", "s3:/shares/team", "s3://shares/..", "s3://shares/%2e%2e/x", "s3://sha%2Fres/x"] {
        use_it(wrong).fails(2, "expected a bucket like s3://bucket/prefix");
    }
    for endpoint in ["nonsense", "127.0.0.1:5061", "http://", "http://[::1"] {
        use_it(&url).env("AWS_ENDPOINT_URL", endpoint).fails(2, "AWS_ENDPOINT_URL");
    }
    use_it(&url).env("AWS_ACCESS_KEY_ID", "key\n").fails(2, "AWS_ACCESS_KEY_ID contains a control character");
    use_it("s3://shares/some thing").fails(2, "expected a bucket like s3://bucket/prefix");
    let far = use_it(&url)
        .env("AWS_ENDPOINT_URL", "http://s3.example.org")
        .fails(2, "plain http works only on local networks");
    assert!(far.stderr.contains("AWS_ALLOW_HTTP=true"), "{far:?}");
    let closed = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let down = || share(&sandbox, &s3, &["send"]).input("x").env("AWS_ENDPOINT_URL", &closed);
    let gone = down().env("SHARE_GIVE_UP", "1s").fails(6, "cannot be reached");
    assert!(gone.stderr.contains("it is safe to run this again"), "{gone:?}");
    let not_ours = share(&sandbox, &s3, &["send", "--relay", "s3://shares/elsewhere"]).input("x");
    not_ours.fails(2, "s3://shares/elsewhere is not set up as a relay");
}

#[test]
fn a_store_that_overwrites_instead_of_creating_is_refused() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::that_ignores_conditions());
    let url = TestS3::url("team");
    share(&sandbox, &s3, &["relay", "use", &url]).fails(8, "a share could be opened twice");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    share(&sandbox, &s3, &relay).fails(8, "a share could be opened twice");
    assert_eq!(s3.names(), Vec::<String>::new(), "nothing is left of the attempt");
}

#[test]
fn a_store_that_denies_conditional_writes_is_named_at_once() {
    let url = TestS3::url("team");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    for denial in [Denial::NotImplemented, Denial::NotAllowed, Denial::InvalidArgument] {
        let (sandbox, s3) = (Sandbox::new(), TestS3::that_denies_conditions(denial));
        for command in [&["relay", "use", &url][..], &relay] {
            s3.plan(|_| None);
            let refused = share(&sandbox, &s3, command);
            let refused = refused.fails(8, "the bucket does not support conditional writes (If-None-Match)");
            assert!(refused.stderr.contains("such as S3, R2 or MinIO"), "{denial:?} {refused:?}");
            assert!(!refused.stderr.contains("retrying"), "{denial:?} {refused:?}");
            // The parallel creations, one for the versions, and the deletion: nothing is repeated.
            assert_eq!(s3.asked(), 18, "{denial:?}");
        }
    }
}

#[test]
fn a_bucket_in_another_region_is_named_at_once() {
    let (sandbox, s3, url) = team();
    // S3 sends such a redirect without an address.
    s3.plan(|_| Some(BucketFault::Refused(301)));
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", &url];
    for command in [&["relay", "use", &url][..], &["send"], &relay] {
        let refused = share(&sandbox, &s3, command).input("x").fails(8, "the bucket is in another region");
        assert!(refused.stderr.contains("AWS_REGION") && !refused.stderr.contains("retrying"), "{refused:?}");
    }
    // Another server, which is not a bucket.
    s3.plan(|_| Some(BucketFault::Refused(405)));
    share(&sandbox, &s3, &relay).fails(8, "the server is not a bucket");
}

#[test]
fn the_findings_of_a_check_are_printed() {
    let (sandbox, s3, _) = team();
    let printed = share(&sandbox, &s3, &["relay", "check"]).ok();
    for finding in [
        "the test upload of 4 MiB succeeded",
        "if several programs write the same object, exactly one succeeds",
        "the clocks of the relay and this computer ",
        "the store keeps no versions of deleted objects",
    ] {
        assert!(printed.contains(finding), "{printed}");
    }
    assert_eq!(data(&s3), Vec::<String>::new());

    let (sandbox, s3, url) = (Sandbox::new(), TestS3::with_versions(), TestS3::url("team"));
    let used = share(&sandbox, &s3, &["relay", "use", &url]).run();
    assert!(used.stderr.contains("the store keeps versions of deleted objects"), "{used:?}");
    assert!(share(&sandbox, &s3, &["relay", "check"]).ok().contains("the store keeps versions of deleted objects"));
    let relay = node(&sandbox, &s3);
    assert!(fs::read_to_string(&relay.log).unwrap().contains("warning: the bucket keeps versions"));
    let printed = share(&sandbox, &s3, &["relay", "check", &relay.url]).ok();
    assert!(
        ["agree", "differ by 1 second\n"].iter().any(|clocks| printed.contains(&format!("this computer {clocks}"))),
        "{printed}"
    );
}

/// The faults of a request.
const BUCKET_FAULTS: [BucketFault; 8] = [
    BucketFault::Refused(500),
    BucketFault::Refused(503),
    BucketFault::Refused(409),
    BucketFault::Refused(412),
    BucketFault::Denied(500),
    BucketFault::CutBefore,
    BucketFault::CutAfter,
    BucketFault::Twice,
];

#[test]
#[ignore = "takes long: tests/all"]
fn any_request_to_a_bucket_may_fail() {
    let (sandbox, s3, _) = team();
    let content = noise(20_000, 51);
    sandbox.write("note.bin", &content);
    let expect_content = |fault| {
        assert!(sandbox.read("got") == content, "{fault:?}");
        fs::remove_file(sandbox.path("got")).unwrap();
    };
    for (turn, fault) in (0..).zip(BUCKET_FAULTS) {
        for sends in [true, false] {
            let mut number = 1 + turn % 3;
            loop {
                let waiting =
                    if sends { String::new() } else { share(&sandbox, &s3, &["send", "-q", "note.bin"]).ok() };
                s3.plan(move |asked| (asked.number == number).then_some(fault));
                let args: &[&str] =
                    if sends { &["send", "-q", "note.bin"] } else { &["open", "-q", &waiting, "-o", "got"] };
                let ended = share(&sandbox, &s3, args).run();
                let harmed = s3.clear() > 0;
                let printed = String::from_utf8(ended.stdout.clone()).unwrap().trim().to_owned();
                if ended.code != 0 {
                    // No link was printed, and the same command succeeds.
                    assert_eq!((printed.as_str(), sandbox.names()), ("", vec!["note.bin".to_owned()]), "{ended:?}");
                }
                if sends {
                    let again = || share(&sandbox, &s3, args).ok();
                    let link = if ended.code == 0 { printed } else { again() };
                    share(&sandbox, &s3, &["open", "-q", &link, "-o", "got"]).ok();
                } else {
                    if ended.code != 0 {
                        share(&sandbox, &s3, args).ok();
                    }
                    let there = sandbox.other_home("eve");
                    share(&sandbox, &s3, &["relay", "use", "-q", &TestS3::url("team")]).env("HOME", &there).ok();
                    let stolen = share(&sandbox, &s3, &["open", "-q", &waiting, "-o", "stolen"]).env("HOME", &there);
                    stolen.fails(3, "on another device");
                }
                expect_content(fault);
                if !harmed {
                    break;
                }
                number += 3;
            }
        }
    }
    share(&sandbox, &s3, &["list", "-q"]).ok();
    settle_bucket(&s3, "team");
}

#[test]
fn three_relays_over_one_bucket_are_one_relay() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let mut nodes = [(); 3].map(|()| node(&sandbox, &s3));
    let content = noise(30_000_000, 52);
    sandbox.write("film.bin", &content);
    let front = Proxy::to(&nodes[0].address(), None);
    // Uploaded through one, looked at through another, claimed through the third.
    let link = sandbox.share(["send", "-q", "film.bin", "--relay", &front.url]).ok();
    front.lead_to(&nodes[1].address());
    assert!(sandbox.share(["peek", &link]).ok().contains("film.bin"));
    front.lead_to(&nodes[2].address());
    front.stop_down_at(15_000_000);
    let opener = sandbox.share(["open", "-q", &link, "-o", "got"]).start();
    front.wait_until_down_stopped();
    // A relay dies in the middle of a part; a surviving one continues.
    nodes[2].kill();
    front.lead_to(&nodes[1].address());
    front.mend();
    let ended = opener.wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(sandbox.read("got") == content);
    front.lead_to(&nodes[0].address());
    sandbox.share(["open", "-q", &link]).env("HOME", sandbox.other_home("ben")).fails(3, "on another device");
    assert!(sandbox.share(["status"]).ok().contains("(verified: the opener had the link)"));
    expect_no_data(&s3);
}

#[test]
fn a_sender_stops_when_its_relay_dies_and_another_relay_sweeps() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let first = node(&sandbox, &s3);
    sandbox.write("film.bin", &noise(9_000_000, 53));
    let link = sandbox.share(["send", "-q", "film.bin", "--relay", &first.url]).ok();
    drop(first);
    let second = node(&sandbox, &s3);
    let link = format!("{}#{}", second.url, link.split_once('#').unwrap().1);
    assert_eq!(sandbox.share(["open", "-q", &link]).run().stdout.len(), 9_000_000);
    expect_no_data(&s3);
}

/// The Python environment in which tests/setup installed moto, a mock of S3.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/moto/bin/python3");

/// Moto with sequential requests: its own server is parallel and lets two requests create the same object, which our
/// probe detects now and then.
const MOTO: &str = "
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', 0, DomainDispatcherApplication(create_backend_app), threaded=False)
";

#[test]
#[ignore = "needs moto: tests/all"]
fn another_implementation_of_s3_works_too() {
    if !std::path::Path::new(PYTHON).exists() {
        skip("no moto; tests/setup installs it");
        return;
    }
    let mut moto = Command::new(PYTHON).args(["-c", MOTO]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(moto.stderr.take().unwrap()).lines();
    let endpoint = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(at) = line.find("http://127.0.0.1:") {
            break line[at..].trim().to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    let made = Command::new("python3").args(["-c", MAKE_BUCKET, &format!("{endpoint}/shares")]).status().unwrap();
    assert!(made.success());
    let sandbox = Sandbox::new();
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let share = |args: &[&str]| sandbox.share(args).envs(settings.clone());
    let content = noise(5_000_000, 54);
    sandbox.write("film.bin", &content);
    // As a relay without a server, and behind one.
    share(&["relay", "use", "-q", "s3://shares/team"]).ok();
    assert!(share(&["relay", "check"]).ok().contains("exactly one succeeds"));
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", "s3://shares/relay"];
    let relay = sandbox.start_as_relay(share(&relay));
    for relay in ["s3://shares/team", &relay.url] {
        let link = share(&["send", "-q", "film.bin", "--relay", relay]).ok();
        share(&["open", "-q", &link, "-o", "got", "-f"]).ok();
        assert!(sandbox.read("got") == content);
        let there = sandbox.other_home("ben");
        if relay.starts_with("http") {
            share(&["open", "-q", &link]).env("HOME", &there).fails(3, "on another device");
        }
        let link = share(&["send", "-q", "film.bin", "--relay", relay]).ok();
        share(&["revoke", "-q", &link]).ok();
        share(&["open", "-q", &link, "-o", "got", "-f"]).fails(4, "the sender revoked this link");
    }
    drop(relay);
    moto.kill().unwrap();
    moto.wait().unwrap();
}

/// Creates a bucket: moto does not check signatures.
const MAKE_BUCKET: &str = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='PUT'))";

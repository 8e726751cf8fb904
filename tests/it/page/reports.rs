//! Reports to the operator of a relay.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use share::link::Link;
use share::relay::rules::{Operator, Policy, StoreRelay};
use share::relay::server::{self, ServerOptions};
use share::relay::store::memory::Memory;
use share::relay_url::RelayUrl;
use share::report::{self, Bundle, Note, Records};
use share::wordlist::openers_words;
use tokio::runtime::Runtime;

use super::languages::choose;
use crate::support::{
    Browser, Engine, PHOTO, POLICY, Sandbox, Tab, TestClock, contains, forms, in_every_engine, served,
};

in_every_engine!(opened_share_can_be_reported_until_an_hour_after_its_end);

const CONTACT: &str = "abuse@relay.example";

/// A relay with an operator, in this process, with a clock that the test sets.
pub(super) struct Operated {
    runtime: Runtime,
    rules: Arc<StoreRelay>,
    clock: Arc<TestClock>,
    identity: Identity,
    url: String,
    /// The address of the same relay for plain http, at `http://photos.lan`.
    lan: String,
}

/// A report that was verified as the operator does it.
struct Verified {
    name: Option<String>,
    content: Vec<u8>,
    note: Note,
    opener: String,
}

impl Operated {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let clock = TestClock::at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
        let identity = Identity::generate();
        let (recipient, contact) = (identity.to_public().to_string(), CONTACT.to_owned());
        let operator = Some(Operator { recipient, contact, max_reported: 1 << 30 });
        let store = Arc::new(Memory::new(clock.clone(), u64::MAX));
        let rules = Arc::new(StoreRelay::new(store, clock.clone(), Policy { operator, ..POLICY }));
        let (_, url) = runtime.block_on(async { served(rules.clone()) });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let lan = listener.local_addr().unwrap().to_string();
        let public_url = Some(RelayUrl::parse("http://photos.lan").unwrap());
        let options = ServerOptions { public_url, ..ServerOptions::default() };
        runtime.spawn(server::serve(rules.clone(), listener, options, std::future::pending()));
        Self { runtime, rules, clock, identity, url, lan }
    }

    pub(super) fn send(&self, sandbox: &Sandbox, args: &[&str]) -> String {
        sandbox.share([&["send", "-q", "--relay", &self.url], args].concat()).ok()
    }

    /// The only report. The operator then deletes it.
    fn take_report(&self) -> Verified {
        self.runtime.block_on(async {
            let [reported] = &self.rules.reports().await.unwrap().shares[..] else { panic!("there is one report") };
            let evidence = self.rules.evidence(&reported.id).await.unwrap();
            let (offer, seal, claim) = (evidence.offer, evidence.seal, evidence.claim);
            let records = Records { offer, seal, claim, end: evidence.end, report: evidence.report };
            let bundle = Bundle { id: evidence.id, records, manifest: evidence.manifest.to_vec() };
            let verified = report::verify(&bundle, std::slice::from_ref(&self.identity)).unwrap();
            let mut content = verified.content(Vec::new());
            for chunk in evidence.blob.try_collect::<Vec<_>>().await.unwrap() {
                content.push(&chunk).unwrap();
            }
            self.rules.review(&reported.id).await.unwrap();
            let name = verified.manifest.entries[0].name().map(str::to_owned);
            let opener = openers_words(&verified.facts.claimant);
            Verified { name, content: content.finish().unwrap(), note: verified.note.clone(), opener }
        })
    }

    fn has_report(&self) -> bool {
        !self.runtime.block_on(self.rules.reports()).unwrap().shares.is_empty()
    }
}

const REPORT: &str = "dialog button:text-is('Report')";
const CONFIRM: &str = "'dialog .row button:last-child'";
const FOCUSED: &str = "document.activeElement.innerText.trim()";

#[track_caller]
fn expect_forgotten(tab: &Tab) {
    assert_eq!(tab.remembers(), r#""{}{}""#);
}

/// Checks the page against accessibility rules, which takes seconds and depends on no engine.
fn expect_accessible(tab: &Tab, engine: Engine) {
    if matches!(engine, Engine::Chromium) {
        assert_eq!(tab.tell("axe", json!({})), json!([]));
    }
}

/// Opens the photo.
fn open(tab: &Tab, link: &str) {
    tab.goto(link).hold().until("document.querySelector('.stage img')?.complete && document.querySelector('.report')");
}

/// Closes an album of which one file was not seen.
fn close(tab: &Tab) -> &Tab {
    tab.press_button("Close").expect("has not been seen");
    tab.press_button("Close anyway")
}

/// Waits until a press no longer counts as the second one of a double press.
fn settle(tab: &Tab) {
    tab.value("globalThis.shown = performance.now(), 0");
    tab.until("performance.now() - globalThis.shown > 450");
}

/// Asks for a report, and confirms it.
fn report(tab: &Tab) {
    tab.press_button("Report").expect("will see all files and their names");
    settle(tab);
    tab.tell("click", json!({ "selector": REPORT }));
}

/// The sender's view of a share, without what differs between any two.
fn status_of(sandbox: &Sandbox, link: &str, opener: &str) -> String {
    let id = Link::parse(link).unwrap().link.secret.keys(None).id.hex();
    let shown = sandbox.share(["status", "--json", &id]).ok();
    let mut status: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    // The time of sending is that of this machine.
    assert!(status["state"] == "finished" && status["opener"] == opener && status["created"].take().is_u64());
    status.to_string().replace(&id, "ID").replace(opener, "OPENER")
}

fn opened_share_can_be_reported_until_an_hour_after_its_end(engine: Engine) {
    let relay = Operated::start();
    let Some(browser) = Browser::start_engine(engine, &[&format!("--host=photos.lan={}", relay.lan)]) else { return };
    let sandbox = Sandbox::new();
    // Each of the two is a browser of its own in WebKit, which takes seconds to start.
    let tab = browser.tab_with(json!({ "width": 390, "height": 844 }));
    reported_while_open(&tab, engine, &relay, &sandbox);
    refused_in_words(&tab, &relay, &sandbox);
    not_reported_over_http(&tab, &relay, &sandbox);
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "dark": true }));
    reported_after_a_revocation(&tab, engine, &relay, &sandbox);
    reported_too_late(&tab, &relay, &sandbox);
}

fn reported_while_open(tab: &Tab, engine: Engine, relay: &Operated, sandbox: &Sandbox) {
    let text = sandbox.write("later.txt", b"not seen").to_str().unwrap().to_owned();
    let [link, other] = [(); 2].map(|()| relay.send(sandbox, &[PHOTO, &text]));
    open(tab, &link);
    // With what is kept for a report, nobody but the operator can decrypt anything.
    let kept = tab.value("JSON.stringify(localStorage)").to_string();
    assert!(kept.contains(".report") && kept.contains(CONTACT), "{kept}");
    let keys = Link::parse(&link).unwrap().link.secret.keys(None);
    for identity in [&keys.manifest_identity, &keys.blob_identity] {
        for form in forms(identity.to_string().expose_secret().as_bytes()) {
            assert!(!contains(kept.as_bytes(), &form), "{kept}");
        }
    }
    tab.press_button("Report").expect(CONTACT).expect("this device’s two words (");
    expect_accessible(tab, engine);
    assert_eq!(tab.value(FOCUSED), "Report this to the operator?");
    tab.tell("click", json!({ "selector": "textarea" }));
    tab.type_text("not mine").press("Escape").until("!document.querySelector('dialog')");
    assert_eq!(tab.value(FOCUSED), "Report", "the focus is where it was");
    // A script's click is no consent.
    tab.press_button("Report").expect("will see all files");
    settle(tab);
    tab.value(&format!("document.querySelector({CONFIRM}).click(), 0"));
    assert_eq!(tab.value("document.querySelector('dialog .live').textContent"), "");
    tab.press("Escape").until("!document.querySelector('dialog')");
    // The browser's way back closes the dialog, and not the share. What was typed is still there.
    tab.press_button("Report").until("document.querySelector('textarea')?.value === 'not mine'");
    tab.value("history.back(), 0");
    tab.until("!document.querySelector('dialog')").expect("Closing ends the share.");
    assert!(!relay.has_report(), "nothing was reported yet");
    // A line break, and half of a character.
    tab.press_button("Report").expect("will see all files and their names");
    tab.value("(field => (field.value += '\\n\\ud83d', field.oninput(), 0))(document.querySelector('textarea'))");
    tab.press("Escape").until("!document.querySelector('dialog')");
    report(tab);
    tab.expect("Reported. The relay does not tell the sender.");
    tab.until("document.querySelector('button.report').getAttribute('aria-disabled') === 'true'");
    let found = relay.take_report();
    assert_eq!((found.name.as_deref(), found.note), (Some("beach.jpg"), Note::Text("not mine\n\u{fffd}".to_owned())));
    assert!(found.content.starts_with(&[0xff, 0xd8]) && found.content.len() > 20_000);
    assert!(!tab.text().contains("deletes"), "the relay keeps it for 30 days");
    // A reload, which ends nothing that was not seen, offers no other report, and makes no other promise.
    tab.tell("reload", json!({}));
    tab.until("document.querySelector('.stage img')?.complete").expect("Closing ends the share.");
    assert!(tab.value("document.querySelector('.report')").is_null() && !tab.text().contains("deletes"));
    close(tab).expect("Nobody can open the link again.");
    assert_eq!(tab.opener(), found.opener);
    assert!(tab.value("document.querySelector('.reporting')").is_null() && !tab.text().contains("delete"));
    expect_forgotten(tab);

    // The sender sees the same as of a share that was not reported.
    open(tab, &other);
    close(tab).expect("An hour from now the relay deletes what was sent.").expect("you can report this");
    let [reported, not_reported] =
        [(&link, found.opener), (&other, tab.opener())].map(|(link, opener)| status_of(sandbox, link, &opener));
    assert_eq!(reported, not_reported);
    // A report after the end changes what the relay does. The outcome outlasts another language.
    report(tab);
    tab.expect("Reported. The relay does not tell the sender.");
    assert!(!tab.text().contains("deletes"), "{}", tab.text());
    choose(tab, "de");
    tab.expect("Gemeldet. Das Relay teilt es dem Absender nicht mit.");
    assert!(!tab.text().contains("löscht"), "{}", tab.text());
    relay.take_report();
    // Of the choice of a language, too.
    tab.value("sessionStorage.clear(), 0");
    expect_forgotten(tab);
}

fn reported_after_a_revocation(tab: &Tab, engine: Engine, relay: &Operated, sandbox: &Sandbox) {
    let link = relay.send(sandbox, &[PHOTO]);
    open(tab, &link);
    sandbox.share(["revoke", "-q", &link]).ok();
    tab.press_button("Close").expect("The share had ended before you closed it here").expect("you can report this");
    tab.tell("reload", json!({}));
    tab.expect("Already opened").expect("you can report this");
    tab.goto("about:blank").goto(&link).expect("The sender sees it was").expect("you can report this");
    expect_accessible(tab, engine);
    // The way back closes the dialog here, too.
    tab.press_button("Report").expect("will see all files");
    expect_accessible(tab, engine);
    tab.value("history.back(), 0");
    tab.until("!document.querySelector('dialog')").expect("Already opened");
    report(tab);
    tab.expect("Reported. The relay does not tell the sender.");
    assert!(!tab.text().contains("you can report"), "{}", tab.text());
    let found = relay.take_report();
    assert!(found.note == Note::Missing && found.content.len() > 20_000);
    expect_forgotten(tab);
    tab.tell("reload", json!({}));
    tab.until("document.querySelector('h1').textContent !== 'One moment…'");
    assert!(tab.value("document.querySelector('.reporting')").is_null(), "{}", tab.text());
}

fn reported_too_late(tab: &Tab, relay: &Operated, sandbox: &Sandbox) {
    let link = relay.send(sandbox, &[PHOTO]);
    open(tab, &link);
    // The page that is left finds out that the sender has revoked the share, and counts from then at the latest.
    sandbox.share(["revoke", "-q", &link]).ok();
    tab.tell("reload", json!({}));
    tab.expect("you can report this");
    let left = "JSON.parse(Object.values(localStorage)[0]).until - Date.now() / 1000";
    let left = tab.value(left).as_f64().unwrap();
    assert!((3000.0..=3600.0).contains(&left), "{left}");
    // By the browser's clock.
    let kept = tab.value("JSON.stringify(localStorage)");
    let late = "const [name] = Object.keys(localStorage);
        localStorage[name] = localStorage[name].replace(/\"until\":\"\\d+\"/, '\"until\":\"1700000000\"');";
    let again = tab.new_tab();
    tab.value(&format!("(() => {{ {late} }})()"));
    tab.tell("reload", json!({}));
    tab.expect("Already opened");
    assert!(tab.value("document.querySelector('.reporting')").is_null(), "{}", tab.text());
    expect_forgotten(tab);
    // On a page that stays open.
    tab.value(&format!("Object.assign(localStorage, JSON.parse({kept})), 0"));
    tab.goto("about:blank").goto(&link).expect("you can report this");
    tab.value("globalThis.setTimeout = (then, wait) => { if (wait > 3e6) globalThis.end = { then, wait } }, 0");
    // Draws the button again.
    choose(tab, "de");
    tab.until("globalThis.end.wait <= 36e5").value("globalThis.end.then(), sessionStorage.clear(), 0");
    assert!(tab.value("document.querySelector('.reporting')").is_null(), "{}", tab.text());
    expect_forgotten(tab);
    // By the relay's.
    tab.value(&format!("Object.assign(localStorage, JSON.parse({kept})), 0"));
    again.goto(&link).expect("you can report this");
    relay.clock.advance(3600 + 121);
    report(&again);
    again.expect("Too late: a share can be reported for one hour after it has ended.");
    assert!(!relay.has_report());
    expect_forgotten(&again);
}

fn refused_in_words(tab: &Tab, relay: &Operated, sandbox: &Sandbox) {
    open(tab, &relay.send(sandbox, &[PHOTO]));
    // Nothing plays behind the dialog.
    tab.value("HTMLMediaElement.prototype.pause = () => { globalThis.isPaused = true }, 0");
    tab.value("document.querySelector('.stage').append(document.createElement('video')), 0");
    tab.press_button("Report").expect("will see all files").until("globalThis.isPaused");
    settle(tab);
    for (status, word, text) in [
        (507, "no-space", "The relay has no room for more reports. Write to the operator: abuse@relay.example"),
        (404, "unknown", "does not accept this report. Write to the operator: abuse@relay.example"),
        (503, "busy", "did not answer or is busy. Try again."),
    ] {
        let body = json!({ "type": format!("urn:share:{word}") }).to_string();
        tab.tell("answer", json!({ "path": "/v1/report", "status": status, "body": body }));
        tab.tell("click", json!({ "selector": REPORT }));
        tab.expect(text);
    }
    let body = json!({ "v": 1, "at": 1_795_361_000 }).to_string();
    tab.tell("answer", json!({ "path": "/v1/report", "status": 200, "body": body, "type": "application/json" }));
    tab.tell("click", json!({ "selector": REPORT }));
    tab.until("!document.querySelector('dialog')").expect("This was reported before.");
}

fn not_reported_over_http(tab: &Tab, relay: &Operated, sandbox: &Sandbox) {
    let link = relay.send(sandbox, &[PHOTO]);
    tab.goto(&format!("http://photos.lan/#{}", link.split_once('#').unwrap().1));
    assert_eq!(tab.value("isSecureContext"), false);
    tab.hold()
        .expect("The relay deletes the file an hour later.")
        .until("document.querySelector('.stage img')?.complete");
    assert!(tab.value("document.querySelector('.report')").is_null());
    assert!(!tab.remembers().contains(".report"), "{}", tab.remembers());
    tab.press_button("Close").expect("An hour from now the relay deletes what was sent.");
    assert!(!tab.text().contains("report"), "{}", tab.text());
    expect_forgotten(tab);
}

//! Opening in a real browser.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use age::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bech32::Bech32m;
use bech32::primitives::decode::CheckedHrpstring;
use serde_json::{Value, json};
use share::link::Link;
use share::page;

use crate::support::{
    Browser, CLIP, DRIVEN, Host, PHOTO, Proxy, ROOT, RelayProcess, Sandbox, Tab, WORKSHOP, contains, forms, has, noise,
    planted, planted_with, send, set_mode, status,
};
#[cfg(target_os = "linux")]
use crate::support::{TerminalKind, Tty};

/// A photo of another format with the same content, made by the browser.
fn converted(tab: &Tab, photo: &[u8], kind: &str) -> Vec<u8> {
    let code = format!(
        "(async () => {{
            const bytes = Uint8Array.from(atob('{}'), (letter) => letter.charCodeAt(0));
            const picture = await createImageBitmap(new Blob([bytes]));
            const canvas = new OffscreenCanvas(picture.width, picture.height);
            canvas.getContext('2d').drawImage(picture, 0, 0);
            const made = new Uint8Array(await (await canvas.convertToBlob({{ type: '{kind}' }})).arrayBuffer());
            return btoa(made.reduce((text, byte) => text + String.fromCharCode(byte), ''));
        }})()",
        BASE64_STANDARD.encode(photo)
    );
    BASE64_STANDARD.decode(tab.value(&code).as_str().unwrap()).unwrap()
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_matches_the_test_vectors_and_its_types_check() {
    if ![DRIVEN, WORKSHOP].into_iter().all(has) {
        return;
    }
    let vectors = Path::new(ROOT).join("tests/it/vectors.json");
    let mut node = Command::new("node");
    node.arg(Path::new(ROOT).join("tests/browser/vectors.mjs")).arg(WORKSHOP).arg(vectors);
    let ran = node.output().unwrap();
    assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
    let (place, settings) = (tempfile::tempdir().unwrap(), Path::new(ROOT).join("tests/browser/tsconfig.json"));
    let here = json!({ "extends": settings, "include": [format!("{WORKSHOP}/**/*.ts")] });
    let settings = place.path().join("tsconfig.json");
    fs::write(&settings, here.to_string()).unwrap();
    let mut tsc = Command::new("node");
    tsc.arg(Path::new(DRIVEN).join("node_modules/typescript/bin/tsc")).arg("-p").arg(&settings);
    let ran = tsc.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn an_album_opens_once_with_every_pixel_and_leaves_nothing() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::recording(&relay.address());
    let tab = browser.tab();
    let jpeg = fs::read(PHOTO).unwrap();
    let (png, webp) = (converted(&tab, &jpeg, "image/png"), converted(&tab, &jpeg, "image/webp"));
    assert!(png.starts_with(b"\x89PNG") && &webp[8..12] == b"WEBP");
    let text = "caf\u{e9} <b>not bold</b>\n\u{202e}abc\n";
    for (name, bytes) in [("a.jpg", &*jpeg), ("b.png", &png), ("c.webp", &webp), ("d.txt", text.as_bytes())] {
        sandbox.write(name, bytes);
    }
    let link = line.link(&send(&sandbox, &relay, &["--name", "Our trip", "a.jpg", "b.png", "c.webp", "d.txt"]));

    tab.goto(&link).expect("Our trip").tell("click", json!({ "selector": ".files summary" }));
    tab.expect("c.webp").hold().expect("1 of 4");
    assert!(tab.value("location.href").as_str().unwrap().ends_with('/'), "the key is gone from the address");
    assert!(tab.text().starts_with("a.jpg"));
    assert_eq!(tab.shows(&jpeg), (640 * 400, true));
    tab.press_button("Next").expect("2 of 4").until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&png), (640 * 400, true));
    tab.tell("press", json!({ "key": "ArrowRight" }));
    tab.expect("3 of 4").until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&webp), (640 * 400, true));
    // A file has not been seen: closing asks, and leads to it.
    tab.press_button("Close").expect("1 of these files has not been seen").press_button("Go back");
    tab.expect("4 of 4").expect("<b>not bold</b>");
    assert_eq!(tab.value("document.querySelector('.stage pre').textContent"), text);
    assert!(tab.remembers().contains("share.v1."), "a reload would go on");
    tab.press_button("Close").expect("The sender sees it was opened by");
    assert_eq!(tab.remembers(), r#""{}{}""#);
    relay.expect_empty();
    let words = tab.opener();
    assert!(status(&sandbox).contains(&words), "{words}: {}", status(&sandbox));
    assert_eq!(tab.value("document.querySelectorAll('.stage').length"), 0);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // One look, one claim, one finish; and the list of words.
    let words_file =
        &format!("GET /page/{}", page::FILES.iter().find(|file| file.name.starts_with("words-")).unwrap().name);
    let all = ["GET /", "POST /v1/manifest", "POST /v1/claim", words_file, "GET /v1/part/0", "POST /v1/finish"];
    assert_eq!(tab.requests(), all);

    // A second visitor with the link, and one without its key.
    let second = browser.tab();
    second.goto(&link).expect("Already opened").expect(&words).expect("tell the sender");
    let keyless = browser.tab();
    keyless.goto(&line.url).expect("The end of its link is missing");

    // No request contains the key in any encoding.
    let secret = Link::parse(&link).unwrap().link.secret;
    let said = line.recorded();
    assert!(contains(&said, b"GET / HTTP/1.1") && contains(&said, b"POST /v1/finish"));
    let fragment = link.split_once('#').unwrap().1;
    let keys = secret.keys(None);
    let payload = CheckedHrpstring::new::<Bech32m>(fragment).unwrap().byte_iter().collect::<Vec<u8>>();
    assert_eq!(payload.len(), 25);
    let mut canaries = [forms(&payload), forms(&payload[1..])].concat();
    canaries.extend([fragment.as_bytes().to_vec(), fragment.as_bytes()[6..46].to_vec()]);
    canaries.push(fragment.to_uppercase().into_bytes());
    for identity in [&keys.manifest_identity, &keys.blob_identity] {
        let text = identity.to_string();
        canaries.push(text.expose_secret().as_bytes().to_vec());
    }
    canaries.extend(["Our trip", "a.jpg", "not bold", "eferer: "].map(|text| text.as_bytes().to_vec()));
    for canary in canaries {
        assert!(!contains(&said, &canary), "{}", String::from_utf8_lossy(&canary));
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_video_plays_and_seeks() {
    let Some(browser) = Browser::start(&["--autoplay-policy=no-user-gesture-required"]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(&send(&sandbox, &relay, &[CLIP])).expect("video, 74.8 kB").hold();
    tab.until("document.querySelector('video')?.readyState >= 2");
    let length = tab.value("document.querySelector('video').duration").as_f64().unwrap();
    assert!((5.5..6.5).contains(&length), "{length}");
    // The color in the middle of the picture, independent of color management.
    let picture = "(() => {
        const [canvas, video] = [new OffscreenCanvas(320, 180).getContext('2d'), document.querySelector('video')];
        canvas.drawImage(video, 0, 0);
        return [...canvas.getImageData(100, 60, 60, 60).data].join();
    })()";
    let first = tab.value(picture);
    tab.value("document.querySelector('video').play()");
    tab.until("document.querySelector('video').currentTime > 0.3");
    tab.value("document.querySelector('video').pause()");
    for at in [4.5, 1.5] {
        tab.value(&format!("document.querySelector('video').currentTime = {at}; 0"));
        tab.until("!document.querySelector('video').seeking");
        assert_eq!(tab.value("document.querySelector('video').currentTime"), json!(at));
        assert_ne!(tab.value(picture), first);
    }
    // Switching tabs hides the video and pauses it.
    tab.value("document.querySelector('video').play()");
    tab.value(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
         document.dispatchEvent(new Event('visibilitychange'))",
    );
    assert_eq!(tab.value("getComputedStyle(document.querySelector('main')).opacity"), "0");
    assert_eq!(tab.value("document.querySelector('video').paused"), true);
    assert_eq!(relay.data().len(), 2, "hiding is not closing");
    tab.value("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))");
    // Leaving the page closes a share that was seen.
    tab.tell("leave", json!({}));
    relay.expect_empty();
    assert!(status(&sandbox).contains("opened"), "{}", status(&sandbox));
    assert_eq!(tab.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_browser_without_webcrypto_opens_a_share_on_the_local_network() {
    let sandbox = Sandbox::new();
    sandbox.write("beach.jpg", &fs::read(PHOTO).unwrap());
    // Both addresses must be known before either side starts.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut host = Host::start(&sandbox, &["beach.jpg", "--public-url", "http://photos.lan", "--listen", &listens]);
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={listens}")]) else { return };
    let looks = [("phone-light", json!({ "width": 390, "height": 844 }))];
    let phone = Looks { browser: &browser, options: json!({ "touch": true }), all: &looks };
    let tab = phone.tab(&json!({}));
    tab.goto(host.link());
    assert_eq!(tab.value("[location.host, isSecureContext]"), json!(["photos.lan", false]));
    phone.at(&tab, "plain-http", "This page came over plain http");
    tab.hold().until("document.querySelector('.stage img')");
    assert_eq!(tab.shows(&fs::read(PHOTO).unwrap()), (640 * 400, true));
    tab.press_button("Close").expect("The sender sees it was opened by");
    let words = tab.opener();
    host.expect(&format!("opened by: {words}")).expect("Nothing is left here");
    browser.tab().goto(host.link()).expect("Already opened").expect(&words);
}

/// User agents of link preview programs.
const PREVIEWS: [&str; 20] = [
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Facebot",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Discordbot/2.0; +https://discordapp.com",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; MicrosoftPreview/2.0; +https://aka.ms/MicrosoftPreview)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Applebot/0.1 (+http://www.apple.com/go/applebot)",
    "Mattermost-Bot/1.1",
    "Synapse (bot; +https://github.com/matrix-org/synapse)",
    "Signal-Android/6.0 (link preview)",
    "Viber/13.0",
    "Barracuda Sentinel (EE)",
];

#[test]
#[ignore = "needs browsers: tests/all"]
fn bots_open_nothing() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secret = Link::parse(&link).unwrap().link.secret;
    let [id, token] =
        [&secret.id().as_bytes()[..], secret.link_token().as_bytes()].map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
    // They would have to know the link as well.
    let bearer = format!("Bearer {id}.{token}");
    for agent in PREVIEWS {
        let bot = reqwest::Client::builder().user_agent(agent).build().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::OPTIONS] {
                for path in ["", "v1/claim", "v1/manifest", "v1/link", "v1/finish", "v1/part/0", "favicon.ico"] {
                    let request = bot.request(method.clone(), format!("{}{path}", relay.url));
                    let answer = request
                        .header("Sec-Purpose", "prefetch;prerender")
                        .header("Authorization", &bearer)
                        .send()
                        .await
                        .unwrap();
                    let may = path.is_empty() || path == "v1/link";
                    assert!(may || !answer.status().is_success(), "{method} {path}: {}", answer.status());
                }
            }
        });
    }
    assert!(status(&sandbox).contains("waiting"), "{}", status(&sandbox));
    for touch in [false, true] {
        let bot = browser.tab_with(json!({ "touch": touch, "agent": PREVIEWS[12] }));
        bot.goto(&link).expect("Press and hold to open");
        let acts = bot.tell("bot", json!({ "milliseconds": 10_000 })).as_u64().unwrap();
        assert!(acts > 50, "{acts}");
        // A very long press, and one that slips off, do not open the share.
        bot.goto("about:blank").goto(&link).expect("Press and hold to open");
        bot.tell("hold", json!({ "selector": ".hold", "milliseconds": 300 }));
        bot.expect("Hold for a full second");
        bot.tell("hold", json!({ "selector": ".hold", "milliseconds": 6500 }));
        bot.expect("That was too long");
        assert!(bot.requests().iter().all(|request| request == "GET /" || request == "POST /v1/manifest"));
        assert!(status(&sandbox).contains("waiting"), "{}", status(&sandbox));
    }
    // A prerendered page sends no request.
    let before = "let prerendering = true;
                  Object.defineProperty(Document.prototype, 'prerendering', { get: () => prerendering });
                  globalThis.look = () => {
                      prerendering = false;
                      document.dispatchEvent(new Event('prerenderingchange'));
                  }";
    let early = browser.tab_with(json!({ "before": before }));
    early.goto(&link);
    assert_eq!(early.requests(), ["GET /"]);
    early.value("look()");
    early.expect("beach.jpg");
    // Then a recipient opens it by typing.
    early.tell("click", json!({ "selector": "details:has(#word) summary" }));
    early.tell("click", json!({ "selector": "#word" }));
    early.type_text("ope").press("Enter").expect("Nothing was opened. Type OPEN.");
    early.type_text("n").press("Enter").expect("Closing deletes the file for good");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_photo_that_is_also_a_program_runs_nowhere() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let script = "<script>fetch('/v1/stolen'); document.title = 'run'</script>";
    let svg = format!("<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='run'\">{script}</svg>");
    let html = format!("<!doctype html><html><body onload=\"document.title='run'\">{script}</body></html>");
    // An image by its first bytes, a page and a program by the others.
    let polyglot = format!("GIF89a/*{html}*/=1;document.title='run';");
    let files: [(&str, &str, &[u8]); 4] = [
        ("photo.svg", "image/svg+xml", svg.as_bytes()),
        ("photo.jpg", "image/jpeg", html.as_bytes()),
        ("<img src=x onerror=document.title='run'>.gif", "image/gif", polyglot.as_bytes()),
        ("page.html", "text/html", html.as_bytes()),
    ];
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &files, false)).hold();
    for number in 1..=files.len() {
        tab.expect(&format!("{number} of 4"));
        // The browser may decode the file that begins like an image.
        tab.until("document.querySelector('.stage img') || document.querySelector('.stage p')");
        assert!(number == 3 || tab.text().contains("cannot show this kind of file"), "{}", tab.text());
        let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
        let (name, .., bytes) = files[number - 1];
        assert_eq!(fs::read(saved["path"].as_str().unwrap()).unwrap(), bytes);
        let saved_as = saved["name"].as_str().unwrap();
        assert!(!saved_as.contains(['<', '>', '/']) && (name.contains('<') || saved_as == name), "{saved_as}");
        tab.tell("press", json!({ "key": "ArrowRight" }));
    }
    // Scripts that get into the page in other ways do not run either.
    let blocked = tab.value(
        "new Promise((resolve) => {
            const found = [];
            document.addEventListener('securitypolicyviolation', (event) => {
                found.push(event.effectiveDirective);
                if (found.length === 4) resolve(found.sort().join(' '));
            });
            const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
            const add = (tag, properties) => document.body.append(make(tag, properties));
            add('iframe', { src: URL.createObjectURL(new Blob(['<h1>x</h1>'], { type: 'text/html' })) });
            add('img', { src: 'https://elsewhere.example/x.png' });
            add('link', { rel: 'stylesheet', href: 'https://elsewhere.example/x.css' });
            fetch('https://elsewhere.example/').catch(() => {});
        })",
    );
    assert_eq!(blocked, "connect-src frame-src img-src style-src-elem");
    assert!(
        tab.try_to("value", json!({ "code": "document.body.innerHTML = '<b>x</b>'" })).is_err(),
        "no HTML from text"
    );
    assert_eq!(tab.value("document.title"), "Opens once · share");
    assert!(!tab.requests().iter().any(|request| request.contains("stolen")));

    // View-only: there is no way to save, copy or print.
    let beach = fs::read(PHOTO).unwrap();
    let looked = browser.tab();
    looked.goto(&planted(&relay.url, &[("a.jpg", "image/jpeg", &beach), ("b.txt", "text/plain", b"psst")], true));
    looked.expect("asks you not to keep a copy").hold().expect("1 of 2").press_button("Next").expect("psst");
    assert!(!looked.text().contains("Save") && !looked.text().contains("Copy"), "{}", looked.text());
    looked.press_button("Close").expect("The sender sees");
    // A view-only file that cannot be shown is refused while it is still waiting.
    looked.goto("about:blank").goto(&planted(&relay.url, &[("a.pdf", "application/pdf", b"%PDF-1.7")], true));
    looked.expect("the share is still waiting").expect("Ask the sender to allow it");
    assert_eq!(looked.requests().last().unwrap(), "POST /v1/manifest");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn an_interrupted_opening_resumes_in_the_same_tab_and_nowhere_else() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    let content = noise(21_000_000, 3);
    sandbox.write("holidays.bin", &content);
    sandbox.write("passphrase", b"correct horse");
    let link = send(&sandbox, &relay, &["--passphrase-file", "passphrase", "holidays.bin"]);
    // A killed tab sends no last request.
    let no_pagehide = "addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)";
    let tab = browser.tab_with(json!({ "before": no_pagehide }));
    tab.goto(&line.link(&link)).expect("Enter the passphrase");
    tab.tell("type", json!({ "text": "incorrect horse" }));
    tab.tell("press", json!({ "key": "Enter" }));
    tab.expect("19 more tries before");
    tab.tell("type", json!({ "text": "correct horse" }));
    tab.tell("press", json!({ "key": "Enter" }));
    tab.expect("holidays.bin").expect("file, 21.0 MB");
    line.stop_down_at(9_000_000);
    tab.hold().expect("Opening…");
    line.wait_until_down_stopped();
    // The network fails, and returns.
    tab.tell("offline", json!({ "is": true }));
    line.cut();
    tab.expect("trying again in");
    line.mend();
    line.stop_down_at(17_000_000);
    tab.tell("offline", json!({ "is": false }));
    line.wait_until_down_stopped();
    // The tab is killed, and restored without the key in its address.
    assert!(tab.remembers().contains("share.v1."));
    line.mend();
    tab.tell("reload", json!({}));
    tab.expect("cannot show this kind of file");
    let another = browser.tab();
    another.goto(&line.link(&link)).expect("Being opened");
    // It was not saved: closing asks. After another reload, it is shown again.
    tab.press_button("Close").expect("has not been seen or saved yet");
    tab.tell("reload", json!({}));
    tab.expect("cannot show this kind of file");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert_eq!(saved["name"], "holidays.bin");
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap() == content);
    assert!(relay.data().len() > 2, "the relay keeps it until it is closed");
    // The relay cannot be informed at once.
    tab.tell("offline", json!({ "is": true }));
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Yes, close now");
    tab.expect("The share ends by itself within a day");
    assert!(!tab.remembers().contains("stretched"), "{}", tab.remembers());
    // The page informs the relay as soon as the network returns.
    tab.tell("offline", json!({ "is": false }));
    tab.expect("The sender sees it was opened by");
    relay.expect_empty();
    assert_eq!(tab.remembers(), r#""{}{}""#);
    // The next link in the same tab is a new opening.
    let next = send(&sandbox, &relay, &[PHOTO]);
    tab.goto(&line.link(&next)).expect("beach.jpg");
    let third = send(&sandbox, &relay, &[CLIP]);
    tab.value(&format!("location.hash = {:?}", third.split_once('#').unwrap().1));
    tab.expect("clip.mp4");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_reload_resumes_until_everything_was_seen_with_the_same_share() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let tab = browser.tab();
    sandbox.write("a.txt", b"first page");
    sandbox.write("b.txt", b"second page");
    let both = send(&sandbox, &relay, &["a.txt", "b.txt"]);
    tab.goto(&both).hold().expect("first page");
    tab.tell("reload", json!({}));
    tab.expect("first page");
    // Another share in the same tab: the earlier one is neither mixed up with it nor lost.
    sandbox.write("c.pdf", b"%PDF-1.7 third");
    let other = send(&sandbox, &relay, &["c.pdf"]);
    tab.goto(&other).hold().expect("c.pdf");
    tab.tell("reload", json!({}));
    tab.expect("c.pdf");
    tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    // A file that was only saved may not have arrived.
    tab.tell("reload", json!({}));
    tab.expect("c.pdf").press_button("Close").press_button("Close anyway").expect("The sender sees");
    tab.goto(&both).expect("first page").press_button("Next").expect("second page");
    tab.tell("reload", json!({}));
    tab.expect("Closed and deleted").expect("The sender sees it was opened by");
    relay.expect_empty();
    assert_eq!(tab.remembers(), r#""{}{}""#);
    // Two tabs with one link: one of them opens it.
    let third = send(&sandbox, &relay, &["a.txt"]);
    let another = browser.tab();
    tab.goto(&third).expect("a.txt");
    another.goto(&third).hold().expect("first page");
    tab.hold().expect("Being opened").expect("tell the sender");
    assert_eq!(tab.remembers(), r#""{}{}""#);
    another.press_button("Close").expect("The sender sees");
}

/// Appearances of the page, on phones or on desks. A person acts in the first one.
struct Looks<'a> {
    browser: &'a Browser,
    /// Options of every tab.
    options: Value,
    /// The name in the screenshots, and the appearance.
    all: &'a [(&'static str, Value)],
}

impl Looks<'_> {
    fn tab(&self, more: &Value) -> Tab {
        let mut options = self.options.clone();
        for more in [&self.all[0].1, more] {
            options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        self.browser.tab_with(options)
    }

    /// A state of the page: its text, and in every appearance its accessibility, and a screenshot for reviewers.
    fn at(&self, tab: &Tab, state: &str, text: &str) {
        tab.expect(text);
        for (name, look) in self.all {
            tab.tell("look", look.clone());
            picture(tab, state, name);
            let found = tab.tell("axe", json!({}));
            let serious: Vec<&Value> = found
                .as_array()
                .unwrap()
                .iter()
                .filter(|found| found["impact"] == "serious" || found["impact"] == "critical")
                // With forced colors, axe reads the page's own colors of some elements.
                .filter(|found| look["forced"] != true || found["id"] != "color-contrast")
                .collect();
            assert!(serious.is_empty(), "{state}, {name}: {serious:#?}");
            let wide = tab.value("document.documentElement.scrollWidth <= innerWidth");
            assert_eq!(wide, true, "{state}, {name}: wider than the screen");
        }
        tab.tell("look", self.all[0].1.clone());
    }
}

/// A screenshot for reviewers.
fn picture(tab: &Tab, state: &str, name: &str) {
    let place = Path::new(ROOT).join("target/pictures");
    fs::create_dir_all(&place).unwrap();
    tab.tell("shot", json!({ "path": place.join(format!("{state}-{name}.png")) }));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_state_is_readable_on_phones() {
    states(
        json!({ "touch": true }),
        &[
            ("phone-light", json!({ "width": 390, "height": 844 })),
            ("phone-dark", json!({ "width": 320, "height": 568, "dark": true })),
            ("phone-large-text", json!({ "width": 320, "height": 568, "text": 200 })),
        ],
    );
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn every_state_is_readable_on_desks() {
    let desk = |more: &Value| {
        let mut desk = json!({ "width": 1024, "height": 768 });
        desk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desk
    };
    states(
        json!({}),
        &[
            ("desktop-light", desk(&json!({}))),
            ("desktop-dark", desk(&json!({ "dark": true }))),
            ("desktop-forced", desk(&json!({ "dark": true, "forced": true }))),
        ],
    );
}

/// Every state of the page.
fn states(options: Value, looks: &[(&'static str, Value)]) {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("secret.txt", "The Wi-Fi password is\n\n  tangerine-42\n".as_bytes());
    sandbox.write("holidays.tar.zst", &noise(900_000, 8));
    sandbox.write("passphrase", b"correct horse");
    let look = Looks { browser: &browser, options, all: looks };
    states_before_the_opening(&look, &sandbox, &relay);
    states_of_the_opening(&look, &sandbox, &relay);
}

#[expect(clippy::too_many_lines, reason = "one state after another, as the page goes through them")]
fn states_before_the_opening(look: &Looks, sandbox: &Sandbox, relay: &RelayProcess) {
    let photo = send(sandbox, relay, &[PHOTO]);
    let fragment = photo.split_once('#').unwrap().1;
    let with = |fragment: &str| format!("{}#{fragment}", relay.url);
    let other = if &fragment[20..22] == "qz" { "zq" } else { "qz" };
    let plain = json!({});
    for (state, link, text) in [
        ("landing", relay.url.clone(), "Did a message bring you here?"),
        ("no-key", format!("{}elsewhere/", relay.url), "The key is missing"),
        ("exposed", format!("{}%23{fragment}", relay.url), "The link was changed on the way"),
        ("not-a-link", with("top"), "This is not a share link"),
        ("short", with(&fragment[..50]), "2 characters are missing at its end"),
        ("long", with(&format!("{fragment}q")), "1 character too long"),
        (
            "damaged-link",
            with(&format!("{}{other}{}", &fragment[..20], &fragment[22..])),
            "At least one character is wrong",
        ),
        ("too-new", with("share1sqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqaxpu6e"), "newer version of share"),
        ("unknown", with("share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg"), "has no such share"),
        ("waiting", photo.clone(), "photo, 27.5 kB"),
        ("waiting-words", with_words(relay), "Written by the sender"),
    ] {
        let tab = look.tab(&plain);
        tab.goto(&link);
        look.at(&tab, state, text);
        tab.tell("close", json!({}));
    }
    let gone = |word: &str| json!({ "type": format!("urn:share:{word}"), "at": 1_795_361_000 }).to_string();
    for (word, title) in [
        ("expired", "Expired"),
        ("lapsed", "Too late"),
        ("revoked", "Revoked"),
        ("locked", "Locked"),
        ("aborted", "Not available"),
        ("already-opened", "Already opened"),
    ] {
        let tab = look.tab(&plain);
        tab.tell("answer", json!({ "path": "/v1/manifest", "status": 410, "body": gone(word) }));
        tab.goto(&photo);
        look.at(&tab, word, title);
        tab.tell("close", json!({}));
    }
    for (state, status, body, text) in [
        ("in-the-way", 200, "<h1>Welcome to our hotel</h1>", "Not a share relay"),
        ("unreachable", 502, "Bad gateway", "cannot be reached"),
    ] {
        let tab = look.tab(&plain);
        tab.tell("answer", json!({ "path": "/v1/manifest", "status": status, "body": body }));
        tab.goto(&photo);
        look.at(&tab, state, text);
        tab.tell("close", json!({}));
    }
    let locked = send(sandbox, relay, &["--passphrase-file", "passphrase", PHOTO]);
    // Without a place for the content, nothing is asked that leads nowhere.
    let lacks = "delete globalThis.showSaveFilePicker; delete FileSystemFileHandle.prototype.createWritable;";
    let tab = look.tab(&json!({ "before": lacks }));
    let large = json!({ "v": 1, "expires": 1_795_361_000, "blob_len": 1 << 30 }).to_string();
    tab.tell("answer", json!({ "path": "/v1/link", "status": 200, "body": large }));
    tab.goto(&locked);
    look.at(&tab, "too-large", "the share is still waiting");
    let tab = look.tab(&plain);
    tab.goto(&locked);
    look.at(&tab, "passphrase", "Enter the passphrase");
    tab.tell("type", json!({ "text": "wrong" }));
    tab.tell("press", json!({ "key": "Enter" }));
    look.at(&tab, "wrong-passphrase", "Wrong passphrase");

    // Browsers that are not supported.
    let tab = look.tab(&json!({ "script": false }));
    tab.goto(&photo);
    assert!(tab.text().contains("share open") && tab.text().contains("Nothing was opened"), "{}", tab.text());
    picture(&tab, "no-script", look.all[0].0);
    let tab = look.tab(&json!({ "before": "delete globalThis.TransformStream" }));
    tab.goto(&photo);
    look.at(&tab, "unsupported", "This browser is too old");
    let blocked =
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })";
    let tab = look.tab(&json!({ "before": blocked }));
    tab.goto(&photo);
    look.at(&tab, "forgetful", "This browser does not let this page store");
    // The share opens all the same.
    tab.hold().expect("Closing deletes the file for good").press_button("Close").expect("The sender sees");
}

/// A photo that this browser cannot show, with a name and a note.
fn with_words(relay: &RelayProcess) -> String {
    planted_with(&relay.url, &[("IMG_2041.HEIC", "image/heic", b"\0\0\0\x18ftypheic")], |manifest| {
        manifest.from = Some("Anna".to_owned());
        manifest.note = Some("from the beach ☀ https://elsewhere.example".to_owned());
    })
}

fn states_of_the_opening(look: &Looks, sandbox: &Sandbox, relay: &RelayProcess) {
    let plain = json!({});
    let album = send(sandbox, relay, &[PHOTO, CLIP, "secret.txt", "holidays.tar.zst"]);
    let tab = look.tab(&plain);
    tab.goto(&album);
    look.at(&tab, "waiting-album", "4 files");
    tab.tell("click", json!({ "selector": ".files summary" }));
    look.at(&tab, "waiting-list", "to save");
    tab.tell("click", json!({ "selector": "details:has(#word) summary" }));
    look.at(&tab, "waiting-word", "Type OPEN and press Enter");
    tab.hold().until_photo(640);
    look.at(&tab, "photo", "1 of 4");
    tab.press_button("Next").until("document.querySelector('video')?.readyState >= 2");
    look.at(&tab, "video", "2 of 4");
    tab.press_button("Next").expect("tangerine-42");
    look.at(&tab, "text", "3 of 4");
    tab.press_button("Next").expect("cannot show this kind of file");
    look.at(&tab, "file", "4 of 4");
    tab.press_button("Close");
    look.at(&tab, "not-all-seen", "not been seen");
    tab.tell("offline", json!({ "is": true }));
    tab.press_button("Close anyway");
    look.at(&tab, "unreported", "The share ends by itself within a day");
    tab.tell("offline", json!({ "is": false }));
    look.at(&tab, "closed", "The sender sees");

    // The keyboard opens as well as a finger.
    let only = planted(&relay.url, &[("psst.txt", "text/plain", b"Nobody else may know.\n")], true);
    let tab = look.tab(&plain);
    tab.goto(&only);
    look.at(&tab, "waiting-view-only", "asks you not to keep a copy");
    tab.tell("holdKey", json!({ "selector": ".hold", "key": " ", "milliseconds": 1150 }));
    look.at(&tab, "view-only", "Nobody else may know");
    let hidden = "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
                  document.dispatchEvent(new Event('visibilitychange'))";
    tab.value(hidden);
    picture(&tab, "covered", look.all[0].0);

    // The network fails in the middle; then the content differs from that which was sent.
    let photo = send(sandbox, relay, &["holidays.tar.zst"]);
    let tab = look.tab(&plain);
    tab.goto(&photo).expect("Press and hold");
    let busy = json!({ "type": "urn:share:busy" }).to_string();
    tab.tell("answer", json!({ "path": "/v1/part/0", "status": 503, "body": busy }));
    tab.hold();
    look.at(&tab, "waiting-for-the-relay", "trying again in");
    let tab = look.tab(&plain);
    let noise = "x".repeat(1_000_000);
    let other = json!({ "path": "/v1/part/0", "status": 200, "body": noise, "type": "application/octet-stream" });
    tab.tell("answer", other);
    tab.goto(&send(sandbox, relay, &["holidays.tar.zst"])).hold();
    look.at(&tab, "damaged", "None of it is shown");
}

/// A stand-in for the program that opens URLs on a desktop: it writes them to a file.
fn desktop(sandbox: &Sandbox) -> std::path::PathBuf {
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).unwrap();
    let script = bin.join("xdg-open");
    fs::write(
        &script,
        format!("#!/bin/sh\necho \"$1\" >{0}.part && mv {0}.part {0}\n", sandbox.path("asked").display()),
    )
    .unwrap();
    set_mode(&script, 0o755);
    bin
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs browsers: tests/all"]
fn a_desktop_without_graphics_shows_the_share_in_its_browser() {
    let Some(browser) = Browser::start(&["--autoplay-policy=no-user-gesture-required"]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let bin = desktop(&sandbox);
    sandbox.write("words.txt", b"<b>not bold</b> \x1b[31mnot red");
    sandbox.write("evil.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='ran'</script></svg>");
    let open = |link: &str| {
        let _ = fs::remove_file(sandbox.path("asked"));
        let command = format!("PATH={}:$PATH DISPLAY=:99 SHARE_VIEWER=browser \"$SHARE\" open '{link}'", bin.display());
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        tty.expect("[v]iew in your browser on display :99 of ").expect("ot now?").press("v\r");
        while !sandbox.path("asked").exists() {
            std::thread::yield_now();
        }
        (tty, fs::read_to_string(sandbox.path("asked")).unwrap().trim().to_owned())
    };
    let album = send(&sandbox, &relay, &[PHOTO, CLIP, "words.txt", "evil.png"]);
    let (mut tty, url) = open(&album);
    let tab = browser.tab();
    tab.goto(&url).until("document.images[0].naturalWidth === 640").expect("<b>not bold</b> ␛[31mnot red");
    tty.expect("Opened in your browser. Press s to save here. Close the page, or press q,");
    tab.until("document.querySelector('video').duration > 5");
    tab.value("document.querySelector('video').currentTime = 4, document.querySelector('video').play()");
    tab.until("document.querySelector('video').currentTime > 4");
    assert_eq!(tab.value("document.title"), "share", "nothing runs: {:?}", tab.complaints());
    // A stranger who has read the address.
    let stranger = browser.tab();
    assert_eq!(stranger.tell("goto", json!({ "url": url })), 404);
    assert_eq!(stranger.tell("goto", json!({ "url": format!("{url}0") })), 404);
    // A reload does not close it.
    tab.tell("reload", json!({}));
    tab.until("document.images[0].naturalWidth === 640");
    assert!(status(&sandbox).contains("being opened since"), "{}", status(&sandbox));
    tab.tell("shot", json!({ "path": Path::new(ROOT).join("target/pictures/shown-by-the-desktop.png") }));
    tab.press_button("Close").expect("Closed. Nothing is left on this page.");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(tty.screen().contains("Closed and deleted."), "{}", tty.screen());
    assert!(status(&sandbox).contains("opened"), "{}", status(&sandbox));

    // Closing the tab closes the share too; a page that never loaded does not.
    let (mut tty, url) = open(&send(&sandbox, &relay, &[PHOTO]));
    tab.goto(&url).until("performance.getEntriesByType('resource').some(entry => entry.name.endsWith('/seen/0'))");
    tab.goto("about:blank");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let (mut tty, _) = open(&send(&sandbox, &relay, &[PHOTO]));
    tty.press("q");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
    assert!(tty.screen().contains("run the same command again on this device"), "{}", tty.screen());

    // A file that the browser cannot show is not lost with the page; `s` saves all of them.
    sandbox.write("t.zip", b"PK\x03\x04 and so on");
    let link = send(&sandbox, &relay, &["-n", "Both", PHOTO, "t.zip"]);
    let (mut tty, url) = open(&link);
    tab.goto(&url).expect("This file can only be saved: press s in the terminal.").press_button("Close");
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    let (mut tty, url) = open(&link);
    tab.goto(&url).expect("t.zip");
    tty.press("s");
    while !sandbox.path("Both").exists() {
        std::thread::yield_now();
    }
    tty.press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(tty.screen().contains("Saved as Both."), "{}", tty.screen());
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs browsers: tests/all"]
fn a_video_that_the_desktops_browser_cannot_decode_is_not_seen() {
    let Some(browser) = Browser::start(&["--autoplay-policy=no-user-gesture-required"]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let bin = desktop(&sandbox);
    let make = |name: &str, args: &[&str]| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine", "-f", "lavfi", "-i"]);
        ffmpeg.arg("testsrc2=size=320x180:rate=10").args(["-t", "3", "-c:a", "aac"]).args(args).arg(name);
        assert!(ffmpeg.current_dir(sandbox.path("")).status().unwrap().success());
    };
    make("hevc.mp4", &["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"]);
    make("film.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]);
    // A video by its name and type, with nothing but sound in it.
    make("sound.mp4", &["-vn"]);
    // `play`: whether the video is played.
    for (name, play, code) in
        [("hevc.mp4", true, 8), ("film.mp4", true, 0), ("sound.mp4", true, 0), ("sound.mp4", false, 130)]
    {
        let _ = fs::remove_file(sandbox.path("asked"));
        let link = planted(&relay.url, &[("film.mp4", "video/mp4", &sandbox.read(name))], false);
        let command =
            format!("PATH={}:$PATH DISPLAY=:99 SHARE_VIEWER=browser \"$SHARE\" open -y '{link}'", bin.display());
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        while !sandbox.path("asked").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let tab = browser.tab();
        tab.goto(fs::read_to_string(sandbox.path("asked")).unwrap().trim());
        tty.expect("Opened in your browser.");
        if play {
            tab.until("document.querySelector('video').readyState > 0 || document.querySelector('video').error");
            tab.value("document.querySelector('video').play().catch(() => {})");
            // The page shows it as soon as the browser notices.
            tab.until(
                "performance.getEntriesByType('resource').some(entry => /[/](seen[/]0|failed)$/.test(entry.name))",
            );
        }
        tab.press_button("Close");
        assert_eq!(tty.end(), code, "{name} {play}: {}", tty.screen());
    }
}

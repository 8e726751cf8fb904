//! Files that the browser cannot show, or that may never have reached the recipient's device.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use share::link::Link;
use share::manifest::Manifest;
use share::relay::client::HttpRelay;
use share::relay::{Credential, Relay};
use share::seal;

use crate::support::{Browser, CLIP, Host, PHOTO, ROOT, Sandbox, Tab, has, planted, send, skip, status};

const FFMPEG: &str = "/usr/bin/ffmpeg";
const AUTOPLAY: &str = "--autoplay-policy=no-user-gesture-required";

/// Writes a file that ffmpeg makes from two seconds of a test picture and a tone.
fn film(sandbox: &Sandbox, name: &str, options: &str) -> Vec<u8> {
    let inputs = "-v error -f lavfi -i testsrc=size=320x180:rate=25:duration=2 -f lavfi -i sine=duration=2 -shortest";
    let mut ffmpeg = Command::new(FFMPEG);
    ffmpeg.args(inputs.split(' ')).args(options.split(' ')).arg(sandbox.path(name));
    let made = ffmpeg.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    sandbox.read(name)
}

const HEVC: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -c:a aac";

/// Presses play, if there is a player.
fn play(tab: &Tab) {
    tab.value("document.querySelector('video, audio')?.play().catch(() => {}), 0");
}

/// Takes a screenshot for reviewers.
fn shot(tab: &Tab, name: &str) {
    let directory = Path::new(ROOT).join("target/pictures");
    fs::create_dir_all(&directory).unwrap();
    tab.tell("shot", json!({ "path": directory.join(format!("{name}.png")) }));
}

fn phone() -> serde_json::Value {
    json!({ "width": 390, "height": 844, "touch": true })
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_video_without_a_decoder_is_neither_seen_nor_deleted() {
    let Some(browser) = Browser::start(&[AUTOPLAY]) else { return };
    if !has(FFMPEG) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let hevc = film(&sandbox, "a.mp4", HEVC);
    let tab = browser.tab_with(phone());
    if tab.value("document.createElement('video').canPlayType('video/mp4; codecs=\"hvc1.1.6.L93.B0\"')") != "" {
        skip("this browser decodes HEVC");
        return;
    }
    let link = send(&sandbox, &relay, &["a.mp4"]);
    tab.goto(&link).hold().expect("cannot show this HEVC video");
    play(&tab);
    shot(&tab, "no-decoder-phone");
    tab.press_button("Close").expect("not been seen or saved");
    // Leaving finishes nothing, and the same browser can open it again.
    tab.goto("about:blank");
    assert!(status(&sandbox).contains("being opened since"), "{}", status(&sandbox));
    tab.goto(&link).expect("cannot show this HEVC video");
    let saved = tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    assert!(fs::read(saved["path"].as_str().unwrap()).unwrap().len() > hevc.len() / 2);
    tab.press_button("Close").expect("Is it in your downloads?");
    shot(&tab, "saved-question-phone");
    tab.press_button("Yes, close now").expect("The sender sees");
    relay.expect_empty();

    // View-only: a warning comes before the opening, and nothing is lost afterwards.
    let tab = browser.tab();
    let link = planted(&relay.url, &[("a.mp4", "video/mp4", &hevc)], true);
    tab.goto(&link).expect("may be unable to show this video");
    shot(&tab, "perhaps-desktop");
    tab.hold().expect("cannot show this HEVC video").expect("can open it again until");
    shot(&tab, "view-only-not-shown-desktop");
    play(&tab);
    tab.goto("about:blank");
    assert!(!relay.data().is_empty(), "it is still there");
    tab.goto(&link).expect("cannot show this HEVC video");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_video_is_seen_by_its_picture_and_a_sound_by_its_sound() {
    let Some(browser) = Browser::start(&[AUTOPLAY]) else { return };
    if !has(FFMPEG) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let seen = |name: &str, plays: bool| {
        let tab = browser.tab();
        tab.goto(&send(&sandbox, &relay, &[name])).hold().until("document.querySelector('video, audio')");
        if plays {
            tab.value("document.querySelector('video, audio').play().catch(() => {}), 0");
            tab.until("document.querySelector('video, audio').currentTime > 0.5");
        } else {
            tab.until("document.querySelector('video, audio').readyState >= 2");
        }
        tab.press_button("Close");
        let is_closed = "document.querySelector('h1').textContent === 'Closed and deleted'";
        tab.until(&format!("{is_closed} || document.querySelector('dialog[open]')"));
        tab.value(is_closed) == true
    };
    fs::copy(CLIP, sandbox.path("clip.mp4")).unwrap();
    assert!(seen("clip.mp4", true));
    assert!(!seen("clip.mp4", false), "the first picture is not the video");
    film(&sandbox, "sound.mp4", "-map 1 -c:a aac");
    assert!(seen("sound.mp4", true) && !seen("sound.mp4", false));
    film(&sandbox, "one.webm", "-frames:v 1 -c:v libvpx -c:a libopus");
    film(&sandbox, "sound.webm", "-map 1 -c:a libopus");
    assert!(seen("sound.webm", true));
    film(&sandbox, "phone.mov", "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    assert!(seen("phone.mov", true), "a MOV is played as the MP4 that it is");

    // A decoder that exists and produces no frames.
    let black = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0;
                 HTMLVideoElement.prototype.getVideoPlaybackQuality = () => ({ totalVideoFrames: 0, \
                 droppedVideoFrames: 0 })";
    let tab = browser.tab_with(json!({ "before": black }));
    tab.goto(&send(&sandbox, &relay, &["clip.mp4"])).hold().until("document.querySelector('video')?.readyState >= 2");
    play(&tab);
    tab.expect("cannot show this H.264 video").press_button("Close").expect("not been seen or saved");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_photo_without_pixels_is_not_seen_and_an_empty_file_is() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // A PNG of 64 by 64 pixels without image data.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x40\x08\x02\0\0\0\x25\x0b\xe6\x89".to_vec();
    png.extend(b"\0\0\0\x04IDATjunk\0\0\0\0\0\0\0\0IEND\xaeB`\x82");
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &[("a.png", "image/png", &png)], false)).hold();
    tab.expect("This browser cannot show this file").press_button("Close").expect("not been seen or saved");
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic and so on";
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &[("a.heic", "image/heic", heic)], false)).hold();
    tab.expect("This browser cannot show this file").press_button("Close").expect("not been seen or saved");
    let files: [(&str, &str, &[u8]); 2] =
        [("a.txt", "text/plain", b""), ("b.txt", "text/plain", b" \n\t\xe2\x80\x8b\n")];
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &files, false)).hold().expect("This file is empty");
    tab.press_button("Next").expect("no visible characters").press_button("Close").expect("The sender sees");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn view_only_is_refused_before_the_opening_if_the_browser_cannot_show_it() {
    let Some(browser) = Browser::start(&[AUTOPLAY]) else { return };
    if !has(FFMPEG) {
        return;
    }
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let mov = film(&sandbox, "phone.mov", "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &[("phone.mov", "video/quicktime", &mov)], true)).hold();
    tab.until("document.querySelector('video')?.readyState >= 2");
    play(&tab);
    tab.until("document.querySelector('video').currentTime > 0.3").press_button("Close").expect("The sender sees");
    let avif = film(&sandbox, "a.avif", "-map 0 -frames:v 1 -c:v libaom-av1 -cpu-used 8 -still-picture 1");
    let tab = browser.tab();
    tab.goto(&planted(&relay.url, &[("a.avif", "image/avif", &avif)], true)).hold();
    tab.until_photo(320).press_button("Close").expect("The sender sees");
    // Chromium cannot decode HEIC; in a browser without the usual codecs, a video proves nothing.
    let heic: (&str, &str, &[u8]) = ("a.heic", "image/heic", b"\0\0\0\x18ftypheic");
    let tab = browser.tab();
    let link = planted(&relay.url, &[("a.jpg", "image/jpeg", &fs::read(PHOTO).unwrap()), heic], true);
    tab.goto(&link).expect("This share cannot be shown here").expect("the share is still waiting");
    let tab = browser.tab_with(json!({ "before": "HTMLMediaElement.prototype.canPlayType = () => ''" }));
    tab.goto(&planted(&relay.url, &[("a.mov", "video/quicktime", &mov)], true)).expect("the share is still waiting");
    // A browser that knows HEIC, in place of Chromium.
    let heic_too = "const { set } = Object.getOwnPropertyDescriptor(HTMLSourceElement.prototype, 'type');
        const known = function (type) { set.call(this, type === 'image/heic' ? 'image/png' : type) };
        Object.defineProperty(HTMLSourceElement.prototype, 'type', { set: known })";
    let tab = browser.tab_with(json!({ "before": heic_too }));
    tab.goto(&link).expect("Press and hold to open");
}

/// User agents of apps with an embedded browser, and of browsers.
const APPS: [(&str, &str); 16] = [
    (
        "Instagram",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/21A329 Instagram 300.0.0.0",
    ),
    (
        "Facebook",
        "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 \
        Chrome/118.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/430.0;]",
    ),
    (
        "Messenger",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 [FBAN/MessengerForiOS;FBAV/400.0]",
    ),
    (
        "Telegram",
        "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0 Mobile Safari/537.36 \
        Telegram-Android/10.0",
    ),
    (
        "WhatsApp",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 WhatsApp/23.1",
    ),
    (
        "Snapchat",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 Snapchat/12.0",
    ),
    (
        "TikTok",
        "Mozilla/5.0 (Linux; Android 13; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0 Mobile \
        Safari/537.36 musical_ly_2023 BytedanceWebview/d8",
    ),
    (
        "WeChat",
        "Mozilla/5.0 (Linux; Android 13; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/107.0 Mobile \
        Safari/537.36 MicroMessenger/8.0",
    ),
    (
        "KakaoTalk",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 KAKAOTALK 10.4",
    ),
    (
        "LINE",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 Safari Line/13.16",
    ),
    (
        "X",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 Twitter for iPhone/10",
    ),
    (
        "LinkedIn",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 [LinkedInApp]/9.29",
    ),
    (
        "Pinterest",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Mobile/15E148 [Pinterest/iOS]",
    ),
    (
        "Google",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/280.0 \
        Mobile/15E148 Safari/604.1",
    ),
    (
        "another app",
        "Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0 \
        Mobile Safari/537.36",
    ),
    (
        "another app",
        "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    ),
];
const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 \
    Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/118.0 \
    Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 \
    Chrome/115.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/118.0 Firefox/118.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 \
    Safari/605.1.15",
];

#[test]
#[ignore = "needs browsers: tests/all"]
fn an_app_that_drops_downloads_is_named_before_the_opening() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    for (app, agent) in APPS {
        let tab = browser.tab_with(json!({ "agent": agent, "width": 390, "height": 844 }));
        tab.goto(&link).expect(&format!("This page is inside {app}.")).expect("Open in browser");
        if app == "Instagram" {
            shot(&tab, "in-app-phone");
        }
        tab.tell("close", json!({}));
    }
    for agent in BROWSERS {
        let tab = browser.tab_with(json!({ "agent": agent }));
        tab.goto(&link).expect("Press and hold to open");
        assert!(!tab.text().contains("This page is inside"), "{agent}");
        tab.tell("close", json!({}));
    }
    // Leaving does not finish a file that was seen and saved there: it may not have arrived.
    let tab = browser.tab_with(json!({ "agent": APPS[0].1 }));
    tab.goto(&link).hold().until("document.querySelector('.stage img')?.complete").press_button("Save");
    tab.expect("Instagram may have lost the file").goto("about:blank");
    assert!(status(&sandbox).contains("being opened since"), "{}", status(&sandbox));
    tab.goto(&link)
        .until("document.querySelector('.stage img')?.complete")
        .press_button("Close")
        .expect("The sender sees");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn a_file_shared_with_another_app_counts_as_saved_unless_the_app_fails() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let sheet = "globalThis.taken = []; globalThis.refuses = true;
        navigator.canShare = ({ files }) => files.length === 1;
        navigator.share = async ({ files }) => {
            if (globalThis.refuses) throw new DOMException('not now', 'AbortError');
            globalThis.taken.push([files[0].name, await files[0].text()]);
        }";
    sandbox.write("a.zip", b"PK\x03\x04 and so on");
    let tab = browser.tab_with(json!({ "before": sheet, "width": 390, "height": 844, "touch": true }));
    tab.goto(&send(&sandbox, &relay, &["a.zip"])).hold().expect("cannot show this kind of file");
    tab.press_button("Share").press_button("Close").expect("not been seen or saved");
    tab.press_button("Go back").expect("cannot show this kind of file");
    tab.value("globalThis.refuses = false");
    tab.press_button("Share").expect("Shared with the app you chose");
    shot(&tab, "shared-phone");
    assert_eq!(tab.value("globalThis.taken"), json!([["a.zip", "PK\u{3}\u{4} and so on"]]));
    tab.press_button("Close").expect("The sender sees");
    relay.expect_empty();
    // View-only files are not shared with other apps.
    tab.goto(&planted(&relay.url, &[("a.txt", "text/plain", b"psst")], true)).hold().expect("psst");
    assert!(!tab.text().contains("Share"));
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn over_plain_http_the_page_asks_whether_a_saved_file_arrived() {
    let sandbox = Sandbox::new();
    sandbox.write("a.zip", b"PK\x03\x04 and so on");
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let host = Host::start(&sandbox, &["a.zip", "--public-url", "http://photos.lan", "--listen", &listens]);
    let Some(browser) = Browser::start(&[&format!("--host=photos.lan={listens}")]) else { return };
    let tab = browser.tab();
    tab.goto(host.link()).hold().expect("cannot show this kind of file");
    assert_eq!(
        tab.value("[isSecureContext, 'share' in navigator, 'locks' in navigator]"),
        json!([false, false, false])
    );
    assert!(!tab.text().contains("Share"));
    tab.tell("download", json!({ "selector": "button:text-is('Save')" }));
    tab.press_button("Close").expect("Is it in your downloads?").press_button("Go back");
    tab.expect("cannot show this kind of file").press_button("Close").press_button("Yes, close now");
    tab.expect("The sender sees");
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn an_opening_that_differs_from_the_preview_is_refused() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = planted(&relay.url, &[("real.txt", "text/plain", b"what is really there")], false);
    let parsed = Link::parse(&link).unwrap().link;
    let keys = parsed.secret.keys(None);
    let http = HttpRelay::new(parsed.relay.unwrap(), None, Duration::from_secs(10)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let asker = Credential::new(keys.id, keys.link_token);
    let waiting = runtime.block_on(http.manifest(&asker, &keys.open_token)).unwrap();
    let plain = seal::open_bytes(&waiting.manifest, &keys.manifest_identity).unwrap();
    let mut manifest = Manifest::parse(&plain, waiting.blob_len).unwrap();
    manifest.entries[0].path = vec!["harmless.txt".to_owned()];
    let sealed = seal::seal_bytes(&manifest.to_bytes().unwrap(), &keys.manifest_identity).unwrap();
    let body = json!({ "v": 1, "expires": waiting.expires, "blob_len": waiting.blob_len,
        "manifest": BASE64_URL_SAFE_NO_PAD.encode(sealed) });
    let answer = json!({ "path": "/v1/manifest", "status": 200, "body": body.to_string(), "type": "application/json" });
    let tab = browser.tab();
    tab.tell("answer", answer);
    tab.goto(&link)
        .expect("harmless.txt")
        .hold()
        .expect("None of it is shown")
        .expect("something other than what this page showed");
    assert!(!tab.text().contains("really there"));
    shot(&tab, "changed-desktop");
    assert!(!relay.data().is_empty(), "and nothing is deleted");
}

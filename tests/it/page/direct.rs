//! The page in direct mode: over plain http browsers have no secure context, and lack many of their features.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{Browser, Engine, Host, PHOTO, ROOT, Sandbox, in_every_engine};

in_every_engine!(
    every_feature_that_is_missing_there_has_a_fallback,
    text_is_copied_without_the_clipboard_interface,
    one_file_and_all_files_are_saved_without_a_save_dialog_and_a_share_sheet,
    passphrase_is_stretched_without_webcrypto,
);

/// A use of a feature that browsers have only in secure contexts.
struct Use {
    /// The file in src/page.
    file: &'static str,
    feature: &'static str,
    /// The behavior without it.
    _fallback: &'static str,
    /// The test of the fallback: its file in tests/it/page, and its function.
    test: (&'static str, &'static str),
}

const fn of(
    file: &'static str,
    feature: &'static str,
    fallback: &'static str,
    test: (&'static str, &'static str),
) -> Use {
    Use { file, feature, _fallback: fallback, test }
}

const ONE_AND_ALL: (&str, &str) =
    ("direct.rs", "one_file_and_all_files_are_saved_without_a_save_dialog_and_a_share_sheet");
const TOO_LARGE: (&str, &str) = ("large.rs", "nothing_large_is_opened_over_plain_http");
const STARTS_AGAIN: (&str, &str) = ("receiving.rs", "reload_over_plain_http_starts_again");

/// Every use of such a feature in the page.
const USES: [Use; 13] = [
    of("tabs.ts", "navigator.locks", "tabs ask each other", ("tabs.rs", "another_tab_resumes_over_plain_http")),
    of("stored.ts", "navigator.locks", "nothing is stored", STARTS_AGAIN),
    of("stored.ts", "navigator.storage", "a reload starts again, as the page says", STARTS_AGAIN),
    of("stored.ts", "FileSystemFileHandle", "the same", STARTS_AGAIN),
    of("stored.ts", "FileSystemDirectoryHandle", "a type: the same", STARTS_AGAIN),
    of("open.ts", "FileSystemFileHandle", "a type: larger shares are refused", TOO_LARGE),
    of("open.ts", "FileSystemWritableFileStream", "the same", TOO_LARGE),
    of("saving.ts", "showSaveFilePicker", "a download", ONE_AND_ALL),
    of("saving.ts", "FileSystemFileHandle", "a type: a download", ONE_AND_ALL),
    of("saving.ts", "navigator.share", "a download", ONE_AND_ALL),
    of("saving.ts", "navigator.canShare", "a download", ONE_AND_ALL),
    of("viewer.ts", "navigator.canShare", "no button for it", ONE_AND_ALL),
    of(
        "viewer.ts",
        "navigator.clipboard",
        "the selection is copied",
        ("direct.rs", "text_is_copied_without_the_clipboard_interface"),
    ),
];

/// The features that this engine has in secure contexts only: `navigator.share`, `crypto.subtle`, `caches`.
const LIST: &str = "(() => {
    const objects = new Map([['Navigator', 'navigator'], ['Crypto', 'crypto']]);
    const list = Object.getOwnPropertyNames(globalThis);
    for (const [name, object] of objects)
        for (const member of Object.getOwnPropertyNames(globalThis[name].prototype)) list.push(`${object}.${member}`);
    return list;
})()";

/// A sender in direct mode, and a browser that finds it under a name that is not this machine's.
fn lan(sandbox: &Sandbox, engine: Engine, args: &[&str]) -> Option<(Host, Browser)> {
    // The browser and the sender both need the address before the sender listens.
    let listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let browser = Browser::start_engine(engine, &[&format!("--host=photos.lan={listens}")])?;
    let args = [args, &["--public-url", "http://photos.lan", "--listen", &listens]].concat();
    Some((Host::start(sandbox, &args), browser))
}

/// The names of the sources of the page that opens, and their content without comments. Direct mode has no other page.
fn sources() -> Vec<(String, String)> {
    let files = fs::read_dir(Path::new(ROOT).join("src/page")).unwrap().map(|entry| entry.unwrap().path());
    let scripts = files.filter(|path| path.extension().is_some_and(|kind| kind == "ts"));
    let code = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let is_code = |line: &&str| !["//", "/*", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
        (name, text.lines().filter(is_code).collect::<Vec<_>>().join("\n"))
    };
    scripts.map(code).collect()
}

/// Whether code uses a feature: `navigator.share`, `"share" in navigator`, or a global name.
fn uses(code: &str, feature: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let has = |word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let (before, after) = (code[..at].chars().next_back(), code[at + word.len()..].chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    match feature.split_once('.') {
        Some((object, member)) => {
            has(feature) || has(&format!("\"{member}\" in {object}")) || {
                let list = [format!("{object}, \"{member}\""), format!("{object}?.{member}")];
                list.iter().any(|form| has(form))
            }
        }
        None => has(feature),
    }
}

fn every_feature_that_is_missing_there_has_a_fallback(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write("beach.jpg", &fs::read(PHOTO).unwrap());
    let Some((host, browser)) = lan(&sandbox, engine, &["beach.jpg"]) else { return };
    let relay = sandbox.relay();
    let list = |url: &str, secure: bool| -> BTreeSet<String> {
        let tab = browser.tab();
        tab.goto(url);
        assert_eq!(tab.value("isSecureContext"), secure);
        serde_json::from_value(tab.value(LIST)).unwrap()
    };
    let (secure, plain) = (list(&relay.url, true), list(host.link(), false));
    let mut missing: BTreeSet<String> = secure.difference(&plain).cloned().collect();
    let few = ["navigator.clipboard", "navigator.locks", "crypto.subtle", "crypto.randomUUID"];
    assert!(few.iter().all(|name| missing.contains(*name)), "{missing:?}");
    // Other browsers have these.
    missing.extend(USES.iter().map(|each| each.feature.to_owned()));
    let sources = sources();
    // Names that the page declares itself.
    let is_own = |name: &String| {
        let marks = ["interface", "class", "type", "const"].map(|word| format!("{word} {name} "));
        sources.iter().any(|(_, code)| marks.iter().any(|mark| code.contains(mark)))
    };
    missing.retain(|name| !is_own(name));
    let mut found = BTreeSet::new();
    for (file, code) in &sources {
        found.extend(missing.iter().filter(|name| uses(code, name)).map(|name| (file.as_str(), name.as_str())));
    }
    let listed: BTreeSet<(&str, &str)> = USES.iter().map(|each| (each.file, each.feature)).collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(unlisted.is_empty(), "features that are missing over plain http, without a listed fallback: {unlisted:?}");
    let unused: Vec<_> = listed.difference(&found).collect();
    assert!(unused.is_empty(), "listed, and not used: {unused:?}");
    let present: Vec<_> = USES.iter().filter(|each| plain.contains(each.feature)).map(|each| each.feature).collect();
    assert!(present.is_empty(), "listed, and not missing over plain http: {present:?}");
    for each in &USES {
        let (file, test) = each.test;
        let tests = fs::read_to_string(Path::new(ROOT).join("tests/it/page").join(file)).unwrap();
        assert!(tests.contains(&format!("\nfn {test}(engine: Engine)")), "{file} has no test {test}");
    }
}

fn text_is_copied_without_the_clipboard_interface(engine: Engine) {
    let sandbox = Sandbox::new();
    let text = "caf\u{e9} <b>not bold</b>\n\n  tangerine-42";
    sandbox.write("words.txt", text.as_bytes());
    let Some((mut host, browser)) = lan(&sandbox, engine, &["words.txt"]) else { return };
    let tab = browser.tab();
    tab.goto(host.link()).hold().expect("tangerine-42");
    assert_eq!(tab.value("'clipboard' in navigator"), false);
    tab.press_button("Copy").expect("Copied");
    assert_eq!(tab.pasted(), text);
    tab.press_button("Close").expect("The sender sees it was opened by");
    host.expect("opened by: ");
}

/// The files of an archive, by Python's own reader, which verifies their checksums.
fn listed(archive: &Path) -> Vec<String> {
    let code = "import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for each in archive.infolist(): print(each.filename, each.file_size)";
    let ran = Command::new("python3").args(["-c", code]).arg(archive).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn one_file_and_all_files_are_saved_without_a_save_dialog_and_a_share_sheet(engine: Engine) {
    let sandbox = Sandbox::new();
    let photo = fs::read(PHOTO).unwrap();
    sandbox.write("beach.jpg", &photo);
    sandbox.write("words.txt", b"psst");
    let args = ["--name", "Our trip", "beach.jpg", "words.txt"];
    let Some((mut host, browser)) = lan(&sandbox, engine, &args) else { return };
    let tab = browser.tab_with(json!({ "width": 390, "height": 844, "touch": true }));
    tab.goto(host.link()).expect("This page came over plain http").hold().expect("1 of 2");
    let missing = "['share' in navigator, 'canShare' in navigator, 'showSaveFilePicker' in window]";
    assert_eq!(tab.value(missing), json!([false, false, false]));
    tab.until("[...document.querySelectorAll('button')].some(({ innerText }) => innerText.trim() === 'Save')");
    assert!(!tab.text().contains("Share"), "{}", tab.text());
    tab.press_button("Save").expect("Check your downloads");
    let saved = tab.downloads(1);
    assert_eq!(saved[0].0, "beach.jpg");
    let cleaned = fs::metadata(&saved[0].1).unwrap().len();
    tab.press_button("Save all");
    let both = tab.downloads(2);
    let (name, archive) = both.iter().find(|(name, _)| name != "beach.jpg").unwrap();
    assert_eq!(name, "Our trip.zip");
    assert_eq!(listed(archive), [format!("beach.jpg {cleaned}"), "words.txt 4".to_owned()]);
    // The browser confirms no download, so closing asks.
    tab.press_button("Close").expect("in your downloads?").press_button("Yes, close now");
    tab.expect("The sender sees it was opened by");
    host.expect("opened by: ");
}

fn passphrase_is_stretched_without_webcrypto(engine: Engine) {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "p\u{e1}ssw\u{f6}rd with spaces".as_bytes());
    sandbox.write("secret.txt", b"tangerine-42");
    let Some((mut host, browser)) = lan(&sandbox, engine, &["--passphrase-file", "passphrase", "secret.txt"]) else {
        return;
    };
    let tab = browser.tab();
    tab.goto(host.link()).expect("Enter the passphrase").type_text("password").press("Enter");
    tab.expect("19 more tries before").type_text("p\u{e1}ssw\u{f6}rd with spaces").press("Enter");
    tab.expect("secret.txt").hold().expect("tangerine-42");
    tab.press_button("Close").expect("The sender sees it was opened by");
    host.expect("opened by: ");
}

//! Shares of the page that sends, opened by the program and by the page that opens, in each engine.

use std::fs;

use super::{link, links, unfold, visit, write};
use crate::support::{Browser, Engine, PHOTO, Sandbox, in_every_engine, noise};

in_every_engine!(
    album_and_words_open_with_the_program,
    text_opens_in_the_page_with_its_passphrase,
    each_recipient_has_a_link,
);

fn album_and_words_open_with_the_program(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let large = noise(9_000_000, 5);
    let names = [("large.bin", &large[..]), ("empty.txt", b""), ("edge.bin", &large[..65_536])];
    let paths: Vec<String> =
        names.iter().map(|(name, bytes)| sandbox.write(name, bytes).display().to_string()).collect();
    let tab = visit(&browser, &relay);
    let all: Vec<&str> = paths.iter().map(String::as_str).chain([PHOTO]).collect();
    tab.choose("#files", &all).expect("Check and send");
    unfold(&tab);
    write(&tab, "#from", "Anna");
    write(&tab, "#note", "from the beach");
    let link = link(&tab);
    let opened = sandbox.share(["open", &link, "-o", "out"]).run();
    assert!(opened.stderr.contains("Anna") && opened.stderr.contains("from the beach"), "{}", opened.stderr);
    for (name, bytes) in names {
        assert!(sandbox.read(&format!("out/{name}")) == bytes, "{name}");
    }
    let photo = sandbox.read("out/beach.jpg");
    assert!(photo.starts_with(&[0xff, 0xd8]) && photo != fs::read(PHOTO).unwrap());
    relay.expect_empty();
}

fn text_opens_in_the_page_with_its_passphrase(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    write(&tab, "#text", "meet me at noon");
    tab.press_button("Continue").expect("Check and send");
    unfold(&tab);
    tab.value("document.querySelector('#passphrase').focus()");
    tab.press("Control+a").type_text("correct horse");
    let link = link(&tab);
    let other = browser.tab();
    other.goto(&link).until("document.querySelector('input')");
    other.value("document.querySelector('input').focus()");
    other.type_text("correct horse").press("Enter").hold().expect("meet me at noon");
    other.press_button("Close").expect("The sender sees it was opened by");
    let opener = other.opener();
    tab.until("document.querySelector('.state').textContent.startsWith('Opened on')");
    assert!(tab.text().contains(&opener), "{opener}: {}", tab.text());
    relay.expect_empty();
}

fn each_recipient_has_a_link(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    sandbox.write("a.txt", b"for both");
    let tab = visit(&browser, &relay);
    tab.choose("#files", &[sandbox.path("a.txt").to_str().unwrap()]).expect("Check and send");
    unfold(&tab);
    for name in ["Anna", "Ben"] {
        write(&tab, "#recipient", name);
        tab.press("Enter").expect(name);
    }
    let links = links(&tab);
    assert!(links.len() == 2 && links[0] != links[1], "{links:?}");
    for link in links {
        assert_eq!(sandbox.share(["open", "-q", &link, "-o", "-"]).ok(), "for both");
    }
    relay.expect_empty();
}

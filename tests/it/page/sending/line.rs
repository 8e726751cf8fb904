//! The bytes that a page which sends puts on the line.

use bech32::{Bech32m, Hrp};

use super::{link, unfold, write};
use crate::support::{Browser, Engine, PHOTO, Proxy, Sandbox, contains, forms, in_every_engine};

in_every_engine!(no_secret_name_or_plaintext_is_on_the_line);

fn no_secret_name_or_plaintext_is_on_the_line(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let line = Proxy::recording(&relay.address());
    let secret = "the quick brown fox jumps over the lazy dog";
    let path = sandbox.write("holiday-plan.txt", secret.repeat(20_000).as_bytes());
    let tab = browser.tab();
    tab.goto(&format!("{}send", line.url)).until("document.querySelector('#files')");
    tab.choose("#files", &[path.to_str().unwrap(), PHOTO]).expect("Check and send");
    unfold(&tab);
    write(&tab, "#from", "Annabelle");
    write(&tab, "#note", "from-the-beach");
    write(&tab, "#recipient", "Bartholomew");
    tab.press("Enter").expect("Bartholomew");
    tab.value("document.querySelector('#passphrase').focus()");
    tab.press("Control+a").type_text("correct-horse-battery");
    let link = link(&tab);
    tab.expect("Not opened yet");
    let (_, fragment) = link.split_once('#').unwrap();
    let (prefix, payload) = bech32::decode(fragment).unwrap();
    assert_eq!(prefix, Hrp::parse_unchecked("share"));
    assert_eq!(bech32::encode::<Bech32m>(prefix, &payload).unwrap(), fragment);
    let sent = line.recorded();
    assert!(contains(&sent, b"POST /v1/create") || contains(&sent, b"POST /v1/deposit"), "the line was recorded");
    let words = ["holiday-plan", "beach.jpg", "Annabelle", "from-the-beach", "Bartholomew", "correct-horse-battery"];
    for word in words.iter().chain(&[secret, fragment, &fragment[6..]]) {
        assert!(!contains(&sent, word.as_bytes()), "{word}");
    }
    for form in forms(&payload[1..]).iter().chain(&forms(&payload)) {
        assert!(!contains(&sent, form), "a form of the secret");
    }
    // Nor is it in the browser's storage once the page was left.
    let kept = tab.remembers();
    for word in words.iter().filter(|word| **word != "Bartholomew").chain(&[secret, fragment, &fragment[6..]]) {
        assert!(!kept.contains(word), "{word}: {kept}");
    }
    for form in forms(&payload[1..]) {
        assert!(!contains(kept.as_bytes(), &form), "a form of the secret");
    }
}

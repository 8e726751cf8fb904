//! The screens of the page that sends, from a choice to the opener's words.

use std::fs;

use super::{link, visit};
use crate::support::{Browser, Engine, PHOTO, Sandbox, in_every_engine};

in_every_engine!(photo_is_chosen_sent_and_opened);

/// The state of the share on the screen after sending.
const STATE: &str = "document.querySelector('.state').textContent";

fn photo_is_chosen_sent_and_opened(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let tab = visit(&browser, &relay);
    // Said before anything is chosen.
    tab.expect("Its operator could change the page to read what you send.");
    tab.choose("#photos", &[PHOTO]).expect("Check and send").expect("Will be removed: location and camera data");
    tab.expect("A photo for you").expect("photo, 27.5 kB").expect("Expires on");
    let link = link(&tab);
    tab.expect("The link is ready").expect("Removed: location and camera data").expect("Not opened yet");
    sandbox.share(["open", &link, "-o", "."]).ok();
    let opened = sandbox.read("beach.jpg");
    assert!(opened != fs::read(PHOTO).unwrap() && opened.starts_with(&[0xff, 0xd8]));
    tab.until(&format!("{STATE}.startsWith('Opened on')"));
    assert_eq!(tab.complaints(), Vec::<String>::new());
    relay.expect_empty();
}

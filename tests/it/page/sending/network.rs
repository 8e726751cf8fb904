//! A network that fails while the page sends, and tabs that end.

use serde_json::json;

use super::link;
use crate::support::{Browser, Engine, Proxy, Sandbox, Tab, files, in_every_engine, noise};

in_every_engine!(
    network_that_is_cut_in_the_middle_is_waited_for,
    closed_and_crashed_tabs_leave_nothing,
    two_tabs_send_at_once,
);

/// Bytes of the file: three parts.
const LENGTH: usize = 9_000_000;

/// Chooses a large file in a new tab of a page behind `line`.
fn chosen(browser: &Browser, sandbox: &Sandbox, line: &Proxy) -> Tab {
    let path = sandbox.write("large.bin", &noise(LENGTH, 9));
    let tab = browser.tab();
    tab.goto(&format!("{}send", line.url)).until("document.querySelector('#files')");
    tab.choose("#files", &[path.to_str().unwrap()]).expect("Check and send");
    tab
}

fn press_send(tab: &Tab) {
    tab.until("document.querySelector('.sending button.main[aria-disabled=false]')");
    tab.tell("click", json!({ "selector": ".sending button.main" }));
}

fn network_that_is_cut_in_the_middle_is_waited_for(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let line = Proxy::to(&relay.address(), None);
    let tab = chosen(&browser, &sandbox, &line);
    line.stop_up_at(6_000_000);
    press_send(&tab);
    line.wait_until_up_stopped();
    // Nothing listens at port 9.
    line.lead_to("127.0.0.1:9");
    line.mend();
    line.cut();
    tab.expect("Try now");
    line.lead_to(&relay.address());
    tab.press_button("Try now").until("document.querySelector('.sent input')");
    let link = tab.value("document.querySelector('.sent input').value");
    sandbox.share(["open", "-q", link.as_str().unwrap(), "-o", "got.bin"]).ok();
    assert!(sandbox.read("got.bin") == noise(LENGTH, 9));
    relay.expect_empty();
}

fn closed_and_crashed_tabs_leave_nothing(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let line = Proxy::to(&relay.address(), None);
    let tab = chosen(&browser, &sandbox, &line);
    // WebKitGTK's driver loses the storage with the tab that crashes.
    let is_killed = engine != Engine::WebKit;
    let other = is_killed.then(|| tab.new_tab());
    line.stop_up_at(6_000_000);
    press_send(&tab);
    line.wait_until_up_stopped();
    assert!(files(&relay.store).iter().any(|path| path.ends_with("offer")), "the upload has begun");
    match other {
        Some(other) => {
            tab.tell("kill", json!({}));
            line.cut();
            line.mend();
            // The next visit revokes what the tab has left.
            other.goto(&format!("{}send", line.url)).until("document.querySelector('#files')");
            other.until("localStorage.length === 0");
        }
        None => {
            // An upload that goes on could end before the tab does.
            tab.tell("leave", json!({}));
            line.mend();
        }
    }
    relay.expect_empty();
}

fn two_tabs_send_at_once(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone"]);
    let line = Proxy::to(&relay.address(), None);
    let one = chosen(&browser, &sandbox, &line);
    let other = one.new_tab();
    line.stop_up_at(6_000_000);
    press_send(&one);
    line.wait_until_up_stopped();
    // A new visit while the first tab uploads leaves its upload alone.
    line.mend();
    other.goto(&format!("{}send", relay.url)).until("document.querySelector('#files')");
    let path = sandbox.write("small.txt", b"small");
    other.choose("#files", &[path.to_str().unwrap()]).expect("Check and send");
    let second = link(&other);
    one.until("document.querySelector('.sent input')");
    let first = one.value("document.querySelector('.sent input').value");
    assert_eq!(sandbox.share(["open", "-q", &second, "-o", "-"]).ok(), "small");
    sandbox.share(["open", "-q", first.as_str().unwrap(), "-o", "got.bin"]).ok();
    assert!(sandbox.read("got.bin") == noise(LENGTH, 9));
}

//! The page behind a login: a password, a cookie; and behind what knows only `Authorization`.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::support::{Browser, Engine, Front, Nginx, PHOTO, RelayProcess, Sandbox, Tab, in_every_engine, send, status};

in_every_engine!(the_page_works_behind_basic_auth_and_behind_a_cookie);

/// Requires a password, which browsers ask for and then send by themselves.
fn basic(sandbox: &Sandbox) -> String {
    let users = sandbox.write("users", b"amber:{PLAIN}falcon\n");
    format!("auth_basic share; auth_basic_user_file {};", users.display())
}

/// Requires a cookie, and redirects to a login. This one lets everybody in.
pub(super) const COOKIE: &str = "if ($cookie_session != amber) { return 302 /login; }";
const LOGIN: &str = "location = /login { add_header Set-Cookie 'session=amber; Path=/'; return 302 /; }";

/// nginx over plain http in front of a relay.
pub(super) fn in_front(relay: &RelayProcess, server: &str, location: &str) -> (Nginx, String) {
    let front = Front::listen(Ipv4Addr::LOCALHOST.into(), "");
    let (url, relay): (_, SocketAddr) = (front.plain_url(), relay.address().parse().unwrap());
    (front.start_plain(relay, server, location), url)
}

/// The link at the address of nginx.
fn through(url: &str, link: &str) -> String {
    format!("{url}/#{}", link.split_once('#').unwrap().1)
}

/// Enters the password, which the browser then remembers.
fn log_in(tab: &Tab, url: &str) {
    tab.goto(&url.replace("http://", "http://amber:falcon@")).expect("share").goto("about:blank");
}

/// The values of the fields with credentials in the requests for shares.
fn credentials(tab: &Tab) -> Vec<(String, Option<String>)> {
    let all = tab.tell("requests", json!({}));
    let of_shares = |request: &&Value| request["url"].as_str().unwrap().contains("/v1/");
    let fields = |request: &Value| {
        let field = |name: &str| {
            let headers = request["headers"].as_object().unwrap();
            headers.iter().find(|(field, _)| field.to_lowercase() == name).map(|(_, value)| value.clone())
        };
        let scheme = |value: Value| value.as_str().map(|text| text.split(' ').next().unwrap().to_owned());
        let own = field("share-authorization").and_then(scheme).unwrap_or_default();
        (own, field("authorization").and_then(scheme))
    };
    all.as_array().unwrap().iter().filter(of_shares).map(fields).collect()
}

fn the_page_works_behind_basic_auth_and_behind_a_cookie(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let [by_password, by_cookie] = [(); 2].map(|()| send(&sandbox, &relay, &[PHOTO]));

    let (_nginx, url) = in_front(&relay, "", &basic(&sandbox));
    let tab = browser.tab_with(json!({ "languages": ["de"] }));
    log_in(&tab, &url);
    tab.goto(&through(&url, &by_password)).expect("Zum Öffnen gedrückt halten");
    tab.tell("hold", json!({ "selector": ".hold", "milliseconds": 1150 }));
    tab.until_photo(640);
    tab.press_button("Schließen").expect("Der Absender sieht");
    for (own, other) in credentials(&tab) {
        assert!(own == "Bearer" && [None, Some("Basic".to_owned())].contains(&other), "{own:?} and {other:?}");
    }

    let (_nginx, url) = in_front(&relay, LOGIN, COOKIE);
    let tab = browser.tab();
    tab.goto(&through(&url, &by_cookie)).expect("Press and hold to open");
    // The session ends, and begins again in another tab.
    let end = || tab.value("document.cookie = 'session=; Max-Age=0; Path=/'");
    end();
    tab.hold().expect("Log in first").expect("in another tab, log in there, then try again here.");
    assert!(status(&sandbox).contains("waiting"), "{}", status(&sandbox));
    tab.new_tab().goto(&url).expect("Links that work once");
    tab.press_button("Try again").until_photo(640);
    end();
    tab.press_button("Close").expect("did not answer");
    tab.new_tab().goto(&url).expect("Links that work once");
    tab.press_button("Try again").expect("The sender sees it was opened by");
    relay.expect_empty();
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_works_behind_a_proxy_that_passes_only_authorization_on() {
    let Some(browser) = Browser::start(&[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[PHOTO]);
    let (_nginx, url) = in_front(&relay, "", "proxy_set_header Share-Authorization '';");
    let tab = browser.tab();
    tab.goto(&through(&url, &link)).hold().until_photo(640);
    tab.press_button("Close").expect("The sender sees it was opened by");
    let sent = credentials(&tab);
    let [(first, _), rest @ ..] = &sent[..] else { panic!("no requests") };
    assert_eq!(first, "Bearer");
    let usual = (String::new(), Some("Bearer".to_owned()));
    assert!(!rest.is_empty() && rest.iter().all(|sent| *sent == usual), "one request in vain: {sent:?}");

    // A share that the relay does not have is no question of the login.
    let (_nginx, url) = in_front(&relay, "", &basic(&sandbox));
    let other = Sandbox::new();
    let unknown = send(&other, &other.relay(), &[PHOTO]);
    let tab = browser.tab();
    log_in(&tab, &url);
    tab.goto(&through(&url, &unknown)).expect("has no such share");
    let asked = credentials(&tab);
    assert_eq!(asked.iter().filter(|(own, _)| own.is_empty()).count(), 1, "one failed attempt at most: {asked:?}");
}

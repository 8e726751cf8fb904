//! Links that mail services, messengers and people have rewritten.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use share::link::{FoundLink, Link, LinkError};
use share::secret::{Flags, LinkSecret};

use crate::support::Sandbox;

fn link(relay: &str) -> Link {
    let secret = LinkSecret::from_parts(Flags::default(), [7; 24]);
    Link { relay: Some(share::relay_url::RelayUrl::parse(relay).unwrap()), secret }
}

/// Percent-encoding of everything but letters and digits.
fn percent(text: &str) -> String {
    let encode = |c: u8| if c.is_ascii_alphanumeric() { char::from(c).to_string() } else { format!("%{c:02X}") };
    text.bytes().map(encode).collect()
}

/// An address, wrapped in another one in all known ways.
fn wrappings(address: &str) -> Vec<String> {
    let encoded = percent(address);
    let lower = encoded.replace("%3A", "%3a").replace("%2F", "%2f");
    // Version 2 of Proofpoint.
    let dashes = encoded.replace("%2F", "_").replace("%2E", ".").replace('%', "-");
    // Version 3, with a run of two characters where the key begins.
    let stars = address.replace(['#', '+'], "*");
    let run = address.replace("/#", "**A").replace('+', "*");
    let (single, double) = if address.contains('#') { ("Iw", "LyM") } else { ("Kw", "Kw") };
    let base64 = BASE64_URL_SAFE_NO_PAD.encode(address);
    vec![
        format!(
            "https://eur01.safelinks.protection.outlook.example/?url={encoded}&data=05%7C01%7C&sdata=a%3D&reserved=0"
        ),
        format!("https://eur01.safelinks.protection.outlook.example/?url={encoded}&amp;data=05%7C01"),
        format!("https://urldefense.proofpoint.example/v1/url?u={}&k=oIvRg1%2BdGAgOoM1BIlLLqw%3D%3D", encoded),
        format!("https://urldefense.proofpoint.example/v2/url?u={dashes}&d=DwMFaQ&c=euGZstcaTDllvimEN8b7j&r=x-3A_y&e="),
        format!("https://urldefense.example/v3/__{stars}__;{single}!!PhKjyWI!c0mXSdqv-aJ$"),
        format!("https://urldefense.example/v3/__{run}__;{double}!!PhKjyWI!c0mXSdqv-aJ$ "),
        format!("https://urldefense.example/v3/__{}__;{single}!!PhKjyWI$", stars.replace("://", ":/")),
        format!("https://secure-web.cisco.example/1abcDEF-ghi_123/{encoded}"),
        format!("https://secure-web.cisco.example/1abcDEF-ghi_123/{}", percent(&encoded)),
        format!("https://linkprotect.cudasvc.example/url?a={lower}&c=E,1,abc&typo=1"),
        format!("https://www.google.example/url?q={encoded}&sa=D&source=gmail&ust=1700000000"),
        format!("https://l.facebook.example/l.php?u={encoded}&h=AT0abc"),
        format!("https://r.search.yahoo.example/_ylt=A0/RV=2/RE=17/RO=10/RU={encoded}/RK=2/RS=abc-"),
        format!("https://protect2.fireeye.example/v1/url?k=abc-1&q=1&e=12-34&u={encoded}"),
        format!("https://imsva-ctp.trendmicro.example:443/wis/clicktime/v1/query?url={lower}&umid=1-2&auth=ab"),
        format!("https://protection.sophos.example/?d=relay.example&u={base64}&i=NWE&t=abc=&h=1"),
        format!(
            "https://protection.sophos.example/?d=relay.example&u={}&i=NWE",
            percent(&BASE64_STANDARD.encode(address))
        ),
        format!("https://www.bing.example/ck/a?!&&p=0123456789abcdef&u=a1{base64}&ntb=1"),
        format!("https://click.example/h/{}/x", BASE64_URL_SAFE.encode(address)),
        format!("https://avanan.example/v2/___{address}___.YXAzOm1haWw6YTpvOjEyMzQ1Njc4OTA"),
        format!("https://click.example/?{address}"),
        format!("https://click.example/?u={}&x=1", BASE64_STANDARD.encode(BASE64_STANDARD.encode(address))),
    ]
}

#[test]
fn a_link_inside_an_address_is_found_and_its_key_counts_as_exposed() {
    for relay in ["https://relay.example", "https://relay.example:8443/drop", "http://192.168.1.23:4080"] {
        let link = link(relay);
        let web = link.web().unwrap().to_string();
        let (page, key) = web.split_once('#').unwrap();
        let spellings = [
            web.clone(),
            web.to_uppercase().replace("/DROP", "/drop"),
            link.bare().to_string(),
            format!("{page}?fbclid=IwAR2abc_def-123&utm_source=x#{key}"),
        ];
        let expected = Ok(FoundLink { link, rewritten: true });
        for address in spellings {
            for wrapped in wrappings(&address) {
                assert_eq!(Link::parse(&wrapped), expected, "{wrapped}");
                let in_mail = format!("Hello,\n> see <{wrapped}> soon.\n");
                assert_eq!(Link::parse(&in_mail), expected, "{in_mail}");
            }
        }
        // Two services in a row.
        for wrapped in wrappings(&web) {
            let twice = format!("https://safelinks.example/?url={}&data=05", percent(&wrapped));
            assert_eq!(Link::parse(&twice), expected, "{twice}");
            let thrice = format!("https://secure-web.cisco.example/1x/{}", percent(&twice));
            assert_eq!(Link::parse(&thrice), expected, "{thrice}");
        }
        for encoded in ["%23", "%2523", "&#35;", "&num;"] {
            let text = format!("{page}{encoded}{key}");
            assert_eq!(Link::parse(&text), expected, "{text}");
        }
    }
}

#[test]
fn a_tracking_parameter_before_the_key_is_dropped() {
    let link = link("https://relay.example/drop");
    let web = link.web().unwrap();
    let expected = Ok(FoundLink { link: link.clone(), rewritten: false });
    for tracking in ["?fbclid=IwAR2abc_def-123", "?utm_source=a&utm_medium=b%20c", "?igsh=MzRlODBiNWFlZA==", "?"] {
        let text = web.replace('#', &format!("{tracking}#"));
        assert_eq!(Link::parse(&text), expected, "{text}");
        let text = format!("look: {text}.");
        assert_eq!(Link::parse(&text), expected, "{text}");
        let text = format!("{}{tracking}", *link.bare());
        assert_eq!(Link::parse(&text), expected, "{text}");
    }
    // It may be a source or a target: neither is contacted.
    for other in ["https://news.example/", "https%3A%2F%2Fnews.example%2F", "aHR0cHM6Ly9uZXdzLmV4YW1wbGUv"] {
        let text = web.replace('#', &format!("?ref={other}#"));
        assert_eq!(Link::parse(&text), Err(LinkError::Ambiguous), "{text}");
    }
}

#[test]
fn a_key_in_a_foreign_address_leads_to_no_relay() {
    let link = link("https://relay.example");
    let key = link.secret.fragment();
    for text in [
        format!("https://click.example/{}", *key),
        format!("https://click.example/?u={}", *key),
        format!("https://click.example/?u=%23{}", *key),
        format!("https://click.example/?u=1%23{}&x", *key),
        format!("https://click.example/?u={}", BASE64_URL_SAFE_NO_PAD.encode(&*key)),
        format!("https://urldefense.example/v3/__https://relay.example/*{}", *key),
        format!("click.example/u/{}", *key),
        "https://protect-eu.mimecast.example/s/aBcDe1234567fGhIjKl?domain=relay.example".to_owned(),
        "https://safelinks.example/?url=https%3A%2F%2Frelay.example%2F&data=05".to_owned(),
    ] {
        assert_eq!(Link::parse(&text), Err(LinkError::Rewritten), "{text}");
    }
    // A bare key beside an address may belong to it.
    for text in [format!("https://relay.example/ {}", *key), format!("{} from https://relay.example", *key)] {
        assert_eq!(Link::parse(&text), Err(LinkError::Ambiguous), "{text}");
    }
    // Damage is also found inside a wrapper.
    let cut = &link.web().unwrap()[..link.web().unwrap().len() - 1];
    assert_eq!(Link::parse(&format!("https://safelinks.example/?url={}&x", percent(cut))), Err(LinkError::Short(1)));
    assert_eq!(Link::parse("https://relay.example/?fbclid=IwAR2abcdefgh0123456789"), Err(LinkError::NoKey));
    assert_eq!(Link::parse("https://relay.example/#"), Err(LinkError::NoKey));
    assert_eq!(Link::parse("https://relay.example/#top"), Err(LinkError::NotALink));
}

#[test]
fn a_link_is_read_from_a_quoted_or_broken_mail() {
    let link = link("https://relay.example");
    let (web, bare) = (link.web().unwrap(), link.bare());
    let (page, key) = web.split_once('#').unwrap();
    for text in [
        format!("> {}\n> {}", &web[..40], &web[40..]),
        format!(">> {}=\r\n{}", &web[..40], &web[40..]),
        format!("{page}#\n{key}"),
        format!("{page}\n#{key}"),
        format!("*{}*", *web),
        format!("[{0}]({0})", *web),
        format!("{}…", *bare),
        format!("**{}**!", *bare),
        format!("_{}_", *bare),
        format!("[{}]", *bare),
        format!("({}).", *bare),
    ] {
        assert_eq!(Link::parse(&text), Ok(FoundLink { link: link.clone(), rewritten: false }), "{text}");
    }
    let six = self::link("http://[fd00::5]:4080");
    assert_eq!(Link::parse(&format!("({}).", *six.bare())).unwrap().link, six);
}

#[test]
fn a_rewritten_link_is_opened_with_a_warning_and_never_at_another_relay() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    let (relay, configured) = (sandbox.relay(), other.relay());
    let link = sandbox.share(["send", "-q"]).env("SHARE_RELAY", &relay.url).input("secret").ok();
    let warning = "a mail service or another program rewrote this link and could have read its key";
    for wrapped in wrappings(&link) {
        let peeked = sandbox.share(["peek"]).env("SHARE_RELAY", &configured.url).input(wrapped).run();
        assert!(peeked.code == 0 && peeked.stderr.contains(warning), "{peeked:?}");
    }
    let key = link.split_once('#').unwrap().1;
    let lost = format!("https://click.example/?u={key}");
    let refused = sandbox.share(["open", "-q"]).env("SHARE_RELAY", &configured.url).input(lost);
    refused.fails(2, "rewrote this link, and the original cannot be recovered");
    // It is not contacted either if the relay of a bare link is spelled differently.
    let host = relay.url.trim_start_matches("http://").trim_end_matches('/');
    for plus in ["%2B", "%252B", "&#43;", "&plus;", "=2B", "_2B", "-2B", "\\u002b", "\\+", "\u{ff0b}", "@", "|"] {
        let spelled = format!("{key}{plus}{host}");
        let peeked = sandbox.share(["peek"]).env("SHARE_RELAY", &configured.url).input(&spelled).run();
        assert!(peeked.code == 2 || peeked.stderr.contains(warning), "{spelled}: {peeked:?}");
    }
    let framed = format!("https://urldefense.com/v3/__{}__;!!Abc!XYZ$#{key}", relay.url);
    let older = format!("https://urldefense.proofpoint.com/v2/url?u=http-3A__127.0.0.1-3A1_&d=DwM#{key}");
    for outside in [framed, older] {
        sandbox.share(["peek"]).env("SHARE_RELAY", &configured.url).input(&outside).fails(2, "");
    }
    let asked = std::fs::read_to_string(&configured.log).unwrap();
    assert!(!asked.contains("manifest"), "{asked}");
    // An error about arguments repeats the key in no encoding.
    let hidden = BASE64_URL_SAFE_NO_PAD.encode(&link);
    let typed =
        sandbox.share([format!("https://sophos.example/?u={hidden}").as_str()]).fails(2, "a link is not a command");
    assert!(!typed.stderr.contains(&hidden), "{typed:?}");
    let warned = sandbox.share(["open"]).input(wrappings(&link).remove(0)).run();
    assert!(warned.code == 0 && warned.stdout == b"secret", "{warned:?}");
}

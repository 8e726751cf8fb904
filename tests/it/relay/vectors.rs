//! Test vectors for other implementations: the key schedule, links and padding.

use serde::Deserialize;
use share::blob::padded_len;
use share::link::{Link, LinkError};
use share::relay_url::RelayUrlError;
use share::safe_text::{printable, safe_name};
use share::secret::{DeviceSecret, Flags, LinkSecret, Role};

#[derive(Deserialize)]
struct Vectors {
    shares: Vec<Share>,
    damaged: Vec<Damaged>,
    accepted_spellings: Vec<String>,
    blob_len: Vec<Length>,
    names: Vec<Name>,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    shown: String,
}

#[derive(Deserialize)]
struct Name {
    name: String,
    safe: String,
}

#[derive(Deserialize)]
struct Share {
    flags: u8,
    passphrase: Option<String>,
    passphrase_nfd: Option<String>,
    secret: String,
    fragment: String,
    web_link: String,
    bare_link: String,
    id: String,
    link_token: String,
    passphrase_salt: String,
    open_token: String,
    manifest_identity: String,
    blob_identity: String,
    link_verifier: String,
    open_verifier: String,
    device_secret: String,
    claim_token: String,
    claimant: String,
    openers_words: String,
    receipt: String,
    direct_tls_seed: Option<String>,
}

#[derive(Deserialize)]
struct Damaged {
    text: String,
    why: String,
}

#[derive(Deserialize)]
struct Length {
    age_len: u64,
    blob_len: u64,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

#[test]
fn the_key_schedule_matches_its_vectors() {
    for share in vectors().shares {
        let secret = LinkSecret::from_parts(Flags::from_bits(share.flags).unwrap(), unhex(&share.secret));
        assert_eq!(hex(&secret.passphrase_salt()), share.passphrase_salt);
        if let Some(seed) = share.direct_tls_seed {
            assert_eq!(hex(secret.direct_key().seed()), seed);
        }
        let spellings = [share.passphrase.as_deref(), share.passphrase_nfd.as_deref()];
        for passphrase in spellings.into_iter().take(if share.passphrase_nfd.is_some() { 2 } else { 1 }) {
            let keys = secret.keys(passphrase);
            let id = &keys.id;
            assert_eq!(id.hex(), share.id);
            assert_eq!(hex(keys.link_token.as_bytes()), share.link_token);
            assert_eq!(hex(keys.open_token.as_bytes()), share.open_token);
            assert_eq!(hex(keys.link_token.verifier(Role::Link, id).as_bytes()), share.link_verifier);
            assert_eq!(hex(keys.open_token.verifier(Role::Open, id).as_bytes()), share.open_verifier);
            assert_eq!(text_of(&keys.manifest_identity), share.manifest_identity);
            assert_eq!(text_of(&keys.blob_identity), share.blob_identity);
            let device = DeviceSecret::from_bytes(unhex(&share.device_secret));
            let token = device.claim_token(id);
            assert_eq!(hex(token.as_bytes()), share.claim_token);
            assert_eq!(hex(token.claimant(id).as_bytes()), share.claimant);
            assert_eq!(share::wordlist::openers_words(&token.claimant(id)), share.openers_words);
            assert_eq!(hex(keys.receipt(&token.claimant(id)).as_bytes()), share.receipt);
        }
    }
}

fn text_of(identity: &age::x25519::Identity) -> String {
    use age::secrecy::ExposeSecret;
    identity.to_string().expose_secret().to_owned()
}

#[test]
fn links_are_written_and_read_back() {
    for share in vectors().shares {
        let web = Link::parse(&share.web_link).unwrap();
        assert!(!web.rewritten);
        assert_eq!(
            web.link.secret,
            LinkSecret::from_parts(Flags::from_bits(share.flags).unwrap(), unhex(&share.secret))
        );
        assert_eq!(*web.link.secret.fragment(), share.fragment);
        assert_eq!(web.link.web().as_deref(), Some(&share.web_link));
        assert_eq!(*web.link.bare(), share.bare_link);
        assert_eq!(Link::parse(&share.bare_link).unwrap().link, web.link);
        let alone = Link::parse(&share.fragment).unwrap().link;
        assert_eq!((alone.relay, alone.secret), (None, web.link.secret));
    }
}

#[test]
fn links_are_read_as_people_paste_them() {
    let vectors = vectors();
    let expected = Link::parse(&vectors.shares[0].web_link).unwrap().link;
    for spelling in &vectors.accepted_spellings {
        assert_eq!(Link::parse(spelling).unwrap().link, expected, "{spelling}");
    }
    let wrapped = format!(
        "https://eu.safelinks.example/?url={}&data=05",
        vectors.shares[0].web_link.replace(':', "%3A").replace('/', "%2F").replace('#', "%23")
    );
    let found = Link::parse(&wrapped).unwrap();
    assert!(found.rewritten && found.link == expected);
    let in_text = format!("look at this: {} (once!)", vectors.shares[0].web_link);
    assert_eq!(Link::parse(&in_text).unwrap().link, expected);
    // Broken in its host, or before it: half of a name is not used as a relay.
    let broken = vectors.shares[0].web_link.replace("relay.example", "relay.exa\n mple");
    assert_eq!(Link::parse(&broken).unwrap().link, expected);
    let bare = &vectors.shares[0].bare_link;
    for broken in [bare.replace("exa", "exa\n"), bare.replace('+', "\n+"), format!("{bare} and text")] {
        assert_eq!(Link::parse(&broken), Err(LinkError::Ambiguous), "{broken}");
    }
    let twice = format!("{0}\n{0}\nand more\n", vectors.shares[0].web_link);
    assert_eq!(Link::parse(&twice).unwrap().link, expected);
    let with_path = vectors.shares[0].web_link.replace("example/", "example/drop/");
    assert_eq!(*Link::parse(&with_path).unwrap().link.web().unwrap(), with_path);
}

#[test]
fn damage_is_found_and_named_before_any_request() {
    for Damaged { text, why } in vectors().damaged {
        let error = Link::parse(&text).unwrap_err();
        let expected = match why.as_str() {
            "one character short" => LinkError::Short(1),
            "three characters short" => LinkError::Short(3),
            "not a share link" => LinkError::NotALink,
            "unknown flag: needs a newer share" => LinkError::TooNew,
            _ => LinkError::Damaged,
        };
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains(&text));
    }
    assert_eq!(Link::parse("https://relay.example/"), Err(LinkError::NoKey));
    let fragment = &vectors().shares[0].fragment;
    assert_eq!(Link::parse(&format!("{fragment}xx")), Err(LinkError::Long(2)));
    let plain = Link::parse(&format!("http://relay.example/#{fragment}")).unwrap_err();
    assert!(matches!(plain, LinkError::BadRelay(_)));
    // Every wrong character is detected.
    for at in 6..fragment.len() {
        let mut damaged = fragment.clone().into_bytes();
        damaged[at] = if damaged[at] == b'q' { b'p' } else { b'q' };
        let damaged = String::from_utf8(damaged).unwrap();
        assert_eq!(Link::parse(&damaged), Err(LinkError::Damaged), "{damaged}");
    }
}

#[test]
fn blobs_are_padded_to_the_lengths_of_the_vectors() {
    for Length { age_len, blob_len: expected } in vectors().blob_len {
        assert_eq!(padded_len(age_len), expected, "{age_len}");
    }
}

#[test]
fn http_is_for_local_networks_only() {
    use share::relay_url::RelayUrl;
    for local in [
        "http://localhost:1",
        "http://10.0.0.1",
        "http://[::1]:5",
        "http://nas",
        "http://a.local",
        "http://100.64.0.1",
        "http://x.onion",
        "http://[fd00::1]",
    ] {
        assert!(RelayUrl::parse(local).is_ok(), "{local}");
    }
    for public in [
        "http://relay.example",
        "http://8.8.8.8",
        "http://100.128.0.1",
        "http://local.example",
        "http://[2001:db8::1]",
        "ftp://nas",
        "https://u:p@relay.example",
    ] {
        assert!(RelayUrl::parse(public).is_err(), "{public}");
    }
    assert!(RelayUrl::parse("https://relay.example").unwrap().has_bare_form());
    assert!(!RelayUrl::parse("https://nas.local").unwrap().has_bare_form());
    assert_eq!(RelayUrl::parse("relay.example").unwrap().to_string(), "https://relay.example/");
    assert_eq!(RelayUrl::parse("localhost:4080").unwrap().to_string(), "http://localhost:4080/");
    assert_eq!(RelayUrl::parse("https://relay.example/x/").unwrap().to_string(), "https://relay.example/x/");
    // Parts of a URL that would be dropped silently, or be exposed to a name server, are errors.
    for (wrong, error) in [
        ("https://relay.example/x/?q", RelayUrlError::Unreadable),
        ("https://relay.example/#x", RelayUrlError::Unreadable),
        ("https://relay.example/#share1abc", RelayUrlError::Link),
        ("share1qgerxdp4xcmnswf68v7r603lgpq5ys6yg4rywjzf9eavsf", RelayUrlError::Link),
        ("SHARE1QGERXDP4XCMNSWF68V7R603LGPQ5YS6YG4RYWJZF9EAVSF+nas", RelayUrlError::Link),
        ("/srv/share", RelayUrlError::Folder),
        ("./share", RelayUrlError::Folder),
        ("file:/srv/share", RelayUrlError::Folder),
        ("file://nas/share", RelayUrlError::Folder),
    ] {
        assert_eq!(RelayUrl::parse(wrong), Err(error), "{wrong}");
    }
    // Names that only begin like a key.
    for named in ["https://share1.example.org", "http://nas/share1", "file:///mnt/share10/x", "share1"] {
        assert!(RelayUrl::parse(named).is_ok(), "{named}");
    }
    let folder = RelayUrl::parse("file:///srv/my%20share/").unwrap();
    assert_eq!(folder.folder().unwrap(), std::path::Path::new("/srv/my share"));
    assert!(!folder.has_bare_form());
}

#[test]
fn printable_texts_keep_scripts_and_emoji_and_show_hidden_characters() {
    for Text { text, shown } in vectors().texts {
        assert_eq!(printable(&text), shown, "{}", text.escape_unicode());
        // Any part of a printed text prints as itself.
        let all: Vec<char> = shown.chars().collect();
        for end in 0..all.len() {
            let cut: String = all[..end].iter().collect();
            let again = printable(&cut);
            assert_eq!(printable(&again), again, "{}", cut.escape_unicode());
        }
    }
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(20);
    let name = safe_name(Some(&format!("{family}.jpg")), "file");
    assert!(name.len() <= 200 && printable(&name) == name, "{}", name.escape_unicode());
    assert_eq!(name.rsplit('.').next(), Some("jpg"));
}

#[test]
fn hostile_names_become_one_plain_component() {
    for Name { name, safe } in vectors().names {
        assert_eq!(safe_name(Some(&name), "file"), safe, "{name:?}");
    }
}

//! Properties of names, links and padding for hostile and random input.

use proptest::prelude::*;
use share::blob::padded_len;
use share::link::Link;
use share::relay_url::RelayUrl;
use share::safe_text::{printable, safe_name};
use share::seal::longest_blob;
use share::secret::{Flags, LinkSecret};

/// Texts made of typical attacks: path tricks, control and format characters, reserved words.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("..".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("\0".to_owned()),
        Just("\u{1b}[2J".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{200b}".to_owned()),
        Just("CON".to_owned()),
        Just("-".to_owned()),
        Just(".".to_owned()),
        Just(" ".to_owned()),
        Just("☃".repeat(100)),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_safe_name_is_one_path_component(name in hostile()) {
        let safe = safe_name(Some(&name), "file");
        prop_assert!(!safe.is_empty() && safe.len() <= 200);
        prop_assert!(!safe.contains(['/', '\\', '\0', '\u{1b}', '\u{202e}', '\u{200b}']), "{safe:?}");
        prop_assert!(!safe.starts_with(['-', '.', ' ']) && !safe.ends_with(['.', ' ']), "{safe:?}");
        prop_assert_eq!(std::path::Path::new(&safe).components().count(), 1);
        prop_assert_eq!(safe_name(Some(&safe), "file"), safe, "what is safe stays as it is");
    }

    #[test]
    fn printable_text_has_no_control_characters(text in hostile()) {
        let shown = printable(&text);
        prop_assert_eq!(shown.chars().count(), text.chars().count());
        prop_assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn links_survive_a_round_trip(flags in 0u8..4, secret: [u8; 24], port in 1u16.., path in "(/[a-z]{1,8}){0,2}") {
        let secret = LinkSecret::from_parts(Flags::from_bits(flags).unwrap(), secret);
        let relay = RelayUrl::parse(&format!("https://relay.example:{port}{path}")).unwrap();
        let link = Link { relay: Some(relay), secret };
        prop_assert_eq!(&Link::parse(&link.web().unwrap()).unwrap().link, &link);
        prop_assert_eq!(&Link::parse(&link.bare()).unwrap().link, &link);
        prop_assert_eq!(&Link::parse(&format!("see {} !", *link.web().unwrap())).unwrap().link, &link);
    }

    #[test]
    fn no_text_makes_the_link_parser_panic(text in any::<String>(), tail in hostile()) {
        let _ = Link::parse(&text);
        let _ = Link::parse(&format!("https://{text}/#share1{tail}"));
        let _ = RelayUrl::parse(&text);
    }

    #[test]
    fn padding_adds_at_most_an_eighth(len in 0u64..1 << 50) {
        let padded = padded_len(len);
        prop_assert!(padded >= len && padded >= 4096);
        prop_assert!(padded <= len.max(4096) + len / 8);
        prop_assert_eq!(padded_len(padded), padded);
        prop_assert!(longest_blob(len) >= padded);
    }
}

//! Constants that the page and the program share without a common source.

use std::fs;
use std::path::Path;

use share::relay::HOLD;
use share::relay::rules::Policy;
use share::{blob, manifest, media, report};

/// The value of a constant in one of the page's files: a product of whole numbers.
fn constant(file: &str, name: &str) -> u64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page").join(file);
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(&format!("const {name} = ")).unwrap();
    let (value, _) = rest.split_once(';').unwrap();
    value.split(" * ").map(|factor| factor.parse::<u64>().unwrap()).product()
}

#[test]
fn page_and_program_count_in_the_same_units() {
    assert_eq!(constant("relay.ts", "PART_LEN"), blob::PART_LEN as u64);
    for (name, limit) in [
        ("MAX_LEN", manifest::MAX_LEN),
        ("MAX_LEN_V1", manifest::MAX_LEN_V1),
        ("MAX_FROM", manifest::MAX_FROM),
        ("MAX_NOTE", manifest::MAX_NOTE),
        ("MAX_COMPONENTS", manifest::MAX_COMPONENTS),
        ("MAX_COMPONENT", manifest::MAX_COMPONENT),
    ] {
        assert_eq!(constant("manifest.ts", name), limit as u64, "{name}");
    }
    assert_eq!(constant("media.ts", "HEAD_LEN"), media::HEAD_LEN as u64);
    assert_eq!(constant("opening.ts", "LEASE_S"), Policy::default().lease.as_secs());
    assert_eq!(constant("reporting.ts", "HOLD_S"), HOLD.as_secs());
    assert_eq!(constant("reporting.ts", "MAX_NOTE"), report::MAX_NOTE as u64);
}

//! Constants that the page and the program share without a common source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use age::x25519::Identity;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use share::relay::HOLD;
use share::relay::rules::Policy;
use share::{blob, manifest, media, report, seal};

use crate::support::{ROOT, WORKSHOP, has};

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

/// The page's verdict on a file of age's test kit.
#[derive(Deserialize)]
struct Judged {
    identity: String,
    file: String,
    /// SHA-256 of the plaintext; `None`: the page refuses the file.
    plain: Option<String>,
    #[serde(rename = "isExpected")]
    is_expected: bool,
}

/// The test kit in the sources of the `age` crate.
fn kit() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let ran = cargo.args(["metadata", "--locked", "--offline", "--format-version", "1"]).current_dir(ROOT).output();
    let all: Value = serde_json::from_slice(&ran.unwrap().stdout).unwrap();
    let age = all["packages"].as_array().unwrap().iter().find(|package| package["name"] == "age").unwrap();
    let manifest = Path::new(age["manifest_path"].as_str().unwrap());
    manifest.with_file_name("tests/testdata/testkit").to_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn page_and_program_judge_the_files_of_the_age_test_kit_alike() {
    let kit = kit();
    if ![WORKSHOP, &kit].into_iter().all(has) {
        return;
    }
    let script = Path::new(ROOT).join("tests/browser/age.mjs");
    let ran = Command::new("node").arg(script).args([WORKSHOP, &kit]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let judged: BTreeMap<String, Judged> = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(judged.len() > 60, "{}", judged.len());
    let mut page_refuses = Vec::new();
    for (name, Judged { identity, file, plain, is_expected }) in judged {
        let file = BASE64_STANDARD.decode(file).unwrap();
        let opened = seal::open_bytes(&file, &identity.parse::<Identity>().unwrap()).ok();
        let opened = opened.map(|plain| format!("{:x}", Sha256::digest(plain)));
        assert!(is_expected, "{name}");
        if plain.is_none() && opened.is_some() {
            page_refuses.push(name);
        } else {
            assert_eq!(opened, plain, "{name}");
        }
    }
    // An operator can see all that the page shows. The age crate still reads two headers that the kit refuses.
    assert_eq!(page_refuses, ["stanza_missing_body", "stanza_missing_final_line"]);
}

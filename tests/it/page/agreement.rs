//! Constants that the page and the program share without a common source.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, iter};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use age::{EncryptError, Encryptor, Recipient};
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
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
    let cargo = |arguments: &[&str]| {
        let ran = Command::new(env!("CARGO")).args(arguments).current_dir(ROOT).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    // Crates for other systems may not be on this machine.
    let version = cargo(&["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let all: Value = serde_json::from_str(&cargo(&metadata)).unwrap();
    let age = all["packages"].as_array().unwrap().iter().find(|package| package["name"] == "age").unwrap();
    let manifest = Path::new(age["manifest_path"].as_str().unwrap());
    manifest.with_file_name("tests/testdata/testkit").to_str().unwrap().to_owned()
}

/// A stanza of a passphrase, which age forbids beside others.
const SCRYPT: &str = "-> scrypt bBjlhJVYZeE4aqUdmtRHfw 10\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

/// A file in the format of the test kit: encrypted to one key, with more stanzas after its own under the right MAC.
fn kit_file(stanzas: &str, expect: &str) -> Vec<u8> {
    let plain = b"age";
    let identity = Identity::generate();
    let noting = Noting { to: identity.to_public(), file_key: OnceCell::new() };
    let encryptor = Encryptor::with_recipients(iter::once(&noting as &dyn Recipient)).unwrap();
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap();
    let at = file.windows(5).position(|window| window == b"\n--- ").unwrap() + 1;
    let (header, rest) = (&file[..at], &file[at + "--- ".len() + 43..]);
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, noting.file_key.get().unwrap()).expand(b"header", &mut key).unwrap();
    let head = [header, stanzas.as_bytes(), b"---"].concat();
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&head).finalize().into_bytes();
    let (secret, payload) = (identity.to_string(), format!("{:x}", Sha256::digest(plain)));
    let about = format!("expect: {expect}\npayload: {payload}\nidentity: {}\n\n", secret.expose_secret());
    [about.as_bytes(), &head, b" ", BASE64_STANDARD_NO_PAD.encode(mac).as_bytes(), rest].concat()
}

/// Recipient that copies the file key.
struct Noting {
    to: age::x25519::Recipient,
    file_key: OnceCell<Vec<u8>>,
}

impl Recipient for Noting {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        self.file_key.set(file_key.expose_secret().to_vec()).unwrap();
        self.to.wrap_file_key(file_key)
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn page_and_program_judge_the_files_of_the_age_test_kit_alike() {
    let kit = kit();
    if ![WORKSHOP, &kit].into_iter().all(has) {
        return;
    }
    let script = Path::new(ROOT).join("tests/browser/age.mjs");
    let own = tempfile::tempdir().unwrap();
    for (name, stanzas, expect) in [
        ("own_foreign", "-> other\n\n", "success"),
        ("own_scrypt_beside", SCRYPT, "header failure"),
        ("own_scrypt_bare", "-> scrypt\n\n", "header failure"),
        ("own_scrypt_argument", "-> other scrypt\n\n", "success"),
    ] {
        fs::write(own.path().join(name), kit_file(stanzas, expect)).unwrap();
    }
    let ran = Command::new("node").arg(script).args([WORKSHOP, &kit]).arg(own.path()).output().unwrap();
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

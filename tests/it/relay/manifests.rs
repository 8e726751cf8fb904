//! Test vectors for manifests, which the page runs too.

use serde::Deserialize;
use share::manifest::{Entry, Manifest, ManifestError};

#[derive(Deserialize)]
struct Vectors {
    accepted: Vec<Accepted>,
    refused: Vec<Refused>,
    long: Vec<Long>,
}

/// A manifest, and what a reader makes of it.
#[derive(Deserialize)]
struct Accepted {
    about: String,
    json: String,
    /// Length with the padding, in bytes.
    len: usize,
    blob_len: u64,
    manifest: Content,
}

#[derive(Deserialize)]
struct Content {
    name: Option<String>,
    from: Option<String>,
    note: Option<String>,
    entries: Vec<Entry>,
    directories: Vec<Vec<String>>,
    age_len: u64,
    view_only: bool,
    created: String,
}

/// A manifest that every reader refuses before it claims.
#[derive(Deserialize)]
struct Refused {
    about: String,
    json: String,
    len: usize,
    blob_len: u64,
    why: String,
}

/// A manifest with many copies of one entry.
#[derive(Deserialize)]
struct Long {
    about: String,
    head: String,
    unit: String,
    times: usize,
    tail: String,
    len: usize,
    blob_len: u64,
    why: Option<String>,
}

fn vectors() -> Vectors {
    let mut all: serde_json::Value = serde_json::from_str(include_str!("../vectors.json")).unwrap();
    serde_json::from_value(all["manifests"].take()).unwrap()
}

fn padded(json: &str, len: usize) -> Vec<u8> {
    let mut bytes = json.as_bytes().to_vec();
    assert!(bytes.len() <= len);
    bytes.resize(len, b' ');
    bytes
}

fn error(why: &str) -> ManifestError {
    match why {
        "malformed" => ManifestError::NotCanonical,
        "newer version" => ManifestError::TooNew,
        "paths" => ManifestError::Paths,
        "inconsistent" => ManifestError::Contradiction,
        _ => panic!("{why}"),
    }
}

#[test]
fn manifests_are_read_as_the_vectors_show() {
    for Accepted { about, json, len, blob_len, manifest } in vectors().accepted {
        let Content { name, from, note, entries, directories, age_len, view_only, created } = manifest;
        let mut expected = Manifest::new(name, entries, age_len, view_only, created);
        (expected.from, expected.note, expected.directories) = (from, note, directories);
        assert_eq!(Manifest::parse(&padded(&json, len), blob_len), Ok(expected), "{about}");
    }
    for Refused { about, json, len, blob_len, why } in vectors().refused {
        assert_eq!(Manifest::parse(&padded(&json, len), blob_len), Err(error(&why)), "{about}: {json}");
    }
}

#[test]
fn long_manifests_have_a_limit_and_steps() {
    for Long { about, head, unit, times, tail, len, blob_len, why } in vectors().long {
        let bytes = padded(&format!("{head}{}{tail}", vec![unit; times].join(",")), len);
        let read = Manifest::parse(&bytes, blob_len);
        match why {
            Some(why) => assert_eq!(read, Err(error(&why)), "{about}"),
            None => assert_eq!(read.unwrap().entries.len(), times, "{about}"),
        }
    }
}

#[test]
fn a_manifest_is_written_in_the_form_in_which_it_is_read() {
    for Accepted { about, json, len, blob_len, .. } in vectors().accepted {
        let bytes = padded(&json, len);
        let read = Manifest::parse(&bytes, blob_len).unwrap();
        let written = read.to_bytes().unwrap();
        assert_eq!(Manifest::parse(&written, blob_len), Ok(read), "{about}");
        // A reader drops what makes a type or a word unusable, and a writer prefers version 1.
        let odd = ["types", "longer", "blank", "without anything new", "one component", "sizes"];
        let is_verbatim = !odd.iter().any(|odd| about.contains(odd));
        assert_eq!(written == bytes, is_verbatim, "{about}");
    }
}

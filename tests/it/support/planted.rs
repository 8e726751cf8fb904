//! A share with a false manifest.

use std::time::Duration;

use bytes::Bytes;
use share::blob::padded_len;
use share::link::Link;
use share::manifest::{Entry, Manifest};
use share::relay::client::HttpRelay;
use share::relay::{Checksum, Commit, Create, Credential, Relay, V1, Verifiers};
use share::relay_url::RelayUrl;
use share::seal;
use share::secret::{Flags, LinkSecret, Token};

use super::content::noise;

/// Sends files with any names and types in the manifest.
pub(crate) fn planted(url: &str, files: &[(&str, &str, &[u8])], view_only: bool) -> String {
    planted_with(url, files, |manifest| manifest.view_only = view_only)
}

/// Sends files with any names and types in the manifest, after `change`.
pub(crate) fn planted_with(url: &str, files: &[(&str, &str, &[u8])], change: impl FnOnce(&mut Manifest)) -> String {
    let secret = LinkSecret::random(Flags::default());
    let keys = secret.keys(None);
    let owner = Credential::new(keys.id, Token::random());
    let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
    let plain: Vec<u8> = files.iter().flat_map(|(.., bytes)| bytes.iter().copied()).collect();
    let mut blob = seal::seal_bytes(&plain, &keys.blob_identity).unwrap();
    let age_len = blob.len() as u64;
    blob.extend(noise(usize::try_from(padded_len(age_len) - age_len).unwrap(), 5));
    let entry = |(name, kind, bytes): &(&str, &str, &[u8])| {
        Entry::new(Some((*name).to_owned()), (*kind).to_owned(), bytes.len() as u64)
    };
    let entries = files.iter().map(entry).collect();
    let mut manifest = Manifest::new(None, entries, age_len, false, "2026-11-22".to_owned());
    change(&mut manifest);
    let sealed = seal::seal_bytes(&manifest.to_bytes().unwrap(), &keys.manifest_identity).unwrap();
    let blob = Bytes::from(blob);
    let create = Create { v: V1, flags: 0, ttl: 3600, verifiers, max_len: None, create_token: None, account: None };
    let commit =
        Commit { v: V1, blob_len: blob.len() as u64, parts: vec![Checksum::of(&blob)], manifest: sealed.into() };
    let relay_url = RelayUrl::parse(url).unwrap();
    let relay = HttpRelay::new(relay_url.clone(), None, Duration::from_secs(10)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(relay.deposit(&owner, &create, &commit, blob.into())).unwrap();
    Link { relay: Some(relay_url), secret }.web().unwrap().to_string()
}

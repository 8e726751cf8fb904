//! A relay with an operator, and the operator's view of its store.

use std::fs;
use std::path::PathBuf;

use age::x25519::Identity;
use serde_json::Value;
use share::link::Link;
use share::report::{Bundle, Note, Records, Refuted, verify};

use super::sandbox::{RelayProcess, Sandbox, files};

/// The contact of the operator.
const CONTACT: &str = "abuse@relay.example";

/// A relay of the program whose operator has an identity.
pub(crate) struct OperatedRelay {
    pub(crate) relay: RelayProcess,
    pub(crate) identity: Identity,
}

impl OperatedRelay {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, &[])
    }

    /// One with more options.
    pub(crate) fn start_with(sandbox: &Sandbox, options: &[&str]) -> Self {
        let identity = Identity::generate();
        let recipient = identity.to_public().to_string();
        let operator = ["--operator-recipient", &recipient, "--contact", CONTACT];
        let relay = sandbox.relay_with(&[&operator, options].concat());
        Self { relay, identity }
    }

    /// The directory of the share of a link.
    pub(crate) fn store_of(&self, link: &str) -> PathBuf {
        let id = Link::parse(link).unwrap().link.secret.id().hex();
        self.relay.store.join("v1").join(&id[..2]).join(id)
    }

    /// The note and the content of the reported share of a link, verified.
    pub(crate) fn reported(&self, link: &str) -> Result<(Note, Vec<u8>), Refuted> {
        let id = Link::parse(link).unwrap().link.secret.id();
        let directory = self.store_of(link);
        let record =
            |name: &str| -> Option<Value> { serde_json::from_slice(&fs::read(directory.join(name)).ok()?).unwrap() };
        let present = |name: &str| record(name).unwrap_or_else(|| panic!("there is no {name}"));
        let (offer, seal, claim) = (present("offer"), present("seal"), present("claim"));
        let records = Records { offer, seal, claim, end: record("end"), report: present("report") };
        let bundle = Bundle { id, records, manifest: fs::read(directory.join("manifest")).unwrap() };
        let verified = verify(&bundle, std::slice::from_ref(&self.identity))?;
        let mut content = verified.content(Vec::new());
        let mut parts = files(&directory.join("part"));
        parts.sort();
        for part in parts {
            content.push(&fs::read(part).unwrap()).unwrap();
        }
        let content = content.finish().unwrap();
        Ok((verified.note, content))
    }
}

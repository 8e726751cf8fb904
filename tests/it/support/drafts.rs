//! Drafts of shares for the library's sending flow.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use share::relay_url::RelayUrl;
use share::secret::Flags;
use share::send::{BatchPlan, Draft, Input, KeptAt, SendOptions};
use share::state::StateDir;
use share::state::outbox::Outbox;

/// A draft for each of `urls`, uploaded to a relay or kept here.
pub(crate) fn draft(urls: &[RelayUrl], flags: Flags, kept_at: KeptAt<'_>) -> Draft {
    let options = SendOptions {
        name: None,
        from: None,
        note: None,
        created: "2026-11-26".to_owned(),
        ttl: Duration::from_hours(1),
        or_shorter: true,
        expected_len: None,
        view_only: false,
        create_token: None,
    };
    let plan = BatchPlan {
        recipients: vec![None; urls.len()],
        flags,
        passphrase: None,
        options,
        name: Some("beach.jpg".to_owned()),
        describe: |manifest| format!("{} bytes", manifest.total_size()),
    };
    Draft::new(plan, urls, kept_at)
}

/// The input for a share of one file.
pub(crate) fn input(reader: impl Read + Send + 'static) -> Vec<Input> {
    let (name, label) = (Some("beach.jpg".to_owned()), "beach.jpg".to_owned());
    vec![Input { name, label, reader: Box::new(reader), must_have_content: false }]
}

/// The state directory at `root`.
pub(crate) fn state(root: &Path) -> io::Result<StateDir> {
    StateDir::open(root.join("state"))
}

/// The outbox in the state directory at `root`.
pub(crate) fn outbox(root: &Path) -> io::Result<Outbox> {
    state(root).and_then(|state| Outbox::open(&state))
}

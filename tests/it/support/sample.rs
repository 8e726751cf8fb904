//! The keys and bytes of a share, for tests of a relay without the flows.

use bytes::Bytes;
use share::blob::PART_LEN;
use share::relay::{Checksum, Commit, Create, Credential, Relay, RelayError, V1, Verifiers};
use share::secret::{DeviceSecret, Flags, Keys, LinkSecret, Token};

use super::content::noise;

/// A share as its sender and openers have it.
pub(crate) struct Sample {
    pub(crate) keys: Keys,
    pub(crate) owner: Credential,
    pub(crate) create: Create,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) commit: Commit,
}

impl Sample {
    /// A share of `blob_len` bytes of noise.
    pub(crate) fn new(blob_len: usize, passphrase: bool) -> Self {
        let flags = if passphrase { Flags::PASSPHRASE } else { Flags::default() };
        // A relay sees one token of a passphrase, so this skips the half second of stretching one.
        let keys = LinkSecret::random(Flags::default()).keys(None);
        let owner = Credential::new(keys.id, Token::random());
        let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
        let create = Create {
            v: V1,
            flags: flags.bits(),
            ttl: 14 * 86_400,
            verifiers,
            max_len: None,
            create_token: None,
            account: None,
        };
        let blob = Bytes::from(noise(blob_len, 5));
        let parts: Vec<Bytes> = (0..blob_len.div_ceil(PART_LEN))
            .map(|number| blob.slice(number * PART_LEN..blob_len.min((number + 1) * PART_LEN)))
            .collect();
        let crcs = parts.iter().map(|part| Checksum::of(part)).collect();
        let commit =
            Commit { v: V1, blob_len: blob_len as u64, parts: crcs, manifest: Bytes::from_static(b"manifest") };
        Self { keys, owner, create, parts, commit }
    }

    pub(crate) fn link(&self) -> Credential {
        Credential::new(self.keys.id, self.keys.link_token.clone())
    }

    pub(crate) fn proof(&self) -> &Token {
        &self.keys.open_token
    }

    /// The claim token of a new device, as a credential.
    pub(crate) fn device(&self) -> Credential {
        Credential::new(self.keys.id, DeviceSecret::random().claim_token(&self.keys.id))
    }

    /// Uploads and commits the share.
    pub(crate) async fn send(&self, relay: &dyn Relay) {
        again(|| relay.create(&self.owner, &self.create)).await;
        self.put_all(relay).await;
        again(|| relay.commit(&self.owner, &self.commit)).await;
    }

    pub(crate) async fn put_all(&self, relay: &dyn Relay) {
        for (number, part) in (0..).zip(&self.parts) {
            let crc = Checksum::of(part);
            again(|| relay.put_part(&self.owner, number, crc, part.clone().into())).await;
        }
    }
}

/// Retries while the relay is busy, as clients do: the disk of a loaded machine may take seconds.
async fn again<T, F: Future<Output = Result<T, RelayError>>>(ask: impl Fn() -> F) -> T {
    for _ in 0..10 {
        match ask().await {
            Err(error) if error.is_transient() => {}
            answer => return answer.unwrap(),
        }
    }
    panic!("busy for too long")
}

//! Long manifests: all connections of a relay share a limit of memory for them.

use std::sync::Arc;
use std::task::Poll;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::poll;
use share::relay::{
    Checksum, Commit, Create, Credential, MAX_DEPOSIT_MANIFEST, MAX_SEALED_MANIFEST, Relay, RelayError, Status, V1,
    Verifiers,
};
use share::secret::{Flags, Keys, LinkSecret, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{Misbehaving, Misbehavior, TestRelay, noise, served};

/// An uploaded share of one small part, before its commit.
struct Uploaded {
    keys: Keys,
    owner: Credential,
    commit: Commit,
}

impl Uploaded {
    /// With a manifest of `len` bytes.
    async fn new(relay: &dyn Relay, len: usize) -> Self {
        let keys = LinkSecret::random(Flags::default()).keys(None);
        let owner = Credential::new(keys.id, Token::random());
        let part = Bytes::from(noise(4096, 1));
        let commit = Commit { v: V1, blob_len: 4096, parts: vec![Checksum::of(&part)], manifest: noise(len, 2).into() };
        let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
        let create = Create { v: V1, flags: 0, ttl: 3600, verifiers, max_len: None, create_token: None, account: None };
        relay.create(&owner, &create).await.unwrap();
        relay.put_part(&owner, 0, commit.parts[0], part.into()).await.unwrap();
        Self { keys, owner, commit }
    }

    /// Sends the commit without its last byte, which is returned with the connection.
    async fn begin_commit(&self, address: &str) -> (TcpStream, u8) {
        let (id, token) = (BASE64URL.encode(self.owner.id.as_bytes()), BASE64URL.encode(self.owner.token.as_bytes()));
        let body = serde_json::to_vec(&self.commit).unwrap();
        let mut connection = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/commit HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {id}.{token}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let (last, body) = body.split_last().unwrap();
        // The relay does not read all of it yet.
        connection.write_all(body).await.unwrap();
        (connection, *last)
    }
}

/// Counts the senders whom the server has looked up.
struct Counted(Arc<Semaphore>);

impl Misbehavior for Counted {
    fn status(&self, _: &mut Status) {
        self.0.add_permits(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_commits_wait_for_memory_and_short_ones_do_not() {
    /// More than there is memory for at once.
    const HOLDERS: usize = 60;
    let (bench, admitted) = (TestRelay::memory(), Arc::new(Semaphore::new(0)));
    let how = Counted(admitted.clone());
    let (client, url) = served(Arc::new(Misbehaving { relay: bench.relay.clone(), how }));
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut held = Vec::new();
    for _ in 0..HOLDERS {
        held.push(Uploaded::new(&*bench.relay, MAX_SEALED_MANIFEST).await.begin_commit(address).await);
    }
    let _ = admitted.acquire_many(60).await.unwrap();
    let long = Uploaded::new(&*bench.relay, MAX_SEALED_MANIFEST).await;
    let mut committing = client.commit(&long.owner, &long.commit);
    assert!(poll!(&mut committing).is_pending());
    for _ in 0..3 {
        let short = Uploaded::new(&*bench.relay, MAX_DEPOSIT_MANIFEST).await;
        client.commit(&short.owner, &short.commit).await.unwrap();
        assert!(matches!(poll!(&mut committing), Poll::Pending), "there is no memory for it");
    }
    let answers = join_all(held.into_iter().map(async |(mut connection, last)| {
        connection.write_all(&[last]).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }));
    let (answers, committed) = tokio::join!(answers, committing);
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 201 ")), "{}", answers[0]);
    committed.unwrap();
    let link = Credential::new(long.keys.id, long.keys.link_token.clone());
    let waiting = client.manifest(&link, &long.keys.open_token).await.unwrap();
    assert!(waiting.manifest == long.commit.manifest);
    let claimed = client.claim(&link, &long.keys.open_token, &Token::random()).await.unwrap();
    assert!(claimed.manifest == long.commit.manifest && claimed.part.unwrap() == noise(4096, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_no_memory_and_nothing_is_longer_than_the_limit() {
    let bench = TestRelay::memory();
    let (client, _) = served(bench.relay.clone());
    let stranger = Credential::new(LinkSecret::random(Flags::default()).id(), Token::random());
    let long = Uploaded::new(&*bench.relay, MAX_SEALED_MANIFEST).await;
    assert_eq!(client.commit(&stranger, &long.commit).await, Err(RelayError::Unknown));
    for len in [MAX_SEALED_MANIFEST + 1, 2 << 20] {
        let longer = Uploaded::new(&*bench.relay, len).await;
        let error = client.commit(&longer.owner, &longer.commit).await.unwrap_err();
        assert!(matches!(error, RelayError::TooLarge { .. } | RelayError::BadRequest), "{error:?}");
    }
    client.commit(&long.owner, &long.commit).await.unwrap();
}

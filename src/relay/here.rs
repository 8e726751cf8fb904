//! Proof that an address leads to this very process: the server answers a random nonce with a MAC under a key that
//! never leaves the process, and the client of the same process checks it.
//!
//! The MAC covers the `Host` header as it arrived. So a server that forwards the question under another name proves
//! nothing, and a proxy that replaces the header is noticed before a recipient meets it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::{fill_random, hex};

/// Precedes the nonce in the path of the question.
pub(super) const HERE: &str = "/.well-known/share-here/";
/// The length of a nonce in bytes.
const NONCE_LEN: usize = 16;

/// Answers that are remembered, with the hosts under which they were asked for.
const REMEMBERED: usize = 16;

/// The key of this process for its answers, and the last answers.
pub struct Here {
    key: Zeroizing<[u8; 32]>,
    /// Nonces, and the hosts as they arrived.
    asked: Mutex<VecDeque<(String, String)>>,
}

/// The server at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is this process.
    Ours,
    /// It forwards to this process, and replaces the `Host` header by this one.
    OtherHost(String),
    /// It is another one.
    Foreign,
}

impl Here {
    /// A random key.
    #[expect(clippy::new_without_default, reason = "each key is another one")]
    pub fn new() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(&mut *key);
        Self { key, asked: Mutex::default() }
    }

    /// The answer to `nonce` in a request for `host`. `None` if the nonce is malformed.
    pub fn answer(&self, host: &str, nonce: &str) -> Option<String> {
        let decoded = BASE64URL.decode(nonce).ok()?;
        if decoded.len() != NONCE_LEN {
            return None;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.truncate(REMEMBERED - 1);
        asked.push_front((nonce.to_owned(), host.to_owned()));
        Some(self.mac(host, nonce))
    }

    /// The server that answered `nonce` with `answer` in a request for `host`. It has one attempt for each nonce, so
    /// the time of a comparison is no secret.
    pub(super) fn judge(&self, answer: &[u8], host: &str, nonce: &str) -> Answer {
        if self.mac(host, nonce).as_bytes() == answer {
            return Answer::Ours;
        }
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let other = asked.iter().find(|(asked, other)| asked == nonce && self.mac(other, nonce).as_bytes() == answer);
        other.map_or(Answer::Foreign, |(_, other)| Answer::OtherHost(other.clone()))
    }

    /// The MAC in hexadecimal digits.
    fn mac(&self, host: &str, nonce: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("any length");
        mac.update(b"share.v1 here\0");
        mac.update(canonical(host).as_bytes());
        mac.update(b"\0");
        mac.update(nonce.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Here(…)")
    }
}

/// A host in lower case and without the default port of https, which some proxies add.
pub(super) fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(":443").map_or_else(|| host.clone(), str::to_owned)
}

/// A random nonce for one question.
pub(super) fn nonce() -> String {
    let mut bytes = [0; NONCE_LEN];
    fill_random(&mut bytes);
    BASE64URL.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_for_one_key_one_host_and_one_nonce() {
        let (here, nonce) = (Here::new(), nonce());
        let answer = here.answer("X.example:443", &nonce).unwrap();
        let judged = |host: &str, nonce: &str| here.judge(answer.as_bytes(), host, nonce);
        assert_eq!(judged("x.example", &nonce), Answer::Ours);
        assert_eq!(judged("y.example", &nonce), Answer::OtherHost("X.example:443".to_owned()));
        assert_eq!(judged("x.example:444", &nonce), Answer::OtherHost("X.example:443".to_owned()));
        assert_eq!(judged("x.example", &self::nonce()), Answer::Foreign);
        assert_eq!(Here::new().judge(answer.as_bytes(), "x.example", &nonce), Answer::Foreign);
        for malformed in ["", "abc", "AAAAAAAAAAAAAAAAAAAAAAAA", "../../v1/link0000000000"] {
            assert_eq!(here.answer("x.example", malformed), None, "{malformed}");
        }
    }

    #[test]
    fn few_answers_are_remembered() {
        let here = Here::new();
        let first = nonce();
        let answer = here.answer("127.0.0.1", &first).unwrap();
        for _ in 0..REMEMBERED {
            here.answer("127.0.0.1", &nonce());
        }
        assert_eq!(here.judge(answer.as_bytes(), "x.example", &first), Answer::Foreign);
    }
}

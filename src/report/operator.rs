//! The operator's keys: the recipient of reports, and the identities that open them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use age::x25519;

/// The beginnings of identities, in the two cases that Bech32 allows.
const SECRET: &str = "AGE-SECRET-KEY-";
/// The beginning of an age file that is encrypted, also as text.
const ENCRYPTED: [&str; 2] = ["age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----"];

/// The public key of an operator, to which reports are encrypted: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(pub(super) x25519::Recipient);

/// Why a text is no key for reports. None of them repeats the text, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret key in the place of a public one.
    #[error("that is a secret key, which is not repeated here")]
    Secret,
    /// A key of another kind.
    #[error("{0} recipients cannot receive reports")]
    Kind(&'static str),
    /// No key at all.
    #[error("that is not an age recipient")]
    NotARecipient,
    /// An identity file without an identity of the right kind.
    #[error("the file has no age identity")]
    NoIdentity,
    /// An identity file that is encrypted.
    #[error("the identity file is encrypted")]
    Encrypted,
}

/// `text` with a mark in place of each secret key of age, also of a part of one: people paste a key where a file or an
/// id belongs.
pub fn without_secret_keys(text: &str) -> Cow<'_, str> {
    let upper = text.to_ascii_uppercase();
    if !upper.contains(SECRET) {
        return text.into();
    }
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(found) = upper[at..].find(SECRET) {
        let end = at + found + SECRET.len();
        shown.push_str(&text[at..end]);
        shown.push('…');
        let other = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        at = upper[end..].find(other).map_or(text.len(), |rest| end + rest);
    }
    shown.push_str(&text[at..]);
    shown.into()
}

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let starts_with = |prefix: &str| text.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
        if starts_with(SECRET) {
            return Err(KeyError::Secret);
        }
        if let Ok(recipient) = text.parse() {
            return Ok(Self(recipient));
        }
        // In an order in which no prefix hides a longer one.
        let kinds = [("age1pq1", "post-quantum"), ("age1tag", "tagged"), ("ssh-", "ssh")];
        match kinds.into_iter().find(|(prefix, _)| starts_with(prefix)) {
            Some((_, kind)) => Err(KeyError::Kind(kind)),
            // A plugin's recipient has its name between two digits one: age1yubikey1….
            None if starts_with("age1") && text[4..].bytes().any(|c| c == b'1') => Err(KeyError::Kind("plugin")),
            None => Err(KeyError::NotARecipient),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Recipient({self})")
    }
}

/// The identities in an identity file, as `age-keygen` writes it: one on each line, between comments.
///
/// # Errors
/// [`KeyError::Encrypted`], or [`KeyError::NoIdentity`] where a line is neither a comment nor an X25519 identity.
pub fn identities(file: &str) -> Result<Vec<x25519::Identity>, KeyError> {
    let file = file.trim_start_matches('\u{feff}');
    if ENCRYPTED.iter().any(|beginning| file.trim_start().starts_with(beginning)) {
        return Err(KeyError::Encrypted);
    }
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let found: Vec<_> = lines
        .map(|line| line.parse::<x25519::Identity>().map_err(|_| KeyError::NoIdentity))
        .collect::<Result<_, _>>()?;
    if found.is_empty() { Err(KeyError::NoIdentity) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_recipient_is_an_x25519_key_and_no_other() {
        let identity = x25519::Identity::generate();
        let text = identity.to_public().to_string();
        assert_eq!(format!(" {text}\n").parse::<Recipient>().unwrap().to_string(), text);
        let error = |text: &str| text.parse::<Recipient>().unwrap_err();
        assert_eq!(error(identity.to_string().expose_secret()), KeyError::Secret);
        assert_eq!(error(&identity.to_string().expose_secret().to_lowercase()), KeyError::Secret);
        assert_eq!(error("age1pq1abc"), KeyError::Kind("post-quantum"));
        assert_eq!(error("age1yubikey1abc"), KeyError::Kind("plugin"));
        assert_eq!(error("ssh-ed25519 AAAA"), KeyError::Kind("ssh"));
        assert_eq!(error(&text[..text.len() - 1]), KeyError::NotARecipient);
        assert_eq!(error(""), KeyError::NotARecipient);
        assert_eq!(error("é"), KeyError::NotARecipient);
    }

    #[test]
    fn secret_keys_are_not_repeated() {
        let identity = x25519::Identity::generate().to_string();
        let key = identity.expose_secret();
        for key in [key, &key.to_lowercase(), &key[..30], &key.replacen("-1", "-PQ-1", 1)] {
            let shown = without_secret_keys(&format!("é '{key}': {key} /tmp/{key}.txt")).into_owned();
            assert_eq!(shown.matches('…').count(), 3, "{shown}");
            assert!(shown.to_uppercase().starts_with("É 'AGE-SECRET-KEY-…': ") && shown.ends_with("….txt"), "{shown}");
        }
        assert_eq!(without_secret_keys("age1 AGE-SECRET"), "age1 AGE-SECRET");
    }

    #[test]
    fn an_identity_file_has_one_identity_a_line() {
        let identity = x25519::Identity::generate();
        let text = identity.to_string();
        let file = format!("# created: 2026-11-26\r\n\n{}\r\n{}\n", text.expose_secret(), text.expose_secret());
        assert_eq!(identities(&file).unwrap().len(), 2);
        assert_eq!(identities("# nothing\n").err(), Some(KeyError::NoIdentity));
        assert_eq!(identities(&format!("{}\nssh-rsa\n", text.expose_secret())).err(), Some(KeyError::NoIdentity));
        assert_eq!(identities("age-encryption.org/v1\n-> scrypt").err(), Some(KeyError::Encrypted));
    }
}

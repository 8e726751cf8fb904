//! Answers that are not a relay's: whose they are.

use crate::relay::RelayError;
use crate::relay::front::Front;

/// The beginnings of challenges for a user name and a password.
const PASSWORDS: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];
/// The words of nginx where a client certificate is required, and where one is refused.
const CERTIFICATES: [(&str, bool); 2] =
    [("No required SSL certificate was sent", false), ("The SSL certificate error", true)];

/// The target of a redirect.
#[derive(Clone, Debug, Default)]
pub(super) enum Redirect {
    /// There is none.
    #[default]
    None,
    /// Another path at the same host.
    Within,
    /// Another host.
    To(String),
}

/// The fields of an answer that show its origin, besides its body.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) redirect: Redirect,
    /// The challenges to authenticate.
    pub(super) challenges: Vec<String>,
    pub(super) is_html: bool,
    /// Whether nobody but the operator of the address can answer: over plain http a captive portal can.
    pub(super) is_secure: bool,
}

impl Head {
    /// The error of an answer that is not a relay's.
    pub(super) fn foreign(&self) -> RelayError {
        if self.is_html && self.is_secure {
            RelayError::Fronted { front: Front::Page, sent: None }
        } else {
            RelayError::Diverted
        }
    }

    /// The answer of a login or a gateway in front of the relay.
    pub(super) fn front(&self, body: &[u8]) -> Option<Front> {
        let says = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
        let is_password = |challenge: &String| {
            let challenge = challenge.to_ascii_lowercase();
            PASSWORDS.iter().any(|scheme| challenge.starts_with(scheme))
        };
        match (self.status, &self.redirect) {
            _ if !self.is_secure => None,
            (300..=399, Redirect::Within) => Some(Front::Login { at: None }),
            (300..=399, Redirect::To(host)) => Some(Front::Login { at: Some(host.clone()) }),
            (401, _) if self.challenges.iter().any(is_password) => Some(Front::Password),
            (400, _) => {
                let words = CERTIFICATES.iter().find(|(words, _)| says(words));
                words.map(|(_, is_refused)| Front::Certificate { is_refused: *is_refused })
            }
            (200..=299 | 403, _) if self.is_html => Some(Front::Page),
            (401 | 403 | 407 | 451 | 511 | 530, _) => Some(Front::Status(self.status)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_front_of_a_relay_is_recognized_over_https_only() {
        let page = b"<html>400 No required SSL certificate was sent</html>";
        let head = |status, redirect: Option<&str>, challenge: Option<&str>| Head {
            status,
            redirect: match redirect {
                None => Redirect::None,
                Some("") => Redirect::Within,
                Some(host) => Redirect::To(host.to_owned()),
            },
            challenges: challenge.into_iter().flat_map(|all| all.split(';')).map(str::to_owned).collect(),
            is_html: true,
            is_secure: true,
        };
        for (head, front) in [
            (head(302, Some("login.example"), None), Front::Login { at: Some("login.example".to_owned()) }),
            (head(307, Some(""), None), Front::Login { at: None }),
            (head(401, None, Some("Basic realm=\"x\"")), Front::Password),
            (head(401, None, Some("Negotiate")), Front::Password),
            (head(401, None, Some("Bearer;NTLM")), Front::Password),
            (head(401, None, Some("Bearer")), Front::Status(401)),
            (head(400, None, None), Front::Certificate { is_refused: false }),
            (head(403, None, None), Front::Page),
            (Head { is_html: false, ..head(403, None, None) }, Front::Status(403)),
        ] {
            assert_eq!(head.front(page), Some(front), "{head:?}");
            assert_eq!(Head { is_secure: false, ..head.clone() }.front(page), None, "{head:?}");
        }
        assert_eq!(head(404, None, None).front(page), None);
        assert_eq!(head(502, None, None).front(page), None);
        assert_eq!(head(400, None, None).front(b"<html>"), None);
        let login = RelayError::Fronted { front: Front::Page, sent: None };
        assert_eq!(head(200, None, None).foreign(), login);
        assert_eq!(Head { is_html: false, ..head(200, None, None) }.foreign(), RelayError::Diverted);
    }
}

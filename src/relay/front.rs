//! Answers from in front of a relay: of a login, a gateway or a proxy.

use crate::relay::http::proxy::Proxy;

/// An answer from in front of a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    /// It redirects to a login.
    Login {
        /// The host of the login, if it is another one.
        at: Option<String>,
    },
    /// It requires a user name and a password.
    Password,
    /// It requires a client certificate.
    Certificate {
        /// Whether one was shown, and not accepted.
        is_refused: bool,
    },
    /// It answers with a web page.
    Page,
    /// The web proxy that gets the requests, or a server behind it, answers.
    Proxy(Proxy),
    /// It answers with this status of HTTP.
    Status(u16),
}

impl Front {
    /// Whether the same request may succeed later: a tunnel that is closed for a while is answered for by its operator.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Page | Self::Proxy(_) | Self::Status(_))
    }
}

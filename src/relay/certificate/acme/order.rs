//! One order of a certificate: the validation of its names, and the certificate (RFC 8555, 7.4).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use zeroize::Zeroizing;

use super::failure::{Failure, Kind, unwritable};
use super::http::AcmeHttp;
use super::storage::{Begun, Storage};
use crate::relay::certificate::challenges::Challenges;
use crate::relay::certificate::{Certificates, Identity, IdentityError};

/// How the server validates names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// TLS-ALPN-01, by a connection to this port.
    Tls,
    /// HTTP-01.
    Http,
}

impl Method {
    fn kind(self) -> ChallengeType {
        match self {
            Self::Tls => ChallengeType::TlsAlpn01,
            Self::Http => ChallengeType::Http01,
        }
    }

    /// The port to which an ACME server connects.
    fn port(self) -> u16 {
        match self {
            Self::Tls => 443,
            Self::Http => 80,
        }
    }
}

/// Forgets the answers to challenges when it is dropped.
struct Answers<'a>(&'a Challenges);

impl Drop for Answers<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// A certificate that was just got.
pub(super) struct Obtained {
    pub(super) chain: String,
    pub(super) key: Zeroizing<String>,
    pub(super) identity: Identity,
}

/// The pauses between questions whether a step is done.
fn patience() -> RetryPolicy {
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(90))
}

/// An order for `names` at the server `server`.
pub(super) struct Ordering<'a> {
    pub(super) names: &'a [String],
    pub(super) method: Method,
    pub(super) server: &'a str,
    pub(super) http: &'a AcmeHttp,
    pub(super) storage: &'a Storage,
    pub(super) certificates: &'a Certificates,
    /// The order that was begun before.
    pub(super) begun: Option<Begun>,
    /// The time, in Unix seconds.
    pub(super) now: u64,
    /// The certificate that this one is to replace, for a server that wants to know it.
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
}

impl Ordering<'_> {
    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error, self.server, &self.http.noted())
    }

    /// Gets a certificate, of the order that was begun before or of a new one. The answers to challenges are forgotten
    /// at the end.
    pub(super) async fn run(&self, account: &Account) -> Result<Obtained, Failure> {
        let _answers = Answers(&self.certificates.challenges);
        let (mut order, begun) = match self.resumed(account).await? {
            Some(resumed) => resumed,
            None => self.begin(account).await?,
        };
        let obtained = self.finish(&mut order, &begun).await;
        if obtained.is_err() && order.state().status == OrderStatus::Invalid {
            self.storage.forget_order();
        }
        obtained
    }

    /// The order that was begun before, if the server still knows it.
    async fn resumed(&self, account: &Account) -> Result<Option<(Order, Begun)>, Failure> {
        let Some(begun) = self.begun.clone() else { return Ok(None) };
        match account.order(begun.url.clone()).await {
            Ok(mut order) => Ok((order.state().status != OrderStatus::Invalid).then_some((order, begun))),
            Err(Error::Api(problem)) if is_unknown(&problem) => Ok(None),
            Err(error) => Err(self.failure(&error)),
        }
    }

    async fn begin(&self, account: &Account) -> Result<(Order, Begun), Failure> {
        let names: Vec<_> = self.names.iter().cloned().map(Identifier::Dns).collect();
        let new = NewOrder::new(&names);
        let new = match &self.replaces {
            Some(replaced) => new.replaces(replaced.clone()),
            None => new,
        };
        tracing::info!(names = self.names.join(" "), "ordering a certificate");
        let order = account.new_order(&new).await.map_err(|error| self.failure(&error))?;
        let key = KeyPair::generate().map_err(|error| unusable(&error))?;
        let (url, key) = (order.url().to_owned(), key.serialize_pem());
        let begun = Begun { url, names: self.names.to_vec(), key, at: self.now };
        self.storage.keep_order(&begun).map_err(|error| unwritable(&error))?;
        Ok((order, begun))
    }

    async fn finish(&self, order: &mut Order, begun: &Begun) -> Result<Obtained, Failure> {
        if order.state().status == OrderStatus::Pending {
            self.answer(order).await?;
            let ready = order.poll_ready(&patience()).await;
            if order.state().status == OrderStatus::Invalid {
                return Err(self.invalid(order).await);
            }
            ready.map_err(|error| self.failure(&error))?;
        }
        if order.state().status == OrderStatus::Ready {
            let key = KeyPair::from_pem(&begun.key).map_err(|error| unusable(&error))?;
            let mut params = CertificateParams::new(self.names).map_err(|error| unusable(&error))?;
            params.distinguished_name = DistinguishedName::new();
            let request = params.serialize_request(&key).map_err(|error| unusable(&error))?;
            order.finalize_csr(request.der()).await.map_err(|error| self.failure(&error))?;
        }
        let chain = order.poll_certificate(&patience()).await.map_err(|error| self.failure(&error))?;
        let bad = |why: &str| Failure::new(Kind::Refused, format!("{} gave no usable chain: {why}", self.server));
        let identity = Identity::from_pem(chain.as_bytes(), begun.key.as_bytes());
        let identity = identity.map_err(|why: IdentityError| bad(&why.to_string()))?;
        if !identity.covers(self.names) {
            return Err(bad("it has not all names"));
        }
        Ok(Obtained { chain, key: Zeroizing::new(begun.key.clone()), identity })
    }

    /// Puts up the answers to the challenges of an order, and tells the server.
    async fn answer(&self, order: &mut Order) -> Result<(), Failure> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.failure(&error))?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let name = authorization.identifier().to_string();
            let Some(mut challenge) = authorization.challenge(self.method.kind()) else {
                let what = format!("{} does not offer {:?} for {name}", self.server, self.method.kind());
                return Err(Failure::new(Kind::Refused, what));
            };
            let (key, challenges) = (challenge.key_authorization(), &self.certificates.challenges);
            match self.method {
                Method::Http => challenges.answer_by_http(&challenge.token, key.as_str()),
                Method::Tls => challenges
                    .answer_by_tls(&name, key.digest().as_ref())
                    .map_err(|error| Failure::new(Kind::Refused, format!("{name}: {error}")))?,
            }
            // The server may try at once, and report the result in this answer.
            match challenge.set_ready().await {
                Err(Error::Api(problem)) if !is_of_request(&problem) => {
                    return Err(Failure::of_validation(&name, self.method.port(), Some(&problem), self.server));
                }
                readied => readied.map_err(|error| self.failure(&error))?,
            }
        }
        Ok(())
    }

    /// Why an order ended without a certificate: the first name that could not be validated.
    async fn invalid(&self, order: &mut Order) -> Failure {
        let error = order.state().error.clone();
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if authorization.refresh().await.is_err() || authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.clone());
            if problem.is_some() {
                return Failure::of_validation(&name, self.method.port(), problem.as_ref(), self.server);
            }
        }
        match error {
            Some(problem) => self.failure(&Error::Api(problem)),
            None => Failure::new(Kind::Refused, format!("{} declared the order invalid", self.server)),
        }
    }
}

/// Whether the server does not know an order, or it belongs to an account that the server lost.
fn is_unknown(problem: &instant_acme::Problem) -> bool {
    let word = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
    matches!(word, "malformed" | "unauthorized") || matches!(problem.status, Some(401 | 403 | 404 | 410))
}

/// Whether a problem is one of the request itself, and not of the validation that it began.
fn is_of_request(problem: &instant_acme::Problem) -> bool {
    let word = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
    matches!(word, "rateLimited" | "badNonce" | "serverInternal" | "malformed" | "accountDoesNotExist" | "unauthorized")
        && problem.status.is_some_and(|status| status >= 400)
        && word != "unauthorized"
}

fn unusable(error: &rcgen::Error) -> Failure {
    Failure::new(Kind::Refused, format!("no certificate can be asked for: {error}"))
}

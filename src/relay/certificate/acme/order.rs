//! One order of a certificate: the validation of its names, and the certificate (RFC 8555, 7.4).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use zeroize::Zeroizing;

use super::failure::{Failure, Kind};
use super::http::AcmeHttp;
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
    pub(super) certificates: &'a Certificates,
    /// The certificate that this one is to replace, for a server that wants to know it.
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
}

impl Ordering<'_> {
    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error, self.server, &self.http.noted())
    }

    /// Gets a certificate. The answers to challenges are forgotten at the end.
    pub(super) async fn run(&self, account: &Account) -> Result<Obtained, Failure> {
        let obtained = self.obtain(account).await;
        self.certificates.challenges.clear();
        obtained
    }

    async fn obtain(&self, account: &Account) -> Result<Obtained, Failure> {
        let names: Vec<_> = self.names.iter().cloned().map(Identifier::Dns).collect();
        let new = NewOrder::new(&names);
        let new = match &self.replaces {
            Some(replaced) => new.replaces(replaced.clone()),
            None => new,
        };
        let mut order = account.new_order(&new).await.map_err(|error| self.failure(&error))?;
        if order.state().status == OrderStatus::Pending {
            self.answer(&mut order).await?;
            match order.poll_ready(&patience()).await {
                Ok(OrderStatus::Ready) => {}
                Ok(_) | Err(Error::Api(_)) => return Err(self.invalid(&mut order).await),
                Err(error) => return Err(self.failure(&error)),
            }
        }
        let key = KeyPair::generate().map_err(|error| unusable(&error))?;
        let mut params = CertificateParams::new(self.names).map_err(|error| unusable(&error))?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(|error| unusable(&error))?;
        let chain = async {
            order.finalize_csr(request.der()).await?;
            order.poll_certificate(&patience()).await
        };
        let chain = chain.await.map_err(|error| self.failure(&error))?;
        let key = Zeroizing::new(key.serialize_pem());
        let unusable =
            |why: IdentityError| Failure::new(Kind::Refused, format!("{} gave no usable chain: {why}", self.server));
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes()).map_err(unusable)?;
        Ok(Obtained { chain, key, identity })
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

//! Warnings about a certificate that is near its end.

use jiff::Timestamp;

use super::{Certificates, Identity};

/// The part of its lifetime that a certificate has left when it is near its end: one in so many. It should have been
/// renewed by then.
const NEAR: u64 = 6;

/// Seconds by which this machine's clock may be behind that of the server that made the certificate.
const EARLY: u64 = 300;

/// A time in a log line.
pub(super) fn date(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

/// The problem with the time of a certificate, if it is near its end, past it, or not valid yet.
fn lapse(identity: &Identity, now: u64) -> Option<String> {
    let Identity { not_before, not_after, .. } = identity;
    if now > *not_after {
        Some(format!("the certificate expired at {}", date(*not_after)))
    } else if now + EARLY < *not_before {
        Some(format!("the certificate is not valid before {}; check this machine's clock", date(*not_before)))
    } else if not_after - now < identity.lifetime() / NEAR {
        Some(format!("the certificate expires at {}", date(*not_after)))
    } else {
        None
    }
}

/// The problem that was logged last.
#[derive(Default)]
pub(super) struct Expiry(Option<String>);

impl Expiry {
    /// Publishes the problem with the certificate at the time `now`, and logs it once. `reason` is why there is no
    /// newer one.
    pub(super) fn check(
        &mut self,
        certificates: &Certificates,
        identity: Option<&Identity>,
        reason: Option<&str>,
        now: u64,
    ) {
        let lapse = match identity {
            Some(identity) => lapse(identity, now),
            None => Some("there is no certificate yet".to_owned()),
        };
        let problem = match (&lapse, reason) {
            (Some(lapse), Some(reason)) => Some(format!("{lapse}: {reason}")),
            (Some(lapse), None) => Some(lapse.clone()),
            (None, reason) => reason.map(str::to_owned),
        };
        certificates.note(problem.as_deref());
        // A missing certificate and a reason were logged when they came up.
        if let Some(lapse) = &lapse
            && identity.is_some()
            && self.0.as_ref() != Some(lapse)
        {
            // Without the words of a server, which the reason may have.
            tracing::warn!("{lapse}");
        }
        self.0 = lapse;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = include_bytes!("../../../tests/certificates/good.pem");
    const KEY: &[u8] = include_bytes!("../../../tests/certificates/key.pem");
    const DAY: u64 = 86_400;

    #[test]
    fn a_certificate_near_its_end_is_a_problem() {
        let identity =
            Identity { not_before: 100 * DAY, not_after: 190 * DAY, ..Identity::from_pem(GOOD, KEY).unwrap() };
        let certificates = Certificates::new(None);
        let mut status = certificates.watch();
        let mut expiry = Expiry::default();
        let mut problem = |day: u64, reason| {
            expiry.check(&certificates, Some(&identity), reason, day * DAY);
            status.borrow_and_update().problem.clone().unwrap_or_default()
        };
        let early = "the certificate is not valid before 1970-04-11T00:00:00Z; check this machine's clock";
        assert_eq!(problem(99, None), early);
        assert_eq!(problem(100, Some("no answer")), "no answer");
        assert_eq!(problem(175, None), "");
        assert_eq!(problem(176, None), "the certificate expires at 1970-07-10T00:00:00Z");
        assert_eq!(problem(189, Some("no answer")), "the certificate expires at 1970-07-10T00:00:00Z: no answer");
        assert_eq!(problem(191, None), "the certificate expired at 1970-07-10T00:00:00Z");
    }
}

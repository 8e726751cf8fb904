//! Reports: a recipient shows the operator what was sent.

use crate::relay::rules::StoreRelay;
use crate::relay::rules::records::{Claim, Decision, load};
use crate::relay::{Credential, RelayError, Report, Reported};

impl StoreRelay {
    /// [`crate::relay::Relay::report`].
    pub(super) async fn report_share(&self, holder: &Credential, _report: &Report) -> Result<Reported, RelayError> {
        if self.policy.operator.is_some() {
            load::<Claim>(&*self.store, &Claim::name(&holder.id)).await?;
        }
        Err(RelayError::Unknown)
    }
}

//! Reports to the operator of a relay: the words for `share report` and for the viewer.

use crate::cli::output::errors::Failure;
use crate::open::{ReportError, Reportable};
use crate::relay::client::endpoint::Endpoint;
use crate::safe_text::printable;
use crate::wordlist::openers_words;

/// The outcome of the first report of a share.
pub(super) const REPORTED: &str = "Reported. The relay does not tell the sender.";
/// The outcome of another report of a share.
pub(super) const REPORTED_BEFORE: &str = "This was reported before.";

/// The content of a report and its recipient, in sentences.
pub(super) fn disclosure(reportable: &Reportable) -> String {
    let (contact, words) = (printable(&reportable.contact), openers_words(&reportable.claimant()));
    format!(
        "The operator ({contact}) will see all files and their names, what the sender wrote, your note, and this \
         device's two words: {words}. The operator gets neither the link nor a passphrase. The relay does not tell \
         the sender; if the sender runs this relay, the operator is the sender. You cannot withdraw a report. The \
         relay deletes it 30 days after the share has ended."
    )
}

impl Endpoint {
    /// The error of a report to the operator of the relay at this endpoint.
    pub(super) fn report_failure(&self, reportable: &Reportable, error: ReportError) -> Failure {
        Failure::Report { relay: self.name(), contact: reportable.contact.clone(), error }
    }
}

//! Counts of runs in which a fault was observed.

use std::collections::BTreeMap;
use std::fmt;

/// Observed faults, by a label such as `create: FailAfter`.
#[derive(Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// A count in which each of these labels must appear before [`Tally::expect_all`] accepts it.
    pub(crate) fn expecting<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self(labels.into_iter().map(|label| (label.into(), 0)).collect())
    }

    /// A count of a fault that is certain, because the test itself causes it.
    pub(crate) fn made(label: &str, times: u64) -> Self {
        Self(BTreeMap::from([(label.to_owned(), times)]))
    }

    /// Counts one run in which the fault of this label was observed.
    pub(crate) fn saw(&mut self, label: impl Into<String>) {
        *self.0.entry(label.into()).or_default() += 1;
    }

    /// Adds the counts of another one.
    pub(crate) fn add(&mut self, other: Self) {
        for (label, times) in other.0 {
            *self.0.entry(label).or_default() += times;
        }
    }

    /// All runs in which a fault was observed.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Panics if an expected fault was never observed.
    pub(crate) fn expect_all(&self, what: &str) {
        let missing: Vec<&String> = self.0.iter().filter(|(_, times)| **times == 0).map(|(label, _)| label).collect();
        assert!(missing.is_empty() && self.total() > 0, "{what}: never seen to happen: {missing:?} of {self:?}");
    }

    /// The counts by label.
    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.0
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Limits of what a subject has at once: connections, requests, parts that arrive, memory.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::subject::Subject;

/// One quantity, as far as subjects have some of it.
#[derive(Clone, Debug)]
pub(in crate::relay::server) struct AtOnce {
    max: usize,
    max_of_network: usize,
    held: Arc<Mutex<HashMap<Subject, usize>>>,
    freed: Arc<Notify>,
}

/// An amount that a client has, until this is dropped.
#[derive(Debug)]
pub(in crate::relay::server) struct Counted {
    of: AtOnce,
    subjects: Vec<Subject>,
    amount: usize,
}

impl AtOnce {
    /// At most `max` of each subject, and `max_of_network` of each [`Subject::Network`].
    pub(in crate::relay::server) fn new(max: usize, max_of_network: usize) -> Self {
        Self { max, max_of_network, held: Arc::default(), freed: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Subject, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts `amount` for each of `subjects`, unless one of them would have too much.
    pub(in crate::relay::server) fn count(&self, subjects: &[Subject], amount: usize) -> Option<Counted> {
        let mut held = self.held();
        let has_room = |subject: &Subject| {
            let max = if let Subject::Network(_) = subject { self.max_of_network } else { self.max };
            held.get(subject).copied().unwrap_or(0).saturating_add(amount) <= max
        };
        if !subjects.iter().all(has_room) {
            return None;
        }
        for subject in subjects {
            *held.entry(*subject).or_default() += amount;
        }
        Some(Counted { of: self.clone(), subjects: subjects.to_vec(), amount })
    }

    /// Counts like [`AtOnce::count`], when the subjects have room for it; for `time` at most.
    pub(in crate::relay::server) async fn wait(
        &self,
        subjects: &[Subject],
        amount: usize,
        time: Duration,
    ) -> Option<Counted> {
        let counted = async {
            loop {
                let mut freed = pin!(self.freed.notified());
                // Notices what is freed from here on.
                freed.as_mut().enable();
                match self.count(subjects, amount) {
                    Some(counted) => return counted,
                    None => freed.await,
                }
            }
        };
        timeout(time, counted).await.ok()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut held = self.of.held();
        for subject in &self.subjects {
            if let Some(count) = held.get_mut(subject) {
                *count -= self.amount;
                if *count == 0 {
                    held.remove(subject);
                }
            }
        }
        drop(held);
        if !self.subjects.is_empty() {
            self.of.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ip: &str) -> Vec<Subject> {
        Subject::of_address(ip.parse().unwrap()).with_network().collect()
    }

    #[test]
    fn one_address_has_so_much_and_others_have_their_own() {
        let at_once = AtOnce::new(2, 3);
        let count = |ip: &str| at_once.count(&of(ip), 1);
        let (first, _second) = (count("2001:db8::1"), count("2001:db8::2"));
        assert!(count("2001:db8::3").is_none(), "they are of one network");
        let other = count("192.0.2.1").unwrap();
        drop(first);
        assert!(count("2001:db8::3").is_some());
        // An address, its network, and the other address.
        assert_eq!(at_once.held().len(), 3);
        drop(other);
        assert_eq!(at_once.held().len(), 2, "an address that has nothing takes no memory");
    }

    #[test]
    fn the_addresses_of_one_customer_share_a_greater_limit() {
        let at_once = AtOnce::new(2, 3);
        let count = |ip: &str| at_once.count(&of(ip), 1);
        let held: Vec<_> = ["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"].map(count).into();
        assert!(held.iter().all(Option::is_some));
        assert!(count("2001:db8:0:3::1").is_none(), "this /64 has nothing, but its /48 has three");
        assert!(count("2001:db8:1::1").is_some());
        assert_eq!(at_once.held().len(), 4, "a refusal counts nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_enough_is_free_or_in_time() {
        let (at_once, here) = (AtOnce::new(4, 4), of("192.0.2.1"));
        let first = at_once.count(&here, 3).unwrap();
        assert!(at_once.wait(&here, 2, Duration::from_secs(9)).await.is_none());
        assert!(at_once.wait(&of("192.0.2.2"), 4, Duration::ZERO).await.is_some());
        let waiting = tokio::spawn({
            let (at_once, here) = (at_once.clone(), here.clone());
            async move { at_once.wait(&here, 2, Duration::from_secs(9)).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap().is_some());
        assert!(at_once.held().is_empty());
    }

    #[test]
    fn nobody_in_particular_is_not_limited() {
        let at_once = AtOnce::new(0, 0);
        assert!(at_once.count(&[], 9).is_some());
        assert!(at_once.count(&of("192.0.2.1"), 1).is_none());
    }
}

//! Unfinished uploads: those that were announced and not committed yet.
//!
//! A node counts the uploads that began there. A restart forgets them, and so does a commit or a revocation at another
//! node until the upload is [`UPLOAD_TIME`] old: the rate of new shares bounds what remains.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::rates::seconds;
use super::subject::{ADDRESSES_OF_NETWORK, Subject};
use crate::relay::{Credential, Limit, Limited, RelayError};
use crate::secret::Role;

/// The relay aborts an upload of this age.
const UPLOAD_TIME: Duration = Duration::from_hours(24);
/// Uploads that are remembered, of all subjects together: about 20 MB. Beyond that the oldest are forgotten.
const MAX_REMEMBERED: usize = 1 << 16;

/// The verifier of the owner token, which no one else can present.
type Owner = [u8; 32];

/// The unfinished uploads of all subjects.
pub(super) struct Uploads {
    max: usize,
    max_of_network: usize,
    begun: Mutex<Begun>,
}

#[derive(Default)]
struct Begun {
    uploads: HashMap<Owner, Upload>,
    /// In the order of their beginnings. Those that have ended are removed when they are the first.
    order: VecDeque<(Instant, Owner)>,
    /// The beginnings of each subject's uploads, in order.
    since: HashMap<Subject, VecDeque<Instant>>,
}

struct Upload {
    since: Instant,
    /// The sender's address, its network and the create token, as far as they are limited.
    subjects: Vec<Subject>,
}

impl Begun {
    fn end(&mut self, owner: &Owner) {
        let Some(upload) = self.uploads.remove(owner) else { return };
        for subject in upload.subjects {
            let Some(since) = self.since.get_mut(&subject) else { continue };
            // Equal ones are as good as each other.
            since.remove(since.partition_point(|earlier| *earlier < upload.since));
            if since.is_empty() {
                self.since.remove(&subject);
            }
        }
        // Keeps the order as short as the map, but for ended uploads between others.
        if self.order.len() > 2 * self.uploads.len() + 64 {
            let uploads = &self.uploads;
            self.order.retain(|(since, owner)| uploads.get(owner).is_some_and(|upload| upload.since == *since));
        }
    }

    /// Ends the oldest upload, or drops what is left of one that has ended.
    fn end_first(&mut self) {
        if let Some((since, owner)) = self.order.pop_front()
            && self.uploads.get(&owner).is_some_and(|upload| upload.since == since)
        {
            self.end(&owner);
        }
    }
}

impl Uploads {
    /// At most `max` of each subject.
    pub(super) fn new(max: Option<usize>) -> Self {
        let max = max.unwrap_or(usize::MAX);
        let max_of_network = max.saturating_mul(ADDRESSES_OF_NETWORK.get() as usize);
        Self { max, max_of_network, begun: Mutex::default() }
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the upload of `owner` for `subjects`. Returns whether it was not counted before.
    ///
    /// # Errors
    /// [`RelayError::SlowDown`] if one of them has too many, with the time until its oldest one ends at the latest.
    pub(super) fn begin(&self, owner: &Credential, subjects: Vec<Subject>) -> Result<bool, RelayError> {
        self.forget_old();
        let owner = verifier(owner);
        let mut begun = self.begun();
        let since = Instant::now();
        if subjects.is_empty() || begun.uploads.contains_key(&owner) {
            return Ok(false);
        }
        for subject in &subjects {
            let max = if let Subject::Network(_) = subject { self.max_of_network } else { self.max };
            let counted = begun.since.get(subject);
            if let Some(oldest) = counted.filter(|since| since.len() >= max).and_then(VecDeque::front) {
                let limit = Limit { what: Limited::Uploads, of: subject.kind() };
                let after = seconds(UPLOAD_TIME.saturating_sub(oldest.elapsed()));
                return Err(RelayError::SlowDown { after, limit: Some(limit) });
            }
        }
        while begun.uploads.len() >= MAX_REMEMBERED {
            begun.end_first();
        }
        for subject in &subjects {
            begun.since.entry(*subject).or_default().push_back(since);
        }
        begun.order.push_back((since, owner));
        begun.uploads.insert(owner, Upload { since, subjects });
        Ok(true)
    }

    /// The upload of `owner` was committed or has ended.
    pub(super) fn end(&self, owner: &Credential) {
        self.begun().end(&verifier(owner));
    }

    /// The subjects for which the upload of `owner` counts.
    pub(super) fn subjects(&self, owner: &Credential) -> Vec<Subject> {
        let begun = self.begun();
        begun.uploads.get(&verifier(owner)).map(|upload| upload.subjects.clone()).unwrap_or_default()
    }

    /// Forgets the uploads that the relay has aborted.
    pub(super) fn forget_old(&self) {
        let mut begun = self.begun();
        while begun.order.front().is_some_and(|(since, _)| since.elapsed() >= UPLOAD_TIME) {
            begun.end_first();
        }
    }
}

fn verifier(owner: &Credential) -> Owner {
    *owner.token.verifier(Role::Owner, &owner.id).as_bytes()
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::secret::{Id, Token};

    fn owner(number: usize) -> Credential {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        Credential::new(Id::from_bytes(id), Token::from_bytes([7; 32]))
    }

    fn here() -> Vec<Subject> {
        vec![Subject::of_address([192, 0, 2, 1].into())]
    }

    /// The time after which to repeat a refused upload, in seconds.
    fn refused(uploads: &Uploads, number: usize, subjects: Vec<Subject>) -> Option<u64> {
        match uploads.begin(&owner(number), subjects) {
            Ok(_) => None,
            Err(RelayError::SlowDown { after, limit: Some(Limit { what: Limited::Uploads, .. }) }) => Some(after),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn is_full(uploads: &Uploads, number: usize, subjects: Vec<Subject>) -> bool {
        refused(uploads, number, subjects).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_counts_until_it_ends() {
        let uploads = Uploads::new(Some(2));
        assert_eq!(uploads.begin(&owner(1), here()), Ok(true));
        assert_eq!(uploads.begin(&owner(1), here()), Ok(false), "a repeated request");
        assert!(!is_full(&uploads, 2, here()));
        assert!(is_full(&uploads, 3, here()));
        let stranger = Credential::new(owner(1).id, Token::from_bytes([8; 32]));
        uploads.end(&stranger);
        assert!(is_full(&uploads, 3, here()), "only the owner can end it");
        uploads.end(&owner(1));
        uploads.end(&owner(1));
        assert!(!is_full(&uploads, 3, here()));
        assert!(is_full(&uploads, 4, here()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_counts_for_its_address_and_for_its_token() {
        let uploads = Uploads::new(Some(1));
        let (token, other) = (Subject::Token([1; 32]), Subject::Token([2; 32]));
        assert!(!is_full(&uploads, 1, vec![here()[0], token]));
        assert!(is_full(&uploads, 2, vec![here()[0], other]), "the address has one");
        assert!(is_full(&uploads, 2, vec![Subject::of_address([192, 0, 2, 2].into()), token]), "the token has one");
        assert!(!is_full(&uploads, 2, vec![Subject::of_address([192, 0, 2, 2].into()), other]));
        assert_eq!(uploads.subjects(&owner(1)), [here()[0], token]);
        assert_eq!(uploads.subjects(&owner(3)), []);
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_upload_counts_for_a_day() {
        let uploads = Uploads::new(Some(1));
        assert!(!is_full(&uploads, 1, here()));
        advance(Duration::from_hours(24 - 1)).await;
        assert!(is_full(&uploads, 2, here()));
        advance(Duration::from_hours(1)).await;
        assert!(!is_full(&uploads, 2, here()));
        assert_eq!(uploads.begun().uploads.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_states_when_the_oldest_upload_ends() {
        let uploads = Uploads::new(Some(2));
        for number in [1, 2] {
            assert!(!is_full(&uploads, number, here()));
            advance(Duration::from_hours(1)).await;
        }
        assert_eq!(refused(&uploads, 3, here()), Some(22 * 3600));
        uploads.end(&owner(1));
        assert!(!is_full(&uploads, 3, here()));
        let wait = refused(&uploads, 4, here()).unwrap();
        assert_eq!(wait, 23 * 3600);
        advance(Duration::from_secs(wait - 1)).await;
        assert_eq!(refused(&uploads, 4, here()), Some(1));
        advance(Duration::from_secs(1)).await;
        assert!(!is_full(&uploads, 4, here()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_addresses_of_one_customer_share_a_greater_limit() {
        let uploads = Uploads::new(Some(1));
        let of = |number: usize| {
            let address = format!("2001:db8:0:{number:x}::1").parse().unwrap();
            Subject::of_address(address).with_network().collect()
        };
        for number in 0..4 {
            assert!(!is_full(&uploads, number, of(number)));
        }
        assert!(is_full(&uploads, 4, of(4)));
        uploads.end(&owner(2));
        assert!(!is_full(&uploads, 4, of(4)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_for_uploads_is_bounded() {
        let uploads = Uploads::new(None);
        for number in 0..MAX_REMEMBERED + 10 {
            assert_eq!(uploads.begin(&owner(number), here()), Ok(true));
        }
        let lengths = || {
            let begun = uploads.begun();
            (begun.uploads.len(), begun.order.len())
        };
        assert_eq!(lengths(), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert_eq!(uploads.subjects(&owner(9)), [], "the oldest are forgotten");
        for number in 10..MAX_REMEMBERED + 10 {
            uploads.end(&owner(number));
            let (uploads, order) = lengths();
            assert!(order <= 2 * uploads + 64, "{order} for {uploads}");
        }
        let begun = uploads.begun();
        assert!(begun.uploads.is_empty() && begun.since.is_empty(), "{:?}", begun.since);
    }
}

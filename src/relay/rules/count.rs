//! Counting the shares in a store, for the metrics of a relay.
//!
//! The names of a share's objects show its state: an upload has no manifest, and a share that is being opened has a
//! claim. The data of a share that has ended is deleted, or held.

use std::sync::Arc;
use std::time::Duration;

use crate::relay::RelayError;
use crate::relay::metrics::Stored;
use crate::relay::rules::records::failure;
use crate::relay::rules::{StoreRelay, names};
use crate::relay::store::Object;

/// Time between two counts. A listing of a bucket takes a request for each thousand objects.
const COUNT_EVERY: Duration = Duration::from_hours(1);

/// The objects of one share, without its parts and slots.
#[derive(Default)]
struct Seen<'a> {
    id: &'a str,
    names: Vec<&'a str>,
}

impl StoreRelay {
    /// Counts the shares in the store now and every hour, until the future is dropped.
    pub async fn keep_counting(self: Arc<Self>) {
        loop {
            if let Err(error) = self.count_stored().await {
                tracing::warn!(%error, "the shares in the store could not be counted");
            }
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }

    /// Counts the shares in the store.
    ///
    /// # Errors
    /// Those of listing the store.
    pub async fn count_stored(&self) -> Result<(), RelayError> {
        let objects = self.store.list(&names::shares(), None).await.map_err(failure)?;
        self.metrics.set_stored(counted(&objects));
        self.count_reported().await
    }
}

/// The shares of a listing, in which the objects of a share follow each other.
fn counted(objects: &[Object]) -> Stored {
    let mut stored = Stored::default();
    let mut seen = Seen::default();
    for object in objects {
        stored.bytes += object.len;
        let Some((id, rest)) = names::of_share(&object.name) else { continue };
        if seen.id != id {
            seen.add_to(&mut stored);
            seen = Seen { id, names: Vec::new() };
        }
        if !rest.contains('/') {
            seen.names.push(rest);
        }
    }
    seen.add_to(&mut stored);
    stored
}

impl Seen<'_> {
    fn add_to(&self, stored: &mut Stored) {
        let has = |name| self.names.contains(&name);
        match (has("manifest"), has("claim")) {
            _ if self.id.is_empty() => {}
            // The data of one that has ended may be held.
            (true, true) if !has("end") => stored.opening += 1,
            (true, false) => stored.waiting += 1,
            (false, false) if !has("seal") => stored.uploading += 1,
            (true, true) | (false, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_share_shows_in_its_names() {
        let shares: [(&[&str], [u64; 3]); 8] = [
            (&["offer"], [1, 0, 0]),
            (&["offer", "part/000000-00000000"], [1, 0, 0]),
            (&["manifest", "offer", "part/000000-00000000", "seal"], [0, 1, 0]),
            (&["claim", "manifest", "offer", "part/000000-00000000", "seal"], [0, 0, 1]),
            (&["claim", "end", "manifest", "offer", "part/000000-00000000", "seal"], [0, 0, 0]),
            (&["claim", "end", "offer", "seal"], [0, 0, 0]),
            (&["claim", "offer", "seal"], [0, 0, 0]),
            (&["offer", "seal"], [0, 0, 0]),
        ];
        let mut objects = Vec::new();
        let mut all = [0; 3];
        for (number, (names, expected)) in shares.iter().enumerate() {
            let object = |name: &&str| Object { name: format!("v1/{number:032x}/{name}"), len: 10, written: 0 };
            let own: Vec<_> = names.iter().map(object).collect();
            let of = |Stored { uploading, waiting, opening, .. }| [uploading, waiting, opening];
            assert_eq!(of(counted(&own)), *expected, "{names:?}");
            objects.extend(own);
            all = std::array::from_fn(|at| all[at] + expected[at]);
        }
        let [uploading, waiting, opening] = all;
        let bytes = 10 * objects.len() as u64;
        assert_eq!(counted(&objects), Stored { uploading, waiting, opening, bytes });
    }
}

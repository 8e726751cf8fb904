//! Connections at once, of each address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::subject::Subject;

/// The connections of all subjects that have any.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    max: usize,
    open: Arc<Mutex<HashMap<Subject, usize>>>,
}

/// A connection, until this is dropped.
#[derive(Debug)]
pub(in crate::relay::server) struct Counted {
    connections: Connections,
    /// `None`: it does not count.
    subject: Option<Subject>,
}

impl Connections {
    /// At most `max` of one subject.
    pub(super) fn new(max: Option<usize>) -> Self {
        Self { max: max.unwrap_or(usize::MAX), open: Arc::default() }
    }

    /// Counts a connection of `subject`, if there is one, unless it has too many.
    pub(super) fn count(&self, subject: Option<Subject>) -> Option<Counted> {
        let counted = || Counted { connections: self.clone(), subject };
        let Some(subject) = subject else { return Some(counted()) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(subject).or_default();
        let has_room = *count < self.max;
        *count += usize::from(has_room);
        drop(open);
        has_room.then(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(subject) = self.subject else { return };
        if let Some(count) = open.get_mut(&subject) {
            *count -= 1;
            if *count == 0 {
                open.remove(&subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_connections_and_others_have_their_own() {
        let connections = Connections::new(Some(2));
        let subject = |ip: &str| Some(Subject::of_address(ip.parse().unwrap()));
        let (first, _second) = (connections.count(subject("2001:db8::1")), connections.count(subject("2001:db8::2")));
        assert!(connections.count(subject("2001:db8::3")).is_none(), "they are of one network");
        let other = connections.count(subject("192.0.2.1")).unwrap();
        drop(first);
        assert!(connections.count(subject("2001:db8::3")).is_some());
        assert_eq!(connections.open.lock().unwrap().len(), 2);
        drop(other);
        assert_eq!(connections.open.lock().unwrap().len(), 1, "an address without connections takes no memory");
    }
}

//! The hosts that a worker's requests go to, and the connections to each that are kept for later attempts: those that all
//! attempts share, and those that belong to a session or a user alone.

use super::connection::Tls;
use super::slots::Key;
use crate::driver_test::{Addresses, HostOf};
use crate::engine::addresses::Favourite;

/// A host, and its shared connections.
#[derive(Debug)]
pub(super) struct Host {
    pub addresses: Addresses,
    pub tls: Option<Tls>,
    /// Whether servers that demand a client certificate get one.
    pub has_certificate: bool,
    /// Which of its addresses comes first.
    pub favourite: Favourite,
    /// Idle connections; some may have been closed since.
    pub resting: Vec<Key>,
}

impl Host {
    /// A host without connections.
    ///
    /// # Errors
    /// As [`HostOf::tls_to`].
    pub fn new(host: &HostOf) -> Result<Self, String> {
        Ok(Self {
            addresses: host.addresses.clone(),
            tls: host.tls_to()?,
            has_certificate: host.has_certificate(),
            favourite: Favourite::default(),
            resting: Vec::new(),
        })
    }
}

/// The session or user that a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    slot: u32,
    /// How many owners the slot had before.
    nth: u32,
}

/// The idle connections that belong to one session or user each, by slot and host.
#[derive(Debug)]
pub(super) struct OwnConnections {
    n_hosts: usize,
    /// How many owners each slot had that are over.
    over: Vec<u32>,
    /// `n_hosts` for each slot; some may have been closed since.
    resting: Vec<Option<Key>>,
}

impl OwnConnections {
    pub fn new(n_hosts: usize) -> Self {
        Self { n_hosts, over: Vec::new(), resting: Vec::new() }
    }

    /// The present owner of a slot. The first use of the highest slot so far makes room for it.
    pub fn owner(&mut self, slot: u32) -> Owner {
        let index = slot as usize;
        if self.over.len() <= index {
            self.over.resize(index + 1, 0);
            self.resting.resize((index + 1) * self.n_hosts, None);
        }
        Owner { slot, nth: self.over[index] }
    }

    /// Takes the idle connection of an owner to a host; it may have been closed since.
    pub fn take(&mut self, owner: Owner, host: usize) -> Option<Key> {
        self.resting[owner.slot as usize * self.n_hosts + host].take()
    }

    /// Keeps an idle connection for its owner. Returns one that is to be closed: this one, where its owner is over, or
    /// another that is there already.
    pub fn rests(&mut self, owner: Owner, host: usize, key: Key) -> Option<Key> {
        if self.over[owner.slot as usize] != owner.nth {
            return Some(key);
        }
        self.resting[owner.slot as usize * self.n_hosts + host].replace(key)
    }

    /// The owner of a slot is over: gives its idle connections, which are to be closed.
    pub fn end(&mut self, slot: u32) -> impl Iterator<Item = Key> {
        let index = slot as usize;
        let mut resting = &mut [][..];
        if let Some(over) = self.over.get_mut(index) {
            *over = over.wrapping_add(1);
            resting = &mut self.resting[index * self.n_hosts..][..self.n_hosts];
        }
        resting.iter_mut().filter_map(Option::take)
    }

    /// Forgets all idle connections.
    pub fn clear(&mut self) {
        self.resting.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_kept_for_their_owner_and_host_alone_until_it_is_over() {
        let keys = [1, 2, 3, 4].map(Key::of);
        let mut own = OwnConnections::new(2);
        let (a, b) = (own.owner(0), own.owner(5));
        assert_eq!(own.rests(a, 0, keys[0]), None);
        assert_eq!(own.rests(a, 1, keys[1]), None);
        assert_eq!(own.rests(b, 1, keys[2]), None);
        assert_eq!((own.take(b, 0), own.take(b, 1), own.take(b, 1)), (None, Some(keys[2]), None));
        assert_eq!(own.rests(a, 1, keys[3]), Some(keys[1]), "one for each host");
        assert_eq!(own.end(0).collect::<Vec<_>>(), [keys[0], keys[3]]);
        assert_eq!(own.rests(a, 0, keys[0]), Some(keys[0]), "it is over");
        let next = own.owner(0);
        assert_eq!((own.take(next, 0), own.rests(next, 0, keys[0])), (None, None));
        assert_eq!(own.end(99).count(), 0, "a slot that was never used");
        own.clear();
        assert_eq!(own.take(next, 0), None);
    }
}

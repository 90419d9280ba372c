//! What the shop remembers of its visitors: entries in the order they came, each under a ticket that cannot be guessed.
//! At the limit the oldest entry goes.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

/// Entries by their tickets. A ticket is a text of lower-case hex digits and one dash.
#[derive(Debug)]
pub struct Kept<V> {
    limit: usize,
    /// The number of the first entry that is still here.
    first: u64,
    entries: VecDeque<V>,
    /// Makes the second part of a ticket from its number.
    seal: RandomState,
}

impl<V> Kept<V> {
    /// Keeps the newest `limit` entries, at least one.
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), first: 0, entries: VecDeque::new(), seal: RandomState::new() }
    }

    /// Adds an entry and returns its ticket.
    pub fn add(&mut self, value: V) -> String {
        if self.entries.len() >= self.limit {
            self.entries.pop_front();
            self.first += 1;
        }
        let n = self.first + self.entries.len() as u64;
        self.entries.push_back(value);
        format!("{n:x}-{:08x}", self.seal_of(n))
    }

    /// The entry of a ticket, where it is still here.
    pub fn get(&self, ticket: &str) -> Option<&V> {
        self.entries.get(self.place(ticket)?)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, ticket: &str) -> Option<&mut V> {
        let place = self.place(ticket)?;
        self.entries.get_mut(place)
    }

    fn place(&self, ticket: &str) -> Option<usize> {
        let (n, seal) = ticket.split_once('-')?;
        let n = u64::from_str_radix(n, 16).ok()?;
        if u32::from_str_radix(seal, 16).ok()? != self.seal_of(n) {
            return None;
        }
        usize::try_from(n.checked_sub(self.first)?).ok()
    }

    fn seal_of(&self, n: u64) -> u32 {
        (self.seal.hash_one(n) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_ticket_alone() {
        let mut kept = Kept::new(10);
        let a = kept.add("a");
        let b = kept.add("b");
        assert_eq!((kept.get(&a), kept.get(&b)), (Some(&"a"), Some(&"b")));
        *kept.get_mut(&a).unwrap() = "c";
        assert_eq!(kept.get(&a), Some(&"c"));
        let other = if a.ends_with('0') { "1" } else { "0" };
        for wrong in ["", "-", "0", "ä-é", "ffffffffffffffff-0", &format!("{}{other}", &a[..a.len() - 1])] {
            assert_eq!(kept.get(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn at_the_limit_the_oldest_goes() {
        let mut kept = Kept::new(3);
        let tickets: Vec<String> = (0..5).map(|n| kept.add(n)).collect();
        let found: Vec<Option<&i32>> = tickets.iter().map(|ticket| kept.get(ticket)).collect();
        assert_eq!(found, [None, None, Some(&2), Some(&3), Some(&4)]);
    }
}

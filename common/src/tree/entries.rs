//! The entries of a table in the order in which they were written: bodies, queries and forms go out in it.

use std::collections::VecDeque;

use super::Node;

/// Keys and their values, in the order in which they were written. No key is there twice. A look-up is linear, which
/// serves the small tables that people write. Keys that are taken out in their order are found at the front, so that a large
/// table of chosen names is read in linear time; readers bound how many of them they look up otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries(VecDeque<(String, Node)>);

impl Entries {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Takes a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        self.0.remove(at).map(|(_, node)| node)
    }

    /// Each key and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.0.iter().map(|(key, node)| (key, node))
    }

    /// Each key.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Each value.
    pub fn values(&self) -> impl Iterator<Item = &Node> {
        self.0.iter().map(|(_, node)| node)
    }

    /// Each value, to change it.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.0.iter_mut().map(|(_, node)| node)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of their names.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.make_contiguous().sort_by(|(a, _), (b, _)| a.cmp(b));
        self
    }
}

/// From a map, whose keys come once.
impl FromIterator<(String, Node)> for Entries {
    fn from_iter<I: IntoIterator<Item = (String, Node)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl IntoIterator for Entries {
    type Item = (String, Node);
    type IntoIter = std::collections::vec_deque::IntoIter<(String, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

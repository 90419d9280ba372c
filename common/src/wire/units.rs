//! The unit of plain latency numbers, which records do not carry: one for all nodes, and exceptions for some.

use super::Unit;
use crate::ids::{IdError, NodeId};

/// Node ids: one, or with `*` for any characters, as in `go-driver-*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePattern(NodeId);

impl NodePattern {
    /// Checks a text and makes it a pattern.
    ///
    /// # Errors
    /// Where no node id could match it: it is empty, too long, or holds a control character.
    pub fn new(text: &str) -> Result<Self, IdError> {
        NodeId::new(text).map(Self)
    }

    /// Whether it is the id of this node, or stands for it.
    pub fn matches(&self, node: &NodeId) -> bool {
        self.0 == *node || wildcard(self.0.as_str(), node.as_str())
    }

    /// How much of an id it fixes: of several patterns that match, the one that fixes most counts.
    fn fixes(&self) -> usize {
        let text = self.0.as_str();
        if text.contains('*') { text.chars().filter(|c| *c != '*').count() } else { usize::MAX }
    }
}

/// Whether a text matches a pattern in which `*` stands for any characters, or none.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place leaves most for those that follow.
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

/// How to read numbers whose unit records do not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAs {
    /// Unit of plain latency numbers in classic records; ours are always milliseconds.
    latency_unit: Unit,
    /// Those of some nodes, the patterns that fix most first.
    of_nodes: Vec<(NodePattern, Unit)>,
}

impl ReadAs {
    /// Plain latency numbers of every classic node in one unit.
    pub const fn of(latency_unit: Unit) -> Self {
        Self { latency_unit, of_nodes: Vec::new() }
    }

    /// Other units for some nodes. The id of a node counts before patterns, and a pattern that fixes more of the id before
    /// one that fixes less.
    pub fn with_nodes(mut self, mut of_nodes: Vec<(NodePattern, Unit)>) -> Self {
        of_nodes.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.fixes()));
        self.of_nodes = of_nodes;
        self
    }

    /// The unit of a classic node's plain latency numbers.
    pub fn latency_unit(&self, node: &NodeId) -> Unit {
        let own = self.of_nodes.iter().find(|(pattern, _)| pattern.matches(node));
        own.map_or(self.latency_unit, |(_, unit)| *unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, id: &str, expected: bool) {
        let matches = NodePattern::new(pattern).unwrap().matches(&NodeId::new(id).unwrap());
        assert_eq!(matches, expected, "{pattern} and {id}");
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, id, expected) in [
            ("vm-7", "vm-7", true),
            ("vm-7", "vm-71", false),
            ("*", "anything", true),
            ("go-*", "go-", true),
            ("go-*", "ago-1", false),
            ("*-go", "driver-go", true),
            ("*-go", "driver-go-1", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "ace", true),
            ("a*c*e", "acb", false),
            ("ab*ba", "aba", false),
            ("a**b", "a-b", true),
            ("*ü*", "grün", true),
            ("a*b", "a*b", true),
            ("VM-*", "vm-1", false),
        ] {
            check(pattern, id, expected);
        }
    }

    #[test]
    fn an_id_counts_before_a_pattern_and_a_longer_pattern_before_a_shorter_one() {
        let of = |pattern, unit| (NodePattern::new(pattern).unwrap(), unit);
        let read_as = ReadAs::of(Unit::Milliseconds).with_nodes(vec![
            of("go-*", Unit::Seconds),
            of("go-old-*", Unit::Milliseconds),
            of("go-old-7", Unit::Seconds),
        ]);
        for (id, expected) in [
            ("go-1", Unit::Seconds),
            ("go-old-1", Unit::Milliseconds),
            ("go-old-7", Unit::Seconds),
            ("java-1", Unit::Milliseconds),
        ] {
            assert_eq!(read_as.latency_unit(&NodeId::new(id).unwrap()), expected, "{id}");
        }
    }

    #[test]
    fn what_is_no_id_is_no_pattern() {
        assert_eq!(NodePattern::new(" "), Err(IdError::Empty));
        assert_eq!(NodePattern::new("a\u{7}*"), Err(IdError::Control));
        assert_eq!(NodePattern::new(&"*".repeat(250)), Err(IdError::TooLong));
    }
}

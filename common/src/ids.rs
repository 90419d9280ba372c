//! The names of things: nodes, tests, and the epochs that distinguish one life of a node from the next.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest id accepted, in bytes; a longer text is rejected as a mistake.
pub const MAX_ID_BYTES: usize = 249;

/// Why a text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Longer than [`MAX_ID_BYTES`].
    #[error("is longer than {MAX_ID_BYTES} bytes")]
    TooLong,
    /// Holds a control character.
    #[error("holds a control character")]
    Control,
}

fn checked(text: &str) -> Result<String, IdError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    Ok(text.to_owned())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text and makes it an id.
            ///
            /// # Errors
            /// Where the text is empty, too long, or holds a control character.
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id! {
    /// Names a node on the wire, in reports and to people.
    NodeId
}

id! {
    /// Names a test. Ours are UUIDs (version 7); other orchestrators count, or make up words.
    TestId
}

id! {
    /// Names a request of a plan, where a plan has several.
    RequestName
}

impl RequestName {
    /// Whether what counts under this name counts under another, too: `NAME/VALUE` of a split is a part of `NAME`. What
    /// sums over names leaves these out.
    pub fn is_part(&self) -> bool {
        self.0.contains('/')
    }
}

impl TestId {
    /// Makes a new id, unique and ordered by time.
    pub fn random() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }
}

/// One life of a node: a higher epoch of the same node id fences a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch of a node that starts now: above the one it stored, and no lower than the clock, so that
    /// a node whose data folder was lost still fences its earlier life.
    pub fn next(stored: Option<Epoch>, now_unix_ms: u64) -> Self {
        Self(stored.map_or(0, |epoch| epoch.0.saturating_add(1)).max(now_unix_ms))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_trimmed_and_checked() {
        assert_eq!(NodeId::new(" vm_9511 ").unwrap().as_str(), "vm_9511");
        assert_eq!(NodeId::new("  "), Err(IdError::Empty));
        assert_eq!(NodeId::new("a\u{0}b"), Err(IdError::Control));
        assert_eq!(NodeId::new(&"x".repeat(250)), Err(IdError::TooLong));
        assert!(serde_json::from_str::<TestId>("\"\"").is_err());
    }

    #[test]
    fn a_value_of_a_split_is_a_part_of_its_request() {
        for (name, is_part) in
            [("page", false), ("page.redirect", false), ("page/other", true), ("page//a/b", true)]
        {
            assert_eq!(RequestName::new(name).unwrap().is_part(), is_part, "{name}");
        }
    }

    #[test]
    fn an_epoch_never_goes_back() {
        assert_eq!(Epoch::next(None, 1_000), Epoch(1_000));
        assert_eq!(Epoch::next(Some(Epoch(5_000)), 1_000), Epoch(5_001), "the clock went back");
        assert_eq!(Epoch::next(Some(Epoch(5_000)), 9_000), Epoch(9_000));
        assert_eq!(Epoch::next(Some(Epoch(u64::MAX)), 0), Epoch(u64::MAX));
    }
}

//! What is wrong with a text that people wrote: every fault at once, each with its key and value.

use std::fmt;

use serde::Serialize;

/// One thing wrong with a plan or a node's config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The key as a path, as in `load.delay` or `request.expect_status[1]`; empty for the whole text.
    pub path: String,
    /// The value as written, shortened to 80 characters; empty where the key is missing.
    pub value: String,
    /// What is wrong and what would be right, in lower case without a final dot.
    pub reason: String,
    /// Whether it is the value alone, or its relation to another key.
    #[serde(skip)]
    pub kind: FaultKind,
}

/// Whether a fault is a key's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The key or its value is wrong by itself (HTTP 400).
    Value,
    /// Keys contradict each other (HTTP 422).
    Contradiction,
}

impl Fault {
    /// A fault of one key's value.
    pub fn value(path: impl Into<String>, value: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::new(path, value, reason, FaultKind::Value)
    }

    /// Keys that contradict each other, reported at the key that the user would change.
    pub fn contradiction(
        path: impl Into<String>,
        value: impl fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        Self::new(path, value, reason, FaultKind::Contradiction)
    }

    fn new(
        path: impl Into<String>,
        value: impl fmt::Display,
        reason: impl Into<String>,
        kind: FaultKind,
    ) -> Self {
        let value = value.to_string();
        let value = match value.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value,
        };
        Self { path: path.into(), value, reason: reason.into(), kind }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), self.value.as_str()) {
            ("", _) => f.write_str(&self.reason),
            (path, "") => write!(f, "{path}: {}", self.reason),
            (path, value) => write!(f, "{path} = {value}: {}", self.reason),
        }
    }
}

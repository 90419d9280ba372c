//! Why a record cannot be used, for the metrics and the log.

use std::fmt;

use crate::ids::NodeId;

/// Why a record cannot be used: the `reason` label of `records_rejected_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// No payload, or nothing but white space.
    Empty,
    /// Larger than the reader looks at.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON, and not one of the known words.
    NotJson,
    /// JSON nested deeper than any real record.
    TooDeep,
    /// JSON, but not an object.
    NotObject,
    /// A field that is needed is missing.
    MissingField,
    /// A field has an invalid value.
    BadField,
}

impl RejectReason {
    /// Every reason, in the order of the enum.
    pub const ALL: [RejectReason; 8] = [
        Self::Empty,
        Self::TooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::TooDeep,
        Self::NotObject,
        Self::MissingField,
        Self::BadField,
    ];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NotObject => "not_object",
            Self::MissingField => "missing_field",
            Self::BadField => "bad_field",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejected {
    /// Why, as counted.
    pub reason: RejectReason,
    /// Why, for the log: the field and the value that is wrong, shortened, on one line.
    pub detail: String,
    /// The sender, where the record names one.
    pub node_id: Option<NodeId>,
}

impl Rejected {
    pub(super) fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), node_id: None }
    }
}

/// A text for the log: on one line, and shortened.
pub(super) fn shown(text: &str) -> String {
    let mut escaped = text.chars().take(81).collect::<String>().escape_debug().to_string();
    if let Some((end, _)) = escaped.char_indices().nth(80) {
        escaped.truncate(end);
        escaped.push('…');
    }
    escaped
}

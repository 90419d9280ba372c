//! The tolerant reader: what other people's programs really send.

use super::{Inbound, Topic, Unit};
use crate::ids::NodeId;

/// How to read what nobody states on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAs {
    /// Unit of plain latency numbers.
    pub latency_unit: Unit,
}

/// Why a record cannot be used: the `reason` label of `records_rejected_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// No payload, or nothing but white space.
    Empty,
    /// Larger than the reader looks at.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON, and no word that means something.
    NotJson,
    /// JSON nested deeper than any real record.
    TooDeep,
    /// JSON, but no object.
    NotObject,
    /// A field that is needed is missing.
    MissingField,
    /// A field holds what it cannot hold.
    BadField,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why, as counted.
    pub reason: RejectReason,
    /// Why, for the log: the field and the value that is wrong, shortened.
    pub detail: String,
    /// Who sent it, where that could be told.
    pub node_id: Option<NodeId>,
}

/// Reads a record's payload.
///
/// # Errors
/// Where it cannot be used; the caller counts it, logs it once a reason and source, and goes on.
pub fn read(_topic: Topic, _payload: Option<&[u8]>, _read_as: ReadAs) -> Result<Inbound, Rejected> {
    unreachable!()
}

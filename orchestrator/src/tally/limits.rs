//! What the tally of one test accepts and keeps at most, so that no node can make it grow without bound. Each count and
//! sequence number is bounded before it comes here, where a record is read (`common::wire`).

/// Most lives of one driver that have a part each in one test; records of further ones are foreign.
pub const MAX_LIVES: usize = 8;

/// Most classic drivers of one test, those that join it late included.
pub const MAX_JOINED: usize = 1_000;

/// Most foreign nodes whose names are kept.
pub const MAX_FOREIGN: usize = 16;

/// Most seconds kept for [`Tally::take_windows`](super::Tally::take_windows); beyond it the oldest are discarded.
pub const MAX_UNTAKEN: usize = 4_096;

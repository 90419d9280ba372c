//! One rate, and what its levels came to.

use crate::capacity::level::Calm;
use crate::model::CapacityDecided;

/// A rate that was tried.
#[derive(Debug, Clone)]
pub struct Rung {
    pub rate: f64,
    pub(super) held: u32,
    pub(super) failed: u32,
    pub(super) undecided: u32,
    /// As the last measurement over the whole horizon had it.
    pub(super) full: Option<CapacityDecided>,
    pub(super) generator: u32,
    /// Whether it was left early because no request was bad.
    pub(super) clean: bool,
    /// How the target looked there while it held.
    pub calm: Option<Calm>,
}

/// How a rung stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    Holds,
    Fails,
    /// The generator does not get there.
    OutOfReach,
    /// Undecided, or decided in both ways.
    Open,
}

impl Rung {
    /// A rate of which nothing is known yet.
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, held: 0, failed: 0, undecided: 0, full: None, generator: 0, clean: false, calm: None }
    }

    pub(super) fn stand(&self) -> Stand {
        match (self.held, self.failed) {
            (0, 0) if self.generator >= 2 => Stand::OutOfReach,
            (0, 0) => Stand::Open,
            (_, 0) if self.full == Some(CapacityDecided::Undecided) => Stand::Open,
            (0, _) if self.full == Some(CapacityDecided::Undecided) => Stand::Open,
            (_, 0) => Stand::Holds,
            (0, _) => Stand::Fails,
            _ => Stand::Open,
        }
    }
}

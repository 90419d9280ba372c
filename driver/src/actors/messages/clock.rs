//! What the clock receives.

use actix::Message;

use crate::clock_sync::Offset;

/// Measures the offset now and answers with the best one known; `None` if the orchestrator's time was never received.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Offset>")]
pub struct MeasureOffset;

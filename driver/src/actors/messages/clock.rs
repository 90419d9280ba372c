//! What the clock receives, and its handle.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};

use super::{NodeEnding, send};
use crate::clock_sync::Offset;

/// Measures the offset now and answers with the best one known; `None` if the orchestrator's time was never received.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Offset>")]
pub struct MeasureOffset;

#[derive(Clone)]
pub struct ClockHandle {
    measure: Recipient<MeasureOffset>,
}

impl ClockHandle {
    /// Of the clock, or of a stub.
    pub fn of<A>(clock: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<MeasureOffset>,
    {
        Self { measure: clock.clone().recipient() }
    }

    /// Measures the offset of the orchestrator's clock now; `None` if its time was never received.
    pub fn measure(&self) -> impl Future<Output = Result<Option<Offset>, NodeEnding>> + use<> {
        send(&self.measure, MeasureOffset)
    }
}

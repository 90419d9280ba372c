//! Keeps the offset of the orchestrator's clock measured.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture};
use common::service::Needs;

use super::messages::clock::MeasureOffset;
use super::messages::heartbeat::HeartbeatHandle;
use crate::bootstrap::AskError;
use crate::clock_sync::{Offset, QUESTIONS, Sample, best, choose};

/// Questions that may wait.
const MAILBOX: usize = 16;
/// Between two measurements while nothing asks for one.
const REFRESH: Duration = Duration::from_secs(30);
/// Until the first offset is there.
const FIRST: Duration = Duration::from_secs(1);
/// What a driver with an orchestrator needs before it is ready.
pub const ORCHESTRATOR: &str = "orchestrator";
const LONGEST: Duration = Duration::from_secs(2);

/// Asks the orchestrator for its time, once.
pub type AskTime = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Sample, AskError>>>>>;

/// Keeps the offset between the orchestrator's clock and ours.
///
/// - owns: the best measurement so far.
/// - receives: [`MeasureOffset`].
/// - sends: [`HeartbeatHandle::offset_measured`] after each measurement: every 30 s, and when it is asked.
/// - on failure: keeps the last measurement; without any, answers `None` and asks every second.
/// - mailbox bound: 16.
pub struct ClockActor {
    ask: Option<AskTime>,
    heartbeat: HeartbeatHandle,
    needs: Needs,
    known: Option<Offset>,
}

impl ClockActor {
    /// `ask`: `None` without an orchestrator's URL; then there is never an offset.
    pub fn new(ask: Option<AskTime>, heartbeat: HeartbeatHandle, needs: Needs) -> Self {
        if ask.is_some() {
            needs.wait_for(ORCHESTRATOR, "the orchestrator");
        }
        Self { ask, heartbeat, needs, known: None }
    }

    fn measure(&mut self) -> ResponseActFuture<Self, Option<Offset>> {
        let Some(ask) = &self.ask else { return Box::pin(std::future::ready(None).into_actor(self)) };
        let questions: Vec<_> = (0..QUESTIONS).map(|_| ask()).collect();
        let asked = async move {
            let mut samples = Vec::with_capacity(QUESTIONS);
            let mut refused = None;
            let until = Instant::now() + LONGEST;
            for question in questions {
                // One after the other: together they would hold each other up.
                match question.await {
                    Ok(sample) => samples.push(sample),
                    Err(error) => {
                        log::debug!(error:%; "orchestrator's time not received");
                        refused = Some(error.to_string());
                        break;
                    }
                }
                if Instant::now() >= until {
                    break;
                }
            }
            (samples, refused)
        };
        Box::pin(asked.into_actor(self).map(|(samples, refused), actor, _| {
            if let Some(newer) = best(&samples, Instant::now()) {
                let offset = choose(actor.known, newer);
                if actor.known.is_none() {
                    log::info!(offset_us = offset.offset_us, within_us = offset.within_us; "clock offset");
                }
                actor.known = Some(offset);
                actor.needs.met(ORCHESTRATOR);
                actor.heartbeat.offset_measured(offset.offset_us);
            }
            if let (None, Some(reason)) = (actor.known, refused) {
                actor.needs.wait_for(ORCHESTRATOR, format!("the orchestrator: {reason}"));
            }
            actor.known
        }))
    }

    fn again(&mut self, ctx: &mut Context<Self>) {
        let measured = self.measure();
        ctx.spawn(measured.map(|known, _, ctx| {
            let next = if known.is_some() { REFRESH } else { FIRST };
            ctx.run_later(next, Self::again);
        }));
    }
}

impl Actor for ClockActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if self.ask.is_some() {
            self.again(ctx);
        } else {
            log::warn!("no orchestrator url: the clock offset is taken to be 0");
        }
    }
}

impl Handler<MeasureOffset> for ClockActor {
    type Result = ResponseActFuture<Self, Option<Offset>>;

    fn handle(&mut self, _: MeasureOffset, _: &mut Self::Context) -> Self::Result {
        self.measure()
    }
}

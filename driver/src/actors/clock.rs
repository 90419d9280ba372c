//! Keeps the offset of the orchestrator's clock measured.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, ResponseFuture};
use common::ordered::Ordered;
use common::service::Needs;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

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
    asked: Ordered<oneshot::Sender<Option<Offset>>>,
}

impl ClockActor {
    /// `ask`: `None` without an orchestrator's URL; then there is never an offset.
    pub fn new(ask: Option<AskTime>, heartbeat: HeartbeatHandle, needs: Needs) -> Self {
        if ask.is_some() {
            needs.wait_for(ORCHESTRATOR, "the orchestrator");
        } else {
            log::warn!("no orchestrator url: the clock offset is taken to be 0");
        }
        let clock = Clock { ask, heartbeat, needs, known: None };
        Self { asked: Ordered::new(MAILBOX, |asked| clock.run(asked)) }
    }
}

/// What the task owns.
struct Clock {
    ask: Option<AskTime>,
    heartbeat: HeartbeatHandle,
    needs: Needs,
    known: Option<Offset>,
}

impl Clock {
    /// Measures from time to time and when it is asked to, one measurement after the other: together they would hold
    /// each other up.
    async fn run(mut self, mut asked: mpsc::Receiver<oneshot::Sender<Option<Offset>>>) {
        let mut due = tokio::time::Instant::now();
        loop {
            tokio::select! {
                asked = asked.recv() => match asked {
                    Some(answer) => {
                        self.measure().await;
                        // The sender may have timed out.
                        let _ = answer.send(self.known);
                    }
                    None => return,
                },
                () = sleep_until(due), if self.ask.is_some() => {
                    self.measure().await;
                    let next = if self.known.is_some() { REFRESH } else { FIRST };
                    due = tokio::time::Instant::now() + next;
                }
            }
        }
    }

    async fn measure(&mut self) {
        let Some(ask) = &self.ask else { return };
        let mut samples = Vec::with_capacity(QUESTIONS);
        let mut refused = None;
        let until = Instant::now() + LONGEST;
        for _ in 0..QUESTIONS {
            let answer = ask().await;
            match answer {
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
        if let Some(newer) = best(&samples, Instant::now()) {
            let offset = choose(self.known, newer);
            if self.known.is_none() {
                log::info!(offset_us = offset.offset_us, within_us = offset.within_us; "clock offset");
            }
            self.known = Some(offset);
            self.needs.met(ORCHESTRATOR);
            self.heartbeat.offset_measured(offset.offset_us);
        }
        if let (None, Some(reason)) = (self.known, refused) {
            self.needs.wait_for(ORCHESTRATOR, format!("the orchestrator: {reason}"));
        }
    }
}

impl Actor for ClockActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.asked.start(ctx);
    }
}

impl Handler<MeasureOffset> for ClockActor {
    type Result = ResponseFuture<Option<Offset>>;

    fn handle(&mut self, _: MeasureOffset, _: &mut Self::Context) -> Self::Result {
        self.asked.ask(|answer| answer, None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use common::kafka::KafkaError;

    use super::*;
    use crate::actors::messages::heartbeat::{
        AnnounceEnd, OffsetMeasured, OrchestratorSeen, PublishGoodbye, RegisterAgain, StateChanged,
    };

    /// Stands for the heartbeat: the offsets that were reported to it.
    struct Offsets(Arc<Mutex<Vec<i64>>>);

    impl Actor for Offsets {
        type Context = Context<Self>;
    }

    impl Handler<OffsetMeasured> for Offsets {
        type Result = ();

        fn handle(&mut self, OffsetMeasured(offset_us): OffsetMeasured, _: &mut Self::Context) {
            self.0.lock().unwrap().push(offset_us);
        }
    }

    impl Handler<PublishGoodbye> for Offsets {
        type Result = Result<(), KafkaError>;

        fn handle(&mut self, _: PublishGoodbye, _: &mut Self::Context) -> Self::Result {
            Ok(())
        }
    }

    macro_rules! ignores {
        ($($message:ty),*) => {$(
            impl Handler<$message> for Offsets {
                type Result = ();

                fn handle(&mut self, _: $message, _: &mut Self::Context) {}
            }
        )*};
    }

    ignores!(AnnounceEnd, OrchestratorSeen, RegisterAgain, StateChanged);

    #[actix_rt::test]
    async fn measurements_that_are_asked_for_at_once_come_one_after_the_other() {
        let (under_way, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let most_at_once = Arc::clone(&most);
        let ask: AskTime = Box::new(move || {
            let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
            Box::pin(async move {
                most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
                Ok(Sample { asked_us: 0, round_trip: Duration::ZERO, answered_us: 7 })
            })
        });
        let reported: Arc<Mutex<Vec<_>>> = Arc::default();
        let heartbeat = HeartbeatHandle::of(&Offsets(Arc::clone(&reported)).start());
        let clock = ClockActor::new(Some(ask), heartbeat, Needs::default()).start();
        let (one, another) = (clock.send(MeasureOffset), clock.send(MeasureOffset));
        for measured in [one.await, another.await] {
            assert_eq!(measured.unwrap().map(|offset| offset.offset_us), Some(7));
        }
        assert_eq!(most_at_once.load(Ordering::Relaxed), 1);
        assert!(reported.lock().unwrap().iter().all(|offset_us| *offset_us == 7));
    }
}

//! A test in which this driver has nothing to do, because its share has no requests: it takes part, and reports that.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use common::figures::ByRequest;
use common::ids::TestId;
use common::session_figures::AllSessions;
use common::wire::{ClassicMetrics, Ending, MachineLoad, Window};

use super::TestManagerActor;
use crate::start_at::StartAt;

impl TestManagerActor {
    /// A test without requests is over at once: publishes its only window, which is final.
    pub(super) fn nothing_to_do(&mut self, test_id: TestId, start: StartAt, ctx: &mut Context<Self>) {
        let at_us = start.unix_us;
        let ending = Ending {
            schedule_from_us: at_us,
            schedule_to_us: at_us,
            engine: "none".to_owned(),
            workers: 0,
            precision: None,
            redirected_to: None,
            connections_opened: 0,
            handshakes: 0,
            cut_short: None,
            rows_used_up: None,
        };
        let window = Box::new(Window {
            epoch: self.options.epoch,
            seq: 0,
            from_us: at_us,
            to_us: at_us,
            figures: ByRequest::default(),
            sessions: AllSessions::default(),
            users: None,
            busy: 0.0,
            machine: MachineLoad::default(),
            is_final: true,
            ending: Some(ending),
        });
        let zero = Some(0.0);
        let classic = ClassicMetrics {
            mean_ms: zero,
            median_ms: zero,
            min_ms: zero,
            max_ms: zero,
            num_requests: Some(0),
            num_responses: Some(0),
            num_errors: Some(0),
            complete: true,
            ..ClassicMetrics::default()
        };
        let sent = self.publisher.window_closed(test_id.clone(), window, classic);
        ctx.spawn(sent.into_actor(self).map(move |sent, actor, ctx| {
            if let Err(error) = sent {
                log::error!(test_id:%, error:%; "empty test's window not published");
            }
            actor.ended(&test_id, ctx);
        }));
    }
}

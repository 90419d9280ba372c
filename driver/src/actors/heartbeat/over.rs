//! Announces the ends of classic tests to orchestrators that wait for more than the last report.

use actix::{ActorFutureExt, AsyncContext, Context, Handler};
use common::wire::{DriverState, Outbound};

use super::HeartbeatActor;
use crate::actors::messages::heartbeat::{AnnounceEnd, RegisterAgain};
use crate::life::Reply;

/// Most signs that wait for Kafka. Each test has two at most, and the life of a driver holds 32 tests.
const MAX_SIGNS: usize = 64;

/// One record that announces the end of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// A bare word on the metrics topic.
    Word(String),
    /// A heartbeat `"NO"`. The driver does not leave: its next heartbeat is `"YES"` again.
    No,
}

impl HeartbeatActor {
    /// Publishes the oldest record that waits, then the next; one that Kafka does not take is published again with
    /// the next tick.
    pub(super) fn publish_signs(&mut self, ctx: &mut Context<Self>) {
        // Our own orchestrator reads "NO" as the driver leaving. While one of its tests waits or runs here,
        // announcements to classic orchestrators must wait.
        let led_by_ours = self.answer.revision.is_some()
            && matches!(self.answer.state, DriverState::Ready | DriverState::Running);
        if self.announcing || self.leaving || self.address.is_none() || led_by_ours {
            return;
        }
        let record = match self.signs.front() {
            None => return,
            Some(Sign::Word(word)) => {
                Outbound::EndWord { node_id: self.identity.node_id.clone(), word: word.clone() }
            }
            Some(Sign::No) => self.record(Reply::idle(), None, false),
        };
        self.announcing = true;
        let published = self.put(record);
        ctx.spawn(published.map(|published, actor, ctx| {
            actor.announcing = false;
            match published {
                Ok(()) => {
                    actor.signs.pop_front();
                    actor.publish_signs(ctx);
                }
                Err(error) => log::warn!(error:%; "end of a test not published, trying again"),
            }
        }));
    }
}

impl Handler<AnnounceEnd> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, AnnounceEnd(over): AnnounceEnd, ctx: &mut Self::Context) {
        log::info!(
            test_id:% = over.test_id, word:? = over.word, no = over.no;
            "announcing the end of a classic test"
        );
        for sign in over.word.map(Sign::Word).into_iter().chain(over.no.then_some(Sign::No)) {
            if self.signs.len() >= MAX_SIGNS {
                log::warn!(test_id:% = over.test_id, n_waiting = MAX_SIGNS; "end of a test not announced");
                return;
            }
            self.signs.push_back(sign);
        }
        self.publish_signs(ctx);
    }
}

impl Handler<RegisterAgain> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, _: RegisterAgain, ctx: &mut Self::Context) {
        if self.registering {
            self.again = true;
        } else if !self.leaving {
            self.registered = false;
            self.register(ctx);
        }
    }
}

//! What the actor answers of the open test: its parts, how it stands, what REST and `/metrics` show of it. None of it changes a
//! count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Handler, MessageResult};

use super::StatsAggregatorActor;
use super::messages::{GetBreach, GetExposed, GetParts, GetSearch, GetView};
use crate::assemble::view;
use crate::capacity::Want;
use crate::exposed::{Exposed, Phase};
use crate::model::TestView;
use crate::participant::PartSeen;
use crate::tally::Tally;
use crate::verdict::judge;

/// How long a judgement of the running test is reused, and what `/metrics` shows of it: each one reads all histograms, and
/// clients may ask at any rate.
const JUDGED_FOR: Duration = Duration::from_millis(250);

impl StatsAggregatorActor {
    /// How the open test stands by what is known so far; at most [`JUDGED_FOR`] old.
    fn judge(&mut self) {
        let recent = self.judged.as_ref().is_some_and(|(at, _)| at.elapsed() < JUDGED_FOR);
        if let Some(tally) = self.tally.as_deref().filter(|_| !recent) {
            self.judged = Some((Instant::now(), judge(&tally.facts_so_far())));
        }
    }
}

impl Handler<GetParts> for StatsAggregatorActor {
    type Result = Vec<PartSeen>;

    fn handle(&mut self, _: GetParts, _: &mut Self::Context) -> Self::Result {
        self.tally.as_deref().map(Tally::parts_seen).unwrap_or_default()
    }
}

impl Handler<GetBreach> for StatsAggregatorActor {
    type Result = Option<String>;

    fn handle(&mut self, _: GetBreach, _: &mut Self::Context) -> Self::Result {
        self.tally.as_deref().and_then(Tally::breach).map(str::to_owned)
    }
}

impl Handler<GetSearch> for StatsAggregatorActor {
    type Result = MessageResult<GetSearch>;

    fn handle(&mut self, _: GetSearch, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.tally.as_deref().map_or(Want::Nothing, Tally::search_wants))
    }
}

impl Handler<GetView> for StatsAggregatorActor {
    type Result = Option<TestView>;

    fn handle(&mut self, GetView(meta): GetView, _: &mut Self::Context) -> Self::Result {
        self.tally.as_ref().filter(|tally| *tally.test_id() == meta.test_id)?;
        let now_us = self.clock.unix_us();
        let started = meta.started_at.is_some_and(|at| at <= now_us);
        self.state = meta.state;
        if started {
            self.judge();
        }
        let tally = self.tally.as_ref()?;
        let judgement = self.judged.as_ref().filter(|_| started).map(|(_, judgement)| judgement);
        Some(view(&meta.borrowed(), tally, judgement, now_us))
    }
}

impl Handler<GetExposed> for StatsAggregatorActor {
    type Result = Option<Arc<Exposed>>;

    fn handle(&mut self, _: GetExposed, _: &mut Self::Context) -> Self::Result {
        let now_us = self.clock.unix_us();
        let Some(tally) = &self.tally else { return self.telemetry.last_test() };
        if let Some((_, shown)) = self.shown.as_ref().filter(|(at, _)| at.elapsed() < JUDGED_FOR) {
            return Some(Arc::clone(shown));
        }
        let begun = tally.has_begun(now_us);
        if begun {
            self.judge();
        }
        let standing = self.judged.as_ref().filter(|_| begun).map(|(_, judgement)| judgement.standing());
        let phase = Phase { state: Some(self.state), standing, verdict: None };
        let shown = Arc::new(self.tally.as_deref()?.exposed(phase, now_us));
        self.shown = Some((Instant::now(), Arc::clone(&shown)));
        Some(shown)
    }
}

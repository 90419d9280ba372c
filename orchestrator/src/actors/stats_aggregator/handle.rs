//! The tally of the test that is under way, as its peers use it.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Recipient};
use common::clock::UnixMicros;
use common::ids::TestId;
use common::kafka::Arrived;
use common::plan::RateChange;

use super::{
    CloseTally, ClosedTest, Counted, ForgetTally, GetBreach, GetExposed, GetParts, GetSearch, GetView, Meta,
    MetricsArrived, OpenTally, PartChanged, RateChanged, SearchRefused, TallyStarted,
};
use crate::actors::Gone;
use crate::capacity::Want;
use crate::exposed::Exposed;
use crate::model::TestView;
use crate::participant::PartSeen;
use crate::stopped_by::StoppedBy;
use crate::tally::Tally;

/// Made of the address of a [`StatsAggregatorActor`](super::StatsAggregatorActor).
#[derive(Debug, Clone)]
pub struct TallyHandle {
    arrived: Recipient<MetricsArrived>,
    open: Recipient<OpenTally>,
    forget: Recipient<ForgetTally>,
    started: Recipient<TallyStarted>,
    rate: Recipient<RateChanged>,
    part: Recipient<PartChanged>,
    breach: Recipient<GetBreach>,
    search: Recipient<GetSearch>,
    refused: Recipient<SearchRefused>,
    parts: Recipient<GetParts>,
    view: Recipient<GetView>,
    close: Recipient<CloseTally>,
}

impl TallyHandle {
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<MetricsArrived>
            + Handler<OpenTally>
            + Handler<ForgetTally>
            + Handler<TallyStarted>
            + Handler<RateChanged>
            + Handler<PartChanged>
            + Handler<GetParts>
            + Handler<GetBreach>
            + Handler<GetSearch>
            + Handler<SearchRefused>
            + Handler<GetView>
            + Handler<CloseTally>,
    {
        Self {
            arrived: actor.clone().recipient::<MetricsArrived>(),
            open: actor.clone().recipient::<OpenTally>(),
            forget: actor.clone().recipient::<ForgetTally>(),
            started: actor.clone().recipient::<TallyStarted>(),
            rate: actor.clone().recipient::<RateChanged>(),
            part: actor.clone().recipient::<PartChanged>(),
            breach: actor.clone().recipient::<GetBreach>(),
            search: actor.clone().recipient::<GetSearch>(),
            refused: actor.clone().recipient::<SearchRefused>(),
            parts: actor.clone().recipient::<GetParts>(),
            view: actor.clone().recipient::<GetView>(),
            close: actor.clone().recipient::<CloseTally>(),
        }
    }

    /// Counts a batch of records, and returns what to store ([`MetricsArrived`]).
    ///
    /// # Errors
    /// Where the actor has stopped: what is to store is not known then.
    pub async fn count(&self, batch: Arc<Vec<Arrived>>) -> Result<Counted, Gone> {
        Ok(self.arrived.send(MetricsArrived(batch)).await?)
    }

    /// Opens a tally: records that arrive from now on count for its test ([`OpenTally`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn open(&self, tally: Box<Tally>) -> Result<(), Gone> {
        Ok(self.open.send(OpenTally(tally)).await?)
    }

    /// Discards what was counted for a test that does not start after all ([`ForgetTally`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn forget(&self, test_id: TestId) -> Result<(), Gone> {
        Ok(self.forget.send(ForgetTally(test_id)).await?)
    }

    /// Notes when the drivers start ([`TallyStarted`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn started(&self, at: UnixMicros) -> Result<(), Gone> {
        Ok(self.started.send(TallyStarted(at)).await?)
    }

    /// Notes all changes of the open test's rate so far ([`RateChanged`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn rate_changed(&self, changes: Vec<RateChange>) -> Result<(), Gone> {
        Ok(self.rate.send(RateChanged(changes)).await?)
    }

    /// Notes a change of one driver's part that its records do not show ([`PartChanged`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn part_changed(&self, changed: PartChanged) -> Result<(), Gone> {
        Ok(self.part.send(changed).await?)
    }

    /// The state of each driver's part; empty if no test is open ([`GetParts`]).
    ///
    /// # Errors
    /// Where the actor has stopped. That is not an empty list: nothing is known of the parts then.
    pub async fn parts(&self) -> Result<Vec<PartSeen>, Gone> {
        Ok(self.parts.send(GetParts).await?)
    }

    /// The breach of a condition of the open test's `[abort]` ([`GetBreach`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn breach(&self) -> Result<Option<String>, Gone> {
        Ok(self.breach.send(GetBreach).await?)
    }

    /// What the search of the open test's `[capacity]` wants now ([`GetSearch`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn search(&self) -> Result<Want, Gone> {
        Ok(self.search.send(GetSearch).await?)
    }

    /// Says why the drivers cannot take the rate that the search wants ([`SearchRefused`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn search_refused(&self, why: String) -> Result<(), Gone> {
        Ok(self.refused.send(SearchRefused(why)).await?)
    }

    /// The open test as REST shows it; `None` where another or none is open ([`GetView`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn view(&self, meta: Meta) -> Result<Option<TestView>, Gone> {
        Ok(self.view.send(GetView(meta)).await?)
    }

    /// Judges the open test, which is over; `None` where another or none is open ([`CloseTally`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn close(&self, meta: Meta, stopped_by: Option<StoppedBy>) -> Result<Option<ClosedTest>, Gone> {
        Ok(self.close.send(CloseTally { meta, stopped_by }).await?)
    }
}

/// Asks for what `/metrics` shows of the newest test. Made of the address of a
/// [`StatsAggregatorActor`](super::StatsAggregatorActor), or of a stub in a test.
#[derive(Debug, Clone)]
pub struct ExposedReader {
    exposed: Recipient<GetExposed>,
}

impl ExposedReader {
    /// Asks this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<GetExposed>,
    {
        Self { exposed: actor.clone().recipient::<GetExposed>() }
    }

    /// The open test, else the one that was open last; `None` where there was none ([`GetExposed`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn newest(&self) -> Result<Option<Arc<Exposed>>, Gone> {
        Ok(self.exposed.send(GetExposed).await?)
    }
}

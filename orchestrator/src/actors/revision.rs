//! Late windows: finished tests that they belong to are counted and judged again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message, Recipient, ResponseFuture};
use common::clock::{UnixMicros, rfc3339, unix_us};
use common::ids::TestId;
use common::ordered::Ordered;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::recount::{recount, save_spans};
use super::{Gone, offer};
use crate::actors::events::{Changed, EventsHandle};
use crate::actors::store::{RecordsReader, StoreHandle};
use crate::assemble::{TestMeta, changes_of, view};
use crate::exposed::{Exposed, Phase};
use crate::model::{TestState, TestView, TimelineEntry, Verdict};
use crate::refusal::CommandError;
use crate::store::StoredTest;
use crate::tally::Tally;
use crate::telemetry::Telemetry;
use crate::verdict::judge;

/// Messages that may wait; the intake waits for room.
const MAILBOX: usize = 16;

/// Late windows arrive in bursts: a test is counted again when this long has passed since the last one.
const QUIET: Duration = Duration::from_secs(1);

/// Longest delay of a revision while late windows keep arriving.
const AT_LATEST: Duration = Duration::from_secs(10);

/// How often the tests that wait are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often a test that is not stored as finished yet is looked at again, a [`QUIET`] apart.
const MAX_LOOKS: u32 = 10;

/// What happens to a test that is counted again, in its timeline.
const REVISED: &str = "revised";

/// Late windows were stored for tests that are no longer active.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LateStored(pub BTreeSet<TestId>);

/// What the intake reports to the reviser. Made of the address of a [`RevisionActor`].
#[derive(Debug, Clone)]
pub struct RevisionHandle {
    late: Recipient<LateStored>,
}

impl RevisionHandle {
    /// Reports to this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<LateStored>,
    {
        Self { late: actor.clone().recipient::<LateStored>() }
    }

    /// Reports that late windows were stored for these tests; waits for room ([`LateStored`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn late_stored(&self, tests: BTreeSet<TestId>) -> Result<(), Gone> {
        Ok(self.late.send(LateStored(tests)).await?)
    }
}

/// The actors that it sends to.
#[derive(Clone)]
pub struct RevisionLinks {
    pub store: StoreHandle,
    pub records: RecordsReader,
    /// Sends changes to listeners.
    pub events: EventsHandle,
}

/// Revises the reports of finished tests.
///
/// - owns: which tests wait to be counted again (no more than are stored), and while one is, its tally.
/// - receives: [`LateStored`].
/// - sends: what is asked of [`StoreHandle`] and [`RecordsReader`], one outstanding; [`Changed::Test`].
/// - on failure: a failure of the store is logged; the test is revised when its next late window arrives.
/// - mailbox bound: 16.
pub struct RevisionActor {
    late: Ordered<BTreeSet<TestId>>,
}

struct Reviser {
    links: RevisionLinks,
    telemetry: Arc<Telemetry>,
    waiting: BTreeMap<TestId, Waiting>,
}

/// Since when a test waits.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    first: Instant,
    last: Instant,
    looks: u32,
}

impl RevisionActor {
    /// No test waits yet.
    pub fn new(links: RevisionLinks, telemetry: Arc<Telemetry>) -> Self {
        let reviser = Reviser { links, telemetry, waiting: BTreeMap::new() };
        Self { late: Ordered::new(MAILBOX, |late| reviser.run(late)) }
    }
}

impl Actor for RevisionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        self.late.start(context);
    }
}

impl Handler<LateStored> for RevisionActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, LateStored(tests): LateStored, _: &mut Self::Context) -> Self::Result {
        self.late.put(tests)
    }
}

impl Reviser {
    async fn run(mut self, mut late: mpsc::Receiver<BTreeSet<TestId>>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                tests = late.recv() => match tests {
                    Some(tests) => self.note(tests, Instant::now()),
                    None => return,
                },
                _ = look.tick() => self.look().await,
            }
        }
    }

    fn note(&mut self, tests: BTreeSet<TestId>, now: Instant) {
        for test in tests {
            let waiting = self.waiting.entry(test).or_insert(Waiting { first: now, last: now, looks: 0 });
            waiting.last = now;
        }
    }

    /// Revises one of the tests that have waited for long enough.
    async fn look(&mut self) {
        let now = Instant::now();
        let due = |waiting: &Waiting| now - waiting.last >= QUIET || now - waiting.first >= AT_LATEST;
        let Some(id) = self.waiting.iter().find(|(_, waiting)| due(waiting)).map(|(id, _)| id.clone()) else {
            return;
        };
        let Some(waiting) = self.waiting.remove(&id) else { return };
        match self.revise(&id).await {
            Ok(true) => {}
            // The finished test is still on its way to the store; its late windows were stored first.
            Ok(false) if waiting.looks < MAX_LOOKS => {
                let again = Waiting { first: now, last: now, looks: waiting.looks + 1 };
                self.waiting.entry(id).or_insert(again);
            }
            Ok(false) => log::warn!(test_id:% = id; "test with late windows is not stored as finished"),
            Err(error) => log::error!(test_id:% = id, error:%; "test not revised"),
        }
    }

    /// False where the test is not stored as finished.
    async fn revise(&self, id: &TestId) -> Result<bool, CommandError> {
        let internal = |error: &dyn std::fmt::Display| CommandError::Internal(error.to_string());
        let loaded = self.links.store.load_test(id).await;
        let Some(stored) = loaded.map_err(|error| internal(&error))? else { return Ok(true) };
        if stored.state != TestState::Finished {
            return Ok(false);
        }
        let plan = stored.plan.clone().into_plan().map_err(CommandError::Plan)?;
        let mut tally = Box::new(Tally::new(id.clone(), plan, &stored.participants));
        if let Some(started_at) = stored.started_at {
            tally.started(started_at);
            tally.rate_changed(changes_of(stored.report.as_ref(), started_at));
        }
        let mut tally = recount(&self.links.records, &self.links.store, tally).await?;
        let revised = revised(&stored, &mut tally, unix_us());
        save_spans(&self.links.store, &mut tally, false).await;
        let Some((revised, shown)) = revised else { return Ok(true) };
        let saved = self.links.store.save_revision(revised.clone()).await;
        saved.map_err(|error| internal(&error))?;
        self.telemetry.revise_test(shown);
        log::info!(test_id:% = id, verdict:? = revised.verdict; "test revised");
        offer(&self.links.events, Changed::Test(Box::new(revised)), &self.telemetry);
        Ok(true)
    }
}

/// The test with a report from all its stored records, and what `/metrics` shows of it; `None` if it never had a report.
fn revised(stored: &StoredTest, tally: &mut Tally, now_us: UnixMicros) -> Option<(TestView, Exposed)> {
    let before = stored.report.as_ref()?;
    let closing = stored.closing.clone().unwrap_or_default();
    tally.close(&closing);
    let judgement = judge(&tally.facts(closing.stopped_by.as_ref()));
    let mut timeline = before.timeline.clone();
    let received = tally.completeness().windows_received;
    let detail = happened(
        received.saturating_sub(before.completeness.windows_received),
        before.verdict,
        judgement.verdict,
    );
    let entry = TimelineEntry { at: rfc3339(now_us), what: REVISED.to_owned(), driver: None, detail };
    // One line for a burst that came in parts.
    match timeline.last_mut().filter(|last| last.what == REVISED && last.detail == entry.detail) {
        Some(last) => *last = entry,
        None => timeline.push(entry),
    }
    let id = tally.test_id().clone();
    let meta = TestMeta {
        test_id: &id,
        name: &before.name,
        state: TestState::Finished,
        plan: before.plan.clone(),
        created_at: stored.created_at,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
        timeline: &timeline,
    };
    let phase =
        Phase { state: Some(TestState::Finished), verdict: Some(judgement.verdict), ..Phase::default() };
    Some((view(&meta, tally, Some(&judgement), now_us), tally.exposed(phase, now_us)))
}

fn happened(n: u64, before: Option<Verdict>, now: Verdict) -> String {
    let windows = match n {
        0 => "reports came after the end".to_owned(),
        1 => "1 window came after the end".to_owned(),
        n => format!("{n} windows came after the end"),
    };
    match before {
        Some(before) if before != now => format!("{windows}: {}, now {}", before.as_str(), now.as_str()),
        _ => windows,
    }
}

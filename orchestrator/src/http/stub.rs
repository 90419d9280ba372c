//! Actors that answer as the real ones would, for the tests of the routes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use common::http_contract::Bootstrap;
use common::ids::Epoch;
use common::latency::Latencies;
use common::named_counts::NamedCounts;
use common::plan::Fault;
use common::plan::files::FileHash;
use common::settings::{Secret, TopicNames};
use common::wire::Topic;

use super::{Access, AppState, Commands, Token, Watch};
use crate::actors::driver_registry::{DriverList, ListDrivers};
use crate::actors::events::{EventsActor, EventsFeed};
use crate::actors::stats_aggregator::{ExposedReader, GetExposed};
use crate::actors::store::{
    CountTests, CountWindows, HistoryReader, LoadCompared, LoadLastSecond, LoadNamedFiles, LoadPage,
    LoadReportPage, LoadSpan, LoadWindows,
};
use crate::actors::test_manager::{
    ChangeRate, CopyTest, CreateTest, DeleteTest, GetTest, StopTest, TestsHandle, TriggerTest,
};
use crate::blocker::Blocker;
use crate::compare::ComparedSecond;
use crate::data_files::DataFiles;
use crate::exposed::{Exposed, Phase};
use crate::fixtures::{answered, driver_view, metrics, own_seconds, test_view, window};
use crate::model::*;
use crate::now::Clock;
use crate::refusal::CommandError;
use crate::settings::DataSettings;
use crate::statistics::Window;
use crate::store::{PageOf, ReportPage, SecondsPage, StoreError, TestFilter};
use crate::tally::pages::{FigureLines, SampleLines};
use crate::telemetry::{Readiness, Telemetry};

/// A test that exists.
pub const KNOWN: &str = "0199-known";
/// Two finished tests of one plan, of which the second is slower.
pub const FINISHED: &str = "0199-finished";
pub const SLOWER: &str = "0199-slower";
/// What opens, where a token is asked for.
pub const TOKEN: &str = "s3cret-token";

/// Answers as the actors would: what is asked for `KNOWN` is there.
struct Stub;

impl Actor for Stub {
    type Context = Context<Self>;
}

impl Stub {
    fn known(id: &common::ids::TestId) -> Result<TestView, CommandError> {
        match id.as_str() {
            KNOWN => Ok(test_view(KNOWN, "known")),
            "busy" => Err(CommandError::Conflict("test 0199-known runs".to_owned())),
            "lonely" => Err(CommandError::Drivers {
                summary: "1 of 2 drivers cannot take part".to_owned(),
                blockers: vec![(
                    "vm-2".to_owned(),
                    Blocker::Refused(Some("max_rate 5 is below 100".to_owned())),
                )],
            }),
            "broken" => Err(CommandError::Internal("/var/lib/x: disk I/O error".to_owned())),
            FINISHED | SLOWER => Ok(TestView {
                state: TestState::Finished,
                started_at: Some("2026-11-24T00:00:00.000000Z".to_owned()),
                plan: serde_json::json!({ "load": { "rate": 100, "duration": "2m" } }),
                ..test_view(id.as_str(), "finished")
            }),
            _ => Err(CommandError::NoSuchTest(id.clone())),
        }
    }
}

impl Handler<CreateTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, create: CreateTest, _: &mut Self::Context) -> Self::Result {
        let CreateTest(plan) = create;
        if plan.name == "refused" {
            return Err(CommandError::Plan(vec![Fault::contradiction("drivers", 9, "there are 2")]));
        }
        let mut test = test_view("0199-new", &plan.name);
        test.plan = plan.masked_json();
        Ok(test)
    }
}

impl Handler<CopyTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: CopyTest, _: &mut Self::Context) -> Self::Result {
        let known = Self::known(&asked.from)?;
        Ok(test_view("0199-new", &asked.name.unwrap_or(known.name)))
    }
}

impl Handler<TriggerTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: TriggerTest, _: &mut Self::Context) -> Self::Result {
        match asked.test_id.as_str() {
            "second" => Err(CommandError::UnderWay { test_id: asked.test_id, waited: asked.wait }),
            _ => Self::known(&asked.test_id),
        }
    }
}

impl Handler<StopTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: StopTest, _: &mut Self::Context) -> Self::Result {
        Self::known(&asked.0)
    }
}

impl Handler<ChangeRate> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: ChangeRate, _: &mut Self::Context) -> Self::Result {
        let mut test = Self::known(&asked.test_id)?;
        if asked.rate_per_s != 100.0 {
            test.rate_changes.push(RateChangeView {
                change: 1,
                at: "2026-11-24T00:00:12.000000Z".to_owned(),
                at_s: 12.0,
                rate: asked.rate_per_s,
                rate_before: 100.0,
            });
        }
        Ok(test)
    }
}

impl Handler<GetTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: GetTest, _: &mut Self::Context) -> Self::Result {
        Self::known(&asked.0)
    }
}

impl Handler<DeleteTest> for Stub {
    type Result = Result<TestView, CommandError>;
    fn handle(&mut self, asked: DeleteTest, _: &mut Self::Context) -> Self::Result {
        Self::known(&asked.0)
    }
}

impl Handler<GetExposed> for Stub {
    type Result = Option<Arc<Exposed>>;
    fn handle(&mut self, _: GetExposed, _: &mut Self::Context) -> Self::Result {
        let named = NamedCounts {
            requests: vec![("page".to_owned(), [9, 1]), ("page/a \"b\"".to_owned(), [7, 1])],
            scenarios: vec![("pay".to_owned(), [5, 1, 2, 3])],
        };
        let phase = Phase { state: Some(TestState::Running), standing: Some(Standing::Ok), verdict: None };
        let test_id = KNOWN.to_owned();
        Some(Arc::new(Exposed { test_id, name: "known".to_owned(), phase, named, ..Exposed::default() }))
    }
}

impl Handler<ListDrivers> for Stub {
    type Result = Vec<DriverView>;
    fn handle(&mut self, _: ListDrivers, _: &mut Self::Context) -> Self::Result {
        vec![driver_view("vm-1"), driver_view("vm-2")]
    }
}

impl Handler<LoadPage> for Stub {
    type Result = Result<TestPage, StoreError>;
    fn handle(&mut self, asked: LoadPage, _: &mut Self::Context) -> Self::Result {
        let TestFilter { state, verdict, text } = asked.filter;
        let filtered = [state.map(|state| format!("{state:?}")), verdict.map(|is| format!("{is:?}")), text];
        let filtered = filtered.into_iter().flatten().map(|word| format!("/{word}")).collect::<String>();
        let next_cursor = asked.cursor.map(|cursor| format!("{}/{cursor}{filtered}", asked.limit));
        Ok(TestPage { tests: Vec::new(), next_cursor })
    }
}

impl Handler<LoadWindows> for Stub {
    type Result = Result<Vec<WindowView>, StoreError>;
    fn handle(&mut self, LoadWindows(asked): LoadWindows, _: &mut Self::Context) -> Self::Result {
        let known = asked.driver.as_ref().is_none_or(|driver| driver.as_str() == "vm-1");
        if asked.test_id.as_str() != KNOWN || !known {
            return Ok(Vec::new());
        }
        let window = |seq| WindowView {
            test_id: KNOWN.to_owned(),
            node_id: asked.driver.as_ref().map(ToString::to_string),
            seq,
            seconds: asked.step.seconds(),
            from: String::new(),
            to: String::new(),
            scheduled: 1,
            sent: 1,
            completed: 1,
            failed: 0,
            dropped: 0,
            in_flight: 0,
            dropped_by: DroppedBy::default(),
            closed_on_reuse: 0,
            bytes_received: 130,
            status_codes: [("200".to_owned(), 1)].into(),
            errors: BTreeMap::new(),
            tls_causes: BTreeMap::new(),
            warmup: WarmupTotals::default(),
            busy: 0.5,
            machine: MachineShares::default(),
            latency_ms: LatencyView::default(),
            heat: None,
            requests: BTreeMap::new(),
            sessions: None,
            users: None,
        };
        let seconds = asked.step.first_of(asked.from)..=asked.to.min(9);
        Ok(seconds.filter(|second| asked.step.first_of(*second) == *second).map(window).collect())
    }
}

impl Handler<LoadLastSecond> for Stub {
    type Result = Result<Option<u64>, StoreError>;
    fn handle(&mut self, asked: LoadLastSecond, _: &mut Self::Context) -> Self::Result {
        Ok((asked.0.as_str() == KNOWN).then_some(9))
    }
}

impl Handler<LoadSpan> for Stub {
    type Result = Result<Option<SpanView>, StoreError>;
    fn handle(&mut self, asked: LoadSpan, _: &mut Self::Context) -> Self::Result {
        let span = SpanView {
            test_id: KNOWN.to_owned(),
            from: asked.from.unwrap_or(0),
            to: asked.to.unwrap_or(9),
            step: 1,
            ..SpanView::default()
        };
        Ok((asked.test_id.as_str() == KNOWN).then_some(span))
    }
}

impl Handler<LoadReportPage> for Stub {
    type Result = Result<ReportPage, StoreError>;
    /// Two seconds of `vm-1`, each a page: 10 requests a second, which took 1 ms.
    fn handle(&mut self, asked: LoadReportPage, _: &mut Self::Context) -> Self::Result {
        let records = (0..=asked.from).map(|seq| {
            let from_us = 1_763_920_638_000_000 + seq as i64 * 1_000_000;
            let mut window = window(seq, from_us, answered(10 * (seq + 1)));
            (0..10).for_each(|_| window.figures.all.latencies.ended(1_000, 1_000, true));
            metrics("vm-1", KNOWN, window)
        });
        let second = own_seconds(records).pop().filter(|_| asked.from < 2);
        let next = (asked.from == 0).then_some(1);
        match asked.of {
            PageOf::Whole => {
                let mut latencies = Box::new(Latencies::new());
                (0..20).for_each(|_| latencies.ended(1_000, 1_000, true));
                Ok(ReportPage::Whole { latencies, slower: 0 })
            }
            PageOf::Figures => {
                let mut lines = FigureLines::new(&asked.test_id, true);
                second.iter().for_each(|second| lines.add(second).unwrap());
                Ok(ReportPage::Figures(SecondsPage { lines: lines.finish(), next }))
            }
            PageOf::Samples(kinds) => {
                let mut lines = SampleLines::new(kinds);
                second.iter().for_each(|second| lines.add(second).unwrap());
                Ok(ReportPage::Samples(SecondsPage { lines: lines.finish(), next }))
            }
        }
    }
}

impl Handler<CountWindows> for Stub {
    type Result = Result<u64, StoreError>;
    fn handle(&mut self, _: CountWindows, _: &mut Self::Context) -> Self::Result {
        Ok(2)
    }
}

impl Handler<CountTests> for Stub {
    type Result = Result<BTreeMap<(String, Option<String>), u64>, StoreError>;
    fn handle(&mut self, _: CountTests, _: &mut Self::Context) -> Self::Result {
        Ok([(("finished".to_owned(), Some("passed".to_owned())), 3)].into())
    }
}

impl Handler<LoadCompared> for Stub {
    type Result = Result<(Vec<ComparedSecond>, Option<u64>), StoreError>;
    /// 120 seconds of 100 requests, in two parts: each takes 5 ms, and 6 ms in the test [`SLOWER`].
    fn handle(&mut self, asked: LoadCompared, _: &mut Self::Context) -> Self::Result {
        let us = if asked.test_id.as_str() == SLOWER { 6_000 } else { 5_000 };
        let second = |seq| {
            // Every tenth second is a little slower.
            let us = if seq % 10 == 0 { us + 200 } else { us };
            let window = Window { ended: 100, in_schedule: 100, ..Window::new([(us, 100)]) };
            ComparedSecond { seq, scheduled: 100, window }
        };
        let to = asked.from + 60;
        Ok(((asked.from..to).map(second).collect(), (to < 120).then_some(to)))
    }
}

impl Handler<LoadNamedFiles> for Stub {
    type Result = Result<BTreeSet<FileHash>, StoreError>;
    fn handle(&mut self, _: LoadNamedFiles, _: &mut Self::Context) -> Self::Result {
        Ok(BTreeSet::new())
    }
}

/// What a test steers behind the state.
pub struct Parts {
    /// Where the data files are.
    pub data_dir: tempfile::TempDir,
    pub events: actix::Addr<EventsActor>,
    pub readiness: Arc<Readiness>,
    pub telemetry: Arc<Telemetry>,
}

/// The state of a server over the stubs.
pub fn state(token: Option<&str>) -> (AppState, Parts) {
    let stub = Stub.start();
    let data_dir = tempfile::tempdir().unwrap();
    let limits = DataSettings {
        max_file_bytes: 4 << 20,
        max_bytes: 6 << 20,
        keep_unnamed: std::time::Duration::from_secs(3_600),
    };
    let telemetry = Arc::<Telemetry>::default();
    let readiness = Arc::<Readiness>::default();
    let events = EventsActor::new(Epoch(7), Arc::clone(&telemetry)).start();
    let commands = Commands {
        tests: TestsHandle::of(&stub),
        drivers: DriverList::of(&stub),
        events: EventsFeed::of(&events),
        exposed: ExposedReader::of(&stub),
    };
    let bootstrap = Bootstrap {
        brokers: vec!["127.0.0.1:9092".to_owned()],
        topic_prefix: "t-".to_owned(),
        topics: TopicNames::of([(Topic::Heartbeat, "beats".to_owned())]),
        protocol: 1,
    };
    let state = AppState::new(
        commands,
        HistoryReader::of(&stub),
        bootstrap,
        Clock::with_wall(|| 1_234_567),
        Watch {
            readiness: Arc::clone(&readiness),
            telemetry: Arc::clone(&telemetry),
            node_id: "orch-1".to_owned(),
            version: "0.1.0 (test)".to_owned(),
            try_target: Some("http://127.0.0.1:8081/ping".to_owned()),
        },
        Access {
            token: token.map(|token| Token::new(Secret::new(token))),
            any_host: false,
            max_body_bytes: 64 * 1024,
        },
        Arc::new(DataFiles::open(data_dir.path(), limits).unwrap()),
    );
    (state, Parts { data_dir, events, readiness, telemetry })
}

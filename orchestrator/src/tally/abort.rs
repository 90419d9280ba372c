//! `[abort]` while a test runs: for each condition a ring of the fleet's last seconds, added up exactly and looked at each
//! time a second is complete. It decides that a breach is there, and does not stop anything.
//!
//! A condition looks at whole windows alone: all its seconds lie after the warm-up, and the last one ends before the last
//! second of the planned load, because afterwards there is nothing left to stop. A second is complete once every driver
//! that takes part with windows has sent it; a driver that is lost is not waited for.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use common::figures::Figures;
use common::latency::{Latencies, Latency, LatencyKind};
use common::plan::{Abort, Figure, Plan, ThresholdOf};
use common::session_figures::{AllSessions, PassFigures, SessionFigures};

use super::series::Second;
use super::sessions;
use super::unstarted::Unstarted;
use crate::verdict::{Facts, OfSessions, Reported, Sample, breach};

/// Seconds shorter than this have no throughput: it is the last window of a driver that has ended.
const MIN_SECOND_US: i64 = 900_000;

/// The conditions of a plan and what they look at.
#[derive(Debug)]
pub struct Watch {
    /// In the order of the plan.
    rings: Vec<VecDeque<Slice>>,
    /// The first second after the warm-up.
    first: u64,
    breach: Option<String>,
}

/// What one condition needs of a second; the rest would take memory for nothing.
#[derive(Debug, Clone, Default)]
struct Slice {
    seq: u64,
    length_us: i64,
    figures: Figures,
    sessions: AllSessions,
}

impl Watch {
    pub fn new(plan: &Plan) -> Self {
        let warmup = plan.load.warmup;
        let first = warmup.as_secs() + u64::from(warmup.subsec_nanos() > 0);
        Self { rings: vec![VecDeque::new(); plan.abort.len()], first, breach: None }
    }

    /// The first breach, as a sentence; it stays.
    pub fn breach(&self) -> Option<&str> {
        self.breach.as_deref()
    }

    /// Takes the fleet's next second. `planned`: how long the load goes on after the start, `None` where that is not
    /// known; `any_done`: a driver has ended its load, so that the fleet's throughput falls by itself.
    pub fn take(&mut self, plan: &Plan, second: &Second, planned: Option<Duration>, any_done: bool) {
        let ends_at = Duration::from_secs(second.seq.saturating_add(1));
        if self.breach.is_some() || second.seq < self.first || planned.is_some_and(|end| ends_at >= end) {
            return;
        }
        for (abort, ring) in plan.abort.iter().zip(&mut self.rings) {
            let n = abort.over.as_secs();
            ring.push_back(Slice::of(abort, second));
            while ring.front().is_some_and(|slice| slice.seq.saturating_add(n) <= second.seq) {
                ring.pop_front();
            }
            let is_whole = second.seq + 1 >= self.first + n;
            let speed = abort.breach.figure == Figure::Throughput;
            let has_speed = !any_done && ring.iter().all(|slice| slice.length_us >= MIN_SECOND_US);
            if !is_whole || (speed && !has_speed) {
                continue;
            }
            let mut sum = Slice::default();
            ring.iter().for_each(|slice| sum.add(slice));
            if let Some(was) = breach::look(&sum.facts(plan, abort), abort) {
                self.breach = Some(breach::sentence(abort, &was, ends_at));
                return;
            }
        }
    }
}

impl Slice {
    fn of(abort: &Abort, second: &Second) -> Self {
        let (of, figure) = (&abort.breach.of, abort.breach.figure);
        let figures = match of {
            ThresholdOf::All => narrowed(&second.figures.all, figure),
            ThresholdOf::Request(name) => second
                .figures
                .named
                .get(name)
                .map_or_else(Figures::default, |figures| narrowed(figures, figure)),
            ThresholdOf::Group(_) | ThresholdOf::Poll(_) | ThresholdOf::Sessions(_) => Figures::default(),
        };
        Self {
            seq: second.seq,
            length_us: second.to_us.saturating_sub(second.from_us),
            figures,
            sessions: narrowed_sessions(&second.sessions, of, figure),
        }
    }

    fn add(&mut self, other: &Self) {
        self.figures += &other.figures;
        self.sessions += &other.sessions;
    }

    /// The facts for the rules of the verdict, as if the window were a whole test. It has all drivers as one.
    fn facts<'a>(&'a self, plan: &'a Plan, abort: &Abort) -> Facts<'a> {
        let seconds = abort.over.as_secs_f64();
        let mut counters = self.figures.counters.clone();
        let unsent = Unstarted::of(&self.sessions.counters()).beyond(&counters);
        // Ratios are of what ended in the window: what is still in flight may have been sent in it, and what ended may
        // have been sent before it.
        counters.sent = counters.completed + counters.failed;
        counters.warmup.sent = counters.warmup.completed + counters.warmup.failed;
        let with_sessions = plan.program.is_some() && abort.breach.of == ThresholdOf::All;
        let of_sessions = OfSessions {
            unsent,
            sessions: with_sessions.then(|| self.sessions.counters()),
            ..OfSessions::default()
        };
        let requests = Sample {
            throughput_per_s: Some(counters.completed_in_schedule as f64 / seconds),
            counters,
            reported: Reported::ALL,
            latencies: Cow::Borrowed(&self.figures.latencies),
            of_sessions,
            coverage: Some(1.0),
            schedule_s: Some(seconds),
            windows: 0,
            busy_windows: 0,
        };
        let fleet = match &abort.breach.of {
            ThresholdOf::All | ThresholdOf::Request(_) => requests,
            of => sessions::sample(of, &self.sessions, &requests, seconds),
        };
        Facts {
            plan,
            over: true,
            stopped_by: None,
            interrupted: None,
            steps: BTreeMap::new(),
            started_at: None,
            fleet,
            drivers: Vec::new(),
            of: Vec::new(),
            names: BTreeMap::new(),
            missing: Vec::new(),
            foreign: Vec::new(),
        }
    }
}

/// The counters, and the histograms that a figure is of.
fn narrowed(figures: &Figures, figure: Figure) -> Figures {
    let latencies = match figure {
        Figure::Latency { kind, .. } => {
            let mut latencies = figures.latencies.clone();
            let others =
                LatencyKind::ALL.iter().filter(|other| **other != kind && Some(**other) != kind.failed());
            others.for_each(|other| *latencies.of_mut(*other) = Latency::new());
            latencies
        }
        _ => Latencies::new(),
    };
    Figures { counters: figures.counters.clone(), latencies }
}

/// The counts of all sessions, which dropped ones are weighed by; response times and passes of what is looked at alone.
fn narrowed_sessions(all: &AllSessions, of: &ThresholdOf, figure: Figure) -> AllSessions {
    let timed = matches!(figure, Figure::Latency { .. });
    let response =
        |given: &Latency, wanted: bool| if timed && wanted { given.clone() } else { Latency::new() };
    let scenario = |(name, figures): (&String, &SessionFigures)| {
        let wanted = match of {
            ThresholdOf::Sessions(scenario) => scenario.as_ref().is_none_or(|scenario| scenario == name),
            _ => false,
        };
        let figures = SessionFigures {
            counters: figures.counters,
            warmup: figures.warmup,
            response: response(&figures.response, wanted),
            ended_at: BTreeMap::new(),
        };
        (name.clone(), figures)
    };
    let passes = |passes: &PassFigures| PassFigures {
        completed: passes.completed,
        failed: passes.failed,
        response: response(&passes.response, true),
    };
    let mut narrowed =
        AllSessions { scenarios: all.scenarios.iter().map(scenario).collect(), ..AllSessions::default() };
    match of {
        ThresholdOf::Group(name) => {
            narrowed.groups.extend(all.groups.get(name).map(|of| (name.clone(), passes(of))));
        }
        ThresholdOf::Poll(name) => {
            narrowed.polls.extend(all.polls.get(name).map(|of| (name.clone(), passes(of))));
        }
        ThresholdOf::All | ThresholdOf::Request(_) | ThresholdOf::Sessions(_) => {}
    }
    narrowed
}

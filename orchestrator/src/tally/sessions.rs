//! The figures of sessions, groups and polls: as a report shows them, and as facts for a threshold on them.
//!
//! They come from windows alone. Heartbeats have the counters of all requests, so while a test runs, these figures can be
//! a second behind the totals.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::counters::Counters;
use common::ids::RequestName;
use common::latency::{Latencies, Latency, LatencyKind, Spread};
use common::plan::ThresholdOf;
use common::plan::program::{Program, Step};
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures};

use super::Tally;
use super::part::Part;
use super::unstarted::Unstarted;
use super::views::share;
use crate::model::{PassTotals, ResponseLatency, SessionCounts, SessionTotals, SpanView, Totals};
use crate::verdict::{Facts, OfSessions, Reported, Sample};

/// Fills in what totals say of sessions, groups and polls. `unresolved`: how many of the sessions that did not end belong
/// to parts that are over. `per_second`: so many, per second of the schedule.
pub fn add_rows(
    totals: &mut Totals,
    tally: &Tally,
    sessions: &AllSessions,
    unresolved: impl Fn(Option<&str>) -> u64,
    per_second: impl Fn(Option<&str>) -> Option<f64>,
) {
    let Some(program) = &tally.plan.program else { return };
    let row = |name: Option<&str>, figures: &SessionFigures| SessionTotals {
        throughput_per_s: per_second(name),
        ..session_row(figures, unresolved(name))
    };
    totals.sessions = Some(row(None, &sessions.of_all()));
    let none = SessionFigures::default();
    let planned = program.scenarios.iter().map(|scenario| scenario.name.as_str());
    for name in planned.chain(sessions.scenarios.keys().map(String::as_str)) {
        let figures = sessions.scenarios.get(name).unwrap_or(&none);
        totals.scenarios.entry(name.to_owned()).or_insert_with(|| row(Some(name), figures));
    }
    let unstarted = Unstarted::of(&sessions.counters());
    totals.groups = pass_rows(program.groups.iter(), &sessions.groups, unstarted);
    totals.polls = pass_rows(polled(program).into_iter(), &sessions.polls, unstarted);
}

/// A window's sessions of all scenarios; `None` where it has none.
pub fn of_window(sessions: &AllSessions) -> Option<SessionTotals> {
    (!sessions.scenarios.is_empty())
        .then(|| SessionTotals { under_way: None, ..session_row(&sessions.of_all(), 0) })
}

/// Fills in what a span says of sessions, groups and polls; nothing where it has none.
pub fn of_span(span: &mut SpanView, sessions: &AllSessions) {
    let row = |figures: &SessionFigures| SessionTotals { under_way: None, ..session_row(figures, 0) };
    let unstarted = Unstarted::of(&sessions.counters());
    span.sessions = of_window(sessions);
    span.scenarios = sessions.scenarios.iter().map(|(name, of)| (name.clone(), row(of))).collect();
    span.groups = pass_rows(std::iter::empty(), &sessions.groups, unstarted);
    span.polls = pass_rows(std::iter::empty(), &sessions.polls, unstarted);
}

fn session_row(figures: &SessionFigures, unresolved: u64) -> SessionTotals {
    let (after, warmup) = (&figures.counters, &figures.warmup);
    let mut all = *after;
    all += warmup;
    SessionTotals {
        counts: counts(&all),
        under_way: Some(all.under_way().saturating_sub(unresolved)),
        unresolved,
        throughput_per_s: None,
        warmup: (*warmup != SessionCounters::default()).then(|| counts(warmup)),
        ended_at: figures.ended_at.clone(),
        latency_ms: ResponseLatency {
            response: Spread::of(&figures.response)
                .with_slower(after.slower())
                .left_open(after.leaves_open())
                .stats(),
        },
    }
}

fn counts(counters: &SessionCounters) -> SessionCounts {
    let SessionCounters { started, completed, failed, abandoned, dropped } = *counters;
    SessionCounts { started, completed, failed, abandoned, dropped }
}

fn pass_rows<'a>(
    planned: impl Iterator<Item = &'a RequestName>,
    passes: &'a BTreeMap<RequestName, PassFigures>,
    unstarted: Unstarted,
) -> BTreeMap<String, PassTotals> {
    let row = |of: &PassFigures| PassTotals {
        completed: of.completed,
        failed: of.failed,
        latency_ms: ResponseLatency { response: of.response.stats(slower(of, unstarted)) },
    };
    let none = PassFigures::default();
    let names = planned.chain(passes.keys());
    names.map(|name| (name.to_string(), row(passes.get(name).unwrap_or(&none)))).collect()
}

/// Passes that count as slower than any completed one: those that failed, and those of sessions that never began.
fn slower(passes: &PassFigures, unstarted: Unstarted) -> u64 {
    passes.failed + unstarted.would_have(passes.completed + passes.failed)
}

/// The requests that some scenario polls.
fn polled(program: &Program) -> Vec<&RequestName> {
    fn look<'p>(program: &'p Program, steps: &'p [Step], found: &mut Vec<&'p RequestName>) {
        for step in steps {
            if let Step::Poll { request, .. } = step {
                found.extend(program.requests.get(*request).map(|request| &request.name));
            }
            step.inner().into_iter().for_each(|steps| look(program, steps, found));
        }
    }
    let mut found = Vec::new();
    program.scenarios.iter().for_each(|scenario| look(program, &scenario.steps, &mut found));
    found
}

/// What a threshold on sessions, a group or a poll looks at: counts, and the times of the completed ones.
struct Looked<'a> {
    counters: Counters,
    response: Option<&'a Latency>,
    /// Those of sessions that never began, beyond the counters.
    unsent: u64,
    abandoned: Option<(u64, u64)>,
}

impl<'a> Looked<'a> {
    fn of(of: &ThresholdOf, all: &'a AllSessions) -> Self {
        match of {
            ThresholdOf::Sessions(Some(scenario)) => {
                let figures = all.scenarios.get(scenario);
                let counters = figures.map(|of| of.counters).unwrap_or_default();
                Self::sessions(counters, figures.map(|of| &of.response))
            }
            ThresholdOf::Group(name) => Self::passes(all.groups.get(name), all),
            ThresholdOf::Poll(name) => Self::passes(all.polls.get(name), all),
            // The response of all of them is merged by the caller.
            _ => Self::sessions(all.counters(), None),
        }
    }

    /// `errors.ratio` is failed / (completed + failed): what was abandoned or is under way is not among those "sent".
    fn sessions(counters: SessionCounters, response: Option<&'a Latency>) -> Self {
        Self {
            counters: Counters {
                scheduled: counters.due(),
                sent: counters.ended(),
                completed: counters.completed,
                failed: counters.failed,
                dropped_in_flight: counters.dropped,
                ..Counters::default()
            },
            response,
            unsent: 0,
            abandoned: counters.leaves_open().then_some((counters.abandoned, counters.started)),
        }
    }

    fn passes(passes: Option<&'a PassFigures>, all: &AllSessions) -> Self {
        let (completed, failed) = passes.map_or((0, 0), |passes| (passes.completed, passes.failed));
        let (scheduled, sent) = (completed + failed, completed + failed);
        Self {
            counters: Counters { scheduled, sent, completed, failed, ..Counters::default() },
            response: passes.map(|passes| &passes.response),
            unsent: Unstarted::of(&all.counters()).would_have(sent),
            abandoned: None,
        }
    }

    /// The sample of it; `all`: the one of all requests of the same drivers.
    fn sample<'s>(
        self,
        all: &Sample<'s>,
        whole: Option<Latency>,
        reported: Reported,
        throughput_per_s: Option<f64>,
    ) -> Sample<'s> {
        let response = whole.or_else(|| self.response.cloned()).unwrap_or_default();
        let held = response.count().min(self.counters.completed);
        let mut latencies = Latencies::new();
        *latencies.of_mut(LatencyKind::Response) = response;
        Sample {
            coverage: (reported != Reported::NONE).then(|| share(held, self.counters.completed)),
            counters: self.counters,
            reported,
            latencies: Cow::Owned(latencies),
            throughput_per_s,
            of_sessions: OfSessions {
                unsent: self.unsent,
                abandoned: self.abandoned,
                ..OfSessions::default()
            },
            ..all.clone()
        }
    }
}

/// The sample of sessions, a group or a poll over some seconds that were measured whole; `all`: the one of all requests
/// in them.
pub fn sample<'s>(of: &ThresholdOf, sessions: &AllSessions, all: &Sample<'s>, seconds: f64) -> Sample<'s> {
    let looked = Looked::of(of, sessions);
    let whole = (*of == ThresholdOf::Sessions(None)).then(|| sessions.of_all().response);
    let throughput = looked.counters.completed as f64 / seconds;
    looked.sample(all, whole, Reported::ALL, Some(throughput))
}

/// The facts about sessions, a group or a poll, made from those about all requests: what a driver and its machine did is
/// the same, its figures are those of what is looked at.
pub fn facts<'a>(tally: &'a Tally, all: &Facts<'a>, of: &ThresholdOf) -> Facts<'a> {
    let mut facts = all.clone();
    let whole =
        |sessions: &AllSessions| (*of == ThresholdOf::Sessions(None)).then(|| sessions.of_all().response);
    let completed = |part: &Part| Looked::of(of, &part.windows.sessions).counters.completed;
    for (driver, part) in facts.drivers.iter_mut().zip(&tally.parts) {
        let sessions = &part.windows.sessions;
        // Other people's drivers have no sessions.
        let reported = if part.is_classic() { Reported::NONE } else { driver.sample.reported };
        let throughput = tally.per_second_of(part, completed(part));
        driver.sample =
            Looked::of(of, sessions).sample(&driver.sample, whole(sessions), reported, throughput);
    }
    let reported = facts.drivers.iter().fold(Reported::ALL, |all, driver| all.and(driver.sample.reported));
    let throughput = tally.fleet_per_second_of(completed);
    let looked = Looked::of(of, &tally.sessions);
    let mut fleet = looked.sample(&facts.fleet, whole(&tally.sessions), reported, throughput);
    if facts.drivers.iter().any(|driver| driver.sample.coverage.is_none()) {
        fleet.coverage = None;
    }
    Facts { fleet, ..facts }
}

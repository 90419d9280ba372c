//! `[abort]` while a test runs: for each condition a ring of the fleet's last seconds, added up exactly and looked at each
//! time a second is complete. It decides that a breach is there, and does not stop anything.
//!
//! A condition looks at whole windows alone: all its seconds lie after the warm-up, and the last one ends before the last
//! second of the planned load, because afterwards there is nothing left to stop. A second is complete once every driver
//! that takes part with windows has sent it; a driver that is lost is not waited for.
//!
//! A second's histograms take up to 400 kB, so a window of ten minutes would hold 200 MB of them for each condition. One of
//! more than a minute is therefore kept in pieces of a sixtieth of it (of ten minutes 10 s), and looked at once in such a
//! step instead of each second. Each look is of exactly the seconds that the condition names.

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

/// Most steps of a window. A window that is not a multiple of its step is cut at both ends of each look, which makes up to two
/// pieces of a step.
const MAX_STEPS: u64 = 60;

/// The conditions of a plan and what they look at.
#[derive(Debug)]
pub struct Watch {
    /// In the order of the plan.
    rings: Vec<VecDeque<Slice>>,
    /// The first second after the warm-up.
    first: u64,
    breach: Option<String>,
}

/// How a window of so many seconds is cut into pieces. Seconds are counted from the first one after the warm-up.
#[derive(Debug, Clone, Copy)]
struct Steps {
    seconds: u64,
    step: u64,
}

impl Steps {
    fn of(seconds: u64) -> Self {
        Self { seconds, step: seconds.div_ceil(MAX_STEPS).max(1) }
    }

    /// Which piece a second belongs to. Looks come at the ends of the seconds n, n + step, n + 2·step, …, and begin n before
    /// them: at 0, step, 2·step, … Pieces end at both.
    fn piece(self, second: u64) -> (u64, bool) {
        (second / self.step, second % self.step >= self.seconds % self.step)
    }

    /// Whether a window ends with this second, and is looked at.
    fn looks_after(self, second: u64) -> bool {
        (second + 1).checked_sub(self.seconds).is_some_and(|begins| begins.is_multiple_of(self.step))
    }
}

/// What one condition needs of one second or of a piece of several; the rest would take memory for nothing.
#[derive(Debug, Clone, Default)]
struct Slice {
    /// Of its last second.
    seq: u64,
    /// Of its shortest second.
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
            let steps = Steps::of(abort.over.as_secs());
            let of_load = |seq: u64| seq.saturating_sub(self.first);
            let slice = Slice::of(abort, second);
            match ring
                .back_mut()
                .filter(|last| steps.piece(of_load(last.seq)) == steps.piece(of_load(second.seq)))
            {
                Some(last) => last.go_on(slice),
                None => ring.push_back(slice),
            }
            while ring.front().is_some_and(|slice| slice.seq.saturating_add(steps.seconds) <= second.seq) {
                ring.pop_front();
            }
            let is_whole = steps.looks_after(of_load(second.seq));
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

    /// Takes the next second into the same piece.
    fn go_on(&mut self, next: Self) {
        self.add(&next);
        (self.seq, self.length_us) = (next.seq, self.length_us.min(next.length_us));
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
            capacity: None,
            rate_changes: &[],
            fleet,
            drivers: Vec::new(),
            of: Vec::new(),
            names: BTreeMap::new(),
            shared: BTreeMap::new(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_look_is_of_whole_pieces_and_there_are_few(seconds in 1..=600_u64, more in 0..300_u64) {
            let steps = Steps::of(seconds);
            prop_assert!(seconds > MAX_STEPS || steps.step == 1);
            let end = seconds + more;
            let looks = steps.looks_after(end - 1);
            prop_assert_eq!(looks, more % steps.step == 0, "the first one when the window is whole, then each step");
            let mut pieces: Vec<_> = (more..end).map(|second| steps.piece(second)).collect();
            pieces.dedup();
            prop_assert!(pieces.len() as u64 <= 2 * MAX_STEPS + 1);
            if looks {
                prop_assert!(more == 0 || steps.piece(more - 1) != steps.piece(more), "it begins with a piece");
                prop_assert_ne!(steps.piece(end - 1), steps.piece(end), "and ends with one");
            }
        }
    }
}

//! What is counted of sessions, groups and polls in one window: in arrays, by their indexes in the program, which become
//! names when the window closes.

use std::collections::BTreeMap;

use common::counters::ErrorKind;
use common::ids::RequestName;
use common::latency::Latency;
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures};

use super::recorder::{Due, Recorder, us};
use super::tally::Waiting;
use super::windows::Windows;
use crate::engine::RequestIndex;
use crate::scenario::script::{Names, Script};
use crate::scenario::session::{End, Notes, Over, Pass};
use crate::start_at::Nanos;

/// Of one scenario.
#[derive(Debug, Default)]
struct OfScenario {
    counters: SessionCounters,
    warmup: SessionCounters,
    response: Latency,
    waiting: Waiting,
    /// By the index of the step's name.
    ended_at: Box<[u64]>,
}

/// The sessions, groups and polls of an open window; without a program there are none, and nothing is allocated.
#[derive(Debug, Default)]
pub struct OpenSessions {
    scenarios: Box<[OfScenario]>,
    groups: Box<[PassFigures]>,
    polls: Box<[PassFigures]>,
}

impl OpenSessions {
    /// Nothing was counted.
    pub fn new(names: &Names) -> Self {
        let passes = |names: &[RequestName]| names.iter().map(|_| PassFigures::default()).collect();
        let scenario = |steps: usize| OfScenario { ended_at: vec![0; steps].into(), ..OfScenario::default() };
        Self {
            scenarios: names.scenarios.iter().map(|names| scenario(names.steps.len())).collect(),
            groups: passes(&names.groups),
            polls: passes(&names.polls),
        }
    }

    /// The same under the names of the program. What has no figures is left out.
    pub fn named(self, names: &Names) -> AllSessions {
        let none = SessionCounters::default();
        let scenarios = names.scenarios.iter().zip(self.scenarios).filter_map(|(names, of)| {
            let ended_at = names.steps.iter().cloned().zip(of.ended_at).filter(|(_, n)| *n > 0).collect();
            let OfScenario { counters, warmup, mut response, mut waiting, .. } = of;
            waiting.empty(&mut response);
            let counted = counters != none || warmup != none;
            counted.then(|| (names.name.clone(), SessionFigures { counters, warmup, response, ended_at }))
        });
        let passes = |names: &[RequestName], of: Box<[PassFigures]>| {
            let counted = names.iter().cloned().zip(of).filter(|(_, of)| of.completed + of.failed > 0);
            counted.collect()
        };
        AllSessions {
            scenarios: scenarios.collect(),
            groups: passes(&names.groups, self.groups),
            polls: passes(&names.polls, self.polls),
            shared: BTreeMap::new(),
        }
    }
}

impl OfScenario {
    fn counters(&mut self, warmup: bool) -> &mut SessionCounters {
        if warmup { &mut self.warmup } else { &mut self.counters }
    }
}

impl Recorder {
    /// Nothing happened yet. The plan has sessions.
    pub fn of_script(script: &Script, schedule_to: Nanos) -> Self {
        let names = &script.names;
        let expect_status = (0..names.requests.len()).map(|at| {
            let of = names.part_of[at].map_or(at, usize::from);
            // An index behind those of the program's requests is that of a redirect.
            script.requests.get(of).map_or_else(|| vec![(300, 399)], |request| request.expect_status.to_vec())
        });
        Self {
            expect_status: expect_status.collect(),
            windows: Windows::of_program(names.clone()),
            schedule_to,
        }
    }

    /// An attempt is not sent, because it could not be rendered: it counts as sent and as failed at that instant, and has
    /// a lag and no other latency, for none was measured. `sent_as`: the name that it is sent under, where it follows a
    /// redirect.
    pub fn unsent(&mut self, due: Due, sent_as: RequestIndex, began: Nanos, kind: ErrorKind) {
        self.sent(Due { request: sent_as, ..due }, began, false);
        let counters = &mut self.windows.at(began, due.request).counters;
        counters.failed += 1;
        *counters.errors.entry(kind).or_default() += 1;
        if due.warmup {
            counters.warmup.failed += 1;
            *counters.warmup.errors.entry(kind).or_default() += 1;
            counters.warmup.cancelled += u64::from(kind == ErrorKind::Cancelled);
        }
    }

    /// A session of a scenario began, that was due then.
    pub fn session_started(&mut self, scenario: usize, due: Nanos, warmup: bool) {
        self.windows.sessions(due).scenarios[scenario].counters(warmup).started += 1;
    }

    /// A session fell due and does not begin.
    pub fn session_dropped(&mut self, scenario: usize, due: Nanos, warmup: bool) {
        self.windows.sessions(due).scenarios[scenario].counters(warmup).dropped += 1;
    }

    /// A session is over, at an instant.
    pub fn session_over(&mut self, scenario: usize, warmup: bool, over: &Over, at: Nanos) {
        let of = &mut self.windows.sessions(at).scenarios[scenario];
        let counters = of.counters(warmup);
        let ended_at = match over.end {
            End::Completed(response) => {
                counters.completed += 1;
                if !warmup {
                    of.waiting.record_us(us(response), &mut of.response);
                }
                None
            }
            End::Failed(step) => {
                counters.failed += 1;
                Some(step)
            }
            End::Abandoned(step) => {
                counters.abandoned += 1;
                Some(step)
            }
        };
        if let Some(step) = ended_at.filter(|_| !warmup)
            && let Some(n) = of.ended_at.get_mut(step as usize)
        {
            *n += 1;
        }
    }
}

fn passed(of: &mut PassFigures, response: Option<Nanos>) {
    match response {
        Some(response) => {
            of.completed += 1;
            of.response.record_us(us(response));
        }
        None => of.failed += 1,
    }
}

impl Notes for Recorder {
    fn grouped(&mut self, group: u16, pass: Pass) {
        if !pass.warmup {
            passed(&mut self.windows.sessions(pass.at).groups[usize::from(group)], pass.response);
        }
    }

    fn polled(&mut self, poll: u16, pass: Pass) {
        if !pass.warmup {
            passed(&mut self.windows.sessions(pass.at).polls[usize::from(poll)], pass.response);
        }
    }
}

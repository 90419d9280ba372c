//! A program as one driver runs it: everything is compiled, nothing is looked up by name any more. One per test,
//! shared by its workers. It refuses to know sessions, sockets and clocks.

mod addresses;
mod compile;
mod names;
mod uses;

use std::collections::BTreeMap;

use common::ids::RequestName;
use common::plan::TargetUrl;
use common::plan::program::{Connections, OnFail, Order, Program, Think};

use self::addresses::Addresses;
pub use self::addresses::Gives;
pub use self::names::{Names, ScenarioNames};
use super::answer::Examiner;
use super::numbers::Mix;
use super::render::{Constants, RequestText, Text};
use super::rows::Rows;
use super::variables::Layout;
use crate::engine::RequestIndex;
use crate::start_at::Nanos;

/// Entries of the table of scenarios, which every driver and every worker of a fleet has to have in common, whatever it
/// knows of the others. A prime number: see [`Mix::new`].
const MIX_ENTRIES: u32 = 10_007;

/// A program, compiled for one driver.
#[derive(Debug)]
pub struct Script {
    /// The seed of all random values.
    pub seed: u64,
    /// Which session has which scenario.
    pub mix: Mix,
    /// Where variables stand in a session's memory.
    pub layout: Layout,
    /// The rows of each data set.
    pub rows: Box<[Rows]>,
    /// Which of them give each row once at most.
    pub once: Box<[bool]>,
    /// By their index in the program.
    pub scenarios: Box<[Track]>,
    /// By their index in the program, which is the engine's, too.
    pub requests: Box<[Sendable]>,
    /// By their index in the program.
    pub hosts: Box<[TargetUrl]>,
    /// What figures are counted under.
    pub names: Names,
    /// How many addresses and forms of answers requests are sent to.
    pub n_addresses: usize,
}

/// One scenario: instructions, and what holds for its sessions.
#[derive(Debug)]
pub struct Track {
    /// Ends with [`Op::End`]; jumps stay inside.
    pub ops: Box<[Op]>,
    /// Fixed once a session, in this order.
    pub lets: Box<[(usize, Text)]>,
    /// The place of random values in `lets`.
    pub lets_place: u64,
    /// Bytes of a session's cookie jar.
    pub cookie_bytes: Option<usize>,
    /// Whose connections its attempts take.
    pub connections: Connections,
    /// What a failed step means.
    pub on_fail: OnFail,
    /// The request that a dropped session counts under: the first of its steps.
    pub first: RequestIndex,
    /// For each data set, the most rows that one session takes; 0 where the scenario does not use it.
    pub takes: Box<[u64]>,
}

/// One request, with all that is done to its answers.
#[derive(Debug)]
pub struct Sendable {
    /// Its name.
    pub name: RequestName,
    /// Its bytes, or how they are made.
    pub text: RequestText,
    /// Whether the bytes are the same for every attempt.
    pub constant: bool,
    /// Where it goes, where it is constant: index into the program's hosts.
    pub host: u16,
    /// Checks and extracts.
    pub examiner: Examiner,
    /// The texts that the checks expect, as the examiner counts them.
    pub expected: Box<[Text]>,
    /// Most redirects that are followed.
    pub follow: u8,
    /// The name that redirects count under.
    pub redirect: RequestIndex,
    /// The addresses and forms that its answers give.
    pub gives: Box<[Gives]>,
    /// Those that it is sent to, in the order in which they stand in its address.
    pub sent_to: Box<[usize]>,
    /// Whether anything is looked at in answers that have an expected status.
    pub examined: bool,
    /// Statuses that count as expected.
    pub expect_status: Box<[(u16, u16)]>,
    /// From the attempt to the last byte.
    pub timeout: Nanos,
    /// Whether connections are kept.
    pub connection_reuse: bool,
    /// Statistics by a value of the session's row.
    pub split: Option<SplitBy>,
}

/// Under which name each row's attempts count.
#[derive(Debug)]
pub struct SplitBy {
    /// Which data set.
    pub data: usize,
    /// By row.
    pub by_row: Box<[RequestIndex]>,
}

/// One instruction.
#[derive(Debug)]
pub enum Op {
    /// Sends a request.
    Request(Step),
    /// Waits.
    Think {
        /// How long.
        think: Think,
        /// The place of its random value.
        place: u64,
    },
    /// A pass through a group begins.
    GroupBegin(u16),
    /// It ends.
    GroupEnd,
    /// Goes on at one of several instructions, by weight.
    Choose {
        /// Up to which sum of weights, exclusive, each is taken, and where it begins.
        branches: Box<[(u64, u32)]>,
        /// The sum of all weights.
        total: u64,
        /// The place of its random value.
        place: u64,
    },
    /// Goes on there.
    Jump(u32),
    /// Goes on there unless all of these hold.
    JumpUnless(Box<[Test]>, u32),
    /// The first round of a repeat begins.
    RepeatBegin,
    /// A round is over; another one begins at the instruction `back` until there were so many.
    RepeatEnd {
        /// At least 1.
        times: u32,
        /// Where a round begins.
        back: u32,
    },
    /// Sends a request again and again.
    Poll {
        /// The request.
        step: Step,
        /// Index of its figures.
        poll: u16,
        /// What must hold.
        until: Box<[Test]>,
        /// From the end of an attempt to the next.
        every: Nanos,
        /// Most attempts.
        at_most: u32,
    },
    /// Takes another row.
    Draw(usize),
    /// The session is over.
    End,
}

/// A step that sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Index of the request.
    pub request: RequestIndex,
    /// Due so long after the session's own due time.
    pub at: Option<Nanos>,
    /// The place of its random values, without rounds.
    pub place: u64,
    /// Index of its name among those of its scenario's steps.
    pub name: u32,
}

/// One condition.
#[derive(Debug)]
pub struct Test {
    /// What is looked at.
    pub value: Text,
    /// It must be one of these,
    pub any_of: Box<[Text]>,
    /// or none of them.
    pub not: bool,
}

impl Script {
    /// Compiles a program. `rows`: those of files, by the index of their data set.
    pub fn new(program: &Program, constants: &Constants<'_>, mut rows: BTreeMap<usize, Rows>) -> Self {
        let shares: Vec<u32> = program.scenarios.iter().map(|scenario| scenario.share).collect();
        let (names, addresses) = (Names::new(program), Addresses::new(program));
        let of = |(at, data)| rows.remove(&at).unwrap_or_else(|| Rows::new(data, constants.seed));
        let rows: Box<[Rows]> = program.data.iter().enumerate().map(of).collect();
        let scenarios = program.scenarios.iter().zip(&names.scenarios);
        Self {
            seed: constants.seed,
            mix: Mix::new(constants.seed, &shares, MIX_ENTRIES),
            layout: Layout::new(&program.variables),
            once: program.data.iter().map(|data| data.order == Order::Once).collect(),
            scenarios: scenarios
                .map(|(scenario, its)| compile::track(program, scenario, constants, &names, its))
                .collect(),
            requests: compile::requests(program, constants, &names, &rows, &addresses),
            rows,
            hosts: program.hosts.iter().map(|host| host.url.clone()).collect(),
            names,
            n_addresses: addresses.len(),
        }
    }

    /// The first data set that gives its rows once and has none left for the session of this number.
    pub fn used_up(&self, g: u64) -> Option<usize> {
        if !self.once.contains(&true) {
            return None;
        }
        let track = &self.scenarios[self.mix.scenario(g)];
        let lacks = |data: &usize| {
            self.once[*data] && track.takes[*data] > 0 && self.mix.ordinal(g) >= self.rows[*data].len()
        };
        (0..self.rows.len()).find(lacks)
    }

    /// Deepest nesting of groups and of repeats: what a session allocates for them.
    pub(super) fn depth(&self) -> usize {
        let deepest = |track: &Track| {
            let (mut now, mut most) = (0_usize, 0);
            for op in &track.ops {
                match op {
                    Op::GroupBegin(_) | Op::RepeatBegin => now += 1,
                    Op::GroupEnd | Op::RepeatEnd { .. } => now = now.saturating_sub(1),
                    _ => {}
                }
                most = most.max(now);
            }
            most
        };
        self.scenarios.iter().map(deepest).max().unwrap_or(0)
    }
}

impl Sendable {
    /// Whether an answer with this status is expected.
    #[inline]
    pub fn expects(&self, status: u16) -> bool {
        self.expect_status.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }
}

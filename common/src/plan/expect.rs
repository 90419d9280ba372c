//! What a program's sessions are expected to do, from the plan alone: how many requests of each name, how long they
//! think, how many they send at most, and how much memory one needs. Pure; load checks, the length of the drain, safety
//! and `plan show` use it.

use std::time::Duration;

use super::program::{Connections, Program, Scenario, Step, Think};

/// How often the mean an exponential think time is at most.
pub const LONGEST_EXPONENTIAL: u32 = 10;

/// Memory that a session needs beside its variables, cookies and connection, in bytes: its place in the script, its due
/// time in the heap, its rows, and what the allocator adds. Measured: a driver's memory grew by 710 to 720 B a user from
/// 100 to 10,000 and 16,000 users without variables and cookies, whose connections were shared.
pub const SESSION_OVERHEAD_BYTES: usize = 768;

/// Memory of a connection of its own, in bytes. Measured: the same users took 360 to 390 B more with a connection each,
/// and those with cookies another 100.
pub const OWN_CONNECTION_BYTES: usize = 448;

/// What one session of a program is expected to do, over all scenarios by their shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Requests of each name in one session, on average, by the index of the request.
    pub requests: Vec<f64>,
    /// How long a session thinks or waits for an `at`, on average.
    pub thinking: Duration,
    /// The longest that a session thinks.
    pub longest_thinking: Duration,
    /// The most requests that one session sends, redirects and polls included.
    pub most_requests: u64,
    /// Memory of one session, in bytes.
    pub session_bytes: usize,
    /// Whether the number of requests depends on answers: on `when`, `poll` or `follow`.
    pub depends_on_answers: bool,
    /// The same by scenario.
    pub scenarios: Vec<ExpectScenario>,
}

/// What one session of a scenario is expected to do.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectScenario {
    /// Its part of all sessions, 0 to 1.
    pub part: f64,
    /// Requests of each name, on average, by the index of the request. Of a `when` either branch counts half, a poll
    /// counts as one attempt, and a redirect is not counted.
    pub requests: Vec<f64>,
    /// How long a session thinks, on average.
    pub thinking: Duration,
    /// The longest that it thinks.
    pub longest_thinking: Duration,
    /// The most requests that it sends.
    pub most_requests: u64,
    /// Whether the number of requests depends on answers.
    pub depends_on_answers: bool,
}

impl Expect {
    /// Adds up a program.
    pub fn of(program: &Program) -> Self {
        let sum: f64 = program.scenarios.iter().map(|scenario| f64::from(scenario.share)).sum();
        let scenarios: Vec<ExpectScenario> = program
            .scenarios
            .iter()
            .map(|scenario| ExpectScenario::of(program, scenario, f64::from(scenario.share) / sum.max(1.0)))
            .collect();
        let mut requests = vec![0.0; program.requests.len()];
        for scenario in &scenarios {
            for (all, n) in requests.iter_mut().zip(&scenario.requests) {
                *all += n * scenario.part;
            }
        }
        let thinking = scenarios.iter().map(|one| one.thinking.as_secs_f64() * one.part).sum();
        Self {
            requests,
            thinking: seconds(thinking),
            longest_thinking: scenarios.iter().map(|one| one.longest_thinking).max().unwrap_or_default(),
            most_requests: scenarios.iter().map(|one| one.most_requests).max().unwrap_or(0),
            session_bytes: session_bytes(program),
            depends_on_answers: scenarios.iter().any(|one| one.depends_on_answers),
            scenarios,
        }
    }

    /// Requests that a session sends on average.
    pub fn requests_per_session(&self) -> f64 {
        self.requests.iter().sum()
    }
}

/// The variables of the plan, the largest cookie jar, the rows, a connection where one is kept for a session or user, and
/// what each session needs beside these.
fn session_bytes(program: &Program) -> usize {
    let variables: usize = program.variables.iter().map(|variable| variable.max + size_of::<u32>()).sum();
    let cookies = program.scenarios.iter().filter_map(|scenario| scenario.cookie_bytes).max().unwrap_or(0);
    let rows = program.data.len() * size_of::<Option<usize>>();
    let owns = program.scenarios.iter().any(|scenario| scenario.connections != Connections::Shared);
    let connection = if owns { OWN_CONNECTION_BYTES } else { 0 };
    SESSION_OVERHEAD_BYTES + variables + cookies + rows + connection
}

impl ExpectScenario {
    fn of(program: &Program, scenario: &Scenario, part: f64) -> Self {
        let mut sums =
            Sums { program, requests: vec![0.0; program.requests.len()], depends_on_answers: false };
        let spent = sums.steps(&scenario.steps, 1.0, Spent::default());
        Self {
            part,
            requests: sums.requests,
            thinking: seconds(spent.mean_s),
            longest_thinking: spent.longest,
            most_requests: spent.most_requests,
            depends_on_answers: sums.depends_on_answers,
        }
    }
}

/// What a session has spent when it is through some of its steps, if every answer came at once.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    mean_s: f64,
    longest: Duration,
    /// The same two if no step had an `at`.
    without_at_s: f64,
    longest_without_at: Duration,
    most_requests: u64,
}

struct Sums<'a> {
    program: &'a Program,
    requests: Vec<f64>,
    depends_on_answers: bool,
}

impl Sums<'_> {
    /// Adds steps that a session passes so often on average. Returns what is spent after one pass.
    fn steps(&mut self, steps: &[Step], often: f64, before: Spent) -> Spent {
        steps.iter().fold(before, |spent, step| self.step(step, often, spent))
    }

    fn step(&mut self, step: &Step, often: f64, mut spent: Spent) -> Spent {
        match step {
            Step::Request { request, at } => {
                self.send(*request, often, 1, &mut spent);
                if let Some(at) = at {
                    // Later steps go on from there, where the session was not later already.
                    spent.mean_s = spent.mean_s.max(at.as_secs_f64());
                    spent.longest = spent.longest.max(*at);
                }
                spent
            }
            Step::Poll { request, at_most, .. } => {
                self.depends_on_answers |= *at_most > 1;
                self.send(*request, often, u64::from(*at_most), &mut spent);
                spent
            }
            Step::Think(think) => {
                let (mean_s, longest) = match *think {
                    Think::Fixed(time) => (time.as_secs_f64(), time),
                    Think::Uniform(low, high) => ((low.as_secs_f64() + high.as_secs_f64()) / 2.0, high),
                    Think::Exponential(mean) => {
                        (mean.as_secs_f64(), mean.saturating_mul(LONGEST_EXPONENTIAL))
                    }
                };
                spent.mean_s += mean_s;
                spent.without_at_s += mean_s;
                spent.longest = spent.longest.saturating_add(longest);
                spent.longest_without_at = spent.longest_without_at.saturating_add(longest);
                spent
            }
            Step::Draw { .. } => spent,
            Step::Group { steps, .. } | Step::Flow { steps, .. } => self.steps(steps, often, spent),
            Step::Repeat { times, steps } => self.repeat(*times, steps, often, spent),
            Step::Choose(choices) => {
                let sum: f64 = choices.iter().map(|choice| f64::from(choice.weight)).sum();
                let branches =
                    choices.iter().map(|choice| (f64::from(choice.weight) / sum, choice.steps.as_slice()));
                self.branches(branches, often, spent)
            }
            Step::When { steps, otherwise, .. } => {
                self.depends_on_answers = true;
                self.branches([(0.5, steps.as_slice()), (0.5, otherwise)].into_iter(), often, spent)
            }
        }
    }

    fn send(&mut self, request: usize, often: f64, most: u64, spent: &mut Spent) {
        let follow = self.program.requests.get(request).map_or(0, |request| request.follow);
        self.depends_on_answers |= follow > 0;
        if let Some(n) = self.requests.get_mut(request) {
            *n += often;
        }
        spent.most_requests = spent.most_requests.saturating_add(most.saturating_mul(1 + u64::from(follow)));
    }

    /// The rounds are alike, so one is added up: an `at` in it holds the first round back alone, since the session is
    /// later than that in all others.
    fn repeat(&mut self, times: u32, steps: &[Step], often: f64, before: Spent) -> Spent {
        let first = self.steps(steps, often * f64::from(times), before);
        let more = times.saturating_sub(1);
        let round = first.without_at_s - before.without_at_s;
        let longest = first.longest_without_at.saturating_sub(before.longest_without_at).saturating_mul(more);
        let requests = (first.most_requests - before.most_requests).saturating_mul(u64::from(more));
        Spent {
            mean_s: first.mean_s + round * f64::from(more),
            without_at_s: first.without_at_s + round * f64::from(more),
            longest: first.longest.saturating_add(longest),
            longest_without_at: first.longest_without_at.saturating_add(longest),
            most_requests: first.most_requests.saturating_add(requests),
        }
    }

    fn branches<'s>(
        &mut self,
        branches: impl Iterator<Item = (f64, &'s [Step])>,
        often: f64,
        before: Spent,
    ) -> Spent {
        let mut all = before;
        for (part, steps) in branches {
            let spent = self.steps(steps, often * part, before);
            all.mean_s += (spent.mean_s - before.mean_s) * part;
            all.without_at_s += (spent.without_at_s - before.without_at_s) * part;
            all.longest = all.longest.max(spent.longest);
            all.longest_without_at = all.longest_without_at.max(spent.longest_without_at);
            all.most_requests = all.most_requests.max(spent.most_requests);
        }
        all
    }
}

/// Seconds as a time; what is too long for one is the longest.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
#[path = "tests/expect.rs"]
mod tests;

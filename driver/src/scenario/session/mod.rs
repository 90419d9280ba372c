//! One session: which request it sends next, and when, and what its answers mean for it. Pure: time and the unix clock
//! are arguments, rendering and sending are its caller's.
//!
//! The caller asks [`Session::next`] until it names a request that is due, calls [`Session::begun`] when the attempt
//! begins, and [`Session::answered`] at its end. Between two of them `next` may be asked as often as one likes: it goes
//! through the instructions up to the next one that sends, and stays there.
//!
//! **Time.** `cursor` is when the session became free for its next step: the last byte of the answer before, later by what
//! it thought since. `from` is where the next step's response begins: `cursor`, but for a session's first step, which
//! counts from the session's due time also where the user was held up by the session before. What the session thinks, or
//! waits for an `at`, is added to `idle`; so at every end `cursor - due - idle` is the session's response so far, and a
//! group's is the difference of two such values. Waits between the attempts of a poll are not idle: the target was not
//! ready.

mod ends;
mod notes;
mod values;

#[cfg(test)]
mod tests;

use common::counters::ErrorKind;

pub use self::notes::{End, Notes, Over, Pass};
use super::render::{Context, SharedValues};
use super::script::{Op, Script, Step, Track};
use super::variables::Variables;
use crate::engine::RequestIndex;
use crate::start_at::Nanos;

/// So many instructions are gone through in a row: nested repeats without a request could go on for hours.
const MAX_OPS: u32 = 1_000;

/// How a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its number in the fleet.
    pub g: u64,
    /// When it is due.
    pub due: Nanos,
    /// How long the session before held it up; with `pacing` alone.
    pub held: Nanos,
    /// Whether it is due in the warm-up.
    pub warmup: bool,
}

/// What a session does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This attempt is due.
    Request(Attempt),
    /// Nothing before that instant.
    At(Nanos),
    /// It is over.
    Over(Over),
}

/// An attempt that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Which request of the program.
    pub request: RequestIndex,
    /// The name that it counts under.
    pub counted: RequestIndex,
    /// When it was due.
    pub due: Nanos,
    /// How long the target kept the session from it, after it was due.
    pub held: Nanos,
    /// Whether that is in the warm-up.
    pub warmup: bool,
    /// The place of its random values.
    pub place: u64,
}

/// What a session needs beside its own state.
#[derive(Debug, Default)]
pub struct Desk {
    /// The time, for `now` in templates.
    pub unix_us: i64,
    /// When the warm-up ends.
    pub warmup_until: Nanos,
    /// The values of `[shared]`, as they are now.
    pub shared: SharedValues,
    seen: Vec<u8>,
    wanted: Vec<u8>,
}

impl Desk {
    /// Where the warm-up ends then.
    pub fn new(warmup_until: Nanos) -> Self {
        Self { warmup_until, ..Self::default() }
    }
}

/// What one rendering depends on, beside the session.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The time, in µs since 1970.
    pub unix_us: i64,
    /// The place of its random values.
    pub place: u64,
    /// The values of `[shared]`, as they are now.
    pub shared: &'a [Option<Vec<u8>>],
    /// What the `cookie` field of the request is.
    pub cookie: &'a [u8],
    /// What addresses are resolved against: host and path of the answer that they were found in.
    pub answered_from: Option<(usize, &'a str)>,
}

/// A pass through a group that is under way.
#[derive(Debug, Clone, Copy)]
struct InGroup {
    group: u16,
    from: Nanos,
    idle: Nanos,
    attempts: u32,
    warmup: bool,
    failed: bool,
}

/// A poll that is under way.
#[derive(Debug, Clone, Copy)]
struct Polling {
    began: Nanos,
    warmup: bool,
    attempts: u32,
}

/// The state of one session, and its memory, which the next one of its slot uses again.
#[derive(Debug)]
pub struct Session {
    start: Start,
    scenario: u16,
    ordinal: u64,
    pc: u32,
    cursor: Nanos,
    from: Nanos,
    last_end: Nanos,
    idle: Nanos,
    attempts: u32,
    /// How many texts were rendered that may hold a value which must not occur twice.
    renderings: u32,
    /// An answer came, expected or not.
    answered: bool,
    failed: bool,
    /// The first step that failed.
    failed_at: Option<u32>,
    /// A `let` that could not be rendered: the first request is not sent.
    unrendered: Option<ErrorKind>,
    rounds: Vec<u32>,
    groups: Vec<InGroup>,
    poll: Option<Polling>,
    variables: Variables,
    rows: Box<[Option<usize>]>,
    taken: Box<[u64]>,
}

impl Session {
    /// The memory of one session at a time, allocated once.
    pub fn new(script: &Script) -> Self {
        let depth = script.depth();
        Self {
            start: Start { g: 0, due: 0, held: 0, warmup: false },
            scenario: 0,
            ordinal: 0,
            pc: 0,
            cursor: 0,
            from: 0,
            last_end: 0,
            idle: 0,
            attempts: 0,
            renderings: 0,
            answered: false,
            failed: false,
            failed_at: None,
            unrendered: None,
            rounds: Vec::with_capacity(depth),
            groups: Vec::with_capacity(depth),
            poll: None,
            variables: Variables::new(&script.layout),
            rows: vec![None; script.rows.len()].into(),
            taken: vec![0; script.rows.len()].into(),
        }
    }

    /// Another session begins.
    pub fn begin(&mut self, script: &Script, start: Start, desk: &mut Desk) {
        let (scenario, ordinal) = script.mix.place(start.g);
        self.scenario = u16::try_from(scenario).unwrap_or(0);
        self.ordinal = ordinal;
        self.start = start;
        self.pc = 0;
        self.cursor = start.due.saturating_add(start.held);
        self.from = start.due;
        self.last_end = self.cursor;
        self.idle = 0;
        (self.attempts, self.renderings) = (0, 0);
        (self.answered, self.failed) = (false, false);
        (self.failed_at, self.unrendered, self.poll) = (None, None, None);
        self.rounds.clear();
        self.groups.clear();
        self.variables.clear();
        for data in 0..script.rows.len() {
            (self.rows[data], self.taken[data]) = (None, 0);
            if self.track(script).takes[data] > 0 {
                self.take_row(script, data);
            }
        }
        let track = &script.scenarios[scenario];
        for (variable, text) in &track.lets {
            desk.seen.clear();
            let (unix_us, shared) = (desk.unix_us, &*desk.shared);
            let around = Around { unix_us, shared, place: track.lets_place, ..Around::default() };
            let rendered =
                text.render(&mut self.context(script, around), &mut desk.seen).map_err(ErrorKind::from);
            self.renderings += 1;
            let set = rendered
                .and_then(|()| self.variables.set(*variable, &desk.seen).map_err(|_| ErrorKind::Template));
            if let Err(kind) = set {
                self.unrendered.get_or_insert(kind);
            }
        }
    }

    /// The number of the session that it is at.
    pub fn start(&self) -> Start {
        self.start
    }

    /// Index of its scenario.
    pub fn scenario(&self) -> usize {
        usize::from(self.scenario)
    }

    /// Its instructions.
    #[inline]
    pub fn track<'a>(&self, script: &'a Script) -> &'a Track {
        &script.scenarios[usize::from(self.scenario)]
    }

    /// What it keeps.
    pub fn variables(&mut self) -> &mut Variables {
        &mut self.variables
    }

    /// Why its next attempt must not be sent: a `let` of its scenario could not be rendered.
    pub fn unrendered(&self) -> Option<ErrorKind> {
        self.unrendered
    }

    /// The step that it stands before, once [`Session::next`] was asked; `None`: it is at its end.
    pub fn step(&self, script: &Script) -> Option<Step> {
        match &self.track(script).ops[self.pc as usize] {
            Op::Request(step) | Op::Poll { step, .. } => Some(*step),
            _ => None,
        }
    }

    /// Where it stands before a poll or within one: how often it has looked, and how often it may.
    pub fn looks(&self, script: &Script) -> Option<(u32, u32)> {
        match &self.track(script).ops[self.pc as usize] {
            Op::Poll { at_most, .. } => Some((self.poll.map_or(0, |poll| poll.attempts), *at_most)),
            _ => None,
        }
    }

    /// Leaves a poll that it is in, as if its condition held: where nothing is sent.
    pub fn poll_held(&mut self) {
        if self.poll.take().is_some() {
            (self.cursor, self.from) = (self.last_end, self.last_end);
            self.pc += 1;
        }
    }

    /// What its texts are rendered with.
    pub fn context<'a>(&'a mut self, script: &'a Script, around: Around<'a>) -> Context<'a> {
        let Around { unix_us, place, shared, cookie, answered_from } = around;
        Context {
            variables: &mut self.variables,
            rows: &script.rows,
            row_of: &self.rows,
            g: self.start.g,
            ordinal: self.ordinal,
            shared,
            n_in_session: self.renderings,
            place,
            seed: script.seed,
            unix_us,
            cookie,
            answered_from,
        }
    }

    /// What it does next, at an instant. Passes that end meanwhile are noted.
    pub fn next(&mut self, script: &Script, now: Nanos, desk: &mut Desk, notes: &mut impl Notes) -> Next {
        for _ in 0..MAX_OPS {
            match &self.track(script).ops[self.pc as usize] {
                Op::Request(step) | Op::Poll { step, .. } => return self.due(script, *step, now, desk),
                Op::End if self.cursor > now => return Next::At(self.cursor),
                Op::End => return Next::Over(self.over()),
                Op::Think { think, place } => {
                    let thought = values::think(*think, self.random(script, *place));
                    self.cursor = self.cursor.saturating_add(thought);
                    self.idle = self.idle.saturating_add(thought);
                    self.from = self.cursor;
                    self.pc += 1;
                }
                Op::GroupBegin(group) => {
                    self.groups.push(InGroup {
                        group: *group,
                        from: self.from,
                        idle: self.idle,
                        attempts: self.attempts,
                        warmup: self.start.warmup || self.cursor < desk.warmup_until,
                        failed: false,
                    });
                    self.pc += 1;
                }
                Op::GroupEnd => {
                    self.group_ends(notes);
                    self.pc += 1;
                }
                Op::Choose { branches, total, place } => {
                    let drawn = super::numbers::below(self.random(script, *place), *total);
                    let taken = branches.iter().find(|(up_to, _)| drawn < *up_to);
                    self.pc = taken.map_or(self.pc + 1, |(_, to)| *to);
                }
                Op::Jump(to) => self.pc = *to,
                Op::JumpUnless(tests, to) => {
                    let holds = self.hold(script, tests, desk);
                    self.pc = if holds { self.pc + 1 } else { *to };
                }
                Op::RepeatBegin => {
                    self.rounds.push(0);
                    self.pc += 1;
                }
                Op::RepeatEnd { times, back } => match self.rounds.last_mut() {
                    Some(round) if *round + 1 < *times => {
                        *round += 1;
                        self.pc = *back;
                    }
                    _ => {
                        self.rounds.pop();
                        self.pc += 1;
                    }
                },
                Op::Draw(data) => {
                    self.take_row(script, *data);
                    self.pc += 1;
                }
            }
        }
        Next::At(self.cursor.max(now))
    }

    fn due(&self, script: &Script, step: Step, now: Nanos, desk: &Desk) -> Next {
        let due = match step.at {
            Some(at) => self.start.due.saturating_add(at),
            None => self.from,
        };
        let ready = due.max(self.cursor);
        if ready > now {
            return Next::At(ready);
        }
        Next::Request(Attempt {
            request: step.request,
            counted: self.counted(script, step.request),
            due,
            held: ready - due,
            warmup: self.start.warmup || ready < desk.warmup_until,
            place: self.looked(step.place),
        })
    }

    fn counted(&self, script: &Script, request: RequestIndex) -> RequestIndex {
        let split = script.requests[usize::from(request)].split.as_ref();
        let row = split.and_then(|split| split.by_row.get(self.rows[split.data]?));
        row.copied().unwrap_or(request)
    }

    /// The attempt that is due begins now, or would have.
    pub fn begun(&mut self, script: &Script, attempt: &Attempt, now: Nanos) {
        self.unrendered = None;
        let ready = attempt.due.max(self.cursor);
        self.idle = self.idle.saturating_add(ready - self.cursor);
        self.attempts = self.attempts.saturating_add(1);
        if let Op::Poll { .. } = self.track(script).ops[self.pc as usize] {
            let fresh = Polling { began: now, warmup: attempt.warmup, attempts: 0 };
            self.poll.get_or_insert(fresh).attempts += 1;
        }
    }

    fn take_row(&mut self, script: &Script, data: usize) {
        let takes = self.track(script).takes[data].max(1);
        let x = self.ordinal.saturating_mul(takes).saturating_add(self.taken[data]);
        self.taken[data] += 1;
        self.rows[data] = Some(script.rows[data].row(x));
    }
}

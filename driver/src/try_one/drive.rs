//! Drives one session over an engine, as a worker's loop drives many, and reports each attempt once it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::ErrorKind;

use super::came::{Came, Listener};
use super::seen::{Answer as ShownAnswer, Event, Pause, Request, Step, Why};
use super::{Attempted, Outcome, Trial, findings, hidden};
use crate::engine::{Engine, Exchange, Outcome as Ended, Outgoing, Place};
use crate::scenario::script::{Script, Sendable};
use crate::scenario::session::{Around, Attempt, Desk, Next as Does, Notes, Pass, Start};
use crate::start_at::{Nanos, StartAt};
use crate::worker::examine::Bench;
use crate::worker::seat::{Paper, Seat};

/// What is thought longer than this is cut.
const LONGEST_THINK: Nanos = 1_000_000_000;
/// The engine is looked at that often at least.
const LOOK_EVERY: Nanos = 1_000_000_000;
/// The place of the session, which is the only one.
const PLACE: Place = 0;

/// Notes whether a poll did not come to hold.
#[derive(Default)]
pub(super) struct Polls {
    gave_up: bool,
}

impl Notes for Polls {
    fn grouped(&mut self, _: u16, _: Pass) {}

    fn polled(&mut self, _: u16, pass: Pass) {
        self.gave_up = pass.response.is_none();
    }
}

/// Why and how long a session waits before the step that it comes to next. A session thinks from the end of the step
/// before, `whole` in all; `left` is what remains of it, or of another wait, now that the answer was looked at and shown.
/// With `cuts`, long thinking is cut.
pub(super) fn pause(
    (left, whole): (Nanos, Nanos),
    seat: &Seat,
    script: &Script,
    cuts: bool,
) -> (Pause, Nanos) {
    let looked = seat.session.looks(script).is_some_and(|(looks, _)| looks > 0);
    let at = seat.session.step(script).is_some_and(|step| step.at.is_some());
    let why = match () {
        () if looked => Why::Poll,
        () if at => Why::At,
        () => Why::Thinks,
    };
    let here = if why == Why::Poll || !cuts { left } else { left.min(LONGEST_THINK) };
    let whole = if why == Why::Thinks { whole } else { left };
    let shown_here = if here < left { here } else { whole };
    (Pause { why, ms: ms(whole), here_ms: ms(shown_here) }, here)
}

fn ms(span: Nanos) -> f64 {
    (span as f64 / 1e3).round() / 1e3
}

fn sleep(span: Nanos) -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_nanos(u64::try_from(span).unwrap_or(0)))
}

/// Drives the session to its end.
pub(super) async fn drive<E: Engine>(
    trial: &mut Trial,
    engine: &mut E,
    report: &mut dyn FnMut(Event),
) -> Outcome {
    let script = Arc::clone(&trial.script);
    let start = trial.test.start;
    let jar = script.scenarios.iter().filter_map(|track| track.cookie_bytes).max();
    let mut its = Driven {
        seat: Seat::new(&script, jar),
        bench: Bench::new(&script, 1, 1),
        desk: Desk::default(),
        paper: Paper::default(),
        polls: Polls::default(),
        start,
        cut: 0,
        stepped_at: 0,
        script,
    };
    its.desk.shared = Arc::clone(&trial.shared);
    its.paper.shared = Arc::clone(&trial.shared);
    its.bench.shared = Arc::clone(&trial.shared);
    its.look_at_clock();
    let begin = Start { g: trial.g, due: 0, held: 0, warmup: false };
    its.seat.session.begin(&its.script, begin, &mut its.desk);
    trial.hide(&mut its.seat.session);
    loop {
        let now = its.look_at_clock();
        let does = match (its.seat.hop, its.seat.attempt) {
            (Some(_), Some(attempt)) => Does::Request(attempt),
            _ => its.seat.session.next(&its.script, now + its.cut, &mut its.desk, &mut its.polls),
        };
        match does {
            Does::Over(over) => {
                let variables = 0..trial.program.variables.len();
                trial.kept = variables
                    .map(|index| its.seat.session.variables().get(index).map(<[u8]>::to_vec))
                    .collect();
                return trial.outcome(&over, false);
            }
            Does::At(at) if at <= now + its.cut => tokio::task::yield_now().await,
            Does::At(at) => {
                let left = at - now - its.cut;
                let (pause, here) = pause((left, at - its.stepped_at), &its.seat, &its.script, trial.cuts);
                report(Event::Wait(pause));
                its.cut += left - here;
                its.stepped_at = at;
                sleep(here).await;
            }
            Does::Request(attempt) => {
                let step = its.attempt(trial, engine, attempt).await;
                trial.keep(&mut its.seat.session);
                report(Event::Step(Box::new(step)));
            }
        }
    }
}

/// The session and what it needs.
struct Driven {
    seat: Seat,
    bench: Bench,
    desk: Desk,
    paper: Paper,
    polls: Polls,
    start: StartAt,
    script: Arc<Script>,
    /// What was thought in a test and not here: so far is the session's time ahead of the clock.
    cut: Nanos,
    /// The session's time at the end of its last attempt or wait.
    stepped_at: Nanos,
}

impl Driven {
    fn now(&self) -> Nanos {
        self.start.nanos(Instant::now())
    }

    fn look_at_clock(&mut self) -> Nanos {
        let now = self.now();
        self.desk.unix_us = self.start.unix_us_at(now);
        self.paper.unix_us = self.desk.unix_us;
        now
    }

    /// Makes an attempt, or follows a redirect, up to what it means for the session.
    async fn attempt<E: Engine>(&mut self, trial: &mut Trial, engine: &mut E, attempt: Attempt) -> Step {
        let follows = self.seat.hop.is_some();
        let mut step = Step {
            step: trial.step_name(&self.seat.session),
            follows,
            look: self.seat.session.looks(&self.script).map(|(looks, _)| looks + u32::from(!follows)),
            request: None,
            answer: None,
            checks: Vec::new(),
            extracts: Vec::new(),
            fault: None,
            took_ms: 0.0,
        };
        let began = self.now();
        let rendered = self.seat.render(&self.script, &attempt, &mut self.paper);
        trial.hide(&mut self.seat.session);
        self.seat.expects_answer();
        if self.seat.hop.take().is_none() {
            self.seat.session.begun(&self.script, &attempt, began + self.cut);
        }
        self.seat.attempt = Some(attempt);
        let host = match rendered {
            Ok(host) => host,
            Err(kind) => {
                self.seat.attempt = None;
                step.fault = Some(format!("not sent: {}", words(kind)));
                trial.attempts.push(Attempted { status: None, error: Some(kind), failed: true });
                self.answered(began, (follows, true));
                trial.count(attempt.request, None, Some(kind), true);
                return step;
            }
        };
        let own_connection = self.seat.has_own_connections(&self.script).then_some(PLACE);
        let (at, exchange, mut came) = {
            let Self { seat, bench, paper, script, desk, start, .. } = self;
            let mut listener =
                Listener { seat, bench, script, unix_us: desk.unix_us, came: Came::default(), end: None };
            // What is known of kept connections is as old as the last turn.
            engine.turn(began, &mut listener);
            let bytes = &paper.out;
            engine.begin_rendered(
                PLACE,
                Outgoing { request: attempt.request, host, own_connection, bytes },
                began,
            );
            loop {
                let now = start.nanos(Instant::now());
                engine.turn(now, &mut listener);
                if let Some((at, exchange)) = listener.end.take() {
                    break (at, exchange, listener.came);
                }
                let until = engine.deadline().unwrap_or(Nanos::MAX).min(now + LOOK_EVERY);
                tokio::select! {
                    () = engine.ready() => {}
                    () = sleep(until - now) => {}
                }
            }
        };
        step.took_ms = ms(at - began);
        self.seat.attempt = None;
        came.hide(trial, &attempt, &exchange);
        if self.seat.follows(&exchange, &attempt, at + self.cut) {
            self.show(trial, &mut step, host, &attempt, &came, &exchange);
            if let Ended::Status(status) = exchange.outcome {
                let redirect = self.script.requests[usize::from(attempt.request)].redirect;
                trial.count(redirect, Some(status), None, false);
            }
            let (status, _) = outcome_of(&exchange, None);
            trial.attempts.push(Attempted { status, error: None, failed: false });
            return step;
        }
        self.look_at_clock();
        self.judge(trial, &mut step, (&attempt, at), &came, &exchange);
        trial.hide(&mut self.seat.session);
        self.show(trial, &mut step, host, &attempt, &came, &exchange);
        step
    }

    /// Request and answer, once all is known that must not be shown.
    fn show(
        &self,
        trial: &Trial,
        step: &mut Step,
        host: u16,
        attempt: &Attempt,
        came: &Came,
        exchange: &Exchange,
    ) {
        let url = &self.script.hosts[usize::from(host)];
        step.request = Some(Request::of(&self.paper.out, url, &trial.masks));
        if let Ended::Status(status) = exchange.outcome {
            let named = named(trial, attempt);
            let body = (came.body.as_slice(), came.bytes);
            let answer = ShownAnswer::of((status, &came.fields), body, &named, &trial.masks);
            let answer = step.answer.insert(answer);
            if came.may_hold_more {
                let plan = &trial.program.requests[usize::from(attempt.request)];
                hidden::leave_out(&trial.program, plan, answer);
            }
        }
    }

    /// What an answer means, as a worker finds it, and each check and extract by itself.
    fn judge(
        &mut self,
        trial: &mut Trial,
        step: &mut Step,
        (attempt, at): (&Attempt, Nanos),
        came: &Came,
        exchange: &Exchange,
    ) {
        let index = usize::from(attempt.request);
        let script = Arc::clone(&self.script);
        let request = &script.requests[index];
        let expected = self.expected(request, attempt);
        let looked_at = self.seat.fault.is_none();
        let fault = self.bench.examine(&script, &mut self.seat, attempt, exchange, self.desk.unix_us);
        trial.hide(&mut self.seat.session);
        let (answered, expects) = match exchange.outcome {
            Ended::Status(status) => (Some(status), request.expects(status)),
            Ended::Failed(_) => (None, false),
        };
        step.fault = match (exchange.outcome, fault) {
            (Ended::Failed(kind), _) => Some(words(kind).to_owned()),
            (Ended::Status(_), Some(kind)) => Some(words(kind).to_owned()),
            (Ended::Status(status), None) if !expects => {
                Some(format!("status {status}, but {} is expected", ranges(&request.expect_status)))
            }
            (Ended::Status(_), None) => None,
        };
        if let (Some(status), true, true) = (answered, expects, looked_at) {
            let plan = &trial.program.requests[index];
            came.look(status, |answer| {
                step.checks = findings::checks(plan, answer, &expected, &trial.masks);
                if step.checks.iter().all(|check| check.passed) {
                    let kept = self.seat.session.variables();
                    step.extracts = findings::extracts(&trial.program, plan, answer, kept, &trial.masks);
                }
            });
            if came.may_hold_more {
                hidden::leave_out_found(&mut step.checks);
            }
        }
        let failed = step.fault.is_some();
        let (status, error) = outcome_of(exchange, fault);
        trial.attempts.push(Attempted { status, error, failed });
        trial.count(attempt.request, status, error, failed);
        self.answered(at, (answered.is_some(), failed));
        if std::mem::take(&mut self.polls.gave_up) && !failed {
            step.fault = Some("the poll's condition did not hold in its last look".to_owned());
        }
    }

    fn answered(&mut self, at: Nanos, how: (bool, bool)) {
        self.stepped_at = at + self.cut;
        self.seat.session.answered(&self.script, self.stepped_at, how, &mut self.desk, &mut self.polls);
    }

    /// The texts that the checks expect, with what the session knew when it asked.
    fn expected(&mut self, request: &Sendable, attempt: &Attempt) -> Vec<Result<Vec<u8>, ErrorKind>> {
        let (unix_us, place) = (self.desk.unix_us, attempt.place);
        let shared = Arc::clone(&self.desk.shared);
        let around = Around { unix_us, place, shared: &shared, ..Around::default() };
        let mut one = |text: &crate::scenario::render::Text| {
            let mut out = Vec::new();
            let mut context = self.seat.session.context(&self.script, around);
            text.render(&mut context, &mut out).map(|()| out).map_err(ErrorKind::from)
        };
        request.expected.iter().map(&mut one).collect()
    }
}

/// What an attempt counts under: a status, an error, or both where the answer failed in what it is looked at for.
fn outcome_of(exchange: &Exchange, fault: Option<ErrorKind>) -> (Option<u16>, Option<ErrorKind>) {
    match (exchange.outcome, fault) {
        (Ended::Failed(kind), _) => (None, Some(kind)),
        (Ended::Status(status), Some(kind @ (ErrorKind::Check | ErrorKind::Extract))) => {
            (Some(status), Some(kind))
        }
        (Ended::Status(_), Some(kind)) => (None, Some(kind)),
        (Ended::Status(status), None) => (Some(status), None),
    }
}

/// The header fields that a request's checks and extracts look at.
fn named(trial: &Trial, attempt: &Attempt) -> Vec<String> {
    use common::plan::program::{Check, Source};
    let request = &trial.program.requests[usize::from(attempt.request)];
    let of_checks = request.checks.iter().filter_map(|check| match check {
        Check::Header(name, _) => Some(name.clone()),
        _ => None,
    });
    let of_extracts = request.extracts.iter().filter_map(|extract| match &extract.source {
        Source::Header(name) => Some(name.clone()),
        _ => None,
    });
    of_checks.chain(of_extracts).collect()
}

fn ranges(all: &[(u16, u16)]) -> String {
    let one = |(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What a kind of failure is, with the name that a report has for it.
pub(super) fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Resolve => "the host does not resolve (resolve)",
        ErrorKind::Refused => "the connection was refused (refused)",
        ErrorKind::Unreachable => "there is no route to the host (unreachable)",
        ErrorKind::ConnectTimeout => "no connection within the timeout (connect_timeout)",
        ErrorKind::Tls => "the TLS handshake failed (tls)",
        ErrorKind::Write => "the request could not be written (write)",
        ErrorKind::Reset => "the target reset the connection (reset)",
        ErrorKind::Closed => "the target closed the connection before the answer was whole (closed)",
        ErrorKind::Timeout => "no whole answer within the timeout (timeout)",
        ErrorKind::Protocol => "the answer is not HTTP that Groundswell understands (protocol)",
        ErrorKind::TooLarge => "the answer, or a cookie, is too large (too_large)",
        ErrorKind::LocalLimit => "this machine has no port, descriptor or room (local_limit)",
        ErrorKind::Cancelled => "it was cancelled (cancelled)",
        ErrorKind::Check => "a check failed (check)",
        ErrorKind::Extract => "a value to extract is missing (extract)",
        ErrorKind::Template => "a value cannot be written where it stands (template)",
        ErrorKind::Target => "its address is on no declared host (target)",
    }
}

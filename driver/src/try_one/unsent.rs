//! The requests of a session as they would be sent, without sending them: each answer is taken as expected, and each
//! value that only an answer has is the name of its variable in angle brackets.
//!
//! Such a value cannot stand where a number must. There a number of its own stands for it while the request is rendered,
//! and is replaced by the name in what is shown.

use std::sync::Arc;

use common::plan::program::{NamedRequest, Program, Source};

use super::drive::{Polls, pause, words};
use super::masks::MASK;
use super::seen::{Event, Pause, Request, Step};
use super::{Outcome, Trial};
use crate::scenario::session::{Desk, End, Next, Over, Start};
use crate::scenario::variables::Variables;
use crate::start_at::Nanos;
use crate::worker::seat::{Paper, Seat};

/// Most attempts that are shown: a plan may repeat a step 10,000 times.
const MOST: usize = 500;

/// Goes through the session.
pub(super) fn unsent(trial: &mut Trial, report: &mut dyn FnMut(Event)) -> Outcome {
    let (script, program) = (Arc::clone(&trial.script), Arc::clone(&trial.program));
    let unix_us = trial.test.start.unix_us;
    let mut seat = Seat::new(&script, None);
    let (mut desk, mut polls) = (Desk::default(), Polls::default());
    let mut paper = Paper::default();
    paper.unix_us = unix_us;
    desk.unix_us = unix_us;
    desk.shared = Arc::clone(&trial.shared);
    paper.shared = Arc::clone(&trial.shared);
    seat.session.begin(&script, Start { g: trial.g, due: 0, held: 0, warmup: false }, &mut desk);
    let (mut now, mut n): (Nanos, usize) = (0, 0);
    loop {
        let attempt = match seat.session.next(&script, now, &mut desk, &mut polls) {
            Next::Over(over) => return trial.outcome(&over, false),
            Next::At(at) if at <= now => continue,
            Next::At(at) => {
                let (its, _) = pause((at - now, at - now), &seat, &script, true);
                report(Event::Wait(Pause { here_ms: its.ms, ..its }));
                now = at;
                continue;
            }
            Next::Request(attempt) => attempt,
        };
        if n == MOST {
            let over = Over { end: End::Completed(0), at: now, answered: true };
            return Outcome { response_ms: None, ..trial.outcome(&over, true) };
        }
        n += 1;
        let plan = &program.requests[usize::from(attempt.request)];
        let mut rendered = seat.render(&script, &attempt, &mut paper);
        if rendered.is_err() {
            replace(&program, seat.session.variables(), &bracketed, &numbered);
            rendered = seat.render(&script, &attempt, &mut paper);
            replace(&program, seat.session.variables(), &numbered, &bracketed);
        }
        let (request, fault) = match rendered {
            Ok(host) => {
                let shown = Request::of(&paper.out, &script.hosts[usize::from(host)], &trial.masks);
                (Some(named(shown, &program)), None)
            }
            Err(kind) => (None, Some(format!("cannot be shown without an answer: {}", words(kind)))),
        };
        report(Event::Step(Box::new(Step {
            step: trial.step_name(&seat.session),
            follows: false,
            look: None,
            request,
            answer: None,
            checks: Vec::new(),
            extracts: Vec::new(),
            fault,
            took_ms: 0.0,
        })));
        seat.session.begun(&script, &attempt, now);
        seat.kept(&script.requests[usize::from(attempt.request)], plan.extracts.len());
        extract(&program, plan, seat.session.variables());
        seat.session.answered(&script, now, (true, false), &mut desk, &mut polls);
        seat.session.poll_held();
    }
}

/// What stands for the value of a variable.
fn bracketed(program: &Program, variable: usize) -> String {
    let name = program.variables.get(variable).map_or("", |variable| variable.name.as_str());
    match is_form(program, variable) {
        // As an extracted form is kept: method, address, and no fields.
        true => format!("POST /<{name}>\n"),
        false => format!("<{name}>"),
    }
}

fn is_form(program: &Program, variable: usize) -> bool {
    let mut extracts = program.requests.iter().flat_map(|request| &request.extracts);
    extracts.any(|extract| extract.variable == variable && matches!(extract.source, Source::Form(_)))
}

/// What stands for it where a number must.
fn numbered(program: &Program, variable: usize) -> String {
    match is_form(program, variable) {
        true => bracketed(program, variable),
        false => format!("7707{variable:05}"),
    }
}

type StandIn<'a> = &'a dyn Fn(&Program, usize) -> String;

fn extract(program: &Program, request: &NamedRequest, variables: &mut Variables) {
    for extract in &request.extracts {
        let _ = variables.set(extract.variable, bracketed(program, extract.variable).as_bytes());
    }
}

/// Puts other texts in the place of those that stand for values.
fn replace(program: &Program, variables: &mut Variables, old: StandIn<'_>, new: StandIn<'_>) {
    for index in 0..program.variables.len() {
        if variables.get(index) == Some(old(program, index).as_bytes()) {
            let _ = variables.set(index, new(program, index).as_bytes());
        }
    }
}

/// The request with the names of variables in angle brackets, wherever a value of theirs stands.
fn named(mut request: Request, program: &Program) -> Request {
    put_names(&mut request.url, program);
    for (_, value) in &mut request.headers {
        put_names(value, program);
    }
    if request.body.text.as_mut().is_some_and(|text| put_names(text, program)) {
        // The length of the real one is not known.
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    }
    request
}

/// A value of `[shared]` as a template names it.
pub(super) fn shared_name(shared: &str, variable: &str) -> String {
    format!("shared.{shared}.{variable}")
}

/// Whether there is anything in it that is not the real value.
fn put_names(text: &mut String, program: &Program) -> bool {
    let mut any = text.contains(MASK);
    if program.setup.is_some() {
        for variable in &program.variables {
            let name = format!("<setup.{}>", variable.name);
            *text = text.replace(&format!("%3Csetup.{}%3E", variable.name), &name);
            any |= text.contains(&name);
        }
    }
    for (shared, variable) in program.shared_names() {
        let name = shared_name(&shared, &variable);
        *text = text.replace(&format!("%3C{name}%3E"), &format!("<{name}>"));
        any |= text.contains(&format!("<{name}>"));
    }
    for (index, variable) in program.variables.iter().enumerate() {
        let name = format!("<{}>", variable.name);
        for form in [format!("%3C{}%3E", variable.name), numbered(program, index)] {
            if text.contains(&form) {
                *text = text.replace(&form, &name);
            }
        }
        any |= text.contains(&name);
    }
    any
}

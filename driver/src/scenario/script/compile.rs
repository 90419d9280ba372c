//! Steps become flat instructions, and templates become texts whose constants are put in.

use common::plan::program::{Condition, Program, Scenario, SlotValue, Step as PlanStep};
use common::plan::program::{Part, Place, Slot, Template, UrlPlan};

use super::addresses::Addresses;
use super::names::{index, inside};
use super::{Names, Op, ScenarioNames, Sendable, Step, Test, Track, uses};
use crate::engine::RequestIndex;
use crate::scenario::answer::{Examiner, Regexes};
use crate::scenario::numbers::place_of;
use crate::scenario::render::{Constants, RequestText, Text};
use crate::scenario::rows::Rows;
use crate::start_at::Nanos;

pub(super) fn nanos(span: std::time::Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX / 4).min(Nanos::MAX / 4)
}

/// All requests, by their index.
pub(super) fn requests(
    program: &Program,
    constants: &Constants<'_>,
    names: &Names,
    rows: &[Rows],
    addresses: &Addresses,
) -> Box<[Sendable]> {
    let mut regexes = Regexes::default();
    let sendable = |(at, request): (usize, &common::plan::program::NamedRequest)| {
        let text = RequestText::compile(request, constants);
        let examiner = Examiner::sharing(request, &mut regexes);
        let expected = examiner.templates().into_iter().enumerate().map(|(i, template)| {
            let path = format!("requests.{}.check.{i}", request.name);
            Text::compile(template, Place::Plain, &path, constants)
        });
        Sendable {
            name: request.name.clone(),
            constant: text.as_constant().is_some(),
            host: match &request.url {
                UrlPlan::Path { host, .. } | UrlPlan::Address { host, .. } => index(*host),
                UrlPlan::Form => 0,
            },
            expected: expected.collect(),
            text,
            examiner,
            follow: request.follow,
            redirect: names.redirect(&request.name).unwrap_or_else(|| index(at)),
            gives: addresses.given_by(request),
            sent_to: addresses.of(request),
            examined: !request.checks.is_empty() || !request.extracts.is_empty(),
            expect_status: request.expect_status.clone().into(),
            timeout: nanos(request.timeout),
            connection_reuse: request.connection_reuse,
            split: names.split(program, at, rows),
        }
    };
    program.requests.iter().enumerate().map(sendable).collect()
}

/// One scenario.
pub(super) fn track(
    program: &Program,
    scenario: &Scenario,
    constants: &Constants<'_>,
    names: &Names,
    its: &ScenarioNames,
) -> Track {
    let mut compiler = Compiler { program, constants, names, its, ops: Vec::new() };
    compiler.list(&scenario.steps, &scenario.name, "");
    compiler.ops.push(Op::End);
    let lets = scenario.lets.iter().map(|(variable, template)| {
        let name = program.variables.get(*variable).map_or("", |variable| variable.name.as_str());
        let path = format!("scenarios.{}.let.{name}", scenario.name);
        (*variable, Text::compile(template, Place::Plain, &path, constants))
    });
    Track {
        lets: lets.collect(),
        lets_place: place_of(&format!("scenarios.{}.let", scenario.name)),
        cookie_bytes: scenario.cookie_bytes,
        connections: scenario.connections,
        on_fail: scenario.on_fail,
        first: first(&compiler.ops),
        takes: uses::takes(program, scenario),
        ops: compiler.ops.into(),
    }
}

/// The first request of a list of instructions.
fn first(ops: &[Op]) -> RequestIndex {
    let request = |op: &Op| match op {
        Op::Request(step) | Op::Poll { step, .. } => Some(step.request),
        _ => None,
    };
    ops.iter().find_map(request).unwrap_or(0)
}

struct Compiler<'a, 'c> {
    program: &'a Program,
    constants: &'a Constants<'c>,
    names: &'a Names,
    its: &'a ScenarioNames,
    ops: Vec<Op>,
}

impl Compiler<'_, '_> {
    fn here(&self) -> u32 {
        u32::try_from(self.ops.len()).unwrap_or(u32::MAX)
    }

    /// The steps of a list. `path`: where their random values have their places; a step is named by its kind and how many
    /// of the same kind and name stand before it in its list, so that a step that is added changes no other's values.
    /// `around`: the flows and groups around the list.
    fn list(&mut self, steps: &[PlanStep], path: &str, around: &str) {
        let mut labels: Vec<String> = Vec::new();
        for step in steps {
            let label = self.label(step);
            let before = labels.iter().filter(|known| **known == label).count();
            let path =
                if before == 0 { format!("{path}/{label}") } else { format!("{path}/{label}~{before}") };
            labels.push(label);
            self.step(step, &path, around);
        }
    }

    fn request_name(&self, request: usize) -> &str {
        self.program.requests.get(request).map_or("", |request| request.name.as_str())
    }

    fn label(&self, step: &PlanStep) -> String {
        match step {
            PlanStep::Request { request, .. } => self.request_name(*request).to_owned(),
            PlanStep::Think(_) => "think:".to_owned(),
            PlanStep::Group { group, .. } => format!("group:{group}"),
            PlanStep::Flow { name, .. } => format!("flow:{name}"),
            PlanStep::Choose(_) => "choose:".to_owned(),
            PlanStep::When { .. } => "when:".to_owned(),
            PlanStep::Repeat { .. } => "repeat:".to_owned(),
            PlanStep::Poll { request, .. } => format!("poll:{}", self.request_name(*request)),
            PlanStep::Draw { .. } => "draw:".to_owned(),
        }
    }

    fn sends(&self, request: usize, at: Option<Nanos>, path: &str, around: &str) -> Step {
        let name = inside(around, self.request_name(request));
        Step { request: index(request), at, place: place_of(path), name: self.its.step(&name) }
    }

    fn step(&mut self, step: &PlanStep, path: &str, around: &str) {
        match step {
            PlanStep::Request { request, at } => {
                let step = self.sends(*request, at.map(nanos), path, around);
                self.ops.push(Op::Request(step));
            }
            PlanStep::Think(think) => self.ops.push(Op::Think { think: *think, place: place_of(path) }),
            PlanStep::Group { group, steps } => {
                let name = self.program.groups.get(*group).map_or("", |name| name.as_str()).to_owned();
                self.ops.push(Op::GroupBegin(index(*group)));
                self.list(steps, path, &inside(around, &name));
                self.ops.push(Op::GroupEnd);
            }
            PlanStep::Flow { name, steps } => self.list(steps, path, &inside(around, name)),
            PlanStep::Choose(choices) => self.choose(choices, path, around),
            PlanStep::When { conditions, steps, otherwise } => {
                let tests = self.tests(conditions, path);
                let unless = self.ops.len();
                self.ops.push(Op::JumpUnless(tests, 0));
                self.list(steps, &format!("{path}/then"), around);
                let end_of_then = (!otherwise.is_empty()).then_some(self.ops.len());
                if end_of_then.is_some() {
                    self.ops.push(Op::Jump(0));
                }
                self.land(unless);
                self.list(otherwise, &format!("{path}/otherwise"), around);
                if let Some(jump) = end_of_then {
                    self.land(jump);
                }
            }
            PlanStep::Repeat { times, steps } => {
                self.ops.push(Op::RepeatBegin);
                let back = self.here();
                self.list(steps, path, around);
                self.ops.push(Op::RepeatEnd { times: (*times).max(1), back });
            }
            PlanStep::Poll { request, until, every, at_most } => {
                let step = self.sends(*request, None, path, around);
                let name = self.request_name(*request);
                let poll = self.names.polls.iter().position(|known| known.as_str() == name).unwrap_or(0);
                let until = self.tests(until, path);
                let every = nanos(*every);
                self.ops.push(Op::Poll { step, poll: index(poll), until, every, at_most: (*at_most).max(1) });
            }
            PlanStep::Draw { data } => self.ops.push(Op::Draw(*data)),
        }
    }

    fn choose(&mut self, choices: &[common::plan::program::Choice], path: &str, around: &str) {
        let choose = self.ops.len();
        let mut total = 0;
        let mut branches = Vec::with_capacity(choices.len());
        let mut jumps = Vec::with_capacity(choices.len());
        self.ops.push(Op::End);
        for choice in choices {
            total += u64::from(choice.weight);
            branches.push((total, self.here()));
            self.list(&choice.steps, &format!("{path}/{}", choice.name), around);
            jumps.push(self.ops.len());
            self.ops.push(Op::Jump(0));
        }
        jumps.into_iter().for_each(|jump| self.land(jump));
        self.ops[choose] = Op::Choose { branches: branches.into(), total, place: place_of(path) };
    }

    /// A jump that was left open goes to the next instruction.
    fn land(&mut self, jump: usize) {
        let here = self.here();
        match &mut self.ops[jump] {
            Op::Jump(to) | Op::JumpUnless(_, to) => *to = here,
            _ => {}
        }
    }

    fn tests(&self, conditions: &[Condition], path: &str) -> Box<[Test]> {
        let test = |(i, condition): (usize, &Condition)| Test {
            value: self.value(&condition.value, &format!("{path}.{i}")),
            any_of: condition
                .any_of
                .iter()
                .enumerate()
                .map(|(n, text)| {
                    Text::compile(text, Place::Plain, &format!("{path}.{i}.{n}"), self.constants)
                })
                .collect(),
            not: condition.not,
        };
        conditions.iter().enumerate().map(test).collect()
    }

    fn value(&self, value: &SlotValue, path: &str) -> Text {
        let slot = Slot { value: value.clone(), filters: Vec::new() };
        Text::compile(&Template { parts: vec![Part::Slot(slot)] }, Place::Plain, path, self.constants)
    }
}

//! Steps of flows and scenarios, as they are written. A step that names a flow is an empty [`Step::Flow`] here: flows are
//! put in afterwards (`flows`), when all of them are read.

use std::time::Duration;

use super::names::{MAX_NAMES, Names};
use super::spelling::unknown;
use super::template;
use crate::plan::program::{Choice, Condition, Step, Template, Think};
use crate::plan::{Fault, parse_duration};
use crate::tree::{Kind, Node, Table, parse};

/// Most rounds of a `repeat`, and most attempts of a `poll`.
pub(super) const MAX_ROUNDS: u32 = 10_000;
/// Most steps in one list.
const MAX_STEPS: usize = 1_000;
/// Deepest that lists of steps stand in one another, as they are written.
const MAX_DEPTH: usize = 16;
/// Highest weight of a choice.
const MAX_WEIGHT: u32 = 1_000_000;
/// Longest think time, distance of a poll, and `at`.
const DAY: Duration = Duration::from_secs(86_400);
/// Shortest distance of a poll's attempts.
const MIN_EVERY: Duration = Duration::from_millis(10);
/// Most choices of a step, and most conditions of one: each name is looked for among all others.
const MAX_NAMED: usize = 2 * MAX_NAMES + 1;
/// What a choice does that sends nothing.
const NOTHING: &str = "nothing";

/// The key that says what a step is; each may have others beside it.
const KINDS: [&str; 7] = ["request", "think", "choose", "when", "repeat", "poll", "draw"];

const EXPECTED: &str = "expected the name of a request or flow, or a table with one of request, think, choose, when, \
                        repeat, poll or draw";

/// Reads lists of steps.
pub(super) struct Steps<'a> {
    /// Every name of the plan.
    pub names: &'a Names,
}

impl Steps<'_> {
    /// Takes the key of a list of steps, and reads it. A list that is missing or empty is a fault.
    pub fn take(&self, table: &mut Table, key: &str, depth: usize) -> Vec<Step> {
        if !table.has(key) {
            table.take(key);
            table.missing(
                key,
                "is missing; it lists what is done, as in [\"login\", { think = \"2s\" }, \"buy\"]",
            );
            return Vec::new();
        }
        let Some(node) = table.take(key) else { return Vec::new() };
        match &node.kind {
            Kind::List(items) if items.is_empty() => {
                table.fault_at(key, &node, "names no step");
                Vec::new()
            }
            Kind::List(items) if items.len() > MAX_STEPS => {
                let reason = format!("holds {} steps, and a list has at most {MAX_STEPS}", items.len());
                table.fault(Fault::value(table.path_of(key), "", reason), node.origin.clone());
                Vec::new()
            }
            Kind::List(_) if depth > MAX_DEPTH => {
                let reason = format!("stands {depth} lists of steps deep, and {MAX_DEPTH} are read at most");
                table.fault(Fault::value(table.path_of(key), "", reason), node.origin.clone());
                Vec::new()
            }
            Kind::List(items) => {
                let step =
                    |(index, item): (usize, &Node)| self.step(table, &format!("{key}[{index}]"), item, depth);
                items.iter().enumerate().filter_map(step).collect()
            }
            // One step, as a text alone, would be read by people as its name.
            _ => {
                table.fault_at(key, &node, "expected a list of steps, as in [\"login\", \"buy\"]");
                Vec::new()
            }
        }
    }

    fn step(&self, table: &mut Table, key: &str, node: &Node, depth: usize) -> Option<Step> {
        match &node.kind {
            Kind::Text(name) => match self.named(name) {
                Ok(step) => Some(step),
                Err(reason) => {
                    table.fault_at(key, node, reason);
                    None
                }
            },
            Kind::Table(_) => {
                let path = table.path_of(key);
                table.item(key, node.clone(), |step| self.of_table(step, &path, node, depth))
            }
            kind => {
                table.fault_at(key, node, format!("{EXPECTED}; found {}", kind.name()));
                None
            }
        }
    }

    /// The step that a name means: a request, or a flow that is put in later.
    fn named(&self, name: &str) -> Result<Step, String> {
        if self.names.flows.iter().any(|flow| flow == name) {
            return Ok(Step::Flow { name: name.to_owned(), steps: Vec::new() });
        }
        if let Some(request) = self.names.requests.iter().position(|request| request == name) {
            return Ok(Step::Request { request, at: None });
        }
        let mut there = self.names.requests.clone();
        there.extend(self.names.flows.iter().cloned());
        Err(unknown("request or flow", name, &there))
    }

    fn of_table(&self, step: &mut Table, path: &str, node: &Node, depth: usize) -> Option<Step> {
        let given: Vec<&str> = KINDS.into_iter().filter(|kind| step.has(kind)).collect();
        match given[..] {
            ["request"] => self.request(step),
            ["think"] => step.get("think", think).map(Step::Think),
            ["choose"] => self.choose(step),
            ["when"] => self.when(step, depth),
            ["repeat"] => {
                let times = step.get("repeat", parse::integer(1..=MAX_ROUNDS));
                let steps = self.take(step, "steps", depth + 1);
                Some(Step::Repeat { times: times?, steps })
            }
            ["poll"] => self.poll(step),
            ["draw"] => {
                let draw = |node: &Node| self.names.data(&parse::word(node)?);
                step.get("draw", draw).map(|data| Step::Draw { data })
            }
            _ => {
                let reason = match given.as_slice() {
                    [first, second, ..] => {
                        format!("holds {first} and {second}; a step does one thing, so make two of it")
                    }
                    _ => meant(step).map_or_else(
                        || EXPECTED.to_owned(),
                        |(name, kind)| format!("unknown key {name}; did you mean {kind}?"),
                    ),
                };
                // The keys are part of this fault, and not unknown beside it.
                step.take_all();
                step.fault(Fault::value(path, node, reason), node.origin.clone());
                None
            }
        }
    }

    fn request(&self, step: &mut Table) -> Option<Step> {
        let at = step.get("at", parse::duration(Duration::ZERO..=DAY));
        let named = step.get("request", |node| self.names.request(&parse::word(node)?));
        named.map(|request| Step::Request { request, at })
    }

    fn choose(&self, step: &mut Table) -> Option<Step> {
        let is_empty = matches!(step.kind_of("choose"), Some(Kind::Table(entries)) if entries.is_empty());
        if is_empty && let Some(node) = step.take("choose") {
            step.fault_at(
                "choose",
                &node,
                "names no choice; expected names and weights, as in { look = 7, buy = 3 }",
            );
            return None;
        }
        let choices = step.table("choose", |choose| {
            let mut choices = Vec::new();
            for name in few(choose, "choices") {
                let steps = match name.as_str() {
                    NOTHING => Ok(Vec::new()),
                    name => self.named(name).map(|step| vec![step]),
                };
                let steps = steps.unwrap_or_else(|reason| {
                    let shown = choose.shown(&name);
                    choose.fault(Fault::value(choose.path_of(&name), shown, reason), None);
                    Vec::new()
                });
                if let Some(weight) = choose.get(&name, parse::integer(1..=MAX_WEIGHT)) {
                    choices.push(Choice { name, weight, steps });
                }
            }
            choices
        });
        Some(Step::Choose(choices))
    }

    fn when(&self, step: &mut Table, depth: usize) -> Option<Step> {
        let conditions = self.conditions(step, "when");
        let steps = self.take(step, "steps", depth + 1);
        let otherwise =
            if step.has("otherwise") { self.take(step, "otherwise", depth + 1) } else { Vec::new() };
        step.take("otherwise");
        Some(Step::When { conditions, steps, otherwise })
    }

    fn poll(&self, step: &mut Table) -> Option<Step> {
        let request = step.get("poll", |node| self.names.request(&parse::word(node)?));
        let required = [
            ("until", "is missing; a poll ends when this holds, as in until = { status = \"done\" }"),
            ("every", "is missing; the time from the end of an attempt to the next, at least 10ms"),
            ("at_most", "is missing; a poll needs to know its most attempts"),
        ];
        for (key, reason) in required {
            if !step.has(key) {
                step.missing(key, reason);
            }
        }
        let until = if step.has("until") { self.conditions(step, "until") } else { Vec::new() };
        step.take("until");
        let every = step.get("every", parse::duration(MIN_EVERY..=DAY));
        let at_most = step.get("at_most", parse::integer(1..=MAX_ROUNDS));
        Some(Step::Poll { request: request?, until, every: every?, at_most: at_most? })
    }

    /// The entries of `when` or `until`.
    fn conditions(&self, step: &mut Table, key: &str) -> Vec<Condition> {
        let is_empty = matches!(step.kind_of(key), Some(Kind::Table(entries)) if entries.is_empty());
        if is_empty && let Some(node) = step.take(key) {
            step.fault_at(
                key,
                &node,
                "names no condition; expected a variable and its value, as in { status = \"done\" }",
            );
            return Vec::new();
        }
        step.table(key, |conditions| {
            let names = few(conditions, "conditions");
            names.iter().filter_map(|name| self.condition(conditions, name)).collect()
        })
    }

    fn condition(&self, conditions: &mut Table, name: &str) -> Option<Condition> {
        let value = template::source(name, self.names);
        let node = conditions.take(name)?;
        let value = match value {
            Ok(value) => Some(value),
            Err(reason) => {
                // An unquoted key with a dot is a table in a table.
                let is_column = self.names.data.iter().any(|data| data.name == name);
                let reason = match &node.kind {
                    Kind::Table(inner) if is_column && inner.get("not").is_none() => {
                        format!("quote a column, as in \"{name}.{}\"", column_of(&node))
                    }
                    _ => reason,
                };
                conditions.fault_at(name, &node, reason);
                None
            }
        };
        let (not, any_of) = match &node.kind {
            Kind::Table(_) if value.is_none() => (true, None),
            Kind::Table(_) => {
                let not = conditions.item(name, node.clone(), |inner| {
                    if !inner.has("not") {
                        inner.missing(
                            "not",
                            "is missing; expected a text, a list of texts, or { not = [...] }",
                        );
                    }
                    inner.take("not").map(|node| (self.texts(inner, "not", &node), node))
                });
                (true, not.and_then(|(texts, _)| texts))
            }
            _ => (false, self.texts(conditions, name, &node)),
        };
        Some(Condition { value: value?, not, any_of: any_of? })
    }

    /// A text or a list of texts, at least one.
    fn texts(&self, table: &Table, key: &str, node: &Node) -> Option<Vec<Template>> {
        let items = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                table.fault_at(key, node, "names no value");
                return None;
            }
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match template::read(item, self.names) {
                Ok(text) => texts.push(text),
                Err(reason) if items.len() == 1 && !matches!(node.kind, Kind::List(_)) => {
                    table.fault_at(key, item, reason);
                }
                Err(reason) => table.fault_at(&format!("{key}[{index}]"), item, reason),
            }
        }
        (texts.len() == items.len()).then_some(texts)
    }
}

/// The keys of a table whose keys are names; none, and a fault, where there are too many to look each of them up.
fn few(table: &mut Table, what: &str) -> Vec<String> {
    let names = table.names();
    if names.len() <= MAX_NAMED {
        return names;
    }
    let reason = format!("holds {} {what}, and {MAX_NAMED} are the most", names.len());
    table.take_all();
    table.fault(Fault::value(table.path(), "", reason), None);
    Vec::new()
}

/// The first key of a table, for a message.
fn column_of(node: &Node) -> String {
    match &node.kind {
        Kind::Table(inner) => inner.keys().next().map(|key| key.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A misspelt key of a step, and the key that it may mean.
fn meant(step: &Table) -> Option<(String, &'static str)> {
    step.names().into_iter().find_map(|name| {
        let kind = crate::tree::closest(&name, KINDS)?;
        KINDS.into_iter().find(|known| *known == kind).map(|kind| (name, kind))
    })
}

/// How long a session thinks: `"2s"`, `"1s..3s"`, `"~2s"`.
fn think(node: &Node) -> Result<Think, String> {
    let text = match &node.kind {
        Kind::Text(text) => text.trim(),
        Kind::Integer(_) | Kind::Float(_) => {
            return Err(format!("expected a text with a unit, as in \"{node}s\""));
        }
        kind => {
            return Err(format!(
                "expected a time, as in \"2s\", \"1s..3s\" or \"~2s\", found {}",
                kind.name()
            ));
        }
    };
    let time = |text: &str| {
        let time = parse_duration(text)?;
        if time > DAY { Err("is longer than a day".to_owned()) } else { Ok(time) }
    };
    if let Some(mean) = text.strip_prefix('~') {
        let mean = time(mean)?;
        return if mean.is_zero() {
            Err("has a mean of zero".to_owned())
        } else {
            Ok(Think::Exponential(mean))
        };
    }
    match text.split_once("..") {
        Some((low, high)) => {
            let (low, high) = (time(low)?, time(high)?);
            if low > high {
                return Err(format!("is empty; \"{}..{}\"?", written(high), written(low)));
            }
            Ok(Think::Uniform(low, high))
        }
        None => time(text).map(Think::Fixed),
    }
}

fn written(time: Duration) -> String {
    crate::plan::write_duration(time)
}

//! What sessions do, step by step, as the plan is read: flows stand by their names, and once by themselves.

use std::collections::BTreeMap;

use common::plan::expect::Expect;
use common::plan::program::{Connections, OnFail, Once, Program, Scenario, SlotValue, Step, Think};
use common::plan::write_duration;

use super::Page;
use common::plan::in_words::{bytes, number};

/// Adds the scenarios and the flows that they use.
pub(super) fn add(out: &mut Page, program: &Program, expect: &Expect) {
    out.heading("Scenarios");
    let mut flows = BTreeMap::new();
    for (scenario, one) in program.scenarios.iter().zip(&expect.scenarios) {
        out.wrapped("  ", "      ", &format!("{}: {}", scenario.name, settings(scenario, one.part)));
        let requests = number(one.requests.iter().sum());
        let thinks = write_duration(round(one.thinking));
        let longest = write_duration(round(one.longest_thinking));
        out.wrapped(
            "    ",
            "      ",
            &format!(
                "requests: {requests} on average, {} at most; thinks {thinks} on average, {longest} at most",
                number(one.most_requests as f64)
            ),
        );
        steps(out, program, &scenario.steps, 4, &mut flows);
    }
    for (heading, around) in [("Setup", &program.setup), ("Teardown", &program.teardown)] {
        let Some(around) = around else { continue };
        out.heading(heading);
        let by = match around.once {
            Once::Fleet if heading == "Setup" => "on the first driver, whose values all have",
            Once::Fleet => "on the first driver that is alive",
            Once::Driver => "on each driver, whose values are its own",
        };
        let (most, cookies) = (write_duration(around.timeout), jar(around.cookie_bytes));
        out.wrapped("  ", "      ", &format!("once {by}; at most {most}, cookies {cookies}"));
        steps(out, program, &around.steps, 4, &mut flows);
    }
    let mut shown: Vec<String> = Vec::new();
    // A flow may use others that no scenario uses.
    while let Some((name, inner)) =
        flows.iter().find(|(name, _)| !shown.contains(name)).map(|(n, s)| (n.clone(), *s))
    {
        if shown.is_empty() {
            out.heading("Flows");
        }
        out.wrapped("  ", "    ", &format!("{name}:"));
        steps(out, program, inner, 4, &mut flows);
        shown.push(name);
    }
}

fn round(time: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The room for cookies.
fn jar(bytes_of_jar: Option<usize>) -> String {
    bytes_of_jar.map_or_else(|| "off".to_owned(), |jar| bytes(jar as f64))
}

fn settings(scenario: &Scenario, part: f64) -> String {
    let cookies = jar(scenario.cookie_bytes);
    let connections = match scenario.connections {
        Connections::Shared => "shared",
        Connections::Session => "the session's own",
        Connections::User => "the user's own",
    };
    let on_fail = match scenario.on_fail {
        OnFail::End => "ends the session",
        OnFail::Continue => "lets it go on",
    };
    format!(
        "share {} ({} %), cookies {cookies}, connections {connections}, a failed step {on_fail}",
        scenario.share,
        number(part * 100.0)
    )
}

fn steps<'a>(
    out: &mut Page,
    program: &Program,
    list: &'a [Step],
    indent: usize,
    flows: &mut BTreeMap<String, &'a [Step]>,
) {
    for step in list {
        one(out, program, step, indent, flows);
    }
}

fn one<'a>(
    out: &mut Page,
    program: &Program,
    step: &'a Step,
    indent: usize,
    flows: &mut BTreeMap<String, &'a [Step]>,
) {
    let mut line = |text: &str| {
        let first = " ".repeat(indent.min(40));
        out.wrapped(&first, &format!("{first}  "), text);
    };
    match step {
        Step::Request { request, at } => {
            let at = at
                .map_or_else(String::new, |at| format!(", {} after the session was due", write_duration(at)));
            line(&format!("{}{at}", name(program, *request)));
        }
        Step::Think(think) => line(&format!("think {}", thinking(*think))),
        Step::Draw { data } => {
            let data = program.data.get(*data).map(|data| data.name.as_str()).unwrap_or_default();
            line(&format!("another row of {data}"));
        }
        Step::Poll { request, until, every, at_most } => {
            let names: Vec<String> = until.iter().map(|one| value(program, &one.value)).collect();
            line(&format!(
                "{} until {} holds, {} apart, at most {at_most} times",
                name(program, *request),
                names.join(", "),
                write_duration(*every)
            ));
        }
        Step::Group { group, steps } => {
            let group = program.groups.get(*group).map(ToString::to_string).unwrap_or_default();
            line(&format!("{group} (a flow with statistics of its own)"));
            flows.insert(group, steps);
        }
        Step::Flow { name, steps } => {
            line(&format!("{name} (a flow)"));
            flows.insert(name.clone(), steps);
        }
        Step::Choose(choices) => {
            let sum: f64 = choices.iter().map(|choice| f64::from(choice.weight)).sum();
            let choice = |choice: &common::plan::program::Choice| {
                format!("{} {} %", choice.name, number(f64::from(choice.weight) / sum * 100.0))
            };
            line(&format!("one of {}", choices.iter().map(choice).collect::<Vec<_>>().join(", ")));
            for choice in choices {
                match choice.steps.as_slice() {
                    [Step::Flow { name, steps }] => drop(flows.insert(name.clone(), steps)),
                    [Step::Group { group, steps }] => {
                        let group = program.groups.get(*group).map(ToString::to_string).unwrap_or_default();
                        flows.insert(group, steps);
                    }
                    _ => {}
                }
            }
        }
        Step::When { conditions, steps: then, otherwise } => {
            let names: Vec<String> = conditions.iter().map(|one| value(program, &one.value)).collect();
            line(&format!("when {} holds:", names.join(", ")));
            steps(out, program, then, indent + 2, flows);
            if !otherwise.is_empty() {
                let first = " ".repeat(indent.min(40));
                out.wrapped(&first, &first, "otherwise:");
                steps(out, program, otherwise, indent + 2, flows);
            }
        }
        Step::Repeat { times, steps: inner } => {
            line(&format!("{times} times:"));
            steps(out, program, inner, indent + 2, flows);
        }
    }
}

fn name(program: &Program, request: usize) -> String {
    program.requests.get(request).map(|request| request.name.to_string()).unwrap_or_default()
}

/// What a condition looks at.
fn value(program: &Program, value: &SlotValue) -> String {
    match value {
        SlotValue::Variable(index) => {
            program.variables.get(*index).map(|variable| variable.name.clone()).unwrap_or_default()
        }
        SlotValue::Column(data, column) => {
            let data = program.data.get(*data);
            let column = data.and_then(|data| data.columns.get(*column));
            let data = data.map(|data| data.name.as_str()).unwrap_or_default();
            format!("{data}.{}", column.map(String::as_str).unwrap_or_default())
        }
        _ => "a value".to_owned(),
    }
}

fn thinking(think: Think) -> String {
    match think {
        Think::Fixed(time) => write_duration(time),
        Think::Uniform(low, high) => format!("{} to {}", write_duration(low), write_duration(high)),
        Think::Exponential(mean) => format!("{} on average (exponential)", write_duration(mean)),
    }
}

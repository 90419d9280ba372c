//! Which data sets a scenario uses, and how many rows of each one session takes at most.

use common::plan::program::{
    BodyCheck, BodyPlan, Check, Condition, HeaderCheck, JsonExpected, JsonText, NamedRequest, Program,
    Scenario, SlotValue, Step, Template, UrlPlan,
};

/// For each data set: 0 where the scenario does not use it, else one row and one more for each `draw`.
pub(super) fn takes(program: &Program, scenario: &Scenario) -> Box<[u64]> {
    let mut used = vec![false; program.data.len()];
    scenario.lets.iter().for_each(|(_, template)| mark(template, &mut used));
    steps(program, &scenario.steps, &mut used);
    let rows = |(data, used): (usize, &bool)| {
        let draws = draws(&scenario.steps, data);
        if *used || draws > 0 { draws.saturating_add(1) } else { 0 }
    };
    used.iter().enumerate().map(rows).collect()
}

/// The most draws on any way through these steps.
fn draws(steps: &[Step], data: usize) -> u64 {
    let of = |step: &Step| match step {
        Step::Draw { data: drawn } => u64::from(*drawn == data),
        Step::Group { steps, .. } | Step::Flow { steps, .. } => draws(steps, data),
        Step::Choose(choices) => choices.iter().map(|choice| draws(&choice.steps, data)).max().unwrap_or(0),
        Step::When { steps, otherwise, .. } => draws(steps, data).max(draws(otherwise, data)),
        Step::Repeat { times, steps } => draws(steps, data).saturating_mul(u64::from(*times)),
        Step::Request { .. } | Step::Think(_) | Step::Poll { .. } => 0,
    };
    steps.iter().map(of).fold(0, u64::saturating_add)
}

fn steps(program: &Program, list: &[Step], used: &mut [bool]) {
    for step in list {
        match step {
            Step::Request { request, .. } => requests(program, *request, used),
            Step::Poll { request, until, .. } => {
                requests(program, *request, used);
                conditions(until, used);
            }
            Step::Group { steps: inner, .. }
            | Step::Flow { steps: inner, .. }
            | Step::Repeat { steps: inner, .. } => {
                steps(program, inner, used);
            }
            Step::Choose(choices) => choices.iter().for_each(|choice| steps(program, &choice.steps, used)),
            Step::When { conditions: all, steps: inner, otherwise } => {
                conditions(all, used);
                steps(program, inner, used);
                steps(program, otherwise, used);
            }
            Step::Think(_) | Step::Draw { .. } => {}
        }
    }
}

fn conditions(all: &[Condition], used: &mut [bool]) {
    for condition in all {
        value(&condition.value, used);
        condition.any_of.iter().for_each(|template| mark(template, used));
    }
}

fn value(value: &SlotValue, used: &mut [bool]) {
    if let SlotValue::Column(data, _) = value
        && let Some(used) = used.get_mut(*data)
    {
        *used = true;
    }
}

fn mark(template: &Template, used: &mut [bool]) {
    template.slots().for_each(|slot| value(&slot.value, used));
}

fn requests(program: &Program, request: usize, used: &mut [bool]) {
    let Some(request) = program.requests.get(request) else { return };
    if let Some(split) = &request.split
        && let Some(used) = used.get_mut(split.data)
    {
        *used = true;
    }
    templates(request, &mut |template| mark(template, used));
}

/// Every template of a request.
fn templates(request: &NamedRequest, each: &mut dyn FnMut(&Template)) {
    match &request.url {
        UrlPlan::Path { path, query, .. } => {
            each(path);
            query.iter().for_each(|(_, template)| each(template));
        }
        UrlPlan::Address { url, .. } => each(url),
        UrlPlan::Form => {}
    }
    request.headers.iter().for_each(|(_, template)| each(template));
    request.lets.iter().for_each(|(_, template)| each(template));
    if let Some(basic) = &request.basic {
        each(&basic.user);
        each(&basic.password);
    }
    match &request.body {
        BodyPlan::None | BodyPlan::Bytes(_) | BodyPlan::File(_) => {}
        BodyPlan::Text(template) | BodyPlan::Json(template) => each(template),
        BodyPlan::Form(fields) => fields.iter().for_each(|(_, template)| each(template)),
        BodyPlan::Multipart(parts) => {
            for part in parts {
                part.filename.iter().for_each(&mut *each);
                part.content.text().into_iter().for_each(&mut *each);
            }
        }
        BodyPlan::Submit(submit) => submit.fields.iter().for_each(|(_, template)| each(template)),
    }
    for check in &request.checks {
        match check {
            Check::Body(BodyCheck::Contains(template) | BodyCheck::Absent(template))
            | Check::Header(_, HeaderCheck::Is(template)) => each(template),
            Check::Json(check) => {
                if let JsonExpected::OneOf(values) = &check.expected {
                    for expected in values {
                        if let JsonText::Text(template) = expected {
                            each(template);
                        }
                    }
                }
            }
            Check::Body(BodyCheck::Regex(_)) | Check::Header(_, HeaderCheck::Absent) | Check::Size(_) => {}
        }
    }
}

//! Flows are put in where they are used: checked for rings, for their depth, and for how many steps come of them.

use std::collections::BTreeMap;

use crate::ids::RequestName;
use crate::plan::Fault;
use crate::plan::program::Step;
use crate::tree::Table;

/// Deepest that flows nest.
const MAX_NESTED: usize = 8;
/// Most steps of a scenario or flow, those of its flows put in: each is held by every driver, and a flow that is used ten
/// times by one that is used ten times would be there a hundred times.
const MAX_STEPS: usize = 20_000;

/// A flow as it is written: flows in it are empty.
pub(super) struct Flow {
    /// Its key in `[flows]`.
    pub name: String,
    /// The name of its statistics.
    pub group: Option<String>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// Checks that flows form no ring, do not nest too deep and do not become too many steps. What does is reported, and
/// its steps are left out, so that whatever uses it can be checked on.
pub(super) fn resolve(root: &Table, mut flows: Vec<Flow>) -> Vec<Flow> {
    let uses: BTreeMap<String, Vec<String>> =
        flows.iter().map(|flow| (flow.name.clone(), used_by(&flow.steps))).collect();
    let mut broken: Vec<String> = Vec::new();
    for flow in &flows {
        let mut way = vec![flow.name.as_str()];
        if let Some(reason) = ring(&uses, &mut way) {
            root.fault(Fault::value(format!("flows.{}.steps", flow.name), "", reason), None);
            broken.push(flow.name.clone());
        }
    }
    // Without rings the depths and sizes are finite.
    let empty = |uses: &mut Vec<String>| uses.retain(|name| !broken.contains(name));
    let mut uses = uses;
    uses.retain(|name, _| !broken.contains(name));
    uses.values_mut().for_each(empty);
    let mut known = BTreeMap::new();
    for flow in &flows {
        let depth = depth(&uses, &flow.name, &mut known);
        if depth > MAX_NESTED && !broken.contains(&flow.name) {
            let reason = format!("nests flows {depth} deep, and {MAX_NESTED} are the most");
            root.fault(Fault::value(format!("flows.{}.steps", flow.name), "", reason), None);
            broken.push(flow.name.clone());
        }
    }
    for flow in &mut flows {
        if broken.contains(&flow.name) {
            flow.steps.clear();
        }
    }
    flows
}

/// Puts the steps of flows in where a list of steps uses them; `owner`: the path of the table that has the list.
pub(super) fn put_in(
    root: &Table,
    owner: &str,
    steps: &mut Vec<Step>,
    flows: &[Flow],
    groups: &[RequestName],
) {
    let by_name: BTreeMap<&str, &Flow> = flows.iter().map(|flow| (flow.name.as_str(), flow)).collect();
    let mut sizes = BTreeMap::new();
    let size = size(steps, &by_name, &mut sizes);
    if size > MAX_STEPS {
        let reason = format!("becomes {size} steps when its flows are put in, and {MAX_STEPS} are the most");
        root.fault(Fault::value(format!("{owner}.steps"), "", reason), None);
        steps.clear();
        return;
    }
    expand(steps, &by_name, groups);
}

fn expand(steps: &mut [Step], flows: &BTreeMap<&str, &Flow>, groups: &[RequestName]) {
    for step in steps {
        match step {
            Step::Flow { name, steps } => {
                let Some(flow) = flows.get(name.as_str()) else { continue };
                steps.clone_from(&flow.steps);
                expand(steps, flows, groups);
                let group = flow
                    .group
                    .as_ref()
                    .and_then(|group| groups.iter().position(|name| name.as_str() == group));
                if let Some(group) = group {
                    *step = Step::Group { group, steps: std::mem::take(steps) };
                }
            }
            Step::Group { steps, .. } | Step::Repeat { steps, .. } => expand(steps, flows, groups),
            Step::When { steps, otherwise, .. } => {
                expand(steps, flows, groups);
                expand(otherwise, flows, groups);
            }
            Step::Choose(choices) => {
                choices.iter_mut().for_each(|choice| expand(&mut choice.steps, flows, groups));
            }
            Step::Request { .. } | Step::Think(_) | Step::Poll { .. } | Step::Draw { .. } => {}
        }
    }
}

/// The flows that a list of steps names, each once.
fn used_by(steps: &[Step]) -> Vec<String> {
    let mut used = Vec::new();
    collect(steps, &mut used);
    used
}

fn collect(steps: &[Step], used: &mut Vec<String>) {
    for step in steps {
        if let Step::Flow { name, .. } = step
            && !used.contains(name)
        {
            used.push(name.clone());
        }
        step.inner().into_iter().for_each(|steps| collect(steps, used));
    }
}

/// Why a flow comes back to where the way began. Each flow of a ring is reported once, at itself.
fn ring<'a>(uses: &'a BTreeMap<String, Vec<String>>, way: &mut Vec<&'a str>) -> Option<String> {
    let first = *way.first()?;
    let mut seen: Vec<&str> = Vec::new();
    search(uses, first, first, way, &mut seen)
}

fn search<'a>(
    uses: &'a BTreeMap<String, Vec<String>>,
    first: &str,
    at: &str,
    way: &mut Vec<&'a str>,
    seen: &mut Vec<&'a str>,
) -> Option<String> {
    for next in uses.get(at)? {
        if next == first {
            return Some(format!("uses itself: {} → {first}", way.join(" → ")));
        }
        if seen.contains(&next.as_str()) {
            continue;
        }
        seen.push(next);
        way.push(next);
        if let Some(reason) = search(uses, first, next, way, seen) {
            return Some(reason);
        }
        way.pop();
    }
    None
}

/// How deep flows nest from this one on, itself included.
fn depth(uses: &BTreeMap<String, Vec<String>>, name: &str, known: &mut BTreeMap<String, usize>) -> usize {
    if let Some(depth) = known.get(name) {
        return *depth;
    }
    let inner = uses.get(name).map(Vec::as_slice).unwrap_or_default();
    let deepest = inner.iter().map(|inner| depth(uses, inner, known)).max().unwrap_or(0);
    known.insert(name.to_owned(), deepest + 1);
    deepest + 1
}

/// How many steps a list becomes.
fn size<'a>(
    steps: &'a [Step],
    flows: &BTreeMap<&str, &'a Flow>,
    sizes: &mut BTreeMap<&'a str, usize>,
) -> usize {
    let mut sum = 0_usize;
    for step in steps {
        let inner = match step {
            Step::Flow { name, .. } => match (sizes.get(name.as_str()), flows.get(name.as_str())) {
                (Some(size), _) => *size,
                (None, Some(flow)) => {
                    let inner = size(&flow.steps, flows, sizes);
                    sizes.insert(&flow.name, inner);
                    inner
                }
                (None, None) => 0,
            },
            _ => {
                step.inner().into_iter().map(|steps| size(steps, flows, sizes)).fold(0, usize::saturating_add)
            }
        };
        sum = sum.saturating_add(1).saturating_add(inner);
    }
    sum
}

//! `capacity`: what its flags and a plan make of a search.

use common::plan::{PlanTree, parse_duration, parse_rate};
use serde_json::{Value, json};

use super::habits;
use crate::args::SearchFlags;
use crate::exit::Stop;

/// What fixes a rate or ends a load, in a plan that was not written for a search.
const OF_ONE_RATE: [&str; 7] =
    ["rate", "delay", "target_throughput", "requests", "sessions", "stages", "duration"];

/// Makes a search of a plan, and notes the keys that flags set. Returns what of it is left out, because a search has it from
/// elsewhere.
///
/// # Errors
/// Where a flag cannot be read, or neither a flag nor the plan gives an objective.
pub fn overlay(
    flags: &SearchFlags,
    tree: &mut PlanTree,
    given: &mut Vec<&'static str>,
) -> Result<Vec<String>, Stop> {
    let mut left_out = Vec::new();
    if tree.get(&["capacity"]).is_none() {
        for key in OF_ONE_RATE {
            take(tree, &["load", key], &mut left_out);
        }
        for table in ["thresholds", "abort"] {
            take(tree, &[table], &mut left_out);
        }
        if tree.get(&["per"]) == Some(&json!("driver")) {
            take(tree, &["per"], &mut left_out);
        }
    }
    if !flags.slo.is_empty() {
        tree.set(&["capacity", "slo"], json!(flags.slo));
        given.push("capacity.slo");
    }
    if tree.get(&["capacity", "slo"]).is_none() {
        return Err(Stop::usage("--slo is missing: what must hold? as in --slo 'response.p99 < 250ms'"));
    }
    if let Some(text) = &flags.start {
        parse_rate(text).map_err(|reason| Stop::usage(format!("--start {text}: {reason}")))?;
        tree.set(&["load", "rate"], number_or_text(text));
        given.push("load.rate");
    }
    if let Some(text) = &flags.search_for {
        let time = habits::seconds(text);
        parse_duration(&time).map_err(|reason| Stop::usage(format!("--for {text}: {reason}")))?;
        tree.set(&["load", "duration"], time);
        given.push("load.duration");
    }
    let seconds = |flag: &Option<String>| flag.as_deref().map(|text| json!(habits::seconds(text)));
    let keys = [
        ("capacity.within", flags.within.as_ref().map(|text| json!(text))),
        ("capacity.max_rate", flags.max_rate.as_deref().map(number_or_text)),
        ("capacity.horizon", seconds(&flags.horizon)),
        ("capacity.level_for", seconds(&flags.level_for)),
    ];
    for (key, value) in keys {
        if let Some(value) = value {
            tree.set(&key.split('.').collect::<Vec<_>>(), value);
            given.push(key);
        }
    }
    Ok(left_out)
}

fn take(tree: &mut PlanTree, path: &[&str], left_out: &mut Vec<String>) {
    if tree.get(path).is_some() {
        tree.remove(path);
        left_out.push(path.join("."));
    }
}

/// A rate as a plan has it: a number, or a text with a unit.
fn number_or_text(text: &str) -> Value {
    let number = serde_json::from_str::<serde_json::Number>(&text.replace('_', ""));
    number.map_or_else(|_| json!(text), Value::Number)
}

#[cfg(test)]
mod tests {
    use common::plan::PlanFormat;

    use super::*;

    fn flags() -> SearchFlags {
        SearchFlags { slo: vec!["response.p99 < 250ms".to_owned()], ..SearchFlags::default() }
    }

    #[test]
    fn a_plan_of_one_rate_becomes_a_search() {
        let text = "per = 'driver'\ntarget.url = 'http://127.0.0.1/'\nload = { rate = 900, duration = '30s', warmup = '2s' }\n\
                    [thresholds]\nthroughput = '> 1'\n";
        let mut tree = PlanTree::parse(text, PlanFormat::Toml).unwrap();
        let left_out = overlay(&flags(), &mut tree, &mut Vec::new()).unwrap();
        assert_eq!(left_out, ["load.rate", "load.duration", "thresholds", "per"]);
        let plan = tree.validate().unwrap();
        assert_eq!(plan.load.open_loop_rate_per_s(), Some(50.0));
        assert_eq!((plan.load.duration.unwrap().as_secs(), plan.load.warmup.as_secs()), (600, 2));
        assert_eq!(plan.capacity.unwrap().expression(), "response.p99 < 250ms");
    }

    #[test]
    fn a_plan_with_a_search_of_its_own_keeps_it() {
        let text = "target.url = 'http://127.0.0.1/'\nload.rate = 200\n[capacity]\nslo = 'response.p50 < 20ms'\nwithin = '10%'\n";
        let mut tree = PlanTree::parse(text, PlanFormat::Toml).unwrap();
        let more = SearchFlags {
            max_rate: Some("5k/s".to_owned()),
            search_for: Some("90".to_owned()),
            ..SearchFlags::default()
        };
        let mut given = Vec::new();
        assert!(overlay(&more, &mut tree, &mut given).unwrap().is_empty());
        assert_eq!(given, ["load.duration", "capacity.max_rate"]);
        let plan = tree.validate().unwrap();
        assert_eq!(plan.load.open_loop_rate_per_s(), Some(200.0));
        let capacity = plan.capacity.unwrap();
        assert_eq!((capacity.within, capacity.max_rate), (0.1, Some(5_000.0)));
        assert_eq!(plan.load.duration.unwrap().as_secs(), 90);
    }

    #[test]
    fn without_an_objective_or_with_a_rate_that_is_none_it_says_what_to_give() {
        let mut tree = PlanTree::default();
        let error = overlay(&SearchFlags::default(), &mut tree, &mut Vec::new()).unwrap_err();
        assert!(error.message.contains("--slo is missing"), "{error}");
        let fast = SearchFlags { start: Some("fast".to_owned()), ..flags() };
        let error = overlay(&fast, &mut tree, &mut Vec::new()).unwrap_err();
        assert!(error.message.starts_with("--start fast:"), "{error}");
    }
}

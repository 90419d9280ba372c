//! The scenario `sessions-open`: sessions at a fixed rate, and how late their steps begin, first steps and later ones
//! apart.
//!
//! Our report has one lag, of all steps. First and later steps are distinguished where they arrive. A first step is due by the schedule:
//! how much later did it come than the schedule through the earliest of all first steps? To that the least lag of our
//! report is added, for the earliest may have been late, too. A later step is due when the answer before it is in: how
//! long is it from the answer, written whole, to the arrival of the next step? Both hold the way through the kernel and
//! the receiving end besides our lag, so our lag is not more.
//!
//! From our own figures a bound for each: a first step is one request in five, so at least a hundredth of a fifth of all
//! requests are as late as the latest hundredth of first steps, and their p99 is not above p99.8 of all; that of later
//! steps, four in five, is not above p99.2 of all. Our report gives both, asked by thresholds that always hold. (A
//! percentile that a threshold names is judged by `honesty`, too, so such a test is `invalid` sooner; its verdict is not
//! looked at here.)

use std::time::Duration;

use serde_json::{Value, json};

use crate::generator::PATIENCE;
use crate::job::Place;
use crate::ours::{Stack, Variant};
use crate::receiver::{Receiver, Receiving, Sharing};
use crate::results::{Figures, Sample};
use crate::rounds::rounds;
use crate::shop_plan::{Load, check, plan};

const BOUND_OF_FIRST: &str = "lag.p99.8";
const BOUND_OF_LATER: &str = "lag.p99.2";

/// Takes all samples, of so many sessions a second for so long.
pub fn run(
    place: &Place,
    n_rounds: u32,
    (rate_per_s, duration): (f64, Duration),
    ours: &[Variant],
    record: &mut dyn FnMut(Sample),
) {
    rounds(record, "sessions-open", n_rounds, (ours, &Variant::row), &|variant| {
        turn(place, variant, rate_per_s, duration)
    });
}

fn turn(
    place: &Place,
    variant: &Variant,
    rate_per_s: f64,
    duration: Duration,
) -> anyhow::Result<(String, Figures)> {
    let receiving = Receiving {
        schedule: Some((rate_per_s, duration)),
        sharing: Sharing::AtOnce,
        shop: true,
        ..Receiving::default()
    };
    let receiver = Receiver::start(place.server_core, receiving)?;
    let mut plan = plan(receiver.url().trim_end_matches("/ping"), Load::Rate(rate_per_s), duration);
    plan["thresholds"] = json!({ BOUND_OF_FIRST: "< 1h", BOUND_OF_LATER: "< 1h" });
    let stack = Stack::start(place, variant)?;
    let (outcome, report) = stack.run_plan(&plan, duration, duration + PATIENCE)?;
    let seen = receiver.end()?;
    let sessions = check(seen.sessions.as_ref(), None)?;
    let lag = &report["totals"]["latency_ms"]["lag"];
    let us = |value: &Value| value.as_f64().map(|ms| ms * 1e3);
    let mut figures = Figures::from([
        ("sessions_per_s", sessions.started as f64 / duration.as_secs_f64()),
        ("sessions_done", sessions.done as f64),
        ("wrong", sessions.wrong as f64),
        ("connections", seen.connections as f64),
        ("cpu_core", outcome.cpu.total_s() / duration.as_secs_f64()),
        ("rss_peak_mb", outcome.memory.peak_mb()),
    ]);
    if let (Some(late), Some(least)) = (seen.late, us(&lag["min"])) {
        figures.extend([("first_p50_us", late.p50_us + least), ("first_p99_us", late.p99_us + least)]);
    }
    if let Some(gaps) = sessions.gaps {
        figures.extend([("later_p50_us", gaps.p50_us), ("later_p99_us", gaps.p99_us)]);
    }
    figures.extend(us(&lag["p99"]).map(|lag| ("lag_p99_us", lag)));
    figures.extend(us(&bound(&report, BOUND_OF_FIRST)).map(|lag| ("first_bound_us", lag)));
    figures.extend(us(&bound(&report, BOUND_OF_LATER)).map(|lag| ("later_bound_us", lag)));
    figures.extend(report["totals"]["dropped"].as_f64().map(|n| ("dropped", n)));
    Ok((outcome.command, figures))
}

/// The value of a threshold.
fn bound(report: &Value, figure: &str) -> Value {
    let of = |row: &&Value| row["expression"].as_str().is_some_and(|text| text.starts_with(figure));
    let row = report["thresholds"].as_array().and_then(|rows| rows.iter().find(of));
    row.map(|row| row["value"].clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_the_value_of_its_threshold() {
        let report = json!({ "thresholds": [
            { "expression": "lag.p99.2 < 1h", "value": 0.25, "ok": true },
            { "expression": "lag.p99.8 < 1h", "value": 0.5, "ok": true },
        ] });
        assert_eq!(
            (bound(&report, BOUND_OF_FIRST), bound(&report, BOUND_OF_LATER)),
            (json!(0.5), json!(0.25))
        );
        assert_eq!(bound(&json!({}), BOUND_OF_FIRST), Value::Null);
    }
}

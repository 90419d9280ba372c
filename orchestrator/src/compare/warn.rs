//! What should be known of two sides beside their figures: other machines, doubtful tests, the generator's own part.

use std::collections::BTreeMap;

use common::plan::parse_duration;

use super::labelled;
use super::plans::addresses;
use crate::human::{ms, rate};
use crate::lifecycle::{builds_of, ceilings_of};
use crate::model::{
    ComparedFigure, ComparedOutcome, ComparedWhat, FindingKind, FindingLevel, TestView, Verdict,
};

/// Share of a difference that the generator's own delay may be.
const MAX_LAG_SHARE: f64 = 0.1;

/// The tick of the timers of most servers, ms.
const TICK_MS: f64 = 1.0;

/// Findings of one test that make its figures another machine's.
const OF_THE_GENERATOR: [FindingKind; 6] = [
    FindingKind::DriverWarned,
    FindingKind::GaveUpSpinning,
    FindingKind::HostTookCpu,
    FindingKind::CpuUsedUp,
    FindingKind::LagInResponse,
    FindingKind::DriverStopped,
];

/// From how many times the lower one on two calibrations of a driver are those of two machines: one machine's differ by some
/// percent from one to the next.
const OTHER_MACHINE: f64 = 1.1;

/// Most sentences about one test's own findings, and about calibrations.
const MAX_FINDINGS: usize = 3;

/// The warnings of a comparison.
pub(super) fn warnings(
    a: &[TestView],
    b: &[TestView],
    asked: ComparedWhat,
    figures: &[ComparedFigure],
) -> Vec<String> {
    let mut warnings: Vec<String> =
        labelled(a, b).filter_map(|(called, test)| verdict(&called, test)).collect();
    warnings.extend(targets(a, b));
    warnings.extend(machines(a, b));
    warnings.extend(calibrations(a, b));
    warnings.extend(labelled(a, b).flat_map(|(called, test)| findings(&called, test)));
    if asked == ComparedWhat::Service && !taken_in_turn(a, b) {
        warnings.push(
            "the tests of one side ran before those of the other: what changed meanwhile seems to be the service's; take \
             them in turn (A B A B A B)"
                .to_owned(),
        );
    }
    warnings.extend(lag(a, b, figures));
    if asked == ComparedWhat::Tests {
        warnings.extend(timers(a, figures));
    }
    warnings
}

fn verdict(called: &str, test: &TestView) -> Option<String> {
    let verdict = test
        .verdict
        .filter(|verdict| matches!(verdict, Verdict::Invalid | Verdict::Incomplete | Verdict::Aborted))?;
    let why = test.reasons.first().map_or(String::new(), |reason| format!(": {reason}"));
    Some(format!("{called} is {}{why}", verdict.as_str()))
}

/// Where the two sides were sent to two addresses.
fn targets(a: &[TestView], b: &[TestView]) -> Vec<String> {
    let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { return Vec::new() };
    let differing = addresses(&first_a.plan, &first_b.plan);
    differing
        .map(|key| {
            format!(
                "{}: the figures compare these two addresses, and the way to each",
                key.sentence("A", "B")
            )
        })
        .collect()
}

/// Where drivers are not the same, or did not send the same way.
fn machines(a: &[TestView], b: &[TestView]) -> Vec<String> {
    type Of = fn(&TestView) -> Vec<String>;
    let each: [(&str, Of); 4] = [
        ("drivers", |test| test.drivers.iter().map(|driver| driver.node_id.clone()).collect()),
        ("engine", |test| test.drivers.iter().filter_map(|driver| driver.engine.clone()).collect()),
        ("precision", |test| test.drivers.iter().filter_map(|driver| driver.precision.clone()).collect()),
        ("builds", |test| builds_of(&test.timeline)),
    ];
    let mut warnings = Vec::new();
    for (what, of) in each {
        let mut seen: Vec<(String, Vec<String>)> = Vec::new();
        for (called, test) in labelled(a, b) {
            let mut values = of(test);
            values.sort_unstable();
            if what != "drivers" {
                values.dedup();
            }
            // A report of an earlier version may not have it.
            if !values.is_empty() && seen.iter().all(|(_, known)| *known != values) {
                seen.push((called, values));
            }
        }
        if seen.len() > 1 {
            let one = |(called, values): &(String, Vec<String>)| {
                format!("{} in {called}", crate::human::names(values.iter().map(String::as_str)))
            };
            let all: Vec<String> = seen.iter().take(3).map(one).collect();
            warnings.push(format!("{what} differ: {}", all.join(", ")));
        }
    }
    warnings
}

/// Where a driver could send far more when it was calibrated before one test than before another.
fn calibrations(a: &[TestView], b: &[TestView]) -> Vec<String> {
    let mut seen: BTreeMap<&str, Vec<(String, f64)>> = BTreeMap::new();
    for (called, test) in labelled(a, b) {
        let is_closed = test.plan.pointer("/load/mode").is_some_and(|mode| mode == "avalanche");
        for (driver, ceilings) in ceilings_of(&test.timeline) {
            let rate = if is_closed { Some(ceilings.closed_per_s) } else { ceilings.open_per_s };
            seen.entry(driver).or_default().extend(rate.map(|rate| (called.clone(), rate)));
        }
    }
    let differs = |(driver, rates): (&str, Vec<(String, f64)>)| {
        let least = rates.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let most = rates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        (most.1 > OTHER_MACHINE * least.1).then(|| {
            format!(
                "calibrations of {driver} differ: it could send {} before {}, and {} before {}",
                rate(least.1),
                least.0,
                rate(most.1),
                most.0
            )
        })
    };
    seen.into_iter().filter_map(differs).take(MAX_FINDINGS).collect()
}

fn findings<'t>(called: &str, test: &'t TestView) -> impl Iterator<Item = String> + use<'t> {
    let of = test
        .findings
        .iter()
        .filter(|finding| finding.level == FindingLevel::Warning && OF_THE_GENERATOR.contains(&finding.kind));
    let called = called.to_owned();
    of.take(MAX_FINDINGS).map(move |finding| format!("{called}: {}", finding.text))
}

/// Whether the tests of each side began between those of the other: no side had ended when the other began.
fn taken_in_turn(a: &[TestView], b: &[TestView]) -> bool {
    let began = |tests: &[TestView]| -> Option<(String, String)> {
        let times = || tests.iter().filter_map(|test| test.started_at.clone());
        times().min().zip(times().max())
    };
    match (began(a), began(b)) {
        (Some((first_a, last_a)), Some((first_b, last_b))) => first_a < last_b && first_b < last_a,
        _ => true,
    }
}

/// Where a difference may be of the phase between the schedule and a timer of the target: requests that come each whole number
/// of milliseconds meet a timer that ticks once a millisecond always at the same part of its tick, which is another one in the
/// next test. Means of equal tests at 200/s spread by 0.07 ms for it, where their seconds said 0.03 ms.
fn timers(a: &[TestView], figures: &[ComparedFigure]) -> Option<String> {
    let period = period_ms(&a.first()?.plan).filter(|ms| *ms >= 1.0 && (ms - ms.round()).abs() < 1e-6)?;
    let is_so_small = |figure: &&ComparedFigure| {
        let differs = matches!(figure.outcome, ComparedOutcome::Better | ComparedOutcome::Worse);
        let both = figure.a.zip(figure.b).filter(|_| differs && figure.unit == "ms");
        both.is_some_and(|(a, b)| (a - b).abs() < TICK_MS)
    };
    let names: Vec<&str> = figures.iter().filter(is_so_small).map(|figure| figure.figure.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "a request came each {period:.0} ms sharp, so that a timer of the target met all of them at the same part of its tick: \
             the difference of {} may be of that; take a rate such as 197/s, or three tests a side",
            crate::human::names(names)
        )
    })
}

/// From one request of an open loop at one rate to the next, ms.
fn period_ms(plan: &serde_json::Value) -> Option<f64> {
    let load = plan.get("load").filter(|load| load.get("stages").is_none())?;
    let delay = load.get("delay").and_then(|delay| parse_duration(delay.as_str()?).ok());
    let rate = load.get("rate").and_then(serde_json::Value::as_f64);
    delay.map(|delay| delay.as_secs_f64() * 1e3).or_else(|| rate.map(|rate| 1e3 / rate))
}

/// Where the generator's own delay may be more than a tenth of a difference.
fn lag(a: &[TestView], b: &[TestView], figures: &[ComparedFigure]) -> Option<String> {
    let lag_of = |name: &str, test: &TestView| {
        let lag = &test.totals.latency_ms.lag;
        match name {
            "mean" => lag.mean,
            "p50" => lag.median,
            "p90" => lag.p90,
            "p99" => lag.p99,
            "p99.9" => lag.p999,
            _ => None,
        }
    };
    let doubtful = figures.iter().filter_map(|figure| {
        if !matches!(figure.outcome, ComparedOutcome::Better | ComparedOutcome::Worse) {
            return None;
        }
        let difference = (figure.b? - figure.a?).abs();
        let lag = a.iter().chain(b).filter_map(|test| lag_of(&figure.figure, test)).reduce(f64::max)?;
        (lag > difference * MAX_LAG_SHARE)
            .then(|| format!("{} (lag {}, difference {})", figure.figure, ms(lag), ms(difference)))
    });
    let doubtful: Vec<String> = doubtful.collect();
    (!doubtful.is_empty()).then(|| {
        format!(
            "the generator's own delay may be more than a tenth of the difference of {}",
            doubtful.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::test_view;
    use crate::model::FindingView;

    fn began(id: &str, second: u32) -> TestView {
        TestView {
            started_at: Some(format!("2026-11-24T00:00:{second:02}.000000Z")),
            ..test_view(id, "ping")
        }
    }

    #[test]
    fn doubtful_tests_are_named() {
        let mut b = began("2", 2);
        b.verdict = Some(Verdict::Invalid);
        b.set_findings(vec![
            FindingView {
                kind: FindingKind::GeneratorLate,
                level: FindingLevel::Reason,
                driver: None,
                text: "lag p99 was 9 ms".to_owned(),
            },
            FindingView {
                kind: FindingKind::HostTookCpu,
                level: FindingLevel::Warning,
                driver: None,
                text: "the host took 5 % of vm-1".to_owned(),
            },
        ]);
        let warnings = warnings(&[began("1", 1)], &[b], ComparedWhat::Tests, &[]);
        assert_eq!(warnings, ["B is invalid: lag p99 was 9 ms", "B: the host took 5 % of vm-1"]);
    }

    #[test]
    fn a_driver_whose_calibrations_differ_is_named() {
        let calibrated = |id: &str, open: &str| {
            let entry = |what: &str, driver: Option<&str>, detail: String| {
                let json = serde_json::json!({ "at": "", "what": what, "driver": driver, "detail": detail });
                serde_json::from_value(json).unwrap()
            };
            let detail = format!("{open}/s in an open loop, 50,000/s in a closed loop");
            let timeline = vec![
                entry("triggered", None, String::new()),
                entry("driver_calibrated", Some("vm-1"), detail),
            ];
            TestView { timeline, ..began(id, 1) }
        };
        let of = |a: &str, b: &str| calibrations(&[calibrated("1", a)], &[calibrated("2", b)]);
        assert_eq!(of("38,100", "37,200"), [""; 0]);
        assert_eq!(of("38,100", "0"), [""; 0], "none was kept: its closed loop says nothing of it");
        assert_eq!(
            of("38,100", "30,000"),
            ["calibrations of vm-1 differ: it could send 30,000/s before B, and 38,100/s before A"]
        );
        let closed = |id: &str, open: &str| {
            let plan = serde_json::json!({ "load": { "mode": "avalanche" } });
            TestView { plan, ..calibrated(id, open) }
        };
        assert_eq!(calibrations(&[closed("1", "38,100")], &[closed("2", "30,000")]), [""; 0]);
        assert_eq!(calibrations(&[began("1", 1)], &[calibrated("2", "30,000")]), [""; 0]);
    }

    #[test]
    fn two_addresses_are_named() {
        let at = |id: &str, url: &str| TestView {
            plan: serde_json::json!({ "target": { "url": url } }),
            ..began(id, 1)
        };
        let warnings =
            warnings(&[at("1", "http://blue/")], &[at("2", "http://green/")], ComparedWhat::Tests, &[]);
        assert_eq!(
            warnings,
            [
                "target.url is http://blue/ in A and http://green/ in B: the figures compare these two addresses, and the \
              way to each"
            ]
        );
    }

    #[test]
    fn a_small_difference_at_a_rate_of_whole_milliseconds_may_be_of_a_timer() {
        let figure = |name: &str, a: f64, b: f64, outcome: &str| -> ComparedFigure {
            let of = serde_json::json!({ "figure": name, "unit": "ms", "a": a, "b": b, "outcome": outcome, "sentence": "" });
            serde_json::from_value(of).unwrap()
        };
        let figures = [
            figure("mean", 6.05, 6.22, "worse"),
            figure("p50", 6.1, 6.1, "same"),
            figure("p99", 11.0, 19.0, "worse"),
        ];
        let at =
            |load: serde_json::Value| TestView { plan: serde_json::json!({ "load": load }), ..began("1", 1) };
        let warned = |load| timers(&[at(load)], &figures);
        let warning = warned(serde_json::json!({ "rate": 200.0 })).unwrap();
        assert!(
            warning.contains("each 5 ms sharp") && warning.contains("difference of mean may"),
            "{warning}"
        );
        assert!(warned(serde_json::json!({ "delay": "10ms" })).is_some());
        assert_eq!(warned(serde_json::json!({ "rate": 197.0 })), None);
        assert_eq!(warned(serde_json::json!({ "rate": 2_000.0 })), None);
        assert_eq!(warned(serde_json::json!({ "mode": "avalanche", "connections": 5 })), None);
    }

    #[test]
    fn tests_of_a_service_are_to_be_taken_in_turn() {
        let side = |at: [u32; 3]| at.map(|at| began(&at.to_string(), at));
        let of = |a, b| warnings(&side(a), &side(b), ComparedWhat::Service, &[]);
        assert_eq!(of([1, 3, 5], [2, 4, 6]), [""; 0]);
        assert!(of([1, 2, 3], [4, 5, 6])[0].contains("take them in turn"));
        assert!(of([4, 5, 6], [1, 2, 3])[0].contains("take them in turn"));
    }
}

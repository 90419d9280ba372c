//! What templates and sessions cost: plans of ours in turns against the same receiving end, each beside a static request
//! of the same round. One round is a pair of short turns, and every other one begins with the plan: so a drift falls on
//! both alike, and of the ratios of many pairs the median counts (which pairs: `apart`). The peers' sessions are in
//! `sessions_beside`.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use crate::apart;
use crate::generator::PATIENCE;
use crate::job::Place;
use crate::ours::{Stack, Variant};
use crate::receiver::{Receiver, Receiving};
use crate::results::{Figures, Sample};

/// Which plan is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// One static request.
    Static,
    /// Ten requests with an int, a UUID, a row or a choice each.
    Mix,
    /// Sessions of five steps: two values of JSON bodies of 2 kB, and a cookie jar.
    Session,
}

impl Work {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Mix => "mix",
            Self::Session => "session",
        }
    }

    /// What the receiving end answers: sessions read bodies of 2 kB.
    fn receiving(scenario: &str) -> Receiving {
        Receiving { session: scenario == "sessions", ..Receiving::default() }
    }

    /// The plan, for so many users or connections and so long.
    fn plan(self, url: &str, at_once: u32, duration: Duration) -> Value {
        let duration = format!("{}ms", duration.as_millis());
        let base = url.trim_end_matches("/ping");
        let users = json!({ "mode": "avalanche", "users": at_once, "duration": duration });
        match self {
            Self::Static => json!({
                "name": "bench", "target": { "url": url },
                "load": { "mode": "avalanche", "connections": at_once, "duration": duration },
            }),
            Self::Mix => {
                let rows: Vec<Value> = (0..1_000).map(|i| json!([format!("{:06}", i * 7)])).collect();
                let values = ["{{int 1 1000000}}", "{{uuid}}", "{{row.id}}", "{{choice red green blue}}"];
                let requests: serde_json::Map<String, Value> = (0..10)
                    .map(|i| (format!("r{i}"), json!({ "path": format!("/ping/{i}/{}", values[i % 4]) })))
                    .collect();
                json!({
                    "name": "bench", "target": { "url": base }, "load": users,
                    "data": { "row": { "columns": ["id"], "rows": rows } }, "requests": requests,
                })
            }
            Self::Session => json!({
                "name": "bench", "target": { "url": base }, "load": users,
                "requests": {
                    "home": { "path": "/" },
                    "list": { "path": "/list", "query": { "q": "{{int 1 1000}}" }, "extract": { "id": { "json": "$.items[3].id" } } },
                    "item": { "path": "/item/{{id}}", "extract": { "token": { "json": "$.token" } } },
                    "add": { "path": "/add", "headers": { "x-token": "{{token}}" }, "query": { "id": "{{id}}" } },
                    "done": { "path": "/done", "headers": { "x-token": "{{token}}" } },
                },
                "scenarios": { "s": { "cookies": true, "steps": ["home", "list", "item", "add", "done"] } },
            }),
        }
    }
}

/// One turn: a plan against a receiving end of its own.
fn turn(
    place: &Place,
    scenario: &str,
    work: Work,
    at_once: u32,
    duration: Duration,
) -> anyhow::Result<(String, Figures)> {
    let before_ns = apart::line_ns(place)?;
    let receiver = Receiver::start(place.server_core, Work::receiving(scenario))?;
    let plan = work.plan(&receiver.url(), at_once, duration);
    let stack = Stack::start(place, &Variant { name: String::new(), flags: Vec::new() })?;
    let (outcome, report) = stack.run_plan(&plan, duration, duration + PATIENCE)?;
    let seen = receiver.end()?;
    check(work, &report)?;
    let received = seen.received.max(1) as f64;
    let mut figures = apart::figures(before_ns, apart::line_ns(place)?);
    figures.extend([
        ("cpu_us", outcome.cpu.total_s() * 1e6 / received),
        ("user_us", outcome.cpu.user_s * 1e6 / received),
        ("system_us", outcome.cpu.system_s * 1e6 / received),
        ("received", seen.received as f64),
    ]);
    if let Some(stack) = outcome.stack_cpu {
        figures.insert("stack_us", stack.total_s() * 1e6 / received);
    }
    Ok((outcome.command, figures))
}

/// Fails where a run was not what it should have been. What fails is cheaper than what succeeds: an answer in which nothing
/// is found ends its session, and the receiving end counts heads, whatever they ask for.
fn check(work: Work, report: &Value) -> anyhow::Result<()> {
    let totals = &report["totals"];
    let failed = &totals["failed"];
    ensure!(failed == 0, "void: {failed} of {} requests failed", totals["sent"]);
    if work == Work::Session {
        let sessions = &totals["sessions"];
        let done = sessions["completed"].as_u64().is_some_and(|completed| completed > 0);
        ensure!(done && sessions["failed"] == 0, "void: sessions failed, or none was completed: {sessions}");
    }
    Ok(())
}

/// Rounds of a scenario (`mix` or `sessions`), in which these plans take turns.
pub fn rounds(
    place: &Place,
    scenario: &str,
    works: &[Work],
    (n_rounds, at_once, duration): (u32, u32, Duration),
    record: &mut dyn FnMut(Sample),
) {
    let name = |work: &Work| work.name().to_owned();
    crate::rounds::rounds(record, scenario, n_rounds, (works, &name), &|work| {
        turn(place, scenario, *work, at_once, duration)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_which_something_failed_is_void() {
        let report = |failed: u64, sessions: Value| json!({ "totals": { "sent": 50, "failed": failed, "sessions": sessions } });
        let sessions = |completed: u64, failed: u64| json!({ "completed": completed, "failed": failed });
        let error = |work, report: Value| check(work, &report).map_err(|error| error.to_string()).err();
        assert_eq!(error(Work::Static, json!({ "totals": { "sent": 50, "failed": 0 } })), None);
        assert_eq!(error(Work::Mix, report(0, sessions(50, 0))), None);
        assert_eq!(error(Work::Session, report(0, sessions(10, 0))), None);
        let failed = Some("void: 3 of 50 requests failed".to_owned());
        assert_eq!(error(Work::Mix, report(3, sessions(47, 3))), failed);
        assert_eq!(error(Work::Static, report(3, Value::Null)), failed);
        for of_sessions in [sessions(9, 1), sessions(0, 0), Value::Null] {
            let said = error(Work::Session, report(0, of_sessions.clone())).unwrap();
            assert!(said.contains(&of_sessions.to_string()), "{said}");
        }
    }
}

//! What templates and sessions cost: plans of ours in turns against the same receiving end, each beside a static request
//! of the same round. The peers' sessions are in `sessions_beside`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::generator::PATIENCE;
use crate::job::Place;
use crate::machine::Ticks;
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
    let receiver = Receiver::start(place.server_core, Work::receiving(scenario))?;
    let plan = work.plan(&receiver.url(), at_once, duration);
    let stack = Stack::start(place, &Variant { name: String::new(), flags: Vec::new() })?;
    let (outcome, report) = stack.run_plan(&plan, duration, duration + PATIENCE)?;
    let seen = receiver.end()?;
    let received = seen.received.max(1) as f64;
    let mut figures = Figures::from([
        ("cpu_us", outcome.cpu.total_s() * 1e6 / received),
        ("received", seen.received as f64),
        ("failed", report["totals"]["failed"].as_f64().unwrap_or(0.0)),
    ]);
    if let Some(stack) = outcome.stack_cpu {
        figures.insert("stack_us", stack.total_s() * 1e6 / received);
    }
    Ok((outcome.command, figures))
}

/// Rounds of a scenario (`mix` or `sessions`), in which these plans take turns.
pub fn rounds(
    place: &Place,
    scenario: &str,
    works: &[Work],
    (rounds, at_once, duration): (u32, u32, Duration),
    record: &mut dyn FnMut(Sample),
) {
    for round in 1..=rounds {
        let mut works = works.to_vec();
        let first = (round as usize - 1) % works.len().max(1);
        works.rotate_left(first);
        for work in works {
            let before = Ticks::now();
            let (command, mut figures, error) = match turn(place, scenario, work, at_once, duration) {
                Ok((command, figures)) => (command, figures, None),
                Err(error) => (String::new(), Figures::new(), Some(format!("{error:#}"))),
            };
            figures.insert("stolen_share", Ticks::stolen_since(before));
            let (scenario, tool) = (scenario.to_owned(), work.name().to_owned());
            record(Sample { scenario, tool, round, command, figures, error });
        }
    }
}

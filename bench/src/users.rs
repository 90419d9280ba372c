//! The scenario `users`: very many users who think between their steps, on one driver. Its resident memory over the
//! run, beside what `groundswell plan show` says that the sessions need, and how late steps begin.

use std::time::Duration;

use crate::generator::PATIENCE;
use crate::job::Place;
use crate::ours::{Stack, Variant};
use crate::receiver::{Receiver, Receiving, Sharing};
use crate::results::{Figures, Sample};
use crate::rounds::rounds;
use crate::shop_plan::{Load, check, plan, said_mb};

/// How many, for how long, and how long they think.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub users: u32,
    pub duration: Duration,
    pub think: (Duration, Duration),
}

/// Takes all samples.
pub fn run(place: &Place, n_rounds: u32, size: Size, ours: &[Variant], record: &mut dyn FnMut(Sample)) {
    rounds(record, "users", n_rounds, (ours, &Variant::row), &|variant| turn(place, variant, size));
}

fn turn(place: &Place, variant: &Variant, size: Size) -> anyhow::Result<(String, Figures)> {
    let receiving = Receiving { sharing: Sharing::AtOnce, shop: true, ..Receiving::default() };
    let receiver = Receiver::start(place.server_core, receiving)?;
    let (least, most) = size.think;
    let load = Load::Thinking(size.users, least, most);
    // They think before their first step, too, so that they do not all come at once.
    let plan = plan(receiver.url().trim_end_matches("/ping"), load, size.duration);
    let said = said_mb(&place.groundswell, &plan, &place.scratch)?;
    let stack = Stack::start(place, variant)?;
    let (outcome, report) = stack.run_plan(&plan, size.duration, size.duration + PATIENCE)?;
    let seen = receiver.end()?;
    let sessions = check(seen.sessions.as_ref(), Some(size.users))?;
    let mut figures = Figures::from([
        ("said_mb", said),
        ("rss_peak_mb", outcome.memory.peak_mb()),
        ("requests_per_s", seen.received as f64 / size.duration.as_secs_f64()),
        ("sessions_done", sessions.done as f64),
        ("wrong", sessions.wrong as f64),
        ("connections", seen.connections as f64),
        ("cpu_core", outcome.cpu.total_s() / size.duration.as_secs_f64()),
    ]);
    let at = |span: Duration| outcome.memory.at_mb(span);
    // Of a minute: 20 s, 40 s and its end.
    let third = size.duration / 3;
    let marks = [("rss_first_mb", third), ("rss_middle_mb", third * 2), ("rss_last_mb", size.duration)];
    for (name, after) in marks {
        figures.extend(at(after).map(|mb| (name, mb)));
    }
    if let (Some(idle), Some(last)) = (at(Duration::ZERO), at(size.duration)) {
        figures.extend([
            ("rss_idle_mb", idle),
            ("rss_over_said", last / said),
            ("growth_over_said", (last - idle) / said),
        ]);
    }
    let lag = &report["totals"]["latency_ms"]["lag"];
    figures.extend(lag["p99"].as_f64().map(|ms| ("lag_p99_us", ms * 1e3)));
    Ok((outcome.command, figures))
}

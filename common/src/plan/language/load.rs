//! `[load]` of a plan with `[requests]`: when sessions start. A rate counts sessions, users take the place of connections,
//! and `max_sessions` that of `max_in_flight`.

use std::time::Duration;

use super::{parts, rows, stages};
use crate::plan::expect::Expect;
use crate::plan::load::{
    DAY, HOUR, Loop, MAX_DURATION, MAX_IN_FLIGHT, MAX_RATE_PER_S, MAX_REQUESTS, MIN_RATE_PER_S, MS,
};
use crate::plan::program::{Arrival, Connections, Program, Stage};
use crate::plan::{DriverChoice, Load, Mode, Pace, Per, write_duration};
use crate::tree::{Kind, Table, parse};

/// Sessions that a driver has room for at least, where the plan does not say.
const LEAST_SESSIONS: u32 = 1_024;
/// Most memory of a driver's sessions.
pub(super) const MAX_SESSIONS_BYTES: u64 = 256 * 1024 * 1024;
/// Longest default of the drain, where a session has several steps.
const MAX_DEFAULT_DRAIN: Duration = Duration::from_secs(60);

/// Reads `[load]`; `None` where it cannot be read. The faults are in the table. Without a program, whose requests have
/// faults of their own, what depends on the sessions is not checked.
pub(super) fn read<'a>(
    root: &mut Table,
    program: impl Into<Option<&'a Program>>,
    drivers: &DriverChoice,
    per: Per,
) -> Option<Load> {
    let program = program.into();
    let fleet = Fleet { n: count(drivers), per };
    let load = root.table("load", |load| read_table(load, program, fleet))?;
    if let Some(program) = program {
        rows::check_sessions(program, &load, drivers, per, root);
        check_parts(program, &load, fleet, root);
    }
    Some(load)
}

/// Whether each scenario's share of the sessions is one at least, where their number is known.
fn check_parts(program: &Program, load: &Load, fleet: Fleet, root: &Table) {
    let n_drivers = match (fleet.per, fleet.n) {
        (Per::Fleet, _) => 1,
        (Per::Driver, Some(n)) => n,
        // More drivers start more sessions.
        (Per::Driver, None) => return,
    };
    parts::less_than_one(program, load, n_drivers).into_iter().for_each(|fault| root.fault(fault, None));
}

/// How many drivers there are, where the plan says it, and whether they share the amounts.
#[derive(Clone, Copy)]
struct Fleet {
    n: Option<u32>,
    per: Per,
}

impl Fleet {
    /// A driver's part of an amount: all of it, where the number of drivers is not known.
    fn part(self, amount: f64) -> f64 {
        if self.per == Per::Fleet { amount / f64::from(self.n.unwrap_or(1).max(1)) } else { amount }
    }

    /// Whose amounts a reason speaks of, and what to add to it where a part of them is each driver's and their number is not
    /// known.
    fn words(self) -> (&'static str, &'static str) {
        if self.per == Per::Fleet && self.n.is_none() {
            let hint = "; they are counted for one driver, because the plan does not say how many there are: with drivers = 8 \
                        each has an eighth";
            return ("one driver", hint);
        }
        ("every driver", "")
    }
}

fn count(drivers: &DriverChoice) -> Option<u32> {
    match drivers {
        DriverChoice::All => None,
        DriverChoice::Count(n) => Some(*n),
        DriverChoice::Named(ids) => u32::try_from(ids.len()).ok(),
    }
}

fn read_table(load: &mut Table, program: Option<&Program>, fleet: Fleet) -> Option<Load> {
    let mode = load.get("mode", parse::one_of(&[("tsunami", Loop::Open), ("avalanche", Loop::Closed)]));
    let is_mode_known = !load.is_faulty("mode");
    let mode = mode.unwrap_or(Loop::Open);
    if is_mode_known {
        check_foreign(load, mode);
    }
    let stages = load.has("stages").then(|| stages::read(load, mode));
    if is_mode_known {
        check_amounts(load, mode, stages.is_some());
    }
    let rate = load.get("rate", parse::rate(MIN_RATE_PER_S..=MAX_RATE_PER_S)).map(Pace::Rate);
    let delay = load.get("delay", parse::duration(Duration::from_nanos(100)..=DAY)).map(Pace::Delay);
    let users = load.get("users", parse::integer(1..=MAX_IN_FLIGHT));
    let arrival = load
        .get("arrival", parse::one_of(&[("even", Arrival::Even), ("poisson", Arrival::Poisson)]))
        .unwrap_or_default();
    let pacing = load.get("pacing", parse::duration(MS..=DAY));
    let sessions = load.get("sessions", parse::integer(1..=MAX_REQUESTS));
    let duration = load.get("duration", parse::duration(MS..=MAX_DURATION));
    let warmup = load.get("warmup", parse::duration(Duration::ZERO..=DAY)).unwrap_or(Duration::ZERO);
    let drain = load.get("drain_timeout", parse::duration(Duration::ZERO..=2 * HOUR));
    let max_sessions = load.get("max_sessions", parse::integer(1..=MAX_IN_FLIGHT));
    let connections = load.get("connections", parse::integer(1..=MAX_IN_FLIGHT));
    if let (Some(connections), Some(program)) = (connections, program) {
        let max_sessions = max_sessions.filter(|_| fleet.per == Per::Driver);
        check_pool(load, connections, max_sessions, program);
    }

    let expect = program.map(Expect::of);
    let drain_timeout = drain.unwrap_or_else(|| default_drain(program, expect.as_ref()));
    let stages = match stages {
        // Its faults are reported.
        Some(None) => return None,
        Some(Some(stages)) => stages,
        None => Vec::new(),
    };
    check_warmup(load, warmup, &stages);
    check_shares(load, fleet, (sessions, users.or_else(|| highest_users(&stages, mode)), connections));
    let mode = match mode {
        Loop::Open => {
            let pace = delay.or(rate);
            let rate = pace.map(Pace::rate_per_s).or_else(|| stages::highest(&stages));
            let max_in_flight = room(load, max_sessions, rate, fleet, expect.as_ref());
            let max_in_flight = match (max_sessions, connections) {
                // Room for as many sessions as connections, at least.
                (None, Some(connections)) => max_in_flight.max(connections),
                _ => max_in_flight,
            };
            // What is missing is reported.
            if pace.is_none() && stages.is_empty() {
                return None;
            }
            Mode::Tsunami { pace, max_in_flight }
        }
        Loop::Closed => Mode::Avalanche { connections: users.or_else(|| highest_users(&stages, mode))? },
    };
    check_memory(load, &mode, fleet, expect.as_ref());
    Some(Load {
        mode,
        target_throughput: None,
        requests: sessions,
        duration,
        warmup,
        drain_timeout,
        stages,
        pacing,
        arrival,
        connections,
    })
}

/// Connections that attempts wait for are those of all sessions, and there are sessions for each of them.
fn check_pool(load: &Table, connections: u32, max_sessions: Option<u32>, program: &Program) {
    if let Some(most) = max_sessions.filter(|most| connections > *most) {
        let reason = format!(
            "is more than max_sessions, {most}, and a session has one connection at a time; raise that, or take fewer \
             connections"
        );
        load.contradiction("connections", connections, reason);
    }
    let own = program.scenarios.iter().find(|scenario| scenario.connections == Connections::Session);
    if let Some(scenario) = own {
        let reason = format!(
            "are shared by all sessions, and those of scenario {} have connections of their own (connections = \
             \"session\"); leave one of the two out",
            scenario.name
        );
        load.contradiction("connections", connections, reason);
    }
}

/// Keys of a plan with one request, and those of the other loop: each fault says what serves instead.
fn check_foreign(load: &mut Table, mode: Loop) {
    let foreign: &[(&str, &str)] = match mode {
        Loop::Open => &[
            ("requests", "with [requests], sessions ends a load after so many of them"),
            ("max_in_flight", "with [requests], max_sessions bounds the sessions of a driver"),
            ("target_throughput", "with [requests], rate is the number of sessions a second"),
            ("users", "belongs to mode \"avalanche\"; a tsunami has a rate, a delay or stages"),
            ("pacing", "belongs to mode \"avalanche\"; a tsunami's rate says when sessions start"),
        ],
        Loop::Closed => &[
            ("requests", "with [requests], sessions ends a load after so many of them"),
            ("max_in_flight", "an avalanche has as many sessions at a time as users"),
            ("target_throughput", "with [requests], users / pacing is the number of sessions a second"),
            ("connections", "with [requests], users is the number of sessions at a time"),
            ("rate", "belongs to mode \"tsunami\"; an avalanche has users, and pacing holds them back"),
            ("delay", "belongs to mode \"tsunami\"; an avalanche has users, and pacing holds them back"),
            ("arrival", "belongs to mode \"tsunami\"; an avalanche's users begin when they are through"),
            (
                "max_sessions",
                "belongs to mode \"tsunami\"; an avalanche has as many sessions at a time as users",
            ),
        ],
    };
    for (key, instead) in foreign {
        if load.has(key) {
            load.contradiction(key, load.shown(key), *instead);
            load.take(key);
        }
    }
}

/// What the load needs, and what does not go together.
fn check_amounts(load: &Table, mode: Loop, has_stages: bool) {
    let amounts: &[&str] = match mode {
        Loop::Open => &["rate", "delay"],
        Loop::Closed => &["users"],
    };
    if has_stages {
        for key in amounts.iter().filter(|key| load.has(key)) {
            load.contradiction(
                key,
                load.shown(key),
                format!("stages and {key} are both given; leave one out"),
            );
        }
        for key in ["duration", "sessions"].iter().filter(|key| load.has(key)) {
            let reason = format!("the stages end the load; leave {key} out");
            load.contradiction(key, load.shown(key), reason);
        }
        return;
    }
    if load.has("delay") && load.has("rate") {
        load.contradiction("rate", load.shown("rate"), "delay and rate are both given; leave one out");
    }
    match mode {
        Loop::Open if !amounts.iter().any(|key| load.has(key)) => {
            load.missing("rate", "is missing; a tsunami needs a rate or a delay of sessions, or stages");
        }
        Loop::Closed if !load.has("users") => {
            load.missing("users", "is missing; an avalanche needs to know how many, or stages");
        }
        _ => {}
    }
    if !load.has("sessions") && !load.has("duration") {
        let reason = "is missing; a test ends after its stages, a duration, so many sessions, or whichever comes first";
        load.missing("duration", reason);
    }
}

/// The default of `drain_timeout`: until the last answer may be there; where sessions go on, until the longest may be over.
fn default_drain(program: Option<&Program>, expect: Option<&Expect>) -> Duration {
    let timeouts = program.into_iter().flat_map(|program| &program.requests).map(|request| request.timeout);
    let timeout = timeouts.max().unwrap_or(Duration::from_secs(5)) + Duration::from_secs(1);
    match (program, expect) {
        (Some(program), Some(expect)) if program.has_several_steps() => {
            // A request that may take longer than a minute is waited for all the same.
            timeout.saturating_add(expect.longest_thinking).min(MAX_DEFAULT_DRAIN.max(timeout))
        }
        _ => timeout,
    }
}

/// The stages' first part is the warm-up; something has to follow.
fn check_warmup(load: &Table, warmup: Duration, stages: &[Stage]) {
    let length = stages::length(stages);
    if !stages.is_empty() && warmup >= length && !length.is_zero() {
        let reason = format!(
            "is the first part of the stages, which last {}; nothing of them would be left to measure",
            write_duration(length)
        );
        load.contradiction("warmup", write_duration(warmup), reason);
    }
}

fn highest_users(stages: &[Stage], mode: Loop) -> Option<u32> {
    match mode {
        // Levels of users were read as whole numbers within the limit.
        Loop::Closed => stages::highest(stages).map(|users| users as u32),
        Loop::Open => None,
    }
}

/// Checks that amounts shared by a fleet of known size leave no driver without a share.
fn check_shares(
    load: &Table,
    fleet: Fleet,
    (sessions, users, connections): (Option<u64>, Option<u32>, Option<u32>),
) {
    let (Some(n), Per::Fleet) = (fleet.n, fleet.per) else { return };
    let amounts = [
        ("sessions", sessions),
        ("users", users.map(u64::from)),
        ("connections", connections.map(u64::from)),
    ];
    for (key, amount) in amounts {
        if let Some(amount) = amount.filter(|amount| *amount < u64::from(n)) {
            let reason = format!(
                "{n} drivers share it (per = \"fleet\"), and each needs at least one: give {n} or more, or fewer drivers"
            );
            load.contradiction(key, amount, reason);
        }
    }
}

/// The sessions that a driver has room for. Fewer than think at a time would be dropped, and the test would measure
/// that.
fn room(load: &Table, given: Option<u32>, rate: Option<f64>, fleet: Fleet, expect: Option<&Expect>) -> u32 {
    let rate = rate.map(|rate| fleet.part(rate));
    let thinking = expect.map_or(0.0, |expect| expect.thinking.as_secs_f64());
    let at_a_time = rate.unwrap_or(0.0) * thinking;
    if let (Some(given), Some(rate), Some(expect)) = (given, rate, expect)
        && f64::from(given) < at_a_time
    {
        let (whose, hint) = fleet.words();
        let reason = format!(
            "{} sessions a second that think {} each are {} at a time on {whose}: give {} or more{hint}",
            decimals(rate),
            shown_time(expect.thinking),
            at_a_time.ceil(),
            (2.0 * at_a_time).ceil()
        );
        load.contradiction("max_sessions", given, reason);
    }
    given.unwrap_or_else(|| {
        // Within u32: the limit is a million.
        let twice = (2.0 * at_a_time).ceil().min(f64::from(MAX_IN_FLIGHT)) as u32;
        twice.max(LEAST_SESSIONS)
    })
}

/// A driver makes the memory of its sessions before the start, so it is known and bounded.
fn check_memory(load: &Table, mode: &Mode, fleet: Fleet, expect: Option<&Expect>) {
    let Some(expect) = expect else { return };
    let (key, sessions) = match mode {
        Mode::Tsunami { max_in_flight, .. } => ("max_sessions", f64::from(*max_in_flight)),
        Mode::Avalanche { connections } => ("users", fleet.part(f64::from(*connections)).ceil()),
    };
    let bytes = sessions * expect.session_bytes as f64;
    if bytes > MAX_SESSIONS_BYTES as f64 {
        let most = MAX_SESSIONS_BYTES / expect.session_bytes.max(1) as u64;
        let (_, hint) = fleet.words();
        let reason = format!(
            "{sessions} sessions of {} bytes each (variables, cookies and what goes with them) are {} MiB a driver, and {} \
             MiB are the most: at most {most} sessions, shorter variables (max) or smaller cookie jars{hint}",
            expect.session_bytes,
            (bytes / 1_048_576.0).ceil(),
            MAX_SESSIONS_BYTES / 1_048_576,
        );
        let shown = load.kind_of(key).map_or_else(|| sessions.to_string(), |_: &Kind| load.shown(key));
        load.contradiction(key, shown, reason);
    }
}

/// A number with at most three decimals.
pub(super) fn decimals(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time to the millisecond.
fn shown_time(time: Duration) -> String {
    write_duration(Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

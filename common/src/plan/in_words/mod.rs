//! What a plan sends, in words: how fast, until when, how much in all. `plan show` and `POST /api/v1/plans/check` say the same.

mod amounts;

pub use self::amounts::{bytes, number};
use super::expect::Expect;
use super::program::Arrival;
use super::{Capacity, DriverChoice, Mode, Per, Plan, write_duration, write_ratio};

/// `[load]`, a line each: the rate or the users, the stages, the end, the bounds, and what is before and after it.
pub fn load(plan: &Plan) -> Vec<String> {
    let load = &plan.load;
    let expect = plan.program.as_ref().map(|program| Expect::of(program));
    let mut lines = vec![rates(plan, expect.as_ref())];
    for (index, stage) in load.stages.iter().enumerate() {
        let from =
            index.checked_sub(1).and_then(|before| load.stages.get(before)).map_or(0.0, |stage| stage.level);
        let unit = if matches!(load.mode, Mode::Tsunami { .. }) { "/s" } else { " users" };
        let level = number(stage.level);
        let hold = write_duration(stage.hold);
        lines.push(match (stage.ramp.is_zero(), stage.hold.is_zero()) {
            (true, _) => format!("{level}{unit} for {hold}"),
            (false, true) => {
                format!("from {} to {level}{unit} over {}", number(from), write_duration(stage.ramp))
            }
            (false, false) => {
                let ramp = write_duration(stage.ramp);
                format!("from {} to {level}{unit} over {ramp}, then {hold} at {level}{unit}", number(from))
            }
        });
    }
    lines.push(ends(plan));
    let what = if plan.program.is_some() { "sessions" } else { "requests" };
    if let Mode::Tsunami { max_in_flight, .. } = load.mode {
        lines.push(format!("at most {} {what} at a time on a driver", number(f64::from(max_in_flight))));
        if let Some(connections) = load.connections {
            let whose = if plan.per == Per::Fleet { "that the drivers share" } else { "of each driver" };
            let connections = number(f64::from(connections));
            lines.push(format!("each request waits for one of {connections} connections {whose}"));
        }
    }
    let drain = write_duration(load.drain_timeout);
    let warmup = write_duration(load.warmup);
    lines.push(format!("warm-up {warmup}, then after the end up to {drain} for what is under way"));
    lines
}

/// Where a search for the capacity begins, and how high it goes.
fn search(plan: &Plan, capacity: &Capacity) -> String {
    let what = if plan.program.is_some() { "sessions" } else { "requests" };
    let start = number(plan.load.open_loop_rate_per_s().unwrap_or(0.0));
    let most = capacity.max_rate.map_or_else(String::new, |most| format!(" up to {}/s", number(most)));
    format!(
        "a search for the highest rate that holds, from {start} {what}/s{most}, of all drivers together (open loop, tsunami)"
    )
}

/// Sessions or requests a second, or users.
fn rates(plan: &Plan, expect: Option<&Expect>) -> String {
    let load = &plan.load;
    if let Some(capacity) = &plan.capacity {
        return search(plan, capacity);
    }
    let highest = load.stages.iter().map(|stage| stage.level).reduce(f64::max);
    match load.mode {
        Mode::Tsunami { .. } => {
            let rate = load.open_loop_rate_per_s().or(highest).unwrap_or(0.0);
            let up_to = if highest.is_some() { "up to " } else { "" };
            let arrival = match load.arrival {
                Arrival::Even => "even",
                Arrival::Poisson => "poisson",
            };
            match expect {
                Some(expect) => {
                    let requests = number(rate * expect.requests_per_session());
                    format!(
                        "{up_to}{} sessions/s, about {requests} requests/s (open loop, tsunami; arrival {arrival})",
                        number(rate)
                    )
                }
                None => format!("{up_to}{} requests/s (open loop, tsunami)", number(rate)),
            }
        }
        Mode::Avalanche { connections } => {
            let up_to = if highest.is_some() { "up to " } else { "" };
            let users = number(f64::from(connections));
            let Some(expect) = expect else {
                return format!("{users} connections (closed loop, avalanche)");
            };
            match load.pacing {
                Some(pacing) => {
                    let rate = f64::from(connections) / pacing.as_secs_f64();
                    format!(
                        "{up_to}{users} users, a session each every {}: up to {} sessions/s, about {} requests/s (closed \
                         loop, avalanche)",
                        write_duration(pacing),
                        number(rate),
                        number(rate * expect.requests_per_session())
                    )
                }
                None => format!(
                    "{up_to}{users} users, {} requests a session, each session after the last (closed loop, avalanche)",
                    number(expect.requests_per_session())
                ),
            }
        }
    }
}

/// What ends the load, and how much it is in all.
fn ends(plan: &Plan) -> String {
    let load = &plan.load;
    if let (Some(capacity), Some(time)) = (&plan.capacity, load.duration) {
        return format!(
            "ends where a rate that holds and one that does not are at most {} apart, after {} at the latest",
            write_ratio(capacity.within),
            write_duration(time)
        );
    }
    let what = if plan.program.is_some() { "sessions" } else { "requests" };
    let ends = match (load.duration, load.requests, load.stages_length()) {
        (_, _, Some(length)) => format!("ends after {}", write_duration(length)),
        (Some(time), Some(n), _) => {
            format!("ends after {} or {} {what}, whichever is first", write_duration(time), number(n as f64))
        }
        (Some(time), None, _) => format!("ends after {}", write_duration(time)),
        (None, Some(n), _) => format!("ends after {} {what}", number(n as f64)),
        (None, None, _) => String::new(),
    };
    match sessions_in_all(plan) {
        Some(n) => format!("{ends}: about {} {what} in all", number(n)),
        None => ends,
    }
}

/// Sessions, or requests of a plan with one, of all drivers that are known, after the warm-up; `None` where the plan does
/// not say it.
pub fn sessions_in_all(plan: &Plan) -> Option<f64> {
    let load = &plan.load;
    if plan.capacity.is_some() {
        return None;
    }
    let n_drivers = match (plan.per, &plan.drivers) {
        (Per::Fleet, _) | (Per::Driver, DriverChoice::All) => 1.0,
        (Per::Driver, DriverChoice::Count(n)) => f64::from(*n),
        (Per::Driver, DriverChoice::Named(ids)) => ids.len() as f64,
    };
    let of_time = match (&load.mode, load.stages.is_empty()) {
        (Mode::Tsunami { .. }, false) => load.sessions_of_stages().map(|n| n as f64),
        (Mode::Tsunami { .. }, true) => {
            load.open_loop_rate_per_s().zip(load.duration).map(|(rate, time)| rate * time.as_secs_f64())
        }
        (Mode::Avalanche { .. }, _) => None,
    };
    let of_number = load.requests.map(|n| n as f64);
    of_time.into_iter().chain(of_number).reduce(f64::min).map(|n| n * n_drivers)
}

/// Sessions that a driver has room for.
pub fn sessions_at_a_time(plan: &Plan) -> f64 {
    let sessions = match plan.load.mode {
        Mode::Tsunami { max_in_flight, .. } => return f64::from(max_in_flight),
        Mode::Avalanche { connections } => f64::from(connections),
    };
    let n_drivers = match (plan.per, &plan.drivers) {
        (Per::Driver, _) | (Per::Fleet, DriverChoice::All) => 1.0,
        (Per::Fleet, DriverChoice::Count(n)) => f64::from(*n),
        (Per::Fleet, DriverChoice::Named(ids)) => ids.len() as f64,
    };
    (sessions / n_drivers).ceil()
}

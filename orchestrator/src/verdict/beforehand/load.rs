//! A load that does not suit its sessions: one that ends before they have filled up, one that starts too few of them for a
//! scenario, and one that opens more connections than a driver has ports for.

use std::collections::BTreeMap;
use std::time::Duration;

use common::plan::connections::hosts_of;
use common::plan::expect::Expect;
use common::plan::language::less_than_one;
use common::plan::program::{Connections, Program};
use common::plan::{Fault, Load, Mode, Per, Plan, write_duration};

use crate::human::count;

/// A load is to be at least so many sessions long: while the first of them are under way, their number still rises.
const SESSIONS_LONG: f64 = 3.0;

/// New connections a minute from one driver to one address. Linux has 28,232 ports for them (32768 to 60999, its default),
/// and keeps the port of a connection that its own side closed for a minute.
const PORTS_PER_MINUTE: f64 = 28_000.0;

/// One for each key. `n_drivers`: how many drivers take part, where that is known.
pub(super) fn warnings(plan: &Plan, n_drivers: Option<usize>) -> Vec<Fault> {
    let Some(program) = plan.program.as_deref() else { return Vec::new() };
    let short = shorter_than_sessions(program, &plan.load);
    short.into_iter().chain(rare(plan, program, n_drivers)).chain(ports(plan, program, n_drivers)).collect()
}

/// Warns of scenarios that have no session where one driver takes part, as by default: the plan is refused then. With a
/// known number of drivers it is refused already.
fn rare(plan: &Plan, program: &Program, n_drivers: Option<usize>) -> Vec<Fault> {
    if n_drivers.is_some() || plan.per == Per::Fleet {
        return Vec::new();
    }
    let with_one = |fault: Fault| Fault { reason: format!("with one driver, it {}", fault.reason), ..fault };
    less_than_one(program, &plan.load, 1).into_iter().map(with_one).collect()
}

/// Warns of a load that is over before three sessions could follow each other, by the time that they think.
fn shorter_than_sessions(program: &Program, load: &Load) -> Option<Fault> {
    let thinking = Expect::of(program).thinking;
    let needed = thinking.as_secs_f64() * SESSIONS_LONG;
    if thinking < Duration::from_millis(1) {
        return None;
    }
    if let (Mode::Avalanche { connections }, Some(sessions), None) =
        (&load.mode, load.requests, load.duration)
    {
        let least = u64::from(*connections) * SESSIONS_LONG as u64;
        return (sessions < least).then(|| {
            let reason = format!(
                "{} users have fewer than three sessions each, so most of what is measured is how the load fills up; {} or \
                 more",
                count(u64::from(*connections)),
                count(least)
            );
            Fault::contradiction("load.sessions", sessions, reason)
        });
    }
    let (key, length) = length(load)?;
    let shown = match key {
        "sessions" => load.requests.map(count).unwrap_or_default(),
        "stages" => String::new(),
        _ => load.duration.map(write_duration).unwrap_or_default(),
    };
    (length.as_secs_f64() < needed * (1.0 - 1e-9)).then(|| {
        let reason = format!(
            "the load lasts {} and a session thinks {} on average, so most of what is measured is how the load fills up; \
             three sessions take {}",
            write_duration(rounded(length)),
            write_duration(rounded(thinking)),
            write_duration(rounded(Duration::try_from_secs_f64(needed).unwrap_or(Duration::MAX)))
        );
        Fault::contradiction(format!("load.{key}"), shown, reason)
    })
}

/// How long a load lasts, its warm-up included, and the key that decides it; `None` where it depends on the answers.
fn length(load: &Load) -> Option<(&'static str, Duration)> {
    if let Some(stages) = load.stages_length() {
        return Some(("stages", stages));
    }
    let by_time = load.duration.map(|duration| ("duration", duration));
    let rate = load.open_loop_rate_per_s().filter(|rate| *rate > 0.0);
    let by_number = load.requests.zip(rate).map(|(sessions, rate)| {
        ("sessions", Duration::try_from_secs_f64(sessions as f64 / rate).unwrap_or(Duration::MAX))
    });
    let (key, after) = by_time.into_iter().chain(by_number).min_by_key(|(_, length)| *length)?;
    Some((key, load.warmup.saturating_add(after)))
}

/// Warns where sessions with connections of their own open more to one address than a driver has ports for. Where a load
/// is shorter than a minute, all that it opens count.
fn ports(plan: &Plan, program: &Program, n_drivers: Option<usize>) -> Option<Fault> {
    let load = &plan.load;
    let parts = match plan.per {
        Per::Fleet => n_drivers.unwrap_or(1).max(1) as f64,
        Per::Driver => 1.0,
    };
    let rate = match load.mode {
        Mode::Tsunami { .. } => load.open_loop_rate_per_s().or_else(|| load.highest_stage_per_s())?,
        Mode::Avalanche { connections } => f64::from(connections) / load.pacing?.as_secs_f64(),
    };
    let seconds = length(load).map_or(60.0, |(_, length)| length.as_secs_f64().min(60.0));
    let bounds = [load.requests.filter(|_| load.warmup.is_zero()), load.sessions_of_stages()];
    let all = bounds.into_iter().flatten().map(|sessions| sessions as f64).fold(f64::INFINITY, f64::min);
    let sessions = (rate * seconds).min(all) / parts;
    let sum: f64 = program.scenarios.iter().map(|scenario| f64::from(scenario.share)).sum();
    // By host and port: the number, and the scenario that opens most of them.
    let mut opened: BTreeMap<(String, u16), (f64, f64, &str)> = BTreeMap::new();
    for scenario in program.scenarios.iter().filter(|one| one.connections == Connections::Session) {
        let n = sessions * f64::from(scenario.share) / sum.max(1.0);
        for host in hosts_of(program, scenario).into_iter().filter_map(|host| program.hosts.get(host)) {
            let name = host.url.host_str().unwrap_or_default().to_owned();
            let at = opened.entry((name, host.url.port_or_known_default().unwrap_or(80))).or_default();
            at.0 += n;
            if n > at.1 {
                (at.1, at.2) = (n, &scenario.name);
            }
        }
    }
    let most = opened.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    let ((host, port), (n, _, scenario)) = most.filter(|(_, (n, ..))| *n > PORTS_PER_MINUTE)?;
    let reason = format!(
        "opens {} new connections a minute from each driver to {host}:{port}, and a driver has ports for about {}; lower the \
         rate, share it among more drivers, or let sessions share connections",
        count(n.round() as u64),
        count(PORTS_PER_MINUTE as u64)
    );
    Some(Fault::contradiction(format!("scenarios.{scenario}.connections"), "\"session\"", reason))
}

/// To the millisecond.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use crate::fixtures;

    #[track_caller]
    fn check(top: &str, scenario: &str, load: &str, n_drivers: Option<usize>, expected: &[&str]) {
        let plan = fixtures::plan(&format!(
            "{top}\ntarget.url = 'http://a.test/'\ntarget.hosts.b = 'http://a.test:80/b'\nrequests.a.path = '/'\n\
             requests.b = {{ path = '/', host = 'b' }}\nrequests.quick.path = '/'\n[scenarios]\ns = {{ {scenario} }}\n\
             rest = {{ steps = ['quick', 'b'] }}\n[load]\n{load}\n"
        ));
        assert_eq!(super::super::warnings(&plan, n_drivers), expected, "{scenario} {load}");
    }

    const THINKS: &str = "steps = ['a', { think = '4s' }, 'b'], share = 3";
    const FILLS: &str = "so most of what is measured is how the load fills up;";

    #[test]
    fn a_load_shorter_than_three_sessions_is_named_by_the_key_that_ends_it() {
        let says = |key: &str, lasts: &str| {
            format!(
                "load.{key}: the load lasts {lasts} and a session thinks 3s on average, {FILLS} three sessions take 9s"
            )
        };
        check("", THINKS, "rate = 2\nduration = '9s'", None, &[]);
        check("", THINKS, "rate = 2\nduration = '8s'", None, &[&says("duration = 8s", "8s")]);
        check("", THINKS, "rate = 2\nduration = '6s'\nwarmup = '3s'", None, &[]);
        check(
            "",
            THINKS,
            "rate = 2\nsessions = 11\nduration = '9s'",
            None,
            &[&says("sessions = 11", "5500ms")],
        );
        check(
            "",
            THINKS,
            "stages = [{ rate = 2, ramp = '5s', hold = '3s' }]",
            None,
            &[&says("stages", "8s")],
        );
        let users = "mode = 'avalanche'\nusers = 4\n";
        check("", THINKS, &format!("{users}duration = '5s'"), None, &[&says("duration = 5s", "5s")]);
        check("", THINKS, &format!("{users}sessions = 12"), None, &[]);
        let expected =
            format!("load.sessions = 11: 4 users have fewer than three sessions each, {FILLS} 12 or more");
        check("", THINKS, &format!("{users}sessions = 11"), None, &[&expected]);
        check("", "steps = ['a', 'b']", "rate = 8\nduration = '1s'", None, &[]);
    }

    #[test]
    fn a_scenario_without_a_session_on_one_driver_is_named_where_the_number_is_not_known() {
        let (steps, load) = ("steps = ['a'], share = 299", "rate = 20\nduration = '3s'");
        let says = "scenarios.rest.share = 1: with one driver, it is 0.2 of the 60 sessions that the load starts, less than \
                    one; raise the share or start more sessions";
        check("", steps, load, None, &[says]);
        check("", steps, load, Some(5), &[]);
        check("", steps, "rate = 20\nduration = '15s'", None, &[]);
    }

    #[test]
    fn sessions_that_open_more_connections_than_there_are_ports_are_named() {
        let says = |n: &str| {
            format!(
                "scenarios.s.connections = \"session\": opens {n} new connections a minute from each driver to a.test:80, and a \
                 driver has ports for about 28,000; lower the rate, share it among more drivers, or let sessions share connections"
            )
        };
        let own = "steps = ['a'], connections = 'session', share = 3";
        check("", own, "rate = 620\nduration = '5m'", None, &[]);
        check("", own, "rate = 800\nduration = '5m'", None, &[&says("36,000")]);
        check("", &own.replace("session'", "shared'"), "rate = 800\nduration = '5m'", None, &[]);
        // Two hosts at one address are one, and what is shorter than a minute opens no more than it opens.
        check("", &own.replace("'a'", "'a', 'b'"), "rate = 800\nduration = '5m'", None, &[&says("72,000")]);
        check("", own, "rate = 800\nduration = '30s'", None, &[]);
        check("", own, "rate = 800\nduration = '5m'\nsessions = 30000", None, &[]);
        check("per = 'fleet'", own, "rate = 800\nduration = '5m'", Some(2), &[]);
        check("per = 'fleet'\ndrivers = 2", own, "rate = 1600\nduration = '5m'", None, &[&says("36,000")]);
        check("", own, "stages = [{ rate = 800, ramp = '1m', hold = '5m' }]", None, &[&says("36,000")]);
        let users = "mode = 'avalanche'\nusers = 800\nduration = '5m'\n";
        check("", own, &format!("{users}pacing = '1s'"), None, &[&says("36,000")]);
        check("", own, users, None, &[]);
    }
}

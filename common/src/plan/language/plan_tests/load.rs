//! `[load]` with `[requests]`: what it becomes, its defaults, and every fault.

use std::time::Duration;

use super::fixture::{broken, faults, plan};
use crate::plan::program::{Arrival, Stage};
use crate::plan::{Load, Mode, Pace};

const ONE: &str = "[requests]\na = { path = \"/a\" }\n";
/// Sessions that think 4 s on average and at most 14 s, with timeouts of 5 s and 2 s.
const THINKS: &str = "[requests]\na = { path = \"/a\" }\nb = { path = \"/b\", timeout = \"2s\" }\n\
    [scenarios.s]\nsteps = [\"a\", { think = \"1s\" }, \"b\", { think = \"1s..3s\" }, { think = \"~1s\" }]\n";

#[track_caller]
fn load(requests: &str, load: &str) -> Load {
    plan(&format!("{requests}[load]\n{load}")).load
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_open_loop_has_sessions_in_place_of_requests() {
    let load =
        load(ONE, "rate = 200\nsessions = 9\nduration = \"1m\"\narrival = \"poisson\"\nwarmup = \"5s\"\n");
    assert_eq!(load.mode, Mode::Tsunami { pace: Some(Pace::Rate(200.0)), max_in_flight: 1_024 });
    assert_eq!((load.requests, load.duration, load.warmup), (Some(9), Some(s(60)), s(5)));
    assert_eq!((load.arrival, load.target_throughput, load.pacing), (Arrival::Poisson, None, None));
    assert_eq!(load.drain_timeout, s(6));
    let delay = self::load(ONE, "delay = \"5ms\"\nduration = \"1m\"\n");
    assert_eq!(delay.arrival, Arrival::Even);
    assert!(matches!(delay.mode, Mode::Tsunami { pace: Some(Pace::Delay(_)), .. }));
}

#[test]
fn a_closed_loop_has_users_in_place_of_connections() {
    let load = load(ONE, "mode = \"avalanche\"\nusers = 300\nduration = \"10m\"\npacing = \"30s\"\n");
    assert_eq!(load.mode, Mode::Avalanche { connections: 300 });
    assert_eq!((load.pacing, load.duration), (Some(s(30)), Some(s(600))));
}

#[test]
fn stages_end_the_load_and_give_the_highest_number_of_users() {
    let stages = "stages = [{ rate = 25, ramp = \"10s\", hold = \"20s\" }, { rate = 0, ramp = \"10s\" }]\n";
    let open = load(ONE, stages);
    assert_eq!(open.mode, Mode::Tsunami { pace: None, max_in_flight: 1_024 });
    assert_eq!((open.duration, open.requests), (None, None));
    let stage = |level, ramp, hold| Stage { level, ramp: s(ramp), hold: s(hold) };
    assert_eq!(open.stages, [stage(25.0, 10, 20), stage(0.0, 10, 0)]);
    let stages = "mode = \"avalanche\"\nstages = [{ users = 500, hold = \"20m\" }, { users = 1500, ramp = \"10s\" }]\n";
    assert_eq!(load(ONE, stages).mode, Mode::Avalanche { connections: 1_500 });
}

#[test]
fn what_sessions_think_decides_the_room_and_the_drain() {
    let thinking = load(THINKS, "rate = 500\nduration = \"1m\"\n");
    // 1 + 2 + 1 s on average, twice 500 of these; at most 1 + 3 + 10 s and the longest timeout.
    assert_eq!(thinking.mode, Mode::Tsunami { pace: Some(Pace::Rate(500.0)), max_in_flight: 4_000 });
    assert_eq!(thinking.drain_timeout, s(5 + 1 + 14));
    let shared =
        plan(&format!("per = \"fleet\"\ndrivers = 4\n{THINKS}[load]\nrate = 1000\nduration = \"1m\"\n"));
    assert!(
        matches!(shared.load.mode, Mode::Tsunami { max_in_flight: 2_000, .. }),
        "a driver's part of the rate"
    );
    let long = THINKS.replace("\"~1s\"", "\"5m\"");
    assert_eq!(load(&long, "rate = 1\nduration = \"1m\"\n").drain_timeout, s(60), "at most a minute");
    let given = load(THINKS, "rate = 500\nduration = \"1m\"\nmax_sessions = 2000\ndrain_timeout = \"3s\"\n");
    assert!(matches!(given.mode, Mode::Tsunami { max_in_flight: 2_000, .. }));
    assert_eq!(given.drain_timeout, s(3));
}

#[test]
fn a_wrong_load_has_its_path_and_what_serves_instead() {
    for (load, path, reason) in [
        ("rate = 1\nduration = \"1m\"\nrequests = 5", "load.requests = 5", "sessions ends a load"),
        ("rate = 1\nduration = \"1m\"\nmax_in_flight = 5", "load.max_in_flight", "max_sessions bounds"),
        (
            "rate = 1\nduration = \"1m\"\ntarget_throughput = 5",
            "load.target_throughput",
            "rate is the number of sessions",
        ),
        ("rate = 1\nduration = \"1m\"\nconnections = 0", "load.connections", "must be from 1"),
        ("rate = 1\nduration = \"1m\"\nusers = 5", "load.users", "belongs to mode \"avalanche\""),
        ("rate = 1\nduration = \"1m\"\npacing = \"5s\"", "load.pacing", "belongs to mode \"avalanche\""),
        ("rate = 1\nduration = \"1m\"\nsession = 5", "load.session", "unknown key; did you mean sessions?"),
        ("rate = 1\ndelay = \"1s\"\nduration = \"1m\"", "load.rate", "delay and rate are both given"),
        ("rate = 1", "load.duration", "is missing; a test ends after its stages"),
        ("duration = \"1m\"", "load.rate", "is missing; a tsunami needs a rate"),
        (
            "MODE\nusers = 1\nduration = \"1m\"\nconnections = 5",
            "load.connections",
            "users is the number of sessions",
        ),
        ("MODE\nusers = 1\nduration = \"1m\"\nrequests = 5", "load.requests", "sessions ends a load"),
        (
            "MODE\nusers = 1\nduration = \"1m\"\ntarget_throughput = 5",
            "load.target_throughput",
            "users / pacing",
        ),
        (
            "MODE\nusers = 1\nduration = \"1m\"\nmax_in_flight = 5",
            "load.max_in_flight",
            "as many sessions at a time as users",
        ),
        (
            "MODE\nusers = 1\nduration = \"1m\"\nmax_sessions = 5",
            "load.max_sessions",
            "belongs to mode \"tsunami\"",
        ),
        (
            "MODE\nusers = 1\nduration = \"1m\"\narrival = \"even\"",
            "load.arrival",
            "belongs to mode \"tsunami\"",
        ),
        ("MODE\nusers = 1\nduration = \"1m\"\nrate = 5", "load.rate", "belongs to mode \"tsunami\""),
        ("MODE\nduration = \"1m\"", "load.users", "is missing"),
        ("stages = []", "load.stages", "names no stage"),
        ("stages = [{ rate = 5 }]", "load.stages[0]", "has no length"),
        ("stages = [{ rate = 0, hold = \"5s\" }]", "load.stages", "starts no session"),
        (
            "stages = [{ users = 5, hold = \"5s\" }]",
            "load.stages[0].users = 5",
            "belongs to mode \"avalanche\"",
        ),
        ("stages = [{ hold = \"5s\" }]", "load.stages[0].rate", "is missing"),
        ("stages = [5]", "load.stages[0] = 5", "expected a stage"),
        ("stages = [{ rate = 5, hodl = \"5s\" }]", "load.stages[0].hodl", "did you mean hold?"),
        (
            "MODE\nstages = [{ users = 1.5, hold = \"5s\" }]",
            "load.stages[0].users",
            "expected a whole number",
        ),
        (
            "rate = 5\nstages = [{ rate = 5, hold = \"5s\" }]",
            "load.rate = 5",
            "stages and rate are both given",
        ),
        (
            "sessions = 5\nstages = [{ rate = 5, hold = \"5s\" }]",
            "load.sessions = 5",
            "the stages end the load",
        ),
        (
            "duration = \"1m\"\nstages = [{ rate = 5, hold = \"5s\" }]",
            "load.duration",
            "the stages end the load",
        ),
        (
            "warmup = \"5s\"\nstages = [{ rate = 5, hold = \"5s\" }]",
            "load.warmup = 5s",
            "nothing of them would be left",
        ),
    ] {
        let text = format!("{ONE}[load]\n{}\n", load.replace("MODE", "mode = \"avalanche\""));
        let more: &[(&str, &str)] = match load {
            "stages = [{ rate = 5, hodl = \"5s\" }]" => {
                &[(path, reason), ("load.stages[0]", "has no length")]
            }
            _ => &[(path, reason)],
        };
        broken(&text, more);
    }
}

#[test]
fn too_few_sessions_or_too_much_memory_are_named_with_both_numbers() {
    let few = format!("{THINKS}[load]\nrate = 500\nduration = \"1m\"\nmax_sessions = 1999\n");
    broken(
        &few,
        &[("load.max_sessions = 1999", "500 sessions a second that think 4s each are 2000 at a time")],
    );
    let cookies = "[requests]\na = { path = \"/a\" }\n[scenarios.s]\nsteps = [\"a\"]\ncookies = \"1MiB\"\n";
    let text = format!("{cookies}[load]\nrate = 500\nduration = \"1m\"\n");
    broken(&text, &[("load.max_sessions = 1024", "256 MiB are the most")]);
    let users = format!("{cookies}[load]\nmode = \"avalanche\"\nusers = 300\nduration = \"1m\"\n");
    broken(&users, &[("load.users", "at most 255 sessions")]);
    let shared = format!("drivers = 5\nper = \"fleet\"\n{ONE}[load]\nrate = 500\nsessions = 4\n");
    broken(&shared, &[("load.sessions = 4", "5 drivers share it")]);
}

#[test]
fn amounts_of_a_fleet_of_unknown_size_are_refused_with_what_says_its_size() {
    let cookies = "[requests]\na = { path = \"/a\" }\n[scenarios.s]\nsteps = [\"a\"]\ncookies = \"64KiB\"\n";
    for (requests, load, path) in [
        (THINKS, "rate = 2000\nduration = \"1m\"\nmax_sessions = 2500\n", "load.max_sessions = 2500"),
        (cookies, "mode = \"avalanche\"\nusers = 12000\nduration = \"1m\"\n", "load.users"),
    ] {
        let text = format!("per = \"fleet\"\n{requests}[load]\n{load}");
        broken(&text, &[(path, "with drivers = 8 each has an eighth")]);
        plan(&format!("drivers = 8\n{text}"));
        // Each has all of it, then.
        let faults = faults(&text.replace("fleet", "driver"));
        assert!(faults.len() == 1 && !faults[0].contains("drivers = 8"), "{faults:?}");
    }
}

#[test]
fn a_share_of_less_than_one_session_is_a_fault_where_their_number_is_known() {
    let text = "drivers = 1\n[requests]\na = { path = \"/a\", share = 99 }\nb = { path = \"/b\" }\n\
                [load]\nrate = 5\nsessions = 50\n";
    broken(text, &[("requests.b.share = 1", "is 0.5 of the 50 sessions")]);
}

#[test]
fn attempts_of_an_open_loop_may_wait_for_so_many_connections() {
    let pool = load(ONE, "rate = 10\nduration = \"1m\"\nconnections = 5");
    assert_eq!(pool.connections, Some(5));
    let many = load(ONE, "rate = 10\nduration = \"1m\"\nconnections = 3000");
    assert!(matches!(many.mode, Mode::Tsunami { max_in_flight: 3_000, .. }), "room for as many sessions");
    broken(
        &format!("{ONE}[load]\nrate = 10\nduration = \"1m\"\nconnections = 12\nmax_sessions = 11\n"),
        &[("load.connections = 12", "is more than max_sessions, 11")],
    );
    load(ONE, "rate = 10\nduration = \"1m\"\nconnections = 11\nmax_sessions = 11");
    plan(&format!(
        "drivers = 2\nper = \"fleet\"\n{ONE}[load]\nrate = 10\nduration = \"1m\"\nconnections = 12\nmax_sessions = 11\n"
    ));
    let own = format!(
        "{ONE}[scenarios.visitor]\nsteps = [\"a\"]\nconnections = \"session\"\n[load]\nrate = 10\nduration = \"1m\"\nconnections = 5\n"
    );
    broken(&own, &[("load.connections = 5", "those of scenario visitor have connections of their own")]);
    let shared = format!(
        "drivers = 5\nper = \"fleet\"\n{ONE}[load]\nrate = 500\nduration = \"1m\"\nconnections = 4\n"
    );
    broken(&shared, &[("load.connections = 4", "5 drivers share it")]);
}

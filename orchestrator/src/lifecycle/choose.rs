//! Which drivers take part in a test, and why others cannot: pure.

use std::time::Duration;

use common::ids::NodeId;
use common::plan::{DriverChoice, Mode, Per, Plan, share_out};
use common::wire::{DriverState, PROTOCOL, Unit};

use super::MAX_BLOCKERS;
use crate::blocker::{Blocker, ClassicBlocker};
use crate::participant::Participant;
use crate::refusal::CommandError;
use crate::registry::NodeFacts;

/// Timing rules for classic drivers: the settings of `[classic]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassicRules {
    /// Unit of the delay on the wire.
    pub delay_unit: Unit,
    /// How long a classic driver must have been known before the config is published.
    pub known_for: Duration,
    /// Wait between the config and the trigger.
    pub trigger_gap: Duration,
    /// A classic driver without report and heartbeat for so long after the trigger did not receive the trigger.
    pub deaf_after: Duration,
    /// Closed loop: how long the test waits, once our own drivers are done, for a classic driver that sends heartbeats
    /// and no reports.
    pub silent_for: Duration,
}

/// Chooses the drivers of a plan among the known nodes, and gives each its share of the load.
///
/// # Errors
/// Lists every driver that is missing or cannot take part, with the reason.
pub fn choose(
    plan: &Plan,
    nodes: &[NodeFacts],
    rules: &ClassicRules,
) -> Result<Vec<Participant>, CommandError> {
    let alive: Vec<&NodeFacts> = nodes.iter().filter(|node| node.is_alive()).collect();
    // Some classic drivers send heartbeats only during a test: their silence between tests does not exclude them.
    let silent: Vec<&NodeFacts> = nodes.iter().filter(|node| node.beats_only_in_tests()).collect();
    let chosen = match &plan.drivers {
        DriverChoice::All => alive.into_iter().chain(silent).collect(),
        DriverChoice::Count(n) => {
            let n = *n as usize;
            let (other, alive): (Vec<_>, Vec<_>) =
                alive.into_iter().partition(|node| node.protocol.is_other());
            if alive.len() + silent.len() < n {
                let are = alive.len() + silent.len();
                let summary = format!("the plan wants {n} drivers, and {are} are alive");
                let other: Vec<_> = other.into_iter().filter_map(with_protocol_blocker).collect();
                if other.is_empty() {
                    return Err(drivers(summary, absent(nodes)));
                }
                let summary = format!("{summary} that speak protocol {PROTOCOL}; {}", in_words(&other));
                return Err(drivers(summary, other.into_iter().chain(absent(nodes)).collect()));
            }
            // Ours first: they support every feature of a plan.
            let (ours, classic): (Vec<_>, Vec<_>) = alive.into_iter().partition(|node| !node.is_classic());
            ours.into_iter().chain(classic).chain(silent).take(n).collect()
        }
        DriverChoice::Named(ids) => named(ids, nodes)?,
    };
    if chosen.is_empty() {
        return Err(drivers("no driver is alive".to_owned(), absent(nodes)));
    }
    let ids: Vec<NodeId> = chosen.iter().map(|node| node.node_id.clone()).collect();
    let shares = share_out(plan, &ids).map_err(|error| CommandError::Conflict(error.to_string()))?;
    let participants: Vec<Participant> = chosen
        .iter()
        .zip(shares)
        .map(|(node, (node_id, share))| Participant { node_id, epoch: node.epoch, share })
        .collect();
    let mut blockers: Vec<(String, Blocker)> = Vec::new();
    for (node, participant) in chosen.iter().zip(&participants) {
        let why = if node.is_classic() {
            classic_blocker(plan, rules).map(Blocker::Classic)
        } else {
            let rate_or_busy = || rate_blocker(plan, node, participant).or_else(|| busy_blocker(node));
            protocol_blocker(node).or_else(|| program_blocker(plan, node)).or_else(rate_or_busy)
        };
        blockers.extend(why.map(|why| (node.node_id.to_string(), why)));
    }
    // A classic driver starts on any trigger it receives, so every one that is alive must be among those chosen.
    let left_out =
        nodes.iter().filter(|node| node.is_alive() && node.is_classic() && !ids.contains(&node.node_id));
    let not_left_out = Blocker::Classic(ClassicBlocker::NotLeftOut);
    blockers.extend(left_out.map(|node| (node.node_id.to_string(), not_left_out.clone())));
    if blockers.is_empty() { Ok(participants) } else { Err(refused(blockers)) }
}

/// The error for drivers that prevent the test from starting: pairs of node id and reason.
pub fn refused(blockers: Vec<(String, Blocker)>) -> CommandError {
    drivers(in_words(&blockers), blockers)
}

/// The blockers as one line, each with its reason.
fn in_words(blockers: &[(String, Blocker)]) -> String {
    blockers.iter().map(|(node, why)| why.sentence(node)).collect::<Vec<_>>().join("; ")
}

/// The reason to refuse a driver of ours whose protocol version differs from the orchestrator's.
pub fn protocol_blocker(node: &NodeFacts) -> Option<Blocker> {
    node.protocol.is_other().then(|| Blocker::OtherProtocol(node.protocol.number()))
}

/// The reason to refuse a driver of ours that reads plans with one request alone.
pub fn program_blocker(plan: &Plan, node: &NodeFacts) -> Option<Blocker> {
    (plan.program.is_some() && !node.reads_programs).then_some(Blocker::OnlyOneRequest)
}

fn with_protocol_blocker(node: &NodeFacts) -> Option<(String, Blocker)> {
    Some((node.node_id.to_string(), protocol_blocker(node)?))
}

fn drivers(summary: String, blockers: Vec<(String, Blocker)>) -> CommandError {
    CommandError::Drivers { summary, blockers }
}

fn absent(nodes: &[NodeFacts]) -> Vec<(String, Blocker)> {
    let gone = nodes.iter().filter(|node| !node.is_alive());
    gone.take(MAX_BLOCKERS).map(|node| (node.node_id.to_string(), Blocker::NotAlive(node.liveness))).collect()
}

fn named<'a>(ids: &[NodeId], nodes: &'a [NodeFacts]) -> Result<Vec<&'a NodeFacts>, CommandError> {
    let mut chosen = Vec::new();
    let mut blockers = Vec::new();
    for id in ids {
        match nodes.iter().find(|node| node.node_id == *id) {
            Some(node) if node.is_alive() || node.beats_only_in_tests() => chosen.push(node),
            Some(node) => blockers.push((id.to_string(), Blocker::NotAlive(node.liveness))),
            None => blockers.push((id.to_string(), Blocker::NotKnown)),
        }
    }
    if blockers.is_empty() { Ok(chosen) } else { Err(refused(blockers)) }
}

/// The driver's own check, before it is asked: the same rate against the same limit.
fn rate_blocker(plan: &Plan, node: &NodeFacts, participant: &Participant) -> Option<Blocker> {
    let max_rate = node.max_rate?;
    match participant.share.most_requests_per_s(&plan.load, plan.program.as_deref()) {
        Some(rate) => (rate > max_rate).then_some(Blocker::AboveMaxRate { max_rate, rate }),
        // A driver holds back a closed loop of one request itself.
        None => plan.program.is_some().then_some(Blocker::NoPacing { max_rate }),
    }
}

fn busy_blocker(node: &NodeFacts) -> Option<Blocker> {
    let busy = matches!(node.state, Some(DriverState::Running | DriverState::Draining));
    busy.then(|| Blocker::Busy(node.test_id.clone()))
}

/// The reason why a classic driver cannot run this plan.
fn classic_blocker(plan: &Plan, rules: &ClassicRules) -> Option<ClassicBlocker> {
    if plan.program.is_some() {
        return Some(ClassicBlocker::OneRequest);
    }
    if plan.per == Per::Fleet {
        return Some(ClassicBlocker::NoShares);
    }
    if !plan.load.warmup.is_zero() {
        return Some(ClassicBlocker::NoWarmup);
    }
    match plan.load.mode {
        Mode::Avalanche { .. } if plan.load.target_throughput.is_some() => Some(ClassicBlocker::NoCeiling),
        Mode::Avalanche { .. } if plan.load.requests.is_none() => Some(ClassicBlocker::NoDuration),
        Mode::Avalanche { .. } => None,
        Mode::Tsunami { .. } if plan.load.connections.is_some() => Some(ClassicBlocker::NoConnections),
        Mode::Tsunami { .. } => {
            let (delay, unit) = (rules.delay_unit.amount(delay_of(plan)?), rules.delay_unit);
            (delay.fract() != 0.0).then_some(ClassicBlocker::NoFractions { delay, unit })
        }
    }
}

/// The delay between two requests of each driver, or between two sessions where the plan has several requests; `None` for
/// a closed loop, and for stages.
pub fn delay_of(plan: &Plan) -> Option<Duration> {
    let rate = plan.load.open_loop_rate_per_s()?;
    Duration::try_from_secs_f64(1.0 / rate).ok()
}

/// The number of requests in a classic driver's config: `requests`, or as many as fit into the duration. A plan with several
/// requests refuses classic drivers; one that appears after the trigger reads this config all the same, and is to send
/// next to nothing.
pub fn count_of(plan: &Plan) -> u64 {
    if plan.program.is_some() {
        return 1;
    }
    plan.load.requests.unwrap_or_else(|| {
        let rate = plan.load.open_loop_rate_per_s().unwrap_or(0.0);
        let seconds = plan.load.duration.unwrap_or_default().as_secs_f64();
        (rate * seconds).round().clamp(0.0, 1e15) as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::lifecycle::tests as lifecycle;
    use crate::registry::{Liveness, Protocol};

    fn plan(top: &str, load: &str) -> Plan {
        fixtures::plan(&format!("{top}\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\n"))
    }

    fn node(id: &str, epoch: Option<u64>, liveness: Liveness) -> NodeFacts {
        NodeFacts { liveness, max_rate: Some(1_000.0), ..lifecycle::node(id, epoch) }
    }

    #[track_caller]
    fn check(plan: &Plan, nodes: &[NodeFacts], expected: Result<&[&str], &str>) {
        match (choose(plan, nodes, &lifecycle::RULES.classic), expected) {
            (Ok(chosen), Ok(expected)) => {
                let ids: Vec<&str> = chosen.iter().map(|chosen| chosen.node_id.as_str()).collect();
                assert_eq!(ids, expected);
            }
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn drivers_are_chosen_by_number_by_name_or_all() {
        let nodes = [
            node("a", Some(1), Liveness::Alive),
            node("b", Some(1), Liveness::Lost),
            node("c", Some(1), Liveness::Suspect),
        ];
        let load = "mode = 'tsunami'\nrate = 10\nduration = '1s'";
        check(&plan("", load), &nodes, Ok(&["a", "c"]));
        check(&plan("drivers = 1", load), &nodes, Ok(&["a"]));
        check(&plan("drivers = 3", load), &nodes, Err("wants 3 drivers, and 2 are alive"));
        check(&plan("drivers = ['c']", load), &nodes, Ok(&["c"]));
        check(&plan("drivers = ['b', 'x']", load), &nodes, Err("b: is lost; x: is not known here"));
        check(&plan("", load), &nodes[1..2], Err("no driver is alive"));
    }

    #[test]
    fn a_classic_driver_that_sends_heartbeats_only_in_tests_is_chosen_while_silent() {
        let load = "mode = 'tsunami'\ndelay = '1s'\nrequests = 5";
        let silent = |id: &str, liveness, beats_idle| NodeFacts { beats_idle, ..node(id, None, liveness) };
        let nodes = [
            node("a", Some(1), Liveness::Alive),
            silent("lost-after-its-end", Liveness::Lost, false),
            silent("process-ended", Liveness::Lost, true),
            silent("stale", Liveness::Stale, false),
            NodeFacts { beats_idle: false, ..node("ours", Some(1), Liveness::Lost) },
        ];
        check(&plan("", load), &nodes, Ok(&["a", "lost-after-its-end", "stale"]));
    }

    #[test]
    fn a_rate_above_a_drivers_own_limit_is_refused_by_name() {
        let nodes = [node("a", Some(1), Liveness::Alive)];
        check(
            &plan("", "mode = 'tsunami'\nrate = 2000\nduration = '1s'"),
            &nodes,
            Err("a: safety.max_rate = 1000"),
        );
    }

    #[test]
    fn sessions_count_with_the_requests_that_one_sends_at_most() {
        let nodes = [node("a", Some(1), Liveness::Alive)];
        let plan = |load: &str| {
            let steps = "[scenarios.s]\nsteps = [{ repeat = 4, steps = ['x'] }]";
            fixtures::plan(&format!(
                "[target]\nurl = 'http://127.0.0.1:1/'\n[requests]\nx = {{ path = '/' }}\n{steps}\n[load]\n{load}\n"
            ))
        };
        check(&plan("rate = 250\nduration = '1s'"), &nodes, Ok(&["a"]));
        let refusal = "a: safety.max_rate = 1000 is below the 1004 requests/s of its share";
        check(&plan("rate = 251\nduration = '1s'"), &nodes, Err(refusal));
        let users = "mode = 'avalanche'\nusers = 9\nduration = '1s'";
        let refusal = "a: safety.max_rate = 1000 may be passed by users without load.pacing";
        check(&plan(users), &nodes, Err(refusal));
        check(&plan(&format!("{users}\npacing = '1s'")), &nodes, Ok(&["a"]));
        let free = [NodeFacts { max_rate: None, ..node("a", Some(1), Liveness::Alive) }];
        check(&plan(users), &free, Ok(&["a"]));
    }

    #[test]
    fn a_driver_of_another_protocol_is_passed_over_or_refused_by_name() {
        let speaking = |id: &str, protocol| NodeFacts { protocol, ..node(id, Some(1), Liveness::Alive) };
        let nodes = [
            speaking("a", Protocol::Registered(Some(1))),
            speaking("b", Protocol::Registered(Some(PROTOCOL))),
            speaking("c", Protocol::Unknown),
        ];
        let load = "mode = 'tsunami'\nrate = 10\nduration = '1s'";
        let refusal = "driver a speaks protocol 1, this orchestrator 2: install the same version on both";
        check(&plan("", load), &nodes, Err(refusal));
        check(&plan("drivers = ['a', 'b']", load), &nodes, Err(refusal));
        check(&plan("drivers = 2", load), &nodes, Ok(&["b", "c"]));
        check(
            &plan("drivers = 3", load),
            &nodes,
            Err("wants 3 drivers, and 2 are alive that speak protocol 2"),
        );
        check(&plan("drivers = 3", load), &nodes, Err(refusal));
        check(&plan("", load), &nodes[1..], Ok(&["b", "c"]));
        let none = [speaking("x", Protocol::Registered(None))];
        check(&plan("", load), &none, Err("driver x speaks no numbered protocol, this orchestrator 2"));
    }

    #[test]
    fn a_plan_that_classic_drivers_cannot_run_is_refused_with_the_reason() {
        let nodes = [node("old", None, Liveness::Alive)];
        let table = [
            ("", "mode = 'tsunami'\ndelay = '1s'\nrequests = 5", None),
            ("per = 'fleet'", "mode = 'tsunami'\ndelay = '1s'\nrequests = 5", Some("no shares")),
            ("", "mode = 'tsunami'\nrate = 10\nrequests = 5", Some("whole units")),
            (
                "",
                "mode = 'tsunami'\ndelay = '1s'\nrequests = 5\nconnections = 2",
                Some("waits for no connection"),
            ),
            ("", "mode = 'avalanche'\nconnections = 1\nduration = '5s'", Some("no duration")),
            ("", "mode = 'avalanche'\nconnections = 1\nrequests = 5", None),
            (
                "",
                "mode = 'avalanche'\nconnections = 1\nrequests = 5\ntarget_throughput = 9",
                Some("no ceiling"),
            ),
            ("", "mode = 'tsunami'\ndelay = '1s'\nrequests = 5\nwarmup = '2s'", Some("no warm-up")),
        ];
        for (top, load, expected) in table {
            check(&plan(top, load), &nodes, expected.map_or(Ok(&["old"]), Err));
        }
    }

    #[test]
    fn a_plan_of_sessions_needs_drivers_that_read_it() {
        let plan = fixtures::plan_of_sessions(None);
        let ours =
            |id: &str, reads_programs| NodeFacts { reads_programs, ..node(id, Some(1), Liveness::Alive) };
        check(&plan, &[ours("new", true)], Ok(&["new"]));
        check(
            &plan,
            &[ours("new", true), ours("old", false)],
            Err("old: does not read plans with [requests]: install this orchestrator's version on it"),
        );
        let classic = node("classic", None, Liveness::Alive);
        check(
            &plan,
            &[ours("new", true), classic],
            Err(
                "classic: is a classic driver, which sends one request over and over: leave [requests] out, or end it",
            ),
        );
        assert_eq!(count_of(&plan), 1, "what a classic driver reads that appears late");
    }

    #[test]
    fn a_classic_driver_that_listens_cannot_be_left_out() {
        let load = "mode = 'tsunami'\ndelay = '1s'\nrequests = 5";
        let deaf = node("deaf", None, Liveness::Deaf);
        let nodes = [node("new", Some(1), Liveness::Alive), node("old", None, Liveness::Alive), deaf];
        check(&plan("", load), &nodes, Ok(&["new", "old"]));
        check(&plan("drivers = 2", load), &nodes, Ok(&["new", "old"]));
        check(&plan("drivers = 1", load), &nodes, Err("old: is a classic driver, which cannot be left out"));
        check(&plan("drivers = ['new']", load), &nodes, Err("cannot be left out"));
    }
}

//! How long before the start the trigger goes out.

use super::*;

fn near(facts: NodeFacts) -> NodeFacts {
    NodeFacts { on_this_host: true, ..facts }
}

/// Triggers a test of this plan at 0, with drivers that are ready at `ready_ms`. Returns the lead in ms: from the
/// trigger to the start.
fn lead(plan: Plan, rules: Rules, ready_ms: u64, nodes: &[NodeFacts]) -> (u64, Lifecycle) {
    let mut life = Lifecycle::new(test_id("t"), plan, rules, 0);
    let idle: Vec<_> = nodes.iter().cloned().map(|node| NodeFacts { state: None, ..node }).collect();
    life.trigger(&idle).unwrap();
    life.step(at(0), &idle, &[]);
    life.config_published(at(ready_ms / 2));
    for ms in [ready_ms, ready_ms + 2_000] {
        life.step(at(ms), nodes, &[]);
        if let Some(us) = life.started_at() {
            return (u64::try_from(us).unwrap() / 1_000 - ms, life);
        }
    }
    panic!("it is not started");
}

#[test]
fn the_lead_follows_the_barrier_where_all_drivers_are_on_this_host() {
    let closed = || plan("mode = 'avalanche'\nconnections = 2\nrequests = 10");
    let open = |host: &str| {
        let load = "[load]\nmode = 'tsunami'\nrate = 10\nduration = '10s'";
        fixtures::plan(&format!("[target]\nurl = 'http://{host}:1/'\n{load}\n"))
    };
    let ready = |name: &str| says(name, DriverState::Ready, None);
    let (a, b) = (near(ready("a")), near(ready("b")));
    let old = NodeFacts { revision: None, test_id: None, ..near(node("old", None)) };
    let known = Duration::from_secs(60);
    let configured = Rules { start_delay: Duration::from_millis(200), ..RULES };
    let classic = Rules { classic: ClassicRules { known_for: Duration::ZERO, ..RULES.classic }, ..RULES };
    for (what, plan, rules, ready_ms, nodes, expected) in [
        ("a quick barrier", closed(), RULES, 20, vec![a.clone(), b.clone()], 50),
        ("a slow barrier", closed(), RULES, 340, vec![a.clone(), b.clone()], 340),
        ("a very slow barrier", closed(), RULES, 4_000, vec![a.clone(), b.clone()], 1_000),
        ("never more than what is configured", closed(), configured, 340, vec![a.clone()], 200),
        ("a driver elsewhere", closed(), RULES, 20, vec![a.clone(), ready("b")], 1_000),
        ("a classic driver takes part", closed(), classic, 20, vec![a.clone(), old.clone()], 1_000),
        ("an open loop to this host", open("localhost"), RULES, 20, vec![a.clone()], 150),
        ("an open loop after a slow barrier", open("localhost"), RULES, 100, vec![a.clone()], 400),
        ("the same by address", open("[::1]"), RULES, 20, vec![a.clone()], 150),
        ("an open loop to elsewhere connects ahead", open("10.0.0.1"), RULES, 20, vec![a.clone()], 1_000),
    ] {
        let nodes: Vec<_> = nodes.into_iter().map(|node| NodeFacts { seen_at: known, ..node }).collect();
        assert_eq!(lead(plan, rules, ready_ms, &nodes).0, expected, "{what}");
    }
}

#[test]
fn a_start_is_put_off_where_little_of_the_lead_is_left() {
    let closed = plan("mode = 'avalanche'\nconnections = 2\nrequests = 10");
    let (lead, mut life) = lead(closed, RULES, 20, &[near(says("a", DriverState::Ready, None))]);
    assert_eq!((lead, life.started_at()), (50, Some(70_000)));
    assert_eq!(life.put_off(at(44)), None, "26 of 50 ms are left");
    assert_eq!(life.put_off(at(45)), Some(145), "25 ms are left: 100 ms from now on");
    assert_eq!(life.started_at(), Some(145_000));
    assert_eq!(life.put_off(at(500)), Some(700), "it is past: 200 ms from now on");
    for ms in [1_000, 2_000, 3_000] {
        life.put_off(at(ms));
    }
    assert_eq!(life.started_at(), Some(4_000_000), "start_delay at most");
    assert_eq!(life.state(at(3_999), &[]), TestState::Starting);
    assert_eq!(life.state(at(4_000), &[]), TestState::Running);
}

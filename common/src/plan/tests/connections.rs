use super::*;
use crate::plan::{Plan, PlanFormat, read};

fn plan(steps: &str) -> Plan {
    let text = format!(
        "[target]\nurl = 'http://a.test/'\nhosts.b = 'http://b.test/'\nhosts.c = 'http://c.test/'\n[requests]\n\
         a = {{ path = '/' }}\nb = {{ path = '/', host = 'b' }}\nc = {{ path = '/', host = 'c' }}\n\
         moved = {{ path = '/', follow = 2 }}\n[scenarios.all]\nsteps = ['a', 'b', 'c', 'moved']\nconnections = 'shared'\n[load]\nmode = 'avalanche'\nusers = 5\nduration = '1s'\n{steps}"
    );
    read(&text, PlanFormat::Toml).unwrap()
}

#[track_caller]
fn check(scenarios: &str, most: usize) {
    let plan = plan(scenarios);
    assert_eq!(most_of_a_place(plan.program.as_deref().unwrap()), most, "{scenarios}");
}

#[test]
fn a_place_keeps_a_connection_to_each_host_of_its_own_sessions() {
    let shared = "connections = 'shared'";
    let session = "connections = 'session'";
    check("[scenarios.x]\nsteps = ['a', 'b', 'c', 'moved']\nconnections = 'shared'", 1);
    check("[scenarios.x]\nsteps = ['a', 'b', 'a']", 2);
    check("[scenarios.x]\nsteps = ['a', { repeat = 2, steps = [{ choose = { b = 1, c = 1 } }] }]", 3);
    check("[scenarios.x]\nsteps = ['moved']", 3);
    // Sessions close theirs, users keep them from one scenario to the next.
    check(&format!("[scenarios]\nx = {{ steps = ['a'], {session} }}\ny = {{ steps = ['b'], {session} }}"), 1);
    check("[scenarios]\nx = { steps = ['a'] }\ny = { steps = ['b'] }", 2);
    check(&format!("[scenarios]\nx = {{ steps = ['a'] }}\ny = {{ steps = ['b', 'c'], {session} }}"), 3);
    check(&format!("[scenarios]\nx = {{ steps = ['a'] }}\ny = {{ steps = ['b', 'c'], {shared} }}"), 1);
}

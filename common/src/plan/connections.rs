//! Which hosts the sessions of a program send to, and how many connections a place keeps for them. Pure; a driver's
//! descriptors and the warning about ports depend on it.

use std::collections::BTreeSet;

use super::program::{Connections, Program, Scenario, Step, UrlPlan};

/// The hosts that a session of a scenario may send to, by their index in [`Program::hosts`]. A request whose address an
/// answer gives, and one that follows redirects, may go to any of them.
pub fn hosts_of(program: &Program, scenario: &Scenario) -> BTreeSet<usize> {
    let mut hosts = BTreeSet::new();
    add(program, &scenario.steps, &mut hosts);
    hosts
}

fn add(program: &Program, steps: &[Step], hosts: &mut BTreeSet<usize>) {
    for step in steps {
        if let Step::Request { request, .. } | Step::Poll { request, .. } = step
            && let Some(request) = program.requests.get(*request)
        {
            match &request.url {
                UrlPlan::Path { host, .. } if request.follow == 0 => drop(hosts.insert(*host)),
                _ => hosts.extend(0..program.hosts.len()),
            }
        }
        step.inner().into_iter().for_each(|steps| add(program, steps, hosts));
    }
}

/// The most connections that a place has at a time: one, or one to each host that its sessions or its user have
/// connections of their own to. Those of a user stay while a session of another scenario has its own.
pub fn most_of_a_place(program: &Program) -> usize {
    let of = |whose: Connections| program.scenarios.iter().filter(move |one| one.connections == whose);
    let users: BTreeSet<usize> =
        of(Connections::User).flat_map(|scenario| hosts_of(program, scenario)).collect();
    let with_session =
        of(Connections::Session).map(|scenario| users.union(&hosts_of(program, scenario)).count());
    with_session.max().unwrap_or(0).max(users.len()).max(1)
}

#[cfg(test)]
#[path = "tests/connections.rs"]
mod tests;

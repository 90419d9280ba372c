//! What is measured: each scenario's rounds, in which the tools take turns, and the figures of each turn.

use std::time::Duration;

use crate::generator::Tool;
use crate::job::{Job, Loop, Outcome, Place};
use crate::loop_figures::{closed_figures, keeps, open_figures, per_second};
use crate::ours::Variant;
use crate::peers::Peer;
use crate::receiver::{Receiver, Receiving, Sharing};
use crate::results::{Figures, Sample};
use crate::seen::Summary;
use crate::session_peers::SessionPeer;
use crate::sessions::{self, Work};
use crate::sessions_beside::{self, Contender};
use crate::sessions_open;
use crate::sizes::Sizes;
use crate::users;
use crate::verdicts::{SITUATIONS, Situation};

/// A rate that a tool does not keep is tried again: the host may have taken the core away meanwhile.
const TRIES: u32 = 3;

/// The shares of its closed loop that a tool begins with: the bar, and a little below it. What is between the highest
/// that it keeps and the lowest that it does not is halved from then on.
const FIRST_SHARES: [f64; 2] = [0.9, 0.8];

/// Bodies of the scenario `large`, and of the one over TLS.
const LARGE_BYTES: usize = 1_000_000;
const OVER_TLS_BYTES: usize = 10_000;

/// The tools compared with large answers and over TLS: ours, and the two peers with the least CPU time.
fn reads_large_answers(tool: &Tool) -> bool {
    tool.is_ours() || matches!(tool, Tool::Peer(Peer::Wrk | Peer::H2load))
}

/// A scenario's name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// CPU time per request as fast as it goes
    Closed,
    /// CPU time per answer of 1 MB
    Large,
    /// CPU time per answer of 10 kB over TLS
    Tls,
    /// CPU time per request of a mix of ten, beside a static request
    Mix,
    /// CPU time per request of sessions, beside a static request
    Sessions,
    /// Requests per CPU second of sessions, beside the peers that have them
    SessionsPeers,
    /// How late first and later steps begin where sessions come at a fixed rate
    SessionsOpen,
    /// Memory and lag of very many users who think
    Users,
    /// Arrivals at fixed rates
    Open,
    /// The highest rate kept
    Highest,
    /// Memory at a fixed rate for minutes
    Memory,
    /// What each says of a server that stops for a while
    Stall,
    /// Throughput × mean latency against the number of connections
    Little,
    /// Who is blamed for a saturated generator
    VerdictGenerator,
    /// Who is blamed for a saturated target
    VerdictTarget,
}

impl Scenario {
    /// All.
    pub const ALL: [Self; 15] = [
        Self::Closed,
        Self::Large,
        Self::Tls,
        Self::Mix,
        Self::Sessions,
        Self::SessionsPeers,
        Self::SessionsOpen,
        Self::Users,
        Self::Open,
        Self::Highest,
        Self::Memory,
        Self::Stall,
        Self::Little,
        Self::VerdictGenerator,
        Self::VerdictTarget,
    ];
}

/// One tool's turn: its command, as one would type it, and its figures.
type Turn<'a> = dyn Fn(&Place, &Tool) -> anyhow::Result<(String, Figures)> + 'a;

/// Everything a scenario needs.
pub struct Bench<'a> {
    /// Where.
    pub place: &'a Place,
    /// How large.
    pub sizes: Sizes,
    /// The floor, ours and the peers that take part; ours in each of their variants.
    pub tools: Vec<Tool>,
    /// The peers with sessions that take part.
    pub session_peers: Vec<SessionPeer>,
    /// Called with each sample as it is taken.
    pub record: &'a mut dyn FnMut(Sample),
}

impl Bench<'_> {
    /// Takes all samples of a scenario.
    pub fn run(&mut self, scenario: Scenario) {
        match scenario {
            Scenario::Closed => self.closed("closed", Receiving::default(), |_| true),
            Scenario::Large => {
                let receiving = Receiving { body: Some(LARGE_BYTES), ..Receiving::default() };
                self.closed("large", receiving, reads_large_answers);
            }
            Scenario::Tls => {
                let receiving = Receiving { body: Some(OVER_TLS_BYTES), tls: true, ..Receiving::default() };
                self.closed("tls", receiving, reads_large_answers);
            }
            Scenario::Mix => self.of_plans("mix", &[Work::Static, Work::Mix]),
            Scenario::Sessions => self.of_plans("sessions", &[Work::Static, Work::Session]),
            Scenario::SessionsPeers => self.sessions_beside_peers(),
            Scenario::SessionsOpen => {
                let (rounds, size, ours) =
                    (self.sizes.rounds, self.sizes.sessions_open, self.first_of_ours());
                sessions_open::run(self.place, rounds, size, &ours, self.record);
            }
            Scenario::Users => {
                let (rounds, size, ours) = (self.sizes.long_rounds, self.sizes.users, self.first_of_ours());
                users::run(self.place, rounds, size, &ours, self.record);
            }
            Scenario::Open => self.sizes.rates_per_s.clone().into_iter().for_each(|rate| self.open(rate)),
            Scenario::Highest => self.highest(),
            Scenario::Memory => self.memory(),
            Scenario::Stall => self.stall(),
            Scenario::Little => self.little(),
            Scenario::VerdictGenerator => self.verdicts(Situation::is_of_generator),
            Scenario::VerdictTarget => self.verdicts(|situation| !situation.is_of_generator()),
        }
    }

    /// Rounds of tools.
    fn rounds(&mut self, name: &str, rounds: u32, tools: &[Tool], turn: &Turn<'_>) {
        let place = self.place;
        crate::rounds::rounds(self.record, name, rounds, (tools, &Tool::name), &|tool| turn(place, tool));
    }

    fn only(&self, wanted: impl Fn(&Tool) -> bool) -> Vec<Tool> {
        self.tools.iter().filter(|tool| wanted(tool)).cloned().collect()
    }

    /// The same, but of our variants the first alone.
    fn one_of_ours(&self, wanted: impl Fn(&Tool) -> bool) -> Vec<Tool> {
        let first = self.tools.iter().find(|tool| tool.is_ours());
        self.only(|tool| wanted(tool) && (!tool.is_ours() || Some(tool) == first))
    }

    fn closed(&mut self, name: &str, receiving: Receiving, wanted: impl Fn(&Tool) -> bool) {
        let (connections, duration) = (self.sizes.connections, self.sizes.closed_for);
        let tools = self.one_of_ours(wanted);
        self.rounds(name, self.sizes.rounds, &tools, &|place, tool| {
            let (outcome, seen) = closed_loop(place, tool, receiving, connections, duration)?;
            Ok((outcome.command.clone(), closed_figures(&outcome, &seen)))
        });
    }

    /// Of our variants the first.
    fn first_of_ours(&self) -> Vec<Variant> {
        let variant = |tool: &Tool| if let Tool::Ours(variant) = tool { Some(variant.clone()) } else { None };
        self.tools.iter().find_map(variant).into_iter().collect()
    }

    fn sessions_beside_peers(&mut self) {
        let sizes = &self.sizes;
        let (users, warm, measured) = (sizes.connections, sizes.sessions_warm, sizes.closed_for);
        let size = sessions_beside::Size { users, warm, measured };
        let ours = self.first_of_ours().into_iter().map(Contender::Ours);
        let all: Vec<Contender> =
            ours.chain(self.session_peers.iter().copied().map(Contender::Peer)).collect();
        sessions_beside::run(self.place, sizes.rounds, size, &all, self.record);
    }

    fn of_plans(&mut self, name: &str, works: &[Work]) {
        let (pairs, duration) = self.sizes.pairs;
        let sizes = (pairs, self.sizes.connections, duration);
        sessions::rounds(self.place, name, works, sizes, self.record);
    }

    fn open(&mut self, rate_per_s: f64) {
        let (connections, duration) = (self.sizes.connections, self.sizes.open_for);
        let tools = self.only(Tool::keeps_a_rate);
        self.rounds(&format!("open-{rate_per_s}"), self.sizes.rounds, &tools, &|place, tool| {
            let (outcome, seen) = open_loop(place, tool, connections, rate_per_s, duration, Sharing::AtOnce)?;
            Ok((outcome.command.clone(), open_figures(&outcome, &seen, duration)))
        });
    }

    fn highest(&mut self) {
        let (connections, (duration, steps)) = (self.sizes.connections, self.sizes.highest);
        let tools = self.only(Tool::keeps_a_rate);
        self.rounds("highest", self.sizes.long_rounds, &tools, &|place, tool| {
            let (_, seen) = closed_loop(place, tool, Receiving::default(), connections, duration)?;
            let closed = per_second(&seen);
            let mut command = String::new();
            let (mut kept, mut lost) = (0.0, 1.0);
            let mut first = FIRST_SHARES.into_iter();
            for _ in 0..steps {
                let before = lost;
                let share = first.find(|share| (kept..lost).contains(share));
                let share = share.unwrap_or_else(|| f64::midpoint(kept, lost));
                let rate = (share * closed).round();
                lost = share;
                for _ in 0..TRIES {
                    let (outcome, seen) = open_loop(place, tool, connections, rate, duration, Sharing::Most)?;
                    if keeps(&outcome, &seen, rate, duration) {
                        (kept, lost) = (share, before);
                        command = outcome.command;
                        break;
                    }
                }
            }
            let figures = [("highest_per_s", kept * closed), ("closed_per_s", closed), ("share", kept)];
            Ok((command, figures.into_iter().collect()))
        });
    }

    fn memory(&mut self) {
        let (connections, (rate_per_s, duration)) = (self.sizes.connections, self.sizes.memory);
        let tools = self.one_of_ours(Tool::keeps_a_rate);
        self.rounds("memory", 1, &tools, &|place, tool| {
            let receiving = Receiving { sharing: Sharing::AtOnce, ..Receiving::default() };
            let receiver = Receiver::start(place.server_core, receiving)?;
            let job = Job {
                url: receiver.url(),
                connections,
                kind: Loop::Open { rate_per_s },
                duration,
                latencies: false,
            };
            let outcome = tool.run(place, &job)?;
            let seen = receiver.end()?;
            let mut figures = Figures::from([
                ("reached_per_s", per_second(&seen)),
                ("rss_peak_mb", outcome.memory.peak_mb()),
                ("connections", seen.connections as f64),
            ]);
            // Of five minutes, the first and the last.
            for (name, at) in [("rss_first_mb", duration / 5), ("rss_last_mb", duration)] {
                figures.extend(outcome.memory.at_mb(at).map(|mb| (name, mb)));
            }
            Ok((outcome.command, figures))
        });
    }

    fn stall(&mut self) {
        let connections = self.sizes.connections;
        let (rate_per_s, duration, at, length) = self.sizes.stall;
        // A share of the schedule waits, each tick as long as the stall is still to last.
        let truth_us = (length.as_secs_f64() - 0.01 * duration.as_secs_f64()).max(0.0) * 1e6;
        let mut tools = self.one_of_ours(|tool| match tool {
            Tool::Peer(peer) => peer.keeps_a_rate() && peer.says_percentiles(),
            other => other.keeps_a_rate(),
        });
        if tools.contains(&Tool::Peer(Peer::Oha)) {
            tools.push(Tool::Peer(Peer::OhaUncorrected));
        }
        self.rounds("stall", self.sizes.long_rounds, &tools, &|place, tool| {
            let receiving =
                Receiving { stall: Some((at, length)), sharing: Sharing::AtOnce, ..Receiving::default() };
            let receiver = Receiver::start(place.server_core, receiving)?;
            let kind = Loop::Open { rate_per_s };
            let job = Job { url: receiver.url(), connections, kind, duration, latencies: true };
            let outcome = tool.run(place, &job)?;
            let seen = receiver.end()?;
            let mut figures =
                Figures::from([("received", seen.received as f64), ("truth_p99_ms", truth_us / 1e3)]);
            if let Some(p99) = outcome.said.p99_us {
                figures.insert("said_p99_ms", p99 / 1e3);
                figures.insert("said_over_truth", p99 / truth_us);
            }
            figures.extend(outcome.said.dropped.map(|n| ("dropped", n)));
            Ok((outcome.command, figures))
        });
    }

    fn little(&mut self) {
        let (duration, all_connections) = self.sizes.little.clone();
        let tools = self.one_of_ours(|tool| *tool != Tool::Floor);
        for connections in all_connections {
            self.rounds(&format!("little-{connections}"), self.sizes.long_rounds, &tools, &|place, tool| {
                let receiving = Receiving::default();
                let (outcome, seen) = closed_loop(place, tool, receiving, connections, duration)?;
                let mut figures = Figures::from([("received", seen.received as f64)]);
                let said = outcome.said;
                if let (Some(per_s), Some(mean_us)) = (said.throughput_per_s, said.mean_us) {
                    figures.insert("said_per_s", per_s);
                    figures.insert("said_mean_us", mean_us);
                    figures.insert("product", per_s * mean_us / 1e6);
                    figures.insert("over_connections", per_s * mean_us / 1e6 / f64::from(connections));
                }
                Ok((outcome.command, figures))
            });
        }
    }

    /// The first of our variants alone, as it comes.
    fn verdicts(&mut self, wanted: impl Fn(&Situation) -> bool) {
        let (duration, rounds) = self.sizes.verdicts;
        let tools = self.one_of_ours(Tool::is_ours);
        for situation in SITUATIONS.into_iter().filter(wanted) {
            self.rounds(situation.name, rounds, &tools, &|place, _| situation.judge(place, duration));
        }
    }
}

fn closed_loop(
    place: &Place,
    tool: &Tool,
    receiving: Receiving,
    connections: u32,
    duration: Duration,
) -> anyhow::Result<(Outcome, Summary)> {
    let receiver = Receiver::start(place.server_core, receiving)?;
    let job = Job { url: receiver.url(), connections, kind: Loop::Closed, duration, latencies: true };
    let outcome = tool.run(place, &job)?;
    Ok((outcome, receiver.end()?))
}

fn open_loop(
    place: &Place,
    tool: &Tool,
    connections: u32,
    rate_per_s: f64,
    duration: Duration,
    sharing: Sharing,
) -> anyhow::Result<(Outcome, Summary)> {
    let receiving = Receiving { schedule: Some((rate_per_s, duration)), sharing, ..Receiving::default() };
    let receiver = Receiver::start(place.server_core, receiving)?;
    let kind = Loop::Open { rate_per_s };
    let job = Job { url: receiver.url(), connections, kind, duration, latencies: false };
    let outcome = tool.run(place, &job)?;
    Ok((outcome, receiver.end()?))
}

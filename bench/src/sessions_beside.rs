//! The scenario `sessions-peers`: the same session of five steps by each tool, against the same shop, in turns.

use std::cell::RefCell;
use std::time::Duration;

use crate::apart;
use crate::generator::PATIENCE;
use crate::job::Place;
use crate::ours::{Pids, Stack, Variant};
use crate::processes::Cpu;
use crate::receiver::{Receiver, Receiving};
use crate::results::{Figures, Sample};
use crate::rounds::rounds;
use crate::session_peers::SessionPeer;
use crate::shop_plan::{Load, check, plan};
use crate::span::{Span, Used};

/// How long the load goes on after the measured span, so that no end of a tool is in it. Locust counts its run time from
/// before its users are there, and sends for up to a second less.
const AFTER: Duration = Duration::from_secs(2);

/// One that takes part.
#[derive(Debug, Clone, PartialEq)]
pub enum Contender {
    Ours(Variant),
    Peer(SessionPeer),
}

impl Contender {
    fn name(&self) -> String {
        match self {
            Self::Ours(variant) => variant.row(),
            Self::Peer(peer) => peer.name().to_owned(),
        }
    }
}

/// So many users, and for how long they warm up and are measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub users: u32,
    pub warm: Duration,
    pub measured: Duration,
}

/// Takes all samples.
pub fn run(
    place: &Place,
    n_rounds: u32,
    size: Size,
    contenders: &[Contender],
    record: &mut dyn FnMut(Sample),
) {
    rounds(record, "sessions-peers", n_rounds, (contenders, &Contender::name), &|one| turn(place, one, size));
}

fn turn(place: &Place, contender: &Contender, size: Size) -> anyhow::Result<(String, Figures)> {
    let before_ns = apart::line_ns(place)?;
    let receiver = Receiver::start(place.server_core, Receiving { shop: true, ..Receiving::default() })?;
    let base = receiver.url().trim_end_matches("/ping").to_owned();
    let duration = size.warm + size.measured + AFTER;
    let both = RefCell::new((receiver, Span::new(size.warm, size.measured)));
    let look = |used: &dyn Fn() -> anyhow::Result<Used>| {
        let (receiver, span) = &mut *both.borrow_mut();
        span.look(receiver, used)
    };
    let outcome = match contender {
        Contender::Ours(variant) => {
            let plan = plan(&base, Load::Users(size.users), duration);
            let used = |pids: Pids| {
                let (sends, others) = (Cpu::of_tree(pids.driver)?, Cpu::of_tree(pids.orchestrator)?);
                let all =
                    Cpu { user_s: sends.user_s + others.user_s, system_s: sends.system_s + others.system_s };
                Ok(Used { sends, all })
            };
            let stack = Stack::start(place, variant)?;
            let mut watch = |pids: Pids| look(&|| used(pids));
            stack.run_plan_watched(&plan, duration, duration + PATIENCE, &mut watch)?.0
        }
        Contender::Peer(peer) => {
            // The whole stack of a peer is its process, and any that it starts.
            let used = |pid: u32| Cpu::of_tree(pid).map(|sends| Used { sends, all: sends });
            let mut watch = |pid: u32| look(&|| used(pid));
            peer.run(place, (&base, size.users, duration), duration + PATIENCE, &mut watch)?
        }
    };
    let (receiver, span) = both.into_inner();
    let seen = receiver.end()?;
    let sessions = check(seen.sessions.as_ref(), Some(size.users))?;
    let mut figures = span.figures()?;
    figures.extend(apart::figures(before_ns, apart::line_ns(place)?));
    figures.extend([
        ("received", seen.received as f64),
        ("sessions_done", sessions.done as f64),
        ("wrong", sessions.wrong as f64),
        ("connections", seen.connections as f64),
        ("rss_peak_mb", outcome.memory.peak_mb()),
    ]);
    Ok((outcome.command, figures))
}

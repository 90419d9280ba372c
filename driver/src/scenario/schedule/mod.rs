//! When sessions are due: pure, and known before the start. Each session of a fleet has a number g; the k-th of driver i
//! of n is number k·n + i, and worker w of W takes k ≡ w mod W, as the pacer deals ticks.

mod line;
mod poisson;
mod stages;
mod users;

use common::plan::program::Arrival;
use common::plan::{Load, Share};

pub use line::Line;
pub use poisson::Poisson;
pub use stages::Stages;
pub use users::UserStages;

use crate::pacer::{Changing, Own, Schedule, nanos};
use crate::start_at::Nanos;

/// A session of an open loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Its ordinal among the driver's, from 0, the warm-up included.
    pub k: u64,
    /// Its number in the fleet.
    pub g: u64,
    /// When it is due.
    pub at: Nanos,
    /// Whether it belongs to the warm-up.
    pub warmup: bool,
}

/// The sessions of one worker of an open loop, in the order in which they are due.
#[derive(Debug, Clone)]
pub struct Sessions {
    stream: Stream,
    /// The number of the next one: in the fleet, or in the driver's own schedule (`Stream::Own`).
    number: u64,
    step: u64,
    index: u64,
    of: u64,
    from: Nanos,
    to: Nanos,
    next: Option<Due>,
}

/// Where instants come from.
#[derive(Debug, Clone)]
enum Stream {
    /// A rate that each driver keeps by itself.
    Own(Changing),
    /// A rate that a fleet shares.
    Fleet(Changing),
    Stages(Stages, Nanos),
    Poisson(Box<Poisson>),
}

impl Sessions {
    /// Those of worker `worker` of `workers` (at least 1) of the driver that has this share. `seed` decides when
    /// sessions come that come independently of one another.
    pub fn new(load: &Load, share: &Share, worker: u32, workers: u32, seed: u64) -> Self {
        let (index, of) = (share.index, share.of.max(1));
        let warmup = nanos(load.warmup);
        let (stream, from, to) = match (load.arrival, share.stages_times) {
            (Arrival::Even, None) => {
                let (schedule, _) = Schedule::of_share(share, load);
                let stream = if share.fleet.is_some() { Stream::Fleet } else { Stream::Own };
                (stream(schedule.into()), schedule.from(), schedule.to())
            }
            (Arrival::Even, Some(times)) => {
                let stages = Stages::new(&load.stages, f64::from(times));
                let end = stages.end();
                (Stream::Stages(stages, warmup), warmup, end)
            }
            (Arrival::Poisson, times) => {
                let mut poisson = poisson(load, share, times, warmup, seed);
                let end = poisson.end();
                (Stream::Poisson(Box::new(poisson)), warmup, end)
            }
        };
        let every_nth = if let Stream::Own(_) = stream { Own::ALL } else { Own::ALL.part(index, of) };
        let Own { first, step } = every_nth.part(worker, workers);
        let (index, of) = (u64::from(index), u64::from(of));
        let mut sessions =
            Self { stream, number: first, step, index, of, from: from.min(to), to, next: None };
        sessions.next = sessions.find();
        sessions
    }

    /// The next session; `None`: none is left.
    pub fn next_due(&self) -> Option<Due> {
        self.next
    }

    /// Goes on to the session after it.
    pub fn advance(&mut self) {
        if self.next.is_some() {
            self.number = self.number.saturating_add(self.step);
            self.next = self.find();
        }
    }

    /// When the schedule proper begins: after the warm-up.
    pub fn from(&self) -> Nanos {
        self.from
    }

    /// When the schedule ends.
    pub fn to(&self) -> Nanos {
        self.to
    }

    /// Another rate from an instant on, as that of the one schedule: the fleet's where drivers share one. Numbers go on;
    /// stages have no rate to change.
    pub fn change(&mut self, at: Nanos, rate_per_s: f64) {
        match &mut self.stream {
            Stream::Own(schedule) | Stream::Fleet(schedule) => {
                schedule.change(at, rate_per_s);
                self.to = schedule.to();
            }
            Stream::Poisson(poisson) => self.to = poisson.change(at, rate_per_s),
            Stream::Stages(..) => return,
        }
        self.next = self.find();
        if let Stream::Own(schedule) | Stream::Fleet(schedule) = &self.stream {
            // A change before the first session of all moves that, and with it the end of the warm-up.
            self.from = schedule.from().min(self.to);
        }
    }

    /// Whether a change of the rate could make a session due, though none is left: until then the load is not over.
    pub fn may_grow(&self, now: Nanos) -> bool {
        match &self.stream {
            Stream::Own(schedule) | Stream::Fleet(schedule) => schedule.may_grow(self.number, now),
            Stream::Poisson(poisson) => poisson.may_grow(now),
            Stream::Stages(..) => false,
        }
    }

    fn find(&mut self) -> Option<Due> {
        let number = self.number;
        let (at, warmup) = match &mut self.stream {
            Stream::Own(schedule) | Stream::Fleet(schedule) => {
                schedule.reach(number);
                schedule.tick(number).map(|tick| (tick.due, tick.warmup))?
            }
            Stream::Stages(stages, warmup) => stages.due(number).map(|at| (at, at < *warmup))?,
            Stream::Poisson(poisson) => poisson.at(number)?,
        };
        let (k, g) = match self.stream {
            Stream::Own(_) => (number, number.saturating_mul(self.of).saturating_add(self.index)),
            _ => (number / self.of, number),
        };
        Some(Due { k, g, at, warmup })
    }
}

/// The one stream of a fleet.
fn poisson(load: &Load, share: &Share, times: Option<u32>, warmup: Nanos, seed: u64) -> Poisson {
    if let Some(times) = times {
        return Poisson::new(Line::new(&load.stages, f64::from(times)), warmup, None, seed);
    }
    let (rate, requests) = match share.fleet {
        Some(fleet) => (fleet.rate_per_s, fleet.requests),
        None => {
            let of = f64::from(share.of.max(1));
            (
                share.rate_per_s.unwrap_or(0.0) * of,
                share.requests.map(|n| n.saturating_mul(u64::from(share.of))),
            )
        }
    };
    let length = load.duration.map_or(Nanos::MAX / 2, |duration| nanos(load.warmup.saturating_add(duration)));
    Poisson::new(Line::level(rate, length), warmup, requests, seed)
}

#[cfg(test)]
mod tests;

//! An open loop against a simulated target, in seconds as the fleet reports them.

use std::collections::VecDeque;

use super::target::{Kind, Target};
use crate::capacity::{Count, Look};

/// Most requests in flight.
const MAX_IN_FLIGHT: u64 = 10_000;

/// What ended in a second.
#[derive(Debug, Clone, Default)]
struct Ended {
    times_us: Vec<u64>,
    slow: u64,
}

/// A load whose rate changes.
#[derive(Debug)]
pub struct Load {
    target: Target,
    limit_s: f64,
    /// When the next request is due.
    due: f64,
    rate: f64,
    second: u64,
    ended: VecDeque<Ended>,
    in_flight: u64,
    dropped: u64,
    pub sent: u64,
}

impl Load {
    pub fn new(kind: Kind, seed: u64, rate: f64, limit_s: f64) -> Self {
        Self {
            target: Target::new(kind, seed),
            limit_s,
            due: 0.0,
            rate,
            second: 0,
            ended: VecDeque::new(),
            in_flight: 0,
            dropped: 0,
            sent: 0,
        }
    }

    /// Goes on for a second. `change`: an instant in it or before it, and the rate from then on.
    pub fn second(&mut self, change: Option<(f64, f64)>) -> Look {
        let end = (self.second + 1) as f64;
        while self.due < end {
            if let Some((at, rate)) = change.filter(|(at, rate)| self.due >= *at && self.rate != *rate) {
                // The area under the rate goes on.
                self.due = at + (self.due - at) * self.rate / rate;
                self.rate = rate;
                continue;
            }
            self.send();
            self.due += 1.0 / self.rate;
        }
        let mut ended = self.ended.pop_front().unwrap_or_default();
        let n = ended.times_us.len() as u64;
        self.in_flight -= n;
        ended.times_us.sort_unstable();
        let dropped = std::mem::take(&mut self.dropped);
        let look = Look {
            seq: self.second,
            counts: vec![Count { bad: ended.slow + dropped, of: n + dropped }],
            completed: n,
            failed: 0,
            dropped,
            in_flight: self.in_flight as f64,
            pile: self.in_flight as f64,
            median_us: ended.times_us.get(ended.times_us.len() / 2).copied(),
            sign: None,
        };
        self.second += 1;
        look
    }

    fn send(&mut self) {
        if self.in_flight >= MAX_IN_FLIGHT {
            self.dropped += 1;
            return;
        }
        let answered = self.target.answers_at(self.due);
        let ahead = (answered.floor() as u64).saturating_sub(self.second) as usize;
        if self.ended.len() <= ahead {
            self.ended.resize(ahead + 1, Ended::default());
        }
        let took = answered - self.due;
        let ended = &mut self.ended[ahead];
        ended.times_us.push((took * 1e6) as u64);
        ended.slow += u64::from(took >= self.limit_s);
        self.in_flight += 1;
        self.sent += 1;
    }
}

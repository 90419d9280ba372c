//! Targets that fail in ways that are known: so many requests at a time for so long, with pauses, with a capacity that
//! wobbles, and one that stays overloaded until the rate falls to half.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::f64::consts::TAU;

/// Numbers that look random, the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    /// From 0 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// How a target is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Eight at a time for 10 ms: 800/s.
    Plain,
    /// The same, with a pause of 200 ms each 10 s.
    Pauses,
    /// The same, 3 % faster and slower, over 15 s, and 1 % at random.
    Wobbles,
    /// The same; once it is 300 ms behind, retries make nearly twice the work until it has caught up.
    Metastable,
}

const AT_A_TIME: usize = 8;
const SERVICE_S: f64 = 0.01;
const PAUSE_S: f64 = 0.2;
const PAUSE_EVERY_S: f64 = 10.0;

/// A target under load.
#[derive(Debug)]
pub struct Target {
    kind: Kind,
    random: Random,
    /// When each place is free again.
    free: BinaryHeap<Reverse<u64>>,
    phase: f64,
    collapsed: bool,
}

/// Seconds as integers that can be ordered.
fn ticks(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

impl Target {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let phase = random.next();
        Self { kind, random, free: (0..AT_A_TIME).map(|_| Reverse(0)).collect(), phase, collapsed: false }
    }

    /// When a request that arrives then is answered.
    pub fn answers_at(&mut self, arrives: f64) -> f64 {
        let free = self.free.pop().map_or(0.0, |Reverse(free)| free as f64 / 1e9);
        let behind = free - arrives;
        let mut service = SERVICE_S * (1.0 + 0.02 * (self.random.next() - 0.5));
        match self.kind {
            Kind::Wobbles => {
                let wave = (TAU * (arrives / 15.0 + self.phase)).sin();
                service *= 1.0 + 0.03 * wave + 0.02 * (self.random.next() - 0.5);
            }
            Kind::Metastable => {
                self.collapsed = behind > 0.3 || self.collapsed && behind > 0.0;
                service *= if self.collapsed { 1.9 } else { 1.0 };
            }
            Kind::Plain | Kind::Pauses => {}
        }
        let done = self.work(free.max(arrives), service);
        self.free.push(Reverse(ticks(done)));
        done
    }

    /// When work that begins then is done.
    fn work(&self, from: f64, service: f64) -> f64 {
        if self.kind != Kind::Pauses {
            return from + service;
        }
        let shift = self.phase * PAUSE_EVERY_S;
        let within = (from + shift) % PAUSE_EVERY_S;
        // A pause is the end of each such span.
        let begins = PAUSE_EVERY_S - PAUSE_S;
        if within >= begins {
            return from + (PAUSE_EVERY_S - within) + service;
        }
        if within + service > begins { from + service + PAUSE_S } else { from + service }
    }
}

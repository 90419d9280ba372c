//! What the tests share that kill nodes at random instants: how often, and which instants. Both come from the
//! environment, and the seed is printed, so that a run that failed can be repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Random numbers of a seed (SplitMix64). They decide when a node is killed, and nothing that must be unpredictable.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The seed of `FAULTS_SEED`, or of the clock; printed.
    pub fn from_environment() -> Self {
        let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
        let seed = number("FAULTS_SEED").unwrap_or_else(by_clock);
        eprintln!("FAULTS_SEED={seed}");
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Numbers of their own for a thread of its own.
    pub fn branch(&mut self) -> Self {
        Self(self.number())
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.number() % n
    }

    pub fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    /// A time from `from` up to `to`.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from((to - from).as_micros()).unwrap().max(1);
        from + Duration::from_micros(self.number() % span)
    }
}

/// How many runs: `FAULTS_RUNS`, or the short form that CI runs.
pub fn runs(short: u64) -> u64 {
    number("FAULTS_RUNS").unwrap_or(short)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

//! What a session draws, and what its conditions come to.

use common::plan::program::Think;

use super::{Around, Desk, Session};
use crate::scenario::numbers::{mix64, with_round};
use crate::scenario::script::{Script, Test};
use crate::start_at::Nanos;

impl Session {
    /// A place in this round of the repeats around it.
    pub(super) fn placed(&self, place: u64) -> u64 {
        self.rounds.iter().fold(place, |place, round| with_round(place, u64::from(*round)))
    }

    /// A place in this round, and in this look of the poll that is under way.
    pub(super) fn looked(&self, place: u64) -> u64 {
        let place = self.placed(place);
        self.poll.map_or(place, |poll| with_round(place, u64::from(poll.attempts)))
    }

    /// The random value of a place.
    pub(super) fn random(&self, script: &Script, place: u64) -> u64 {
        mix64(script.seed, self.start.g, self.placed(place))
    }

    /// Whether all conditions hold. One whose value cannot be rendered does not hold, unless it is negated.
    pub(super) fn hold(&mut self, script: &Script, tests: &[Test], desk: &mut Desk) -> bool {
        let Desk { unix_us, seen, wanted, shared, .. } = desk;
        let place = self.looked(0);
        tests.iter().all(|test| {
            seen.clear();
            let around = Around { unix_us: *unix_us, place, shared, ..Around::default() };
            let mut context = self.context(script, around);
            let known = test.value.render(&mut context, seen).is_ok();
            let is_one = known
                && test.any_of.iter().any(|text| {
                    wanted.clear();
                    text.render(&mut context, wanted).is_ok() && wanted == seen
                });
            is_one != test.not
        })
    }
}

/// How long a think lasts.
pub fn think(think: Think, random: u64) -> Nanos {
    // 53 bits: a number from 0 up to 1.
    let drawn = (random >> 11) as f64 / (1_u64 << 53) as f64;
    let ns = |span: std::time::Duration| span.as_nanos() as f64;
    let thought = match think {
        Think::Fixed(span) => ns(span),
        Think::Uniform(from, to) => ns(from) + (ns(to) - ns(from)).max(0.0) * drawn,
        Think::Exponential(mean) => (-(1.0 - drawn).ln()).min(10.0) * ns(mean),
    };
    // At most days: far below what an i64 of nanoseconds holds; the cast saturates.
    thought as Nanos
}

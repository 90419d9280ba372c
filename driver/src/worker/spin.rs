//! How shortly before an instant to stop sleeping and spin, and when to give spinning up: pure. A sleep ends
//! late by what the kernel and the machine take to wake a thread; the rest of the way is spun.

use crate::start_at::Nanos;

/// What is taken for the lateness of a sleep before one was seen.
const FIRST_GUESS: Nanos = 60_000;
/// Shortest and longest spin before an instant.
const SHORTEST: Nanos = 5_000;
const LONGEST: Nanos = 250_000;
/// A step of spinning that took longer was not ours: another thread had the core.
pub const STOLEN_FROM: Nanos = 50_000;
/// So much spinning is looked at together, and so much of it may be stolen.
const LOOKED_AT: Nanos = 100_000_000;
const MOST_STOLEN: f64 = 0.25;

/// Whether to spin, and from when.
#[derive(Debug, Clone)]
pub struct Spin {
    early: Nanos,
    spun: Nanos,
    stolen: Nanos,
    given_up: bool,
}

impl Default for Spin {
    fn default() -> Self {
        Self { early: FIRST_GUESS, spun: 0, stolen: 0, given_up: false }
    }
}

impl Spin {
    /// How long before an instant the sleep is to end.
    pub fn early(&self) -> Nanos {
        self.early
    }

    /// Notes how late a sleep ended: the margin follows what nearly all sleeps stay below, quickly up and slowly
    /// down.
    pub fn slept(&mut self, late_by: Nanos) {
        let step =
            if late_by > self.early { (late_by - self.early) / 4 } else { -(self.early - late_by) / 128 };
        self.early = (self.early + step).clamp(SHORTEST, LONGEST);
    }

    /// Notes a step of spinning that found nothing to do; returns how much of it was idle. Where others take
    /// the core away again and again, it is not ours to burn: spinning is given up for good.
    pub fn spun(&mut self, step: Nanos) -> Nanos {
        let stolen = if step >= STOLEN_FROM { step } else { 0 };
        self.spun += step;
        self.stolen += stolen;
        if self.spun >= LOOKED_AT {
            self.given_up |= self.stolen as f64 > MOST_STOLEN * self.spun as f64;
            (self.spun, self.stolen) = (0, 0);
        }
        step - stolen
    }

    /// Whether spinning was given up.
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_above_nearly_all_sleeps_and_within_bounds() {
        let mut spin = Spin::default();
        // 20 µs late, but 90 µs each tenth time.
        for n in 0..5_000 {
            spin.slept(if n % 10 == 0 { 90_000 } else { 20_000 });
        }
        assert!((60_000..=90_000).contains(&spin.early()), "{}", spin.early());
        (0..2_000).for_each(|_| spin.slept(0));
        assert_eq!(spin.early(), SHORTEST, "never nothing");
        (0..100).for_each(|_| spin.slept(Nanos::MAX / 2));
        assert_eq!(spin.early(), LONGEST);
    }

    #[test]
    fn a_core_that_others_need_is_not_spun_on() {
        let mut quiet = Spin::default();
        // A tenth of the time is taken by others: kernel threads, an interrupt.
        for _ in 0..5_000 {
            (0..90).for_each(|_| assert_eq!(quiet.spun(1_000), 1_000, "idle"));
            (0..1).for_each(|_| assert_eq!(quiet.spun(STOLEN_FROM / 5), STOLEN_FROM / 5));
        }
        assert!(!quiet.is_given_up());
        let mut shared = Spin::default();
        // Half of it: another program runs on this core.
        for _ in 0..20 {
            (0..4_000).for_each(|_| {
                shared.spun(1_000);
            });
            assert_eq!(shared.spun(4_000_000), 0, "not idle: the worker would have run if it could");
        }
        assert!(shared.is_given_up());
    }
}

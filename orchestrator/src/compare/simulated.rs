//! How often comparisons are wrong, by simulation: tests of the same service that are called different (false alarms), and
//! tests of a slower one that are not (power). The tables of docs/compare.md are what these tests print
//! (`make simulate`). Every seed stands here, so that they always print the
//! same.
//!
//! A simulated second has 1,000 requests or so with a lognormal response (median 10 ms, σ 0.5), all of them shifted by as
//! much as this second is slower than others; and errors, which grow with it.

use std::sync::LazyLock;

use statrs::distribution::{ContinuousCDF, Normal};

use super::figures::{KINDS as FIGURE_KINDS, compare};
use crate::model::{ComparedFigure, ComparedOutcome, ComparedWhat};
use crate::statistics::{Series, Side, Window};

/// Pairs of tests that are compared for each kind of series: 200 for the tables (`SIMULATED_PAIRS=200`), fewer in the
/// tests of every day.
pub(super) fn n_pairs() -> u64 {
    std::env::var("SIMULATED_PAIRS").ok().and_then(|n| n.parse().ok()).unwrap_or(25)
}

/// Of so many pairs so many may be called different: of 200 a true 5 % stays within 16 of them 98 times in 100.
pub(super) fn most_alarms(pairs: u64) -> usize {
    (pairs as usize * 16).div_ceil(200)
}

/// A random generator (splitmix64): small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform, 0 to 1.
    fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.share().max(1e-300).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut n, mut product, limit) = (0, self.share(), (-mean).exp());
        while product > limit {
            n += 1;
            product *= self.share();
        }
        n
    }
}

/// Steps of a logarithm: a thousandth.
const STEP: f64 = 0.001;
/// The place of the median among the steps.
const MIDDLE: usize = 4_096;

/// Quantiles of the response's logarithm, in steps from the median.
static QUANTILES: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let normal = Normal::new(0.0, 0.5).unwrap();
    (0..1 << 16)
        .map(|at| (normal.inverse_cdf((f64::from(at) + 0.5) / 65_536.0) / STEP).round() as i32)
        .collect()
});

/// The response at each step, µs.
static MICROS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    (0..2 * MIDDLE).map(|at| (10_000.0 * ((at as f64 - MIDDLE as f64) * STEP).exp()).round() as u64).collect()
});

/// How seconds of a test depend on one another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Not at all.
    Independent,
    /// Each keeps this share of the one before.
    Ar(f64),
    /// Slow for 20 s or so, then fast for as long.
    Regimes,
    /// A pause of 200 ms each 10 s.
    Pauses,
}

const KINDS: [(&str, Kind); 5] = [
    ("independent", Kind::Independent),
    ("AR(1), 0.6", Kind::Ar(0.6)),
    ("AR(1), 0.9", Kind::Ar(0.9)),
    ("two regimes", Kind::Regimes),
    ("periodic pauses", Kind::Pauses),
];

/// A test of so many seconds of a service that is slower by this logarithm.
fn test(kind: Kind, random: &mut Random, seconds: usize, slower: f64) -> Side {
    let mut state = random.normal();
    let phase = (random.bits() % 10) as usize;
    let mut window = |t: usize| {
        let shift = match kind {
            Kind::Independent => 0.1 * random.normal(),
            Kind::Ar(keeps) => {
                state = keeps * state + (1.0 - keeps * keeps).sqrt() * random.normal();
                0.1 * state
            }
            Kind::Regimes => {
                if random.share() < 0.05 {
                    state = -state;
                }
                if state > 0.0 { 0.3 } else { 0.0 }
            }
            Kind::Pauses => 0.02 * random.normal(),
        };
        // Who waits for answers sends less in a slow second.
        let n = if matches!(kind, Kind::Ar(_) | Kind::Regimes) { 1_000.0 * (-shift).exp() } else { 1_000.0 };
        let paused = kind == Kind::Pauses && t % 10 == phase;
        second(random, n as usize, shift + slower, (3.0 * shift).exp(), paused)
    };
    Side::new(vec![Series::new((0..seconds).map(&mut window).collect())])
}

fn second(random: &mut Random, n: usize, shift: f64, errors: f64, paused: bool) -> Window {
    let shift = (shift / STEP).round() as i32;
    let mut counts = [0_u16; 2 * MIDDLE];
    let (mut lowest, mut highest) = (MIDDLE, MIDDLE);
    let quantiles = &QUANTILES[..];
    let mut delayed: Vec<u64> = Vec::new();
    let mut bits = 0;
    for at in 0..n {
        if at % 4 == 0 {
            bits = random.bits();
        }
        let place = MIDDLE as i32 + quantiles[(bits & 0xffff) as usize] + shift;
        bits >>= 16;
        if paused && at % 5 == 0 {
            delayed.push(MICROS[place as usize] + (random.share() * 200_000.0) as u64);
        } else {
            counts[place as usize] += 1;
            lowest = lowest.min(place as usize);
            highest = highest.max(place as usize);
        }
    }
    let mut samples: Vec<(u64, u64)> = Vec::with_capacity(n);
    let micros = &MICROS[..];
    for at in lowest..=highest {
        if counts[at] > 0 {
            samples.push((micros[at], u64::from(counts[at])));
        }
    }
    if !delayed.is_empty() {
        samples.extend(delayed.into_iter().map(|us| (us, 1)));
        samples.sort_unstable();
        samples.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
    }
    let failed = random.poisson(errors);
    Window {
        slower: failed,
        failed,
        ended: n as u64 + failed,
        in_schedule: n as u64,
        seconds: 1.0,
        ..Window::new(samples)
    }
}

fn differs(figure: &ComparedFigure) -> bool {
    matches!(figure.outcome, ComparedOutcome::Better | ComparedOutcome::Worse)
}

/// Of pairs of tests, the second slower by this logarithm, each figure's outcomes.
fn pairs(kind: Kind, seconds: usize, n: u64, slower: f64) -> Vec<Vec<ComparedFigure>> {
    let pair = |seed: u64| {
        let mut random = Random(seed.wrapping_mul(7_919) ^ ((seconds as u64) << 32));
        let a = test(kind, &mut random, seconds, 0.0);
        let b = test(kind, &mut random, seconds, slower);
        compare(&a, &b, ComparedWhat::Tests)
    };
    (0..n).map(pair).collect()
}

/// How many pairs of tests of the same service are called different.
pub(super) struct Alarms {
    /// In any figure.
    pub any: usize,
    /// In the one figure in which most are.
    pub most: usize,
}

impl Alarms {
    pub fn of(pairs: &[Vec<ComparedFigure>]) -> Self {
        let any = pairs.iter().filter(|figures| figures.iter().any(differs)).count();
        let of_figure = |at: usize| pairs.iter().filter(|figures| differs(&figures[at])).count();
        Self { any, most: (0..FIGURE_KINDS.len()).map(of_figure).max().unwrap_or(0) }
    }
}

/// The false alarms, and how many pairs are "cannot tell" in every figure.
fn alarms(kind: Kind, seconds: usize) -> (Alarms, usize) {
    let pairs = pairs(kind, seconds, n_pairs(), 0.0);
    let cannot = |figure: &ComparedFigure| figure.outcome == ComparedOutcome::CannotTell;
    let refused = pairs.iter().filter(|figures| figures.iter().skip(1).all(cannot)).count();
    (Alarms::of(&pairs), refused)
}

#[track_caller]
fn check(place: usize) {
    let (name, kind) = KINDS[place];
    let n = n_pairs();
    // The table has shorter tests as well.
    for seconds in [60, 120, 300].into_iter().filter(|seconds| *seconds == 300 || n >= 200) {
        let (alarms, refused) = alarms(kind, seconds);
        let Alarms { any, most } = alarms;
        eprintln!("| {name} | {seconds} | {any} of {n}, {most} of one figure | {refused} |");
        assert!(seconds < 300 || any <= most_alarms(n), "{name}, {seconds} s: {any} of {n} pairs");
    }
}

#[test]
fn independent_seconds_give_no_more_false_alarms_than_promised() {
    check(0);
}

#[test]
fn seconds_that_keep_some_of_the_last_give_no_more_false_alarms_than_promised() {
    check(1);
}

#[test]
fn seconds_that_keep_much_of_the_last_give_no_more_false_alarms_than_promised() {
    check(2);
}

#[test]
fn two_regimes_give_no_more_false_alarms_than_promised() {
    check(3);
}

#[test]
fn periodic_pauses_give_no_more_false_alarms_than_promised() {
    check(4);
}

#[test]
fn what_is_far_apart_needs_no_long_tests() {
    // Each second keeps 0.9 of the last: a minute does not show how long a state lasts.
    let (_, kind) = KINDS[2];
    let outcomes = |slower: f64| pairs(kind, 60, 20, slower).into_iter().map(|figures| figures[3].clone());
    let cannot = outcomes(0.0).filter(|p50| p50.outcome == ComparedOutcome::CannotTell).count();
    assert!(cannot > 10, "{cannot} of 20 cannot tell");
    let found: Vec<ComparedFigure> = outcomes(4.0_f64.ln()).filter(differs).collect();
    assert!(found.len() > 10, "{} of 20 are found", found.len());
    for p50 in found {
        assert_eq!(p50.outcome, ComparedOutcome::Worse, "{p50:?}");
        assert!(p50.low.unwrap() < 4.0 && p50.high.unwrap() > 4.0, "{p50:?}");
    }
}

#[test]
fn a_slower_service_is_found() {
    let n = n_pairs().min(100);
    let found = |percent: f64, seconds: usize| {
        let pairs = pairs(Kind::Independent, seconds, n, (percent / 100.0).ln_1p());
        let worse = |figures: &&Vec<ComparedFigure>| figures[3].outcome == ComparedOutcome::Worse;
        let found = pairs.iter().filter(worse).count();
        eprintln!("| p50 {percent} % slower | {seconds} | {found} of {n} |");
        found as f64 / n as f64
    };
    assert!(found(10.0, 120) >= 0.95);
    if n >= 100 {
        for seconds in [60, 120, 180] {
            found(5.0, seconds);
        }
        assert!(found(5.0, 240) >= 0.95);
    }
}

//! Every random value of a test, as a pure function of the seed, the session's number and a place: no state, no order.
//! The same plan and seed give the same values however many drivers and workers there are, and whatever was drawn
//! before. Which scenario a session follows is in `mix`, permutations in `feistel`, weighted choices in `alias`.

mod alias;
mod feistel;
mod mix;

pub use alias::AliasTable;
pub use feistel::Feistel;
pub use mix::Mix;

/// 2⁶⁴ divided by the golden ratio, odd: multiples of it are spread evenly.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of 64 bits in which each bit of the input changes each bit of the output in half of the cases (Pelle
/// Evensen's `moremur`).
#[inline]
pub const fn scramble(mut x: u64) -> u64 {
    x ^= x >> 27;
    x = x.wrapping_mul(0x3C79_AC49_2BA7_B653);
    x ^= x >> 33;
    x = x.wrapping_mul(0x1C69_B3F7_4AC4_AE35);
    x ^ (x >> 27)
}

/// The random value of session `g` at a place. One scramble for each word: places and numbers that differ in one bit
/// have values that share nothing.
#[inline]
pub const fn mix64(seed: u64, g: u64, place: u64) -> u64 {
    let x = scramble(seed.wrapping_add(GAMMA));
    let x = scramble(x ^ g.wrapping_mul(GAMMA));
    scramble(x ^ place)
}

/// The place that a path names, as in `scenarios.shopper.steps[1]`: a hash that stays the same over releases, because
/// a seed's values follow from it.
pub const fn place_of(path: &str) -> u64 {
    // FNV-1a, whose weak high bits `scramble` spreads.
    let bytes = path.as_bytes();
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    scramble(hash)
}

/// The same place in one round of a `repeat` or `poll` around it.
#[inline]
pub const fn with_round(place: u64, round: u64) -> u64 {
    scramble(place.wrapping_add(round.wrapping_add(1).wrapping_mul(GAMMA)))
}

/// A whole number below `n`, evenly; 0 where `n` is 0.
#[inline]
pub const fn below(random: u64, n: u64) -> u64 {
    ((random as u128 * n as u128) >> 64) as u64
}

/// A number from 0 up to, but not including, 1.
#[inline]
#[allow(clippy::cast_precision_loss)] // 53 bits, which an f64 holds exactly
pub const fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// More values from one: each is as good as the first.
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The values that follow from this one.
    pub const fn new(random: u64) -> Self {
        Self(random)
    }

    /// The next value.
    #[inline]
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        scramble(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flipped_bit_of_any_word_changes_half_of_the_bits() {
        let words = |i: u64| (scramble(i), i, place_of(&format!("requests.a.query.b{}", i % 7)));
        for word in 0..3 {
            for bit in 0..64 {
                let mut per_bit = [0_u32; 64];
                const N: u64 = 2_000;
                for i in 0..N {
                    let (seed, g, place) = words(i);
                    let flip = 1_u64 << bit;
                    let of = |on: usize, x: u64| if on == word { x ^ flip } else { x };
                    let changed = mix64(seed, g, place) ^ mix64(of(0, seed), of(1, g), of(2, place));
                    (0..64).for_each(|at| per_bit[at] += u32::from(changed >> at & 1 == 1));
                }
                for (at, n) in per_bit.iter().enumerate() {
                    // 6 sigma of 2,000 tosses, over 12,288 of them.
                    assert!(
                        (866..=1134).contains(n),
                        "word {word}, bit {bit}: output bit {at} in {n} of {N}"
                    );
                }
            }
        }
    }

    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn neighbouring_sessions_places_and_seeds_are_independent() {
        let lines: [fn(u64) -> u64; 4] =
            [|i| mix64(7, i, 3), |i| mix64(i, 7, 3), |i| mix64(7, 3, i), |i| mix64(7, 3, with_round(99, i))];
        for (which, line) in lines.iter().enumerate() {
            let n = 100_000_u64;
            let values: Vec<f64> = (0..n).map(|i| unit(line(i))).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            assert!((mean - 0.5).abs() < 4.0 * 0.2887 / (n as f64).sqrt(), "line {which}: mean {mean}");
            for lag in [1, 2, 8, 10_007] {
                let pairs = values.iter().zip(&values[lag..]);
                let sum: f64 = pairs.map(|(a, b)| (a - 0.5) * (b - 0.5)).sum();
                let correlation = sum / (n as f64 - lag as f64) * 12.0;
                assert!(correlation.abs() < 0.016, "line {which}: {correlation} at {lag}");
            }
        }
    }

    #[test]
    fn places_and_values_stay_the_same_over_releases() {
        assert_eq!(place_of(""), scramble(0xCBF2_9CE4_8422_2325));
        assert_ne!(place_of("a"), place_of("b"));
        let rounds: std::collections::BTreeSet<u64> =
            (0..10_000).map(|i| with_round(place_of("a"), i)).collect();
        assert_eq!(rounds.len(), 10_000, "each round has a place of its own");
        assert!(!rounds.contains(&place_of("a")));
    }

    proptest! {
        #[test]
        fn bounded_values_keep_their_bounds(random: u64, n in 1_u64..) {
            prop_assert!(below(random, n) < n);
            prop_assert_eq!(below(random, 0), 0);
            prop_assert!((0.0..1.0).contains(&unit(random)));
        }
    }
}

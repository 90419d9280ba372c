//! The interval of a share that is counted a window: slow, failed or dropped requests of all.

use super::{Cosines, Interval, effective_windows_at_least, student_t};

/// Fewest windows with requests whose share has an interval. With fewer nothing is known of how windows depend on one
/// another.
pub const MIN_SHARE_WINDOWS: usize = 4;

/// The interval of a share (0 to 1) of `windows`, each (hits, requests), in their order, at this confidence (0 to 1).
/// Windows without requests are left out.
///
/// It is Wilson's interval for as many independent requests as the windows are worth: their variance is the largest of
/// what independent requests would have, of what the slowest waves have (`ewc`), and of what windows would have of which
/// each lingers on as the correlations of windows up to eight apart say (`persistence`). So a share of 0 has a high limit above 0, and
/// runs of bad windows widen it. With fewer than [`MIN_SHARE_WINDOWS`] windows it is 0 to 1: nothing is decided.
///
/// Of 400 series of 30 windows at 95 %, 3 miss the true share where windows are independent, 11 where each keeps 0.6 of the
/// last, and 31 where each keeps 0.9 of it (37 of 60 windows, 19 of 120): so few windows do not show how long a bad state
/// lasts. By neighbours alone (`effective_windows`) they were 55, and 68 of 60 windows.
///
/// What happens more seldom than the windows last is not in them: a pause each minute does not show in 30 s.
pub fn share_interval(windows: &[(u64, u64)], confidence: f64) -> Interval {
    let counted: Vec<(f64, f64)> =
        windows.iter().filter(|(_, n)| *n > 0).map(|(hits, n)| ((*hits).min(*n) as f64, *n as f64)).collect();
    let requests: f64 = counted.iter().map(|(_, n)| n).sum();
    let hits: f64 = counted.iter().map(|(hits, _)| hits).sum();
    let share = if requests > 0.0 { hits / requests } else { 0.0 };
    if counted.len() < MIN_SHARE_WINDOWS {
        return Interval { low: 0.0, estimate: share, high: 1.0 };
    }
    let z: Vec<f64> = counted.iter().map(|(hits, n)| hits - share * n).collect();
    let cosines = Cosines::of(z.len());
    let independent = share * (1.0 - share) * requests;
    let of_windows: f64 = z.iter().map(|z| z * z).sum();
    let effective = effective_windows_at_least(&z);
    let lingering = of_windows * z.len() as f64 / effective;
    let (of_waves, waves) = cosines.variance_of_sum(&z);
    let variance = of_waves.max(lingering).max(independent);
    // How many independent requests have this variance.
    let worth = if variance > 0.0 { requests * independent / variance } else { requests };
    // What a few independent windows' worth of windows say of their own variance is rough.
    let degrees = waves.min((effective - 1.0).max(1.0));
    wilson(share, worth, student_t(confidence, degrees))
}

/// Wilson's interval of a share of `n` independent requests, within so many standard errors.
pub(super) fn wilson(share: f64, n: f64, critical: f64) -> Interval {
    let square = critical * critical;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = critical / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // Rounding must not put an end past the share itself.
    let low = (middle - half).clamp(0.0, share);
    Interval { low, estimate: share, high: (middle + half).clamp(share, 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_of_independent_windows_have_wilsons_interval_with_students_t() {
        // 40 windows have 4 cosines: t is 2.776.
        let none = share_interval(&[(0, 1_000); 40], 0.95);
        assert_eq!((none.low, none.estimate), (0.0, 0.0));
        assert!((none.high - 7.71 / (40_000.0 + 7.71)).abs() < 1e-6, "{none:?}");
        let all = share_interval(&[(1_000, 1_000); 40], 0.95);
        assert!((1.0 - all.low - none.high).abs() < 1e-9 && all.high == 1.0, "{all:?}");
        let even: Vec<(u64, u64)> = (0..40).map(|t| (10 + t % 2, 1_000)).collect();
        let steady = share_interval(&even, 0.95);
        assert!(steady.low > 0.008_9 && steady.high < 0.012_3, "{steady:?}");
    }

    #[test]
    fn a_run_of_bad_windows_is_no_evidence() {
        let bad = |is_bad: &dyn Fn(usize) -> bool| -> Vec<(u64, u64)> {
            (0..60).map(|t| (if is_bad(t) { 40 } else { 5 }, 1_000)).collect()
        };
        let scattered = share_interval(&bad(&|t| t % 5 == 2), 0.95);
        let in_a_run = share_interval(&bad(&|t| (20..32).contains(&t)), 0.95);
        assert_eq!(scattered.estimate, in_a_run.estimate);
        let width = |interval: Interval| interval.high - interval.low;
        assert!(width(in_a_run) > 3.0 * width(scattered), "{in_a_run:?} {scattered:?}");
    }

    /// Of so many series of windows, of which each keeps a part of how bad the last was, so many intervals at 95 % miss the
    /// true share. The seed is fixed: the numbers are always the same.
    fn misses(keeps: f64, windows: usize, series: u32) -> u32 {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut uniform = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        let mut missed = 0;
        for _ in 0..series {
            let mut normal = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
            let mut bad = normal();
            let mut counted = Vec::new();
            for _ in 0..windows {
                bad = keeps * bad + (1.0 - keeps * keeps).sqrt() * normal();
                // 1 % on average; a count of so many has about this spread.
                let expected = 500.0 * 0.01 * (0.3 * bad - 0.045).exp();
                let hits = (expected + expected.sqrt() * normal()).round().clamp(0.0, 500.0);
                counted.push((hits as u64, 500));
            }
            let of = share_interval(&counted, 0.95);
            missed += u32::from(of.low > 0.01 || of.high < 0.01);
        }
        missed
    }

    #[test]
    fn intervals_hold_the_true_share_about_as_often_as_they_say() {
        for (keeps, windows, most) in [
            (0.0, 10, 20),
            (0.0, 30, 20),
            (0.0, 60, 20),
            (0.6, 10, 20),
            (0.6, 30, 20),
            (0.6, 60, 20),
            // More than they say: what lasts for ten windows is seen too seldom in 30 or 60 of them.
            (0.9, 30, 45),
            (0.9, 60, 45),
            (0.9, 120, 25),
        ] {
            let missed = misses(keeps, windows, 400);
            eprintln!("| share, windows keep {keeps} | {windows} | {missed} of 400 missed |");
            assert!(missed <= most, "{keeps}, {windows} windows: {missed} of 400");
        }
    }

    #[test]
    fn too_few_windows_decide_nothing() {
        for windows in [&[][..], &[(0, 0); 50], &[(900, 1_000); 3]] {
            let interval = share_interval(windows, 0.95);
            assert_eq!((interval.low, interval.high), (0.0, 1.0), "{windows:?}");
        }
        assert!(share_interval(&[(900, 1_000); 4], 0.95).low > 0.8);
    }

    proptest! {
        #[test]
        fn limits_enclose_the_share_and_hits_and_misses_are_alike(
            windows in prop::collection::vec((0..50_u64, 0..50_u64), 0..40),
        ) {
            let windows: Vec<(u64, u64)> = windows.iter().map(|(hits, more)| (*hits, hits + more)).collect();
            let of = share_interval(&windows, 0.95);
            prop_assert!(0.0 <= of.low && of.low <= of.estimate && of.estimate <= of.high && of.high <= 1.0, "{of:?}");
            let misses: Vec<(u64, u64)> = windows.iter().map(|(hits, n)| (n - hits, *n)).collect();
            let other = share_interval(&misses, 0.95);
            prop_assert!((of.low - (1.0 - other.high)).abs() < 1e-9 && (of.high - (1.0 - other.low)).abs() < 1e-9
                || windows.iter().all(|(_, n)| *n == 0), "{of:?} {other:?}");
            let wider = share_interval(&windows, 0.99);
            prop_assert!(wider.low <= of.low && wider.high >= of.high);
        }
    }
}

//! How much a window resembles the one before it, and how many independent windows a series is therefore worth.

/// Highest resemblance that is counted with: beyond it a series is a walk, not a level with noise.
const HIGHEST: f64 = 0.995;

/// The correlation of each window with the next, -1 to 1, of deviations from a common mean; 0 where they do not vary.
pub fn lag_1(z: &[f64]) -> f64 {
    correlation(z, 1)
}

/// How many independent windows say as much as this series, were each window a fixed share of the one before it and new
/// noise (a series of the kind AR(1)). The correlation is taken as higher than the one found, by what short series find
/// too little on average.
pub fn effective_windows(z: &[f64]) -> f64 {
    let n = z.len() as f64;
    let found = lag_1(z);
    let rho = (found + (1.0 + 4.0 * found) / n.max(1.0)).clamp(0.0, HIGHEST);
    n * (1.0 - rho) / (1.0 + rho)
}

/// Windows over which states are looked for that last longer than from one window to the next.
const LAGS: usize = 8;

/// What a window keeps of the one before it in such a state: it lasts for about ten windows.
const KEEPS: f64 = 0.9;

/// How far beyond 0, in standard errors of independent windows, the correlations are from which on there is such a state; and
/// by how much they are taken as higher than found.
const DOUBT: f64 = 0.5;

/// As [`effective_windows`], or fewer where windows resemble not only their neighbours. A state that lasts for ten windows under
/// much other noise makes neighbours resemble each other little, but each of many windows a little. So the correlations of
/// windows up to `LAGS` apart are added up, and where they are more than chance makes of independent ones, the series is
/// taken for one of which each window keeps `KEEPS` of the last, under noise.
pub fn effective_windows_at_least(z: &[f64]) -> f64 {
    let n = z.len() as f64;
    if z.windows(2).all(|pair| pair[0] == pair[1]) {
        // What never varies has no correlation, and its mean is not off.
        return effective_windows(z);
    }
    let lags = LAGS.min(z.len() / 3);
    let found: f64 = (1..=lags).map(|lag| correlation(z, lag)).sum();
    let whole: f64 = (1..=lags).map(|lag| KEEPS.powi(lag as i32)).sum();
    let doubt = DOUBT * (lags as f64 / n.max(1.0)).sqrt();
    let mut times = 1.0;
    // The mean is that of the series itself: correlations come out too low by as much as it is off, which grows with them.
    for _ in 0..2 {
        let sum = found + lags as f64 * times / n.max(1.0);
        if sum < doubt || whole == 0.0 {
            break;
        }
        times = 1.0 + 2.0 * KEEPS / (1.0 - KEEPS) * (sum + doubt) / whole;
    }
    effective_windows(z).min(n / times.max(1.0))
}

/// The correlation of windows so many apart.
fn correlation(z: &[f64], lag: usize) -> f64 {
    let mean = z.iter().sum::<f64>() / (z.len() as f64).max(1.0);
    let all: f64 = z.iter().map(|z| (z - mean) * (z - mean)).sum();
    let pairs = z.iter().zip(z.iter().skip(lag));
    let apart: f64 = pairs.map(|(z, later)| (z - mean) * (later - mean)).sum();
    if all > 0.0 { apart / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_that_lingers_is_worth_fewer_windows() {
        let lingers: Vec<f64> = (0..100).map(|t| if t < 50 { 1.0 } else { -1.0 }).collect();
        let swings: Vec<f64> = (0..100).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!(lag_1(&lingers) > 0.95 && lag_1(&swings) < -0.95);
        assert!(effective_windows(&lingers) < 2.0, "{}", effective_windows(&lingers));
        assert_eq!(effective_windows(&swings), 100.0, "never more than there are");
        assert_eq!((lag_1(&[]), lag_1(&[3.0]), lag_1(&[2.0; 9])), (0.0, 0.0, 0.0));
    }

    #[test]
    fn a_state_that_lasts_under_noise_is_seen_by_windows_that_are_apart() {
        // Thirty windows high, thirty low; the noise is more than twice as large.
        let noise = |t: u64| {
            let mixed = t.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            if mixed >> 40 & 1 == 1 { 5.0 } else { -5.0 }
        };
        let z: Vec<f64> = (0..120).map(|t| noise(t) + if (t / 30) % 2 == 0 { 2.0 } else { -2.0 }).collect();
        assert_eq!((effective_windows(&z).round(), effective_windows_at_least(&z).round()), (80.0, 27.0));
        let swings: Vec<f64> = (0..100).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(effective_windows_at_least(&swings), 100.0);
        assert_eq!(effective_windows_at_least(&[]), effective_windows(&[]));
        assert_eq!(effective_windows_at_least(&[0.0; 30]), effective_windows(&[0.0; 30]));
    }
}

//! How much a window resembles the one before it, and how many independent windows a series is therefore worth.

/// Highest resemblance that is counted with: beyond it a series is a walk, not a level with noise.
const HIGHEST: f64 = 0.995;

/// The correlation of each window with the next, -1 to 1, of deviations from a common mean; 0 where they do not vary.
pub fn lag_1(z: &[f64]) -> f64 {
    let mean = z.iter().sum::<f64>() / (z.len() as f64).max(1.0);
    let all: f64 = z.iter().map(|z| (z - mean) * (z - mean)).sum();
    let next: f64 = z.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if all > 0.0 { next / all } else { 0.0 }
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
}

//! The universal scalability law through the levels of a search: X(n) = n·λ / (1 + σ(n - 1) + κ·n(n - 1)), X the throughput
//! and n the requests under way (throughput × mean response, by Little's law). With n / X on the left it is linear in 1/λ,
//! σ/λ and κ/λ, so that least squares need no iteration.

use crate::model::UslView;

/// Fewest levels for a fit: one more than it has unknowns.
const LEAST: usize = 4;

/// A fit whose throughput is further off than this, on average, does not fit.
const MOST_ERROR: f64 = 0.1;

/// How many times as many requests at a time as were measured a peak may be at: beyond it the last digits of the levels decide
/// where it lies, and whether there is one.
const BEYOND: f64 = 10.0;

/// A level: requests under way on average, and completed a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub concurrency: f64,
    pub throughput_per_s: f64,
}

/// The law through these levels; `None` where there are too few, or it does not fit.
pub fn fit(points: &[Point]) -> Option<UslView> {
    let usable = |point: &&Point| point.concurrency > 0.0 && point.throughput_per_s > 0.0;
    let points: Vec<Point> = points.iter().filter(usable).copied().collect();
    let spread = |of: fn(f64, f64) -> f64, from: f64| points.iter().map(|p| p.concurrency).fold(from, of);
    if points.len() < LEAST || spread(f64::max, 0.0) < 2.0 * spread(f64::min, f64::MAX) {
        return None;
    }
    // The terms that come out negative are left out, one after the other: neither contention nor coherency gives time back.
    [[true, true], [true, false], [false, true], [false, false]]
        .into_iter()
        .find_map(|terms| try_fit(&points, terms))
}

fn try_fit(points: &[Point], [with_sigma, with_kappa]: [bool; 2]) -> Option<UslView> {
    let rows = points.iter().map(|point| {
        let n = point.concurrency;
        // n / X, weighed by its size, so that errors are relative ones.
        let time = n / point.throughput_per_s;
        let sigma = if with_sigma { n - 1.0 } else { 0.0 };
        let kappa = if with_kappa { n * (n - 1.0) } else { 0.0 };
        [1.0 / time, sigma / time, kappa / time]
    });
    let mut normal = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for row in rows {
        for (i, left) in row.iter().enumerate() {
            right[i] += left;
            for (j, other) in row.iter().enumerate() {
                normal[i][j] += left * other;
            }
        }
    }
    for (term, is_in) in [(1, with_sigma), (2, with_kappa)] {
        if !is_in {
            normal[term][term] = 1.0;
        }
    }
    let [per, sigma, kappa] = solve(normal, right)?;
    if per <= 0.0 || sigma < 0.0 || kappa < 0.0 {
        return None;
    }
    let (lambda, sigma, kappa) = (1.0 / per, sigma / per, kappa / per);
    let law = |n: f64| n * lambda / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
    let off = |point: &Point| (law(point.concurrency) / point.throughput_per_s - 1.0).powi(2);
    let error = (points.iter().map(off).sum::<f64>() / points.len() as f64).sqrt();
    if !error.is_finite() || error > MOST_ERROR {
        return None;
    }
    let peak = (kappa > 0.0 && sigma < 1.0).then(|| ((1.0 - sigma) / kappa).sqrt().max(1.0));
    let measured = points.iter().map(|point| point.concurrency).fold(0.0, f64::max);
    let peak = peak.filter(|n| *n <= BEYOND * measured);
    Some(UslView {
        lambda_per_s: lambda,
        sigma,
        kappa,
        peak_per_s: peak.map(law),
        peak_concurrency: peak,
        error,
        levels: points.len() as u64,
    })
}

/// Three linear equations, by elimination with the largest pivot; `None` where they depend on each other.
fn solve(mut left: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot = (column..3).max_by(|a, b| left[*a][column].abs().total_cmp(&left[*b][column].abs()))?;
        left.swap(column, pivot);
        right.swap(column, pivot);
        if left[column][column].abs() < 1e-12 {
            return None;
        }
        for row in column + 1..3 {
            let factor = left[row][column] / left[column][column];
            let above = left[column];
            left[row].iter_mut().zip(above).for_each(|(value, above)| *value -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    let mut solution = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| left[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / left[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: impl Fn(f64) -> f64, at: &[f64]) -> Vec<Point> {
        at.iter().map(|n| Point { concurrency: *n, throughput_per_s: law(*n) }).collect()
    }

    #[test]
    fn a_law_is_found_again() {
        let law = |n: f64| n * 100.0 / (1.0 + 0.05 * (n - 1.0) + 0.001 * n * (n - 1.0));
        let fitted = fit(&points(law, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 48.0])).unwrap();
        assert!((fitted.lambda_per_s - 100.0).abs() < 1e-6, "{fitted:?}");
        assert!((fitted.sigma - 0.05).abs() < 1e-9 && (fitted.kappa - 0.001).abs() < 1e-9, "{fitted:?}");
        assert!(fitted.error < 1e-9 && (fitted.peak_concurrency.unwrap() - 30.8).abs() < 0.1, "{fitted:?}");
    }

    #[test]
    fn what_only_grows_has_no_peak() {
        let fitted = fit(&points(|n| 50.0 * n, &[0.5, 1.0, 2.0, 4.0, 6.0])).unwrap();
        assert!(fitted.sigma < 1e-6 && fitted.peak_per_s.is_none(), "{fitted:?}");
        // Nearly so: by the law alone there would be 60,000/s with 1,200 at a time.
        let nearly = |n: f64| 50.0 * n / (1.0 + 7e-7 * n * (n - 1.0));
        let fitted = fit(&points(nearly, &[0.5, 1.0, 2.0, 4.0, 6.0])).unwrap();
        assert_eq!((fitted.peak_per_s, fitted.peak_concurrency), (None, None), "{fitted:?}");
    }

    #[test]
    fn too_few_levels_and_what_does_not_fit_have_no_law() {
        assert_eq!(fit(&points(|n| n, &[1.0, 2.0, 4.0])), None);
        assert_eq!(fit(&points(|n| n, &[4.0, 4.1, 4.2, 4.3])), None, "all the same");
        let jagged = |n: f64| if (n as u64).is_multiple_of(2) { 10.0 } else { 1_000.0 };
        assert_eq!(fit(&points(jagged, &[1.0, 2.0, 3.0, 8.0, 15.0])), None);
    }
}

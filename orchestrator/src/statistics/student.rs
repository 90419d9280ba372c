//! Critical values of Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// From so many degrees of freedom on, the critical value is that of so many: it changes in the sixth digit alone.
const MANY: f64 = 1e5;

/// The value that a Student's t of so many degrees of freedom (above zero, not whole of necessity) stays within, on both
/// sides, with this confidence (0 to 1, both excluded). Infinite where an argument is out of its range.
pub fn student_t(confidence: f64, degrees: f64) -> f64 {
    if !(confidence > 0.0 && confidence < 1.0 && degrees > 0.0) {
        return f64::INFINITY;
    }
    let distribution = StudentsT::new(0.0, 1.0, degrees.min(MANY));
    distribution.map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + confidence / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        for (confidence, degrees, expected) in [
            (0.95, 1.0, 12.706),
            (0.95, 4.0, 2.776),
            (0.95, 17.0, 2.110),
            (0.99, 4.0, 4.604),
            (0.99375, 8.0, 3.677),
            (0.95, 1e9, 1.960),
        ] {
            let t = student_t(confidence, degrees);
            assert!((t - expected).abs() < 0.002, "{confidence} at {degrees}: {t}");
        }
        for (confidence, degrees) in [(0.0, 4.0), (1.0, 4.0), (0.95, 0.0), (f64::NAN, 4.0), (0.95, f64::NAN)]
        {
            assert_eq!(student_t(confidence, degrees), f64::INFINITY, "{confidence} at {degrees}");
        }
    }
}

//! Small sums: quantiles, and a median with its spread.

use serde::Serialize;

/// The value below which a share `q` of the sorted values lies (nearest rank); 0 of none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
}

/// A median, and from where to where the rounds spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the rounds are no higher; of an even number, the middle of the two in the middle.
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// A quarter of the rounds are no higher, and three quarters.
    pub quarters: (f64, f64),
    pub rounds: usize,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        let quarters = (quantile(&values, 0.25), quantile(&values, 0.75));
        Some(Self { median, min, max, quarters, rounds: values.len() })
    }
}

/// A number with as many decimals as are worth reading: three digits, or all of a large one.
pub fn readable(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        0.0 => 0,
        _ => 3,
    };
    let plain = format!("{value:.decimals$}");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let dot = if rest.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{dot}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_occurred() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| quantile(&values, q)), [1.0, 50.0, 99.0, 100.0]);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_spread_has_the_middle_and_the_ends() {
        let odd = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.median, odd.min, odd.max, odd.rounds), (2.0, 1.0, 3.0, 3));
        let many = Spread::of((1..=16).map(f64::from)).unwrap();
        assert_eq!((many.median, many.quarters), (8.5, (4.0, 12.0)));
        assert_eq!(Spread::of([4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn numbers_are_readable() {
        let table = [
            (0.0, "0"),
            (0.0123, "0.012"),
            (0.27, "0.27"),
            (3.345, "3.35"),
            (45.67, "45.7"),
            (1_234_567.8, "1,234,568"),
            (-1_000.0, "-1,000"),
        ];
        for (value, expected) in table {
            assert_eq!(readable(value), expected);
        }
    }
}

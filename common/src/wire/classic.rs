//! Amounts of the classic format, which carry no unit: conversion to and from [`Duration`].

use std::time::Duration;

use super::{ClassicConfig, Unit};

/// Longest time that a classic amount can mean. A longer delay is not accepted: arithmetic on it overflows.
pub const MAX_CLASSIC_AMOUNT: Duration = Duration::from_secs(24 * 3600);

/// Why an amount is not a valid time.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum AmountError {
    /// Below zero, or not a number.
    #[error("{0} is not a valid time")]
    NoTime(f64),
    /// Above [`MAX_CLASSIC_AMOUNT`].
    #[error("{0} {1} is longer than a day")]
    TooLong(f64, Unit),
}

impl Unit {
    /// The time that an amount of this unit is.
    ///
    /// # Errors
    /// Where it is negative, not finite, or longer than [`MAX_CLASSIC_AMOUNT`].
    pub fn duration(self, amount: f64) -> Result<Duration, AmountError> {
        if !amount.is_finite() || amount < 0.0 {
            return Err(AmountError::NoTime(amount));
        }
        let seconds = amount / self.per_second();
        if seconds > MAX_CLASSIC_AMOUNT.as_secs_f64() {
            return Err(AmountError::TooLong(amount, self));
        }
        Duration::try_from_secs_f64(seconds).map_err(|_| AmountError::NoTime(amount))
    }

    /// How many of this unit a time is.
    pub fn amount(self, time: Duration) -> f64 {
        // Whole numbers of ns are exact up to 104 days; seconds in a float, times 1,000, would not be.
        time.as_nanos() as f64 / (1e9 / self.per_second())
    }

    fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1_000.0,
        }
    }
}

impl ClassicConfig {
    /// The delay between two requests, by the unit that `[classic] delay_unit` says.
    ///
    /// # Errors
    /// See [`Unit::duration`].
    pub fn delay_time(&self, unit: Unit) -> Result<Duration, AmountError> {
        unit.duration(self.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_a_time_by_its_unit() {
        assert_eq!(Unit::Seconds.duration(0.3), Ok(Duration::from_millis(300)));
        assert_eq!(Unit::Milliseconds.duration(0.3), Ok(Duration::from_micros(300)));
        assert_eq!(Unit::Seconds.duration(0.0), Ok(Duration::ZERO));
        assert_eq!(Unit::Seconds.duration(86_400.0), Ok(MAX_CLASSIC_AMOUNT));
        assert_eq!(Unit::Seconds.duration(86_401.0), Err(AmountError::TooLong(86_401.0, Unit::Seconds)));
        assert_eq!(Unit::Seconds.duration(-1.0), Err(AmountError::NoTime(-1.0)));
        for huge in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN] {
            assert!(Unit::Milliseconds.duration(huge).is_err(), "{huge}");
        }
    }

    #[test]
    fn a_time_is_an_amount_without_crumbs() {
        assert_eq!(Unit::Milliseconds.amount(Duration::from_millis(300)), 300.0);
        assert_eq!(Unit::Seconds.amount(Duration::from_millis(300)), 0.3);
        assert_eq!(Unit::Seconds.amount(Duration::from_secs(2)), 2.0);
    }

    proptest! {
        #[test]
        fn there_and_back(us in 0..86_400_000_000_u64) {
            let time = Duration::from_micros(us);
            for unit in [Unit::Seconds, Unit::Milliseconds] {
                let back = unit.duration(unit.amount(time)).unwrap();
                prop_assert!(back.abs_diff(time) < Duration::from_nanos(100));
            }
        }
    }
}

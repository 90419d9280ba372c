//! Rates as people write them: requests a second, or a number with its unit (`200/s`, `6/m`, `1k/s`). A plan writes its
//! rate as the number that was read, so that it is the same wherever it is read again.

use super::units::{MAX_TEXT_BYTES, parse_number, unit_ns};

const EXPECTED: &str =
    "expected requests per second, as in 200 or \"200/s\", or with another unit, as in \"6/m\" or \"1k/s\"";

const NS_PER_S: u128 = 1_000_000_000;

/// Reads a rate in requests per second: `"1980"`, `"1980/s"`, `"6/m"`, `"1.5k/s"`, `"2k"`. The units of time are those of
/// [`super::parse_duration`], `k` is a thousand, and `M` a million.
///
/// # Errors
/// The reason, where the text is not a rate, or is negative or infinite. The caller checks the range.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let text = text.trim();
    if text.len() > MAX_TEXT_BYTES {
        return Err(EXPECTED.to_owned());
    }
    let (amount, per_ns) = match text.split_once('/') {
        Some((amount, unit)) => (amount.trim_end(), unit_ns(unit.trim()).ok_or(EXPECTED)?),
        None => (text, NS_PER_S),
    };
    let (number, thousands) = match amount.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000.0),
        None => amount.strip_suffix('M').map_or((amount, 1.0), |number| (number, 1_000_000.0)),
    };
    let number = parse_number(number.trim_end()).ok_or(EXPECTED)? * thousands;
    // Every unit of time is a whole part of a second, or whole seconds: a number of requests a second stays as it is.
    let per_second = if per_ns <= NS_PER_S {
        number * (NS_PER_S / per_ns) as f64
    } else {
        number / (per_ns / NS_PER_S) as f64
    };
    if per_second.is_finite() { Ok(per_second) } else { Err(EXPECTED.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rate_is_a_number_that_may_have_a_unit() {
        for (text, rate) in [
            ("200", 200.0),
            ("200/s", 200.0),
            (" 1980.0 /s", 1980.0),
            ("1e3", 1_000.0),
            ("6/m", 0.1),
            ("6 / min", 0.1),
            ("90/h", 0.025),
            ("1/d", 1.0 / 86_400.0),
            ("1k/s", 1_000.0),
            ("2k", 2_000.0),
            ("1.5k/m", 25.0),
            ("0.5M/s", 500_000.0),
            ("3/ms", 3_000.0),
            ("0.1/s", 0.1),
            ("0/s", 0.0),
            ("1e3/s", 1_000.0),
            (".5/s", 0.5),
            ("1980.123/s", 1980.123),
            ("0.1234567890123456789/s", 0.123_456_789_012_345_68),
            ("33.333333333333333333", 33.333_333_333_333_336),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_says_what_would_be() {
        for text in [
            "",
            "/s",
            "k",
            "200/",
            "200/fortnight",
            "-1/s",
            "1,000/s",
            "2kk",
            "2m",
            "1/0.5s",
            "1e308k/s",
            "200rps",
        ] {
            assert_eq!(parse_rate(text), Err(EXPECTED.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_with_a_unit_is_that_number_over_its_seconds(n in 0..1_000_000_000_u32, unit in 0..4_usize) {
            let n = f64::from(n) / 1_000.0;
            let (name, seconds) = [("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)][unit];
            prop_assert_eq!(parse_rate(&format!("{n}/{name}")), Ok(n / seconds));
            prop_assert_eq!(parse_rate(&format!("{n}k/{name}")), Ok(n * 1_000.0 / seconds));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9.kM/smhd e-]{0,20}|.{0,70}") {
            if let Ok(rate) = parse_rate(&text) {
                prop_assert!(rate.is_finite() && rate >= 0.0);
            }
        }
    }
}

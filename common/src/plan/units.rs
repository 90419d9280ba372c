//! Times, sizes and shares as people write them. What is read is exact: decimal digits, no detour through
//! a float where the value is not one.

use std::time::Duration;

/// Units of time and their nanoseconds, longest first.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Longest text that is looked at; what is longer was not written by a person.
pub(super) const MAX_TEXT_BYTES: usize = 64;

/// The nanoseconds of a unit of time.
pub(super) fn unit_ns(name: &str) -> Option<u128> {
    let name = match name {
        "µs" | "μs" => "us",
        "min" => "m",
        "sec" => "s",
        other => other,
    };
    UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, ns)| *ns)
}

/// Splits the number off the head of a text.
fn number_and_rest(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

/// `number × unit` in whole nanoseconds; `None` where it is not a number, too large, or finer than 1 ns.
fn in_ns(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
        return None;
    }
    let mut ns = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.trim_end_matches('0').chars() {
        if !place.is_multiple_of(10) {
            return None;
        }
        place /= 10;
        ns = ns.checked_add(u128::from(digit.to_digit(10)?) * place)?;
    }
    Some(ns)
}

/// Reads a time with its unit: `"250ms"`, `"1.5s"`, `"2m"`, `"1m30s"`; `"0"` needs none.
///
/// # Errors
/// The reason, where the text is not a time, has no unit, or is finer than 1 ns.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let reason = || "expected a time with a unit (ns, us, ms, s, m, h, d), as in \"250ms\"".to_owned();
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(reason());
    }
    let mut rest = text;
    let mut total_ns: u128 = 0;
    let mut coarser_than = u128::MAX;
    while !rest.is_empty() {
        let (number, tail) = number_and_rest(rest);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        if unit.is_empty() && !number.is_empty() {
            return Err(format!("has no unit; \"{number}s\" or \"{number}ms\"?"));
        }
        // "1s 1m" is a slip, "1m 30s" a time.
        let ns = unit_ns(unit).filter(|ns| *ns < coarser_than).ok_or_else(reason)?;
        coarser_than = ns;
        total_ns = in_ns(number, ns).and_then(|part| total_ns.checked_add(part)).ok_or_else(reason)?;
        rest = tail.trim_start();
    }
    let secs = u64::try_from(total_ns / 1_000_000_000).map_err(|_| "is longer than time".to_owned())?;
    // Below 10^9, so it fits.
    Ok(Duration::new(secs, u32::try_from(total_ns % 1_000_000_000).unwrap_or(0)))
}

/// Writes a time so that [`parse_duration`] reads the same: in the longest unit that needs no fraction.
pub fn write_duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    if ns == 0 {
        return "0s".to_owned();
    }
    for (unit, unit_ns) in UNITS {
        if ns.is_multiple_of(unit_ns) {
            return format!("{}{unit}", ns / unit_ns);
        }
    }
    format!("{ns}ns")
}

/// Reads a size in bytes with its unit: `"256B"`, `"4KiB"`, `"1MiB"`.
pub(super) fn parse_size(text: &str) -> Result<usize, String> {
    let reason = || "expected a size with a unit (B, KiB, MiB), as in \"256B\" or \"4KiB\"".to_owned();
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: usize = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1_024,
        "MiB" => 1_024 * 1_024,
        "kB" | "KB" => return Err("has an unknown unit; write KiB (1,024 bytes)".to_owned()),
        _ => return Err(reason()),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(reason)
}

/// Reads a plain decimal number that is not negative.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let plain = !text.is_empty()
        && text.len() <= MAX_TEXT_BYTES
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    plain.then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// Reads a share: `"0.1%"` and `"0.001"` are the same.
///
/// # Errors
/// The reason, where the text is not a number, or is negative or infinite. The caller checks the range.
pub fn parse_ratio(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let number = match text.strip_suffix('%') {
        // The decimal point is moved before the text becomes a float, so that 0.1% is 0.001 and not its neighbour.
        Some(percent) if !percent.contains(['e', 'E']) => parse_number(&format!("{}e-2", percent.trim_end())),
        Some(percent) => parse_number(percent.trim_end()).map(|percent| percent / 100.0),
        None => parse_number(text),
    };
    number.ok_or_else(|| "expected a share, as in \"0.1%\" or \"0.001\"".to_owned())
}

/// Writes a share so that [`parse_ratio`] reads the same, in percent where that is exact.
pub fn write_ratio(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let rounded = (percent * 1e9).round() / 1e9;
    for candidate in [format!("{rounded}%"), format!("{percent}%")] {
        if parse_ratio(&candidate) == Ok(ratio) {
            return candidate;
        }
    }
    ratio.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn duration(text: &str, ns: u64) {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(ns)), "{text}");
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        duration("250ms", 250_000_000);
        duration("1.5s", 1_500_000_000);
        duration(" 10 µs ", 10_000);
        duration("1m30s", 90_000_000_000);
        duration("1h 30m", 5_400_000_000_000);
        duration("0", 0);
        duration("0.000000001s", 1);
        duration("1.10m", 66_000_000_000);
        duration("2d", 172_800_000_000_000);
    }

    #[test]
    fn what_is_no_time_says_what_would_be() {
        assert_eq!(parse_duration("250"), Err("has no unit; \"250s\" or \"250ms\"?".to_owned()));
        for text in [
            "", "ms", "-1s", "1s1s", "1s1m", "1 parsec", "1.s", ".5s", "1.2.3s", "0.1ns", "1e3s", "inf",
            "1ss",
        ] {
            assert!(parse_duration(text).unwrap_err().starts_with("expected a time"), "{text}");
        }
        assert!(
            parse_duration(&"9".repeat(60)).is_err()
                && parse_duration(&format!("{}d", "9".repeat(30))).is_err()
        );
    }

    #[test]
    fn a_share_in_percent_is_exact() {
        for (text, ratio) in
            [("0.1%", 0.001), ("0.001", 0.001), ("100 %", 1.0), ("1e-3", 0.001), ("0%", 0.0), ("7%", 0.07)]
        {
            assert_eq!(parse_ratio(text), Ok(ratio), "{text}");
        }
        for text in ["", "%", "-1%", "nan", "inf", "x", "1%%", "0x1", "1e999"] {
            assert!(parse_ratio(text).is_err(), "{text}");
        }
        assert_eq!(write_ratio(0.001), "0.1%");
        assert_eq!(write_ratio(0.07), "7%");
        assert_eq!(write_ratio(0.0), "0%");
    }

    proptest! {
        #[test]
        fn a_written_time_is_read_as_the_same(ns in any::<u64>(), round in 0..12_u32) {
            let duration = Duration::from_nanos(ns / 10_u64.pow(round) * 10_u64.pow(round));
            prop_assert_eq!(parse_duration(&write_duration(duration)), Ok(duration));
        }

        #[test]
        fn a_written_share_is_read_as_the_same(ratio in 0.0..=1.0_f64) {
            prop_assert_eq!(parse_ratio(&write_ratio(ratio)), Ok(ratio));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "[0-9.smhdµn% e/-]{0,20}|.{0,70}") {
            let _ = (parse_duration(&text), parse_ratio(&text));
        }
    }
}

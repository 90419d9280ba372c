//! Numbers as programs really write them: as numbers, as texts, as durations, or not at all. A value that
//! cannot be read counts as absent, never as 0.

use serde_json::Value;

use super::Unit;
use crate::clock::UnixMicros;
use crate::ids::MAX_ID_BYTES;

/// Highest count accepted: 2^53, up to which an f64 holds every integer exactly. Sums over any fleet fit in 64 bits.
pub(super) const MAX_COUNT: u64 = 1 << 53;

/// The last instant accepted: the end of the year 9999, Unix µs.
pub(super) const MAX_UNIX_US: UnixMicros = 253_402_300_799_000_000;

/// A finite number, written as a number or as a text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        // Checked for its first byte, for Rust also reads "nan" and "infinity".
        Value::String(text) => plain(text.trim())?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn plain(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.').then(|| text.parse().ok()).flatten()
}

/// A whole number from 0 to [`MAX_COUNT`], written as a number or as a text.
pub(super) fn count(value: &Value) -> Option<u64> {
    let number = number(value)?;
    (number >= 0.0 && number <= MAX_COUNT as f64 && number.fract() == 0.0).then_some(number as u64)
}

/// A latency in milliseconds: a plain number in `unit`, or a duration with its own.
pub(super) fn latency_ms(value: &Value, unit: Unit) -> Option<f64> {
    if let Some(plain) = number(value) {
        let ms = match unit {
            Unit::Milliseconds => plain,
            Unit::Seconds => plain * 1_000.0,
        };
        return ms.is_finite().then_some(ms);
    }
    go_duration_ms(value.as_str()?.trim())
}

/// A duration as Go prints it, in milliseconds: `25.4ms`, `850µs`, `1.02s`, `1m2s`, `0s`.
fn go_duration_ms(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() || rest.len() > MAX_ID_BYTES {
        return None;
    }
    let mut ms = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        ms += amount
            * match &rest[..unit] {
                "ns" => 1e-6,
                // The micro sign, the Greek letter, and what those without either write.
                "\u{b5}s" | "\u{3bc}s" | "us" => 1e-3,
                "ms" => 1.0,
                "s" => 1e3,
                "m" => 60e3,
                "h" => 3_600e3,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    ms.is_finite().then_some(sign * ms)
}

/// A short text: written as a text or a number; `None` where it is empty, too long or holds control characters.
pub(super) fn short_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let fits = !text.is_empty() && text.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// Yes or no, written as a word in any case or as a boolean.
pub(super) fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// An instant in Unix µs: RFC 3339, or Unix seconds as a number; `None` for other formats.
pub(super) fn instant_us(value: &Value) -> Option<UnixMicros> {
    let us = match value {
        Value::String(text) if text.contains(['-', ':']) => {
            text.trim().parse::<jiff::Timestamp>().ok()?.as_microsecond()
        }
        // A number past the year 9999 is not Unix seconds; neither are twenty digits of local time.
        _ => (number(value)? * 1e6).round().clamp(-1.0, 1e18) as i64,
    };
    (0..=MAX_UNIX_US).contains(&us).then_some(us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_come_as_numbers_and_texts() {
        for (caption, value, expected) in [
            ("a number", json!(0.3), Some(0.3)),
            ("an integer", json!(12), Some(12.0)),
            ("a text", json!(" 0.3 "), Some(0.3)),
            ("a signed text", json!("-4e2"), Some(-400.0)),
            ("an empty text", json!(""), None),
            ("not a number", json!("NaN"), None),
            ("infinite", json!("inf"), None),
            ("too large for a float", json!("1e999"), None),
            ("null", json!(null), None),
            ("a boolean", json!(true), None),
            ("a list", json!([1]), None),
        ] {
            assert_eq!(number(&value), expected, "{caption}");
        }
    }

    #[test]
    fn counts_are_whole_and_believable() {
        for (value, expected) in [
            (json!(300), Some(300)),
            (json!("12"), Some(12)),
            (json!(12.0), Some(12)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(12.5), None),
            (json!(MAX_COUNT), Some(MAX_COUNT)),
            (json!(u64::MAX), None),
            (json!(1e300), None),
            (json!(""), None),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn latencies_carry_the_configured_or_their_own_unit() {
        let close = |value: Value, unit, expected: f64| {
            let ms = latency_ms(&value, unit).unwrap();
            assert!((ms - expected).abs() < 1e-9, "{value} is {ms} ms");
        };
        close(json!(19.946), Unit::Milliseconds, 19.946);
        close(json!(0.25), Unit::Seconds, 250.0);
        close(json!("0.25"), Unit::Seconds, 250.0);
        for unit in [Unit::Milliseconds, Unit::Seconds] {
            close(json!("25.4ms"), unit, 25.4);
            close(json!("850µs"), unit, 0.85);
            close(json!("850μs"), unit, 0.85);
            close(json!("850us"), unit, 0.85);
            close(json!("12ns"), unit, 0.000_012);
            close(json!("1.02s"), unit, 1_020.0);
            close(json!("1m2s"), unit, 62_000.0);
            close(json!("1h0m0.5s"), unit, 3_600_500.0);
            close(json!("-5ms"), unit, -5.0);
            close(json!("0s"), unit, 0.0);
        }
        for nothing in ["", "ms", "5 parsecs", "1.2.3s", "s1", "-", "fast"] {
            assert_eq!(latency_ms(&json!(nothing), Unit::Milliseconds), None, "{nothing}");
        }
        assert_eq!(latency_ms(&json!(1e308), Unit::Seconds), None);
    }

    #[test]
    fn timestamps_are_rfc_3339_or_unix_seconds_or_nothing() {
        assert_eq!(instant_us(&json!("2026-11-23T17:57:18.864Z")), Some(1_795_456_638_864_000));
        assert_eq!(instant_us(&json!("2026-11-23T19:57:18.864+02:00")), Some(1_795_456_638_864_000));
        let float = instant_us(&json!(1_795_456_744.004_535)).unwrap();
        assert!((float - 1_795_456_744_004_535).abs() <= 1, "{float}");
        for nothing in [json!("20261123175718864000"), json!(2.026_112_317e19), json!("soon"), json!(-5)] {
            assert_eq!(instant_us(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn yes_and_no_in_any_case() {
        for (value, expected) in [
            (json!("YES"), Some(true)),
            (json!("no"), Some(false)),
            (json!(true), Some(true)),
            (json!("False"), Some(false)),
            (json!("start"), None),
            (json!(1), None),
        ] {
            assert_eq!(yes_or_no(&value), expected, "{value}");
        }
    }
}

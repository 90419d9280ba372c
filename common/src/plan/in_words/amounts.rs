//! Numbers as a plan's text shows them.

/// A number with at most two decimals, and with commas between thousands.
pub fn number(value: f64) -> String {
    let decimals = match value {
        _ if value.fract().abs() < 1e-9 || value >= 100.0 => 0,
        _ if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits: Vec<char> = whole.chars().collect();
    let mut grouped = String::with_capacity(text.len() + 8);
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(*digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

/// Bytes with their unit.
pub fn bytes(bytes: f64) -> String {
    match bytes {
        _ if bytes < 1_024.0 => format!("{bytes} B"),
        _ if bytes < 1_048_576.0 => format!("{:.1} KiB", bytes / 1_024.0),
        _ => format!("{:.1} MiB", bytes / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, expected) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (0.5, "0.5"),
            (12.346, "12.35"),
            (570.0, "570"),
            (570.4, "570"),
            (12_345.6, "12,346"),
            (1_000_000.0, "1,000,000"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(
            (bytes(777.0), bytes(5_325.0), bytes(2_621_440.0)),
            ("777 B".into(), "5.2 KiB".into(), "2.5 MiB".into())
        );
    }
}

//! Numbers as people read them: three significant digits, a unit, and commas in counts.

/// A count with commas, as in `1,024`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count in at most so many columns, including the blank before it: in full where it fits, else as in `12.3M`.
pub fn brief_count(n: u64, columns: usize) -> String {
    let whole = count(n);
    if whole.len() < columns {
        return whole;
    }
    let (size, unit) = match n {
        n if n < 999_500 => (1e3, "k"),
        n if n < 999_500_000 => (1e6, "M"),
        n if n < 999_500_000_000 => (1e9, "G"),
        _ => (1e12, "T"),
    };
    format!("{}{unit}", three_digits(n as f64 / size))
}

/// A time given in ms, as in `850 µs`, `12.3 ms`, `1.20 s`, `61.0 min`.
pub fn ms(ms: f64) -> String {
    if ms < 0.9995 {
        // Histograms have a resolution of 1 µs: show no digits below it.
        let us = ms * 1e3;
        return if us >= 9.95 || us.fract() == 0.0 { format!("{us:.0} µs") } else { format!("{us:.1} µs") };
    }
    let (value, unit) = match ms {
        ms if ms < 999.5 => (ms, "ms"),
        ms if ms < 999_500.0 => (ms / 1e3, "s"),
        ms => (ms / 60e3, "min"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A share of one as in `12 %`, `0.13 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.005 {
        return "below 0.01 %".to_owned();
    }
    if (99.95..100.0).contains(&percent) {
        return "above 99.9 %".to_owned();
    }
    let text = match percent {
        percent if percent >= 9.95 => format!("{percent:.1}"),
        percent => format!("{percent:.2}"),
    };
    format!("{} %", trimmed(&text))
}

/// Requests per second, as in `1,980/s` or `0.5/s`.
pub fn rate(per_s: f64) -> String {
    if per_s >= 999.5 {
        return format!("{}/s", count(per_s.round() as u64));
    }
    format!("{}/s", trimmed(&three_digits(per_s)))
}

/// A positive figure rounded down to two significant digits, for a value that can certainly be kept.
pub fn rounded_down(value: f64) -> f64 {
    let step = 10_f64.powf(value.log10().floor() - 1.0);
    // A little more, because 42,000 / 1,000 may come out just below 42.
    (value / step * (1.0 + 1e-9)).floor() * step
}

/// Names as in `a, b and c`, at most four of them.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= 4 => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
    }
}

/// `1 request`, `2 requests`.
pub fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

fn three_digits(value: f64) -> String {
    match value {
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Removes trailing zeros after the decimal point: `12.0` becomes `12`.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        let cases =
            [(0, "0"), (999, "999"), (1_024, "1,024"), (12_345_678, "12,345,678"), (100_000, "100,000")];
        for (n, expected) in cases {
            assert_eq!(count(n), expected);
        }
        assert_eq!(
            (counted(1, "request"), counted(2_000, "request")),
            ("1 request".into(), "2,000 requests".into())
        );
    }

    #[test]
    fn a_count_keeps_to_its_column() {
        let cases = [
            (0, "0"),
            (999_999, "999,999"),
            (1_000_000, "1.00M"),
            (12_345_678, "12.3M"),
            (999_499_999, "999M"),
            (999_500_000, "1.00G"),
            (9_999_999_999, "10.0G"),
            (1_u64 << 53, "9007T"),
        ];
        for (n, expected) in cases {
            assert_eq!(brief_count(n, 9), expected);
        }
    }

    #[test]
    fn times_have_three_digits_and_the_unit_that_fits() {
        let cases = [
            (0.0, "0 µs"),
            (0.001, "1 µs"),
            (0.85, "850 µs"),
            (0.9999, "1.00 ms"),
            (1.234, "1.23 ms"),
            (12.34, "12.3 ms"),
            (99.96, "100 ms"),
            (999.6, "1.00 s"),
            (1_200.0, "1.20 s"),
            (59_990.0, "60.0 s"),
            (3_600_000.0, "60.0 min"),
        ];
        for (value, expected) in cases {
            assert_eq!(ms(value), expected, "{value}");
        }
    }

    #[test]
    fn shares_are_never_rounded_to_none_or_all() {
        let cases = [
            (0.0, "0 %"),
            (0.000_01, "below 0.01 %"),
            (0.001, "0.1 %"),
            (0.12, "12 %"),
            (0.1234, "12.3 %"),
            (0.9999, "above 99.9 %"),
            (1.0, "100 %"),
        ];
        for (value, expected) in cases {
            assert_eq!(percent(value), expected, "{value}");
        }
    }

    #[test]
    fn what_surely_holds_is_rounded_down() {
        let cases = [
            (42_678.0, "42,000/s"),
            (42_000.0, "42,000/s"),
            (999.9, "990/s"),
            (1_000.0, "1,000/s"),
            (12.7, "12/s"),
            (0.537, "0.53/s"),
            (7.0, "7/s"),
        ];
        for (value, expected) in cases {
            assert_eq!(rate(rounded_down(value)), expected, "{value}");
        }
    }

    #[test]
    fn rates_and_names() {
        assert_eq!(
            (rate(1_980.4), rate(0.5), rate(312.26)),
            ("1,980/s".into(), "0.5/s".into(), "312/s".into())
        );
        assert_eq!(names(["a"]), "a");
        assert_eq!(names(["a", "b", "c"]), "a, b and c");
        assert_eq!(names(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}

//! The time in a request: `now`.

use common::plan::program::NowFormat;
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;

use super::RenderError;
use super::values::{push_integer, push_unsigned};

/// Writes the time, `offset_ms` later than `unix_us`.
///
/// # Errors
/// Where the year has not four digits, or where the format is not one of strftime's.
pub fn write(format: &NowFormat, offset_ms: i64, unix_us: i64, out: &mut Vec<u8>) -> Result<(), RenderError> {
    let us = unix_us.saturating_add(offset_ms.saturating_mul(1_000));
    match format {
        NowFormat::Ms => push_integer(us.div_euclid(1_000), out),
        NowFormat::S => push_integer(us.div_euclid(1_000_000), out),
        NowFormat::Rfc3339 => rfc3339(us.div_euclid(1_000_000), out)?,
        NowFormat::Strftime(format) => {
            let at = Timestamp::from_microsecond(us).map_err(|_| RenderError::Template)?;
            BrokenDownTime::from(at).format(format, &mut *out).map_err(|_| RenderError::Template)?;
        }
    }
    Ok(())
}

/// As in `2026-11-29T23:41:38Z`.
fn rfc3339(unix_s: i64, out: &mut Vec<u8>) -> Result<(), RenderError> {
    const DAY: i64 = 86_400;
    let (days, second) = (unix_s.div_euclid(DAY), unix_s.rem_euclid(DAY).unsigned_abs());
    // Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let year = u64::try_from(year).ok().filter(|year| *year <= 9_999).ok_or(RenderError::Template)?;
    let (month, day) = (month.unsigned_abs(), day.unsigned_abs());
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (second / 3_600, 2, b':'),
        (second / 60 % 60, 2, b':'),
        (second % 60, 2, b'Z'),
    ];
    for (value, digits, after) in parts {
        push_digits(value, digits, out);
        out.push(after);
    }
    Ok(())
}

/// So many digits, with zeros before.
fn push_digits(value: u64, digits: usize, out: &mut Vec<u8>) {
    let from = out.len();
    push_unsigned(value, out);
    for _ in out.len() - from..digits {
        out.insert(from, b'0');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-29T23:41:38.250Z.
    const NOW: i64 = 1_795_995_698_250_000;

    #[track_caller]
    fn check(format: NowFormat, offset_ms: i64, expected: Option<&str>) {
        let mut out = Vec::new();
        let got = write(&format, offset_ms, NOW, &mut out).ok().map(|()| String::from_utf8(out).unwrap());
        assert_eq!(got.as_deref(), expected, "{format:?}");
    }

    #[test]
    fn the_time_is_written_as_asked() {
        check(NowFormat::Rfc3339, 0, Some("2026-11-29T23:41:38Z"));
        check(NowFormat::Rfc3339, 900_000, Some("2026-11-29T23:56:38Z"));
        check(NowFormat::Rfc3339, -86_400_000 * 29, Some("2026-10-31T23:41:38Z"));
        check(NowFormat::Ms, 1, Some("1795995698251"));
        check(NowFormat::S, 0, Some("1795995698"));
        check(NowFormat::S, -1_795_995_699_000, Some("-1"));
        check(NowFormat::Strftime("%Y-%m-%d %H:%M".to_owned()), 0, Some("2026-11-29 23:41"));
        check(NowFormat::Strftime("%Y".to_owned()), 400 * 86_400_000, Some("2028"));
        check(NowFormat::Strftime("%".to_owned()), 0, None);
        check(NowFormat::Rfc3339, i64::MAX, None);
        check(NowFormat::Rfc3339, i64::MIN, None);
        check(NowFormat::Strftime("%Y".to_owned()), i64::MAX, None);
    }

    proptest! {
        #[test]
        fn rfc_3339_is_that_of_jiff(unix_s in 0_i64..253_402_000_000) {
            let mut out = Vec::new();
            write(&NowFormat::Rfc3339, 0, unix_s * 1_000_000 + 999_999, &mut out).unwrap();
            let expected = Timestamp::from_second(unix_s).unwrap().to_string();
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}

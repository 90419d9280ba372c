//! Where a slot's text comes from, and what the functions of templates generate.

use std::io::Write;

use common::plan::program::{Bound, Function, NowFormat, SlotValue};

use super::escape::is_unreserved;
use super::ids::{Unique, base_36};
use super::{Constants, Context, RenderError, time};
use crate::scenario::numbers::{Stream, below, mix64, unit};

/// A source that differs from attempt to attempt.
#[derive(Clone)]
pub enum Source {
    Variable(usize),
    Column(usize, usize),
    Shared(usize),
    Session,
    Counter,
    Int(Bound, Bound),
    Float { from: f64, to: f64, digits: usize },
    Choice(Box<[Box<str>]>),
    Alnum(u16),
    Hex(u16),
    Uuid(Unique),
    Unique(Unique),
    Now(NowFormat, i64),
}

/// What a slot's source comes to before the start.
pub enum Compiled {
    /// The same for all attempts.
    Constant(Vec<u8>),
    Varies(Source),
    /// There is no value, and each attempt fails.
    Missing,
}

impl Compiled {
    /// Looks a source up. `n_unique` counts the `uuid` and `unique` of one rendering.
    pub fn of(value: &SlotValue, constants: &Constants<'_>, n_unique: &mut u32) -> Self {
        let constant =
            |text: Option<&str>| text.map_or(Self::Missing, |text| Self::Constant(text.as_bytes().to_vec()));
        Self::Varies(match value {
            SlotValue::Text(text) => return constant(Some(text)),
            SlotValue::Secret(index) => return constant(constants.secrets.get(*index).map(String::as_str)),
            SlotValue::Setup(name) => return constant(constants.setup.get(name).map(String::as_str)),
            SlotValue::TestId => return constant(Some(constants.test_id)),
            SlotValue::Driver => return constant(Some(constants.driver)),
            SlotValue::Variable(index) => Source::Variable(*index),
            SlotValue::Column(data, column) => Source::Column(*data, *column),
            SlotValue::Shared(key, variable) => {
                let mut known = constants.shared.iter();
                match known.position(|(name, value)| (name, value) == (key, variable)) {
                    Some(index) => Source::Shared(index),
                    None => return Self::Missing,
                }
            }
            SlotValue::Session => Source::Session,
            SlotValue::Function(function) => return Self::of_function(function, constants, n_unique),
        })
    }

    fn of_function(function: &Function, constants: &Constants<'_>, n_unique: &mut u32) -> Self {
        let mut unique = || {
            *n_unique += 1;
            Unique::new(constants.test_id, *n_unique - 1)
        };
        Self::Varies(match function {
            Function::Int(low, high) => Source::Int(low.clone(), high.clone()),
            Function::Float(from, to, digits) => {
                Source::Float { from: *from, to: *to, digits: usize::from(*digits) }
            }
            Function::Choice(texts) if texts.is_empty() => return Self::Missing,
            Function::Choice(texts) => {
                Source::Choice(texts.iter().map(|text| text.as_str().into()).collect())
            }
            Function::Alnum(n) => Source::Alnum(*n),
            Function::Hex(n) => Source::Hex(*n),
            Function::Uuid => Source::Uuid(unique()),
            Function::Unique => Source::Unique(unique()),
            Function::Counter => Source::Counter,
            Function::Now(format, offset_ms) => Source::Now(format.clone(), *offset_ms),
        })
    }
}

impl Source {
    /// Whether its values have only characters that stand for themselves everywhere.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Variable(_) | Self::Column(..) | Self::Shared(_) | Self::Now(..) => false,
            Self::Choice(texts) => texts.iter().all(|text| text.bytes().all(is_unreserved)),
            Self::Session | Self::Counter | Self::Int(..) | Self::Float { .. } => true,
            Self::Alnum(_) | Self::Hex(_) | Self::Uuid(_) | Self::Unique(_) => true,
        }
    }

    /// Appends the value. `place`: the slot's own, within its step.
    ///
    /// # Errors
    /// Where there is no value: a variable that is not set, bounds that are not numbers, or the lower above the upper.
    #[inline]
    pub fn write(&self, place: u64, context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let random = || mix64(context.seed, context.g, context.place ^ place);
        match self {
            Self::Variable(index) => {
                out.extend_from_slice(context.variables.get(*index).ok_or(RenderError::Template)?);
            }
            Self::Column(data, column) => {
                let row = context.row_of.get(*data).copied().flatten().ok_or(RenderError::Template)?;
                let rows = context.rows.get(*data).ok_or(RenderError::Template)?;
                out.extend_from_slice(rows.cell(row, *column).as_bytes());
            }
            Self::Shared(index) => {
                let value = context.shared.get(*index).and_then(Option::as_deref);
                out.extend_from_slice(value.ok_or(RenderError::Template)?);
            }
            Self::Session => push_unsigned(context.g, out),
            Self::Counter => push_unsigned(context.ordinal, out),
            Self::Int(low, high) => {
                let (low, high) = (bound(low, context)?, bound(high, context)?);
                push_integer(between(low, high, random())?, out);
            }
            Self::Float { from, to, digits } => {
                push_float(from + (to - from) * unit(random()), *digits, out)?;
            }
            Self::Choice(texts) => {
                let index = usize::try_from(below(random(), texts.len() as u64)).unwrap_or(0);
                out.extend_from_slice(texts.get(index).ok_or(RenderError::Template)?.as_bytes());
            }
            Self::Alnum(n) => push_characters(usize::from(*n), 62, 10, alphanumeric, random(), out),
            Self::Hex(n) => push_characters(usize::from(*n), 16, 16, base_36, random(), out),
            Self::Uuid(unique) => {
                unique.write_uuid(context.g, context.n_in_session, out).ok_or(RenderError::Template)?;
            }
            Self::Unique(unique) => {
                unique.write_unique(context.g, context.n_in_session, out).ok_or(RenderError::Template)?;
            }
            Self::Now(format, offset_ms) => time::write(format, *offset_ms, context.unix_us, out)?,
        }
        Ok(())
    }
}

fn bound(bound: &Bound, context: &Context<'_>) -> Result<i64, RenderError> {
    let value = match bound {
        Bound::Number(number) => Some(*number),
        Bound::Variable(index, plus) => context
            .variables
            .get(*index)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .and_then(|text| text.trim().parse::<i64>().ok())
            .and_then(|number| number.checked_add(*plus)),
    };
    value.ok_or(RenderError::Template)
}

/// One of the numbers from `low` to `high`, both included.
fn between(low: i64, high: i64, random: u64) -> Result<i64, RenderError> {
    if low > high {
        return Err(RenderError::Template);
    }
    let above = match high.abs_diff(low).checked_add(1) {
        Some(n) => below(random, n),
        // All numbers.
        None => random,
    };
    Ok(low.wrapping_add_unsigned(above))
}

/// Appends a number with so many digits after the point.
fn push_float(value: f64, digits: usize, out: &mut Vec<u8>) -> Result<(), RenderError> {
    const POWERS: [u32; 10] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    let Some(power) = POWERS.get(digits).filter(|_| value.abs() < 4_194_304.0) else {
        return write!(out, "{value:.digits$}").map_err(|_| RenderError::Template);
    };
    // Below 2⁵³: as an integer, which takes a tenth of the time that an exact decimal takes.
    #[allow(clippy::cast_possible_truncation)]
    let scaled = (value * f64::from(*power)).round() as i64;
    if scaled < 0 {
        out.push(b'-');
    }
    let (scaled, power) = (scaled.unsigned_abs(), u64::from(*power));
    push_unsigned(scaled / power, out);
    if digits > 0 {
        // A digit more in front, which the point replaces, keeps the zeros behind it.
        let point = out.len();
        push_unsigned(scaled % power + power, out);
        out[point] = b'.';
    }
    Ok(())
}

/// Appends `n` characters, `per_word` of `radix` from each random word.
fn push_characters(
    n: usize,
    radix: u64,
    per_word: usize,
    character: fn(u8) -> u8,
    random: u64,
    out: &mut Vec<u8>,
) {
    let mut words = Stream::new(random);
    let mut left = n;
    while left > 0 {
        let mut word = words.draw();
        for _ in 0..left.min(per_word) {
            let product = u128::from(word) * u128::from(radix);
            out.push(character((product >> 64) as u8));
            word = product as u64;
        }
        left = left.saturating_sub(per_word);
    }
}

const fn alphanumeric(digit: u8) -> u8 {
    match digit {
        0..=35 => base_36(digit),
        _ => b'A' + digit - 36,
    }
}

/// Appends a number in decimal.
pub fn push_unsigned(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number in decimal, with a `-` where it is negative.
pub fn push_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    push_unsigned(value.unsigned_abs(), out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn characters_are_drawn_evenly() {
        for (radix, per_word, character) in [(62, 10, alphanumeric as fn(u8) -> u8), (16, 16, base_36)] {
            let mut counts = std::collections::BTreeMap::new();
            for i in 0..10_000 {
                let mut out = Vec::new();
                push_characters(25, radix, per_word, character, mix64(1, i, 2), &mut out);
                assert_eq!(out.len(), 25);
                out.into_iter().for_each(|byte| *counts.entry(byte).or_insert(0_u32) += 1);
            }
            assert_eq!(counts.len() as u64, radix);
            let expected = 250_000.0 / radix as f64;
            for (byte, n) in counts {
                let off = (f64::from(n) - expected).abs();
                assert!(off < 5.0 * expected.sqrt(), "{:?}: {n}", char::from(byte));
            }
        }
    }

    #[test]
    fn an_int_has_both_bounds() {
        let seen: std::collections::BTreeSet<i64> =
            (0..1_000).map(|i| between(-2, 3, mix64(1, i, 1)).unwrap()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
        assert_eq!((between(5, 5, u64::MAX), between(6, 5, 0)), (Ok(5), Err(RenderError::Template)));
        let all = between(i64::MIN, i64::MAX, 0);
        assert_eq!((all, between(i64::MIN, i64::MAX, u64::MAX)), (Ok(i64::MIN), Ok(i64::MAX)));
    }

    #[test]
    fn a_float_keeps_its_zeros() {
        for (value, digits, expected) in [
            (37.783, 4, "37.7830"),
            (-122.252, 2, "-122.25"),
            (-0.000_01, 3, "0.000"),
            (1.005_05, 4, "1.0051"),
            (9.999, 2, "10.00"),
            (2.5, 0, "3"),
            (1e300, 1, &format!("{:.1}", 1e300)),
            (0.1, 12, "0.100000000000"),
        ] {
            assert_eq!(written(|out| push_float(value, digits, out).unwrap()), expected);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(signed: i64, unsigned: u64) {
            prop_assert_eq!(written(|out| push_integer(signed, out)), signed.to_string());
            prop_assert_eq!(written(|out| push_unsigned(unsigned, out)), unsigned.to_string());
        }

        #[test]
        fn a_float_is_the_nearest_with_its_digits(value in -5e6..5e6, digits in 0_usize..15) {
            let text = written(|out| push_float(value, digits, out).unwrap());
            prop_assert_eq!(text.split_once('.').map_or(0, |(_, after)| after.len()), digits);
            let off = (text.parse::<f64>().unwrap() - value).abs();
            prop_assert!(off <= 0.500_01 * 0.1_f64.powi(i32::try_from(digits).unwrap()) + 1e-9, "{} {}", text, value);
        }

        #[test]
        fn an_int_lies_between_its_bounds(a: i64, b: i64, random: u64) {
            let (low, high) = (a.min(b), a.max(b));
            let value = between(low, high, random).unwrap();
            prop_assert!(low <= value && value <= high);
        }
    }
}

//! What a comparison says, as sentences.

use super::TESTS_OF_A_SERVICE;
use crate::model::{ComparedOutcome, ComparedWhat};

/// From this ratio on it is said as a multiple.
const MULTIPLE: f64 = 3.0;

/// What was found of a figure; ratios are the second side's as a multiple of the first's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// They differ by a ratio between these.
    Ratio {
        low: f64,
        high: f64,
    },
    /// They differ by at least this ratio.
    AtLeast {
        low: f64,
    },
    /// The second is this ratio of the first, or less.
    AtMost {
        high: f64,
    },
    /// They differ by a share between these.
    Points {
        low: f64,
        high: f64,
    },
    /// A difference below this share would not show.
    None {
        half: f64,
    },
    /// A difference below this, of two shares, would not show.
    NoPoints {
        half: f64,
    },
    Cannot(Cannot),
}

/// Why the data cannot tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cannot {
    /// The tests are too short: so many seconds are needed.
    Run(f64),
    /// There are too few tests.
    MoreTests,
    /// This side has no such figure.
    Nothing(char),
    /// One test of this side has no such figure.
    NothingInOne(char),
    /// It falls among failed or dropped requests.
    AmongSlower,
}

/// The sentence of a figure.
pub(super) fn sentence(name: &str, found: Found, outcome: ComparedOutcome) -> String {
    let is = |what: String| {
        let word = if outcome == ComparedOutcome::Better { "better" } else { "worse" };
        let verb = if name == "errors" { "are" } else { "is" };
        format!("{name} {verb} {what}: {word}")
    };
    match found {
        Found::Ratio { low, high } if low >= MULTIPLE => {
            is(format!("{} times as high", range(&times(low), &times(high))))
        }
        Found::Ratio { low, high } if low > 1.0 => {
            is(format!("{} higher", range(&percent(low - 1.0), &percent(high - 1.0))))
        }
        Found::Ratio { low, high } => {
            is(format!("{} lower", range(&percent(1.0 - high), &percent(1.0 - low))))
        }
        Found::AtLeast { low } if low >= MULTIPLE => is(format!("at least {} times as high", times(low))),
        Found::AtLeast { low } => is(format!("at least {} higher", percent(low - 1.0))),
        Found::AtMost { high } => is(format!("at least {} lower", percent(1.0 - high))),
        Found::Points { low, high } if low > 0.0 => is(format!("{} higher", points(low, high))),
        Found::Points { low, high } => is(format!("{} lower", points(-high, -low))),
        Found::None { half } => {
            format!("{name}: no difference that this data could show: under {}", percent_up(half))
        }
        Found::NoPoints { half } => {
            format!("{name}: no difference that this data could show: under {}", points_up(half))
        }
        Found::Cannot(why) => format!("{name}: cannot tell: {}", cannot(why)),
    }
}

fn cannot(why: Cannot) -> String {
    match why {
        Cannot::Run(seconds) => format!("run at least {}", time(seconds)),
        Cannot::MoreTests => "compare more tests a side".to_owned(),
        Cannot::Nothing(side) => format!("{side} has no such figure, nothing completed"),
        Cannot::NothingInOne(side) => {
            format!("a test of {side} has no such figure, nothing completed in it")
        }
        Cannot::AmongSlower => "it falls among the failed or dropped requests".to_owned(),
    }
}

/// What the answer is about.
pub(super) fn about(asked: ComparedWhat, n_a: usize, n_b: usize) -> String {
    match asked {
        ComparedWhat::Tests => {
            let these = if n_a + n_b == 2 { "two".to_owned() } else { (n_a + n_b).to_string() };
            format!(
                "of these {these} tests; of the service it needs at least {TESTS_OF_A_SERVICE} tests a side, taken in turn \
                 (A B A B A B)"
            )
        }
        ComparedWhat::Service => {
            format!("of the service, by {n_a} tests beside {n_b}: how tests of a side differ is what counts")
        }
    }
}

fn range(low: &str, high: &str) -> String {
    if low == high { low.to_owned() } else { format!("{low} to {high}") }
}

/// As in `12 %`, `3.4 %`, `0.42 %`.
fn percent(share: f64) -> String {
    format!("{} %", digits(share * 100.0))
}

/// Not below what it is.
fn percent_up(share: f64) -> String {
    format!("{} %", digits_up(share * 100.0))
}

/// As in `0.21 to 0.48 percentage points`.
fn points(low: f64, high: f64) -> String {
    format!("{} percentage points", range(&digits(low * 100.0), &digits(high * 100.0)))
}

fn points_up(share: f64) -> String {
    format!("{} percentage points", digits_up(share * 100.0))
}

fn times(ratio: f64) -> String {
    if ratio >= 99.5 { format!("{ratio:.0}") } else { format!("{ratio:.1}") }
}

/// Two digits, or three above 99.
fn digits(value: f64) -> String {
    let places = places(value);
    let text = format!("{value:.places$}");
    trimmed(&text).to_owned()
}

fn digits_up(value: f64) -> String {
    let places = places(value);
    let step = 10_f64.powi(places as i32);
    // What is a step but for rounding is not the next one.
    digits(((value * step) - 1e-9).ceil() / step)
}

fn places(value: f64) -> usize {
    match value {
        value if value >= 9.95 => 0,
        value if value >= 0.995 => 1,
        value if value >= 0.095 => 2,
        _ => 3,
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Whole minutes, or hours.
fn time(seconds: f64) -> String {
    let minutes = (seconds / 60.0 - 1e-9).ceil().max(1.0);
    if minutes <= 120.0 { format!("{minutes:.0} min") } else { format!("{:.0} h", (minutes / 60.0).ceil()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_those_of_the_method() {
        use ComparedOutcome::{Better, CannotTell, Same, Worse};
        for (name, found, outcome, expected) in [
            ("p99", Found::Ratio { low: 1.12, high: 1.19 }, Worse, "p99 is 12 % to 19 % higher: worse"),
            ("p50", Found::Ratio { low: 0.81, high: 0.88 }, Better, "p50 is 12 % to 19 % lower: better"),
            ("p50", Found::Ratio { low: 1.12, high: 1.123 }, Worse, "p50 is 12 % higher: worse"),
            (
                "mean",
                Found::Ratio { low: 1.004, high: 1.0125 },
                Worse,
                "mean is 0.4 % to 1.2 % higher: worse",
            ),
            (
                "p50",
                Found::Ratio { low: 18.96, high: 21.04 },
                Worse,
                "p50 is 19.0 to 21.0 times as high: worse",
            ),
            ("p99", Found::AtLeast { low: 1.5 }, Worse, "p99 is at least 50 % higher: worse"),
            ("p99", Found::AtLeast { low: 4.0 }, Worse, "p99 is at least 4.0 times as high: worse"),
            ("p99", Found::AtMost { high: 0.4 }, Better, "p99 is at least 60 % lower: better"),
            (
                "throughput",
                Found::Ratio { low: 0.9, high: 0.95 },
                Worse,
                "throughput is 5 % to 10 % lower: worse",
            ),
            (
                "errors",
                Found::Points { low: 0.002_1, high: 0.004_8 },
                Worse,
                "errors are 0.21 to 0.48 percentage points higher: worse",
            ),
            (
                "errors",
                Found::Points { low: -0.2, high: -0.1 },
                Better,
                "errors are 10 to 20 percentage points lower: better",
            ),
            (
                "p99",
                Found::None { half: 0.04 },
                Same,
                "p99: no difference that this data could show: under 4 %",
            ),
            (
                "p99",
                Found::None { half: 0.041 },
                Same,
                "p99: no difference that this data could show: under 4.1 %",
            ),
            (
                "p99",
                Found::None { half: 0.112 },
                Same,
                "p99: no difference that this data could show: under 12 %",
            ),
            (
                "errors",
                Found::NoPoints { half: 0.000_32 },
                Same,
                "errors: no difference that this data could show: under 0.032 percentage points",
            ),
            ("p99", Found::Cannot(Cannot::Run(200.0)), CannotTell, "p99: cannot tell: run at least 4 min"),
            ("p99", Found::Cannot(Cannot::Run(240.0)), CannotTell, "p99: cannot tell: run at least 4 min"),
            ("p99", Found::Cannot(Cannot::Run(9_000.0)), CannotTell, "p99: cannot tell: run at least 3 h"),
            (
                "mean",
                Found::Cannot(Cannot::Nothing('B')),
                CannotTell,
                "mean: cannot tell: B has no such figure, nothing completed",
            ),
            (
                "mean",
                Found::Cannot(Cannot::NothingInOne('A')),
                CannotTell,
                "mean: cannot tell: a test of A has no such figure, nothing completed in it",
            ),
        ] {
            assert_eq!(sentence(name, found, outcome), expected);
        }
    }

    #[test]
    fn it_is_said_what_was_asked_and_answered() {
        assert!(
            about(ComparedWhat::Tests, 1, 1)
                .starts_with("of these two tests; of the service it needs at least 3")
        );
        assert!(about(ComparedWhat::Tests, 2, 2).starts_with("of these 4 tests;"));
        assert!(about(ComparedWhat::Service, 3, 4).starts_with("of the service, by 3 tests beside 4:"));
    }
}

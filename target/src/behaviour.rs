//! How a request is treated, good or bad on purpose: a pure function of its number, of the time since the
//! first request, and of what the request itself asks for.

use std::time::Duration;

use crate::settings::BehaviourSettings;

/// What to do with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Treatment {
    /// How long to wait before answering.
    pub wait: Duration,
    /// What to answer.
    pub answer: Answer,
}

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `pong`, or an error by its status.
    Status(u16),
    /// The connection is closed without an answer.
    Drop,
}

/// What a request asks for itself, in place of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// `delay=20ms`
    pub delay: Option<Duration>,
    /// `jitter=5ms`
    pub jitter: Option<Duration>,
    /// `status=503`
    pub status: Option<u16>,
    /// `drop=true`
    pub drop: Option<bool>,
}

/// Whether request `n` (from 0) is among a share of them: exact over any run from the start, evenly spread.
fn among(share: f64, n: u64) -> bool {
    ((n + 1) as f64 * share).floor() > (n as f64 * share).floor()
}

/// A fraction in 0..1 that depends on `n` alone and looks random (SplitMix64).
fn fraction(n: u64) -> f64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// How long a request waits that is worked on from `since_first` on for `delay`. While the stall lasts nothing is
/// worked on and nothing is answered: what comes in it begins at its end, what would be answered in it is then.
fn out_of_stall(settings: &BehaviourSettings, since_first: Duration, delay: Duration) -> Duration {
    let stall = settings.stall_at..settings.stall_at + settings.stall_for;
    if stall.contains(&since_first) {
        stall.end - since_first + delay
    } else if stall.contains(&(since_first + delay)) {
        stall.end - since_first
    } else {
        delay
    }
}

/// How request `n` is treated, when the work on it begins `since_first` after the first one came.
pub fn treat(settings: &BehaviourSettings, asked: Asked, n: u64, since_first: Duration) -> Treatment {
    let delay = asked.delay.unwrap_or(settings.delay).as_secs_f64();
    let jitter = asked.jitter.unwrap_or(settings.jitter).as_secs_f64();
    let swing = jitter * (2.0 * fraction(n) - 1.0);
    let delay = Duration::from_secs_f64((delay + swing).max(0.0));
    let wait = out_of_stall(settings, since_first, delay);
    let drops = asked.drop.unwrap_or_else(|| among(settings.drop_ratio, n));
    let answer = match asked.status {
        _ if drops => Answer::Drop,
        Some(status) => Answer::Status(status),
        None if among(settings.error_ratio, n) => Answer::Status(settings.error_status),
        None => Answer::Status(200),
    };
    Treatment { wait, answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BehaviourSettings {
        crate::settings::TargetSettings::default().behaviour
    }

    #[test]
    fn good_by_default() {
        let treated = treat(&settings(), Asked::default(), 7, Duration::from_secs(3));
        assert_eq!(treated, Treatment { wait: Duration::ZERO, answer: Answer::Status(200) });
    }

    #[test]
    fn a_share_of_errors_is_exact() {
        for (share, of, expected) in [(0.1, 1_000, 100), (0.25, 8, 2), (1.0, 5, 5), (0.0, 5, 0)] {
            let settings = BehaviourSettings { error_ratio: share, ..settings() };
            let errors = (0..of)
                .filter(|n| {
                    treat(&settings, Asked::default(), *n, Duration::ZERO).answer == Answer::Status(503)
                })
                .count();
            assert_eq!(errors, expected, "{share} of {of}");
        }
    }

    #[test]
    fn a_stall_holds_what_comes_until_it_ends() {
        let stall = BehaviourSettings {
            stall_at: Duration::from_secs(2),
            stall_for: Duration::from_secs(1),
            ..settings()
        };
        let wait = |ms| treat(&stall, Asked::default(), 0, Duration::from_millis(ms)).wait;
        assert_eq!(wait(1_999), Duration::ZERO);
        assert_eq!(wait(2_000), Duration::from_secs(1));
        assert_eq!(wait(2_750), Duration::from_millis(250));
        assert_eq!(wait(3_000), Duration::ZERO);
    }

    #[test]
    fn nothing_is_answered_during_a_stall() {
        let slow = BehaviourSettings {
            stall_at: Duration::from_secs(2),
            stall_for: Duration::from_secs(1),
            delay: Duration::from_millis(100),
            ..settings()
        };
        let answered_at =
            |ms| ms + treat(&slow, Asked::default(), 0, Duration::from_millis(ms)).wait.as_millis() as u64;
        assert_eq!(answered_at(1_800), 1_900, "before it");
        assert_eq!(answered_at(1_950), 3_000, "under way when it began");
        assert_eq!(answered_at(2_500), 3_100, "came in it, and is worked on after it");
        assert_eq!(answered_at(3_000), 3_100, "after it");
    }

    #[test]
    fn what_a_request_asks_for_wins() {
        let broken = BehaviourSettings { error_ratio: 1.0, drop_ratio: 1.0, ..settings() };
        let asked = Asked {
            status: Some(204),
            drop: Some(false),
            delay: Some(Duration::from_millis(20)),
            jitter: None,
        };
        let treated = treat(&broken, asked, 0, Duration::ZERO);
        assert_eq!(treated, Treatment { wait: Duration::from_millis(20), answer: Answer::Status(204) });
    }

    #[test]
    fn jitter_stays_within_its_bounds_on_both_sides() {
        let shaky = BehaviourSettings {
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(4),
            ..settings()
        };
        let waits: Vec<u128> =
            (0..1_000).map(|n| treat(&shaky, Asked::default(), n, Duration::ZERO).wait.as_micros()).collect();
        assert!(waits.iter().all(|us| (6_000..=14_000).contains(us)));
        assert!(waits.iter().any(|us| *us < 7_000) && waits.iter().any(|us| *us > 13_000));
    }
}

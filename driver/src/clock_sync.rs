//! How far the orchestrator's clock is from this machine's: the best of several questions, by round trip.
//! Pure: it takes instants and answers, and knows no HTTP.

use std::time::{Duration, Instant};

use common::clock::UnixMicros;

/// Questions asked each time the offset is measured.
pub const QUESTIONS: usize = 8;
/// How long the fastest answer of a measurement counts against later, slower ones.
pub const BEST_KEPT_FOR: Duration = Duration::from_secs(300);
/// Furthest start, before or after now.
const FURTHEST: Duration = Duration::from_secs(86_400);
/// How far two clocks may drift apart, in µs per second, for an older answer to be preferred: 50 ppm.
const DRIFT_US_PER_S: f64 = 50.0;

/// One question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Our wall clock when the question went out, Unix µs.
    pub asked_us: UnixMicros,
    /// How long the answer took, by a monotonic clock.
    pub round_trip: Duration,
    /// The orchestrator's clock when it answered, Unix µs.
    pub answered_us: UnixMicros,
}

impl Sample {
    /// Orchestrator's clock - ours, in µs: the answer is taken to have been made halfway.
    pub fn offset_us(&self) -> i64 {
        let halfway_us = i64::try_from(self.round_trip.as_micros() / 2).unwrap_or(i64::MAX);
        self.answered_us.saturating_sub(self.asked_us.saturating_add(halfway_us))
    }
}

/// What is known of the offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offset {
    /// Orchestrator's clock - ours, in µs.
    pub offset_us: i64,
    /// It is right to within so many µs: half the round trip.
    pub within_us: u64,
    /// When it was measured.
    pub at: Instant,
}

/// The most precise sample of one measurement: that of the shortest round trip.
pub fn best(samples: &[Sample], at: Instant) -> Option<Offset> {
    let best = samples.iter().min_by_key(|sample| sample.round_trip)?;
    let within_us = u64::try_from(best.round_trip.as_micros().div_ceil(2)).unwrap_or(u64::MAX);
    Some(Offset { offset_us: best.offset_us(), within_us, at })
}

/// Which of two measurements to go by: the newer one, unless the older is surer even after the drift that
/// time may have brought. A clock that was stepped shows in offsets that contradict each other: then the
/// newer counts.
pub fn choose(older: Option<Offset>, newer: Offset) -> Offset {
    let Some(older) = older else { return newer };
    let age = newer.at.saturating_duration_since(older.at);
    let older_within = older.within_us as f64 + age.as_secs_f64() * DRIFT_US_PER_S;
    let apart = older.offset_us.abs_diff(newer.offset_us) as f64;
    let contradict = apart > older_within + newer.within_us as f64;
    if age <= BEST_KEPT_FOR && older_within < newer.within_us as f64 && !contradict { older } else { newer }
}

/// The monotonic instant at which the orchestrator's clock shows `start_at_us`, given what our clocks show now. An
/// instant in the past is kept, and the pacer counts what was missed. An instant more than a day away cannot be
/// meant, and is limited to a day.
pub fn instant_of(start_at_us: UnixMicros, offset_us: i64, now_us: UnixMicros, now: Instant) -> Instant {
    let by_orchestrator_us = now_us.saturating_add(offset_us);
    let ahead_us = start_at_us.saturating_sub(by_orchestrator_us);
    let distance = Duration::from_micros(ahead_us.unsigned_abs()).min(FURTHEST);
    if ahead_us >= 0 { now.checked_add(distance) } else { now.checked_sub(distance) }.unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(asked_us: i64, round_trip_us: u64, answered_us: i64) -> Sample {
        Sample { asked_us, round_trip: Duration::from_micros(round_trip_us), answered_us }
    }

    fn offset(offset_us: i64, within_us: u64, at: Instant) -> Offset {
        Offset { offset_us, within_us, at }
    }

    #[test]
    fn the_fastest_answer_decides() {
        let at = Instant::now();
        // Our clock is 5,000 µs behind; the slow answers were held up on the way out or on the way back.
        let samples = [
            sample(1_000_000, 9_000, 1_000_000 + 5_000 + 8_000),
            sample(2_000_000, 200, 2_000_000 + 5_000 + 100),
            sample(3_000_000, 7_001, 3_000_000 + 5_000 + 50),
        ];
        assert_eq!(best(&samples, at), Some(offset(5_000, 100, at)));
        assert_eq!(best(&[], at), None);
        assert_eq!(best(&samples[2..], at).map(|best| best.within_us), Some(3_501), "rounded up");
    }

    #[test]
    fn an_older_measurement_stands_while_it_is_surer() {
        let start = Instant::now();
        let check = |older: (i64, u64), age_s: u64, newer: (i64, u64), expected: i64, caption: &str| {
            let newer = offset(newer.0, newer.1, start + Duration::from_secs(age_s));
            let chosen = choose(Some(offset(older.0, older.1, start)), newer);
            assert_eq!(chosen.offset_us, expected, "{caption}");
        };
        check((100, 50), 1, (400, 900), 100, "the newer one was slow");
        check((100, 50), 1, (120, 40), 120, "the newer one is surer");
        check((100, 50), 10, (400, 900), 100, "10 s: 500 µs of drift at most");
        check((100, 50), 30, (400, 900), 400, "30 s: it may have drifted by 1,500 µs");
        check((100, 50), 1, (90_000, 900), 90_000, "a clock was stepped");
        check((100, 50), 301, (400, 90_000), 400, "too old");
        assert_eq!(choose(None, offset(7, 7, start)).offset_us, 7);
    }

    #[test]
    fn a_start_is_converted_to_the_monotonic_clock() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!(instant_of(2_000_000, 0, 1_000_000, now), now + ms(1_000));
        assert_eq!(instant_of(2_000_000, 250_000, 1_000_000, now), now + ms(750), "ours is behind");
        assert_eq!(instant_of(2_000_000, -250_000, 1_000_000, now), now + ms(1_250), "ours is ahead");
        assert_eq!(instant_of(1_000_000, 0, 1_003_000, now), now - ms(3), "in the past");
        let day = Duration::from_secs(86_400);
        assert_eq!(instant_of(i64::MAX, 0, 1_003_000, now), now + day, "after all time");
    }
}

//! Stages of a rate: which sessions there are, and when each is due.

use common::plan::program::Stage;

use super::line::Line;
use crate::start_at::Nanos;

/// The sessions of stages: session k is due at the first instant at which the area under the rate exceeds k. Each
/// instant is worked out by itself, so nothing accumulates.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    line: Line,
    sessions: u64,
}

impl Stages {
    /// Those of a fleet that does these stages so many times at once.
    pub fn new(stages: &[Stage], times: f64) -> Self {
        Self::of_line(Line::new(stages, times))
    }

    /// Those of a line of sessions per second.
    pub fn of_line(line: Line) -> Self {
        let mut sessions = (line.area() - line.rounding()).ceil().max(0.0) as u64;
        // An instant that is rounded to the end is past it.
        while sessions > 0 && line.instant((sessions - 1) as f64).is_none_or(|due| due >= line.end()) {
            sessions -= 1;
        }
        Self { line, sessions }
    }

    /// When session k is due; `None`: there are not so many.
    pub fn due(&self, k: u64) -> Option<Nanos> {
        if k < self.sessions { self.line.instant(k as f64) } else { None }
    }

    /// How many there are.
    pub fn sessions(&self) -> u64 {
        self.sessions
    }

    /// When the last stage ends.
    pub fn end(&self) -> Nanos {
        self.line.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::pacer::Schedule;

    const MS: Nanos = 1_000_000;

    fn stage(level: f64, ramp_ms: u64, hold_ms: u64) -> Stage {
        Stage { level, ramp: Duration::from_millis(ramp_ms), hold: Duration::from_millis(hold_ms) }
    }

    #[track_caller]
    fn check(stages: &[Stage], sessions: u64, some: &[(u64, Nanos)]) {
        let stages = Stages::new(stages, 1.0);
        assert_eq!(stages.sessions(), sessions);
        for (k, due) in some {
            assert_eq!(stages.due(*k), Some(*due), "session {k}");
        }
        assert_eq!(stages.due(sessions), None);
    }

    #[test]
    fn a_session_is_due_where_the_area_exceeds_its_number() {
        // 2/s for 3 s.
        check(&[stage(2.0, 0, 3_000)], 6, &[(0, 0), (1, 500 * MS), (5, 2_500 * MS)]);
        // From 0 to 8/s in 4 s: t² sessions by t.
        check(&[stage(8.0, 4_000, 0)], 16, &[(0, 0), (1, 1_000 * MS), (4, 2_000 * MS), (9, 3_000 * MS)]);
        // Up, level, down to 0: 16 + 8 + 16, and the last ones come slowly.
        let all = [stage(8.0, 4_000, 1_000), stage(0.0, 4_000, 0)];
        check(
            &all,
            40,
            &[(16, 4_000 * MS), (20, 4_500 * MS), (24, 5_000 * MS), (36, 7_000 * MS), (39, 8_000 * MS)],
        );
        // Nothing for a second: the 5th comes behind it.
        let gap = [stage(2.0, 0, 2_000), stage(0.0, 0, 1_000), stage(1.0, 0, 2_000)];
        check(&gap, 6, &[(3, 1_500 * MS), (4, 3_000 * MS), (5, 4_000 * MS)]);
        // The plan's example.
        check(
            &[stage(25.0, 10_000, 10_000), stage(0.0, 10_000, 0)],
            500,
            &[(125, 10_000 * MS), (375, 20_000 * MS)],
        );
        check(&[stage(0.0, 1_000, 1_000)], 0, &[]);
        check(&[], 0, &[]);
    }

    #[test]
    fn rounding_makes_no_session() {
        // 0.1 · 30 is a little more than 3.
        check(&[stage(0.1, 0, 30_000)], 3, &[(2, 20_000 * MS)]);
        check(&[stage(0.3, 10_000, 0), stage(0.0, 10_000, 0)], 3, &[]);
        check(&[stage(1.0 / 3.0, 0, 9_000)], 3, &[(1, 3_000 * MS)]);
    }

    /// Adds up the area in small steps instead.
    fn summed(stages: &[Stage], sessions: u64) -> Vec<Nanos> {
        let (mut due, mut area, mut level, mut from) = (Vec::new(), 0.0, 0.0, 0);
        for stage in stages {
            for (length, end) in [(stage.ramp, stage.level), (stage.hold, stage.level)] {
                let length_us = length.as_micros() as i64;
                let begin = level;
                for us in 0..length_us {
                    let at = |us: i64| begin + (end - begin) * us as f64 / length_us as f64;
                    area += (at(us) + at(us + 1)) / 2.0 / 1e6;
                    while (due.len() as f64) < area && (due.len() as u64) < sessions {
                        due.push(from + us * 1_000);
                    }
                }
                from += length_us * 1_000;
                level = end;
            }
        }
        due
    }

    fn stages() -> impl Strategy<Value = Vec<Stage>> {
        let level =
            prop_oneof![1 => Just(0.0), 4 => (0..4_000_u32).prop_map(|level| f64::from(level) / 10.0)];
        prop::collection::vec(
            (level, 0..300_u64, 0..300_u64).prop_map(|(l, ramp, hold)| stage(l, ramp, hold)),
            0..5,
        )
    }

    proptest! {
        #[test]
        fn instants_are_those_of_an_area_that_is_added_up(plan in stages()) {
            let stages = Stages::new(&plan, 1.0);
            let expected = summed(&plan, stages.sessions());
            // Where the rate is nearly 0, an error in the last digit of the sum is a long time.
            let near = |k: usize, due: Nanos| {
                let line = Line::new(&plan, 1.0);
                let early = line.instant((k as f64 - 1e-6).max(0.0)).unwrap_or(0);
                let late = line.instant(k as f64 + 1e-6).unwrap_or(line.end());
                (early - 2_000..=late + 2_000).contains(&due)
            };
            for (k, due) in expected.iter().enumerate() {
                prop_assert!(near(k, *due), "session {} at {:?} or {}", k, stages.due(k as u64), due);
            }
            prop_assert!(stages.sessions() as usize - expected.len() <= 1);
        }

        #[test]
        fn instants_never_go_back_and_end_before_the_last_stage_does(plan in stages(), times in 1..9_u32) {
            let stages = Stages::new(&plan, f64::from(times));
            let due: Vec<_> = (0..stages.sessions()).map(|k| stages.due(k).unwrap()).collect();
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|due| (0..stages.end()).contains(due)));
            let line = Line::new(&plan, f64::from(times));
            prop_assert!((line.area() - stages.sessions() as f64).abs() <= 1.0);
            for (k, due) in due.iter().enumerate() {
                // A nanosecond at the highest rate is 4e-6 sessions.
                prop_assert!((line.area_before(*due) - k as f64).abs() < 1e-4, "{} {}", k, line.area_before(*due));
            }
        }

        #[test]
        fn a_plain_rate_is_one_stage_without_a_ramp(rate in 0.01..100_000.0_f64, ms in 1..600_u64) {
            let stages = Stages::new(&[stage(rate, 0, ms)], 1.0);
            let schedule = Schedule::new(rate, (0, 1), Duration::ZERO, None, Some(Duration::from_millis(ms)));
            prop_assert_eq!(stages.sessions(), schedule.ticks());
            for k in (0..stages.sessions()).step_by(7).chain(stages.sessions().checked_sub(1)) {
                prop_assert_eq!(stages.due(k), schedule.tick(k).map(|tick| tick.due));
            }
        }
    }
}

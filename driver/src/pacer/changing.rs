//! The schedule of a rate that may change while the test runs: one [`Schedule`] a rate, whose numbers go on.

use std::collections::VecDeque;

use super::schedule::{Schedule, Tick};
use crate::start_at::Nanos;

/// Schedules that follow each other. Ticks are taken from the present one, as if there were no other; the next one
/// takes its place where a number is reached that it has not ([`Changing::reach`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Changing {
    now: Schedule,
    later: VecDeque<Schedule>,
}

impl From<Schedule> for Changing {
    fn from(schedule: Schedule) -> Self {
        Self { now: schedule, later: VecDeque::new() }
    }
}

impl Changing {
    /// Tick `number`, where the present schedule has it.
    #[inline]
    pub fn tick(&self, number: u64) -> Option<Tick> {
        self.now.tick(number)
    }

    /// Goes on to the schedule that has tick `number`, and never back; whether that is another one.
    #[inline]
    pub fn reach(&mut self, number: u64) -> bool {
        number >= self.now.ticks() && self.go_on(number)
    }

    #[cold]
    fn go_on(&mut self, number: u64) -> bool {
        let mut moved = false;
        while number >= self.now.ticks()
            && let Some(next) = self.later.pop_front()
        {
            self.now = next;
            moved = true;
        }
        moved
    }

    /// Another rate (above zero) from an instant on, at or after that of the change before.
    ///
    /// The instant may be past, and numbers beyond it may have been sent by the rate before: none of them is due again,
    /// and the next one is due when the new rate says so, be that past or far ahead.
    pub fn change(&mut self, at: Nanos, rate_per_s: f64) {
        let next = self.last_mut().change(at, rate_per_s);
        self.later.extend(next);
    }

    /// Time between two ticks by now.
    pub fn interval_ns(&self) -> f64 {
        self.now.interval_ns()
    }

    /// When the schedule proper begins: after the warm-up.
    pub fn from(&self) -> Nanos {
        self.now.from()
    }

    /// When the last schedule ends.
    pub fn to(&self) -> Nanos {
        self.last().to()
    }

    /// As [`Schedule::may_grow`].
    pub fn may_grow(&self, number: u64, now: Nanos) -> bool {
        self.last().may_grow(number, now)
    }

    fn last(&self) -> &Schedule {
        self.later.back().unwrap_or(&self.now)
    }

    fn last_mut(&mut self) -> &mut Schedule {
        self.later.back_mut().unwrap_or(&mut self.now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const MS: Nanos = 1_000_000;

    /// The ticks of a schedule that is changed beforehand: number, due, warm-up.
    fn ticks(mut changing: Changing) -> Vec<(u64, Nanos, bool)> {
        let mut number = 0;
        std::iter::from_fn(|| {
            changing.reach(number);
            let tick = changing.tick(number)?;
            number += 1;
            Some((tick.number, tick.due, tick.warmup))
        })
        .collect()
    }

    fn ten_a_second(warmup_ms: u64, requests: Option<u64>, ms: Option<u64>) -> Changing {
        let warmup = Duration::from_millis(warmup_ms);
        Schedule::new(10.0, (0, 1), warmup, requests, ms.map(Duration::from_millis)).into()
    }

    #[track_caller]
    fn check(mut changing: Changing, changes: &[(Nanos, f64)], due_ms: &[Nanos], to_ms: Nanos) {
        for (at_ms, rate) in changes {
            changing.change(at_ms * MS, *rate);
        }
        let to = changing.to();
        let due: Vec<_> = ticks(changing).into_iter().map(|(_, due, _)| due / MS).collect();
        assert_eq!((due.as_slice(), to / MS), (due_ms, to_ms));
    }

    #[test]
    fn the_area_goes_on_with_the_new_rate() {
        // Half a tick is left over at 250 ms, so the next one takes half of the new interval.
        check(ten_a_second(0, None, Some(500)), &[(250, 20.0)], &[0, 100, 200, 275, 325, 375, 425, 475], 500);
        check(ten_a_second(0, None, Some(900)), &[(250, 2.0)], &[0, 100, 200, 500], 900);
        // There and back: as many in all, as the time says.
        check(
            ten_a_second(0, None, Some(500)),
            &[(100, 40.0), (200, 10.0)],
            &[0, 100, 125, 150, 175, 200, 300, 400],
            500,
        );
        // A second change before the first has a tick.
        check(ten_a_second(0, None, Some(500)), &[(150, 1.0), (200, 10.0)], &[0, 100, 245, 345, 445], 500);
    }

    #[test]
    fn requests_that_end_it_are_sent_sooner_or_later_and_none_more() {
        check(ten_a_second(0, Some(6), None), &[(250, 20.0)], &[0, 100, 200, 275, 325, 375], 425);
        check(ten_a_second(0, Some(4), None), &[(150, 5.0)], &[0, 100, 250, 450], 650);
        check(ten_a_second(0, Some(3), None), &[(400, 50.0)], &[0, 100, 200], 300);
        check(
            ten_a_second(0, Some(9), Some(400)),
            &[(200, 40.0)],
            &[0, 100, 200, 225, 250, 275, 300, 325, 350],
            375,
        );
    }

    #[test]
    fn a_change_in_the_warm_up_keeps_its_end() {
        let mut changing = ten_a_second(400, Some(2), None);
        changing.change(200 * MS, 20.0);
        assert_eq!(changing.to(), 500 * MS);
        let expected = [
            (0, true),
            (100, true),
            (200, true),
            (250, true),
            (300, true),
            (350, true),
            (400, false),
            (450, false),
        ];
        let found: Vec<_> = ticks(changing).into_iter().map(|(_, due, warmup)| (due / MS, warmup)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_change_before_the_first_tick_moves_it() {
        // The second of two drivers begins half an interval after the start.
        let mut changing: Changing = Schedule::new(1.0, (1, 2), Duration::ZERO, Some(2), None).into();
        changing.change(250 * MS, 5.0);
        let found: Vec<_> = ticks(changing).into_iter().map(|(_, due, _)| due / MS).collect();
        assert_eq!(found, [300, 500], "a quarter of the area is left at 250 ms");
    }

    #[test]
    fn numbers_that_were_sent_do_not_come_again() {
        let mut changing = ten_a_second(0, None, Some(2_000));
        assert!(!changing.reach(9), "900 ms are handled");
        changing.change(500 * MS, 2.0);
        assert!(changing.reach(9));
        assert_eq!(changing.tick(9), None, "by the new rate it is due after the end");
        assert!(changing.may_grow(9, 1_000 * MS) && !changing.may_grow(9, 2_000 * MS));
        changing.change(1_000 * MS, 100.0);
        changing.reach(9);
        let next = changing.tick(9).map(|tick| tick.due / MS);
        assert_eq!(next, Some(1_030), "6 by 1 s, 9 after 3 intervals more");
    }

    proptest! {
        /// By adding up the area; whatever the drivers and workers, a tick has one owner and one instant.
        #[test]
        fn due_times_are_those_of_an_area_that_is_added_up(
            rate in 1..400_u32,
            changes in prop::collection::vec((0..400_i64, 1..900_u32), 0..6),
            (warmup_ms, duration_ms) in (0..200_u64, 1..900_u64),
            (drivers, workers) in (1..4_u64, 1..4_u64),
        ) {
            let warmup = Duration::from_millis(warmup_ms);
            let duration = Some(Duration::from_millis(duration_ms));
            let mut changing: Changing =
                Schedule::new(f64::from(rate), (0, 1), warmup, None, duration).into();
            let mut at = 0;
            let mut levels = vec![(0, rate)];
            for (after, rate) in changes {
                at += after * MS;
                changing.change(at, f64::from(rate));
                levels.push((at, rate));
            }
            // The area in 1e-9 ticks, exact in whole numbers.
            let end = (warmup_ms + duration_ms) as i64 * MS;
            let (mut expected, mut area) = (Vec::new(), 0_i128);
            for (i, (from, rate)) in levels.iter().enumerate() {
                let to = levels.get(i + 1).map_or(end, |(to, _)| (*to).min(end));
                let until = area + i128::from(*rate) * i128::from((to - from).max(0));
                let mut next = expected.len() as i128 * 1_000_000_000;
                while next < until && to > *from {
                    expected.push(from + ((next - area) as f64 / f64::from(*rate)).round() as i64);
                    next += 1_000_000_000;
                }
                area = until;
            }
            let found = ticks(changing.clone());
            // An instant within a nanosecond of the end may be on either side of it.
            prop_assert!(found.len().abs_diff(expected.len()) <= 1);
            for ((number, due, warm), expected) in found.iter().zip(&expected) {
                prop_assert!((due - expected).abs() <= 2, "tick {number}: {due}, not {expected}");
                prop_assert_eq!(*warm, *due < warmup_ms as i64 * MS);
            }
            prop_assert!(found.iter().all(|(_, due, _)| *due < end));
            let mut parts = Vec::new();
            for first in 0..drivers * workers {
                let (mut own, mut number) = (changing.clone(), first);
                loop {
                    own.reach(number);
                    let Some(tick) = own.tick(number) else { break };
                    parts.push((tick.number, tick.due, tick.warmup));
                    number += drivers * workers;
                }
            }
            parts.sort_unstable();
            prop_assert_eq!(parts, found);
        }
    }
}

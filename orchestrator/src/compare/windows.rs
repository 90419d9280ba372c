//! Which seconds of a test are its windows: the whole ones of the schedule after the warm-up. What ended before the first
//! or after the last of them, in a part of a second or while the load was draining, belongs to these two, so that figures
//! are over the same requests as in the report.

use std::time::Duration;

use common::plan::parse_duration;
use serde_json::Value;

use super::ComparedSecond;
use crate::statistics::{MAX_WINDOWS, Series, Window};

/// The windows of a test with this plan; seconds in the order of time, some may be missing.
pub fn series_of(plan: &Value, seconds: impl IntoIterator<Item = ComparedSecond>) -> Series {
    let mut reading = SeriesReading::new(plan);
    seconds.into_iter().for_each(|second| reading.add(second));
    reading.finish()
}

/// The windows of a test while its seconds are read. Neighbours are merged as they come, so that a test of days takes no more
/// memory than one of an hour.
#[derive(Debug)]
pub struct SeriesReading {
    /// The first whole second after the warm-up.
    first: u64,
    /// Where the schedule ends, as the plan has it.
    length: Option<u64>,
    /// Seconds of a window.
    step: u64,
    windows: Vec<Window>,
    last_due: Option<u64>,
    /// The seconds from the last one on in which something was due: whether that was a whole one is not known yet.
    open: Vec<ComparedSecond>,
    completed: u64,
}

impl SeriesReading {
    /// Of a test with this plan.
    pub fn new(plan: &Value) -> Self {
        Self {
            first: ceil_seconds(warmup(plan)),
            length: length(plan).map(|length| length.as_secs()),
            step: 1,
            windows: Vec::new(),
            last_due: None,
            open: Vec::new(),
            completed: 0,
        }
    }

    /// Adds a second that is later than all before.
    pub fn add(&mut self, second: ComparedSecond) {
        self.completed += second.window.completed();
        let is_due = second.scheduled > 0;
        let seq = second.seq;
        self.open.push(second);
        if !is_due {
            return;
        }
        self.last_due = Some(seq);
        let whole_below = self.length.map_or(seq, |length| length.min(seq));
        let settled = self.open.partition_point(|second| second.seq < whole_below);
        for second in self.open.drain(..settled).collect::<Vec<_>>() {
            let is_whole = second.seq >= self.first;
            self.settle(second.seq, second.window, is_whole);
        }
    }

    /// Completed requests of all seconds so far.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Leaves the last second out again, which was read before all of it was written; returns which it was.
    pub fn take_back(&mut self) -> Option<u64> {
        let last = self.open.pop()?;
        self.completed -= last.window.completed();
        Some(last.seq)
    }

    /// All of them.
    pub fn finish(mut self) -> Series {
        let Some(last_due) = self.last_due else { return Series::new(Vec::new()) };
        // Where the plan has no length, and where the load ended before it, the last second is seldom a whole one.
        let is_through = |length: &u64| *length <= last_due + 1;
        let end = self.length.filter(is_through).unwrap_or(last_due).max(self.first + 1);
        for second in std::mem::take(&mut self.open) {
            let is_whole = (self.first..end).contains(&second.seq);
            self.settle(second.seq.min(end - 1), second.window, is_whole);
        }
        let n = end - self.first;
        let (step, count) = (self.step, n.div_ceil(self.step));
        self.windows.resize_with(usize::try_from(count).unwrap_or(0), Window::default);
        for (window, from) in self.windows.iter_mut().zip((0..n).step_by(usize::try_from(step).unwrap_or(1)))
        {
            window.seconds = step.min(n - from) as f64;
        }
        Series::new(self.windows)
    }

    /// Adds what ended in a second to its window, or to the first one.
    fn settle(&mut self, seq: u64, mut window: Window, is_whole: bool) {
        if !is_whole {
            window.in_schedule = 0;
        }
        let at = loop {
            let at = usize::try_from(seq.saturating_sub(self.first) / self.step).unwrap_or(usize::MAX);
            if at < MAX_WINDOWS {
                break at;
            }
            self.merge_neighbours();
        };
        if self.windows.len() <= at {
            self.windows.resize_with(at + 1, Window::default);
        }
        self.windows[at].merge(&window);
    }

    fn merge_neighbours(&mut self) {
        self.step *= 2;
        let pairs = self.windows.chunks_mut(2).map(|pair| {
            let mut sum = std::mem::take(&mut pair[0]);
            pair[1..].iter().for_each(|second| sum.merge(second));
            sum
        });
        self.windows = pairs.collect();
    }
}

fn duration(plan: &Value, key: &str) -> Option<Duration> {
    parse_duration(plan.pointer(key)?.as_str()?).ok()
}

fn warmup(plan: &Value) -> Duration {
    duration(plan, "/load/warmup").unwrap_or_default()
}

/// How long the schedule is, the warm-up included; `None` where the plan does not say. The warm-up is the first part of
/// stages.
fn length(plan: &Value) -> Option<Duration> {
    let stages = plan.pointer("/load/stages").and_then(Value::as_array);
    if let Some(stages) = stages.filter(|stages| !stages.is_empty()) {
        let of = |stage: &Value| {
            duration(stage, "/ramp").unwrap_or_default() + duration(stage, "/hold").unwrap_or_default()
        };
        return Some(stages.iter().map(of).sum());
    }
    Some(warmup(plan) + duration(plan, "/load/duration")?)
}

fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A second in which so many were due, and ended after `us`.
    fn second(seq: u64, n: u64, us: u64) -> ComparedSecond {
        let window = Window { ended: n, in_schedule: n, ..Window::new([(us, n)]) };
        ComparedSecond { seq, scheduled: n, window }
    }

    #[track_caller]
    fn check(plan: Value, seconds: Vec<ComparedSecond>, expected: &[(u64, u64)]) {
        let series = series_of(&plan, seconds);
        let found: Vec<(u64, u64)> =
            series.windows().iter().map(|window| (window.completed(), window.in_schedule)).collect();
        assert_eq!(found, expected);
        assert_eq!(series.seconds(), expected.len() as f64);
    }

    #[test]
    fn a_test_of_days_is_read_into_as_many_windows_as_one_of_an_hour() {
        let plan = |seconds: u64| json!({ "load": { "duration": format!("{seconds}s"), "warmup": "0s" } });
        for (seconds, windows, of_the_last) in [
            (3_600, 3_600, 1.0),
            (3_601, 1_801, 1.0),
            (7_200, 3_600, 2.0),
            (86_400, 2_700, 32.0),
            (86_401, 2_701, 1.0),
        ] {
            let mut reading = SeriesReading::new(&plan(seconds));
            let mut most = 0;
            for seq in 0..seconds {
                reading.add(second(seq, 3, 400 + seq % 7));
                most = most.max(reading.windows.len() + reading.open.len());
            }
            assert!(most <= MAX_WINDOWS + 1, "{most}");
            let series = reading.finish();
            assert_eq!(series.windows().len(), windows, "{seconds}");
            assert_eq!(series.seconds(), seconds as f64);
            assert_eq!(series.windows().last().unwrap().seconds, of_the_last, "{seconds}");
            assert_eq!(series.windows().iter().map(Window::completed).sum::<u64>(), 3 * seconds);
            assert_eq!(series.windows().iter().map(|window| window.in_schedule).sum::<u64>(), 3 * seconds);
        }
        // A number that no test has: the windows between are empty.
        let series = series_of(
            &json!({ "load": { "requests": 20 } }),
            [second(0, 10, 500), second(10_000_000, 10, 500)],
        );
        assert!(series.windows().len() <= MAX_WINDOWS);
        assert_eq!(series.seconds(), 10_000_000.0);
    }

    #[test]
    fn the_last_second_can_be_read_again() {
        let plan = json!({ "load": { "duration": "3s", "warmup": "0s" } });
        let mut reading = SeriesReading::new(&plan);
        [second(0, 10, 500), second(1, 10, 500), second(2, 4, 500)]
            .into_iter()
            .for_each(|one| reading.add(one));
        assert_eq!((reading.completed(), reading.take_back(), reading.completed()), (24, Some(2), 20));
        reading.add(second(2, 10, 500));
        reading.add(ComparedSecond { scheduled: 0, ..second(3, 2, 500) });
        let series = reading.finish();
        let found: Vec<u64> = series.windows().iter().map(Window::completed).collect();
        assert_eq!(found, [10, 10, 12]);
        assert_eq!(SeriesReading::new(&plan).take_back(), None);
    }

    #[test]
    fn whole_seconds_after_the_warm_up_are_windows_and_the_rest_belongs_to_them() {
        let all = |n: u64| (0..n).map(|seq| second(seq, 10, 500)).collect::<Vec<_>>();
        check(json!({ "load": { "duration": "4s", "warmup": "0s" } }), all(4), &[(10, 10); 4]);
        let mut drained = all(4);
        drained.push(ComparedSecond { scheduled: 0, ..second(4, 3, 900) });
        drained.push(ComparedSecond { scheduled: 0, ..second(6, 2, 900) });
        let plan = json!({ "load": { "duration": "4s", "warmup": "0s" } });
        check(plan, drained, &[(10, 10), (10, 10), (10, 10), (15, 10)]);
        // 1.5 s of warm-up: the second half of second 1 belongs to second 2.
        let plan = json!({ "load": { "duration": "2.5s", "warmup": "1500ms" } });
        check(plan, all(4)[1..].to_vec(), &[(20, 10), (10, 10)]);
        // Without a length the last second is a part of one.
        let plan = json!({ "load": { "requests": 45, "warmup": "0s" } });
        check(plan, [all(4), vec![second(4, 5, 500)]].concat(), &[(10, 10), (10, 10), (10, 10), (15, 10)]);
        // Ended early, in the midst of a second.
        let plan = json!({ "load": { "duration": "60s" } });
        check(plan, [all(3), vec![second(3, 2, 500)]].concat(), &[(10, 10), (10, 10), (12, 10)]);
        check(json!({ "load": { "duration": "60s" } }), vec![second(0, 2, 500)], &[(2, 2)]);
        // A second that is missing.
        let plan = json!({ "load": { "duration": "3s" } });
        check(plan, vec![second(0, 10, 500), second(2, 20, 500)], &[(10, 10), (0, 0), (20, 20)]);
        check(json!({ "load": { "stages": [{ "ramp": "1s" }, { "hold": "1s" }] } }), all(2), &[(10, 10); 2]);
        check(json!({ "load": { "duration": "3s" } }), Vec::new(), &[]);
    }
}

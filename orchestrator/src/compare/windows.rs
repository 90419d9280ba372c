//! Which seconds of a test are its windows: the whole ones of the schedule after the warm-up. What ended before the first
//! or after the last of them, in a part of a second or while the load was draining, belongs to these two, so that figures
//! are over the same requests as in the report.

use std::time::Duration;

use common::plan::parse_duration;
use serde_json::Value;

use super::ComparedSecond;
use crate::statistics::{Series, Window};

/// The windows of a test with this plan; seconds may come in any order, and be missing.
pub fn series_of(plan: &Value, seconds: Vec<ComparedSecond>) -> Series {
    let first = ceil_seconds(warmup(plan));
    let last_due = seconds.iter().filter(|second| second.scheduled > 0).map(|second| second.seq).max();
    let Some(last_due) = last_due else { return Series::new(Vec::new()) };
    // Where the plan has no length, the last second is seldom a whole one.
    let end = length(plan).map_or(last_due, |length| length.as_secs().min(last_due + 1)).max(first + 1);
    let n = usize::try_from(end - first).unwrap_or(0);
    let mut windows = vec![Window { seconds: 1.0, ..Window::default() }; n];
    for second in seconds {
        let whole = (first..end).contains(&second.seq);
        let at = usize::try_from(second.seq.clamp(first, end - 1) - first).unwrap_or(0);
        let mut window = second.window;
        if !whole {
            window.in_schedule = 0;
        }
        window.seconds = 0.0;
        if let Some(into) = windows.get_mut(at) {
            into.merge(&window);
        }
    }
    Series::new(windows)
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
        // Ended early.
        check(json!({ "load": { "duration": "60s" } }), all(3), &[(10, 10); 3]);
        // A second that is missing.
        let plan = json!({ "load": { "duration": "3s" } });
        check(plan, vec![second(0, 10, 500), second(2, 20, 500)], &[(10, 10), (0, 0), (20, 20)]);
        check(json!({ "load": { "stages": [{ "ramp": "1s" }, { "hold": "1s" }] } }), all(2), &[(10, 10); 2]);
        check(json!({ "load": { "duration": "3s" } }), Vec::new(), &[]);
    }
}

//! `stages` of `[load]`: how a rate or a number of users changes.

use std::time::Duration;

use crate::plan::load::{Loop, MAX_DURATION, MAX_IN_FLIGHT, MAX_RATE_PER_S};
use crate::plan::program::Stage;
use crate::plan::{Fault, write_duration};
use crate::tree::{Kind, Node, Table, parse};

/// Most stages.
const MAX_STAGES: usize = 1_000;

/// Takes `stages`; `None` where one cannot be read. The faults are in the table.
pub(super) fn read(load: &mut Table, mode: Loop) -> Option<Vec<Stage>> {
    let node = load.take("stages")?;
    let (level, example) = match mode {
        Loop::Open => ("rate", "[{ rate = 50, ramp = \"10s\", hold = \"1m\" }]"),
        Loop::Closed => ("users", "[{ users = 50, ramp = \"10s\", hold = \"1m\" }]"),
    };
    let items = match &node.kind {
        Kind::List(items) if items.is_empty() => Err("names no stage".to_owned()),
        Kind::List(items) if items.len() > MAX_STAGES => Err(format!("holds more than {MAX_STAGES} stages")),
        Kind::List(items) => Ok(items),
        kind => Err(format!("expected a list of stages, as in {example}, found {}", kind.name())),
    };
    let items = match items {
        Ok(items) => items,
        Err(reason) => {
            load.fault_at("stages", &node, reason);
            return None;
        }
    };
    let one = |(index, item): (usize, &Node)| one(load, &format!("stages[{index}]"), item, mode, level);
    // All of them, so that each has its faults reported.
    let stages: Vec<Option<Stage>> = items.iter().enumerate().map(one).collect();
    let stages: Vec<Stage> = stages.into_iter().collect::<Option<_>>()?;
    if stages.iter().all(|stage| stage.level == 0.0) {
        load.fault_at("stages", &node, format!("starts no session: no stage has a {level} above zero"));
        return None;
    }
    let length = length(&stages);
    if length > MAX_DURATION {
        let reason = format!(
            "lasts {}, and a test lasts at most {}",
            write_duration(length),
            write_duration(MAX_DURATION)
        );
        load.fault(Fault::value(load.path_of("stages"), "", reason), node.origin.clone());
        return None;
    }
    Some(stages)
}

fn one(load: &Table, key: &str, item: &Node, mode: Loop, level: &str) -> Option<Stage> {
    if !matches!(item.kind, Kind::Table(_)) {
        let reason = format!("expected a stage, as in {{ {level} = 50, ramp = \"10s\", hold = \"1m\" }}");
        load.fault_at(key, item, reason);
        return None;
    }
    let path = load.path_of(key);
    load.item(key, item.clone(), |stage| {
        let (other, of) = match mode {
            Loop::Open => ("users", "avalanche"),
            Loop::Closed => ("rate", "tsunami"),
        };
        if stage.has(other) {
            let reason = format!("belongs to mode \"{of}\"; here a stage has {level}");
            stage.contradiction(other, stage.shown(other), reason);
            stage.take(other);
        } else if !stage.has(level) {
            stage.missing(level, format!("is missing; a stage says its {level} at the end of its ramp"));
        }
        let value = match mode {
            Loop::Open => stage.get(level, parse::rate(0.0..=MAX_RATE_PER_S)),
            Loop::Closed => stage.get(level, parse::integer(0..=MAX_IN_FLIGHT)).map(f64::from),
        };
        let time = |stage: &mut Table, key: &str| {
            let time = stage.get(key, parse::duration(Duration::ZERO..=MAX_DURATION));
            if stage.is_faulty(key) { None } else { Some(time.unwrap_or(Duration::ZERO)) }
        };
        let (ramp, hold) = (time(stage, "ramp"), time(stage, "hold"));
        if ramp == Some(Duration::ZERO) && hold == Some(Duration::ZERO) {
            stage.fault(Fault::value(&path, item, "has no length; give it a ramp or a hold"), None);
        }
        Some(Stage { level: value?, ramp: ramp?, hold: hold? })
    })
}

/// How long stages last together.
pub(in crate::plan) fn length(stages: &[Stage]) -> Duration {
    stages.iter().fold(Duration::ZERO, |sum, stage| sum.saturating_add(stage.ramp).saturating_add(stage.hold))
}

/// The highest level; `None` without stages.
pub(in crate::plan) fn highest(stages: &[Stage]) -> Option<f64> {
    stages.iter().map(|stage| stage.level).reduce(f64::max)
}

/// The level at an instant of the schedule; `None` before its start and behind its end.
pub(in crate::plan) fn level_at(stages: &[Stage], at: Duration) -> Option<f64> {
    let (mut last, mut left) = (0.0, at);
    for stage in stages {
        if left < stage.ramp {
            return Some(last + (stage.level - last) * left.as_secs_f64() / stage.ramp.as_secs_f64());
        }
        left -= stage.ramp;
        if left < stage.hold {
            return Some(stage.level);
        }
        left -= stage.hold;
        last = stage.level;
    }
    None
}

/// The area under the line of an open loop's stages: how many sessions they start.
pub(in crate::plan) fn area(stages: &[Stage]) -> f64 {
    let mut last = 0.0;
    let mut sum = 0.0;
    for stage in stages {
        sum += (last + stage.level) / 2.0 * stage.ramp.as_secs_f64() + stage.level * stage.hold.as_secs_f64();
        last = stage.level;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_follows_ramps_and_holds_and_there_is_none_after_them() {
        let stage = |level, ramp, hold| Stage {
            level,
            ramp: Duration::from_secs(ramp),
            hold: Duration::from_secs(hold),
        };
        let stages = [stage(25.0, 10, 10), stage(5.0, 0, 2), stage(0.0, 10, 0)];
        for (at_s, level) in [
            (0.0, Some(0.0)),
            (4.0, Some(10.0)),
            (10.0, Some(25.0)),
            (19.9, Some(25.0)),
            (20.0, Some(5.0)),
            (27.0, Some(2.5)),
            (32.0, None),
        ] {
            assert_eq!(level_at(&stages, Duration::from_secs_f64(at_s)), level, "after {at_s} s");
        }
        assert_eq!(level_at(&[], Duration::ZERO), None);
    }
}

//! Warns, before a plan begins, that it exceeds what a calibration measured: pure.

use common::plan::Mode;

use super::{Calibration, MAX_LAG_P99_MS};
use crate::assignment::Assignment;

impl Calibration {
    /// Warns of an assignment that asks for more than this driver could do when it was calibrated. `None` if it does
    /// not, or names no rate.
    pub fn warning(&self, assignment: &Assignment) -> Option<String> {
        let asked = assignment.rate_ceiling_per_s()?;
        let on = self.calibrated_at.get(..10).unwrap_or(&self.calibrated_at);
        let asked_per_s = per_s(asked);
        match assignment.load.mode {
            Mode::Tsunami { .. } => {
                let bound = if self.open_loop.sink_was_limit { LOWER_BOUND } else { "" };
                match self.open_loop.highest_rate_kept_per_s {
                    Some(kept) if asked <= kept => None,
                    Some(kept) => Some(format!(
                        "{asked_per_s} are above the {} that it kept with lag p99 <= {MAX_LAG_P99_MS} ms when it \
                         was calibrated ({on}{bound}): it may be late itself; take more drivers, or a lower rate",
                        per_s(kept)
                    )),
                    None => Some(format!(
                        "it kept no rate with lag p99 <= {MAX_LAG_P99_MS} ms when it was calibrated ({on}), and is \
                         to send {asked_per_s}: it may be late itself; calibrate it again where it is quiet"
                    )),
                }
            }
            Mode::Avalanche { .. } => {
                let (most, bound) = (self.closed_loop.throughput_per_s, self.closed_loop.sink_was_limit);
                let bound = if bound { LOWER_BOUND } else { "" };
                (asked > most).then(|| {
                    format!(
                        "target_throughput {asked_per_s} is above the {} that it reached in a closed loop when it \
                         was calibrated ({on}{bound}): it may not reach it, whatever the target does",
                        per_s(most)
                    )
                })
            }
        }
    }
}

/// Where the sink had no idle time.
const LOWER_BOUND: &str = ", where its sink was the limit";

/// A rate in words: whole from 100 on.
fn per_s(rate: f64) -> String {
    let rate = if rate >= 100.0 { rate.round() } else { (rate * 100.0).round() / 100.0 };
    format!("{rate}/s")
}

#[cfg(test)]
mod tests {
    use common::ids::NodeId;
    use common::plan::{PlanFormat, read, share_out};

    use super::super::fixtures::example;
    use super::*;

    fn assignment(load: &str) -> Assignment {
        let text = format!("[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\nduration = '1s'\n");
        let plan = read(&text, PlanFormat::Toml).unwrap();
        let share = share_out(&plan, &[NodeId::new("d").unwrap()]).unwrap().remove(0).1;
        Assignment::of_plan(&plan, share)
    }

    #[track_caller]
    fn check(calibration: &Calibration, load: &str, warns: Option<&str>) {
        match (calibration.warning(&assignment(load)), warns) {
            (None, None) => {}
            (Some(warning), Some(text)) => assert!(warning.contains(text), "{warning}"),
            (got, expected) => panic!("expected {expected:?}, got {got:?}"),
        }
    }

    #[test]
    fn a_plan_above_what_was_kept_is_warned_of() {
        let calibration = example();
        check(&calibration, "mode = 'tsunami'\nrate = 30000", None);
        check(
            &calibration,
            "mode = 'tsunami'\nrate = 30001",
            Some("30001/s are above the 30000/s that it kept"),
        );
        check(&calibration, "mode = 'tsunami'\nrate = 90000\ntarget_throughput = 500", None);
        check(&calibration, "mode = 'tsunami'\ndelay = '20us'", Some("50000/s are above"));
        check(&calibration, "mode = 'avalanche'\nconnections = 8", None);
        check(&calibration, "mode = 'avalanche'\nconnections = 8\ntarget_throughput = 60000", None);
        let above = "mode = 'avalanche'\nconnections = 8\ntarget_throughput = 60001";
        check(&calibration, above, Some("above the 60000/s that it reached in a closed loop"));
    }

    #[test]
    fn a_bound_of_the_sink_is_named_and_no_rate_kept_warns_of_any() {
        let mut calibration = example();
        calibration.open_loop.sink_was_limit = true;
        check(
            &calibration,
            "mode = 'tsunami'\nrate = 30001",
            Some("2026-11-23, where its sink was the limit"),
        );
        calibration.open_loop.highest_rate_kept_per_s = None;
        check(&calibration, "mode = 'tsunami'\nrate = 0.5", Some("kept no rate"));
    }
}

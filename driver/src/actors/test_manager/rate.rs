//! The rate of the test that runs: turns the changes that the orchestrator orders into those of the schedule that this
//! driver keeps, and passes them to all of its workers at once. Pure but for that channel; time is an argument.

use std::time::{Duration, Instant};

use common::plan::{Mode, Per, RateChange, Share};
use common::wire::RateApplied;
use tokio::sync::watch;

use crate::assignment::Assignment;
use crate::driver_test::{RateStep, Rates};
use crate::life::Lead;
use crate::start_at::{Nanos, StartAt};

/// A change that takes effect from now on takes so long to reach all workers.
const REACHES_WORKERS_IN: Duration = Duration::from_millis(50);

/// The rate of a test, and the channel to its workers.
pub(super) struct RunningRate {
    start: StartAt,
    share: Share,
    per: Per,
    /// Of its schedule, by the last change.
    per_s: f64,
    /// Most requests that a session sends; 1 where the plan has one request.
    requests_of_one: f64,
    /// Since when that rate holds.
    since: Nanos,
    steps: watch::Sender<Vec<RateStep>>,
}

impl RunningRate {
    /// The rate of a test that our orchestrator leads, and what its workers receive of it; `None`: it has no rate that
    /// may change.
    pub(super) fn of(lead: &Lead, assignment: &Assignment, start: StartAt) -> Option<(Self, Rates)> {
        let Lead::Ours { plan, .. } = lead else { return None };
        let Assignment { load, share, .. } = assignment;
        if !matches!(load.mode, Mode::Tsunami { .. }) || !load.stages.is_empty() {
            return None;
        }
        let own = share.rate_per_s?;
        let per_s = share.fleet.map_or(own, |fleet| fleet.rate_per_s);
        let requests_of_one = assignment.rate_ceiling_per_s().map_or(1.0, |most| most / own);
        let (rates, steps) = Rates::new();
        let (share, per, since) = (share.clone(), plan.per, Nanos::MIN);
        Some((Self { start, share, per, per_s, requests_of_one, since, steps }, rates))
    }

    /// Obeys a change.
    ///
    /// A change that arrives after its instant holds from that instant on all the same where the rate rises: what it
    /// makes due is caught up, and counts from when it was due. Where the rate falls, more was sent since then than the
    /// new rate allows. Then it holds from now on: to wait until the schedule comes to what was sent would leave the
    /// target without load for a while.
    ///
    /// # Errors
    /// It is above `safety.max_rate`; the rate stays as it is.
    pub(super) fn change(
        &mut self,
        change: RateChange,
        max_rate: Option<f64>,
        now: Instant,
    ) -> Result<RateApplied, String> {
        let most = self.share.own_rate(self.per, change.rate_per_s) * self.requests_of_one;
        if let Some(max_rate) = max_rate.filter(|max_rate| most > *max_rate) {
            return Err(format!(
                "{most} requests/s are more than safety.max_rate = {max_rate} of this driver"
            ));
        }
        // Both instants are by the orchestrator's clock, so that all drivers have the same span between them.
        let ordered = change.at_us.saturating_sub(self.start.unix_us).saturating_mul(1_000);
        let now = self.start.nanos(now);
        let per_s = self.share.rate_of_schedule(self.per, change.rate_per_s);
        let is_late = ordered < now && per_s < self.per_s;
        let earliest = now.saturating_add(Nanos::try_from(REACHES_WORKERS_IN.as_nanos()).unwrap_or(0));
        let at = if is_late { earliest } else { ordered }.max(self.since);
        (self.per_s, self.since) = (per_s, at);
        self.steps.send_modify(|steps| steps.push(RateStep { at, per_s }));
        let at_us = if at == ordered { change.at_us } else { self.start.unix_us_at(at) };
        Ok(RateApplied { change: change.number, at: at_us })
    }
}

#[cfg(test)]
mod tests {
    use common::ids::{Epoch, NodeId};
    use common::plan::{PlanFormat, read, share_out};

    use super::*;

    const MS: Nanos = 1_000_000;

    /// The second of two drivers, 10 s after the start of a test.
    fn running(per: &str, load: &str) -> Option<(RunningRate, Rates, Instant)> {
        let text = format!(
            "per = '{per}'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\nduration = '1m'\n"
        );
        let plan = read(&text, PlanFormat::Toml).unwrap();
        let nodes = ["a", "b"].map(|id| NodeId::new(id).unwrap());
        let share = share_out(&plan, &nodes).unwrap().remove(1).1;
        let assignment = Assignment::of_plan(&plan, share.clone());
        let start = StartAt { monotonic: Instant::now(), unix_us: 5_000_000 };
        let lead = Lead::Ours { revision: 1, epoch: Epoch(1), plan: Box::new(plan), share };
        let (rate, rates) = RunningRate::of(&lead, &assignment, start)?;
        Some((rate, rates, start.instant(10_000 * MS)))
    }

    fn to(number: u32, rate_per_s: f64, at_ms: i64) -> RateChange {
        RateChange { number, rate_per_s, at_us: 5_000_000 + at_ms * 1_000 }
    }

    #[test]
    fn changes_reach_the_workers_as_those_of_their_schedule_in_order() {
        let (mut rate, mut rates, now) = running("fleet", "rate = 100").unwrap();
        assert!(!rates.has_changed() && rates.may_change());
        for change in [to(1, 300.0, 10_500), to(2, 50.0, 10_500)] {
            let expected = RateApplied { change: change.number, at: 15_500_000 };
            assert_eq!(rate.change(change, None, now), Ok(expected));
        }
        let step = |per_s| RateStep { at: 10_500 * MS, per_s };
        assert!(rates.has_changed());
        assert_eq!(rates.take(), [step(300.0), step(50.0)], "of the fleet, which has one schedule");
        assert_eq!(rates.take(), []);
        drop(rate);
        assert!(!rates.may_change());
    }

    #[test]
    fn a_late_change_holds_from_its_instant_where_it_rises_and_from_now_where_it_falls() {
        let (mut rate, mut rates, now) = running("driver", "rate = 100").unwrap();
        let applied = |rate: &mut RunningRate, change| rate.change(change, None, now).unwrap().at;
        assert_eq!(applied(&mut rate, to(1, 200.0, 9_000)), 14_000_000);
        assert_eq!(applied(&mut rate, to(2, 20.0, 9_500)), 15_050_000);
        // What follows a late one comes no earlier.
        assert_eq!(applied(&mut rate, to(3, 40.0, 9_900)), 15_050_000);
        let at: Vec<_> = rates.take().into_iter().map(|step| step.at / MS).collect();
        assert_eq!(at, [9_000, 10_050, 10_050]);
    }

    #[test]
    fn a_rate_above_that_of_the_driver_is_not_obeyed() {
        let (mut rate, mut rates, now) = running("fleet", "rate = 100").unwrap();
        let refused = rate.change(to(1, 500.0, 11_000), Some(249.0), now).unwrap_err();
        assert!(refused.starts_with("250 requests/s are more than safety.max_rate = 249"), "{refused}");
        assert_eq!(rates.take(), []);
        assert!(rate.change(to(1, 500.0, 11_000), Some(250.0), now).is_ok());
    }

    #[test]
    fn a_closed_loop_has_no_rate_to_change() {
        assert!(running("fleet", "mode = 'avalanche'\nconnections = 4").is_none());
    }
}

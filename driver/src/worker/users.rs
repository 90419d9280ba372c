//! Users of a closed loop: the numbers of their sessions, and when each of them may begin. Pure.

use common::plan::{Load, Share};

use crate::driver_test::WorkerSlice;
use crate::scenario::schedule::UserStages;
use crate::start_at::Nanos;

/// One worker's users.
#[derive(Debug, Clone)]
pub struct Active {
    stages: UserStages,
    /// Where this worker's users stand between those of the others: a part of the distance from one of its own to the next.
    offset: f64,
    next_g: u64,
    g_step: u64,
}

impl Active {
    /// Driver i of n and worker w of W: the k-th session of the driver is number k·n + i, and k ≡ w mod W.
    pub fn new(load: &Load, share: &Share, slice: WorkerSlice) -> Self {
        let (i, n) = (u64::from(share.index), u64::from(share.of.max(1)));
        let (w, workers) = (u64::from(slice.worker), u64::from(slice.workers.max(1)));
        Self {
            stages: UserStages::new(load, share, slice.worker, slice.workers),
            offset: (w * n + i) as f64 / (workers * n) as f64,
            next_g: w * n + i,
            g_step: workers * n,
        }
    }

    /// Whether a user is active.
    pub fn is_active(&self, user: u32, now: Nanos) -> bool {
        self.stages.is_active(user, now)
    }

    /// How many users are active: the first ones.
    pub fn count(&self, now: Nanos) -> u32 {
        self.stages.active(now)
    }

    /// When a user that is not active at an instant becomes so, after it; `None`: never. Of users that begin together each
    /// has its part of a pacing to wait.
    pub fn begins(&self, user: u32, after: Nanos, pacing: Nanos) -> Option<Nanos> {
        let (at, is_active) = self.stages.next_change(user, after)?;
        if !is_active {
            return None;
        }
        let (before, then) = (self.stages.active(at - 1), self.stages.active(at));
        let together = f64::from(then.saturating_sub(before).max(1));
        let part = (f64::from(user.saturating_sub(before)) + self.offset) / together;
        // One that begins alone, as on a ramp, has nothing to wait for.
        let waits = if together > 1.0 { (pacing as f64 * part) as Nanos } else { 0 };
        Some(at.saturating_add(waits))
    }

    /// The number that the next session has.
    pub fn next_g(&self) -> u64 {
        self.next_g
    }

    /// Takes it.
    pub fn take_g(&mut self) -> u64 {
        let g = self.next_g;
        self.next_g += self.g_step;
        g
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::plan::program::Stage;

    use super::*;

    const S: Nanos = 1_000_000_000;

    fn load() -> Load {
        let plan = "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'avalanche'\nconnections = 8\nduration = '90s'\n";
        common::plan::read(plan, common::plan::PlanFormat::Toml).unwrap().load
    }

    fn slice(worker: u32, workers: u32) -> WorkerSlice {
        WorkerSlice { worker, workers, places: 4, connections: None, attempts: None }
    }

    #[test]
    fn users_that_begin_together_are_spread_over_one_pacing() {
        let share = Share { of: 1, connections: Some(8), ..Share::default() };
        let begins: Vec<_> = (0..2)
            .flat_map(|worker| {
                let active = Active::new(&load(), &share, slice(worker, 2));
                (0..5).map(move |user| active.begins(user, -1, 8 * S))
            })
            .collect();
        let s = |n: Nanos| Some(n * S);
        assert_eq!(begins, [s(0), s(2), s(4), s(6), None, s(1), s(3), s(5), s(7), None]);
    }

    #[test]
    fn on_a_ramp_users_begin_one_after_the_other() {
        let ramp = Stage { level: 4.0, ramp: Duration::from_secs(4), hold: Duration::from_secs(9) };
        let (load, share) = (
            Load { stages: vec![ramp], ..load() },
            Share { of: 1, stages_times: Some(1), ..Share::default() },
        );
        let active = Active::new(&load, &share, slice(0, 1));
        let begins: Vec<_> = (0..5).map(|user| active.begins(user, -1, 8 * S)).collect();
        assert_eq!(begins, [Some(0), Some(S), Some(2 * S), Some(3 * S), None]);
    }

    #[test]
    fn sessions_have_numbers_of_their_own_in_the_whole_fleet() {
        let mut all = Vec::new();
        for index in 0..3 {
            for worker in 0..2 {
                let share = Share { index, of: 3, connections: Some(4), ..Share::default() };
                let mut active = Active::new(&load(), &share, slice(worker, 2));
                all.extend([0, 1].map(|_| active.take_g()));
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..12).collect::<Vec<_>>());
    }
}

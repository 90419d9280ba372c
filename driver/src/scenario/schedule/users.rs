//! Stages of users: which of a fleet's users are active when. User u is active while the line is above u, so those that
//! are active are always the first ones. A ramp reaches each user at an instant of its own, which is worked out to the
//! nanosecond and holds for every question about it.

use common::plan::{Load, Mode, Share};

use super::line::{Line, Piece};
use crate::pacer::nanos;
use crate::start_at::Nanos;

/// Longest line of users without an end: 146 years.
const FOREVER: Nanos = Nanos::MAX / 2;

/// The users of one worker: `first`, `first + step`, … of a fleet's. Its own are counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct UserStages {
    line: Line,
    first: u64,
    step: u64,
}

impl UserStages {
    /// Those of worker `worker` of `workers` (at least 1) of a driver: user u of a fleet's stages is on driver u mod n, and
    /// the driver's users are dealt to its workers in the same way. Without stages all of a driver's users are active
    /// until its load ends.
    pub fn new(load: &Load, share: &Share, worker: u32, workers: u32) -> Self {
        let (worker, workers) = (u64::from(worker), u64::from(workers.max(1)));
        match share.stages_times {
            Some(times) => {
                let (index, of) = (u64::from(share.index), u64::from(share.of.max(1)));
                let line = Line::new(&load.stages, f64::from(times));
                Self { line, first: index + of * worker, step: of * workers }
            }
            None => {
                let planned = match load.mode {
                    Mode::Avalanche { connections } => connections,
                    Mode::Tsunami { .. } => 0,
                };
                let users = f64::from(share.connections.unwrap_or(planned));
                let length =
                    load.duration.map_or(FOREVER, |duration| nanos(load.warmup.saturating_add(duration)));
                Self { line: Line::level(users, length), first: worker, step: workers }
            }
        }
    }

    /// The number in the fleet (without stages: in the driver) of one of these users.
    pub fn number(&self, user: u32) -> u64 {
        self.first + u64::from(user) * self.step
    }

    /// How many of these users there ever are.
    pub fn users(&self) -> u32 {
        let highest = self.line.pieces().iter().map(|piece| piece.begin.max(piece.end)).fold(0.0, f64::max);
        self.own(highest.ceil() as u64)
    }

    /// How many of them are active: the first ones.
    pub fn active(&self, at: Nanos) -> u32 {
        let Some(piece) = self.piece(at) else { return 0 };
        let mut all = piece.level(at).ceil() as u64;
        // Instants are rounded, so the level may be off by one.
        while all > 0 && !is_active_in(piece, all - 1, at) {
            all -= 1;
        }
        while is_active_in(piece, all, at) {
            all += 1;
        }
        self.own(all)
    }

    /// Whether one of them is.
    pub fn is_active(&self, user: u32, at: Nanos) -> bool {
        self.piece(at).is_some_and(|piece| is_active_in(piece, self.number(user), at))
    }

    /// The first instant after `at` at which one of them becomes active, or ceases to be: then whether it is. `None`: it
    /// stays as it is.
    pub fn next_change(&self, user: u32, at: Nanos) -> Option<(Nanos, bool)> {
        let (number, is) = (self.number(user), self.is_active(user, at));
        let changes = self.line.pieces().iter().filter(|piece| piece.to > at).find_map(|piece| {
            let instants = [Some(piece.from), crossing(piece, number)];
            let later = instants.into_iter().flatten().filter(|instant| *instant > at && *instant < piece.to);
            later.map(|instant| (instant, is_active_in(piece, number, instant))).find(|(_, then)| *then != is)
        });
        changes.or_else(|| is.then_some((self.line.end(), false)))
    }

    /// The first instant after `at` at which more or fewer of them are active.
    pub fn changes_after(&self, at: Nanos) -> Option<Nanos> {
        // Those that are active are the first ones: the next to come, or the last of them to go.
        let active = self.active(at);
        let to_go = active.checked_sub(1).and_then(|last| self.next_change(last, at));
        self.next_change(active, at).into_iter().chain(to_go).map(|(instant, _)| instant).min()
    }

    /// When the last of them ends.
    pub fn end(&self) -> Nanos {
        self.line.end()
    }

    fn piece(&self, at: Nanos) -> Option<&Piece> {
        self.line.pieces().iter().find(|piece| (piece.from..piece.to).contains(&at))
    }

    /// How many of the first `all` users of the fleet are these.
    fn own(&self, all: u64) -> u32 {
        u32::try_from(all.saturating_sub(self.first).div_ceil(self.step)).unwrap_or(u32::MAX)
    }
}

/// Where the line of a piece passes a user on a ramp.
fn crossing(piece: &Piece, number: u64) -> Option<Nanos> {
    let number = number as f64;
    let (low, high) = (piece.begin.min(piece.end), piece.begin.max(piece.end));
    if !(low <= number && number < high) {
        return None;
    }
    let part = (number - piece.begin) / (piece.end - piece.begin);
    Some(piece.from + (piece.length() * part).round() as Nanos)
}

fn is_active_in(piece: &Piece, number: u64, at: Nanos) -> bool {
    match crossing(piece, number) {
        Some(crossing) if piece.end > piece.begin => at >= crossing,
        Some(crossing) => at < crossing,
        None => piece.begin > number as f64,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::plan::program::Stage;
    use proptest::prelude::*;

    use super::*;

    const S: Nanos = 1_000_000_000;

    fn stage(level: u32, ramp_s: u64, hold_s: u64) -> Stage {
        let (ramp, hold) = (Duration::from_secs(ramp_s), Duration::from_secs(hold_s));
        Stage { level: f64::from(level), ramp, hold }
    }

    fn users(stages: &[Stage], first: u64, step: u64) -> UserStages {
        UserStages { line: Line::new(stages, 1.0), first, step }
    }

    #[test]
    fn users_come_and_go_with_the_line() {
        let all = users(&[stage(4, 4, 2), stage(2, 2, 1), stage(3, 0, 5)], 0, 1);
        let table = [
            (-1, 0),
            (0, 1),
            (S - 1, 1),
            (S, 2),
            (3 * S, 4),
            (6 * S - 1, 4),
            (6 * S, 4),
            // From 4 to 2 in 2 s: user 3 goes when the line falls to 3, user 2 when it is at 2.
            (7 * S - 1, 4),
            (7 * S, 3),
            (8 * S, 2),
            (9 * S, 3),
            (14 * S - 1, 3),
            (14 * S, 0),
        ];
        for (at, active) in table {
            assert_eq!(all.active(at), active, "at {at}");
        }
        assert_eq!((all.users(), all.end()), (4, 14 * S));
        assert_eq!(all.next_change(2, -1), Some((2 * S, true)));
        assert_eq!(all.next_change(2, 2 * S), Some((8 * S, false)));
        assert_eq!(all.next_change(2, 8 * S), Some((9 * S, true)));
        assert_eq!(all.next_change(2, 9 * S), Some((14 * S, false)));
        assert_eq!(all.next_change(2, 14 * S), None);
        assert_eq!(all.next_change(3, 7 * S), None);
        assert_eq!((all.changes_after(2 * S), all.changes_after(4 * S)), (Some(3 * S), Some(7 * S)));
    }

    #[test]
    fn a_jump_begins_with_all() {
        let all = users(&[stage(500, 0, 10)], 0, 1);
        assert_eq!((all.active(-1), all.active(0), all.active(10 * S)), (0, 500, 0));
        assert_eq!(all.next_change(499, -5), Some((0, true)));
        assert_eq!(all.next_change(500, -5), None);
    }

    fn stages() -> impl Strategy<Value = Vec<Stage>> {
        prop::collection::vec(
            (0..20_u32, 0..4_u64, 0..4_u64).prop_map(|(l, ramp, hold)| stage(l, ramp, hold)),
            0..5,
        )
    }

    proptest! {
        #[test]
        fn drivers_and_workers_share_the_users_of_a_fleet(plan in stages(), parts in 1..7_u64, at in -1..20_000_i64) {
            let at = at * 1_000_000;
            let whole = users(&plan, 0, 1);
            let split: Vec<_> = (0..parts).map(|first| users(&plan, first, parts)).collect();
            prop_assert_eq!(split.iter().map(|part| part.active(at)).sum::<u32>(), whole.active(at));
            prop_assert_eq!(split.iter().map(UserStages::users).sum::<u32>(), whole.users());
        }

        #[test]
        fn changes_are_all_there_is(plan in stages(), first in 0..3_u64, step in 1..4_u64) {
            let users = users(&plan, first, step);
            let (mut at, mut changes) = (-1, vec![-1]);
            while let Some(next) = users.changes_after(at) {
                prop_assert!(next > at && next <= users.end());
                prop_assert_ne!(users.active(next), users.active(at));
                prop_assert_eq!(users.active(next - 1), users.active(at), "nothing in between");
                at = next;
                changes.push(at);
                prop_assert!(changes.len() < 1_000);
            }
            prop_assert_eq!(users.active(at), 0);
            for at in changes {
                for user in 0..users.users() + 1 {
                    prop_assert_eq!(users.is_active(user, at), user < users.active(at));
                    if let Some((then, is)) = users.next_change(user, at) {
                        prop_assert_eq!((users.is_active(user, then), users.is_active(user, then - 1)), (is, !is));
                    }
                }
            }
        }
    }
}

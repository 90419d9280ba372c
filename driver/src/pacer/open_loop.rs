//! One worker's part of an open loop: what becomes of each tick it owns. A tick is sent or dropped,
//! exactly once, in order, and never before it is due.

use std::time::Duration;

use super::changing::Changing;
use super::schedule::{Own, Schedule, Tick, nanos};
use crate::start_at::Nanos;

/// What an open loop may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Most attempts in flight.
    pub places: u32,
    /// Lateness up to which a worker counts as on time.
    pub max_lag: Nanos,
    /// How much missed schedule is sent after a pause; what is older is dropped.
    pub max_catch_up: Nanos,
}

impl Rules {
    /// The rules of a plan for a worker with so many places.
    pub fn new(places: u32, max_lag: Duration, max_catch_up: Duration) -> Self {
        Self { places, max_lag: nanos(max_lag), max_catch_up: nanos(max_catch_up) }
    }

    /// What becomes of something that is due, so late, while so many places are taken (see [`OpenLoop::decide`]).
    pub fn judge(&self, late_by: Nanos, taken: u32, all_read: bool) -> Judged {
        if late_by > self.max_catch_up {
            Judged::DropLate
        } else if taken < self.places {
            Judged::Send
        } else if !all_read {
            Judged::ReadFirst
        } else if late_by > self.max_lag {
            Judged::DropLate
        } else {
            Judged::DropInFlight
        }
    }
}

/// What becomes of a tick or a session that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It begins.
    Send,
    /// Nothing yet: all that is readable is to be read first.
    ReadFirst,
    /// It is dropped: all places are taken.
    DropInFlight,
    /// It is dropped: this driver is late.
    DropLate,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Send(Tick),
    /// All places are taken: read all that is readable, then ask again.
    ReadFirst,
    /// Not sent, because all places are taken: the target's doing, if this window leaves the worker idle time.
    DropInFlight(Tick),
    /// Not sent, because the worker was late: this driver's doing.
    DropLate(Tick),
    /// Nothing is due before then.
    WaitUntil(Nanos),
    /// No tick is left.
    Done,
}

/// The ticks of one worker.
#[derive(Debug, Clone)]
pub struct OpenLoop {
    /// It has reached `next`.
    schedule: Changing,
    rules: Rules,
    step: u64,
    next: u64,
    /// From one of the driver's ticks to its next one, in ticks of the schedule.
    driver_step: f64,
    /// A gap between two sends that is shorter than this, half the driver's own delay, is a short one.
    short_gap_ns: f64,
    last_sent: Option<Nanos>,
}

impl OpenLoop {
    /// Worker `worker` of `workers` (at least 1) of a driver that owns these ticks of a schedule.
    pub fn new(schedule: Schedule, own: Own, rules: Rules, worker: u32, workers: u32) -> Self {
        let driver_step = own.step as f64;
        let short_gap_ns = schedule.interval_ns() * driver_step / 2.0;
        let Own { first, step } = own.part(worker, workers);
        Self {
            schedule: schedule.into(),
            rules,
            step,
            next: first,
            driver_step,
            short_gap_ns,
            last_sent: None,
        }
    }

    /// Another rate of the schedule from an instant on (see [`Changing::change`]).
    pub fn change(&mut self, at: Nanos, rate_per_s: f64) {
        self.schedule.change(at, rate_per_s);
        self.reached();
    }

    /// Whether a change of the rate could make a tick due, though none is left: until then the load is not over.
    pub fn may_grow(&self, now: Nanos) -> bool {
        self.schedule.may_grow(self.next, now)
    }

    fn advance(&mut self) {
        self.next = self.next.saturating_add(self.step);
        self.reached();
    }

    fn reached(&mut self) {
        if self.schedule.reach(self.next) {
            self.short_gap_ns = self.schedule.interval_ns() * self.driver_step / 2.0;
        }
    }

    /// Decides about the next tick. `all_read`: nothing readable was left unread after all places were found taken.
    ///
    /// Catch-up after a pause: ticks that are at most `max_catch_up` late are still sent, as fast as places become
    /// free. Their response times count from when they were due, so the pause shows in the figures. Older ticks are
    /// dropped as late, which limits the burst after a pause to `max_catch_up` of schedule.
    ///
    /// A place may be taken only because its answer has not been read yet, so the caller must read first
    /// (`ReadFirst`). If no place is free then either, a tick that is on time (at most `max_lag` late) counts as
    /// dropped because of the target, and a later one as dropped because of this worker.
    pub fn decide(&mut self, now: Nanos, in_flight: u32, all_read: bool) -> Decision {
        let Some(tick) = self.schedule.tick(self.next) else { return Decision::Done };
        let late_by = now.saturating_sub(tick.due);
        if late_by < 0 {
            return Decision::WaitUntil(tick.due);
        }
        let decision = match self.rules.judge(late_by, in_flight, all_read) {
            Judged::ReadFirst => return Decision::ReadFirst,
            Judged::Send => Decision::Send(tick),
            Judged::DropInFlight => Decision::DropInFlight(tick),
            Judged::DropLate => Decision::DropLate(tick),
        };
        self.advance();
        decision
    }

    /// When the next tick is due; `None`: there is none.
    pub fn next_due(&self) -> Option<Nanos> {
        self.schedule.tick(self.next).map(|tick| tick.due)
    }

    /// Ends the schedule now: no tick after it falls due, and the next call of [`OpenLoop::overdue`] hands
    /// out those that did and were neither sent nor dropped.
    pub fn overdue(&mut self, now: Nanos) -> Option<Tick> {
        let tick = self.schedule.tick(self.next).filter(|tick| tick.due <= now)?;
        self.advance();
        Some(tick)
    }

    /// Notes that an attempt began; returns whether the gap since the last one was shorter than half the delay.
    pub fn began(&mut self, at: Nanos) -> bool {
        let last = self.last_sent.replace(at);
        last.is_some_and(|last| ((at - last) as f64) < self.short_gap_ns)
    }

    pub fn schedule(&self) -> &Changing {
        &self.schedule
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use common::ids::NodeId;
    use common::plan::share_out;
    use proptest::prelude::*;

    use super::*;

    const MS: Nanos = 1_000_000;

    fn a_hundred_a_second(places: u32, requests: u64) -> OpenLoop {
        let schedule = Schedule::new(100.0, (0, 1), Duration::ZERO, Some(requests), None);
        let rules = Rules::new(places, Duration::from_millis(5), Duration::from_secs(1));
        OpenLoop::new(schedule, Own::ALL, rules, 0, 1)
    }

    fn described(decision: Decision) -> (&'static str, u64) {
        match decision {
            Decision::Send(tick) => ("send", tick.number),
            Decision::DropInFlight(tick) => ("in flight", tick.number),
            Decision::DropLate(tick) => ("late", tick.number),
            Decision::ReadFirst => ("read first", 0),
            Decision::WaitUntil(at) => ("wait", (at / MS) as u64),
            Decision::Done => ("done", 0),
        }
    }

    #[test]
    fn each_tick_is_sent_when_due() {
        let mut pacer = a_hundred_a_second(8, 2);
        let table = [
            ("before the start", -3 * MS, ("wait", 0)),
            ("at the start", 0, ("send", 0)),
            ("the next is 10 ms later", 0, ("wait", 10)),
            ("one ns early", 10 * MS - 1, ("wait", 10)),
            ("on time", 10 * MS, ("send", 1)),
            ("all were sent", 10 * MS, ("done", 0)),
        ];
        for (caption, now, expected) in table {
            assert_eq!(described(pacer.decide(now, 0, false)), expected, "{caption}");
        }
    }

    #[test]
    fn a_tick_that_finds_no_free_place_is_dropped_once_all_was_read() {
        let mut pacer = a_hundred_a_second(2, 9);
        let table = [
            ("a place is free", 0, 1, false, ("send", 0)),
            ("no place is", 10 * MS, 2, false, ("read first", 0)),
            ("an answer was there to read", 10 * MS, 1, true, ("send", 1)),
            ("nothing was", 20 * MS, 2, true, ("in flight", 2)),
            ("5 ms late is on time", 35 * MS, 2, true, ("in flight", 3)),
            ("later is our doing", 45 * MS + 1, 2, true, ("late", 4)),
            ("late but a place is free", 59 * MS, 1, true, ("send", 5)),
        ];
        for (caption, now, in_flight, all_read, expected) in table {
            assert_eq!(described(pacer.decide(now, in_flight, all_read)), expected, "{caption}");
        }
    }

    #[test]
    fn after_a_pause_one_second_of_ticks_is_sent_and_the_rest_is_late() {
        let mut pacer = a_hundred_a_second(1_000, 1_000);
        let (mut sent, mut late) = (0, 0);
        loop {
            match pacer.decide(3_000 * MS, 0, false) {
                Decision::Send(tick) => sent += i32::from(tick.due >= 2_000 * MS),
                Decision::DropLate(tick) => late += i32::from(tick.due < 2_000 * MS),
                other => break assert_eq!(described(other), ("wait", 3_010)),
            }
        }
        assert_eq!((sent, late), (101, 200));
    }

    #[test]
    fn a_stop_drops_what_was_due_and_schedules_no_more() {
        let mut pacer = a_hundred_a_second(8, 9);
        let overdue: Vec<_> = std::iter::from_fn(|| pacer.overdue(25 * MS)).map(|tick| tick.number).collect();
        assert_eq!(overdue, [0, 1, 2]);
    }

    #[test]
    fn gaps_below_half_the_delay_are_short() {
        let mut pacer = a_hundred_a_second(8, 9);
        let short: Vec<_> = [0, 4 * MS, 9 * MS, 20 * MS].into_iter().map(|at| pacer.began(at)).collect();
        assert_eq!(short, [false, true, false, false]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Whatever the rate, the workers, the places, the pauses and the answers: every tick is handled exactly
        /// once, in order, by the worker that owns it, and never early.
        #[test]
        fn every_tick_is_sent_or_dropped_exactly_once_and_never_early(
            rate in 0.5..50_000.0_f64,
            workers in 1..9_u32,
            places in 1..50_u32,
            requests in 1..400_u64,
            warmup_ms in 0..50_u64,
            part in (0..8_u32).prop_map(|index| (index, 8)),
            steps in prop::collection::vec((0..3_000_000_000_i64, 0..60_u32, any::<bool>()), 1..30),
        ) {
            let schedule = Schedule::new(rate, part, Duration::from_millis(warmup_ms), Some(requests), None);
            let rules = Rules::new(places, Duration::from_millis(5), Duration::from_secs(1));
            let mut handled = BTreeSet::new();
            for worker in 0..workers {
                let mut pacer = OpenLoop::new(schedule, Own::ALL, rules, worker, workers);
                let (mut now, mut last_due) = (-5, Nanos::MIN);
                let mut steps = steps.iter().cycle();
                let mut n_handled = 0_u64;
                while let Some((pause, mut in_flight, all_read)) = steps.next().copied() {
                    now += pause;
                    let done = loop {
                        let decision = pacer.decide(now, in_flight, all_read);
                        let tick = match decision {
                            Decision::Done => break true,
                            Decision::WaitUntil(due) => {
                                prop_assert!(due > now);
                                // Jump to it now and then, as a waiter does, so that slow schedules end too.
                                now = due;
                                break false;
                            }
                            Decision::ReadFirst => {
                                prop_assert!(in_flight >= places && !all_read);
                                in_flight = 0;
                                continue;
                            }
                            Decision::Send(tick) => {
                                prop_assert!(in_flight < places);
                                prop_assert!(now - tick.due <= rules.max_catch_up);
                                in_flight += 1;
                                tick
                            }
                            Decision::DropInFlight(tick) => {
                                prop_assert!(in_flight >= places && all_read && now - tick.due <= rules.max_lag);
                                tick
                            }
                            Decision::DropLate(tick) => {
                                prop_assert!(now - tick.due > rules.max_lag);
                                tick
                            }
                        };
                        prop_assert!(tick.due <= now, "never before it is due");
                        prop_assert!(tick.due >= last_due, "in order");
                        prop_assert_eq!(tick.number % u64::from(workers), u64::from(worker));
                        prop_assert!(handled.insert(tick.number), "once");
                        last_due = tick.due;
                        n_handled += 1;
                    };
                    if done || n_handled > schedule.ticks() {
                        break;
                    }
                }
            }
            prop_assert_eq!(handled.len() as u64, schedule.ticks());
        }

        /// Whatever the rate, the drivers, the workers of each, the duration and the warm-up: the ticks that all
        /// workers of all drivers of a fleet own are those of one driver that sends alone, each once, with the
        /// same due times, in the warm-up or not.
        #[test]
        fn a_fleets_ticks_are_those_of_one_driver_each_once(
            rate in prop_oneof![0.05..5.0_f64, 5.0..3_000.0_f64],
            workers in prop::collection::vec(1..9_u32, 1..8),
            duration_ms in 1..2_000_u64,
            warmup_ms in prop_oneof![Just(0_u64), 1..700_u64],
            requests in prop::option::of(7..900_u64),
        ) {
            let requests = requests.map_or(String::new(), |n| format!("requests = {n}\n"));
            let plan = |per: &str| {
                let text = format!(
                    "per = '{per}'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = {rate}\n\
                     duration = '{duration_ms}ms'\nwarmup = '{warmup_ms}ms'\n{requests}"
                );
                common::plan::read(&text, common::plan::PlanFormat::Toml).unwrap()
            };
            let names = |n: usize| (0..n).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect::<Vec<_>>();
            let fleet = plan("fleet");
            let mut sent = Vec::new();
            for ((_, share), workers) in share_out(&fleet, &names(workers.len())).unwrap().into_iter().zip(&workers) {
                let (schedule, own) = Schedule::of_share(&share, &fleet.load);
                for worker in 0..*workers {
                    let rules = Rules::new(1, Duration::ZERO, Duration::ZERO);
                    let mut pacer = OpenLoop::new(schedule, own, rules, worker, *workers);
                    sent.extend(std::iter::from_fn(|| pacer.overdue(Nanos::MAX)));
                }
                let length = share.planned_length(&fleet.load).unwrap().as_nanos() as i64;
                prop_assert!((schedule.to() - schedule.from() - length).abs() <= 1, "the length that is planned");
                prop_assert_eq!(schedule.from(), warmup_ms as i64 * MS, "all drivers begin together");
            }
            sent.sort_by_key(|tick| tick.number);
            let alone = plan("driver");
            let (one, own) = Schedule::of_share(&share_out(&alone, &names(1)).unwrap()[0].1, &alone.load);
            let expected: Vec<_> = (0..).map_while(|number| one.tick(number)).collect();
            prop_assert_eq!((own, one.ticks()), (Own::ALL, expected.len() as u64));
            prop_assert_eq!(sent, expected);
        }
    }

    /// As many as one driver would send: ⌈rate × duration⌉.
    #[test]
    fn a_fleet_sends_no_more_and_no_fewer_requests_than_one_driver() {
        for (rate, seconds, drivers, expected) in [
            (0.5, 2, 3, &[1, 0, 0][..]),
            (7.0, 3, 2, &[11, 10]),
            (0.4, 6, 2, &[2, 1]),
            (3.0, 5, 4, &[4, 4, 4, 3]),
            (100.0, 1, 3, &[34, 33, 33]),
        ] {
            let text = format!(
                "per = 'fleet'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = {rate}\n\
                 duration = '{seconds}s'\n"
            );
            let plan = common::plan::read(&text, common::plan::PlanFormat::Toml).unwrap();
            let names: Vec<_> = (0..drivers).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
            let sent = share_out(&plan, &names).unwrap().into_iter().map(|(_, share)| {
                let (schedule, own) = Schedule::of_share(&share, &plan.load);
                let rules = Rules::new(1, Duration::ZERO, Duration::ZERO);
                let mut pacer = OpenLoop::new(schedule, own, rules, 0, 1);
                std::iter::from_fn(|| pacer.overdue(Nanos::MAX)).count()
            });
            assert_eq!(sent.collect::<Vec<_>>(), expected, "{rate}/s for {seconds} s over {drivers}");
        }
    }

    #[test]
    fn gaps_of_a_fleets_driver_go_by_its_own_delay() {
        // 100/s over 4 drivers: 40 ms between two requests of one driver.
        let schedule = Schedule::new(100.0, (0, 1), Duration::ZERO, Some(40), None);
        let rules = Rules::new(8, Duration::from_millis(5), Duration::from_secs(1));
        let mut pacer = OpenLoop::new(schedule, Own::ALL.part(1, 4), rules, 0, 1);
        assert_eq!(described(pacer.decide(0, 0, false)), ("wait", 10));
        let short: Vec<_> = [10 * MS, 29 * MS, 50 * MS].into_iter().map(|at| pacer.began(at)).collect();
        assert_eq!(short, [false, true, false]);
    }
}

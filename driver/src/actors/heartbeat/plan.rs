//! What a driver's heartbeat publishes next. Pure.
//!
//! One record is on its way at a time. What is wanted meanwhile is noted here and published after it: a state, a
//! registration and the end of a classic test until Kafka has them, a refusal and the goodbye once, in the order in
//! which they were asked for. What Kafka does not take waits for the next look, and holds up nothing else.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use common::ids::Epoch;
use common::wire::DriverState;

use super::pace::Pace;
use crate::life::{Over, Reply};

/// Most signs that wait for Kafka. Each test has two at most, and the life of a driver holds 32 tests.
pub(super) const MAX_SIGNS: usize = 64;
/// Most refusals that wait for Kafka: a later one is dropped.
pub(super) const MAX_REFUSALS: usize = 32;

/// One record that announces the end of a classic test to orchestrators that wait for more than its last report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// A bare word on the metrics topic.
    Word(String),
    /// A heartbeat `"NO"`. The driver does not leave: its next heartbeat is `"YES"` again.
    No,
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// The registration, with this address.
    Register(IpAddr),
    /// A heartbeat with the state of the driver.
    Beat(Reply),
    /// A heartbeat with a state that does not last.
    Refusal(Reply),
    Sign(Sign),
    /// The heartbeat `"NO"` of a driver that leaves.
    Goodbye,
}

/// Whether a record is wanted that is published until Kafka has it.
#[derive(Debug, Default)]
struct Want {
    wanted: bool,
    /// Kafka did not take it since the last look.
    failed: bool,
}

impl Want {
    fn want(&mut self) {
        *self = Self { wanted: true, failed: false };
    }

    /// Whether it is to be published now; then it is not wanted any more.
    fn take(&mut self) -> bool {
        let now = self.wanted && !self.failed;
        self.wanted &= !now;
        now
    }

    fn fail(&mut self) {
        *self = Self { wanted: true, failed: true };
    }
}

#[derive(Debug)]
pub(super) struct Plan {
    pace: Pace,
    /// Of this machine towards Kafka; `None` until the link is up.
    address: Option<IpAddr>,
    /// Epoch of our newest orchestrator.
    orchestrator: Option<Epoch>,
    answer: Reply,
    register: Want,
    beat: Want,
    beaten_at: Option<Instant>,
    signs: VecDeque<Sign>,
    sign_failed: bool,
    /// Refusals and the goodbye, the oldest first.
    once: VecDeque<Next>,
    leaving: bool,
}

impl Plan {
    /// A plan of a driver that is idle and has no link to Kafka.
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            address: None,
            orchestrator: None,
            answer: Reply::idle(),
            register: Want { wanted: true, failed: false },
            beat: Want::default(),
            beaten_at: None,
            signs: VecDeque::new(),
            sign_failed: false,
            once: VecDeque::new(),
            leaving: false,
        }
    }

    /// The time between two looks.
    pub(super) fn look_every(&self) -> Duration {
        self.pace.look
    }

    /// Looks again at what failed, and whether a heartbeat is due. There is no look while a record is on its way: a
    /// heartbeat that would be due then is dropped.
    pub(super) fn look(&mut self, now: Instant) {
        self.register.failed = false;
        self.beat.failed = false;
        self.sign_failed = false;
        let running = self.answer.state == DriverState::Running;
        let is_due = |at: Instant| self.pace.is_due(now.saturating_duration_since(at), running);
        if self.beaten_at.is_none_or(is_due) {
            self.beat.want();
        }
    }

    /// Kafka can be used, or another Kafka.
    pub(super) fn link_up(&mut self, address: IpAddr, moved: bool) {
        self.address = Some(address);
        if moved {
            self.orchestrator = None;
        }
        self.register.want();
    }

    /// A heartbeat of one of our orchestrators was received: each new one wants a registration.
    pub(super) fn orchestrator_seen(&mut self, epoch: Epoch) {
        if self.orchestrator.is_none_or(|newest| newest < epoch) {
            self.orchestrator = Some(epoch);
            self.register.want();
        }
    }

    pub(super) fn register_again(&mut self) {
        self.register.want();
    }

    /// The state has changed, and heartbeats repeat it. Where it changes again before it is published, the later one
    /// counts.
    pub(super) fn set_state(&mut self, answer: Reply) {
        self.answer = answer;
        self.beat.want();
    }

    /// A state to publish once; false: too many wait.
    #[must_use]
    pub(super) fn refuse(&mut self, answer: Reply) -> bool {
        let has_room = self.once.len() < MAX_REFUSALS;
        if has_room {
            self.once.push_back(Next::Refusal(answer));
        }
        has_room
    }

    /// A classic test is over; false: too many signs wait for all of its own to join them.
    #[must_use]
    pub(super) fn announce_end(&mut self, over: Over) -> bool {
        let signs = over.word.map(Sign::Word).into_iter().chain(over.no.then_some(Sign::No));
        for sign in signs {
            if self.signs.len() >= MAX_SIGNS {
                return false;
            }
            self.signs.push_back(sign);
        }
        true
    }

    /// The driver leaves: what is wanted is not published any more, and the goodbye is the last record. False where it
    /// cannot be published, because the link was never up.
    #[must_use]
    pub(super) fn leave(&mut self) -> bool {
        self.leaving = true;
        if self.address.is_some() {
            self.once.push_back(Next::Goodbye);
        }
        self.address.is_some()
    }

    /// What to publish now. The next question comes when [`Plan::published`] was called for it.
    pub(super) fn next(&mut self, now: Instant) -> Option<Next> {
        if let Some(once) = self.once.pop_front() {
            return Some(once);
        }
        let address = self.address.filter(|_| !self.leaving)?;
        if self.register.take() {
            return Some(Next::Register(address));
        }
        // No heartbeat comes before the registration.
        if !self.register.wanted && self.beat.take() {
            self.beaten_at = Some(now);
            return Some(Next::Beat(self.answer.clone()));
        }
        if self.sign_failed || self.is_led_by_ours() {
            return None;
        }
        self.signs.front().cloned().map(Next::Sign)
    }

    /// Our own orchestrator reads `"NO"` as the driver leaving. While one of its tests waits or runs here, announcements
    /// to classic orchestrators wait.
    fn is_led_by_ours(&self) -> bool {
        self.answer.revision.is_some()
            && matches!(self.answer.state, DriverState::Ready | DriverState::Running)
    }

    /// Kafka has a record, or did not take it.
    pub(super) fn published(&mut self, record: &Next, taken: bool) {
        match (record, taken) {
            (Next::Register(_), true) => self.beat.want(),
            (Next::Register(_), false) => self.register.fail(),
            // It may have been the first of a new state.
            (Next::Beat(_), false) => self.beat.fail(),
            (Next::Sign(_), true) => drop(self.signs.pop_front()),
            (Next::Sign(_), false) => self.sign_failed = true,
            (Next::Beat(_), true) | (Next::Refusal(_) | Next::Goodbye, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use common::ids::TestId;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A plan that beats each second, and the ms that have passed.
    struct Scene {
        plan: Plan,
        start: Instant,
        ms: u64,
    }

    impl Scene {
        fn new() -> Self {
            Self { plan: Plan::new(Pace::new(Duration::from_secs(1))), start: Instant::now(), ms: 0 }
        }

        /// One whose link is up, and which has registered and beaten.
        fn registered() -> Self {
            let mut scene = Self::new();
            scene.plan.link_up(HERE, false);
            assert_eq!(scene.publish(true), ["register", "idle"]);
            scene
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_millis(self.ms)
        }

        /// Publishes all that is to be published now, in short; Kafka takes all of it or nothing.
        fn publish(&mut self, taken: bool) -> Vec<String> {
            let mut published = Vec::new();
            while let Some(next) = self.plan.next(self.now()) {
                published.push(short(&next));
                self.plan.published(&next, taken);
            }
            published
        }

        /// The same at the next look, 250 ms later.
        fn look(&mut self, taken: bool) -> Vec<String> {
            self.ms += 250;
            self.plan.look(self.now());
            self.publish(taken)
        }
    }

    fn short(next: &Next) -> String {
        match next {
            Next::Register(_) => "register".to_owned(),
            Next::Beat(answer) => format!("{:?}", answer.state).to_lowercase(),
            Next::Refusal(answer) => format!("once {:?}", answer.state).to_lowercase(),
            Next::Sign(Sign::Word(word)) => word.clone(),
            Next::Sign(Sign::No) => "NO".to_owned(),
            Next::Goodbye => "goodbye".to_owned(),
        }
    }

    fn state(state: DriverState) -> Reply {
        Reply { state, revision: Some(1), ..Reply::idle() }
    }

    fn over(word: Option<&str>, no: bool) -> Over {
        Over { test_id: TestId::new("c").unwrap(), word: word.map(str::to_owned), no }
    }

    #[test]
    fn nothing_is_published_before_the_link_is_up_and_no_beat_before_the_registration() {
        let mut scene = Scene::new();
        scene.plan.set_state(state(DriverState::Ready));
        assert_eq!(scene.look(true), [""; 0], "no link");
        scene.plan.link_up(HERE, false);
        assert_eq!(scene.publish(false), ["register"]);
        assert_eq!(scene.publish(true), [""; 0], "not before the next look");
        assert_eq!(scene.look(true), ["register", "ready"]);
    }

    #[test]
    fn it_beats_each_second_and_four_times_a_second_while_a_test_runs() {
        let mut scene = Scene::registered();
        let beats: Vec<usize> = (0..8).map(|_| scene.look(true).len()).collect();
        assert_eq!(beats, [0, 0, 0, 1, 0, 0, 0, 1]);
        scene.plan.set_state(state(DriverState::Running));
        assert_eq!(scene.publish(true), ["running"], "at once");
        assert_eq!([scene.look(true), scene.look(true)], [["running"], ["running"]]);
    }

    #[test]
    fn what_kafka_does_not_take_is_published_again_and_holds_up_nothing_else() {
        let mut scene = Scene::registered();
        scene.plan.register_again();
        scene.plan.set_state(state(DriverState::Refused));
        assert!(scene.plan.announce_end(over(Some("EOT"), true)));
        assert_eq!(scene.publish(false), ["register", "EOT"]);
        assert_eq!(scene.look(false), ["register", "EOT"]);
        assert_eq!(scene.look(true), ["register", "refused", "EOT", "NO"]);
        assert_eq!(scene.look(true), [""; 0]);
    }

    #[test]
    fn what_is_wanted_while_it_is_on_its_way_is_published_again() {
        let mut scene = Scene::registered();
        scene.plan.set_state(state(DriverState::Ready));
        let beat = scene.plan.next(scene.now()).unwrap();
        scene.plan.set_state(state(DriverState::Running));
        scene.plan.set_state(Reply::idle());
        scene.plan.published(&beat, true);
        assert_eq!(scene.publish(true), ["idle"], "the last state alone");
        scene.plan.register_again();
        let register = scene.plan.next(scene.now()).unwrap();
        scene.plan.orchestrator_seen(Epoch(7));
        scene.plan.published(&register, true);
        assert_eq!(scene.publish(true), ["register", "idle"], "once more for the new orchestrator");
    }

    #[test]
    fn each_new_orchestrator_gets_one_registration() {
        let mut scene = Scene::registered();
        for (epoch, expected, caption) in
            [(5, 1, "a first one"), (5, 0, "again"), (4, 0, "an older one"), (6, 1, "its next life")]
        {
            scene.plan.orchestrator_seen(Epoch(epoch));
            let n = scene.publish(true).iter().filter(|record| *record == "register").count();
            assert_eq!(n, expected, "{caption}");
        }
        scene.plan.link_up(HERE, true);
        scene.plan.orchestrator_seen(Epoch(1));
        assert_eq!(scene.publish(true), ["register", "idle"], "that of another kafka may be older");
    }

    #[test]
    fn ends_of_classic_tests_wait_while_our_own_orchestrator_leads() {
        let mut scene = Scene::registered();
        scene.plan.set_state(state(DriverState::Ready));
        assert!(scene.plan.announce_end(over(None, true)));
        assert_eq!(scene.publish(true), ["ready"]);
        scene.plan.set_state(Reply::idle());
        assert_eq!(scene.publish(true), ["idle", "NO"], "it is idle before it says no");
    }

    #[test]
    fn refusals_and_the_goodbye_are_published_once_in_their_order_and_the_goodbye_is_the_last() {
        let mut scene = Scene::registered();
        scene.plan.set_state(state(DriverState::Running));
        assert!(scene.plan.refuse(state(DriverState::Refused)));
        assert_eq!(scene.publish(false), ["once refused", "running"]);
        assert!(scene.plan.refuse(state(DriverState::Refused)) && scene.plan.leave());
        assert_eq!(scene.look(false), ["once refused", "goodbye"]);
        assert_eq!(scene.look(true), [""; 0]);
        assert!(!Scene::new().plan.leave(), "without a link there is no goodbye");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut plan = Plan::new(Pace::new(Duration::from_secs(1)));
        assert!((0..MAX_REFUSALS).all(|_| plan.refuse(state(DriverState::Refused))));
        assert!(!plan.refuse(state(DriverState::Refused)));
        assert!((0..MAX_SIGNS / 2).all(|_| plan.announce_end(over(Some("EOT"), true))));
        assert!(!plan.announce_end(over(Some("EOT"), true)));
    }
}

//! Follows one test from its trigger to its verdict: progress while it runs, Ctrl-C once to stop it, twice to leave. Or
//! one that someone else started, which is only looked at.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use common::plan::write_duration;
use common::wire::Reason;
use orchestrator::model::{DriverView, TestState, TestView};

use crate::call_error::CallError;
use crate::client::{Client, LONGEST_WAIT};
use crate::exit::Stop;
use crate::patience::patience;
use crate::progress::{ProgressView, Rested};
use crate::signals::Interrupts;

/// How often the test is looked at: drivers report their counters four times a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The same in the first seconds: a short test is reported soon after its end.
const LOOK_AT_FIRST_EVERY: Duration = Duration::from_millis(25);

/// How long that shorter interval applies.
const AT_FIRST: Duration = Duration::from_secs(2);

/// How long the orchestrator may be unreachable before we give up: a restart takes a few seconds.
const AWAY: Duration = Duration::from_secs(15);

/// How often drivers are looked at while the trigger has no answer yet.
const LOOK_AT_DRIVERS_EVERY: Duration = Duration::from_secs(1);

/// How a test was left.
pub enum Followed {
    Finished(Box<TestView>),
    /// The user left at once; the test as it was seen last, if it was.
    Left(Option<Box<TestView>>),
}

/// What is known of one test while it is followed.
struct Following<'a> {
    client: &'a Client,
    test_id: &'a str,
    progress: &'a ProgressView,
    /// How long it waits for the test under way to end.
    wait: Duration,
    /// The user wants it stopped.
    stopping: Cell<bool>,
    seen: RefCell<Option<Box<TestView>>>,
}

/// Triggers a test and follows it to its end. `wait`: how long it waits for the test under way to end.
///
/// # Errors
/// Where it cannot be triggered, or the orchestrator goes away.
pub async fn follow(
    client: &Client,
    test_id: &str,
    wait: Duration,
    interrupts: &mut Interrupts,
    progress: &ProgressView,
) -> Result<Followed, Stop> {
    let following =
        Following { client, test_id, progress, wait, stopping: Cell::new(false), seen: RefCell::new(None) };
    let outcome = tokio::select! {
        biased; // a user who leaves does not wait for an answer
        () = following.interrupted(interrupts) => Ok(Followed::Left(following.seen.take())),
        finished = following.watch() => finished.map(|test| Followed::Finished(Box::new(test))),
    };
    progress.finish();
    outcome
}

/// Looks at a test that was started elsewhere until it is finished, or the user leaves by a key or by `interrupted`. It is
/// never stopped from here. `None` where the user left: then nothing more is asked, for the orchestrator may be away.
///
/// # Errors
/// Where the orchestrator goes away, or has no such test.
pub async fn look_on(
    client: &Client,
    test_id: &str,
    interrupted: impl Future<Output = ()>,
    progress: &ProgressView,
) -> Result<Option<TestView>, Stop> {
    let looked = async {
        loop {
            let test = look(client, test_id, progress).await?;
            if test.state == TestState::Finished {
                return Ok(Some(test));
            }
            if progress.rest(LOOK_EVERY).await == Rested::Left {
                return Ok(None);
            }
        }
    };
    let outcome = tokio::select! {
        biased;
        () = interrupted => Ok(None),
        looked = looked => looked,
    };
    progress.finish();
    outcome
}

/// Reads a test and shows it, with its newest seconds where they are wanted.
async fn look(client: &Client, test_id: &str, progress: &ProgressView) -> Result<TestView, CallError> {
    let test = insist(|| client.test(test_id)).await?;
    if let Some(from) = progress.wants_seconds(&test) {
        // The next look asks again.
        if let Ok(windows) = client.windows(test_id, from).await {
            progress.take_seconds(&windows);
        }
    }
    progress.show(&test);
    Ok(test)
}

impl Following<'_> {
    /// Stops the test at the first interrupt, and completes at the second.
    async fn interrupted(&self, interrupts: &mut Interrupts) {
        interrupts.next().await;
        self.stopping.set(true);
        self.progress.print("stopping the test; Ctrl-C again leaves at once");
        let stopped = async {
            // If the stop is refused, the next queries of the test show why.
            if let Err(error) = insist(|| self.client.stop(self.test_id)).await {
                self.progress.print(&format!("the test could not be stopped: {error}"));
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = interrupts.next() => {}
            () = stopped => {}
        }
    }

    async fn watch(&self) -> Result<TestView, Stop> {
        let triggered = tokio::select! {
            triggered = self.trigger_or_wait() => triggered,
            never = self.say_who_resolves() => never,
        };
        match triggered {
            // The load has not begun yet, so a user who reads the warning can still stop the test.
            Ok(test) => {
                for warning in &test.warnings {
                    self.progress.print(&format!("warning: {warning}"));
                }
            }
            // The stop ends the barrier, and with it the call to trigger; the rest is read from the test.
            Err(_) if self.stopping.get() => {}
            Err(error) => return Err(error.into()),
        }
        let began = tokio::time::Instant::now();
        loop {
            // A key that leaves the screen leaves one line of progress, and the test goes on.
            self.progress.rest(look_every(began.elapsed())).await;
            let test = look(self.client, self.test_id, self.progress).await?;
            if test.state == TestState::Finished {
                return Ok(test);
            }
            *self.seen.borrow_mut() = Some(Box::new(test));
        }
    }

    /// Prints once for each driver that it is resolving the target's name before the test starts; never returns.
    async fn say_who_resolves(&self) -> Result<TestView, CallError> {
        let mut said = BTreeSet::new();
        loop {
            tokio::time::sleep(LOOK_AT_DRIVERS_EVERY).await;
            // Ignore a failed query: if something is wrong, the answer to the trigger reports it.
            let Ok(drivers) = self.client.drivers().await else { continue };
            for (driver, name) in resolving(&drivers, self.test_id) {
                if said.insert(driver.to_owned()) {
                    self.progress.print(&format!("driver {driver} is resolving {name}"));
                }
            }
        }
    }

    /// Triggers it; where another test is under way, as often as it takes until the wait is over.
    async fn trigger_or_wait(&self) -> Result<TestView, CallError> {
        let mut left = self.wait;
        let mut asked = Duration::ZERO;
        loop {
            let mut problem = match self.trigger(asked).await {
                Err(CallError::Problem(problem)) => problem,
                answered => return answered,
            };
            let Some(other) = problem.under_way.clone() else { return Err(CallError::Problem(problem)) };
            left = left.saturating_sub(asked);
            if left.is_zero() {
                problem.detail = still_under_way(&other, self.wait);
                return Err(CallError::Problem(problem));
            }
            if asked.is_zero() {
                let wait = write_duration(self.wait);
                self.progress
                    .print(&format!("test {other} is under way: waiting for its end, {wait} at most"));
            }
            asked = left.min(LONGEST_WAIT);
        }
    }

    /// Triggers it, and again where the orchestrator went away meanwhile: a second trigger changes nothing.
    async fn trigger(&self, wait: Duration) -> Result<TestView, CallError> {
        let mut tries = AWAY.as_millis() / LOOK_EVERY.as_millis();
        loop {
            match self.client.trigger(self.test_id, wait).await {
                Err(CallError::Unreachable { .. }) if tries > 0 => {
                    tries -= 1;
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                answered => return answered,
            }
        }
    }
}

/// How long to wait before the next look at a test that was triggered so long ago.
fn look_every(since_trigger: Duration) -> Duration {
    if since_trigger < AT_FIRST { LOOK_AT_FIRST_EVERY } else { LOOK_EVERY }
}

/// Drivers of a test that resolve the target's name, each with that name.
fn resolving<'a>(drivers: &'a [DriverView], test_id: &str) -> Vec<(&'a str, &'a str)> {
    let of_test = drivers.iter().filter(|driver| driver.test_id.as_deref() == Some(test_id));
    let name = |driver: &'a DriverView| {
        Some((driver.node_id.as_str(), Reason::resolved_name(driver.reason.as_deref()?)?))
    };
    of_test.filter_map(name).collect()
}

/// Why a test was not triggered: another one was under way for as long as this one waited.
fn still_under_way(other: &str, waited: Duration) -> String {
    if waited.is_zero() {
        return format!("test {other} is under way; one runs at a time; --wait 10m waits for its end");
    }
    format!("test {other} is still under way after {}", write_duration(waited))
}

/// Retries a call until there is an answer, for as long as the orchestrator may be unreachable.
async fn insist<T, F>(call: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let failure = RefCell::new(None);
    let calls = async {
        loop {
            match call().await {
                Err(error) if error.may_heal() => *failure.borrow_mut() = Some(error),
                answered => return answered,
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let answered = tokio::select! {
        biased;
        answered = calls => Some(answered),
        () = patience(AWAY) => None,
    };
    match answered {
        Some(answered) => answered,
        None => Err(failure.take().unwrap_or(CallError::Silent { after: AWAY })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::args::ProgressArg;

    fn driver(node_id: &str, test_id: Option<&str>, reason: Option<&str>) -> DriverView {
        serde_json::from_value(json!({
            "node_id": node_id, "address": null, "classic": false, "state": "ready", "reason": reason,
            "liveness": "alive", "alive": true, "last_seen": "2026-01-01T00:00:00Z", "age_ms": 0, "epoch": 1,
            "version": null, "protocol": 2, "cores": null, "clock_offset_ms": null, "max_rate": null, "labels": {},
            "test_id": test_id, "requests_sent": null,
        }))
        .unwrap()
    }

    #[test]
    fn drivers_of_this_test_that_resolve_are_named_with_the_name_they_resolve() {
        let waits = Reason::Resolving("shop.test").to_string();
        let drivers = [
            driver("resolves", Some("t"), Some(&waits)),
            driver("of another test", Some("u"), Some(&waits)),
            driver("of no test", None, Some(&waits)),
            driver("refuses", Some("t"), Some("its limit is 100/s")),
            driver("is ready", Some("t"), None),
            driver("resolves too", Some("t"), Some(&waits)),
        ];
        assert_eq!(resolving(&drivers, "t"), [("resolves", "shop.test"), ("resolves too", "shop.test")]);
        assert_eq!(resolving(&drivers, "v"), []);
    }

    #[actix_rt::test]
    async fn who_leaves_does_not_wait_for_an_orchestrator_that_is_away() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Client::new(&free.to_string(), None, None).unwrap();
        let progress = ProgressView::new(true, ProgressArg::Line);
        let interrupted = tokio::time::sleep(Duration::from_millis(1));
        let left = look_on(&client, "t", interrupted, &progress).await;
        assert!(left.is_ok_and(|test| test.is_none()));
    }

    #[test]
    fn without_a_wait_the_refusal_names_the_flag_for_one() {
        for (waited_s, expected) in [
            (0, "test other is under way; one runs at a time; --wait 10m waits for its end"),
            (90, "test other is still under way after 90s"),
            (600, "test other is still under way after 10m"),
        ] {
            assert_eq!(still_under_way("other", Duration::from_secs(waited_s)), expected);
        }
    }

    #[test]
    fn a_test_is_looked_at_more_often_in_its_first_seconds() {
        let ms = Duration::from_millis;
        for (since_ms, every_ms) in [(0, 25), (1_999, 25), (2_000, 250), (60_000, 250)] {
            assert_eq!(look_every(ms(since_ms)), ms(every_ms), "{since_ms} ms");
        }
    }
}

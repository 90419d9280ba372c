//! What listeners receive: the present state, what they missed, and no more at a time than is kept.

use super::*;
use crate::fixtures::{driver_view, test_id, test_view};

fn driver(id: &str, state: &str) -> Changed {
    Changed::Driver(Box::new(DriverView { state: state.to_owned(), ..driver_view(id) }))
}

fn events() -> EventsActor {
    EventsActor::new(Epoch(7), Arc::default())
}

/// With a listener that has not read yet.
fn listened_to() -> (EventsActor, mpsc::Receiver<Frame>) {
    let mut events = events();
    let (frames, live) = mpsc::channel(MAX_WAITING);
    events.subscribers.push(Subscriber { test: None, frames });
    (events, live)
}

fn everything() -> Subscribe {
    Subscribe { last_event_id: None, test: None }
}

fn test(id: &str) -> Changed {
    Changed::Test(Box::new(test_view(id, "a test")))
}

#[test]
fn a_listener_of_one_test_gets_its_events_and_those_of_drivers() {
    let mut events = events();
    for changed in [driver("a", "idle"), test("x"), test("y"), driver("a", "ready"), test("x")] {
        events.publish(&changed);
    }
    let asked = |id| Some(test_id(id));
    assert_eq!(
        ids(&events.missed_since("7-1", asked("x").as_ref()).unwrap()),
        ["id: 7-2", "id: 7-4", "id: 7-5"]
    );
    assert_eq!(ids(&events.missed_since("7-1", asked("z").as_ref()).unwrap()), ["id: 7-4"]);
    let names = |frames: Vec<Frame>| {
        frames.iter().map(|frame| frame.lines().next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(events.snapshot(asked("x").as_ref())), ["event: driver", "event: test", "id: 7-5"]);
    assert_eq!(names(events.snapshot(asked("y").as_ref())), ["event: driver", "id: 7-5"], "x changed last");
}

#[test]
fn a_deleted_test_is_not_shown_to_those_who_come_later() {
    let mut events = events();
    for changed in [driver("a", "idle"), test("x"), driver("a", "ready"), test("y")] {
        events.publish(&changed);
    }
    events.publish(&Changed::Deleted(test_id("x")));
    assert_eq!(ids(&events.missed_since("7-1", None).unwrap()), ["id: 7-3", "id: 7-4"]);
    assert_eq!(events.snapshot(None).len(), 3, "y is there");
    events.publish(&Changed::Deleted(test_id("y")));
    let shown = events.snapshot(None).concat();
    assert!(shown.contains("event: driver") && !shown.contains("event: test"), "{shown}");
    assert_eq!(events.n_kept_bytes, events.kept.iter().map(|kept| kept.frame.len()).sum::<usize>());
}

#[actix::test]
async fn events_of_other_tests_do_not_wait_for_a_listener() {
    let address = EventsActor::new(Epoch(7), Arc::default()).start();
    let asked = Subscribe { last_event_id: None, test: Some(test_id("x")) };
    let mut listener = address.send(asked).await.unwrap().unwrap();
    for _ in 0..=MAX_WAITING {
        address.send(test("y")).await.unwrap();
    }
    address.send(test("x")).await.unwrap();
    let frame = listener.live.recv().await.unwrap();
    assert!(frame.contains("\"test_id\":\"x\""), "{frame}");
}

fn ids(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(|frame| frame.lines().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_listener_that_comes_back_gets_what_it_missed() {
    let mut events = events();
    for state in ["idle", "ready", "running"] {
        events.publish(&driver("a", state));
    }
    assert_eq!(ids(&events.missed_since("7-1", None).unwrap()), ["id: 7-2", "id: 7-3"]);
    assert_eq!(events.missed_since("7-3", None).unwrap().len(), 0, "it saw everything");
    for (id, why) in
        [("7-4", "not yet"), ("6-1", "an earlier life"), ("", "no id"), ("7-x", "no number"), ("x", "no id")]
    {
        assert_eq!(events.missed_since(id, None), None, "{why}");
    }
}

#[test]
fn what_is_kept_is_bounded_and_says_so() {
    let mut events = events();
    for _ in 0..MAX_KEPT + 10 {
        events.publish(&driver("a", "idle"));
    }
    assert_eq!(events.kept.len(), MAX_KEPT);
    assert_eq!(events.missed_since("7-9", None), None, "event 10 is gone");
    assert_eq!(events.missed_since("7-10", None).unwrap().len(), MAX_KEPT);
    events.publish(&driver("b", &"x".repeat(MAX_KEPT_BYTES - 1_000)));
    assert!(events.n_kept_bytes <= MAX_KEPT_BYTES);
    assert!(events.kept.len() < 10, "a few small ones fit beside the large one");
}

#[test]
fn a_new_listener_gets_the_newest_state_of_each_node() {
    let mut events = events();
    for (id, state) in [("a", "idle"), ("b", "idle"), ("a", "running")] {
        events.publish(&driver(id, state));
    }
    let snapshot = events.snapshot(None);
    assert_eq!(snapshot.len(), 3);
    assert!(snapshot[0].contains("\"a\"") && snapshot[0].contains("running"), "{}", snapshot[0]);
    assert!(!snapshot[0].contains("id: "), "{}", snapshot[0]);
    assert_eq!(&*snapshot[2], "id: 7-3\n\n");
}

#[actix::test]
async fn a_slow_listener_is_disconnected_and_counted() {
    let telemetry = Arc::<Telemetry>::default();
    let address = EventsActor::new(Epoch(7), Arc::clone(&telemetry)).start();
    let slow = address.send(everything()).await.unwrap().unwrap();
    let mut quick = address.send(everything()).await.unwrap().unwrap();
    for _ in 0..=MAX_WAITING {
        address.send(driver("a", "idle")).await.unwrap();
        assert!(quick.live.recv().await.is_some());
    }
    assert_eq!(telemetry.subscribers_dropped.get(), 1);
    assert_eq!(telemetry.subscribers.load(Ordering::Relaxed), 1);
    let mut slow = slow.live;
    let mut n_waiting = 0;
    while slow.recv().await.is_some() {
        n_waiting += 1;
    }
    assert_eq!(n_waiting, MAX_WAITING, "queued events are still sent, then the stream ends");
}

/// A second of a large fleet comes at once, before a listener has its turn.
#[test]
fn a_burst_of_a_thousand_drivers_cuts_no_listener_off() {
    let (mut events, mut live) = listened_to();
    for n in 0..2_000 {
        events.publish(&driver(&format!("driver-{n}"), "running"));
    }
    assert_eq!(events.telemetry.subscribers_dropped.get(), 0);
    let mut n_received = 0;
    while live.try_recv().is_ok() {
        n_received += 1;
    }
    assert_eq!(n_received, 2_000);
}

/// What waits for those who do not read is what is kept anyway.
#[test]
fn no_more_waits_for_a_listener_than_is_kept() {
    let (mut events, mut live) = listened_to();
    let large = "x".repeat(MAX_KEPT_BYTES / 4);
    let mut n_sent = 0;
    while events.telemetry.subscribers_dropped.get() == 0 && n_sent < 100 {
        events.publish(&driver("a", &large));
        n_sent += 1;
    }
    assert!(n_sent <= 6, "{n_sent} events, three of which are kept");
    assert!(events.subscribers.is_empty());
    assert!(live.try_recv().is_ok(), "queued events are still sent");
}

#[actix::test]
async fn there_are_at_most_so_many_listeners_and_those_gone_make_room() {
    let address = EventsActor::new(Epoch(7), Arc::default()).start();
    let mut listeners = Vec::new();
    for _ in 0..MAX_SUBSCRIBERS {
        listeners.push(address.send(everything()).await.unwrap().unwrap());
    }
    assert!(address.send(everything()).await.unwrap().is_err());
    listeners.pop();
    assert!(address.send(everything()).await.unwrap().is_ok());
}

//! What is sent to classic orchestrators that wait for it.

use super::*;

/// A driver with these habits.
fn habits(no_at_end: bool, register_after_trigger: bool, word: Option<&str>) -> Driver {
    let end_word = word.map(str::to_owned);
    Driver::with(Habits { no_at_end, register_after_trigger, end_word, ..Habits::default() })
}

fn reported(id: &str) -> Input {
    Input::Reported(test(id))
}

/// Leads a classic test to its end: what the driver does at its start, at its end, and once Kafka has the last report.
#[track_caller]
fn check(mut driver: Driver, start: &[&str], end: &[&str], after: &[&str], caption: &str) {
    driver.classic("c", 0);
    assert_eq!(driver.yes("c", None, 1), start, "{caption}");
    assert_eq!(driver.step(Input::Ended), end, "{caption}");
    assert_eq!(driver.step(reported("c")), after, "{caption}");
    assert_eq!(driver.step(reported("c")), Vec::<String>::new(), "once: {caption}");
}

#[test]
fn what_is_set_is_sent_once_in_a_classic_test() {
    let starts = ["START c 9000", "running c"];
    let registers = ["REGISTER", "START c 9000", "running c"];
    check(habits(false, false, None), &starts, &["idle"], &[], "nothing set");
    check(habits(false, true, None), &registers, &["idle"], &[], "registers after the trigger");
    check(habits(true, false, None), &starts, &["idle"], &["OVER c NO"], "NO at the end");
    check(habits(false, false, Some("EOT")), &starts, &["idle"], &["OVER c EOT"], "a word");
    check(habits(true, true, Some("EOT")), &registers, &["idle"], &["OVER c EOT NO"], "all of them");
}

#[test]
fn a_report_that_kafka_has_before_the_end_is_remembered() {
    let mut driver = habits(true, false, None);
    driver.classic("c", 0);
    driver.yes("c", None, 1);
    assert_eq!(driver.step(reported("another")), Vec::<String>::new());
    assert_eq!(driver.step(reported("c")), Vec::<String>::new(), "its end was not announced yet");
    assert_eq!(driver.step(Input::Ended), ["OVER c NO", "idle"]);
}

#[test]
fn a_test_of_our_own_orchestrator_sends_nothing_of_the_kind() {
    let mut driver = habits(true, true, Some("EOT"));
    driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(driver.yes("t", Some(1), 0), ["START t 9000", "running t/1"]);
    assert_eq!(driver.step(reported("t")), Vec::<String>::new());
    assert_eq!(driver.step(Input::Ended), ["idle"]);
    assert_eq!(driver.step(reported("t")), Vec::<String>::new());
}

#[test]
fn each_of_two_tests_with_one_id_announces_its_own_end() {
    let mut driver = habits(true, false, None);
    driver.classic("c", 0);
    driver.yes("c", None, 1);
    driver.step(Input::Ended);
    driver.classic("c", 2_000);
    assert_eq!(driver.yes("c", None, 2_001), ["START c 9000", "running c"], "the last report still waits");
    assert_eq!(driver.step(reported("c")), ["OVER c NO"], "of the first");
    assert_eq!(driver.step(Input::Ended), ["idle"]);
    assert_eq!(driver.step(reported("c")), ["OVER c NO"], "of the second");
}

#[test]
fn a_stopped_classic_test_announces_its_end_too() {
    let mut driver = habits(true, false, Some("EOT"));
    driver.classic("c", 0);
    driver.yes("c", None, 1);
    assert_eq!(driver.no("c", None, 100), ["STOP stopped"]);
    driver.step(Input::Ended);
    assert_eq!(driver.step(reported("c")), ["OVER c EOT NO"]);
}

#[test]
fn ends_that_wait_for_kafka_are_bounded() {
    let mut driver = habits(true, false, None);
    for n in 0..100 {
        driver.classic(&format!("c{n}"), 0);
        driver.yes(&format!("c{n}"), None, 1);
        driver.step(Input::Ended);
    }
    assert_eq!(driver.life.unreported.len(), MAX_HELD);
    assert_eq!(driver.step(reported("c99")), ["OVER c99 NO"]);
}

//! Tests, their history, and what is forgotten.

use super::*;

#[test]
fn a_test_is_read_as_it_was_written_and_replaced() {
    let mut fixture = Fixture::new();
    let mut stored = test("t", 5);
    fixture.store.save_test(&stored).unwrap();
    assert_eq!(fixture.reopened().test(&id("t")).unwrap(), Some(stored.clone()));
    assert_eq!(fixture.store.unfinished().unwrap(), [stored.clone()]);
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    stored.state = TestState::Finished;
    stored.verdict = Some(Verdict::Incomplete);
    stored.participants.truncate(1);
    fixture.store.save_test(&stored).unwrap();
    let reopened = fixture.reopened();
    assert_eq!(reopened.test(&id("t")).unwrap(), Some(stored));
    assert_eq!(
        reopened.metrics(&id("t"), 0, 10).unwrap().records.len(),
        1,
        "replacing a test keeps its windows"
    );
    assert_eq!(reopened.unfinished().unwrap(), []);
    assert_eq!(reopened.test(&id("u")).unwrap(), None);
}

#[test]
fn a_revision_replaces_report_and_verdict_of_a_finished_test_alone() {
    let mut fixture = Fixture::new();
    let report = crate::http::stub::view("t", "revised");
    let revised = crate::model::TestView { verdict: Some(Verdict::Passed), ..report };
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None, "a test that was forgotten stays forgotten");
    fixture.store.save_test(&test("t", 5)).unwrap();
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap().unwrap().report, None, "it runs");
    let closing = Closing { stopped_by: Some("someone".to_owned()), ..Closing::default() };
    let finished = StoredTest { state: TestState::Finished, closing: Some(closing), ..test("t", 5) };
    fixture.store.save_test(&finished).unwrap();
    fixture.store.save_revision(&revised).unwrap();
    let expected = StoredTest { verdict: Some(Verdict::Passed), report: Some(revised), ..finished };
    assert_eq!(fixture.reopened().test(&id("t")).unwrap(), Some(expected));
}

#[test]
fn the_history_is_whole_and_newest_first_whatever_the_page() {
    let mut fixture = Fixture::new();
    let times = [3, 1, 2, 2, 2, 9, 2];
    for (n, at) in times.into_iter().enumerate() {
        fixture.store.save_test(&test(&format!("t{n}"), at)).unwrap();
    }
    let expected = ["t5", "t0", "t6", "t4", "t3", "t2", "t1"];
    for limit in 1..=8 {
        let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let page = fixture.store.page(limit, cursor.as_ref()).unwrap();
            assert!(page.tests.len() <= limit as usize);
            seen.extend(page.tests.into_iter().map(|row| row.test_id));
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next.parse().unwrap());
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

#[test]
fn an_epoch_is_above_the_one_stored() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.store.take_epoch(1_000).unwrap(), Epoch(1_000));
    assert_eq!(fixture.store.take_epoch(1_000).unwrap(), Epoch(1_001));
    assert_eq!(fixture.reopened().take_epoch(5).unwrap(), Epoch(1_002), "the clock went back");
}

#[test]
fn old_finished_tests_go_with_all_they_have() {
    let mut fixture = Fixture::new();
    for (name, at) in [("t", 1), ("t2", 2), ("t3", 3)] {
        let state = if name == "t3" { TestState::Running } else { TestState::Finished };
        fixture.store.save_test(&StoredTest { state, ..test(name, at) }).unwrap();
    }
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    let event =
        SaveEvent { at: 1, test_id: Some(id("t")), what: "created".to_owned(), detail: String::new() };
    fixture.store.save_event(&event).unwrap();
    assert_eq!(fixture.store.count_tests().unwrap()[&("finished".to_owned(), None)], 2);
    assert_eq!(fixture.store.prune(1, 0).unwrap(), 1, "the running test is not among those counted");
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None);
    let n: i64 = fixture
        .store
        .connection
        .query_row("SELECT (SELECT count(*) FROM windows) + (SELECT count(*) FROM events)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(n, 0);
    assert_eq!(fixture.store.prune(1, 0).unwrap(), 0);
}

#[test]
fn a_test_is_removed_unless_it_is_under_way() {
    let mut fixture = Fixture::new();
    for (state, removed) in [
        (TestState::Configured, true),
        (TestState::Starting, false),
        (TestState::Running, false),
        (TestState::Draining, false),
        (TestState::Finished, true),
    ] {
        fixture.store.save_test(&StoredTest { state, ..test("t", 5) }).unwrap();
        fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
        assert_eq!(fixture.store.remove_test(&id("t")).unwrap(), removed, "{state:?}");
        assert_eq!(fixture.store.test(&id("t")).unwrap().is_none(), removed, "{state:?}");
        let n: i64 =
            fixture.store.connection.query_row("SELECT count(*) FROM windows", [], |row| row.get(0)).unwrap();
        assert_eq!(n == 0, removed, "{state:?}: its windows go with it");
    }
    assert!(!fixture.store.remove_test(&id("t")).unwrap(), "it is gone");
}

#[test]
fn tests_that_were_never_started_go_after_a_while() {
    let mut fixture = Fixture::new();
    for (name, state) in [("old", TestState::Configured), ("started", TestState::Starting)] {
        fixture.store.save_test(&StoredTest { state, ..test(name, 10) }).unwrap();
    }
    fixture.store.save_test(&StoredTest { state: TestState::Configured, ..test("new", 20) }).unwrap();
    assert_eq!(fixture.store.prune(5, 20).unwrap(), 1);
    assert!(fixture.store.test(&id("old")).unwrap().is_none());
}

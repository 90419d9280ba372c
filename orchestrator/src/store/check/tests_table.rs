//! Tests, their history, and what is removed.

use super::*;
use crate::fixtures::test_view;
use crate::model::TestView;
use crate::stopped_by::StoppedBy;
use crate::store::{StoredPlan, TestFilter};

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
fn a_plan_that_this_version_cannot_run_is_kept_as_it_is() {
    let mut fixture = Fixture::new();
    let report = Some(test_view("t", "old"));
    fixture.store.save_test(&StoredTest { report, ..test("t", 5) }).unwrap();
    let row = r#"{"name":"old","waves":3}"#;
    fixture.store.connection.execute("UPDATE tests SET plan = ?1", [row]).unwrap();
    let mut stored = fixture.store.test(&id("t")).unwrap().unwrap();
    assert!(stored.report.is_some(), "its report can be shown");
    assert!(
        matches!(&stored.plan, StoredPlan::Invalid { faults, .. } if !faults.is_empty()),
        "{:?}",
        stored.plan
    );
    stored.state = TestState::Configured;
    fixture.store.save_test(&stored).unwrap();
    assert_eq!(fixture.reopened().test(&id("t")).unwrap(), Some(stored));
    let read: String =
        fixture.store.connection.query_row("SELECT plan FROM tests", [], |row| row.get(0)).unwrap();
    assert_eq!(read, row);
    let page = fixture.store.page(1, None, &TestFilter::default()).unwrap();
    assert_eq!(page.tests[0].name, "old");
}

#[test]
fn a_revision_replaces_report_and_verdict_of_a_finished_test_alone() {
    let mut fixture = Fixture::new();
    let revised = TestView { verdict: Some(Verdict::Passed), ..test_view("t", "revised") };
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None, "a test that was removed stays removed");
    fixture.store.save_test(&test("t", 5)).unwrap();
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap().unwrap().report, None, "it runs");
    let closing = Closing { stopped_by: Some(StoppedBy::named("someone")), ..Closing::default() };
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
            let page = fixture.store.page(limit, cursor.as_ref(), &TestFilter::default()).unwrap();
            assert!(page.tests.len() <= limit as usize);
            seen.extend(page.tests.into_iter().map(|row| row.test_id));
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next.parse().unwrap());
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

#[test]
fn the_history_is_filtered_by_state_verdict_and_text() {
    let mut fixture = Fixture::new();
    for (n, (name, state, verdict)) in [
        ("Ping", TestState::Finished, Some(Verdict::Passed)),
        ("ping it", TestState::Finished, Some(Verdict::Failed)),
        ("100%_", TestState::Configured, None),
    ]
    .into_iter()
    .enumerate()
    {
        let other = test(&format!("t{n}-Ab"), n as i64);
        fixture.store.save_test(&StoredTest { state, verdict, plan: plan(name).into(), ..other }).unwrap();
    }
    let text = |text: &str| TestFilter { text: Some(text.to_owned()), ..TestFilter::default() };
    for (filter, expected) in [
        (TestFilter::default(), "t2 t1 t0"),
        (TestFilter { state: Some(TestState::Finished), ..TestFilter::default() }, "t1 t0"),
        (TestFilter { verdict: Some(Verdict::Failed), ..TestFilter::default() }, "t1"),
        (TestFilter { verdict: Some(Verdict::Passed), ..text("ping") }, "t0"),
        (text("PING"), "t1 t0"),
        (text("%"), "t2"),
        (text("_"), "t2"),
        (text("t1-a"), "t1"),
        (text("nothing"), ""),
    ] {
        let page = fixture.store.page(10, None, &filter).unwrap();
        let seen: Vec<&str> = page.tests.iter().map(|row| &row.test_id[..2]).collect();
        assert_eq!(seen.join(" "), expected, "{filter:?}");
    }
}

#[test]
fn a_store_is_read_beside_its_writer_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(crate::store::FILE);
    let files = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(matches!(Store::open_to_read(&path), Ok(None)), "there is none");
    assert!(files().is_empty());
    let mut writer = Store::open(&path).unwrap();
    writer.save_test(&test("t", 5)).unwrap();
    let read = || Store::open_to_read(&path).unwrap().unwrap().test(&id("t")).unwrap();
    assert!(read().is_some(), "beside its writer");
    drop(writer);
    let before = files();
    assert!(read().is_some());
    assert_eq!(files(), before, "no file is made");
    let mut reader = Store::open_to_read(&path).unwrap().unwrap();
    assert!(reader.save_test(&test("t2", 6)).is_err());
    drop(reader);
    let older = rusqlite::Connection::open(&path).unwrap();
    older.pragma_update(None, "user_version", 1).unwrap();
    drop(older);
    let error = Store::open_to_read(&path).unwrap_err().to_string();
    assert!(error.contains("schema version 1"), "{error}");
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
    assert_eq!(fixture.store.count_tests().unwrap()[&("finished".to_owned(), None)], 2);
    assert_eq!(fixture.store.prune(1, 0).unwrap(), 1, "the running test is not among those counted");
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None);
    let n: i64 =
        fixture.store.connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
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
            fixture.store.connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
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

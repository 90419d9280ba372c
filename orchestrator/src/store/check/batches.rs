//! What a batch brings is stored once, whole or not at all, and read as it was written.

use proptest::prelude::*;

use super::*;

#[test]
fn a_redelivered_batch_changes_nothing() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records =
        || vec![record(window("a", 5, 0), 0), record(classic("c"), 1), record(window("a", 6, 0), 2)];
    assert_eq!(fixture.store.save_batch(&batch(records(), 3)).unwrap(), outcome(3, 0, 0));
    assert_eq!(fixture.store.save_batch(&batch(records(), 3)).unwrap(), outcome(0, 3, 0));
    // The same window at another place (a producer's retry) is one window; the same text of a classic driver is two.
    let moved = vec![record(window("a", 5, 0), 7), record(classic("c"), 8)];
    assert_eq!(fixture.store.save_batch(&batch(moved, 9)).unwrap(), outcome(1, 1, 0));
    assert_eq!(fixture.store.metrics(&id("t"), 0, 100).unwrap().records.len(), 4);
}

#[test]
fn a_record_of_an_unknown_test_is_counted_and_the_batch_goes_on() {
    let mut fixture = Fixture::new();
    let before = batch(vec![record(window("a", 5, 0), 0)], 1);
    assert_eq!(fixture.store.save_batch(&before).unwrap(), outcome(0, 0, 1));
    assert_eq!(fixture.store.offsets("cluster").unwrap()[&(Topic::Metrics, 0)], 1);
}

#[test]
fn a_late_record_is_kept_where_its_test_knows_the_node() {
    let mut fixture = Fixture::new();
    let late = |metrics, offset| StoredMetrics { counted: false, ..record(metrics, offset) };
    let save = |fixture: &mut Fixture, record| fixture.store.save_batch(&batch(vec![record], 1)).unwrap();
    let foreign =
        BatchOutcome { saved: SavedBatch { n_foreign: 1, ..SavedBatch::default() }, ..outcome(0, 0, 0) };
    assert_eq!(save(&mut fixture, late(window("a", 5, 0), 0)), foreign, "of an unknown test");
    let configured = StoredTest { state: TestState::Configured, ..test("t", 5) };
    fixture.store.save_test(&configured).unwrap();
    assert_eq!(save(&mut fixture, late(window("a", 5, 0), 0)), foreign, "of a test that was not triggered");
    fixture.store.save_test(&StoredTest { state: TestState::Finished, ..test("t", 5) }).unwrap();
    assert_eq!(save(&mut fixture, late(window("z", 5, 0), 0)), foreign, "of a node that takes no part");
    let news = SavedBatch { late: [id("t")].into(), n_foreign: 0 };
    assert_eq!(
        save(&mut fixture, late(window("a", 5, 0), 0)),
        BatchOutcome { saved: news.clone(), ..outcome(1, 0, 0) }
    );
    assert_eq!(
        save(&mut fixture, late(window("a", 5, 0), 0)),
        outcome(0, 1, 0),
        "a duplicate: nothing is new"
    );
    // A classic driver that was not chosen is known to the test by its earlier record.
    save(&mut fixture, record(classic("c"), 1));
    assert_eq!(save(&mut fixture, late(classic("c"), 2)), BatchOutcome { saved: news, ..outcome(1, 0, 0) });
    assert_eq!(fixture.store.metrics(&id("t"), 0, 10).unwrap().records.len(), 3);
}

#[test]
fn offsets_belong_to_their_cluster() {
    let mut fixture = Fixture::new();
    let mut two = batch(Vec::new(), 5);
    two.offsets.insert((Topic::Heartbeat, 3), i64::MAX);
    fixture.store.save_batch(&two).unwrap();
    assert_eq!(fixture.reopened().offsets("cluster").unwrap(), two.offsets);
    assert!(fixture.store.offsets("other").unwrap().is_empty());
    two.offsets_of = None;
    two.offsets.insert((Topic::Metrics, 0), 99);
    fixture.store.save_batch(&two).unwrap();
    assert_eq!(
        fixture.store.offsets("cluster").unwrap()[&(Topic::Metrics, 0)],
        5,
        "the embedded broker's are not kept"
    );
}

#[test]
fn a_batch_that_fails_half_way_leaves_neither_windows_nor_offsets() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    // The offsets are written last: where that fails, the windows before it must go too.
    fixture.store.connection.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON offsets BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    ).unwrap();
    let error = fixture.store.save_batch(&batch(vec![record(window("a", 5, 1), 1)], 2)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("store.sqlite") && text.contains("disk is full"), "{text}");
    let reopened = fixture.reopened();
    assert_eq!(reopened.metrics(&id("t"), 0, 10).unwrap().records.len(), 1);
    assert_eq!(reopened.offsets("cluster").unwrap()[&(Topic::Metrics, 0)], 1);
    fixture.store.connection.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(
        fixture.store.save_batch(&batch(vec![record(window("a", 5, 1), 1)], 2)).unwrap(),
        outcome(1, 0, 0)
    );
}

#[test]
fn a_process_killed_before_the_commit_has_stored_nothing() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let transaction = fixture.store.connection.transaction().unwrap();
    crate::store::batch::write(&transaction, &batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    // What a kill -9 leaves on the disk at this point: the files as they are.
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    transaction.commit().unwrap();
    let killed = Store::open(&copy.path().join("store.sqlite")).unwrap();
    assert_eq!(killed.test(&id("t")).unwrap().unwrap().revision, 2, "what was committed before is there");
    assert!(killed.metrics(&id("t"), 0, 10).unwrap().records.is_empty());
    assert!(killed.offsets("cluster").unwrap().is_empty());
    assert_eq!(fixture.reopened().metrics(&id("t"), 0, 10).unwrap().records.len(), 1);
}

#[test]
fn a_locked_file_is_an_error_with_its_path() {
    let mut fixture = Fixture::new();
    let other = fixture.reopened();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.store.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let Err(StoreError::Sqlite { path, cause }) = fixture.store.save_test(&test("t", 5)) else {
        panic!("it is locked")
    };
    assert!(path.ends_with("store.sqlite") && cause.contains("locked"), "{path}: {cause}");
}

#[test]
fn metrics_come_in_pages_in_the_order_of_arrival() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records: Vec<_> = (0..5).map(|n| record(window("a", 5, n as u64), n)).collect();
    fixture.store.save_batch(&batch(records.clone(), 5)).unwrap();
    let (mut read, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = fixture.store.metrics(&id("t"), from, 2).unwrap();
        assert!(page.records.len() <= 2);
        read.extend(page.records);
        after = page.next;
    }
    assert_eq!(read, records);
}

/// Records of a test with many names are large, and what is read of them is larger still.
#[test]
fn large_records_are_few_a_page() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let mut dice = 1_u64;
    let mut large = |n: i64| {
        let mut record = record(window("a", 5, n as u64), n);
        // Digits that do not deflate to much less than half.
        let digits: String = (0..6_000)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:08x}", dice >> 32)
            })
            .collect();
        let mut payload: serde_json::Value = serde_json::from_slice(&record.raw.payload).unwrap();
        payload["padding"] = digits.into();
        record.raw.payload = payload.to_string().into_bytes().into();
        record
    };
    let records: Vec<_> = (0..20).map(&mut large).collect();
    fixture.store.save_batch(&batch(records.clone(), 20)).unwrap();
    let (mut read, mut pages, mut after) = (Vec::new(), 0, Some(0));
    while let Some(from) = after {
        let page = fixture.store.metrics(&id("t"), from, 200).unwrap();
        assert!((1..10).contains(&page.records.len()), "{}", page.records.len());
        read.extend(page.records);
        (after, pages) = (page.next, pages + 1);
    }
    assert_eq!(read, records);
    assert!(pages > 2, "{pages}");

    let (mut seconds, mut from) = (Vec::new(), Some(0));
    while let Some(first) = from {
        let page = fixture.store.figures_page(&id("t"), first).unwrap();
        let of_fleet = page.lines.iter().filter(|line| line.node_id.is_none()).map(|line| line.seq);
        let of_fleet: Vec<u64> = of_fleet.collect();
        assert!((1..10).contains(&of_fleet.len()), "{}", of_fleet.len());
        seconds.extend(of_fleet);
        from = page.next;
    }
    assert_eq!(seconds, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_node_is_stored_as_it_registered_last() {
    let mut fixture = Fixture::new();
    let ours = RegisterOurs {
        kernel: None,
        plan_language: None,
        rate_changes: None,
        calibrated: None,
        protocol: Some(2),
        epoch: Epoch(u64::MAX),
        version: "1".to_owned(),
        cores: 2,
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        max_rate: Some(5.0),
    };
    let register =
        |address: &str, ours| Register { node_id: node("a"), address: Some(address.to_owned()), ours };
    let registered = vec![register("old", None), register("new", Some(ours))];
    fixture.store.save_batch(&Batch { registered, ..batch(Vec::new(), 1) }).unwrap();
    let [known] = &fixture.reopened().nodes().unwrap()[..] else { panic!("one node") };
    let ours = known.ours.as_ref().unwrap();
    assert_eq!((ours.epoch, ours.cores, ours.max_rate), (Epoch(u64::MAX), 2, Some(5.0)));
    assert_eq!((known.address.as_deref(), ours.version.as_str()), (Some("new"), "1"));
    assert_eq!(ours.labels["zone"], "a");
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    for (column, value, cause) in [
        ("payload", "x'7b7d'", "inflated"),
        ("packing", "9", "unknown way: 9"),
        ("latency_unit", "'h'", "no such unit: h"),
        ("packing = 0, payload", "x'7b7d'", "node_id is missing"),
    ] {
        fixture.store.connection.execute("DELETE FROM records", []).unwrap();
        fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
        fixture.store.connection.execute(&format!("UPDATE records SET {column} = {value}"), []).unwrap();
        let arrival = fixture.store.connection.last_insert_rowid();
        let error = fixture.store.metrics(&id("t"), 0, 10).unwrap_err().to_string();
        assert!(error.contains(&format!("row records {arrival}: ")) && error.contains(cause), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_is_read_as_it_came(
        seq in prop::option::of(0..100_000_u64),
        mean_us in prop::option::of(-1_000_000_000..1_000_000_000_i64),
        amount in prop::option::of(0..1_u64 << 53),
        complete: bool,
        seconds: bool,
        partition: i32, offset: i64, arrived_at: i64,
    ) {
        let mut fixture = Fixture::new();
        fixture.store.save_test(&test("t", 5)).unwrap();
        let mut came = seq.map_or_else(|| classic("c"), |seq| window("a", 1 << 53, seq));
        came.classic = ClassicMetrics { mean_ms: mean_us.map(|us| us as f64 / 1_000.0), num_errors: amount, complete, ..ClassicMetrics::default() };
        let latency_unit = if seconds { Unit::Seconds } else { Unit::Milliseconds };
        let raw = RawMetrics { latency_unit, ..raw(&came) };
        let metrics = Arc::new(raw.read().unwrap());
        let record = StoredMetrics { test_id: id("t"), counted: true, partition, offset, arrived_at, raw, metrics };
        fixture.store.save_batch(&batch(vec![record.clone()], 1)).unwrap();
        let page = fixture.store.metrics(&id("t"), 0, 10).unwrap();
        prop_assert_eq!(page.records, vec![record]);
    }
}

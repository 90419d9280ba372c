//! Replays what other people's programs sent and checks that the reader takes from it what
//! tests/recorded/README.md says, to the value.

use common::wire::{ClassicMetrics, Inbound, Metrics, ReadAs, TestType, Topic, Unit, read};

const READ_AS: ReadAs = ReadAs::of(Unit::Milliseconds);

/// Every record of a file, read; none of them may be rejected.
fn replay(file: &str) -> Vec<Inbound> {
    let path = format!("{}/tests/recorded/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = std::fs::read_to_string(&path).unwrap();
    let record = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let topic = Topic::ALL.into_iter().find(|topic| topic.as_str() == record["topic"]).unwrap();
        let value = record["value"].as_str().unwrap();
        read(topic, Some(value.as_bytes()), &READ_AS)
            .unwrap_or_else(|rejected| panic!("{rejected}: {line:.300}"))
    };
    lines.lines().map(record).collect()
}

fn reports<'a>(records: &'a [Inbound], test: &str) -> Vec<&'a Metrics> {
    let of_test = |record: &'a Inbound| match record {
        Inbound::Metrics(metrics) => Some(metrics.as_ref()),
        _ => None,
    };
    let named = |metrics: &&Metrics| metrics.test_id.as_ref().is_some_and(|id| id.as_str() == test);
    records.iter().filter_map(of_test).filter(named).collect()
}

#[track_caller]
fn close(figure: Option<f64>, expected: f64) {
    let figure = figure.expect("the record has the figure");
    assert!((figure - expected).abs() <= 1e-12 * expected.abs(), "{figure} is not {expected}");
}

#[track_caller]
fn check(metrics: &ClassicMetrics, [mean, median, min, max]: [f64; 4]) {
    close(metrics.mean_ms, mean);
    close(metrics.median_ms, median);
    close(metrics.min_ms, min);
    close(metrics.max_ms, max);
    assert!(!metrics.implausible);
}

/// Node ids that registered, and those that beat, in the order of their first record.
fn nodes(records: &[Inbound]) -> (Vec<String>, Vec<String>) {
    let (mut registered, mut beating) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Inbound::Register(register) => {
                assert_eq!(register.address.as_deref(), Some("127.0.0.1"), "an address without a port");
                assert!(register.ours.is_none());
                registered.push(register.node_id.to_string());
            }
            Inbound::Heartbeat(beat) => {
                assert!(beat.alive && beat.ours.is_none());
                beating.push(beat.node_id.to_string());
            }
            _ => {}
        }
    }
    beating.dedup();
    (registered, beating)
}

#[test]
fn driver_a_is_read_as_it_says() {
    let records = replay("driver-a.jsonl");
    let expected = ["DRIVER_1795456638_492932", "DRIVER_1795456650_970443"].map(str::to_owned).to_vec();
    assert_eq!(nodes(&records), (expected.clone(), expected));
    assert!(
        records.iter().all(|record| !matches!(record, Inbound::Heartbeat(beat) if beat.sent_at_us.is_some()))
    );

    let avalanche = reports(&records, "a1-avalanche");
    let ids: Vec<_> = avalanche.iter().filter_map(|report| report.report_id.as_deref()).collect();
    assert_eq!(ids, ["1", "2", "3", "8", "9", "10", "11"]);
    let (last, earlier) = avalanche.split_last().unwrap();
    assert!(last.classic.complete && earlier.iter().all(|report| !report.classic.complete));
    check(&last.classic, [6.836191703333346, 6.645661499987909, 4.079589000070882, 19.449352000037834]);
    close(last.classic.mode_ms, 9.769796999989921);
    assert_eq!(last.classic.num_requests, Some(300));
    assert_eq!((last.classic.num_responses, last.classic.num_errors), (None, None), "never sent");
    assert_eq!(avalanche[3].classic.num_requests, Some(240));

    let tsunami = reports(&records, "a2-tsunami-delay1");
    assert_eq!(tsunami.len(), 6);
    assert_eq!(tsunami[5].classic.num_requests, Some(6));
    check(&tsunami[5].classic, [7.868048166680334, 7.804340999996384, 5.332382000005964, 10.395898000069792]);
    assert_eq!(tsunami.iter().filter(|report| report.classic.complete).count(), 1);
    assert!(tsunami.iter().all(|report| report.ours.is_none()));
}

#[test]
fn driver_b_tells_no_counts_and_no_end() {
    let records = replay("driver-b.jsonl");
    assert_eq!(nodes(&records), (vec!["vm_9511".to_owned()], vec!["vm_9511".to_owned()]));
    let first_beat = records.iter().find_map(|record| match record {
        Inbound::Heartbeat(beat) => beat.sent_at_us,
        _ => None,
    });
    assert!((first_beat.unwrap() - 1_795_456_744_004_535).abs() <= 1, "a float of Unix seconds");

    for (test, n, last) in [
        ("B-tsu", 5, [19.946, 19.5, 10.21, 29.008]),
        ("B-ava", 30, [17.7151, 15.0175, 7.041, 34.64]),
        ("B-long", 12, [19.099333333333334, 21.0605, 8.243, 30.066]),
    ] {
        let reports = reports(&records, test);
        assert_eq!(reports.len(), n, "{test}");
        check(&reports[n - 1].classic, last);
        for (index, report) in reports.iter().enumerate() {
            assert_eq!(report.report_id, Some(format!("{test}_vm_9511_{index}")));
            let ClassicMetrics { num_requests, num_responses, num_errors, mode_ms, complete, .. } =
                report.classic;
            assert_eq!((num_requests, num_responses, num_errors), (None, None, None), "unknown, not 0");
            assert_eq!((mode_ms, complete), (None, false));
        }
    }
}

#[test]
fn orchestrator_b_writes_numbers_as_it_likes() {
    let mut configs = Vec::new();
    let mut triggers = Vec::new();
    for record in replay("orchestrator-b.jsonl") {
        match record {
            Inbound::TestConfig(config) => {
                assert!(config.ours.is_none() && config.classic.target_url.is_none());
                let time = config.classic.delay_time(Unit::Seconds).unwrap();
                let classic = &config.classic;
                configs.push((
                    config.test_id.to_string(),
                    classic.test_type,
                    time.as_millis(),
                    classic.message_count,
                ));
            }
            Inbound::Trigger(trigger) => {
                assert!(trigger.start && trigger.start_at_ms.is_none() && trigger.revision.is_none());
                triggers.push(trigger.test_id.to_string());
            }
            other => panic!("{other:?}"),
        }
    }
    use TestType::{Avalanche, Tsunami};
    let expected = [
        ("TSUNAMI_1", Tsunami, 300, 6),
        ("AVALANCHE_2", Avalanche, 0, 12),
        ("AVALANCHE_3", Avalanche, 0, 0),
        ("TSUNAMI_1", Tsunami, 200, 3),
        ("TSUNAMI_2", Tsunami, 200, 3),
        ("AVALANCHE_3", Avalanche, 0, 4),
        ("AVALANCHE_4", Avalanche, 0, 0),
    ];
    assert_eq!(configs, expected.map(|(id, kind, ms, n)| (id.to_owned(), kind, ms, n)));
    let expected = [
        "TSUNAMI_1",
        "AVALANCHE_2",
        "AVALANCHE_3",
        "AVALANCHE_3",
        "TSUNAMI_1",
        "TSUNAMI_2",
        "AVALANCHE_3",
        "AVALANCHE_4",
    ];
    assert_eq!(triggers, expected);
}

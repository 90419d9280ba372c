//! What another orchestrator really sent, replayed.

use super::*;

/// Replays what another orchestrator really sent, at the recorded instants. Each test takes its delay times its
/// count, a closed loop 1 ms a request, or `slower` times that.
fn replay(check_ms: u64, slower: u64) -> Vec<(String, f64, u64)> {
    let lines = include_str!("../../../tests/recorded/orchestrator-b.jsonl");
    let mut driver = Driver::new();
    let mut pending: Vec<(u64, Input)> = Vec::new();
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let topic = if record["topic"] == "trigger" { Topic::Trigger } else { Topic::TestConfig };
        let timestamp_ms = record["timestamp_ms"].as_i64();
        let at = timestamp_ms.unwrap() as u64 - 1_795_457_775_000;
        let payload = record["value"].as_str().map(str::as_bytes);
        let input = match read(topic, payload, &ReadAs::of(Unit::Milliseconds)).unwrap() {
            Inbound::TestConfig(config) => Input::Config { config, timestamp_ms },
            Inbound::Trigger(trigger) => Input::Trigger { trigger, timestamp_ms },
            other => panic!("{other:?}"),
        };
        pending.push((at, input));
    }
    let mut ran = Vec::new();
    while !pending.is_empty() {
        let next = (0..pending.len()).min_by_key(|n| (pending[*n].0, *n)).unwrap();
        let (at, input) = pending.remove(next);
        driver.now_ms = at;
        for output in driver.life.step(input, driver.base + Duration::from_millis(at)) {
            match output {
                Output::Check(candidate) => {
                    pending.push((at + check_ms, Input::Checked(candidate.ticket, Ok(None))));
                }
                Output::Start { candidate, start_at_ms } => {
                    assert_eq!(start_at_ms, None, "a classic trigger names no instant");
                    let Lead::Classic(config) = candidate.lead else { panic!("it sends no plan") };
                    let each_ms = (config.delay * 1_000.0).max(1.0) as u64;
                    let takes = each_ms * config.message_count * slower;
                    pending.push((at + takes, Input::Ended));
                    ran.push((candidate.test_id.to_string(), config.delay, config.message_count));
                }
                Output::Stop(why) => panic!("nothing stops a test here: {why}"),
                _ => {}
            }
        }
    }
    ran
}

#[test]
fn another_orchestrators_records_run_exactly_the_tests_they_mean() {
    let expected = [
        ("TSUNAMI_1", 0.3, 6),
        ("AVALANCHE_2", 0.0, 12),
        ("AVALANCHE_3", 0.0, 0),
        ("TSUNAMI_1", 0.2, 3),
        ("TSUNAMI_2", 0.2, 3),
        ("AVALANCHE_3", 0.0, 4),
        ("AVALANCHE_4", 0.0, 0),
    ];
    let expected: Vec<_> = expected.map(|(id, delay, count)| (id.to_owned(), delay, count)).into();
    for (check_ms, slower) in [(0, 1), (3, 1), (50, 1), (3, 2)] {
        assert_eq!(replay(check_ms, slower), expected, "checks take {check_ms} ms, tests {slower} x");
    }
}

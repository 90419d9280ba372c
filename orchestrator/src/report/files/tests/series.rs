//! The forms that hold every second.

use std::collections::BTreeMap;

use common::counters::{Counters, ErrorKind};
use common::latency::Latency;
use common::wire::Metrics;

use super::super::*;
use crate::fixtures::{metrics, own_seconds, request_name, test_id, test_view, window};
use crate::store::SecondsPage;
use crate::tally::gather::{Gather, OwnSecond};
use crate::tally::pages::{FigureLines, SampleLines};

/// 2026-11-24T00:00:00Z
const START_US: i64 = 1_795_478_400_000_000;

/// Two seconds of a driver: 8 requests completed in the first, in the second 4 completed and 2 of `slow` failed.
fn records(driver: &str, ms: u64) -> [Metrics; 2] {
    let counters = |completed: u64, failed: u64| Counters {
        scheduled: completed + failed,
        sent: completed + failed,
        completed,
        failed,
        status_codes: [(200, completed)].into(),
        errors: if failed > 0 { [(ErrorKind::Timeout, failed)].into() } else { BTreeMap::new() },
        bytes_received: 10 * completed,
        ..Counters::default()
    };
    [(counters(8, 0), 8, 0, 0), (counters(12, 2), 4, 2, 1)].map(|(cumulative, completed, failed, seq)| {
        let mut window = window(seq, START_US + seq as i64 * 1_000_000, cumulative);
        let latencies = &mut window.figures.all.latencies;
        (0..completed).for_each(|_| latencies.ended(ms * 1_000, ms * 1_000 + 500, true));
        (0..failed).for_each(|_| latencies.ended(5_000_000, 5_000_000, false));
        window.figures.named = [(request_name("slow, or \"not\""), window.figures.all.clone())].into();
        metrics(driver, "0199-known", window)
    })
}

/// Both seconds of two drivers, each second a page.
fn pages_of(wants: PageOf) -> Vec<ReportPage> {
    let ([a0, a1], [b0, b1]) = (records("a", 10), records("b c", 20));
    let seconds = own_seconds([b0, a0, a1, b1]);
    let test_id = test_id("0199-known");
    let pages = seconds.chunks(2).zip([Some(1), None]);
    match wants {
        PageOf::Figures => {
            let page = |(seconds, next): (&[OwnSecond], _)| {
                let mut lines = FigureLines::new(&test_id, true);
                seconds.iter().for_each(|second| lines.add(second).unwrap());
                ReportPage::Figures(SecondsPage { lines: lines.finish(), next })
            };
            pages.map(page).collect()
        }
        PageOf::Samples(kinds) => {
            let page = |(seconds, next): (&[OwnSecond], _)| {
                let mut lines = SampleLines::new(kinds);
                seconds.iter().for_each(|second| lines.add(second).unwrap());
                ReportPage::Samples(SecondsPage { lines: lines.finish(), next })
            };
            pages.map(page).collect()
        }
        PageOf::Whole => {
            let mut whole = Gather::new(false);
            seconds.iter().for_each(|second| whole.second(second).unwrap());
            let (latencies, slower) = whole.histograms();
            vec![ReportPage::Whole { latencies: Box::new(latencies), slower }]
        }
    }
}

fn text(form: PagedForm) -> String {
    let mut view = test_view("0199-known", "of\ntwo");
    view.started_at = Some("2026-11-24T00:00:00.000000Z".to_owned());
    let mut report = Paged::new(&view, form);
    let mut bytes = report.head().unwrap();
    for page in pages_of(report.wants()) {
        bytes.extend(report.page(&page).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn csv_has_a_row_for_each_second_of_the_fleet_each_driver_and_each_request() {
    let text = text(PagedForm::Csv);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let column =
        |name: &str| head.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12, "{text}");
    let cells = |names: &[&str], row: usize| {
        names.iter().map(|name| rows[row].get(column(name)).unwrap()).collect::<Vec<_>>()
    };
    let which = ["second_s", "scope", "driver", "request", "completed", "failed"];
    assert_eq!(cells(&which, 0), ["0", "fleet", "", "", "16", "0"]);
    assert_eq!(cells(&which, 1), ["0", "fleet", "", "slow, or \"not\"", "16", "0"]);
    assert_eq!(cells(&which, 2), ["0", "driver", "a", "", "8", "0"]);
    assert_eq!(cells(&which, 9), ["1", "driver", "a", "slow, or \"not\"", "4", "2"]);
    assert_eq!(cells(&which, 10), ["1", "driver", "b c", "", "4", "2"]);
    let more = [
        "from_utc",
        "status_codes",
        "errors",
        "received_bytes",
        "response_count",
        "response_max_ms",
        "lower_bounds",
    ];
    let bounds = "response_p90 response_p95 response_p99 response_p99.9 response_p99.99 service_p90 service_p95 service_p99 \
                  service_p99.9 service_p99.99";
    assert_eq!(
        cells(&more, 8),
        ["2026-11-24T00:00:01.000000Z", "200=4", "timeout=2", "40", "4", "10.5", bounds]
    );
    assert_eq!(cells(&["lag_count", "lag_max_ms", "busy_share"], 9), ["", "", ""], "not counted by name");
    let sum: u64 = rows
        .iter()
        .filter(|row| &row[column("scope")] == "driver" && row[column("request")].is_empty())
        .map(|row| row[column("completed")].parse::<u64>().unwrap())
        .sum();
    assert_eq!(sum, 24);
    assert!(text.lines().all(|line| !line.is_empty()) && text.contains("\r\n"));
}

#[test]
fn the_curve_ends_before_the_requests_that_count_as_slower() {
    let all = text(PagedForm::Hgrm(LatencyOf::Response));
    let levels: Vec<Vec<f64>> = all
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            line.split_whitespace().map(|cell| cell.parse().ok()).collect::<Option<Vec<f64>>>()
        })
        .filter(|cells| !cells.is_empty())
        .collect();
    assert_eq!(levels.first().map(|level| level[0]), Some(10.503), "{all}");
    let last = levels.last().unwrap();
    assert!(last[1] <= 24.0 / 28.0 && last[2] == 24.0 && last[0] == 20.5, "{all}");
    for line in [
        "#[Max     =       20.500, Total count    =           24]",
        "#[response in ms of test 0199-known (of two)]",
        "#[4 more requests failed or were not sent: they count as slower than any of these, and the curve ends before them]",
    ] {
        assert!(all.lines().any(|shown| shown == line), "{all}");
    }
    let completed = text(PagedForm::Hgrm(LatencyOf::SuccessResponse));
    assert!(
        completed.contains(" 1.000000000000         24\n") && !completed.contains("more requests"),
        "{completed}"
    );
}

#[test]
fn a_log_has_the_fleet_without_a_tag_and_each_driver_under_its_own() {
    let text = text(PagedForm::Hlog(LatencyOf::Service));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let starts: Vec<String> = lines
        .iter()
        .map(|line| line.rsplit_once(',').unwrap().0.rsplit_once(',').unwrap().0.to_owned())
        .collect();
    let expected = [
        "0.000,1.000",
        "Tag=a,0.000,1.000",
        "Tag=b_c,0.000,1.000",
        "1.000,1.000",
        "Tag=a,1.000,1.000",
        "Tag=b_c,1.000,1.000",
    ];
    assert_eq!(starts, expected);
    let latency = |line: &str| Latency::decode(line.rsplit_once(',').unwrap().1).unwrap();
    let second = latency(lines[3]);
    assert_eq!(second.count(), 12, "those that failed are in it");
    assert_eq!(second.quantile_us(0.99, 0), Some(common::latency::MAX_US), "as slower than any other");
    assert_eq!(latency(lines[0]).count(), 16);
    assert!(
        text.starts_with(
            "#[Histogram log format version 1.3]\n#[service in µs of test 0199-known (of two)]\n"
        ),
        "{text}"
    );
    assert!(text.contains("#[StartTime: 1795478400.000 (seconds since epoch)]\n"), "{text}");
}

#[test]
fn latencies_are_named_as_in_thresholds() {
    assert_eq!(LatencyOf::read("success.response"), Ok(LatencyOf::SuccessResponse));
    let refused = LatencyOf::read("p99").unwrap_err();
    assert!(refused.starts_with("expected one of response, service, lag, "), "{refused}");
}

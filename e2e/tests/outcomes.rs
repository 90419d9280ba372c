//! Completed and failed requests are shown separately in every output of a test: on real processes, against a server
//! that rejects most requests at once and answers the others after a while.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use e2e::system::{System, assert_sound, tsunami};
use serde_json::{Value, json};

/// How long the server works on a request that it takes.
const WORK: Duration = Duration::from_millis(140);

/// Serves until the test's process ends: of each ten requests it takes three, and rejects seven at once.
fn rejecting_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let served = Arc::clone(&served);
            std::thread::spawn(move || serve(stream, &served));
        }
    });
    address
}

fn serve(stream: TcpStream, served: &AtomicU64) {
    let mut requests = BufReader::new(stream.try_clone().unwrap());
    let mut answers = stream;
    let mut line = String::new();
    while requests.read_line(&mut line).is_ok_and(|n| n > 0) {
        if line == "\r\n" {
            let answer: &[u8] = if served.fetch_add(1, Ordering::Relaxed) % 10 < 7 {
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
            } else {
                std::thread::sleep(WORK);
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
            };
            if answers.write_all(answer).is_err() {
                return;
            }
        }
        line.clear();
    }
}

#[test]
fn a_server_that_rejects_most_requests_at_once_does_not_pass_a_median() {
    let system = System::start("embedded", 2);
    let mut plan = tsunami(&format!("http://{}/", rejecting_server()), 50.0, "4s");
    plan["thresholds"] = json!({
        "errors.ratio": "< 90%",
        "response.median": "< 90ms",
        "response.p20": "< 2s",
        "success.response.median": "< 2s",
        "success.response.min": ">= 140ms",
        "failed.response.p75": "< 90ms",
        "driver.service.max": "< 5s",
    });
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    let ok = |expression: &str| {
        let thresholds = report["thresholds"].as_array().unwrap();
        let found: Vec<_> = thresholds.iter().filter(|one| one["expression"] == expression).collect();
        assert!(!found.is_empty(), "{expression} in {thresholds:#?}");
        found.iter().all(|one| one["ok"] == true)
    };
    for (expression, expected) in [
        ("errors.ratio < 90%", true),
        ("response.median < 90ms", false),
        ("response.p20 < 2s", true),
        ("success.response.median < 2s", true),
        ("success.response.min >= 140ms", true),
        ("failed.response.p75 < 90ms", true),
        ("driver.service.max < 5s", false),
    ] {
        assert_eq!(ok(expression), expected, "{expression}: {report:#}");
    }
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("response.median < 90ms is not met"), "{reasons}");

    let figures = |latency: &Value| {
        let bounds = latency["response"]["lower_bounds"].to_string();
        assert!(bounds.contains("\"median\"") && bounds.contains("\"p99.99\""), "{latency:#}");
        assert!(!bounds.contains("max"), "{latency:#}");
        let [success, failed] = ["success", "failed"].map(|of| &latency[of]["service"]);
        assert!(success["min"].as_f64().unwrap() >= 140.0, "{latency:#}");
        assert!(failed["median"].as_f64().unwrap() < 90.0, "{latency:#}");
        assert_eq!(latency["response"]["max"], latency["success"]["response"]["max"], "{latency:#}");
        assert!(latency["first_byte"]["count"].as_u64() > Some(0), "{latency:#}");
    };
    let totals = &report["totals"];
    figures(&totals["latency_ms"]);
    assert!(totals["latency_ms"]["connect"]["count"].as_u64() > Some(0), "{totals:#}");
    report["drivers"].as_array().unwrap().iter().for_each(|driver| figures(&driver["latency_ms"]));
    let (completed, failed) = (&totals["completed"], &totals["failed"]);
    assert_eq!(&totals["latency_ms"]["success"]["response"]["count"], completed);
    assert_eq!(&totals["latency_ms"]["failed"]["response"]["count"], failed);
    assert_eq!(report["definitions"], 2);

    // The same a second, and in the text.
    let id = report["test_id"].as_str().unwrap();
    let windows = system.rest.get(&format!("/api/v1/tests/{id}/windows")).json();
    let windows = windows["windows"].as_array().unwrap();
    let whole: Vec<_> = windows.iter().filter(|window| window["completed"].as_u64() > Some(20)).collect();
    assert!(!whole.is_empty(), "{windows:#?}");
    whole.iter().for_each(|window| figures(&window["latency_ms"]));
    let text = system.rest.get_as(&format!("/api/v1/tests/{id}/report"), Some("text/plain")).text;
    for line in ["response ", " completed ", " failed ", "service ", "first byte ", "connect ", "lag "] {
        assert!(text.lines().any(|shown| shown.starts_with(line)), "{line}: {text}");
    }
    assert!(text.contains("≥ at least: failed and dropped requests count as slower"), "{text}");
}

#[test]
fn two_drivers_that_keep_their_rate_have_the_throughput_of_both() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let mut plan = tsunami(&target.url(), 15.0, "3s");
    plan["thresholds"] = json!({ "throughput": ">= 30/s" });
    let report = system.run(&plan);
    assert_sound(&report);
    let totals = &report["totals"];
    let in_time = totals["completed_in_schedule"].as_u64().unwrap();
    let throughput = totals["throughput_per_s"].as_f64().unwrap();
    // An answer that a busy machine delays past the end is none of it, and all others are over 3 s, not over the span
    // from the first driver's start to the last one's end.
    assert!((throughput - in_time as f64 / 3.0).abs() < 1e-9, "{in_time} in time: {report:#}");
    if in_time == 90 {
        assert_eq!(report["thresholds"][0]["ok"], true, "{report:#}");
    }
}

#[test]
fn a_threshold_that_its_plan_cannot_meet_is_named_before_the_test() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let mut plan = tsunami(&target.url(), 15.0, "1s");
    plan["drivers"] = 2.into();
    plan["thresholds"] = json!({ "throughput": ">= 31/s" });
    let created = system.rest.post("/api/v1/tests", &plan).json();
    let expected = "throughput >= 31/s cannot be met: 2 drivers send at most 30/s; raise load.rate, or lower the threshold";
    assert_eq!(created["warnings"], json!([expected]), "{created:#}");
    assert_eq!(created["findings"][0]["kind"], "threshold_foreseen", "{created:#}");
}

//! The figures that each tool reports, parsed from its own output. A figure that a tool does not report is `None`.

use serde_json::Value;

/// The figures that a tool reports.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Said {
    pub throughput_per_s: Option<f64>,
    /// Mean latency, µs.
    pub mean_us: Option<f64>,
    /// 99 % are no slower, µs.
    pub p99_us: Option<f64>,
    /// Ours alone: how late attempts began, p99, µs.
    pub lag_p99_us: Option<f64>,
    /// Ours alone: ticks of the schedule that were not sent.
    pub dropped: Option<f64>,
    pub failed: Option<f64>,
}

impl Said {
    /// wrk's text: `Latency   298.12us   1.1ms …`, `99%    1.02ms`, `Requests/sec: 214000.12`.
    pub fn of_wrk(text: &str) -> Self {
        let after = |first: &str, nth: usize| {
            let words: Vec<&str> = text
                .lines()
                .map(|line| line.split_whitespace())
                .find_map(|mut words| (words.next() == Some(first)).then(|| words.collect()))?;
            words.get(nth).copied()
        };
        Self {
            throughput_per_s: after("Requests/sec:", 0).and_then(|word| word.parse().ok()),
            mean_us: after("Latency", 0).and_then(us),
            p99_us: after("99%", 0).and_then(us),
            ..Self::default()
        }
    }

    /// h2load's text: `finished in 4.00s, 190000.25 req/s, …`, `time for request:  68us  3.61ms  347us …`.
    pub fn of_h2load(text: &str) -> Self {
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let rate =
            line("finished in").and_then(|rest| rest.split(", ").nth(1)?.split(' ').next()?.parse().ok());
        let mean = line("time for request:").and_then(|rest| us(rest.split_whitespace().nth(2)?));
        let failed = line("requests:").and_then(|rest| {
            let part = rest.split(", ").find(|part| part.ends_with(" failed"))?;
            part.split(' ').next()?.parse().ok()
        });
        Self { throughput_per_s: rate, mean_us: mean, failed, ..Self::default() }
    }

    /// oha's JSON, in seconds.
    pub fn of_oha(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let us = |value: &Value| value.as_f64().map(|seconds| seconds * 1e6);
        Self {
            throughput_per_s: json["summary"]["requestsPerSec"].as_f64(),
            mean_us: us(&json["summary"]["average"]),
            p99_us: us(&json["latencyPercentiles"]["p99"]),
            ..Self::default()
        }
    }

    /// vegeta's JSON, in nanoseconds.
    pub fn of_vegeta(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let us = |value: &Value| value.as_f64().map(|ns| ns / 1e3);
        let failed = json["requests"].as_f64().zip(json["success"].as_f64());
        Self {
            throughput_per_s: json["throughput"].as_f64(),
            mean_us: us(&json["latencies"]["mean"]),
            p99_us: us(&json["latencies"]["99th"]),
            failed: failed.map(|(requests, success)| (requests * (1.0 - success)).round()),
            ..Self::default()
        }
    }

    /// Our report, in milliseconds.
    pub fn of_ours(report: &Value) -> Self {
        let totals = &report["totals"];
        let us = |kind: &str, figure: &str| totals["latency_ms"][kind][figure].as_f64().map(|ms| ms * 1e3);
        Self {
            throughput_per_s: totals["throughput_per_s"].as_f64(),
            mean_us: us("service", "mean"),
            p99_us: us("response", "p99"),
            lag_p99_us: us("lag", "p99"),
            dropped: totals["dropped"].as_f64(),
            failed: totals["failed"].as_f64(),
        }
    }
}

/// A span with its unit, as in `347us`, `1.02ms`, `1.5s`, `2m`.
fn us(word: &str) -> Option<f64> {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let factor = match &word[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrk_is_read() {
        let text = "Running 4s test @ http://127.0.0.1:1/ping\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    \
            Latency   298.12us    1.10ms  20.02ms   98.00%\n    Req/Sec   214.00k    5.00k  220.00k    60.00%\n  \
            Latency Distribution\n     50%  145.00us\n     99%    1.02ms\nRequests/sec: 214000.12\n";
        let said = Said::of_wrk(text);
        assert_eq!(
            (said.throughput_per_s, said.mean_us, said.p99_us),
            (Some(214_000.12), Some(298.12), Some(1_020.0))
        );
    }

    #[test]
    fn h2load_is_read() {
        let text = "finished in 4.00s, 190000.25 req/s, 12.00MB/s\n\
            requests: 760001 total, 760001 started, 760001 done, 760001 succeeded, 0 failed, 0 errored, 0 timeout\n\
            time for request:       68us      3.61ms       347us       100us    80.00%\n";
        let said = Said::of_h2load(text);
        assert_eq!((said.throughput_per_s, said.mean_us), (Some(190_000.25), Some(347.0)));
        assert_eq!((said.p99_us, said.failed), (None, Some(0.0)));
    }

    #[test]
    fn what_is_not_said_is_none() {
        for said in [Said::of_wrk(""), Said::of_h2load("x"), Said::of_oha("{}"), Said::of_vegeta("no JSON")] {
            assert_eq!(said, Said::default());
        }
    }
}

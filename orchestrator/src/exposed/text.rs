//! A test's families of samples. What each means stands in its help text and in docs/metrics.md.

use common::counters::ErrorKind;
use common::prometheus::Exposition;

use super::{Counted, Exposed, Health, Outcomes, Phase};
use crate::model::{Standing, TestState, Verdict};

/// A figure of a driver's health: the end of its name, what it is, and how to take it.
type Family = (&'static str, &'static str, fn(&Health) -> Option<f64>);

/// How [`Exposed::write`] names the test in help texts.
const WHICH: &str = "the newest test";

const STATES: [(TestState, &str); 5] = [
    (TestState::Configured, "configured"),
    (TestState::Starting, "starting"),
    (TestState::Running, "running"),
    (TestState::Draining, "draining"),
    (TestState::Finished, "finished"),
];

const STANDINGS: [(Standing, &str); 4] = [
    (Standing::Ok, "ok"),
    (Standing::Failing, "failing"),
    (Standing::Invalid, "invalid"),
    (Standing::Incomplete, "incomplete"),
];

impl Exposed {
    /// Adds its samples to an answer.
    pub fn write(&self, text: &mut Exposition) {
        let info = [("test_id", self.test_id.as_str()), ("name", self.name.as_str())];
        text.gauge("test_info", "Which test the samples of groundswell_test_* are of; always 1.")
            .labelled(&info, 1);
        phase(text, self.phase);
        if let Some(at) = self.started_at {
            text.gauge("test_start_time_seconds", "When its load starts, Unix time.").value(at as f64 / 1e6);
        }
        if let Some(target) = self.target {
            text.gauge(
                "test_target_rate_per_second",
                "What the open loop of all drivers is to start each second now, by unit. 0 before and after the load.",
            )
            .labelled(&[("unit", target.unit)], target.per_s);
        }
        requests(text, &self.fleet);
        self.named.write(text, WHICH);
        self.latencies(text);
        let mut drivers = text.gauge("test_drivers", "Drivers that take part, by what became of them.");
        for (state, n) in
            [("running", self.drivers_running), ("ended", self.drivers_ended), ("lost", self.drivers_lost)]
        {
            drivers.labelled(&[("state", state)], n);
        }
        text.gauge(
            "test_windows_missing",
            "Seconds of drivers that must have been sent and have not arrived.",
        )
        .value(self.windows_missing);
        self.each_driver(text);
    }

    fn latencies(&self, text: &mut Exposition) {
        let mut response = text.histogram(
            "test_response_seconds",
            "Last byte minus due time of requests after the warm-up, by name and outcome.",
        );
        for (name, times) in &self.requests {
            outcomes(name.as_deref().map(|name| ("request", name)), &times.response, |labels, times| {
                response.times(labels, times);
            });
        }
        let mut service = text.histogram(
            "test_service_seconds",
            "Last byte minus the begin of the attempt of requests after the warm-up, by name and outcome.",
        );
        for (name, times) in &self.requests {
            outcomes(name.as_deref().map(|name| ("request", name)), &times.service, |labels, times| {
                service.times(labels, times);
            });
        }
        text.histogram("test_connect_seconds", "Time to open a connection, of attempts that opened one.")
            .times(&[], &self.connect);
        text.histogram(
            "test_first_byte_seconds",
            "First byte of the answer minus the begin of the attempt, of attempts that got one.",
        )
        .times(&[], &self.first_byte);
    }

    fn each_driver(&self, text: &mut Exposition) {
        let mut sent = text.counter("test_driver_requests_sent_total", "Requests sent, by driver.");
        for driver in &self.drivers {
            sent.labelled(&[("node_id", &driver.node_id)], driver.counted.sent);
        }
        let mut ended =
            text.counter("test_driver_requests_total", "Requests that ended, by driver and outcome.");
        for driver in &self.drivers {
            for (outcome, n) in ends(&driver.counted) {
                ended.labelled(&[("node_id", &driver.node_id), ("outcome", outcome)], n);
            }
        }
        let mut dropped = text.counter(
            "test_driver_requests_dropped_total",
            "Requests of the schedule that were not sent, by driver and reason.",
        );
        for driver in &self.drivers {
            for (reason, n) in drops(&driver.counted) {
                dropped.labelled(&[("node_id", &driver.node_id), ("reason", reason)], n);
            }
        }
        let mut in_flight = text.gauge("test_driver_requests_in_flight", "Requests in flight, by driver.");
        for driver in &self.drivers {
            in_flight.labelled(&[("node_id", &driver.node_id)], driver.counted.in_flight);
        }
        let mut response = text.histogram(
            "test_driver_response_seconds",
            "Last byte minus due time of requests after the warm-up, by driver and outcome.",
        );
        for driver in &self.drivers {
            outcomes(Some(("node_id", &driver.node_id)), &driver.response, |labels, times| {
                response.times(labels, times);
            });
        }
        let mut lag = text.histogram(
            "test_driver_lag_seconds",
            "How late requests were sent because of the driver, by driver.",
        );
        for driver in &self.drivers {
            lag.times(&[("node_id", &driver.node_id)], &driver.lag);
        }
        self.health(text);
    }

    /// Left out once a driver's part is over, so that nothing shows a state of before as the present one.
    fn health(&self, text: &mut Exposition) {
        let families: [Family; 5] = [
            ("busy_ratio", "Share of its last second that the driver's busiest worker was not idle.", |of| {
                Some(of.busy)
            }),
            ("cpu_ratio", "CPU of the driver's process in its last second, as a share of its cores.", |of| {
                of.cpu
            }),
            (
                "steal_ratio",
                "Share of its machine's CPU time in its last second that the host gave to others.",
                |of| of.steal,
            ),
            (
                "wait_ratio",
                "Share of its last second that one of the driver's threads waited for a core.",
                |of| of.wait,
            ),
            ("lag_p99_seconds", "The 99th percentile of lag in the driver's last second.", |of| {
                of.lag_p99_us.map(|us| us as f64 / 1e6)
            }),
        ];
        for (name, help, value) in families {
            let mut family = text.gauge(&format!("test_driver_{name}"), help);
            for driver in &self.drivers {
                if let Some(value) = driver.health.as_ref().and_then(value) {
                    family.labelled(&[("node_id", &driver.node_id)], value);
                }
            }
        }
    }
}

fn phase(text: &mut Exposition, phase: Phase) {
    let mut states =
        text.gauge("test_state", "Where in its life the test is: 1 for the state it is in, else 0.");
    for (state, name) in STATES {
        states.labelled(&[("state", name)], u8::from(phase.state == Some(state)));
    }
    let help = "How the test would be judged by what is known so far: 1 for the one that holds, else 0. All 0 unless it runs.";
    let mut standings = text.gauge("test_standing", help);
    for (standing, name) in STANDINGS {
        standings.labelled(&[("standing", name)], u8::from(phase.standing == Some(standing)));
    }
    let help = "How the test ended: 1 for its verdict, else 0. All 0 until it has one.";
    let mut verdicts = text.gauge("test_verdict", help);
    for verdict in Verdict::ALL {
        verdicts.labelled(&[("verdict", verdict.as_str())], u8::from(phase.verdict == Some(verdict)));
    }
}

fn requests(text: &mut Exposition, fleet: &Counted) {
    for (name, help, n) in [
        ("test_requests_scheduled_total", "Requests of the schedule that fell due.", fleet.scheduled),
        ("test_requests_sent_total", "Requests sent, those of the warm-up included.", fleet.sent),
        ("test_warmup_requests_sent_total", "Requests sent in the warm-up.", fleet.warmup_sent),
        ("test_received_bytes_total", "Bytes of answers.", fleet.bytes_received),
    ] {
        text.counter(name, help).value(n);
    }
    let mut dropped = text
        .counter("test_requests_dropped_total", "Requests of the schedule that were not sent, by reason.");
    for (reason, n) in drops(fleet) {
        dropped.labelled(&[("reason", reason)], n);
    }
    let mut codes = text.counter("test_responses_total", "Answers by status, expected or not.");
    for (code, n) in &fleet.status_codes {
        codes.labelled(&[("code", code)], n);
    }
    let mut errors =
        text.counter("test_errors_total", "Requests that failed other than by their status, by kind.");
    // All kinds from the start, also at 0: of a series that begins with its first errors no rate shows these.
    for kind in ErrorKind::ALL.map(ErrorKind::as_str) {
        errors.labelled(&[("kind", kind)], fleet.errors.get(kind).copied().unwrap_or(0));
    }
    text.gauge("test_requests_in_flight", "Requests sent that have not ended.").value(fleet.in_flight);
    text.gauge("test_requests_unresolved", "Requests whose end a driver that is gone did not report.")
        .value(fleet.unresolved);
}

fn ends(counted: &Counted) -> [(&'static str, u64); 2] {
    [("completed", counted.completed), ("failed", counted.failed)]
}

fn drops(counted: &Counted) -> [(&'static str, u64); 2] {
    [("in_flight", counted.dropped_in_flight), ("late", counted.dropped_late)]
}

fn outcomes(
    of: Option<(&str, &str)>,
    times: &Outcomes,
    mut write: impl FnMut(&[(&str, &str)], &common::latency::UpTo),
) {
    for (outcome, times) in [("completed", &times.completed), ("failed", &times.failed)] {
        let labels: Vec<(&str, &str)> = of.into_iter().chain([("outcome", outcome)]).collect();
        write(&labels, times);
    }
}

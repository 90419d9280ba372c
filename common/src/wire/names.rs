//! The fields that are looked for on each topic, by the names that the wire gives them.

use std::sync::LazyLock;

use super::fields::{Names, names_of};
use super::{HeartbeatOurs, RegisterOurs, Topic};

/// The fields that the reader looks for in the records of a topic.
pub(super) fn names(topic: Topic) -> Names {
    match topic {
        Topic::Register => Names { classic: &["node_id", "node_IP", "kill"], ours: REGISTER_OURS.as_slice() },
        Topic::TestConfig => Names {
            classic: &[
                "test_id",
                "test_type",
                "test_message_delay",
                "message_count_per_driver",
                "target_url",
                "target_server_ip",
                "test_server",
                "num_drivers",
                "kill",
            ],
            ours: &[&["epoch", "protocol", "revision", "plan", "assignments"]],
        },
        Topic::Trigger => {
            const OURS: &[&[&str]] = &[&["start_at", "revision", "setup"], &["change", "rate", "at"]];
            Names { classic: &["test_id", "trigger", "kill"], ours: OURS }
        }
        Topic::Metrics => Names {
            classic: &[
                "node_id",
                "test_id",
                "report_id",
                "test_status",
                "metrics",
                "mean_latency",
                "mean",
                "median_latency",
                "median",
                "min_latency",
                "min",
                "max_latency",
                "max",
                "mode_latency",
                "mode",
                "num_requests",
                "number_of_requests",
                "requests_sent",
                "requests",
                "num_responses",
                "number_of_responses",
                "responses_received",
                "responses",
                "num_errors",
                "number_of_errors",
                "errors",
                "kill",
            ],
            ours: &[METRICS_OURS, COUNTERS],
        },
        Topic::Heartbeat => {
            Names { classic: &["node_id", "heartbeat", "timestamp", "kill"], ours: HEARTBEAT_OURS.as_slice() }
        }
    }
}

/// A window's own, beside its counters.
const METRICS_OURS: &[&str] = &[
    "epoch",
    "role",
    "seq",
    "window",
    "histograms",
    "extremes",
    "by_request",
    "sessions",
    "groups",
    "polls",
    "shared",
    "users",
    "busy",
    "cpu",
    "steal",
    "wait",
    "stopped",
    "final",
    "ending",
];

/// The figures of one request's name, within `by_request`.
pub(super) const FIGURES: &Names = &Names { classic: &[], ours: &[COUNTERS, &["histograms", "extremes"]] };

/// A registration's own, and the role: an orchestrator does not register.
static REGISTER_OURS: LazyLock<[&[&str]; 2]> = LazyLock::new(|| [names_of::<RegisterOurs>(), &["role"]]);

/// A heartbeat's own, and the counters that it has while a test runs.
static HEARTBEAT_OURS: LazyLock<[&[&str]; 2]> = LazyLock::new(|| [names_of::<HeartbeatOurs>(), COUNTERS]);

/// Cumulative counters, the same on both topics.
const COUNTERS: &[&str] = &[
    "scheduled",
    "sent",
    "completed",
    "failed",
    "dropped",
    "dropped_by",
    "errors",
    "tls_causes",
    "status_codes",
    "closed_on_reuse",
    "bytes_received",
    "completed_in_schedule",
    "short_gaps",
    "warmup",
];

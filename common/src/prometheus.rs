//! Prometheus' text format, version 0.0.4, as every node answers `/metrics` with. It knows no figure: each node names
//! its own.

use std::fmt::{Display, Write};

use crate::latency::{BOUNDS_US, UpTo};

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text of an answer, a family of samples at a time.
#[derive(Debug)]
pub struct Exposition {
    prefix: &'static str,
    text: String,
}

/// A family of samples: they have its name, and differ in their labels.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    metric: String,
}

impl Exposition {
    /// An empty text, whose names all begin with `prefix`.
    pub fn new(prefix: &'static str) -> Self {
        Self { prefix, text: String::new() }
    }

    /// Begins a family whose samples can fall as well as rise.
    pub fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    /// Begins a family whose samples only rise while the process lives.
    pub fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    /// Begins a family of classic histograms, in seconds ([`Family::times`]). Its name ends in `_seconds`.
    pub fn histogram(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "histogram")
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) -> Family<'_> {
        let metric = format!("{}{name}", self.prefix);
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        Family { text: &mut self.text, metric }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// Adds the family's only sample, which has no labels.
    pub fn value(&mut self, value: impl Display) {
        let _ = writeln!(self.text, "{} {value}", self.metric);
    }

    /// Adds a sample with at least one label, as `(label, value)`.
    pub fn labelled(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(self.text, "{}{{{}}} {value}", self.metric, labels.join(","));
    }

    /// Adds one histogram of times: a sample for each of [`BOUNDS_US`] in seconds, one for all, the sum and the count.
    pub fn times(&mut self, labels: &[(&str, &str)], times: &UpTo) {
        let mut given = String::new();
        for (label, value) in labels {
            let _ = write!(given, "{label}=\"{}\",", escaped(value));
        }
        let Self { text, metric } = self;
        for (bound, n) in BOUNDS_US.iter().zip(times.counts) {
            let _ = writeln!(text, "{metric}_bucket{{{given}le=\"{}\"}} {n}", *bound as f64 / 1e6);
        }
        let _ = writeln!(text, "{metric}_bucket{{{given}le=\"+Inf\"}} {}", times.count);
        let given = given.trim_end_matches(',');
        let given = if given.is_empty() { String::new() } else { format!("{{{given}}}") };
        let _ = writeln!(text, "{metric}_sum{given} {}", times.sum_us as f64 / 1e6);
        let _ = writeln!(text, "{metric}_count{given} {}", times.count);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_help_and_type_before_its_samples() {
        let mut text = Exposition::new("node_");
        text.gauge("busy", "share of the time").value(0.5);
        let mut read = text.counter("read_total", "records");
        read.labelled(&[("topic", "a"), ("reason", "b")], 7);
        read.labelled(&[("topic", "c"), ("reason", "d")], 8);
        text.counter("empty_total", "nothing yet");
        assert_eq!(
            text.into_text(),
            "# HELP node_busy share of the time\n# TYPE node_busy gauge\nnode_busy 0.5\n\
             # HELP node_read_total records\n# TYPE node_read_total counter\n\
             node_read_total{topic=\"a\",reason=\"b\"} 7\nnode_read_total{topic=\"c\",reason=\"d\"} 8\n\
             # HELP node_empty_total nothing yet\n# TYPE node_empty_total counter\n"
        );
    }

    #[test]
    fn a_histogram_has_its_buckets_in_seconds_its_sum_and_its_count() {
        let mut latency = crate::latency::Latency::new();
        [90, 200, 2_000_000].into_iter().for_each(|us| latency.record_us(us));
        let mut text = Exposition::new("node_");
        let mut family = text.histogram("wait_seconds", "how long");
        family.times(&[("of", "a,")], &latency.up_to());
        family.times(&[], &UpTo::default());
        let text = text.into_text();
        assert!(text.starts_with(
            "# HELP node_wait_seconds how long\n# TYPE node_wait_seconds histogram\n\
             node_wait_seconds_bucket{of=\"a,\",le=\"0.0001\"} 1\nnode_wait_seconds_bucket{of=\"a,\",le=\"0.00025\"} 2\n"
        ));
        for line in [
            "node_wait_seconds_bucket{of=\"a,\",le=\"1\"} 2",
            "node_wait_seconds_bucket{of=\"a,\",le=\"2.5\"} 3",
            "node_wait_seconds_bucket{of=\"a,\",le=\"+Inf\"} 3",
            "node_wait_seconds_count{of=\"a,\"} 3",
            "node_wait_seconds_bucket{le=\"60\"} 0",
            "node_wait_seconds_sum 0",
            "node_wait_seconds_count 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn the_values_of_labels_are_escaped() {
        let mut text = Exposition::new("");
        text.gauge("a", "h").labelled(&[("b", "x\"y\\z\n"), ("c", "d")], 7);
        assert!(text.into_text().ends_with("\na{b=\"x\\\"y\\\\z\\n\",c=\"d\"} 7\n"));
    }
}

//! A test's counts by name as `/metrics` of every node shows them: the same families under each node's own prefix. A plan
//! declares at most 256 names, so that the number of samples is bounded.

use crate::prometheus::Exposition;

/// The counts by name of one test; empty where its plan has one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedCounts {
    /// Requests: the name, and how many completed and failed. The name is empty where the plan has one request, which then
    /// has no label `request`.
    pub requests: Vec<(String, [u64; 2])>,
    /// Sessions: the scenario, and how many completed, failed, were abandoned and dropped.
    pub scenarios: Vec<(String, [u64; 4])>,
}

impl NamedCounts {
    /// Adds them to an answer. `which`: the test that they are of, as in `the newest test`.
    pub fn write(&self, text: &mut Exposition, which: &str) {
        if self.requests.is_empty() && self.scenarios.is_empty() {
            return;
        }
        let help = format!("Requests of {which} that ended, by name. A new test begins at 0.");
        let mut requests = text.counter("test_requests_total", &help);
        // What is counted under a value of a split is counted in its request, too, so it has a metric of its own: sums over
        // one metric count nothing twice.
        let (parts, whole): (Vec<_>, Vec<_>) = self.requests.iter().partition(|(name, _)| name.contains('/'));
        for (request, counts) in whole {
            for (outcome, n) in ["completed", "failed"].iter().zip(counts) {
                let labels: [(&str, &str); 2] = [("request", request.as_str()), ("outcome", outcome)];
                requests.labelled(&labels[usize::from(request.is_empty())..], n);
            }
        }
        if !parts.is_empty() {
            let help = format!(
                "Requests of {which} that ended, by name and value of split_by. They are in test_requests_total, too."
            );
            let mut values = text.counter("test_requests_by_value_total", &help);
            for (name, counts) in parts {
                let (request, value) = name.split_once('/').unwrap_or((name, ""));
                for (outcome, n) in ["completed", "failed"].iter().zip(counts) {
                    values.labelled(&[("request", request), ("value", value), ("outcome", outcome)], n);
                }
            }
        }
        if self.scenarios.is_empty() {
            return;
        }
        let help =
            format!("Sessions of {which} that ended or never began, by scenario. A new test begins at 0.");
        let mut sessions = text.counter("test_sessions_total", &help);
        for (scenario, counts) in &self.scenarios {
            for (outcome, n) in ["completed", "failed", "abandoned", "dropped"].iter().zip(counts) {
                sessions.labelled(&[("scenario", scenario), ("outcome", outcome)], n);
            }
        }
    }
}

//! What a figure leaves out because drivers do not report it. The sentence stands where a threshold cannot be decided,
//! and beside one that is broken even without it.

use crate::human::{count, counted, names, percent};

/// What a figure leaves out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gaps {
    /// Drivers that do not report what they sent.
    pub sent: Vec<String>,
    /// Drivers that do not report how many requests completed.
    pub completed: Vec<String>,
    /// Drivers that do not report how many requests failed.
    pub failed: Vec<String>,
    /// Drivers that do not report when their requests completed.
    pub when: Vec<String>,
    /// Share of the completed requests that histograms cover, where that is not all.
    pub covered: Option<f64>,
    /// Failed requests without a time.
    pub untimed: u64,
    /// Sessions that were abandoned, of those that began.
    pub abandoned: Option<(u64, u64)>,
}

impl Gaps {
    /// Whether the figure leaves out nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether abandoned sessions are all that it leaves out.
    pub fn only_abandoned(&self) -> bool {
        self.abandoned.is_some() && Self { abandoned: None, ..self.clone() }.is_empty()
    }

    /// The drivers that it leaves out.
    pub fn drivers(&self) -> Vec<String> {
        let lists = [&self.sent, &self.completed, &self.failed, &self.when];
        lists.into_iter().flatten().cloned().collect()
    }

    /// As in `what c sent is not known`.
    pub fn text(&self) -> String {
        let of = |drivers: &[String]| names(drivers.iter().map(String::as_str));
        let unknown = [
            (&self.sent, "what ", " sent"),
            (&self.completed, "how many requests of ", " completed"),
            (&self.failed, "how many requests of ", " failed"),
            (&self.when, "when the requests of ", " completed"),
        ];
        let unknown = unknown.into_iter().filter(|(drivers, ..)| !drivers.is_empty());
        let unknown = unknown.map(|(drivers, what, did)| format!("{what}{}{did} is not known", of(drivers)));
        let covered = self
            .covered
            .map(|share| format!("histograms cover {} of the completed requests", percent(share)));
        let untimed = (self.untimed > 0)
            .then(|| format!("the time of {} is not known", counted(self.untimed, "failed request")));
        let abandoned = self.abandoned.map(|(abandoned, of)| {
            format!(
                "{} of {} ({}) were abandoned between two steps, and how long they would have taken is not known",
                count(abandoned),
                counted(of, "session"),
                percent(abandoned as f64 / of.max(1) as f64)
            )
        });
        unknown.chain(covered).chain(untimed).chain(abandoned).collect::<Vec<_>>().join(", and ")
    }
}

//! A second of the fleet as a comparison needs it: what ended and what was due in it after the warm-up.

use common::counters::{Counters, ErrorKind};
use common::latency::{LatencyError, LatencyKind, LatencySums, Outcome};
use common::session_figures::SessionCounters;

use super::gather::OwnSecond;
use super::unstarted::Unstarted;
use crate::statistics::Window;

/// What a comparison looks at: no other histogram is read for it.
const COMPARED: [LatencyKind; 2] = [LatencyKind::Response, LatencyKind::FailedResponse];

/// A second of a test for a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedSecond {
    /// The second, counted from the start.
    pub seq: u64,
    /// Ticks after the warm-up that fell due in it (closed loop: attempts begun).
    pub scheduled: u64,
    /// What ended in it; the caller sets how much of the schedule it is.
    pub window: Window,
}

/// Adds up the seconds of drivers to those of the fleet. They come in the order of time.
#[derive(Debug, Default)]
pub struct ComparedSeconds {
    done: Vec<ComparedSecond>,
    /// The second that is being added up.
    seq: Option<u64>,
    counters: Counters,
    sessions: SessionCounters,
    samples: LatencySums,
}

impl ComparedSeconds {
    /// Adds a second of a driver.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn add(&mut self, second: &OwnSecond) -> Result<(), LatencyError> {
        if self.seq != Some(second.seq()) {
            self.end();
            self.seq = Some(second.seq());
        }
        self.counters += second.counters();
        self.sessions += &second.sessions().counters();
        second.add_samples(&mut self.samples, &COMPARED)
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<ComparedSecond> {
        self.end();
        self.done
    }

    fn end(&mut self) {
        let (counters, sessions) = (std::mem::take(&mut self.counters), std::mem::take(&mut self.sessions));
        let Some(seq) = self.seq.take() else { return };
        let after = counters.after_warmup();
        let failed = after.failed.saturating_sub(after.errors_of(ErrorKind::Cancelled));
        let samples = self.samples.ranked();
        let window = Window {
            slower: Unstarted::of(&sessions).slower(&counters),
            failed,
            ended: after.completed + failed,
            in_schedule: after.completed_in_schedule,
            ..Window::new(samples.of(Outcome::Success, LatencyKind::Response).buckets())
        };
        self.done.push(ComparedSecond { seq, scheduled: after.scheduled, window });
        self.samples.clear();
    }
}

//! What a test gives while it runs, second by second: to listeners, to the store as spans, to `[abort]` and to the search for the
//! capacity.

use std::time::Duration;

use super::Tally;
use super::limits::MAX_UNTAKEN;
use super::part::Part;
use super::series::Second;
use super::spans::SpanChange;
use crate::model::WindowView;
use crate::participant::EndedBy;

impl Tally {
    /// The seconds that were completed since the last call, for events and the live series: a driver's at once, the
    /// fleet's when every driver's is there. After a restart the seconds of the stored windows are returned again.
    pub fn take_windows(&mut self) -> Vec<WindowView> {
        self.untaken.drain(..).collect()
    }

    /// What is to be done to the stored windows of the test since the last call; after a restart all of them are returned
    /// again.
    pub fn take_spans(&mut self) -> Vec<SpanChange> {
        self.spans.take()
    }

    /// The first breach of a condition of the plan's `[abort]`, as a sentence; `None`: there was none. Counted again from
    /// the same records it is the same.
    pub fn breach(&self) -> Option<&str> {
        self.watch.breach()
    }

    /// Emits a driver's seconds, and the fleet's seconds that are complete with them.
    pub(super) fn emit(&mut self, index: usize, seconds: &[Second]) {
        for second in seconds {
            if !self.seconds.add(second) {
                self.spans.left_out(None, second.seq);
            }
            self.spans.add(Some(&self.parts[index].node), second, true);
            self.offer(Some(index), second);
        }
        let awaited = self.parts.iter().filter(|part| !part.is_classic() && part.ended_by.is_none());
        let horizon = awaited.map(|part| part.series.next()).min().filter(|_| !self.finished);
        for second in self.seconds.take_below(horizon.unwrap_or(u64::MAX)) {
            if !self.plan.abort.is_empty() {
                let (planned, any_done) = (self.planned_end(), self.any_load_done());
                self.watch.take(&self.plan, &second, planned, any_done);
            }
            let planned = self.searching.as_ref().and_then(|_| self.planned_end());
            if let (Some(searching), Some(start_at)) = (&mut self.searching, self.start_at) {
                searching.take(&second, planned, start_at, &self.rate_changes);
            }
            self.offer(None, &second);
        }
    }

    fn offer(&mut self, part: Option<usize>, second: &Second) {
        let covers_all = part.is_some() || self.covers_all();
        if self.untaken.len() >= MAX_UNTAKEN {
            self.untaken.pop_front();
        }
        // A page shows the spread of the fleet as it goes, and asks for that of one driver where it is looked at.
        let view = match part.map(|index| &self.parts[index].node) {
            Some(node) => second.view(&self.test_id, Some(node), covers_all),
            None => {
                let view = second.view_with_heat(&self.test_id, None, covers_all);
                self.spans.add(None, second, covers_all);
                self.spans.add_shown(&view);
                view
            }
        };
        self.untaken.push_back(view);
    }

    /// Whether every driver sends histograms.
    pub(super) fn covers_all(&self) -> bool {
        !self.parts.iter().any(Part::is_classic)
    }

    /// How long after the start the last load is planned to end; `None` where the plan does not say.
    pub(super) fn planned_end(&self) -> Option<Duration> {
        let start_at = self.start_at.unwrap_or(0);
        let shares = self.parts.iter().filter_map(|part| part.share.as_ref());
        let ends = shares.map(|share| share.planned_end(&self.plan, start_at, &self.rate_changes));
        ends.collect::<Option<Vec<Duration>>>()?.into_iter().max()
    }

    /// Whether a driver has ended its load by itself.
    fn any_load_done(&self) -> bool {
        self.parts.iter().any(|part| part.ended_by == Some(EndedBy::FinalWindow))
    }
}

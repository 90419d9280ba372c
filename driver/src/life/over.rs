//! What a driver sends to classic orchestrators that wait for it, at the start and at the end of their tests. Tests
//! of our own orchestrator never come here: it reads a `"NO"` as the driver leaving.

use common::ids::TestId;

use super::{Candidate, Life, MAX_HELD, Output, Over};

impl Life {
    pub(super) fn announce_start(&self, candidate: &Candidate, out: &mut Vec<Output>) {
        if self.habits.register_after_trigger && !candidate.is_ours() {
            out.push(Output::Register);
        }
    }

    /// The load is over. Its last report may be in Kafka by now, or may wait for it. The end is announced only after
    /// that report: the orchestrator closes the test at the announcement and ignores what comes later.
    pub(super) fn ended(&mut self, out: &mut Vec<Output>) {
        let Some(running) = self.running.take() else { return };
        if running.candidate.is_ours() {
            return;
        }
        let test_id = running.candidate.test_id;
        if running.reported {
            self.announce_over(test_id, out);
        } else {
            if self.unreported.len() >= MAX_HELD {
                self.unreported.pop_front();
            }
            self.unreported.push_back(test_id);
        }
    }

    /// Kafka has the last report of a test. Reports leave in order: of two tests with one id, the earlier one's comes
    /// first.
    pub(super) fn reported(&mut self, test_id: TestId, out: &mut Vec<Output>) {
        if let Some(at) = self.unreported.iter().position(|waiting| *waiting == test_id) {
            self.unreported.remove(at);
            self.announce_over(test_id, out);
        } else if let Some(running) = &mut self.running
            && running.candidate.test_id == test_id
        {
            running.reported = true;
        }
    }

    fn announce_over(&self, test_id: TestId, out: &mut Vec<Output>) {
        let (word, no) = (self.habits.end_word.clone(), self.habits.no_at_end);
        if word.is_some() || no {
            out.push(Output::AnnounceEnd(Over { test_id, word, no }));
        }
    }
}

//! Assigns end words to drivers. Some classic drivers end a test with a bare word like `EOFBREAK`, which names neither
//! a driver nor a test. Where one classic driver has not ended yet, the word is its end. Where several have not, those
//! whose reports show their progress are left out: they have requests left, or will end by their count. The others end
//! once as many words have arrived as there are of them.

use super::Tally;
use super::part::Part;
use crate::lifecycle::count_of;
use crate::participant::EndedBy;

impl Tally {
    /// An end word arrived, which has neither a driver's nor a test's id.
    pub fn end_word(&mut self) {
        self.words += 1;
        self.assign_end_words();
    }

    /// Ends the parts that must have sent the words that arrived so far.
    pub(super) fn assign_end_words(&mut self) {
        let count = count_of(&self.plan);
        let open: Vec<&Part> =
            self.parts.iter().filter(|part| part.is_classic() && part.ended_by.is_none()).collect();
        let unknown: Vec<&Part> =
            open.iter().copied().filter(|part| !shows_its_progress(part, count)).collect();
        let whose = match open.len() {
            1 => open,
            _ => unknown,
        };
        if whose.is_empty() {
            // Every driver left reports its progress and ends by its count: its end word is not needed.
            self.words = 0;
        }
        if self.words == 0 || self.words < whose.len() {
            return;
        }
        self.words -= whose.len();
        let whose: Vec<_> = whose.into_iter().map(|part| part.node.clone()).collect();
        for node in whose {
            self.ended(&node, None, EndedBy::Word);
        }
    }
}

/// Whether the reports of a classic driver show its progress: by a total, or because it sends one for each answer. A
/// single report may be the one at its end, and more reports than requests mean that they come at an interval.
fn shows_its_progress(part: &Part, count: u64) -> bool {
    let each_answer = (2..=count).contains(&part.reports.taken());
    count > 0 && (part.reports.counts(false).sent.is_some() || each_answer)
}

//! Whose end a bare word is. Some classic drivers end a test with a word like `EOFBREAK`, which names neither a driver
//! nor a test. Where one classic driver is left it is the end of that one. Where several are left, those are put aside
//! whose reports already show how far they are: they have requests left, or have reported all of them. A word is
//! given out once as many have come as parts are left to choose from.

use super::Tally;
use super::part::Part;
use crate::lifecycle::count_of;
use crate::participant::EndedBy;

impl Tally {
    /// Ends the parts that the words so far must be of.
    pub(super) fn give_words(&mut self) {
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
            // A driver that counts said so as well; its count ends it.
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

/// Whether the reports of a classic driver show how far it is: by a total, or because each answer brings one. A single
/// report may be that of the end, and more reports than requests come at an interval.
fn shows_its_progress(part: &Part, count: u64) -> bool {
    let each_answer = (2..=count).contains(&part.reports.taken());
    count > 0 && (part.reports.counts(false).sent.is_some() || each_answer)
}

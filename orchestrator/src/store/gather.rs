//! Sums over any seconds of a test, from what is kept of them: spans where there are some, records for the rest.

use std::collections::BTreeSet;

use common::ids::{NodeId, TestId};

use super::spans::last;
use super::{Store, StoreError};
use crate::tally::Step;
use crate::tally::gather::Gather;

/// A life of a node in a test: its id and its epoch as the store has it.
pub(super) type Life = (String, i64);

/// A part of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// A span that is kept.
    Kept(Step, u64),
    /// Seconds from and to, both included.
    Seconds(u64, u64),
}

/// Cuts a range into the longest spans that are kept, and seconds where none is.
fn pieces((from, to): (u64, u64), kept: &BTreeSet<(Step, u64)>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut next = from;
    while next <= to {
        let fits = |step: &Step| {
            step.first_of(next) == next && step.last_of(next) <= to && kept.contains(&(*step, next))
        };
        let piece = match Step::LONGEST_FIRST.into_iter().find(fits) {
            Some(step) => Piece::Kept(step, next),
            None => Piece::Seconds(next, Step::Ten.last_of(next).min(to)),
        };
        let end = match piece {
            Piece::Kept(step, first) => step.last_of(first),
            Piece::Seconds(_, end) => end,
        };
        match (pieces.last_mut(), piece) {
            (Some(Piece::Seconds(_, before)), Piece::Seconds(..)) => *before = end,
            _ => pieces.push(piece),
        }
        let Some(after) = end.checked_add(1) else { break };
        next = after;
    }
    pieces
}

impl Store {
    /// Adds up the seconds `from` to `to` (both included) of a driver, or of the fleet; `lives`: all of the test; `with_names`:
    /// whether the figures of each name are wanted.
    pub(super) fn gather(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        lives: &[Life],
        range: (u64, u64),
        with_names: bool,
    ) -> Result<Gather, StoreError> {
        let lives: Vec<_> =
            lives.iter().filter(|life| node.is_none_or(|node| life.0 == node.as_str())).collect();
        // The spans of a driver have no names: for these its seconds are read.
        let has_spans = node.is_none() || !with_names;
        let kept = if has_spans { self.kept_spans(test_id, node, range)? } else { Vec::new() };
        let kept = kept.into_iter().collect();
        let mut gather = Gather::new(with_names);
        for piece in pieces(range, &kept) {
            let (step, first) = match piece {
                Piece::Kept(step, first) => (step, first),
                Piece::Seconds(from, to) => {
                    self.gather_seconds(&mut gather, test_id, &lives, (from, to))?;
                    continue;
                }
            };
            match self.kept_span(test_id, node, (step, first))? {
                Some(span) => gather
                    .span(&span)
                    .map_err(|error| self.bad_row(format!("spans {test_id} {first}"), error))?,
                // Taken back since a moment ago.
                None => self.gather_seconds(&mut gather, test_id, &lives, (first, step.last_of(first)))?,
            }
        }
        Ok(gather)
    }

    fn gather_seconds(
        &self,
        gather: &mut Gather,
        test_id: &TestId,
        lives: &[&Life],
        (from, to): (u64, u64),
    ) -> Result<(), StoreError> {
        gather.begin();
        for (name, epoch) in lives {
            self.each_apart(
                "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq BETWEEN 0 AND ?4 - 1
                   ORDER BY seq DESC LIMIT 1",
                (test_id.as_str(), name, epoch, last(from)),
                |base| {
                    gather.base(base);
                    Ok(())
                },
            )?;
            self.each_apart(
                "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq BETWEEN ?4 AND ?5 ORDER BY seq",
                (test_id.as_str(), name, epoch, last(from), last(to)),
                |second| gather.second(second),
            )?;
        }
        Ok(())
    }

    /// The lives of nodes that sent windows of a test.
    pub(super) fn lives(&self, test_id: &TestId) -> Result<Vec<Life>, StoreError> {
        let sql = "SELECT DISTINCT node_id, epoch FROM records WHERE test_id = ?1 AND seq IS NOT NULL";
        self.rows(sql, [test_id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_into_the_longest_spans_that_are_kept() {
        use Step::{Minute, Ten};
        let tens = (0..30).map(|ten| (Ten, 10 * ten));
        let kept: BTreeSet<_> = tens.chain([(Minute, 0), (Minute, 60), (Minute, 180)]).collect();
        let of = |from, to| pieces((from, to), &kept);
        assert_eq!(of(0, 119), [Piece::Kept(Minute, 0), Piece::Kept(Minute, 60)]);
        assert_eq!(of(55, 125), [Piece::Seconds(55, 59), Piece::Kept(Minute, 60), Piece::Seconds(120, 125)]);
        assert_eq!(of(100, 139), [100, 110, 120, 130].map(|first| Piece::Kept(Ten, first)));
        assert_eq!(of(3, 7), [Piece::Seconds(3, 7)]);
        assert_eq!(of(295, 320), [Piece::Seconds(295, 320)], "nothing is kept from 300 on");
        let longest = (u64::MAX - 5, u64::MAX);
        assert_eq!(pieces(longest, &kept), [Piece::Seconds(longest.0, longest.1)]);
    }
}

//! Sums over any seconds of a test, from what is kept of them: spans where there are some, records for the rest. A record is read
//! once, for its driver and for the fleet alike.

use std::collections::BTreeSet;

use common::ids::{NodeId, TestId};
use common::latency::LatencyError;

use super::spans::last;
use super::{Store, StoreError};
use crate::tally::Step;
use crate::tally::gather::{Gather, Lives, OwnSecond};

/// A life of a node in a test: its id and its epoch as the store has it.
pub(super) type Life = (String, i64);

/// Seconds from and to, both included.
type Range = (u64, u64);

/// Where the parts of a range are read from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    /// Spans that are kept.
    spans: Vec<(Step, u64)>,
    /// Seconds that no span has, in order.
    seconds: Vec<Range>,
}

/// Cuts a range into the longest spans that are kept, and seconds where none is.
fn parts((from, to): Range, kept: &BTreeSet<(Step, u64)>) -> Parts {
    let mut parts = Parts::default();
    let mut next = from;
    while next <= to {
        let fits = |step: &Step| {
            step.first_of(next) == next && step.last_of(next) <= to && kept.contains(&(*step, next))
        };
        let end = match Step::LONGEST_FIRST.into_iter().find(fits) {
            Some(step) => {
                parts.spans.push((step, next));
                step.last_of(next)
            }
            None => {
                let end = Step::Ten.last_of(next).min(to);
                match parts.seconds.last_mut().filter(|before| before.1.checked_add(1) == Some(next)) {
                    Some(before) => before.1 = end,
                    None => parts.seconds.push((next, end)),
                }
                end
            }
        };
        let Some(after) = end.checked_add(1) else { break };
        next = after;
    }
    parts
}

/// The seconds that are in one of two lists of ranges, or in both, in order; with each range, which of the two have it.
fn of_either(a: &[Range], b: &[Range]) -> Vec<(Range, [bool; 2])> {
    let mut cuts: Vec<u64> =
        [a, b].concat().iter().flat_map(|(from, to)| [*from, to.saturating_add(1)]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let has = |ranges: &[Range], second: u64| ranges.iter().any(|(from, to)| (*from..=*to).contains(&second));
    let between =
        cuts.windows(2).map(|pair| ((pair[0], pair[1] - 1), [a, b].map(|ranges| has(ranges, pair[0]))));
    between.filter(|(_, have)| have.contains(&true)).collect()
}

impl Store {
    /// Adds up the seconds of a range of a driver, or of the fleet; `lives`: all of the test; `with_names`: whether the figures
    /// of each name are wanted.
    pub(super) fn gather(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        lives: &[Life],
        range: Range,
        with_names: bool,
    ) -> Result<Gather, StoreError> {
        // The spans of a driver have no names: for these its seconds are read.
        let has_spans = node.is_none() || !with_names;
        let (mut gather, seconds) = if has_spans {
            self.gather_spans(test_id, node, range, with_names)?
        } else {
            (Gather::new(with_names), vec![range])
        };
        for range in seconds {
            for life in lives.iter().filter(|life| node.is_none_or(|node| life.0 == node.as_str())) {
                self.each_own_second(test_id, life, range, |second| gather.second(&second))?;
            }
        }
        Ok(gather)
    }

    /// Adds up the seconds of a range of each of these drivers, and of the fleet, the latter with its names.
    pub(super) fn gather_fleet(
        &self,
        test_id: &TestId,
        nodes: &[NodeId],
        lives: &[Life],
        range: Range,
        mut take: impl FnMut(&NodeId, Gather),
    ) -> Result<Gather, StoreError> {
        let (mut fleet, of_fleet) = self.gather_spans(test_id, None, range, true)?;
        // One after the other: the sums of one driver are in memory at once.
        for node in nodes {
            let (mut driver, of_driver) = self.gather_spans(test_id, Some(node), range, false)?;
            for (range, [for_driver, for_fleet]) in of_either(&of_driver, &of_fleet) {
                for life in lives.iter().filter(|life| life.0 == node.as_str()) {
                    self.each_own_second(test_id, life, range, |second| {
                        if for_driver {
                            driver.second(&second)?;
                        }
                        if for_fleet { fleet.second(&second) } else { Ok(()) }
                    })?;
                }
            }
            take(node, driver);
        }
        Ok(fleet)
    }

    /// Adds up the spans that are kept of a range, and gives the seconds that none of them has.
    fn gather_spans(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        range: Range,
        with_names: bool,
    ) -> Result<(Gather, Vec<Range>), StoreError> {
        let kept = self.kept_spans(test_id, node, range)?.into_iter().collect();
        let Parts { spans, mut seconds } = parts(range, &kept);
        let mut gather = Gather::new(with_names);
        for (step, first) in spans {
            match self.kept_span(test_id, node, (step, first))? {
                Some(span) => gather
                    .span(&span)
                    .map_err(|error| self.bad_row(format!("spans {test_id} {first}"), error))?,
                // It has no sums, or was taken back since a moment ago.
                None => seconds.push((first, step.last_of(first))),
            }
        }
        Ok((gather, seconds))
    }

    /// Hands over the seconds of a life of a node that are in a range, each with its own counts.
    fn each_own_second(
        &self,
        test_id: &TestId,
        life: &Life,
        (from, to): Range,
        mut take: impl FnMut(OwnSecond) -> Result<(), LatencyError>,
    ) -> Result<(), StoreError> {
        let mut counted = self.counted_before(test_id, std::iter::once(life), from)?;
        self.each_apart(
            "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq BETWEEN ?4 AND ?5 ORDER BY seq",
            (test_id.as_str(), &life.0, life.1, last(from), last(to)),
            |second| take(counted.next(second)),
        )
    }

    /// The same of all drivers, or of one, in the order of the seconds.
    pub(super) fn each_own_second_of_all(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        (from, to): Range,
        mut take: impl FnMut(OwnSecond) -> Result<(), LatencyError>,
    ) -> Result<(), StoreError> {
        let lives = self.lives(test_id)?;
        let asked = lives.iter().filter(|life| node.is_none_or(|node| life.0 == node.as_str()));
        let mut counted = self.counted_before(test_id, asked, from)?;
        self.each_apart(
            "WHERE test_id = ?1 AND seq BETWEEN ?2 AND ?3 AND (?4 IS NULL OR node_id = ?4) ORDER BY seq",
            (test_id.as_str(), last(from), last(to), node.map(NodeId::as_str)),
            |second| take(counted.next(second)),
        )
    }

    /// What these lives had counted before a second.
    fn counted_before<'l>(
        &self,
        test_id: &TestId,
        lives: impl Iterator<Item = &'l Life>,
        second: u64,
    ) -> Result<Lives, StoreError> {
        let mut counted = Lives::default();
        for (name, epoch) in lives {
            self.each_apart(
                "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq BETWEEN 0 AND ?4 - 1
                   ORDER BY seq DESC LIMIT 1",
                (test_id.as_str(), name, epoch, last(second)),
                |base| {
                    counted.base(base);
                    Ok(())
                },
            )?;
        }
        Ok(counted)
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
    use proptest::prelude::*;

    #[test]
    fn a_range_is_cut_into_the_longest_spans_that_are_kept() {
        use Step::{Minute, Ten, TenMinutes};
        let tens = (0..30).map(|ten| (Ten, 10 * ten));
        let longer = [(Minute, 0), (Minute, 60), (Minute, 180), (TenMinutes, 600)];
        let kept: BTreeSet<_> = tens.chain(longer).collect();
        #[track_caller]
        fn check(parts: Parts, spans: &[(Step, u64)], seconds: &[Range]) {
            assert_eq!((&parts.spans[..], &parts.seconds[..]), (spans, seconds));
        }
        let of = |from, to| parts((from, to), &kept);
        check(of(0, 119), &[(Minute, 0), (Minute, 60)], &[]);
        check(of(55, 125), &[(Minute, 60)], &[(55, 59), (120, 125)]);
        check(of(100, 139), &[100, 110, 120, 130].map(|first| (Ten, first)), &[]);
        check(of(3, 7), &[], &[(3, 7)]);
        // Nothing is kept from 300 to 599.
        check(of(285, 1_200), &[(Ten, 290), (TenMinutes, 600)], &[(285, 289), (300, 599), (1_200, 1_200)]);
        let longest = (u64::MAX - 5, u64::MAX);
        check(parts(longest, &kept), &[], &[longest]);
    }

    proptest! {
        #[test]
        fn what_either_list_has_is_read_once_for_those_that_have_it(
            a in prop::collection::btree_set(0..40_u64, 0..20), b in prop::collection::btree_set(0..40_u64, 0..20),
        ) {
            let ranges = |seconds: &BTreeSet<u64>| {
                let mut ranges: Vec<Range> = Vec::new();
                for second in seconds {
                    match ranges.last_mut().filter(|range| range.1 + 1 == *second) {
                        Some(range) => range.1 = *second,
                        None => ranges.push((*second, *second)),
                    }
                }
                ranges
            };
            let read = of_either(&ranges(&a), &ranges(&b));
            let seconds = |which: usize| {
                let having = read.iter().filter(|(_, have)| have[which]);
                having.flat_map(|((from, to), _)| *from..=*to).collect::<Vec<_>>()
            };
            prop_assert_eq!(seconds(0), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(seconds(1), b.iter().copied().collect::<Vec<_>>());
            prop_assert!(read.windows(2).all(|pair| pair[0].0.1 < pair[1].0.0));
        }
    }
}

//! Rounds in which those who take part take turns, each round beginning with another one, so that a drift of the
//! machine or a neighbour's burst falls on all alike. A turn that fails is a sample that says why.

use crate::machine::Ticks;
use crate::results::{Figures, Sample};

/// How one of those who take part is called.
type Name<'a, T> = &'a dyn Fn(&T) -> String;

/// Takes the samples of a scenario. A turn returns its command, as one would type it, and its figures.
pub fn rounds<T: Clone>(
    record: &mut dyn FnMut(Sample),
    scenario: &str,
    rounds: u32,
    (those, name): (&[T], Name<'_, T>),
    turn: &dyn Fn(&T) -> anyhow::Result<(String, Figures)>,
) {
    for round in 1..=rounds {
        let mut those = those.to_vec();
        let first = (round as usize - 1) % those.len().max(1);
        those.rotate_left(first);
        for one in &those {
            let before = Ticks::now();
            let (command, mut figures, error) = match turn(one) {
                Ok((command, figures)) => (command, figures, None),
                Err(error) => (String::new(), Figures::new(), Some(format!("{error:#}"))),
            };
            figures.insert("stolen_share", Ticks::stolen_since(before));
            let (scenario, tool) = (scenario.to_owned(), name(one));
            record(Sample { scenario, tool, round, command, figures, error });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_one_and_a_failure_is_a_sample() {
        let mut seen = Vec::new();
        let mut record = |sample: Sample| seen.push((sample.round, sample.tool, sample.error.is_some()));
        let turn = |one: &u32| {
            anyhow::ensure!(*one != 2, "two");
            Ok((String::new(), Figures::new()))
        };
        rounds(&mut record, "s", 2, (&[1_u32, 2], &|one| one.to_string()), &turn);
        let expected = [(1, "1", false), (1, "2", true), (2, "2", true), (2, "1", false)];
        assert_eq!(seen, expected.map(|(round, tool, failed)| (round, tool.to_owned(), failed)));
    }
}

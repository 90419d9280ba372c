//! Which rate comes next, after what was decided so far.

use super::*;
use crate::capacity::Limit;

const REACH: Reach = Reach { start: 50.0, max: None, floor: 0.3, within: 0.05 };

/// A ladder on which these rates were measured, in this order.
fn ladder(levels: &[(f64, Measure, CapacityDecided)]) -> Ladder {
    let mut ladder = Ladder::default();
    for (rate, measure, decided) in levels {
        ladder.note(&Level::new(*rate, *measure, &[Limit { share: 0.01, is_latency: true }]), *decided);
    }
    ladder
}

#[test]
fn a_rate_for_which_the_generator_was_late_is_tried_again_once_and_then_left() {
    use CapacityDecided::{Fails, Generator, Holds, Undecided};
    use Measure::Decide;
    let known = [(100.0, Decide, Holds), (200.0, Decide, Fails)];
    let after = |decided: &[CapacityDecided]| {
        let at = decided.iter().map(|decided| (141.4, Decide, *decided));
        ladder(&known.into_iter().chain(at).collect::<Vec<_>>()).next(&REACH)
    };
    assert_eq!(after(&[]), Next::Try(141.4, Decide));
    assert_eq!(after(&[Generator]), Next::Try(141.4, Decide));
    // What is still undecided would be undecided the next time, too: the rates on either side of it are worth more.
    assert_eq!(after(&[Generator, Undecided]), Next::Try(168.2, Decide));
    assert_eq!(after(&[Generator, Generator]), Next::Try(118.9, Decide), "out of reach");
}

#[test]
fn both_ends_are_repeated_the_lower_one_first() {
    use CapacityDecided::{Fails, Holds, Undecided};
    use Measure::{Decide, Full};
    let ends = [(100.0, Decide, Holds), (104.0, Decide, Fails)];
    let after = |more: &[(f64, Measure, CapacityDecided)]| ladder(&[&ends[..], more].concat()).next(&REACH);
    assert_eq!(after(&[]), Next::Try(100.0, Full));
    assert_eq!(after(&[(100.0, Full, Holds)]), Next::Try(104.0, Full));
    assert_eq!(after(&[(100.0, Full, Holds), (104.0, Full, Fails)]), Next::Done);
    // One that contradicts what it was taken for opens the bracket.
    assert_eq!(after(&[(100.0, Full, Fails)]), Next::Try(25.0, Decide));
    assert_eq!(after(&[(100.0, Full, Holds), (104.0, Full, Undecided)]), Next::Try(130.0, Measure::Climb));
}

#[test]
fn where_nothing_holds_it_goes_down_to_the_floor() {
    use CapacityDecided::Stopped;
    use Measure::Decide;
    assert_eq!(ladder(&[]).next(&REACH), Next::Try(50.0, Measure::Climb));
    assert_eq!(ladder(&[(50.0, Decide, Stopped)]).next(&REACH), Next::Try(12.5, Decide));
    let low = [(50.0, Decide, Stopped), (1.0, Decide, Stopped)];
    assert_eq!(ladder(&low).next(&REACH), Next::Nowhere);
}

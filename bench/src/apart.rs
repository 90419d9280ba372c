//! How far the receiving end's core and the generator's are from one another. A host may move the two cores of a virtual
//! machine at any time, to one cache that they share or to caches of their own. Each packet is written on one core and
//! read on the other: the kernel's time for the same request is a third more where they are far apart. No file of the
//! guest shows which it is, but the time that a line of memory takes to go there and back does.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::job::Place;
use crate::results::{Figures, Sample, Samples};

/// So often a line goes there and back: 3 ms where the cores are near, 20 ms where they are far apart.
const TRIPS: u32 = 60_000;

/// So often the trips are measured; the shortest counts, for other work on the cores makes it longer.
const TRIES: usize = 3;

/// Two figures of the same distance differ by less than this factor. Near is 50 to 75 ns, far is 315 to 500 ns.
const SAME: f64 = 2.0;

/// Nanoseconds that a line of memory takes from the receiving end's core to the generator's and back.
///
/// # Errors
/// Where the cores cannot be used.
pub fn line_ns(place: &Place) -> anyhow::Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        least = least.min(trips_ns(place.server_core, place.generator_core)?);
    }
    Ok(least)
}

fn trips_ns(here: usize, there: usize) -> anyhow::Result<f64> {
    let line = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| {
            let pinned = pin(there);
            // Also where it could not be pinned: the other one waits for it.
            (0..TRIPS).for_each(|trip| pass(&line, 2 * trip + 1));
            pinned
        });
        let asks = scope.spawn(|| {
            let pinned = pin(here);
            let began = Instant::now();
            (0..TRIPS).for_each(|trip| pass(&line, 2 * trip));
            pinned.map(|()| began.elapsed())
        });
        let (answers, asks) = (answers.join(), asks.join());
        let panicked = |_| anyhow::anyhow!("a thread that measures the way between two cores panicked");
        answers.map_err(panicked)??;
        Ok(asks.map_err(panicked)??.as_secs_f64() * 1e9 / f64::from(TRIPS))
    })
}

/// Waits until the line holds a number, and puts the next one there.
fn pass(line: &AtomicU32, number: u32) {
    while line.load(Ordering::Acquire) != number {
        std::hint::spin_loop();
    }
    line.store(number + 1, Ordering::Release);
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// Figures of a turn before and after which the way between the cores was measured.
pub fn figures(before_ns: f64, after_ns: f64) -> Figures {
    Figures::from([("line_before_ns", before_ns), ("line_after_ns", after_ns)])
}

/// The samples of the rounds in which the cores were equally far apart all the time, before and after each turn. The
/// ratio of two turns compares plans, or tools, in these rounds alone. Rounds in which the distance was not measured
/// are among them.
pub fn in_one_state(samples: Samples<'_>, scenario: &str) -> Vec<Sample> {
    let of_round = |round: u32| {
        let those =
            samples.0.iter().filter(move |sample| sample.scenario == scenario && sample.round == round);
        those.flat_map(|sample| {
            ["line_before_ns", "line_after_ns"].map(|name| sample.figures.get(name).copied())
        })
    };
    let is_one_state = |round: u32| {
        let least = of_round(round).flatten().fold(f64::INFINITY, f64::min);
        let most = of_round(round).flatten().fold(0.0, f64::max);
        most < least * SAME
    };
    let those = samples.0.iter().filter(|sample| sample.scenario == scenario && is_one_state(sample.round));
    those.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn rounds_in_which_the_distance_changed_are_left_out() {
        let turn = |tool: &str, round: u32, before: f64, after: f64| {
            sample("mix", tool, round, &[("line_before_ns", before), ("line_after_ns", after)])
        };
        let all = [
            turn("static", 1, 50.0, 60.0),
            turn("mix", 1, 61.0, 52.0),
            turn("mix", 2, 330.0, 340.0),
            turn("static", 2, 320.0, 500.0),
            turn("static", 3, 50.0, 60.0),
            turn("mix", 3, 60.0, 330.0),
            turn("mix", 4, 330.0, 340.0),
            turn("static", 4, 55.0, 56.0),
            sample("mix", "mix", 5, &[]),
            turn("mix", 3, 50.0, 50.0),
        ];
        let rounds: Vec<u32> = in_one_state(Samples(&all), "mix").iter().map(|sample| sample.round).collect();
        assert_eq!(rounds, [1, 1, 2, 2, 5]);
    }
}

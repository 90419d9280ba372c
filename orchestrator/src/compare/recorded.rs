//! False alarms among series of real tests (`compare/fixtures/`, recorded by `examples/record_series.rs` on a machine of two
//! cores on which compilers ran). Pairs of tests of the same service are made of one test: its blocks of 10 s are dealt
//! out by chance, half of them to each side, so that nothing but chance is between the sides, and what lasts for some
//! seconds stays together.

use std::io::Read;

use flate2::read::GzDecoder;

use super::figures::compare;
use super::simulated::{Alarms, Random, most_alarms, n_pairs};
use crate::model::{ComparedFigure, ComparedWhat};
use crate::statistics::{Series, Side, Window};

/// Windows that stay together.
const BLOCK: usize = 10;

/// The same for the table alone: what lasts for half a minute, in tests of five minutes.
const LONG_BLOCK: usize = 30;

fn windows(gzipped: &[u8]) -> Vec<Window> {
    let mut text = String::new();
    GzDecoder::new(gzipped).read_to_string(&mut text).unwrap();
    text.lines().map(window).collect()
}

fn window(line: &str) -> Window {
    let (counts, samples) = line.split_once(':').unwrap();
    let counts: Vec<u64> = counts.split(' ').map(|n| n.parse().unwrap()).collect();
    let mut us = 0;
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for step in samples.split_whitespace() {
        us += step.parse::<u64>().unwrap();
        match buckets.last_mut() {
            Some((last, n)) if *last == us => *n += 1,
            _ => buckets.push((us, 1)),
        }
    }
    Window {
        slower: counts[0],
        failed: counts[1],
        ended: counts[2],
        in_schedule: counts[3],
        seconds: 1.0,
        ..Window::new(buckets)
    }
}

/// The blocks of a test, dealt out to two sides.
fn dealt(windows: &[Window], block: usize, random: &mut Random) -> (Side, Side) {
    let mut blocks: Vec<&[Window]> = windows.chunks_exact(block).collect();
    for at in (1..blocks.len()).rev() {
        blocks.swap(at, (random.bits() % (at as u64 + 1)) as usize);
    }
    let (a, b) = blocks.split_at(blocks.len() / 2);
    let side = |blocks: &[&[Window]]| Side::new(vec![Series::new(blocks.concat())]);
    (side(a), side(b))
}

#[track_caller]
fn check(name: &str, gzipped: &[u8]) {
    let windows = windows(gzipped);
    let n = n_pairs();
    for block in [BLOCK, LONG_BLOCK].into_iter().filter(|block| *block == BLOCK || n >= 200) {
        let mut random = Random::new(15);
        let mut pair = || {
            let (a, b) = dealt(&windows, block, &mut random);
            compare(&a, &b, ComparedWhat::Tests)
        };
        let pairs: Vec<Vec<ComparedFigure>> = (0..n).map(|_| pair()).collect();
        let Alarms { any, most } = Alarms::of(&pairs);
        let seconds = windows.len() / 2;
        eprintln!(
            "| recorded: {name}, blocks of {block} s | {seconds} | {any} of {n}, {most} of one figure |"
        );
        assert!(any <= most_alarms(n), "{name}, blocks of {block} s: {any} of {n} pairs");
    }
}

#[test]
fn an_open_loop_gives_no_more_false_alarms_than_promised() {
    check("open loop, 50/s", include_bytes!("fixtures/open_loop.txt.gz"));
}

#[test]
fn a_closed_loop_gives_no_more_false_alarms_than_promised() {
    check("closed loop, 2 connections", include_bytes!("fixtures/closed_loop.txt.gz"));
}

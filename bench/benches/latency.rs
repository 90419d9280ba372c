//! What one sample and one window cost: record, merge, encode, decode.
#![allow(missing_docs)] // criterion's macros write the functions

use std::hint::black_box;

use common::latency::{Encoder, Latency};
use criterion::{Criterion, criterion_group, criterion_main};

/// Samples of one window at 10,000/s, µs: a body around 300 µs and a tail up to a second, the same each time.
fn samples() -> Vec<u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        (250.0 / (1.0 - share).powf(0.6)) as u64
    };
    std::iter::repeat_with(next).take(10_000).map(|us| us.clamp(1, 1_000_000)).collect()
}

fn latency(c: &mut Criterion) {
    let samples = samples();
    let mut window = Latency::new();
    samples.iter().for_each(|us| window.record_us(*us));
    let text = Encoder::new().text(&window);

    let mut into = window.clone();
    let mut turn = samples.iter().cycle();
    c.bench_function("latency/record", |b| {
        b.iter(|| into.record_us(black_box(turn.next().copied().unwrap_or(1))));
    });
    let mut fleet = Latency::dense();
    c.bench_function("latency/merge into dense", |b| b.iter(|| fleet.merge(black_box(&window))));
    let mut driver = window.clone();
    c.bench_function("latency/merge into compact", |b| b.iter(|| driver.merge(black_box(&window))));
    let mut encoder = Encoder::new();
    c.bench_function("latency/encode", |b| b.iter(|| encoder.text(black_box(&window))));
    c.bench_function("latency/encode anew", |b| b.iter(|| Encoder::new().text(black_box(&window))));
    c.bench_function("latency/decode", |b| b.iter(|| Latency::decode(black_box(&text))));
    c.bench_function("latency/stats", |b| b.iter(|| black_box(&window).stats(0)));
}

criterion_group!(benches, latency);
criterion_main!(benches);

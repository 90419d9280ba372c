//! What one tick of a schedule costs, and one decision of the pacer.
#![allow(missing_docs)] // criterion's macros write the functions

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use driver::pacer::{Decision, OpenLoop, Own, Permits, Rules, Schedule};

const A_DAY: Duration = Duration::from_secs(86_400);

fn schedule(c: &mut Criterion) {
    let schedule = Schedule::new(10_000.0, (1, 4), Duration::ZERO, None, Some(A_DAY));
    let mut number = 0;
    c.bench_function("schedule/tick", |b| {
        b.iter(|| {
            number += 1;
            black_box(&schedule).tick(black_box(number))
        });
    });

    let rules = Rules::new(1_024, Duration::from_millis(5), Duration::from_secs(1));
    let mut pacer = OpenLoop::new(schedule, Own::ALL, rules, 0, 1);
    c.bench_function("schedule/decide to send", |b| {
        b.iter(|| {
            let due = pacer.next_due().unwrap_or_default();
            match pacer.decide(black_box(due), 7, false) {
                Decision::Send(tick) => pacer.began(tick.due),
                _ => false,
            }
        });
    });
    c.bench_function("schedule/decide to wait", |b| b.iter(|| pacer.decide(black_box(0), 7, false)));

    let mut permits = Permits::new(10_000.0, 0, 1);
    let mut now = 0;
    c.bench_function("schedule/permit", |b| {
        b.iter(|| {
            now += 100_000;
            permits.take(black_box(now))
        });
    });
}

criterion_group!(benches, schedule);
criterion_main!(benches);

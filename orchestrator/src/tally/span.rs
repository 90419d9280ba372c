//! The figures of some seconds of a test, from what was added up of them: for the fleet, each driver and each name. It reads
//! no store and adds no seconds up.

use common::clock::UnixMicros;
use common::ids::{NodeId, TestId};
use common::latency::{LatencyKind, Outcome, Quantile, RankedLatencies, Ranks};

use super::step::Step;
use super::sum::Sum;
use super::unstarted::Unstarted;
use super::{WINDOW_US, sessions, throughput, views};
use crate::model::{CurvePoint, LatencyView, SpanDriver, SpanTotals, SpanView};

/// The quantiles of a curve that it always has; finer ones follow as long as there are requests enough.
const QUANTILES: [f64; 11] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999];

/// Most decades of a curve: 1 in 10^12 requests is the finest that is asked for.
const MAX_DECADES: i32 = 12;

/// Instants of two drivers that differ by less are those of the same second, µs.
const SAME_INSTANT_US: UnixMicros = WINDOW_US / 2;

/// Which seconds, and how they were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    pub from: u64,
    pub to: u64,
    pub step: Step,
}

/// What a test has to do with the figures of a span.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    pub test_id: &'a TestId,
    /// Whether the load is a closed loop, whose drivers end at different times.
    pub closed_loop: bool,
    /// Whether every driver sends histograms.
    pub covers_all: bool,
    /// `start_at` of the trigger, from which seconds are counted.
    pub start_us: UnixMicros,
}

/// When a driver's schedule began, after the warm-up, and when it ended. Of a driver that was lost it ends as it was planned,
/// because the plan asks it to send all that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub from_us: UnixMicros,
    /// `None`: it goes on as long as any driver's seconds are known.
    pub to_us: Option<UnixMicros>,
}

/// One driver's seconds, added up.
#[derive(Debug)]
pub struct DriverSpan {
    pub node: NodeId,
    /// `None`: it has none of these seconds.
    pub sum: Option<Sum<'static>>,
    pub schedule: Schedule,
}

/// Without the histograms, what throughput needs of a driver.
#[derive(Debug, Clone, Copy)]
struct Kept {
    in_schedule: u64,
    /// From when to when it has seconds of the span.
    own: Option<(UnixMicros, UnixMicros)>,
    schedule: Schedule,
}

impl Kept {
    fn of(driver: &DriverSpan) -> Self {
        let sum = driver.sum.as_ref();
        Self {
            in_schedule: sum.map_or(0, |sum| sum.counters.all.completed_in_schedule),
            own: sum.map(|sum| (sum.from_us, sum.to_us)),
            schedule: driver.schedule,
        }
    }

    /// How much of its schedule lies in the span, s, whether or not it has the seconds; `span`: from when to when that is. Its
    /// own instants count where they are those of the span, because clocks differ a little.
    fn length_s(&self, span: (UnixMicros, UnixMicros)) -> f64 {
        let own = self.own;
        let from = own.map(|own| own.0).filter(|from| *from < span.0.saturating_add(SAME_INSTANT_US));
        let to = own.map(|own| own.1).filter(|to| *to > span.1.saturating_sub(SAME_INSTANT_US));
        let (from, to) = (from.unwrap_or(span.0), to.unwrap_or(span.1));
        let Schedule { from_us, to_us } = self.schedule;
        throughput::seconds(from.max(from_us), to_us.map_or(to, |end| to.min(end)))
    }
}

/// Puts a span together, a driver at a time, so that the histograms of one driver are in memory at once.
#[derive(Debug)]
pub struct SpanBuilder<'a> {
    of: Of<'a>,
    view: SpanView,
    kept: Vec<Kept>,
}

impl<'a> SpanBuilder<'a> {
    pub fn new(of: Of<'a>, covered: Covered) -> Self {
        let view = SpanView {
            test_id: of.test_id.to_string(),
            from: covered.from,
            to: covered.to,
            step: covered.step.seconds(),
            ..SpanView::default()
        };
        Self { of, view, kept: Vec::new() }
    }

    /// Adds a driver.
    pub fn driver(&mut self, driver: &DriverSpan) {
        self.kept.push(Kept::of(driver));
        let node_id = driver.node.to_string();
        let (curve, totals) = match &driver.sum {
            Some(sum) => (curve(sum), totals(sum, true)),
            None => (Vec::new(), nothing()),
        };
        self.view.curve.drivers.insert(node_id.clone(), curve);
        self.view.drivers.push(SpanDriver { node_id, totals });
    }

    /// The whole, once every driver was added. `fleet`: `None` where there are no seconds.
    pub fn finish(mut self, fleet: Option<&Sum<'_>>) -> SpanView {
        let Some(fleet) = fleet else { return self.view };
        let unstarted = Unstarted::of(&fleet.sessions.counters());
        let none = RankedLatencies::default();
        let throughput_per_s = self.throughput(fleet);
        self.view.totals = SpanTotals { throughput_per_s, ..totals(fleet, self.of.covers_all) };
        let named = fleet.counters.named.iter().map(|(name, counters)| {
            let samples = fleet.samples.named.get(name).unwrap_or(&none);
            (name.to_string(), views::request(&counters.after_warmup(), samples, unstarted))
        });
        self.view.requests = named.collect();
        self.view.curve.fleet = curve(fleet);
        sessions::of_span(&mut self.view, &fleet.sessions);
        self.view
    }

    /// Sets each driver's throughput, and gives that of the fleet.
    fn throughput(&mut self, fleet: &Sum<'_>) -> Option<f64> {
        // Where windows are missing before the span, those after the gap begin before it.
        let begins = i64::try_from(self.view.from).unwrap_or(i64::MAX).saturating_mul(WINDOW_US);
        let span = (fleet.from_us.max(self.of.start_us.saturating_add(begins)), fleet.to_us);
        let lengths: Vec<f64> = self.kept.iter().map(|kept| kept.length_s(span)).collect();
        for ((driver, kept), length_s) in self.view.drivers.iter_mut().zip(&self.kept).zip(&lengths) {
            driver.totals.throughput_per_s = throughput::per_second(kept.in_schedule, *length_s);
        }
        if self.of.closed_loop {
            let completed = self.kept.iter().map(|kept| kept.in_schedule).sum();
            let longest = lengths.into_iter().reduce(f64::max);
            longest.and_then(|length_s| throughput::per_second(completed, length_s))
        } else {
            let rates = self.view.drivers.iter().filter_map(|driver| driver.totals.throughput_per_s);
            rates.reduce(|sum, rate| sum + rate).map(throughput::without_rounding)
        }
    }
}

fn totals(sum: &Sum<'_>, covers_all: bool) -> SpanTotals {
    let counters = &sum.counters.all;
    let after = counters.after_warmup();
    let held = sum.samples.all.of(Outcome::Success, LatencyKind::Response).count();
    SpanTotals {
        scheduled: after.scheduled,
        sent: after.sent,
        completed: after.completed,
        failed: after.failed,
        dropped: after.dropped(),
        throughput_per_s: None,
        status_codes: views::by_status(&after.status_codes),
        errors: views::by_kind(&after.errors),
        latency_ms: LatencyView {
            coverage: covers_all.then(|| views::share(held.min(after.completed), after.completed)),
            ..views::latency_view(&sum.samples.all, slower(sum))
        },
        warmup: views::warmup(&counters.warmup),
    }
}

/// Of a driver without any of the seconds: its figures cover all that completed.
fn nothing() -> SpanTotals {
    let latency_ms = LatencyView { coverage: Some(1.0), ..LatencyView::default() };
    SpanTotals { latency_ms, ..SpanTotals::default() }
}

fn slower(sum: &Sum<'_>) -> u64 {
    Unstarted::of(&sum.sessions.counters()).slower(&sum.counters.all)
}

fn curve(sum: &Sum<'_>) -> Vec<CurvePoint> {
    points(sum.samples.all.of(Outcome::All, LatencyKind::Response), slower(sum))
}

/// The points of `response`.
fn points(samples: &Ranks, slower: u64) -> Vec<CurvePoint> {
    let n = samples.count().saturating_add(slower);
    if n == 0 {
        return Vec::new();
    }
    let finer = (5..=MAX_DECADES).flat_map(|decade| {
        let share = 10_f64.powi(-decade);
        [(1.0 - 5.0 * share, 0.2 / share), (1.0 - share, 1.0 / share)]
    });
    let finer = finer.take_while(|(_, one_in)| *one_in <= n as f64).map(|(quantile, _)| quantile);
    let quantiles = QUANTILES.into_iter().chain(finer).chain([1.0]);
    quantiles.map(|quantile| point(samples, slower, quantile)).collect()
}

fn point(samples: &Ranks, slower: u64, quantile: f64) -> CurvePoint {
    let us = match samples.quantile(quantile, slower) {
        // The fastest one is known exactly; its bucket is not.
        _ if quantile == 0.0 => samples.min_us(),
        Quantile::Is(us) => Some(us),
        Quantile::Nothing | Quantile::AtLeast(_) => None,
    };
    CurvePoint(quantile, us.map(|us| us as f64 / 1e3))
}

#[cfg(test)]
mod tests {
    use common::latency::Latencies;

    use super::*;

    #[test]
    fn a_curve_is_as_fine_as_there_are_requests() {
        let mut latencies = Latencies::new();
        (1..=1_000_u64).for_each(|n| latencies.ended(n * 10, n * 10, true));
        let of = |latencies: &Latencies, slower| {
            let ranked = latencies.ranked();
            let points = points(ranked.of(Outcome::All, LatencyKind::Response), slower);
            points.into_iter().map(|CurvePoint(q, ms)| (q, ms)).collect::<Vec<_>>()
        };
        let whole = of(&latencies, 0);
        assert_eq!(whole.first(), Some(&(0.0, Some(0.01))));
        assert_eq!(whole[2], (0.5, Some(5.003)), "as precise as the histogram");
        assert_eq!(whole.last(), Some(&(1.0, Some(10.0))));
        assert_eq!(whole.len(), 12);
        let failed = of(&latencies, 1_000);
        assert_eq!(failed[1].1, Some(5.003));
        assert!(failed[3..].iter().all(|(_, ms)| ms.is_none()), "{failed:?}");
        assert_eq!(of(&Latencies::new(), 0), []);
        let mut many = Latencies::new();
        many.of_mut(LatencyKind::Response).record_n_us(500, 1_000_000);
        let quantiles: Vec<f64> = of(&many, 0).into_iter().map(|(q, _)| q).collect();
        assert_eq!(quantiles[11..], [0.99995, 0.99999, 0.999995, 0.999999, 1.0]);
    }
}

//! Tests that rose or fell while they ran.

use super::{Compared, confidence_of_one, labelled};
use crate::human::{ms, rate};
use crate::statistics::{Estimate, Figure, Series, Side, Trend, Window, trend};

/// Fewest windows of a test whose quarters are compared.
const MIN_WINDOWS: usize = 60;

/// Of each test the figures whose first quarter differs from the last.
pub(super) fn trends(a: &[Compared], b: &[Compared]) -> Vec<String> {
    labelled(a, b).flat_map(|(called, test)| of_test(&called, &test.series)).collect()
}

fn of_test(called: &str, series: &Series) -> Vec<String> {
    if series.windows().len() < MIN_WINDOWS {
        return Vec::new();
    }
    let confidence = confidence_of_one();
    let throughput = trend(series, |window| window.in_schedule as f64, |window| window.seconds, confidence);
    let mean = trend(series, Window::sum_us, |window| window.completed() as f64, confidence);
    let said = |name: &str, first: String, last: String| {
        format!(
            "{called} has a trend: {name} was {first} in its first quarter and {last} in its last; a longer warm-up leaves \
             out its beginning"
        )
    };
    let throughput = throughput.map(|of| said("throughput", rate(of.first), rate(of.last)));
    let mean = mean.map(|of| said("mean", ms(of.first / 1e3), ms(of.last / 1e3)));
    let median = median(series, confidence).map(|of| said("p50", ms(of.first / 1e3), ms(of.last / 1e3)));
    [throughput, mean, median].into_iter().flatten().collect()
}

/// The trend of p50: by the share of requests that are no slower than the whole test's.
fn median(series: &Series, confidence: f64) -> Option<Trend> {
    let p50 = |series: Series| {
        let side = Side::new(vec![series]);
        Estimate::of(&side, Figure::Quantile(0.5)).map(|of| of.value()).filter(|value| value.is_finite())
    };
    let whole = p50(series.clone())? as u32;
    trend(
        series,
        |window| window.no_slower_than(whole) as f64,
        |window| window.requests() as f64,
        confidence,
    )?;
    let windows = series.windows();
    let quarter = windows.len() / 4;
    let of = |windows: &[Window]| p50(Series::new(windows.to_vec()));
    let (first, last) = (of(windows.get(..quarter)?)?, of(windows.get(windows.len() - quarter..)?)?);
    Some(Trend { first, last }).filter(|of| of.first != of.last)
}

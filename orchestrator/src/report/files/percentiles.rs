//! `.hgrm`: the percentiles of one latency over the whole test, as HdrHistogram prints them and its plotter reads them.

use std::fmt::Write as _;

use common::latency::Latencies;

use super::LatencyOf;
use crate::model::TestView;

/// Steps in each half of the distance to 100 %, as HdrHistogram's own tools take.
const STEPS: u32 = 5;

/// µs in a ms, the unit of the output.
const US_PER_MS: f64 = 1_000.0;

/// Writes the percentiles of one test.
pub struct Percentiles {
    of: LatencyOf,
    /// What it is of, in words.
    about: String,
}

impl Percentiles {
    pub fn new(view: &TestView, of: LatencyOf) -> Self {
        let about = format!("{} in ms of test {} ({})", of.as_str(), view.test_id, view.name);
        let about = about.replace(char::is_control, " ");
        Self { of, about }
    }

    /// The whole output. Mean, deviation, maximum and count are of the samples; the percentiles are of all requests, and end
    /// where those begin that count as slower.
    pub fn text(&self, latencies: &Latencies, slower: u64) -> String {
        let spread = self.of.spread(latencies, slower);
        let (samples, slower) = (spread.samples(), spread.slower());
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        for level in spread.levels(STEPS) {
            let ms = level.us as f64 / US_PER_MS;
            // Writing to a string cannot fail.
            let _ = write!(text, "{ms:12.3} {:2.12} {:10}", level.quantile, level.count);
            if level.quantile < 1.0 {
                let _ = write!(text, " {:14.2}", 1.0 / (1.0 - level.quantile));
            }
            text.push('\n');
        }
        let mean = samples.mean_us().unwrap_or(0.0) / US_PER_MS;
        let deviation = samples.deviation_us() / US_PER_MS;
        let max = samples.max_us().unwrap_or(0) as f64 / US_PER_MS;
        let (buckets, parts) = samples.division();
        let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
        let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", samples.count());
        let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {parts:12}]");
        let _ = writeln!(text, "#[{}]", self.about);
        if slower > 0 {
            let _ = writeln!(
                text,
                "#[{slower} more requests failed or were not sent: they count as slower than any of these, and the curve ends \
                 before them]"
            );
        }
        text
    }
}

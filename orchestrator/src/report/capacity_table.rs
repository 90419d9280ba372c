//! What a search for the capacity found: the answer, and a curve of throughput and percentiles over the rate, a line for
//! each rate, the knee marked.

use super::columns::Page;
use crate::human::{ms, percent, rate};
use crate::model::{CapacityDecided, CapacityLevelView, CapacityView};

/// Columns of a line, from the left: the rate, its throughput and a bar of it, p50, p99 and a bar of that, the share of bad
/// requests, what it decided.
const WIDTHS: [usize; 8] = [10, 10, 11, 9, 9, 10, 8, 11];

/// Characters of a bar.
const BAR: usize = 9;

/// What marks the highest rate that holds, where a higher one does not.
const KNEE: &str = "◀ knee";

/// Adds the objective, the curve and the law.
pub fn add(out: &mut Page, found: &CapacityView) {
    let sure = format!(
        "{} over {} s, the two rates at most {} apart",
        found.slo,
        found.horizon_s,
        percent(found.within)
    );
    out.wrap("objective  ", &sure);
    if let Some(capacity) = found.capacity_per_s.filter(|_| found.high_per_s.is_some()) {
        let (low, high) = (found.low_per_s.unwrap_or(capacity), found.high_per_s.unwrap_or(capacity));
        out.wrap("capacity   ", &format!("{} ({} to {} at 95 %)", rate(capacity), rate(low), rate(high)));
    }
    if let Some(usl) = &found.usl {
        let peak = match (usl.peak_per_s, usl.peak_concurrency) {
            (Some(peak), Some(n)) => format!(", at most {} with {n:.0} requests at a time", rate(peak)),
            _ => String::new(),
        };
        let law = format!(
            "{} of one at a time, contention {}, coherency {:.2e}{peak}; {} off on average",
            rate(usl.lambda_per_s),
            percent(usl.sigma),
            usl.kappa,
            percent(usl.error)
        );
        out.wrap("usl        ", &law);
    }
    if !found.levels.is_empty() {
        out.blank();
        curve(out, found);
    }
}

fn curve(out: &mut Page, found: &CapacityView) {
    let head = ["rate", "completed", "", "p50", "p99", "", "bad", "objective"];
    row(out, &head.map(str::to_owned));
    let rungs = rungs(&found.levels);
    let most = rungs.iter().filter_map(|level| level.throughput_per_s).fold(0.0, f64::max);
    let p99 = || rungs.iter().filter_map(|level| level.p99);
    let (fastest, slowest) = (p99().fold(f64::MAX, f64::min), p99().fold(0.0, f64::max));
    let time = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), ms);
    for level in rungs {
        let throughput = level.throughput_per_s;
        row(
            out,
            &[
                rate(level.rate),
                throughput.map_or_else(|| "-".to_owned(), rate),
                bar(throughput.map(|per_s| per_s / most)),
                time(level.p50),
                time(level.p99),
                // On a log scale: percentiles grow tenfold at the knee.
                bar(level.p99.map(|p99| (p99 / fastest).ln() / (slowest / fastest).ln().max(1e-9))),
                level.share.map_or_else(|| "-".to_owned(), percent),
                decided(found, level).to_owned(),
            ],
        );
    }
}

/// What a level decided, in a word.
pub fn decided(found: &CapacityView, level: &CapacityLevelView) -> &'static str {
    match level.decided {
        _ if found.high_per_s.is_some() && found.low_per_s == Some(level.rate) => KNEE,
        CapacityDecided::Holds => "holds",
        CapacityDecided::Fails => "fails",
        CapacityDecided::Stopped => "stopped",
        CapacityDecided::Undecided => "undecided",
        CapacityDecided::Generator => "generator",
    }
}

/// One level for each rate, the lowest first: the longest, and one in which the generator was not the limit where there is
/// one.
pub fn rungs(levels: &[CapacityLevelView]) -> Vec<&CapacityLevelView> {
    let worth = |level: &CapacityLevelView| {
        let seconds = level.to_s.zip(level.from_s).map_or(0, |(to, from)| to.saturating_sub(from));
        (level.decided != CapacityDecided::Generator, seconds)
    };
    let mut rungs: Vec<&CapacityLevelView> = Vec::new();
    for level in levels {
        match rungs.iter_mut().find(|other| other.rate == level.rate) {
            Some(other) if worth(other) < worth(level) => *other = level,
            Some(_) => {}
            None => rungs.push(level),
        }
    }
    rungs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    rungs
}

/// Cells in their columns: bars and the word begin at the left, figures end at the right.
fn row(out: &mut Page, cells: &[String; 8]) {
    let mut line = String::new();
    for (place, (columns, cell)) in WIDTHS.iter().zip(cells).enumerate() {
        let pad = " ".repeat(columns.saturating_sub(cell.chars().count() + 1));
        match place {
            2 | 5 | 7 => line.push_str(&format!(" {cell}{pad}")),
            _ => line.push_str(&format!("{pad} {cell}")),
        }
    }
    out.line(&line);
}

/// A bar of eighths of a character; a value of zero or below has none.
fn bar(part: Option<f64>) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (part.unwrap_or(0.0).clamp(0.0, 1.0) * BAR as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::super::columns::width;
    use super::*;

    #[test]
    fn the_knee_is_marked_where_a_higher_rate_does_not_hold() {
        let marked = |high: Option<f64>| {
            let level = serde_json::json!({ "rate": 100.0, "decided": "holds", "repeat": false });
            let found = serde_json::json!({
                "slo": "response.p99 < 1s", "within": 0.05, "horizon_s": 30, "state": "found", "low_per_s": 100.0,
                "high_per_s": high, "repeated": true, "flat": false, "levels": [level],
            });
            let mut page = Page::new(80);
            add(&mut page, &serde_json::from_value(found).unwrap());
            let text = page.into_text();
            (text.contains(KNEE), text.contains("- holds"))
        };
        assert_eq!(marked(Some(104.0)), (true, false));
        assert_eq!(marked(None), (false, true), "up to the highest rate that was to be tried");
    }

    #[test]
    fn bars_are_as_long_as_their_part_and_lines_fit() {
        assert_eq!(bar(Some(1.0)), "█".repeat(BAR));
        assert_eq!(
            (bar(Some(0.0)), bar(None), bar(Some(f64::NAN))),
            (String::new(), String::new(), String::new())
        );
        assert_eq!(bar(Some(0.5)), "████▌");
        let mut page = Page::new(80);
        row(
            &mut page,
            &[
                "9,999,999/s".to_owned(),
                "9,999/s".to_owned(),
                bar(Some(1.0)),
                "999 ms".to_owned(),
                "9.99 ms".to_owned(),
                bar(Some(1.0)),
                "99.9 %".to_owned(),
                "undecided".to_owned(),
            ],
        );
        assert!(page.into_text().lines().all(|line| width(line) <= 80));
    }
}

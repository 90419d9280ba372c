//! Markdown for a comment on a pull request: the verdict, its first reasons, a table of figures and the thresholds. Names and
//! reasons may hold anything that a plan or a server wrote; none of it becomes markup, a link or a mention.

use common::latency::LatencyStats;

use super::super::{capacity_table, plan_line, text, thresholds_table};
use crate::human::{count, ms, percent, rate};
use crate::model::{CapacityView, TestView, ThresholdView, Totals};

/// Most reasons, and most warnings.
const MAX_SENTENCES: usize = 3;

/// Most thresholds.
const MAX_THRESHOLDS: usize = 20;

/// Most characters of a name or an expression.
const MAX_NAME: usize = 80;

/// Most characters of a sentence.
const MAX_SENTENCE: usize = 400;

/// A zero-width space: behind it no digit makes a reference and no name a mention.
const BREAK: char = '\u{200B}';

/// The report of a test, finished or not.
pub fn markdown(view: &TestView) -> String {
    let mut out = format!("### Groundswell: {}\n\n", text::headline(view));
    out.push_str(&format!("{}\n", code(&view.name)));
    list(&mut out, &view.reasons, "");
    match &view.capacity {
        Some(found) => {
            list(&mut out, &text::found_texts(view), "");
            levels(&mut out, found);
        }
        None => figures(&mut out, view),
    }
    thresholds(&mut out, &view.thresholds);
    list(&mut out, &view.warnings, "warning: ");
    let plan = plan_line::sentence(&view.plan, view.drivers.len(), view.requests_per_session);
    out.push_str(&format!("\n{}, test {}\n", prose(&plan), code(&view.test_id)));
    out
}

fn list(out: &mut String, sentences: &[String], before: &str) {
    if sentences.is_empty() {
        return;
    }
    out.push('\n');
    for sentence in sentences.iter().take(MAX_SENTENCES) {
        out.push_str(&format!("- {before}{}\n", prose(sentence)));
    }
    if sentences.len() > MAX_SENTENCES {
        out.push_str(&format!(
            "- {before}and {} more, in the whole report\n",
            sentences.len() - MAX_SENTENCES
        ));
    }
}

/// The levels of a search, in place of figures: those of all its rates together say nothing.
fn levels(out: &mut String, found: &CapacityView) {
    let time = |of: Option<f64>| of.map_or_else(|| "none".to_owned(), ms);
    out.push_str("\n| rate | completed | p50 | p99 | bad | objective |\n|---:|---:|---:|---:|---:|---|\n");
    for level in capacity_table::rungs(&found.levels) {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            rate(level.rate),
            level.throughput_per_s.map_or_else(|| "none".to_owned(), rate),
            time(level.p50),
            time(level.p99),
            level.share.map_or_else(|| "unknown".to_owned(), percent),
            capacity_table::decided(found, level),
        ));
    }
}

fn figures(out: &mut String, view: &TestView) {
    let totals = &view.totals;
    let n = |n: Option<u64>| n.map_or_else(|| "unknown".to_owned(), count);
    let warmup = &totals.warmup;
    let is_warm = warmup.scheduled > 0;
    let failed = match (totals.failed, totals.sent) {
        (Some(failed), Some(sent)) if sent > warmup.sent => {
            // As in errors.ratio, the warm-up has no part in the share.
            let share = failed.saturating_sub(warmup.failed) as f64 / (sent - warmup.sent) as f64;
            let of = if is_warm { " after the warm-up" } else { "" };
            format!("{} ({}{of})", count(failed), percent(share))
        }
        (failed, _) => n(failed),
    };
    let of_warmup =
        ("of these in the warm-up", format!("{} sent, {} failed", count(warmup.sent), count(warmup.failed)));
    let rows = [
        ("throughput", totals.throughput_per_s.map_or_else(|| "unknown".to_owned(), rate)),
        ("sent", n(totals.sent)),
        ("failed", failed),
        ("not sent", n(totals.dropped)),
    ];
    out.push_str("\n| | |\n|---|---:|\n");
    for (name, value) in rows.into_iter().chain(is_warm.then_some(of_warmup)).chain(latencies(totals)) {
        out.push_str(&format!("| {name} | {value} |\n"));
    }
}

fn latencies(totals: &Totals) -> impl Iterator<Item = (&'static str, String)> {
    let response = &totals.latency_ms.response;
    let figures: [(&str, &str, Option<f64>); 5] = [
        ("response median", "median", response.median),
        ("response p90", "p90", response.p90),
        ("response p99", "p99", response.p99),
        ("response p99.9", "p99.9", response.p999),
        ("response max", "max", response.max),
    ];
    figures.into_iter().map(|(title, figure, value)| (title, time(response, figure, value)))
}

fn time(stats: &LatencyStats, figure: &str, value: Option<f64>) -> String {
    let bound = if stats.lower_bounds.iter().any(|name| name == figure) { "≥ " } else { "" };
    value.map_or_else(|| "none".to_owned(), |value| format!("{bound}{}", ms(value)))
}

fn thresholds(out: &mut String, thresholds: &[ThresholdView]) {
    if thresholds.is_empty() {
        return;
    }
    // What broke first, then what cannot be decided.
    let mut sorted: Vec<&ThresholdView> = thresholds.iter().collect();
    sorted.sort_by_key(|threshold| thresholds_table::rank(threshold));
    out.push_str("\n| threshold | measured | |\n|---|---:|---|\n");
    for threshold in sorted.iter().take(MAX_THRESHOLDS) {
        let word = match threshold.ok {
            Some(true) => "held",
            Some(false) => "**broke**",
            None => "not decided",
        };
        let whose =
            threshold.driver.as_ref().map(|driver| format!(" of {}", code(driver))).unwrap_or_default();
        let value = thresholds_table::threshold_value(threshold);
        out.push_str(&format!("| {}{whose} | {value} | {word} |\n", code(&threshold.expression)));
    }
    if sorted.len() > MAX_THRESHOLDS {
        out.push_str(&format!("\nand {} more thresholds\n", sorted.len() - MAX_THRESHOLDS));
    }
}

/// A text on one line, without control characters, of so many characters at most.
fn one_line(text: &str, max: usize) -> String {
    let text = text.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
    super::super::columns::short(text.trim(), max)
}

/// A name as code, in which Markdown reads nothing. A table is divided at pipes before that, so these are escaped.
fn code(text: &str) -> String {
    let text = one_line(text, MAX_NAME);
    // Longer than any run of backticks in the text.
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let text = text.replace('|', "¦");
    // Blanks, because the fence must not touch a backtick.
    let pad = if longest > 0 || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A sentence in which every sign that Markdown may read is escaped.
pub(crate) fn prose(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text, MAX_SENTENCE).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' => out.push('¦'),
            // Neither a mention nor a reference to an issue, nor an address that becomes a link.
            '@' | '#' => out.extend([c, BREAK]),
            '/' if out.ends_with('/') => out.extend([BREAK, c]),
            '.' if out.to_ascii_lowercase().ends_with("www") => out.extend([BREAK, c]),
            // A dollar, too: between two of them some services read mathematics.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '>' | '~' | '!' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

//! The drivers, one line each; a large fleet is told by those that stand out.

use super::columns::{row, short};
use super::human::{brief_count, count, percent};
use super::text::plain_ms;
use crate::model::DriverTotals;
use crate::verdict::MUCH_STEAL;

/// Most drivers that have a line each.
const MAX_LINES: usize = 8;

/// Lines of a larger fleet.
const FEW_LINES: usize = 5;

/// Most classic drivers whose own figures have a line each.
const MAX_CLASSIC: usize = 3;

/// Most drivers whose machine has a line.
const MAX_MACHINES: usize = 3;

/// CPU from which on a driver has little left.
const LITTLE_CPU_LEFT: f64 = 0.9;

/// Name, sent, completed, failed, dropped, p50, p99, lag p99, busy.
const WIDTHS: [usize; 9] = [15, 11, 11, 9, 9, 7, 7, 6, 5];

/// Adds the table; nothing where nobody takes part.
pub fn add(out: &mut String, drivers: &[DriverTotals]) {
    if drivers.is_empty() {
        return;
    }
    out.push('\n');
    let heads = ["driver", "sent", "completed", "failed", "dropped", "p50", "p99", "lag99", "busy"];
    row(out, &WIDTHS, &heads.map(str::to_owned));
    let shown = chosen(drivers);
    for driver in &shown {
        row(out, &WIDTHS, &line(driver));
    }
    if shown.len() < drivers.len() {
        let sent = drivers.iter().filter_map(|driver| driver.totals.sent);
        let (least, most) = (sent.clone().min().unwrap_or(0), sent.max().unwrap_or(0));
        out.push_str(&format!(
            "  and {} more; each of {} drivers sent {} to {}\n",
            drivers.len() - shown.len(),
            drivers.len(),
            count(least),
            count(most)
        ));
    }
    for driver in shown.iter().filter(|driver| driver.approximate).take(MAX_CLASSIC) {
        let response = &driver.totals.latency_ms.response;
        let told = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), plain_ms);
        out.push_str(&format!(
            "  ~ {} says, in ms: min {}, mean {}, median {}, max {}\n",
            short(&driver.node_id, 14),
            told(response.min),
            told(response.mean),
            told(response.median),
            told(response.max)
        ));
    }
    if drivers.iter().any(|driver| driver.implausible) {
        out.push_str("  ? figures that contradict each other\n");
    }
    shown.iter().filter(|driver| matters(driver)).take(MAX_MACHINES).for_each(|driver| machine(out, driver));
}

/// Whether a driver's machine explains its figures.
fn matters(driver: &DriverTotals) -> bool {
    driver.cpu_max.is_some_and(|cpu| cpu >= LITTLE_CPU_LEFT)
        || driver.steal_mean.is_some_and(|steal| steal >= MUCH_STEAL)
}

fn machine(out: &mut String, driver: &DriverTotals) {
    let told = |what: &str, mean: Option<f64>, max: Option<f64>| {
        Some(format!("{what} {} (up to {})", percent(mean?), percent(max?)))
    };
    let cpu = told("CPU", driver.cpu_mean, driver.cpu_max);
    let steal = told("stolen by its host", driver.steal_mean, driver.steal_max);
    let told: Vec<String> = cpu.into_iter().chain(steal).collect();
    out.push_str(&format!("  {}: {}\n", short(&driver.node_id, 14), told.join(", ")));
}

/// All of a small fleet; of a large one those that did not end well, then the slowest.
fn chosen(drivers: &[DriverTotals]) -> Vec<&DriverTotals> {
    let mut shown: Vec<&DriverTotals> = drivers.iter().collect();
    if drivers.len() > MAX_LINES {
        let p99 = |driver: &DriverTotals| driver.totals.latency_ms.response.p99.unwrap_or(0.0);
        let well = |driver: &DriverTotals| matches!(driver.state.as_str(), "done" | "running" | "draining");
        shown.sort_by(|a, b| well(a).cmp(&well(b)).then(p99(b).total_cmp(&p99(a))));
        shown.truncate(FEW_LINES);
    }
    shown
}

fn line(driver: &DriverTotals) -> [String; 9] {
    let totals = &driver.totals;
    let n = |column: usize, value: Option<u64>| {
        value.map_or_else(|| "?".to_owned(), |n| brief_count(n, WIDTHS[column]))
    };
    let (response, lag) = (&totals.latency_ms.response, &totals.latency_ms.lag);
    let time = |figure: &str, value: Option<f64>| {
        let bound = if response.lower_bounds.iter().any(|name| name == figure) { "≥" } else { "" };
        value.map_or_else(|| "-".to_owned(), |ms| format!("{bound}{}", plain_ms(ms)))
    };
    let mark = match (driver.approximate, driver.implausible) {
        (_, true) => "?",
        (true, _) => "~",
        _ => "",
    };
    // What is not as it should be says more than the busy share.
    let last = match (driver.state.as_str(), driver.busy_max) {
        ("done" | "running" | "draining", Some(busy)) => format!("{:.0}%", busy * 100.0),
        ("done" | "running" | "draining", None) => "-".to_owned(),
        (state, _) => short(state, 4),
    };
    [
        format!("{mark}{}", short(&driver.node_id, 14 - mark.len())),
        n(1, totals.sent),
        n(2, totals.completed),
        n(3, totals.failed),
        n(4, totals.dropped),
        time("median", response.median),
        time("p99", response.p99),
        lag.p99.map_or_else(|| "-".to_owned(), plain_ms),
        last,
    ]
}

//! The table of drivers, one line each; of a large fleet it lists those that ended badly, then the slowest.

use super::columns::{Page, short};
use super::latency_table::plain_ms;
use crate::human::{brief_count, count, percent};
use crate::model::{DriverTotals, MUCH_STEAL, PartState};

/// Most drivers that have a line each.
const MAX_LINES: usize = 8;

/// Lines of a larger fleet.
const FEW_LINES: usize = 5;

/// Most classic drivers whose own figures have a line each.
const MAX_CLASSIC: usize = 3;

/// Most drivers whose machine has a line.
const MAX_MACHINES: usize = 3;

/// From this share of CPU on, a driver has little left.
const LITTLE_CPU_LEFT: f64 = 0.9;

/// Name, sent, completed, failed, dropped, p50, p99, lag p99, busy.
const WIDTHS: [usize; 9] = [15, 11, 11, 9, 9, 7, 7, 6, 5];

/// Columns of the table that a narrow page leaves out, in this order: the JSON report has all of them.
const SPARED: [usize; 6] = [5, 2, 4, 7, 6, 3];

/// Fewest columns of a name.
const MIN_NAME: usize = 12;

/// Adds the table; nothing where no driver takes part.
pub fn add(out: &mut Page, drivers: &[DriverTotals]) {
    if drivers.is_empty() {
        return;
    }
    out.blank();
    let heads = ["driver", "sent", "completed", "failed", "dropped", "p50", "p99", "lag99", "busy"];
    let kept = kept(out.width());
    let widths: Vec<usize> = kept.iter().map(|(_, width)| *width).collect();
    let row = |out: &mut Page, cells: [String; 9]| {
        let cells: Vec<String> = kept.iter().map(|(column, _)| cells[*column].clone()).collect();
        out.row(&widths, &cells);
    };
    row(out, heads.map(str::to_owned));
    let shown = chosen(drivers);
    for driver in &shown {
        row(out, line(driver, widths[0]));
    }
    if shown.len() < drivers.len() {
        let sent = drivers.iter().filter_map(|driver| driver.totals.sent);
        let (least, most) = (sent.clone().min().unwrap_or(0), sent.max().unwrap_or(0));
        out.wrap(
            "  ",
            &format!(
                "and {} more; each of {} drivers sent {} to {}",
                drivers.len() - shown.len(),
                drivers.len(),
                count(least),
                count(most)
            ),
        );
    }
    for driver in shown.iter().filter(|driver| driver.approximate).take(MAX_CLASSIC) {
        let response = &driver.totals.latency_ms.response;
        let cell = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), plain_ms);
        out.wrap(
            "  ~ ",
            &format!(
                "{} says, in ms: min {}, mean {}, median {}, max {}",
                short(&driver.node_id, 14),
                cell(response.min),
                cell(response.mean),
                cell(response.median),
                cell(response.max)
            ),
        );
    }
    if drivers.iter().any(|driver| driver.implausible) {
        out.wrap("  ? ", "figures that contradict each other");
    }
    shown.iter().filter(|driver| matters(driver)).take(MAX_MACHINES).for_each(|driver| machine(out, driver));
}

/// Whether a driver's machine explains its figures.
fn matters(driver: &DriverTotals) -> bool {
    driver.cpu_max.is_some_and(|cpu| cpu >= LITTLE_CPU_LEFT)
        || driver.steal_mean.is_some_and(|steal| steal >= MUCH_STEAL)
}

fn machine(out: &mut Page, driver: &DriverTotals) {
    let share = |what: &str, mean: Option<f64>, max: Option<f64>| {
        Some(format!("{what} {} (up to {})", percent(mean?), percent(max?)))
    };
    let cpu = share("CPU", driver.cpu_mean, driver.cpu_max);
    let steal = share("stolen by its host", driver.steal_mean, driver.steal_max);
    let shares: Vec<String> = cpu.into_iter().chain(steal).collect();
    out.wrap("  ", &format!("{}: {}", short(&driver.node_id, 14), shares.join(", ")));
}

/// The columns that a page of this width has room for, each with its width: as many as leave the name enough.
fn kept(page: usize) -> Vec<(usize, usize)> {
    let mut kept: Vec<usize> = (0..WIDTHS.len()).collect();
    let others = |kept: &[usize]| kept.iter().skip(1).map(|column| WIDTHS[*column]).sum::<usize>();
    for spared in SPARED {
        if others(&kept) + MIN_NAME <= page {
            break;
        }
        kept.retain(|column| *column != spared);
    }
    let name = page.saturating_sub(others(&kept)).min(WIDTHS[0]);
    kept.into_iter().map(|column| (column, if column == 0 { name } else { WIDTHS[column] })).collect()
}

/// Whether a driver's state is that of a driver at work, or of one that reported its end.
fn is_normal(driver: &DriverTotals) -> bool {
    matches!(driver.state, PartState::Done | PartState::Running | PartState::Draining)
}

/// The drivers to list: all of a small fleet; of a large one those that ended badly, then the slowest.
fn chosen(drivers: &[DriverTotals]) -> Vec<&DriverTotals> {
    let mut shown: Vec<&DriverTotals> = drivers.iter().collect();
    if drivers.len() > MAX_LINES {
        let p99 = |driver: &DriverTotals| driver.totals.latency_ms.response.p99.unwrap_or(0.0);
        shown.sort_by(|a, b| is_normal(a).cmp(&is_normal(b)).then(p99(b).total_cmp(&p99(a))));
        shown.truncate(FEW_LINES);
    }
    shown
}

/// The cells of a driver's line; `name`: columns of the first, including a blank behind the name.
fn line(driver: &DriverTotals, name: usize) -> [String; 9] {
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
    // A state that is not normal is more important than the busy share: show it in the same column.
    let last = match driver.busy_max {
        _ if !is_normal(driver) => short(&driver.state, 4),
        Some(busy) => format!("{:.0}%", busy * 100.0),
        None => "-".to_owned(),
    };
    [
        format!("{mark}{}", short(&driver.node_id, name.saturating_sub(1 + mark.len()))),
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

//! The results as text: RESULTS.md for people who come later, and plain tables for the terminal.

use std::fmt::Write as _;

use crate::figures::{Spread, readable};
use crate::results::{Results, Samples};
use crate::views::{Column, view};

/// From so many rounds on, the ends say little: an outlier is among them.
const MANY_ROUNDS: usize = 8;

/// A median with its spread, as in `4.02 (3.98–4.10)`, of many rounds with the middle half of them, as in
/// `4.02 (3.71–5.10, half 3.98–4.10)`; a dash for none.
fn shown(spread: Option<Spread>, times: f64) -> String {
    let Some(spread) = spread else { return "–".to_owned() };
    let median = readable(spread.median * times);
    let (min, max) = (readable(spread.min * times), readable(spread.max * times));
    if min == max {
        return median;
    }
    if spread.rounds < MANY_ROUNDS {
        return format!("{median} ({min}–{max})");
    }
    let (low, high) = (readable(spread.quarters.0 * times), readable(spread.quarters.1 * times));
    format!("{median} ({min}–{max}, half {low}–{high})")
}

/// RESULTS.md. `pictures` are files beside it, by scenario.
pub fn results(results: &Results, pictures: &[(String, String, String)]) -> String {
    let samples = Samples(&results.samples);
    let mut text = String::new();
    let machine = &results.machine;
    let _ = writeln!(
        text,
        "# Side by side\n\n\
         Written by `make bench` ({began}, {minutes} minutes); do not edit. Each figure is the median of the rounds, with \
         the lowest and the highest, of eight rounds and more also with the bounds of the middle half of them; tools take turns within a round. Everybody sends `GET /ping` over kept connections \
         (where a scenario does not say otherwise) to one and the same receiving end (`bench sink`, core 0), which \
         counts what it receives; the tool that sends has core 1 alone. Our orchestrator with its embedded Kafka runs on core 0. In open loops the receiving end runs \
         before everybody else on its core, and that core is kept from halting (`bench awake`): arrivals are noted \
         when they come. Towards the highest rate it is `nice -n -20` instead: the kernel would take a twentieth of \
         each second from a real-time process.\n",
        began = results.began,
        minutes = readable((results.took_s / 60.0).ceil()),
    );
    if let Some(note) = &results.note {
        let _ = writeln!(text, "**{note}**\n");
    }
    let _ = writeln!(
        text,
        "Machine: {processor}, {cores} cores{kind}, {memory} GiB; {system}, Linux {kernel}; load average before: {load}.\n",
        processor = machine.processor,
        cores = machine.cores,
        kind = if machine.is_virtual { " (virtual)" } else { "" },
        memory = readable(machine.memory_gib.round()),
        system = machine.system,
        kernel = machine.kernel,
        load = machine.load_before,
    );
    text.push_str("| tool | version |\n|---|---|\n");
    for (tool, version) in &results.versions {
        let _ = writeln!(text, "| {tool} | {version} |");
    }
    for (tool, why) in &results.left_out {
        let _ = writeln!(text, "| {tool} | left out: {why} |");
    }
    text.push_str(
        "\n## What is asked, and what came\n\n| asked | limit | came | holds |\n|---|---|---|---|\n",
    );
    for bar in &results.bars {
        let sign = if bar.at_most { "≤" } else { "≥" };
        let holds = match bar.holds() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        let _ = writeln!(
            text,
            "| {} | {sign} {} | {} | {holds} |",
            bar.asked,
            readable(bar.limit),
            shown(bar.came, 1.0)
        );
    }
    for scenario in samples.scenarios() {
        write_scenario(&mut text, samples, scenario, pictures);
    }
    text
}

fn write_scenario(
    text: &mut String,
    samples: Samples<'_>,
    scenario: &str,
    pictures: &[(String, String, String)],
) {
    let view = view(scenario);
    let _ = writeln!(text, "\n## {}\n\n{}\n", view.title, view.said);
    for (_, file, title) in pictures.iter().filter(|(of, _, _)| of == scenario) {
        let _ = writeln!(text, "![{title}]({file})\n");
    }
    let columns = measured(samples, scenario, view.columns);
    let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let _ = writeln!(text, "| tool | {} |\n|---|{}", headings.join(" | "), "---|".repeat(headings.len()));
    for tool in samples.tools(scenario) {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| shown(samples.spread(scenario, tool, column.figure), column.times))
            .collect();
        let _ = writeln!(text, "| {tool} | {} |", cells.join(" | "));
    }
    text.push('\n');
    for tool in samples.tools(scenario) {
        let command =
            samples.of(scenario, tool).map(|sample| sample.command.as_str()).find(|c| !c.is_empty());
        if let Some(command) = command {
            let _ = writeln!(text, "- {tool}: `{command}`");
        }
        for sample in samples.of(scenario, tool) {
            if let Some(error) = &sample.error {
                let _ = writeln!(text, "- {tool}, round {}: failed: {error}", sample.round);
            }
        }
    }
}

/// Columns that some tool has.
fn measured(samples: Samples<'_>, scenario: &str, columns: &[Column]) -> Vec<Column> {
    let has = |column: &&Column| {
        samples.tools(scenario).iter().any(|tool| samples.spread(scenario, tool, column.figure).is_some())
    };
    columns.iter().filter(has).copied().collect()
}

/// All scenarios as plain tables.
pub fn terminal(samples: Samples<'_>) -> String {
    let mut text = String::new();
    for scenario in samples.scenarios() {
        let view = view(scenario);
        let columns = measured(samples, scenario, view.columns);
        let mut rows = vec![vec![view.title.clone()]];
        rows[0].extend(columns.iter().map(|column| column.heading.to_owned()));
        for tool in samples.tools(scenario) {
            let mut row = vec![tool.to_owned()];
            row.extend(
                columns
                    .iter()
                    .map(|column| shown(samples.spread(scenario, tool, column.figure), column.times)),
            );
            rows.push(row);
        }
        let widths: Vec<usize> = (0..=columns.len())
            .map(|index| rows.iter().map(|row| row[index].chars().count()).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn a_figure_is_shown_with_its_spread() {
        assert_eq!(shown(Spread::of([4.0, 4.1, 3.9]), 1.0), "4.00 (3.90–4.10)");
        let many = Spread::of((1..=16).map(f64::from));
        assert_eq!(shown(many, 1.0), "8.50 (1.00–16.0, half 4.00–12.0)");
        assert_eq!(shown(Spread::of([0.5]), 100.0), "50.0");
        assert_eq!(shown(None, 1.0), "–");
    }

    #[test]
    fn a_table_leaves_out_columns_that_nobody_has() {
        let all = [sample("memory", "oha", 1, &[("rss_peak_mb", 32.0)])];
        assert_eq!(
            terminal(Samples(&all)),
            "Memory at a fixed rate  peak MB\noha                     32.0\n\n"
        );
    }
}

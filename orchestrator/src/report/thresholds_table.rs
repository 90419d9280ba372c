//! The thresholds, one line each: whether they held, and the measured figure.

use super::columns::{Page, short, width};
use crate::human::{ms, percent, rate};
use crate::model::ThresholdView;

/// Columns of the word, and of the blanks around it.
const WORD: usize = 9;

/// Most columns of the expression.
const EXPRESSION: usize = 32;

/// Columns of the value.
const VALUE: usize = 10;

const MAX_THRESHOLDS: usize = 6;

/// One line per expression; where it holds for each driver, the worst of them.
pub fn add(out: &mut Page, thresholds: &[ThresholdView]) {
    if thresholds.is_empty() {
        return;
    }
    out.blank();
    let mut expressions: Vec<&str> = Vec::new();
    for threshold in thresholds {
        if !expressions.contains(&threshold.expression.as_str()) {
            expressions.push(&threshold.expression);
        }
    }
    let of = |expression: &str| -> Vec<&ThresholdView> {
        thresholds.iter().filter(|threshold| threshold.expression == expression).collect()
    };
    // What broke first, then what cannot be decided.
    expressions.sort_by_key(|expression| of(expression).iter().map(|threshold| rank(threshold)).min());
    for expression in expressions.iter().take(MAX_THRESHOLDS) {
        threshold_line(out, &of(expression));
    }
    if expressions.len() > MAX_THRESHOLDS {
        out.wrap("  ", &format!("and {} more thresholds", expressions.len() - MAX_THRESHOLDS));
    }
}

pub(super) fn rank(threshold: &ThresholdView) -> u8 {
    match threshold.ok {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    }
}

fn threshold_line(out: &mut Page, same: &[&ThresholdView]) {
    let Some(worst) = same.iter().min_by_key(|threshold| rank(threshold)) else { return };
    let word = match worst.ok {
        Some(true) => "held",
        Some(false) => "BROKE",
        None => "open",
    };
    let alike = same.iter().filter(|threshold| rank(threshold) == rank(worst)).count();
    let held_by_all = worst.driver.is_some() && worst.ok == Some(true) && same.len() > 1;
    let whose = match &worst.driver {
        Some(_) if held_by_all => format!("  each of {} drivers", same.len()),
        Some(driver) if alike == 1 => format!("  driver {}", short(driver, 16)),
        Some(driver) => format!("  driver {} and {} more", short(driver, 16), alike - 1),
        None => match worst.without.as_slice() {
            [] if worst.given => String::new(),
            [] => "  by default".to_owned(),
            [one] => format!("  without {}", short(one, 16)),
            several => format!("  without {} drivers", several.len()),
        },
    };
    let value = if held_by_all { String::new() } else { threshold_value(worst) };
    // At 80 columns 32 for the expression; on a narrow page what is left beside the word and the value.
    let room = out.width().saturating_sub(WORD + 1 + width(&value).max(VALUE)).min(EXPRESSION);
    let line = format!("  {word:<6} {:<room$} {value:>VALUE$}", short(&worst.expression, room));
    if width(&line) + width(&whose) <= out.width() {
        out.line(&format!("{line}{whose}"));
    } else {
        out.line(&line);
        out.wrap(&" ".repeat(WORD), whose.trim_start());
    }
}

pub(super) fn threshold_value(threshold: &ThresholdView) -> String {
    let Some(value) = threshold.value else {
        // Decided without a value: no request failed, or none completed.
        return if threshold.ok.is_some() { "none" } else { "unknown" }.to_owned();
    };
    // The figure is read from the key's end: the name before it may hold dots.
    let key = threshold.expression.split_whitespace().next().unwrap_or_default();
    let value = match key.rsplit('.').next() {
        Some("throughput") => rate(value),
        Some("ratio") => percent(value),
        // Also of `p97.5`, which ends in a number.
        _ => ms(value),
    };
    format!("{}{value}", if threshold.lower_bound { "≥ " } else { "" })
}

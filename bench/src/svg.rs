//! Bars with their spread, as SVG written by hand: one bar a row, its median beside it, a whisker from the lowest
//! round to the highest. It does not depend on what the bars mean.

use std::fmt::Write as _;

use crate::figures::{Spread, readable};

const WIDTH: f64 = 760.0;
const LABELS: f64 = 150.0;
const VALUES: f64 = 96.0;
const TOP: f64 = 66.0;
const ROW: f64 = 34.0;
const BAR: f64 = 18.0;
const BOTTOM: f64 = 34.0;

/// Whose bar it is: its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Ours,
    Theirs,
    /// The physical floor, which belongs to no tool.
    Floor,
}

impl Whose {
    fn colour(self) -> &'static str {
        match self {
            Self::Ours => "#0f766e",
            Self::Theirs => "#94a3b8",
            Self::Floor => "#d6d3d1",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Row {
    pub label: String,
    /// Its length and spread.
    pub spread: Spread,
    pub whose: Whose,
}

/// All that is drawn.
#[derive(Debug, Clone)]
pub struct Chart {
    pub title: String,
    /// How to read it.
    pub hint: String,
    /// Whether lengths are powers of ten.
    pub logarithmic: bool,
    /// A line to compare with, and its name.
    pub line: Option<(f64, String)>,
    /// The bars, from above.
    pub rows: Vec<Row>,
}

struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let values = || {
            let rows = chart.rows.iter().flat_map(|row| [row.spread.min, row.spread.max]);
            rows.chain(chart.line.as_ref().map(|(at, _)| *at)).filter(|value| value.is_finite())
        };
        let most = values().fold(f64::MIN_POSITIVE, f64::max);
        if !chart.logarithmic {
            return Self { from: 0.0, to: most * 1.04, logarithmic: false };
        }
        let least = values().filter(|value| *value > 0.0).fold(most, f64::min);
        // A bar of the least value is to be seen: the scale begins a power of ten below.
        Self { from: 10_f64.powf((least / 1.5).log10().floor()), to: most * 1.3, logarithmic: true }
    }

    /// In pixels from the left.
    fn x(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.from) / self.from).log10() / (self.to / self.from).log10()
        } else {
            value / self.to
        };
        LABELS + share.clamp(0.0, 1.0) * (WIDTH - LABELS - VALUES)
    }

    /// Where lines of the grid stand.
    fn grid(&self) -> Vec<f64> {
        if self.logarithmic {
            let first = self.from.log10().round() as i32;
            return (first..=first + 12)
                .map(|power| 10_f64.powi(power))
                .take_while(|at| *at <= self.to)
                .collect();
        }
        let power = 10_f64.powf((self.to / 4.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
        let step = step.into_iter().find(|step| self.to / step <= 5.0).unwrap_or(10.0 * power);
        (0..=5).map(|n| f64::from(n) * step).take_while(|at| *at <= self.to).collect()
    }
}

pub fn draw(chart: &Chart) -> String {
    let scale = Scale::of(chart);
    let bottom = TOP + ROW * chart.rows.len() as f64;
    let height = bottom + BOTTOM;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#e7e5e4\"/>\n\
         <text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"#1c1917\">{title}</text>\n\
         <text x=\"20\" y=\"47\" font-size=\"12\" fill=\"#78716c\">{hint}; bars are medians, whiskers lowest to highest round</text>",
        title = escaped(&chart.title),
        hint = escaped(&chart.hint),
    );
    for at in scale.grid() {
        let x = scale.x(at);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{y1}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#f0efed\"/>\
             <text x=\"{x:.1}\" y=\"{y2}\" font-size=\"11\" fill=\"#a8a29e\" text-anchor=\"middle\">{text}</text>",
            y1 = TOP - 4.0,
            y2 = bottom + 17.0,
            text = tidy(at),
        );
    }
    for (index, row) in chart.rows.iter().enumerate() {
        draw_row(&mut svg, &scale, TOP + ROW * index as f64, row);
    }
    if let Some((at, name)) = &chart.line {
        let x = scale.x(*at);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{y1}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#b45309\" stroke-dasharray=\"4 3\"/>\
             <text x=\"{x:.1}\" y=\"{y2}\" font-size=\"11\" fill=\"#b45309\" text-anchor=\"middle\">{name}</text>",
            y1 = TOP - 4.0,
            y2 = TOP - 7.0,
            name = escaped(name),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, scale: &Scale, top: f64, row: &Row) {
    let (left, right) = (scale.x(scale.from), scale.x(row.spread.median));
    let (low, high) = (scale.x(row.spread.min), scale.x(row.spread.max));
    let middle = top + ROW / 2.0;
    let weight = if row.whose == Whose::Ours { "600" } else { "400" };
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y:.1}\" fill=\"#1c1917\" font-weight=\"{weight}\" text-anchor=\"end\">{label}</text>\
         <rect x=\"{left:.1}\" y=\"{bar:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>",
        x = LABELS - 10.0,
        y = middle + 4.5,
        label = escaped(&row.label),
        bar = middle - BAR / 2.0,
        width = (right - left).max(1.0),
        colour = row.whose.colour(),
    );
    if row.spread.rounds > 1 {
        let _ = writeln!(
            svg,
            "<path d=\"M{low:.1} {y1:.1}V{y2:.1}M{low:.1} {middle:.1}H{high:.1}M{high:.1} {y1:.1}V{y2:.1}\" stroke=\"#1c1917\" \
             stroke-width=\"1.2\" fill=\"none\"/>",
            y1 = middle - 5.0,
            y2 = middle + 5.0,
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#44403c\" font-weight=\"{weight}\">{value}</text>",
        x = right.max(high) + 8.0,
        y = middle + 4.5,
        value = readable(row.spread.median),
    );
}

/// A number of the grid: no more digits than it has.
fn tidy(value: f64) -> String {
    if value >= 1_000.0 { readable(value) } else { format!("{}", (value * 1e6).round() / 1e6) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(logarithmic: bool, values: &[f64]) -> Chart {
        let rows = values.iter().map(|value| Row {
            label: "a < b".to_owned(),
            spread: Spread::of([*value, value * 1.5]).unwrap(),
            whose: Whose::Ours,
        });
        let line = Some((1.0, "one & only".to_owned()));
        Chart { title: "t".into(), hint: "h".into(), logarithmic, line, rows: rows.collect() }
    }

    #[test]
    fn a_longer_bar_is_a_larger_value_on_both_scales() {
        for logarithmic in [false, true] {
            let chart = chart(logarithmic, &[0.0, 0.3, 5.0, 40_000.0]);
            let scale = Scale::of(&chart);
            let ends: Vec<f64> = chart.rows.iter().map(|row| scale.x(row.spread.median)).collect();
            assert!(ends.is_sorted(), "{ends:?}");
            assert!(ends.iter().all(|x| (LABELS..=WIDTH - VALUES).contains(x)), "{ends:?}");
            assert!((1..=13).contains(&scale.grid().len()), "{:?}", scale.grid());
        }
    }

    #[test]
    fn names_are_escaped() {
        let svg = draw(&chart(true, &[1.0]));
        assert!(svg.contains("a &lt; b") && svg.contains("one &amp; only"), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}

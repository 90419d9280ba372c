//! Where each part of the screen stands, and the parts of a line or two: head, thresholds, foot. Pure: draws into a frame.

use std::time::Duration;

use orchestrator::human::{ms, percent, rate};
use orchestrator::model::{Standing, TestState, ThresholdView};
use orchestrator::report::plan_sentence;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::heat::Heat;
use super::lists::{self, List};
use super::{Shown, figures};
use crate::colour::Colour;
use crate::progress::fit;

/// Most thresholds that have a line.
const MAX_THRESHOLDS: usize = 4;

/// All that is drawn.
#[derive(Debug)]
pub struct View<'a> {
    pub shown: &'a Shown,
    pub heat: &'a Heat,
    pub list: List,
    pub colour: bool,
    /// The newest sentence that waits for the terminal below.
    pub said: Option<&'a str>,
}

impl View<'_> {
    /// A style in this colour, where there are colours.
    pub fn in_colour(&self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn bold(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let test = &view.shown.test;
    let thresholds = worst_first(&test.thresholds);
    let n_thresholds = thresholds.len().min(MAX_THRESHOLDS) as u16;
    let n_figures = figures::rows(&test.totals.latency_ms, frame.area().height);
    let [head, heat, figures, held, list, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Fill(3),
        Constraint::Length(n_figures),
        Constraint::Length(n_thresholds),
        Constraint::Fill(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, head, view);
    // Requests of the warm-up are in no figure, and answers to them are not drawn.
    let is_warm = test.totals.warmup.sent > 0;
    let nothing = if is_warm { "no answer after the warm-up yet" } else { "no answer yet" };
    frame.render_widget(view.heat.widget(view.colour, nothing), heat);
    figures::draw(frame, figures, &test.totals.latency_ms);
    frame.render_widget(
        Paragraph::new(thresholds.iter().map(|of| threshold(of, view)).collect::<Vec<_>>()),
        held,
    );
    lists::draw(frame, list, view);
    draw_foot(frame, foot, view);
}

/// Name and time; the progress in words; what speaks against the test, or what its plan is.
fn draw_head(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let Shown { test, line, running, length } = view.shown;
    let columns = usize::from(area.width);
    let time = match (test.state, length) {
        (TestState::Running | TestState::Draining, Some(length)) => {
            format!("{} of {}", clock(*running), clock(*length))
        }
        (TestState::Running | TestState::Draining, None) => clock(*running),
        _ => String::new(),
    };
    let [first, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    // The time keeps its place beside a name of any width: some signs take two columns.
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(time.len() as u16)])
        .spacing(1)
        .areas(first);
    let name = crate::progress::cut(&test.name, usize::from(left.width));
    frame.render_widget(Line::styled(name, view.bold()), left);
    frame.render_widget(Line::raw(time), right);
    let against = test.standing.is_some_and(|standing| standing != Standing::Ok);
    let colour = if against || line.failing.is_some() { Color::Red } else { Color::Green };
    let second = Line::styled(fit(&line.parts, columns), view.in_colour(colour));
    let third = match &line.failing {
        Some((Colour::Yellow, why)) => Line::styled(why.clone(), view.in_colour(Color::Yellow)),
        Some((_, why)) => Line::styled(why.clone(), view.in_colour(Color::Red)),
        None => Line::raw(plan_sentence(&test.plan, test.drivers.len(), test.requests_per_session)),
    };
    frame.render_widget(Paragraph::new(vec![second, third]), below);
}

/// A time as in `01:30`, or `1:02:03` from an hour on.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// How a threshold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// It cannot hold any more.
    Broke,
    /// It does not hold so far.
    Fails,
    /// Its figure is not known yet.
    Open,
    Holds,
}

impl Stands {
    fn of(threshold: &ThresholdView) -> Self {
        match (threshold.ok, threshold.value) {
            (Some(true), _) => Self::Holds,
            (Some(false), _) => Self::Broke,
            (None, Some(_)) => Self::Fails,
            (None, None) => Self::Open,
        }
    }

    fn shown(self) -> (&'static str, Color) {
        match self {
            Self::Broke => ("BROKE", Color::Red),
            Self::Fails => ("fails", Color::Red),
            Self::Open => ("open", Color::Yellow),
            Self::Holds => ("holds", Color::Green),
        }
    }
}

/// What broke first, then what does not hold so far.
fn worst_first(thresholds: &[ThresholdView]) -> Vec<&ThresholdView> {
    let mut sorted: Vec<&ThresholdView> = thresholds.iter().collect();
    sorted.sort_by_key(|threshold| Stands::of(threshold));
    sorted
}

/// A threshold so far, as in `holds  response.p99 < 250ms  41.0 ms`.
fn threshold<'a>(threshold: &'a ThresholdView, view: &View<'_>) -> Line<'a> {
    let (word, colour) = Stands::of(threshold).shown();
    let figure = threshold.expression.split_whitespace().next().unwrap_or_default();
    let value = threshold.value.map_or_else(String::new, |value| {
        let bound = if threshold.lower_bound { "≥ " } else { "" };
        let shown = match figure {
            figure if figure.ends_with(".ratio") => percent(value),
            figure if figure.ends_with("throughput") => rate(value),
            _ => ms(value),
        };
        format!("{bound}{shown}")
    });
    let driver = threshold.driver.as_deref().map_or_else(String::new, |driver| format!("  of {driver}"));
    Line::from(vec![
        Span::styled(format!("{word:<6}"), view.in_colour(colour)),
        Span::raw(format!("{:<34} {value}{driver}", threshold.expression)),
    ])
}

/// The newest sentence that was said, or the keys.
fn draw_foot(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let keys = "Tab drivers, requests, events   q leaves this screen   Ctrl-C ends";
    let text = view.said.unwrap_or(keys);
    frame.render_widget(Line::styled(text, Style::new().add_modifier(Modifier::DIM)), area);
}

//! What stands on the screen, drawn into a buffer of rows and columns.

use std::time::Duration;

use orchestrator::model::{PartState, Standing, TestState, TestView, TimelineEntry, WindowView};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use serde_json::Value;

use super::heat::Heat;
use super::lists::List;
use super::parts::{View, draw};
use super::{FullScreen, Shown};
use crate::colour::Colour;
use crate::progress::Line;

/// A test as REST answers it, and two of its seconds.
const TEST: &str = include_str!("../../../orchestrator/src/http/examples/test.json");
const WINDOWS: &str = include_str!("../../../orchestrator/src/http/examples/windows.json");

fn running() -> Shown {
    let mut test: TestView = serde_json::from_str(TEST).unwrap();
    let mut second = test.drivers[0].clone();
    second.node_id = "driver-2".to_owned();
    test.drivers.push(second);
    (test.state, test.verdict) = (TestState::Running, None);
    (test.standing, test.name) = (Some(Standing::Ok), "ping at two hundred".to_owned());
    let line = Line { parts: vec![(0, "running 42 %".to_owned()), (1, "84 sent".to_owned())], failing: None };
    Shown { test, line, running: Duration::from_secs(75), length: Some(Duration::from_secs(3_700)) }
}

/// A second in which so many requests ended in each of these ranges.
fn second(seq: u64, first: u64, counts: &[u64], p99_ms: f64) -> WindowView {
    let page: Value = serde_json::from_str(WINDOWS).unwrap();
    let mut window = page["windows"][0].clone();
    window["seq"] = seq.into();
    window["heat"] = serde_json::json!({ "completed": { "first": first, "counts": counts } });
    window["latency_ms"]["response"]["p99"] = p99_ms.into();
    serde_json::from_value(window).unwrap()
}

struct Drawn(TestBackend);

impl Drawn {
    fn of(shown: &Shown, heat: &Heat, list: List, (columns, rows): (u16, u16), colour: bool) -> Self {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let view = View { shown, heat, list, colour, said: None };
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        Self(terminal.backend().clone())
    }

    fn rows(&self) -> Vec<String> {
        let buffer = self.0.buffer();
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    #[track_caller]
    fn row(&self, begins: &str) -> String {
        let rows = self.rows();
        rows.iter()
            .find(|row| row.starts_with(begins))
            .unwrap_or_else(|| panic!("{begins}: {rows:#?}"))
            .clone()
    }
}

fn plain(shown: &Shown, list: List) -> Drawn {
    Drawn::of(shown, &Heat::default(), list, (80, 24), false)
}

#[test]
fn a_screen_of_80_by_24_has_every_part() {
    let shown = running();
    let drawn = plain(&shown, List::Drivers);
    let rows = drawn.rows();
    assert!(
        rows[0].starts_with("ping at two hundred ") && rows[0].ends_with("01:15 of 1:01:40"),
        "{rows:#?}"
    );
    assert_eq!(rows[1], "running 42 %  84 sent");
    assert!(rows[2].starts_with("tsunami by 2 drivers: 100/s each"), "{rows:#?}");
    assert!(rows.iter().any(|row| row == "no answer yet"), "{rows:#?}");
    for name in ["latency", "response", "service", "lag", "driver"] {
        drawn.row(name);
    }
    for driver in &shown.test.drivers {
        let row = drawn.row(&driver.node_id);
        assert!(row.contains(&driver.totals.sent.unwrap().to_string()), "{row}");
    }
    let expression = &shown.test.thresholds[0].expression;
    assert!(rows.iter().any(|row| row.contains(expression)), "{rows:#?}");
    assert!(rows[23].contains("Ctrl-C"), "{rows:#?}");
}

#[test]
fn a_name_of_wide_signs_leaves_the_time_its_place() {
    let mut shown = running();
    shown.test.name = "負荷試験".repeat(20);
    let rows = plain(&shown, List::Drivers).rows();
    assert!(rows[0].starts_with('負') && rows[0].ends_with(" 01:15 of 1:01:40"), "{rows:#?}");
}

#[test]
fn a_warm_up_is_not_taken_for_a_target_that_does_not_answer() {
    let mut shown = running();
    shown.test.totals.warmup.sent = 30;
    plain(&shown, List::Drivers).row("no answer after the warm-up yet");
}

#[test]
fn what_speaks_against_the_test_takes_the_place_of_its_plan() {
    let mut shown = running();
    shown.test.standing = Some(Standing::Failing);
    shown.line.failing = Some((Colour::Red, "failing so far: response.p99 < 2ms".to_owned()));
    (shown.test.thresholds[0].ok, shown.test.thresholds[0].value) = (None, Some(3.0));
    let drawn = Drawn::of(&shown, &Heat::default(), List::Drivers, (80, 24), true);
    assert!(drawn.row("fails ").contains(&shown.test.thresholds[0].expression));
    shown.test.thresholds[0].ok = Some(false);
    let drawn = Drawn::of(&shown, &Heat::default(), List::Drivers, (80, 24), true);
    assert_eq!(drawn.rows()[2], "failing so far: response.p99 < 2ms");
    let buffer = drawn.0.buffer();
    assert_eq!((buffer[(0, 1)].fg, buffer[(0, 2)].fg), (Color::Red, Color::Red));
    assert!(drawn.row("BROKE").contains(&shown.test.thresholds[0].expression));
    let plain = plain(&shown, List::Drivers);
    assert!(plain.0.buffer().content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn drivers_that_need_a_look_come_first_and_a_long_list_says_what_it_leaves_out() {
    let mut shown = running();
    let driver = shown.test.drivers[0].clone();
    shown.test.drivers = (0..40)
        .map(|i| {
            let mut driver = driver.clone();
            driver.node_id = format!("node-{i:02}");
            driver.state = if i == 37 { PartState::Lost } else { PartState::Running };
            driver
        })
        .collect();
    let drawn = plain(&shown, List::Drivers);
    let rows = drawn.rows();
    let head = rows.iter().position(|row| row.starts_with("driver ")).unwrap();
    assert!(rows[head + 1].starts_with("node-37") && rows[head + 1].contains("lost"), "{rows:#?}");
    let named = rows.iter().filter(|row| row.starts_with("node-")).count();
    assert_eq!(drawn.row("and "), format!("and {} more", 40 - named));
}

#[test]
fn requests_and_events_have_lists_of_their_own() {
    let mut shown = running();
    assert!(plain(&shown, List::Requests).rows().contains(&"requests: the plan has one".to_owned()));
    shown.test.totals.requests = [("checkout".to_owned(), Default::default())].into();
    plain(&shown, List::Requests).row("checkout");
    shown.test.timeline = vec![TimelineEntry {
        at: "2026-11-29T09:25:07.5Z".to_owned(),
        what: "driver_lost".to_owned(),
        driver: Some("node-7".to_owned()),
        detail: "silent for 5 s".to_owned(),
    }];
    assert_eq!(plain(&shown, List::Events).row("09:25"), "09:25:07  driver_lost node-7: silent for 5 s");
    assert_eq!(List::Drivers.next().next().next(), List::Drivers);
}

#[test]
fn names_that_hold_control_sequences_move_nothing() {
    let mut shown = running();
    shown.test.name = "a\u{1b}[2Jb\u{7}\nc".to_owned();
    shown.test.drivers[0].node_id = "d\u{1b}]0;x\u{7}".to_owned();
    let drawn = plain(&shown, List::Drivers);
    let cells = &drawn.0.buffer().content;
    assert!(cells.iter().all(|cell| !cell.symbol().contains(char::is_control)), "{:#?}", drawn.rows());
}

#[test]
fn every_size_of_terminal_is_drawn() {
    let mut shown = running();
    shown.test.totals.latency_ms.failed.response.count = 7;
    let mut heat = Heat::default();
    (0..30).for_each(|seq| heat.take(&second(seq, 70, &[1, 5, 9, 0, 2], 1.2)));
    for columns in [1, 7, 8, 9, 59, 80, 200] {
        for rows in [1, 2, 9, 16, 24, 60] {
            for list in [List::Drivers, List::Requests, List::Events] {
                for colour in [true, false] {
                    Drawn::of(&shown, &heat, list, (columns, rows), colour);
                }
            }
        }
    }
}

#[test]
fn the_heatmap_has_a_column_a_second_the_slowest_at_the_top() {
    let mut heat = Heat::default();
    // 1.02 ms is the begin of range 80, 2.05 ms that of 88, 16.4 ms that of 112.
    heat.take(&second(0, 80, &[50], 1.1));
    heat.take(&second(1, 80, &[50, 0, 0, 0, 0, 0, 0, 0, 3], 2.1));
    heat.take(&second(2, 112, &[1], 17.0));
    let drawn = Drawn::of(&running(), &heat, List::Drivers, (80, 24), false);
    let rows = drawn.rows();
    let (top, bottom) = (3, rows.iter().position(|row| row.starts_with("latency")).unwrap() - 1);
    let cell = |x: usize, y: usize| rows[y].chars().nth(8 + x).unwrap_or(' ');
    let marked = |x: usize| (top..=bottom).filter(|y| cell(x, *y) != ' ').collect::<Vec<_>>();
    assert_eq!(marked(0), [bottom]);
    // What is marked beside the counts is the p99, in the row of its range.
    assert_eq!(marked(1).len(), 2);
    assert_eq!(marked(2).len(), 1);
    assert!(marked(2)[0] < marked(1)[0] && marked(1)[1] == bottom, "{rows:#?}");
    assert_eq!(marked(3), Vec::<usize>::new(), "no fourth second");
    assert!(rows[bottom].trim_start().starts_with("1.02 ms"), "{rows:#?}");
    assert_eq!(heat.next(), 3);
    heat.take(&second(1, 0, &[9], 0.0));
    assert_eq!(heat.next(), 3, "a second is taken once");
}

#[test]
fn a_second_that_is_missing_keeps_its_column() {
    let mut heat = Heat::default();
    heat.take(&second(7, 80, &[5], 1.1));
    heat.take(&second(9, 80, &[5], 1.1));
    let rows = Drawn::of(&running(), &heat, List::Drivers, (80, 24), false).rows();
    let drawn = rows.iter().find(|row| row.trim_start().starts_with("1.02 ms")).unwrap();
    assert!(drawn.ends_with("─ ─"), "{rows:#?}");
}

#[test]
fn of_a_long_test_the_newest_seconds_are_asked_for() {
    let mut heat = Heat::default();
    assert_eq!([heat.wanted(0), heat.wanted(512), heat.wanted(36_000)], [0, 0, 35_488]);
    heat.take(&second(35_999, 80, &[1], 1.1));
    assert_eq!(heat.wanted(36_001), 36_000, "then those that follow");
}

#[test]
fn the_screen_is_that_of_a_terminal() {
    // Tests have no terminal that is theirs, or one that is not to be taken; either way an error, never a panic.
    let take = || FullScreen::take(false).map(drop);
    if std::fs::File::open("/dev/tty").is_err() {
        assert!(take().is_err());
    }
}

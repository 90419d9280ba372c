//! The text report on pages of other widths.

use super::super::text_in;
use super::*;

#[test]
fn no_line_is_wider_than_the_page_whatever_its_width() {
    for view in [passed(), failed(), mixed(), invalid()] {
        for columns in 32..=130 {
            let text = text_in(&view, columns);
            let wide: Vec<&str> = text.lines().filter(|line| width(line) > columns).collect();
            assert!(wide.is_empty(), "wider than {columns}: {wide:#?}");
            assert!(text.lines().all(|line| line == line.trim_end()), "blanks at the end: {text}");
        }
    }
}

#[test]
fn fifty_columns_show_every_figure_in_two_blocks() {
    let text = text_in(&failed(), 50);
    let expected = include_str!("../expected/narrow.txt");
    assert_eq!(text, expected, "{text}");
    let last: Vec<&str> = text.lines().rev().take(24).collect();
    assert!(last.iter().any(|line| line.starts_with("FAILED  it did not keep up")), "on one screen: {text}");
}

#[test]
fn a_page_is_no_narrower_than_its_figures_and_no_wider_than_is_read() {
    assert_eq!(text_in(&failed(), 0), text_in(&failed(), 32));
    assert_eq!(text_in(&failed(), 500), text_in(&failed(), 120));
    assert_eq!(text(&failed()), text_in(&failed(), 80));
}

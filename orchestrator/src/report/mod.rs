//! The view of a test as text for people and as JSON for programs, and (`files`) in the forms of other programs. It depends
//! on the view, and on seconds as the store has them.

mod capacity_table;
pub(crate) mod columns;
mod drivers_table;
pub mod files;
mod latency_table;
mod named_tables;
mod plan_line;
#[cfg(test)]
mod tests;
mod text;
mod thresholds_table;

use crate::model::TestView;

pub use plan_line::sentence as plan_sentence;
pub use text::{text, text_in};

/// The report as JSON, indented, with a final line break.
pub fn json(view: &TestView) -> String {
    // A view is plain data with text keys: it always serializes.
    let mut text = serde_json::to_string_pretty(view).unwrap_or_default();
    text.push('\n');
    text
}

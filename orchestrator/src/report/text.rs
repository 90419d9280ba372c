//! The report as text: at most 80 columns, one screen, the verdict first.

use crate::model::TestView;

/// The summary of a test.
pub fn text(view: &TestView) -> String {
    format!("{}\n", view.name)
}

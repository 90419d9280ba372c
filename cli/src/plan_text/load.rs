//! When sessions or requests start, in words.

use common::plan::{Plan, in_words};

use super::Page;

/// Adds the lines of `[load]`.
pub(super) fn add(out: &mut Page, plan: &Plan) {
    for (index, line) in in_words::load(plan).iter().enumerate() {
        out.labelled(if index == 0 { "load" } else { "" }, line);
    }
}

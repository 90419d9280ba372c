//! A plan from the body of a request. What it names by hash is looked at here, in the files that this orchestrator has, so
//! that nothing of a verdict depends on what a client says of its files.

use std::sync::Arc;

use actix_web::web;
use common::plan::files::put_facts;
use common::plan::language::substitute;
use common::plan::{Fault, Plan, PlanFormat, PlanTree};

use super::problem::Problem;
use super::state::AppState;
use crate::data_files::DataFiles;

/// Reads a plan.
///
/// # Errors
/// All its faults; 503 where the orchestrator ends.
pub async fn read(text: String, format: PlanFormat, state: &AppState) -> Result<Plan, Problem> {
    let tree = PlanTree::parse(&text, format).map_err(|faults| Problem::faults(&faults))?;
    let checked = if tree.has_requests() {
        // Reading a file of a gigabyte takes a core for seconds.
        let _turn = state.looks.acquire().await.map_err(|error| Problem::stopped(&error))?;
        let files = Arc::clone(&state.data);
        web::block(move || with_facts(tree, &files)).await.map_err(|error| Problem::stopped(&error))?
    } else {
        tree.validate()
    };
    checked.map_err(|faults| Problem::faults(&faults))
}

/// A plan with what is known of its data files.
fn with_facts(mut tree: PlanTree, files: &DataFiles) -> Result<Plan, Vec<Fault>> {
    // First: a var may name a file.
    let mut faults = substitute::put_in(tree.value_mut(), None);
    faults.extend(put_facts(tree.value_mut(), &|hash| files.find(hash)));
    tree.validate_with(faults)
}

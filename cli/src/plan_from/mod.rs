//! A plan from what a user has already: a curl command, a list of URLs, targets of vegeta, the log of a server. This
//! owns what becomes of each part, and knows neither files nor the network: texts come in, the text of a plan and
//! remarks on what it does not have come out.
//!
//! No secret is written into a plan: a header or a parameter that holds one becomes an entry of `[secrets]`, whose value
//! each driver reads from its environment.

mod access_log;
mod curl;
mod draft;
mod fields;
mod mix;
mod names;
mod options;
mod shell;
mod urls;
mod vegeta;

use common::plan::{PlanFormat, PlanTree};
use serde_json::{Value, json};

pub use self::curl::from_command;
pub use self::urls::from_lines;

/// A plan, and what it does not have of what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The text of the plan, TOML.
    pub plan: String,
    /// One line each, for people.
    pub remarks: Vec<String>,
}

/// Checks that a written plan is one. Files that it names are not read: they are beside the plan when it runs.
///
/// # Errors
/// The faults, one line each. They show no secret.
fn checked(plan: String, remarks: Vec<String>) -> Result<Taken, String> {
    let lines = |faults: Vec<common::plan::Fault>| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        format!("no plan can be made of it:\n{}", lines.join("\n"))
    };
    let mut tree = PlanTree::parse(&plan, PlanFormat::Toml).map_err(lines)?;
    without_files(tree.value_mut());
    tree.validate().map_err(lines)?;
    Ok(Taken { plan, remarks })
}

/// Puts a text in the place of each file.
fn without_files(plan: &mut Value) {
    let Some(requests) = plan.get_mut("requests").and_then(Value::as_object_mut) else { return };
    for request in requests.values_mut().filter_map(Value::as_object_mut) {
        if request.remove("body_file").is_some() {
            request.insert("body".to_owned(), json!("a file"));
        }
        let parts = request.get_mut("multipart").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
            if part.remove("file").is_some() {
                part.insert("value".to_owned(), json!("a file"));
            }
        }
    }
}

#[cfg(test)]
mod tests;

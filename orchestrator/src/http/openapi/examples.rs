//! Examples for `/openapi.json`: a plan, a test, seconds of one and a problem, as the orchestrator writes them.

use serde_json::{Value, json};
use utoipa::openapi::{Components, RefOr, Schema};

/// Schemas by name, and a file with one of their kind.
const EXAMPLES: [(&str, &str); 4] = [
    ("Plan", include_str!("../examples/plan.json")),
    ("Test", include_str!("../examples/test.json")),
    ("WindowPage", include_str!("../examples/windows.json")),
    ("Problem", include_str!("../examples/problem.json")),
];

/// The same plan in TOML.
pub const PLAN_TOML: &str = include_str!("../examples/plan.toml");

/// Adds the examples to the schemas that they are of.
pub fn add(components: &mut Components) {
    for (name, text) in EXAMPLES {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.examples.push(serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
        }
    }
}

/// The plan in TOML, as the content of a request has it.
pub fn plan_toml() -> Value {
    json!(PLAN_TOML)
}

#[cfg(test)]
mod tests {
    use common::plan::{self, PlanFormat};

    use super::super::document;
    use super::*;
    use crate::model::{TestView, WindowView};

    fn example(name: &str) -> Value {
        let api = serde_json::to_value(document(false)).unwrap();
        api["components"]["schemas"][name]["examples"][0].clone()
    }

    #[test]
    fn examples_are_what_the_orchestrator_writes_and_takes() {
        let test = example("Test");
        let read: TestView = serde_json::from_value(test.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), test, "no key is missing, and none too many");
        let page = example("WindowPage");
        assert!(page["next_from"].is_null());
        for window in page["windows"].as_array().unwrap() {
            let read: WindowView = serde_json::from_value(window.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), *window);
        }
        let json = plan::read(&example("Plan").to_string(), PlanFormat::Json).unwrap();
        let toml = plan::read(PLAN_TOML, PlanFormat::Toml).unwrap();
        assert_eq!(json.to_json(), toml.to_json());
    }

    #[test]
    fn the_problem_is_the_one_of_a_plan_with_that_fault() {
        let mut plan = example("Plan");
        plan["load"]["rate"] = json!(-5);
        let faults = plan::read(&plan.to_string(), PlanFormat::Json).unwrap_err();
        let problem = crate::http::problem::Problem::faults(&faults);
        assert_eq!(serde_json::to_value(&problem).unwrap(), example("Problem"));
    }
}

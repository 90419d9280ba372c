//! docs/rest.md, written from the description that `/openapi.json` answers, so that both say the same. `make reference`
//! writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::document;

const HEAD: &str = "# REST\n\n\
    Everything that the command line and the dashboard do is done over these calls. The orchestrator describes them at \
    `/openapi.json` (OpenAPI 3.1), from which `make reference` writes this page; a test holds it to the binary. \
    [interface.md](interface.md) has what lies behind them.\n\n\
    - With a token, all but the calls marked *open* need `authorization: Bearer TOKEN`.\n\
    - Errors are `application/problem+json` (RFC 9457): `status`, `title`, `detail`, and `errors` with each key that is wrong. \
    Unknown parameters and keys are errors.\n\
    - Latencies are milliseconds, instants RFC 3339 in UTC, counts whole numbers.\n\n\
    ```sh\n\
    groundswell up --drivers 1 --target\n\
    curl -fsS http://127.0.0.1:8080/api/v1/drivers\n\
    curl -fsS -H 'content-type: application/toml' --data-binary @config/plans/ping.toml http://127.0.0.1:8080/api/v1/tests\n\
    curl -fsS 'http://127.0.0.1:8080/api/v1/tests?limit=5'\n\
    ```\n";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// A text on one line, fit for a cell of a table.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|").replace('<', "\\<")
}

/// The name of the shape that a reference leads to.
fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// As in `text`, `whole number`, a link to a shape, `list of …`.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = name_of(reference);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            let kinds: Vec<String> = choices.iter().map(kind).filter(|kind| kind != "null").collect();
            let null = if choices.iter().any(|choice| choice["type"] == "null") { " or null" } else { "" };
            return format!("{}{null}", kinds.join(" or "));
        }
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return "any".to_owned(),
    };
    let null = if names.len() > 1 && names.contains(&"null") { " or null" } else { "" };
    let name = names.iter().find(|name| **name != "null" || names.len() == 1).copied().unwrap_or("null");
    let shown = match name {
        "string" if schema["format"] == "date-time" => "instant".to_owned(),
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("by name: {}", kind(&schema["additionalProperties"]))
        }
        other => other.to_owned(),
    };
    format!("{shown}{null}")
}

fn operation(method: &str, path: &str, of: &Value, page: &mut String) {
    let open = if of["security"].is_null() { " *Open.*" } else { "" };
    let about = [text(of, "summary"), text(of, "description")].into_iter().filter(|part| !part.is_empty());
    let _ = write!(
        page,
        "\n### {} {path}\n\n{}{open}\n",
        method.to_uppercase(),
        about.collect::<Vec<_>>().join("\n\n")
    );
    let parameters = of["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("\n| parameter | in | what |\n|---|---|---|\n");
        for parameter in parameters {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                text(parameter, "name"),
                text(parameter, "in"),
                cell(text(parameter, "description"))
            );
        }
    }
    if let Some(body) = of["requestBody"].as_object() {
        let about = body.get("description").and_then(Value::as_str).unwrap_or("the content");
        let types = content(&of["requestBody"]["content"]);
        let _ = write!(page, "\nBody: {} ({types}).\n", cell(about));
    }
    page.push_str("\n| status | answer |\n|---|---|\n");
    for (status, answer) in of["responses"].as_object().into_iter().flatten() {
        let what = match answer["$ref"].as_str() {
            Some(reference) => format!("[{}](#problems)", name_of(reference)),
            None => match content(&answer["content"]) {
                types if types.is_empty() => cell(text(answer, "description")),
                types => format!("{}: {types}", cell(text(answer, "description"))),
            },
        };
        let _ = writeln!(page, "| {status} | {what} |");
    }
}

/// The types of a content, each with its shape.
fn content(content: &Value) -> String {
    let types =
        content.as_object().into_iter().flatten().map(|(name, of)| match kind(&of["schema"]).as_str() {
            "any" | "text" | "object" => format!("`{name}`"),
            shape => format!("`{name}` {shape}"),
        });
    types.collect::<Vec<_>>().join(", ")
}

fn shape(name: &str, of: &Value, page: &mut String) {
    let _ = write!(page, "\n### {name}\n");
    let about = text(of, "description");
    if !about.is_empty() {
        let _ = write!(page, "\n{about}\n");
    }
    let mut properties: Map<String, Value> = Map::new();
    let parts = of["allOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    for part in std::iter::once(of).chain(parts) {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    if !properties.is_empty() {
        page.push_str("\n| key | type | what |\n|---|---|---|\n");
        for (key, property) in &properties {
            let _ =
                writeln!(page, "| `{key}` | {} | {} |", kind(property), cell(text(property, "description")));
        }
    }
    if let Some(values) = of["enum"].as_array() {
        let values: Vec<String> =
            values.iter().map(|value| format!("`{}`", value.as_str().unwrap_or("null"))).collect();
        let _ = write!(page, "\nOne of {}.\n", values.join(", "));
    } else if properties.is_empty() {
        let _ = write!(page, "\nType: {}.\n", kind(of));
    }
}

fn page() -> String {
    let api = serde_json::to_value(document(true)).unwrap();
    let mut page = HEAD.to_owned();
    for tag in api["tags"].as_array().unwrap() {
        let (name, about) = (text(tag, "name"), text(tag, "description"));
        let _ = write!(page, "\n## {}{}\n\n{about}\n", name[..1].to_uppercase(), &name[1..]);
        for (path, item) in api["paths"].as_object().unwrap() {
            for method in METHODS.into_iter().filter(|method| item[*method]["tags"][0] == name) {
                operation(method, path, &item[method], &mut page);
            }
        }
    }
    page.push_str("\n## Problems\n\nEach is a [Problem](#problem).\n\n| name | what |\n|---|---|\n");
    for (name, of) in api["components"]["responses"].as_object().unwrap() {
        let _ = writeln!(page, "| {name} | {} |", cell(text(of, "description")));
    }
    page.push_str("\n## Shapes\n");
    for (name, of) in api["components"]["schemas"].as_object().unwrap() {
        shape(name, of, &mut page);
    }
    page
}

#[test]
fn the_reference_of_rest_is_what_openapi_describes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rest.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/rest.md is not what /openapi.json describes: `make reference` writes it anew"
    );
}

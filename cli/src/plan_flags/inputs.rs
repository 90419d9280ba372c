//! Which files a plan names, so that no report takes the place of one. Pure: opens none.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Keys whose value is the name of a file.
const KEYS: [&str; 3] = ["file", "body_file", "ca_file"];

/// The files that a plan in this folder names, before their contents are put in.
pub fn named(plan: &Value, folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(plan, folder, &mut files);
    files
}

fn collect(value: &Value, folder: &Path, files: &mut Vec<PathBuf>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                match value {
                    Value::String(name) if KEYS.contains(&key.as_str()) => files.push(folder.join(name)),
                    _ => collect(value, folder, files),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, folder, files)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_named_at_any_depth_and_relative_to_the_plan() {
        let plan = json!({
            "name": "file",
            "target": { "tls": { "ca_file": "/etc/ca.pem" } },
            "data": { "users": { "file": "users.csv" } },
            "requests": { "put": { "body_file": "in/a.json", "multipart": [{ "name": "file", "file": "b.png" }] } },
        });
        let mut files = named(&plan, Path::new("plans"));
        files.sort();
        let expected = ["/etc/ca.pem", "plans/b.png", "plans/in/a.json", "plans/users.csv"];
        assert_eq!(files, expected.map(PathBuf::from));
    }
}

//! What two plans do differently. Another address of the same service (`blue` and `green`) is kept apart from the rest: the
//! same requests go there.

use common::plan::parse_target_url;
use serde_json::Value;

/// Keys of a plan that say nothing of the load: what it is called, and how it is judged. `drivers` is what was asked for;
/// how many took part stands in the report. Random values are drawn from the `seed`: another one sends the same kind of
/// requests.
const NOT_OF_THE_LOAD: [&str; 7] = ["name", "thresholds", "abort", "honesty", "drivers", "seed", "capacity"];

/// Longest value that a sentence shows, in characters.
const SHOWN: usize = 40;

/// A key that two plans have different values of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// As in `load.rate`.
    pub path: String,
    /// The value in the first, shortened; `None` where it lacks the key.
    pub a: Option<String>,
    /// The value in the second.
    pub b: Option<String>,
    /// Whether it is the host or port of a target alone: scheme, path and query are the same.
    pub is_address: bool,
}

impl Differs {
    /// As a sentence; each plan with what it is called.
    pub fn sentence(&self, a_is: &str, b_is: &str) -> String {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not given".to_owned());
        format!("{} is {} in {a_is} and {} in {b_is}", self.path, value(&self.a), value(&self.b))
    }
}

/// The addresses of targets in which two plans differ, and nothing else of them.
pub fn addresses(a: &Value, b: &Value) -> impl Iterator<Item = Differs> {
    differences(a, b).into_iter().filter(|differs| differs.is_address)
}

/// Whether two values of a key are addresses to which the same is sent in the same way.
fn is_address(path: &str, a: &Value, b: &Value) -> bool {
    let url = |value: &Value| parse_target_url(value.as_str()?).ok();
    let is_target = path == "target.url" || path.starts_with("target.hosts.");
    match (url(a), url(b)) {
        (Some(a), Some(b)) if is_target => {
            (a.scheme(), a.path(), a.query()) == (b.scheme(), b.path(), b.query())
        }
        _ => false,
    }
}

/// The keys in which two plans differ, of those that decide what is sent, and when.
pub fn differences(a: &Value, b: &Value) -> Vec<Differs> {
    let mut found = Vec::new();
    let none = serde_json::Map::new();
    let (a, b) = (a.as_object().unwrap_or(&none), b.as_object().unwrap_or(&none));
    for key in keys(a, b).filter(|key| !NOT_OF_THE_LOAD.contains(&key.as_str())) {
        walk(key, a.get(key), b.get(key), &mut found);
    }
    found
}

fn keys<'m>(
    a: &'m serde_json::Map<String, Value>,
    b: &'m serde_json::Map<String, Value>,
) -> impl Iterator<Item = &'m String> {
    a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)))
}

fn walk(path: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Differs>) {
    match (a, b) {
        (a, b) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in keys(a, b) {
                walk(&format!("{path}.{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&format!("{path}[{at}]"), Some(a), Some(b), found);
            }
        }
        (a, b) => {
            let is_address = a.zip(b).is_some_and(|(a, b)| is_address(path, a, b));
            found.push(Differs { path: path.to_owned(), a: a.map(shown), b: b.map(shown), is_address });
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().count() > SHOWN { format!("{clean}…") } else { clean }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_the_load_are_compared_and_others_are_not() {
        let a = json!({
            "name": "a", "drivers": 2, "target": { "url": "http://a/" }, "thresholds": { "errors.ratio": "< 1%" },
            "request": { "headers": { "x": "1" }, "expect_status": ["200-399"] }, "load": { "rate": 100, "warmup": "0s" },
        });
        assert_eq!(differences(&a, &a), []);
        let mut b = a.clone();
        b["name"] = json!("b");
        b["thresholds"] = json!({});
        b["honesty"] = json!({ "max_late": 1 });
        assert_eq!(differences(&a, &b), []);
        b["load"] = json!({ "rate": 200, "warmup": "0s", "connections": 5 });
        b["request"]["headers"] = json!({ "x": "2" });
        b["request"]["expect_status"] = json!(["200-299"]);
        b["requests"] = json!({ "home": {} });
        let found: Vec<String> = differences(&a, &b)
            .into_iter()
            .map(|of| format!("{} {} {}", of.path, of.a.unwrap_or("-".into()), of.b.unwrap_or("-".into())))
            .collect();
        assert_eq!(
            found,
            [
                "request.headers.x 1 2",
                "request.expect_status[0] 200-399 200-299",
                "load.rate 100 200",
                "load.connections - 5",
                "requests - {\"home\":{}}",
            ]
        );
    }

    #[test]
    fn another_host_or_port_is_an_address_and_another_path_or_scheme_is_not() {
        let of = |url: &str, api: &str| json!({ "target": { "url": url, "hosts": { "api": api } } });
        let a = of("http://blue:8080/v1?x=1", "https://blue/api");
        let paths = |b: &Value| addresses(&a, b).map(|differs| differs.path).collect::<Vec<_>>();
        assert_eq!(
            paths(&of("http://green/v1?x=1", "https://green:8443/api")),
            ["target.url", "target.hosts.api"]
        );
        assert_eq!(paths(&of("http://green/v2?x=1", "http://blue/api")), [""; 0]);
        assert_eq!(paths(&of("http://blue:8080/v1?x=2", "https://blue/api")), [""; 0]);
    }

    #[test]
    fn long_values_are_shortened() {
        let of = |text: &str| json!({ "request": { "body": text } });
        let found = differences(&of(&"ü".repeat(50)), &of("a\nb"));
        assert_eq!(found[0].a.as_deref(), Some(&*format!("{}…", "ü".repeat(40))));
        assert_eq!(found[0].b.as_deref(), Some("a b"));
    }
}

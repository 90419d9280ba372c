//! A plan as JSON: the shape that TOML has too, every key with its value, so that reading it again makes
//! the same plan.

use serde_json::{Map, Value, json};

use super::units::{write_duration, write_ratio};
use super::{DriverChoice, EngineChoice, Mode, Pace, Per, Plan};

/// What stands where a value must not be shown.
const MASK: &str = "***";

impl Plan {
    /// The plan as JSON, with secrets: for test_config records and the store alone.
    pub fn to_json(&self) -> Value {
        let drivers = match &self.drivers {
            DriverChoice::All => json!("all"),
            DriverChoice::Count(n) => json!(n),
            DriverChoice::Named(ids) => json!(ids),
        };
        let per = match self.per {
            Per::Driver => "driver",
            Per::Fleet => "fleet",
        };
        let engine = match self.request.engine {
            EngineChoice::Auto => "auto",
            EngineChoice::Wire => "wire",
            EngineChoice::Awc => "awc",
        };
        let expect_status: Vec<Value> = self.request.expect_status.iter().map(status_range).collect();
        let mut request = json!({
            "method": self.request.method,
            "headers": self.headers_json(),
            "timeout": write_duration(self.request.timeout),
            "expect_status": expect_status,
            "engine": engine,
            "identify": self.request.identify,
        });
        if !self.request.body.is_empty() {
            request["body"] = json!(self.request.body);
        }
        json!({
            "name": self.name,
            "drivers": drivers,
            "per": per,
            "target": { "url": self.target.as_str() },
            "request": request,
            "load": self.load_json(),
            "thresholds": self.thresholds_json(),
            "honesty": {
                "max_lag_p99": write_duration(self.honesty.max_lag_p99),
                "max_late": write_ratio(self.honesty.max_late),
                "max_catch_up": write_duration(self.honesty.max_catch_up),
            },
        })
    }

    /// The plan as JSON for people: values of secret headers and passwords in the URL are masked.
    pub fn masked_json(&self) -> Value {
        let mut value = self.to_json();
        mask_json(&mut value);
        value
    }

    fn headers_json(&self) -> Value {
        let mut fields = Map::new();
        for (name, value) in &self.request.headers {
            match fields.get_mut(name) {
                // A name that is given several times has a list of values.
                Some(Value::Array(values)) => values.push(json!(value)),
                Some(first) => *first = json!([first.take(), value]),
                None => {
                    fields.insert(name.clone(), json!(value));
                }
            }
        }
        Value::Object(fields)
    }

    fn load_json(&self) -> Value {
        let mut load = json!({
            "warmup": write_duration(self.load.warmup),
            "drain_timeout": write_duration(self.load.drain_timeout),
        });
        match self.load.mode {
            Mode::Tsunami { pace, max_in_flight } => {
                load["mode"] = json!("tsunami");
                load["max_in_flight"] = json!(max_in_flight);
                match pace {
                    Some(Pace::Delay(delay)) => load["delay"] = json!(write_duration(delay)),
                    Some(Pace::Rate(rate)) => load["rate"] = number(rate),
                    None => {}
                }
            }
            Mode::Avalanche { connections } => {
                load["mode"] = json!("avalanche");
                load["connections"] = json!(connections);
            }
        }
        if let Some(ceiling) = self.load.target_throughput {
            load["target_throughput"] = number(ceiling);
        }
        if let Some(requests) = self.load.requests {
            load["requests"] = json!(requests);
        }
        if let Some(duration) = self.load.duration {
            load["duration"] = json!(write_duration(duration));
        }
        load
    }

    fn thresholds_json(&self) -> Value {
        let mut thresholds = Map::new();
        for threshold in &self.thresholds {
            let condition = json!(threshold.condition());
            match thresholds.get_mut(threshold.key()) {
                // A figure with two bounds has a list of conditions.
                Some(Value::Array(conditions)) => conditions.push(condition),
                Some(first) => *first = json!([first.take(), condition]),
                None => {
                    thresholds.insert(threshold.key().to_owned(), condition);
                }
            }
        }
        Value::Object(thresholds)
    }
}

/// A number, without a fraction where it has none.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value < 1e15 { json!(value as u64) } else { json!(value) }
}

fn status_range((low, high): &(u16, u16)) -> Value {
    if low == high { json!(low.to_string()) } else { json!(format!("{low}-{high}")) }
}

/// Whether the value of a header must appear in no answer, report or log.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        || name.ends_with("-key")
        || name.ends_with("-token")
}

/// A URL without its password, valid or not.
pub fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}{path}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// Masks the secrets of a plan's tree, valid or not: values of secret headers, passwords in the URL.
pub fn mask_json(plan: &mut Value) {
    if let Some(Value::Object(headers)) = plan.pointer_mut("/request/headers") {
        for (name, value) in headers.iter_mut() {
            match value {
                _ if !is_secret_header(name) => {}
                Value::Array(values) => values.iter_mut().for_each(|value| *value = json!(MASK)),
                value => *value = json!(MASK),
            }
        }
    }
    if let Some(Value::String(url)) = plan.pointer_mut("/target/url") {
        *url = mask_url(url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_plan_are_masked_and_nothing_else() {
        let plan = super::super::read_value(&json!({
            "target": { "url": "http://127.0.0.1/ping" },
            "request": { "headers": {
                "Authorization": "Bearer hunter2", "COOKIE": "hunter2", "x-api-key": "hunter2", "X-Csrf-Token": "hunter2",
                "accept": "text/plain", "x-keyboard": "qwerty", "x-b-token": ["hunter2", "hunter2b"],
            } },
            "load": { "rate": 1, "duration": "1s" },
        }))
        .unwrap();
        let masked = plan.masked_json();
        assert!(!masked.to_string().contains("hunter2"), "{masked}");
        assert_eq!(masked["request"]["headers"]["accept"], "text/plain");
        assert_eq!(masked["request"]["headers"]["x-keyboard"], "qwerty");
        assert_eq!(masked["request"]["headers"]["Authorization"], "***");
        assert_eq!(masked["request"]["headers"]["x-b-token"], json!(["***", "***"]));
        assert!(plan.to_json().to_string().contains("hunter2"), "drivers need them");
    }

    #[test]
    fn a_url_shows_no_password() {
        for (text, expected) in [
            ("http://me:hunter2@host/a@b", "http://me:***@host/a@b"),
            ("http://a:b@c:hunter2@host", "http://a:***@host"),
            ("http://me@host/", "http://me@host/"),
            ("http://host:80/x:y@z", "http://host:80/x:y@z"),
            ("no url", "no url"),
        ] {
            assert_eq!(mask_url(text), expected);
        }
        let mut broken = json!({ "target": { "url": "ftp://me:hunter2@host" }, "request": { "headers": 5 } });
        mask_json(&mut broken);
        assert!(!broken.to_string().contains("hunter2"));
    }
}

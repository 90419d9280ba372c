//! A plan as JSON: the shape that TOML has too, every key with its value, so that reading it again makes
//! the same plan.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use super::placeholders::escape;
use super::program::Program;
use super::secrets::mask_json;
use super::units::{write_duration, write_ratio};
use super::{DriverChoice, EngineChoice, Mode, Pace, Per, Plan};

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
        if let Some(program) = &self.program {
            return self.program_json(program, &drivers, per);
        }
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
            "connection_reuse": self.request.connection_reuse,
        });
        let (key, body) = write_body(&self.request.body);
        if !body.is_empty() {
            // Only text can hold a placeholder: base64 has no dollar.
            request[key] = json!(escape(&body));
        }
        let mut plan = json!({
            "name": self.name,
            "drivers": drivers,
            "per": per,
            "target": { "url": escape(self.target.as_str()) },
            "request": request,
            "load": self.load_json(),
            "thresholds": self.thresholds_json(),
            "honesty": self.honesty_json(),
        });
        if !self.abort.is_empty() {
            plan["abort"] = self.abort_json();
        }
        if let Some(capacity) = &self.capacity {
            plan["capacity"] = capacity.to_json();
        }
        plan
    }

    /// A plan with `[requests]`: its tables as they were read.
    fn program_json(&self, program: &Program, drivers: &Value, per: &str) -> Value {
        let mut plan = Map::new();
        plan.insert("name".to_owned(), json!(self.name));
        plan.insert("drivers".to_owned(), drivers.clone());
        plan.insert("per".to_owned(), json!(per));
        plan.extend(program.source.iter().map(|(key, value)| (key.clone(), value.clone())));
        plan.insert("thresholds".to_owned(), self.thresholds_json());
        if !self.abort.is_empty() {
            plan.insert("abort".to_owned(), self.abort_json());
        }
        if let Some(capacity) = &self.capacity {
            plan.insert("capacity".to_owned(), capacity.to_json());
        }
        plan.insert("honesty".to_owned(), self.honesty_json());
        Value::Object(plan)
    }

    fn honesty_json(&self) -> Value {
        json!({
            "max_lag_p99": write_duration(self.honesty.max_lag_p99),
            "max_late": write_ratio(self.honesty.max_late),
            "max_catch_up": write_duration(self.honesty.max_catch_up),
        })
    }

    /// The plan as JSON for people: values of secret headers and secrets in the URL are masked.
    pub fn masked_json(&self) -> Value {
        let mut value = self.to_json();
        mask_json(&mut value);
        value
    }

    fn headers_json(&self) -> Value {
        let mut fields = Map::new();
        for (name, value) in &self.request.headers {
            let value = escape(value);
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
                if let Some(connections) = self.load.connections {
                    load["connections"] = json!(connections);
                }
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
        conditions(
            self.thresholds.iter().map(|threshold| (threshold.key(), threshold.condition().to_owned())),
        )
    }

    fn abort_json(&self) -> Value {
        conditions(self.abort.iter().map(|abort| (abort.key(), abort.condition())))
    }
}

/// A table of figures and their conditions.
fn conditions<'a>(given: impl Iterator<Item = (&'a str, String)>) -> Value {
    let mut table = Map::new();
    for (key, condition) in given {
        match table.get_mut(key) {
            // A figure with two bounds has a list of conditions.
            Some(Value::Array(conditions)) => conditions.push(json!(condition)),
            Some(first) => *first = json!([first.take(), condition]),
            None => {
                table.insert(key.to_owned(), json!(condition));
            }
        }
    }
    Value::Object(table)
}

/// A body as its key and value in a plan: text where the bytes are UTF-8, else base64.
pub(super) fn write_body(body: &[u8]) -> (&'static str, Cow<'_, str>) {
    match std::str::from_utf8(body) {
        Ok(text) => ("body", text.into()),
        Err(_) => ("body_base64", BASE64.encode(body).into()),
    }
}

/// A number, without a fraction where it has none.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value < 1e15 { json!(value as u64) } else { json!(value) }
}

fn status_range((low, high): &(u16, u16)) -> Value {
    if low == high { json!(low.to_string()) } else { json!(format!("{low}-{high}")) }
}

//! `[abort]`: what ends a test early, as in `"errors.ratio" = "> 20% for 15s"`. The figure and the bound are read as
//! those of a threshold; the comparison is the breach, not what must hold.

use std::time::Duration;

use super::threshold::{Figure, Naming, Threshold, ThresholdError};
use super::units::{parse_duration, write_duration};
use crate::latency::LatencyKind;
use crate::tree::{Kind, Table};

/// Shortest window: figures come in seconds.
const MIN_OVER: Duration = Duration::from_secs(1);
/// Longest window: the seconds of it are held in memory.
const MAX_OVER: Duration = Duration::from_secs(600);
/// Most conditions of a plan: each is looked at every second.
const MAX_CONDITIONS: usize = 64;

/// Between the bound and the window.
const FOR: &str = " for ";

/// A condition that ends the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Abort {
    /// The figure, and the comparison that must not come to hold.
    pub breach: Threshold,
    /// The figure is that of so many last seconds taken together: whole seconds, 1 to 600.
    pub over: Duration,
}

impl Abort {
    /// Reads a key of `[abort]` and its value, as in `errors.ratio` and `> 20% for 15s`.
    ///
    /// # Errors
    /// Which of the two is wrong, and what would be right.
    pub fn parse_in(key: &str, condition: &str, naming: Naming<'_>) -> Result<Self, ThresholdError> {
        let no_window = || {
            let reason = "expected a breach and a window, as in \"> 20% for 15s\"";
            ThresholdError::Bound(reason.to_owned())
        };
        let (breach, over) = condition.trim().rsplit_once(FOR).ok_or_else(no_window)?;
        let breach = Threshold::parse_in(key, breach, naming)?;
        if breach.each_driver {
            let reason =
                "is of each driver, and [abort] looks at all of them together: leave out \"driver.\"";
            return Err(ThresholdError::Figure(reason.to_owned()));
        }
        if let Figure::Latency { kind: LatencyKind::Lag, .. } = breach.figure {
            let reason =
                "lag is the generator's own delay, which [honesty] judges: abort on response or service";
            return Err(ThresholdError::Figure(reason.to_owned()));
        }
        let over = parse_duration(over)
            .map_err(|reason| ThresholdError::Bound(format!("the window {:?}: {reason}", over.trim())))?;
        if !(MIN_OVER..=MAX_OVER).contains(&over) || over.subsec_nanos() != 0 {
            let reason = "the window is a whole number of seconds, from 1s to 10m";
            return Err(ThresholdError::Bound(reason.to_owned()));
        }
        Ok(Self { breach, over })
    }

    /// The key of `[abort]`.
    pub fn key(&self) -> &str {
        self.breach.key()
    }

    /// The value of that key, as in `> 20% for 15s`.
    pub fn condition(&self) -> String {
        format!("{}{FOR}{}", self.breach.condition(), write_duration(self.over))
    }
}

/// Reads `[abort]`. The faults are in the table.
pub(super) fn read(root: &mut Table, naming: Naming<'_>) -> Vec<Abort> {
    root.table("abort", |table| read_table(table, naming))
}

fn read_table(table: &mut Table, naming: Naming<'_>) -> Vec<Abort> {
    let mut conditions: Vec<Abort> = Vec::new();
    for (key, node) in table.take_all() {
        let given = match &node.kind {
            Kind::List(given) if !given.is_empty() => given.clone(),
            _ => vec![node.clone()],
        };
        for condition in &given {
            let parsed = match &condition.kind {
                Kind::Text(text) => Abort::parse_in(&key, text, naming).map_err(|error| error.to_string()),
                // An unquoted key with dots is a table of tables.
                Kind::Table(_) => Err(format!(
                    "expected a condition, found a table; quote the key, as in \"{key}.ratio\" = \"> 20% for 15s\""
                )),
                kind => Err(format!("expected a condition, as in \"> 20% for 15s\", found {}", kind.name())),
            };
            match parsed {
                Ok(abort) if conditions.contains(&abort) => table.fault_at(&key, condition, "is there twice"),
                Ok(_) if conditions.len() >= MAX_CONDITIONS => {
                    let reason = format!("is one too many: [abort] has at most {MAX_CONDITIONS} conditions");
                    table.fault_at(&key, condition, reason);
                }
                Ok(abort) => conditions.push(abort),
                Err(reason) => table.fault_at(&key, condition, reason),
            }
        }
    }
    conditions
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::tests::{of_many, reads_again};
    use crate::plan::{Comparison, ThresholdOf, read_value};

    fn with(abort: Value) -> Value {
        json!({
            "target": { "url": "http://127.0.0.1:8081/ping" },
            "load": { "rate": 10, "duration": "1m" },
            "abort": abort,
        })
    }

    #[test]
    fn a_condition_is_a_breach_and_a_window() {
        let plan = reads_again(with(json!({ "errors.ratio": "> 20% for 15s" })));
        let [abort] = plan.abort.as_slice() else { panic!("{:?}", plan.abort) };
        assert_eq!(
            (abort.breach.figure, abort.breach.comparison),
            (Figure::ErrorsRatio, Comparison::Greater)
        );
        assert_eq!((abort.breach.bound, abort.over), (0.2, Duration::from_secs(15)));
        assert_eq!((abort.key(), abort.condition().as_str()), ("errors.ratio", "> 20% for 15s"));
        assert!(plan.thresholds.is_empty());
    }

    #[test]
    fn several_conditions_on_one_figure_and_on_others() {
        let plan = reads_again(with(json!({
            "errors.ratio": ["> 50% for 2s", ">= 20% for 1m"],
            "response.p99": "> 2s for 30s",
            "service.mean": "> 1s for 10m",
            "success.response.max": ">= 5s for 1s",
            "dropped.ratio": "> 10% for 10s",
            "throughput": "< 5/s for 20s",
        })));
        assert_eq!(plan.abort.len(), 7);
        assert_eq!(plan.to_json()["abort"]["errors.ratio"], json!(["> 50% for 2s", ">= 20% for 1m"]));
    }

    #[test]
    fn names_stand_before_the_figure_where_there_are_some() {
        let plan = reads_again(of_many(
            "abort",
            json!({
                "pay.errors.ratio": "> 20% for 15s",
                "session.errors.ratio": "> 20% for 15s",
                "buy.session.response.p95": "> 20s for 15s",
                "checkout.response.p95": "> 2s for 15s",
            }),
        ));
        let of = |key: &str| {
            plan.abort.iter().find(|abort| abort.key() == key).map(|abort| abort.breach.of.clone())
        };
        assert!(matches!(of("pay.errors.ratio"), Some(ThresholdOf::Request(_))), "{:?}", plan.abort);
        assert!(matches!(of("checkout.response.p95"), Some(ThresholdOf::Group(_))), "{:?}", plan.abort);
        assert_eq!(of("session.errors.ratio"), Some(ThresholdOf::Sessions(None)));
        assert_eq!(of("buy.session.response.p95"), Some(ThresholdOf::Sessions(Some("buy".to_owned()))));
    }

    #[test]
    fn a_plan_without_conditions_has_no_such_key() {
        assert_eq!(reads_again(with(json!({}))).to_json().get("abort"), None);
        assert_eq!(reads_again(of_many("abort", json!({}))).to_json().get("abort"), None);
    }

    #[track_caller]
    fn wrong(plan: Value, path: &str, reason: &str) {
        let faults = read_value(&plan).unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{faults:#?}") };
        assert_eq!(fault.path, path, "{fault:?}");
        assert!(fault.reason.contains(reason), "{fault:?}");
    }

    #[test]
    fn what_is_no_condition_says_what_would_be() {
        for (key, condition, reason) in [
            ("errors.ratio", json!("> 20%"), "expected a breach and a window"),
            ("errors.ratio", json!("20% for 15s"), "expected <, <=, > or >="),
            ("errors.ratio", json!("> 20% for 15"), "has no unit"),
            ("errors.ratio", json!("> 20% for 500ms"), "from 1s to 10m"),
            ("errors.ratio", json!("> 20% for 1500ms"), "a whole number of seconds"),
            ("errors.ratio", json!("> 20% for 11m"), "from 1s to 10m"),
            ("errors.ratio", json!("> 120% for 15s"), "a share is from 0% to 100%"),
            ("errors.ratio", json!(["> 20% for 15s", "> 20% for 15s"]), "is there twice"),
            ("errors.ratio", json!(20), "expected a condition"),
            ("errors", json!({ "ratio": "> 20% for 15s" }), "quote the key"),
            ("lag.p99", json!("> 20ms for 15s"), "[honesty] judges"),
            ("driver.errors.ratio", json!("> 20% for 15s"), "leave out \"driver.\""),
            ("error.ratio", json!("> 20% for 15s"), "unknown figure"),
        ] {
            wrong(with(json!({ key: condition })), &format!("abort.{key}"), reason);
        }
        wrong(
            of_many("abort", json!({ "payy.errors.ratio": "> 20% for 15s" })),
            "abort.payy.errors.ratio",
            "did you mean pay?",
        );
    }
}

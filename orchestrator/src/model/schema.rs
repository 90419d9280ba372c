//! OpenAPI schemas of shapes that are not types of this crate: the figures of a latency, a plan, what a driver asks for.

use std::borrow::Cow;

use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Figures of one latency, with what each is.
const FIGURES: [(&str, &str); 10] = [
    ("min", "Lowest."),
    ("mean", "Arithmetic mean."),
    ("median", "Half are no slower."),
    ("mode", "Middle of the densest bucket."),
    ("p90", "90 % are no slower."),
    ("p95", "95 % are no slower."),
    ("p99", "99 % are no slower."),
    ("p99.9", "99.9 % are no slower."),
    ("p99.99", "99.99 % are no slower."),
    ("max", "Highest."),
];

/// The schema of [`common::latency::LatencyStats`], which does not depend on OpenAPI.
pub struct LatencyStatsSchema;

impl PartialSchema for LatencyStatsSchema {
    fn schema() -> RefOr<Schema> {
        let count = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).description(Some(
            "Requests with a time. Those that count as slower than any of them are in the percentiles alone.",
        ));
        let bounds = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String)).description(Some(
            "Names of the percentiles of which only a lower bound is known, which is the slowest completed request; left out \
             where there is none.",
        ));
        let object = ObjectBuilder::new()
            .description(Some("The figures of one latency, in milliseconds; null where there is none."))
            .property("count", count)
            .required("count");
        let number_or_null = || SchemaType::from_iter([Type::Number, Type::Null]);
        let object = FIGURES.into_iter().fold(object, |object, (name, what)| {
            let figure = ObjectBuilder::new().schema_type(number_or_null()).description(Some(what));
            object.property(name, figure).required(name)
        });
        object.property("lower_bounds", bounds).into()
    }
}

impl ToSchema for LatencyStatsSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("LatencyStats")
    }
}

/// A plan, whose rules are those of `common::plan`: they are finer than a schema says, so it is an object here.
pub struct PlanSchema;

impl PartialSchema for PlanSchema {
    fn schema() -> RefOr<Schema> {
        let plan = ObjectBuilder::new().description(Some(
            "A plan, of the same shape as in TOML. Unknown keys are errors; every fault is named at once, by its key.",
        ));
        plan.into()
    }
}

impl ToSchema for PlanSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Plan")
    }
}

/// The schema of [`common::http_contract::Bootstrap`].
pub struct BootstrapSchema;

impl PartialSchema for BootstrapSchema {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let brokers = ArrayBuilder::new()
            .items(text())
            .description(Some("Kafka's bootstrap servers, each `host:port`."));
        let prefix = text()
            .description(Some("Prefix of the names of all topics that are not in `topics`; may be empty."));
        let topics = ObjectBuilder::new()
            .property_names(Some(text()))
            .additional_properties(Some(text()))
            .description(Some(
                "Topics with another name on this Kafka: `register`, `test_config`, `trigger`, `metrics` or \
                 `heartbeat`, each with its whole name. Empty unless `[kafka.topics]` maps some.",
            ));
        let protocol = integer(KnownFormat::Int32)
            .minimum(Some(0))
            .description(Some("Version of our additions to the wire."));
        let object = ObjectBuilder::new()
            .description(Some("What a driver needs to join: `GET /api/v1/bootstrap`."))
            .property("brokers", brokers)
            .required("brokers")
            .property("topic_prefix", prefix)
            .required("topic_prefix")
            .property("topics", topics)
            .property("protocol", protocol)
            .required("protocol");
        object.into()
    }
}

impl ToSchema for BootstrapSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Bootstrap")
    }
}

/// The schema of [`common::http_contract::Time`].
pub struct TimeSchema;

impl PartialSchema for TimeSchema {
    fn schema() -> RefOr<Schema> {
        let unix_us = integer(KnownFormat::Int64).description(Some("Unix time in µs."));
        let object = ObjectBuilder::new()
            .description(Some("The orchestrator's clock: `GET /api/v1/time`."))
            .property("unix_us", unix_us)
            .required("unix_us");
        object.into()
    }
}

impl ToSchema for TimeSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OrchestratorTime")
    }
}

fn integer(format: KnownFormat) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(format)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use common::http_contract::{Bootstrap, Time};
    use common::settings::TopicNames;
    use serde::Serialize;
    use serde_json::Value;

    use super::*;

    fn keys(value: &Value) -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    }

    /// A schema that is written apart from its type has the keys of that type.
    #[track_caller]
    fn check<S: PartialSchema>(shape: impl Serialize) {
        let schema = serde_json::to_value(S::schema()).unwrap();
        assert_eq!(keys(&schema["properties"]), keys(&serde_json::to_value(shape).unwrap()));
    }

    #[test]
    fn the_schemas_of_what_a_driver_asks_for_have_the_keys_of_the_answers() {
        let (brokers, topic_prefix, topics) = (Vec::new(), String::new(), TopicNames::default());
        check::<BootstrapSchema>(Bootstrap { brokers, topic_prefix, topics, protocol: 2 });
        check::<TimeSchema>(Time { unix_us: 5 });
    }
}

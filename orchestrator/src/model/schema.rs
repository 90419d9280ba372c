//! OpenAPI schemas of shapes that are not types of this crate: the figures of a latency, a plan.

use std::borrow::Cow;

use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};
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

//! The shapes of server-sent events in `/openapi.json`, which has no words for a stream: of each event what its line `event` is,
//! and what the JSON of its line `data` is of.

use std::borrow::Cow;

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::{DriverView, TestView, WindowView};

/// An event of the stream.
pub struct Event;

/// The line `event`, the name of its shape, what it reports, and what `data` is.
fn kinds() -> [(&'static str, &'static str, &'static str, Cow<'static, str>); 3] {
    [
        ("driver", "DriverEvent", "A node as it is now.", DriverView::name()),
        ("test", "TestEvent", "A test as it is now.", TestView::name()),
        ("window", "WindowEvent", "A second of a driver, or of the fleet, is complete.", WindowView::name()),
    ]
}

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let any_of = kinds()
            .into_iter()
            .fold(AnyOfBuilder::new(), |any_of, (_, shape, ..)| any_of.item(Ref::from_schema_name(shape)));
        let about = "An event of the stream: `event` and `data` are its lines of these names. An event that can be asked for again \
                     has a line `id` as well.";
        Schema::AnyOf(any_of.description(Some(about)).build()).into()
    }
}

impl ToSchema for Event {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Event")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for (event, shape, about, data) in kinds() {
            let event = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([event]))
                .description(Some(format!("`{event}`.")));
            let object = ObjectBuilder::new()
                .description(Some(about))
                .property("event", event)
                .required("event")
                .property("data", Ref::from_schema_name(data))
                .required("data");
            schemas.push((shape.to_owned(), object.into()));
        }
    }
}

//! The fields of a record, found under whichever spelling a program uses. Unused fields are
//! skipped while parsing, so that a report which repeats every sample so far costs no memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::reject::{RejectReason, Rejected, shown};

/// The fields that are read from a topic's records.
pub(super) struct Names {
    /// Found whatever their case and underscores: other people's.
    pub(super) classic: &'static [&'static str],
    /// Found as spelled: ours, in groups that several topics may share.
    pub(super) ours: &'static [&'static [&'static str]],
}

impl Names {
    /// The name under which a key is kept, and whether it is spelled exactly so.
    fn find(&self, key: &str) -> Option<(&'static str, bool)> {
        let mut all = self.classic.iter().chain(self.ours.iter().copied().flatten());
        if let Some(name) = all.find(|name| **name == key) {
            return Some((name, true));
        }
        self.classic.iter().find(|name| is_spelling_of(key, name)).map(|name| (*name, false))
    }
}

/// `nodeId`, `Node_ID` and `NODE-ID` are spellings of `node_id`.
fn is_spelling_of<'a>(key: &'a str, name: &'a str) -> bool {
    let letters =
        |text: &'a str| text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    key.len() <= 2 * name.len() && letters(key).eq(letters(name))
}

/// The fields of a record that were asked for, and those of the object under `metrics`.
#[derive(Debug, Default)]
pub(super) struct Fields {
    beside: BTreeMap<&'static str, Value>,
    inside: BTreeMap<&'static str, Value>,
}

impl Fields {
    /// Parses one JSON object, and nothing after it.
    pub(super) fn from_json(text: &str, names: &Names) -> serde_json::Result<Self> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let fields = ObjectSeed { names, nested: false }.deserialize(&mut parser)?;
        parser.end()?;
        Ok(fields)
    }

    /// The fields of an object within a record; anything else has none.
    pub(super) fn within(value: &Value, names: &Names) -> Self {
        ObjectSeed { names, nested: true }.deserialize(value).unwrap_or_default()
    }

    /// A field of the record; null counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.beside.get(name).filter(|value| !value.is_null())
    }

    /// Whether the record has that field, null or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.beside.contains_key(name)
    }

    /// A figure: inside `metrics` or beside it, under the first of these names that has a value.
    pub(super) fn figure<T>(&self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let mut places = names.iter().flat_map(|name| [self.inside.get(name), self.beside.get(name)]);
        places.find_map(|value| value.and_then(&read))
    }

    /// A field of ours: `None` where it is missing.
    ///
    /// # Errors
    /// Where its value is of another type.
    pub(super) fn ours<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, Rejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|error| bad(name, value, error))
    }

    /// A field of ours that every such record has.
    ///
    /// # Errors
    /// Where it is missing, or its value is of another type.
    pub(super) fn required<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<T, Rejected> {
        self.ours(name)?.ok_or_else(|| missing(name))
    }
}

/// The field is needed and is not there.
pub(super) fn missing(name: &str) -> Rejected {
    Rejected::new(RejectReason::MissingField, format!("{name} is missing"))
}

/// The field has an invalid value.
pub(super) fn bad(name: &str, value: &Value, reason: impl fmt::Display) -> Rejected {
    let value = match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => shown(text),
        plain => plain.to_string(),
    };
    Rejected::new(RejectReason::BadField, format!("{name} = {value}: {}", shown(&reason.to_string())))
}

/// Reads an object into [`Fields`]; anything else, nested in a record, holds no fields.
#[derive(Clone, Copy)]
struct ObjectSeed<'n> {
    names: &'n Names,
    nested: bool,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            match self.names.find(&key) {
                Some(("metrics", _)) if !self.nested => {
                    fields.inside = map.next_value_seed(Self { nested: true, ..self })?.beside;
                }
                Some((name, exact)) if exact || !fields.beside.contains_key(name) => {
                    fields.beside.insert(name, map.next_value()?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Fields, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Fields::default())
    }

    /// Figures as JSON inside a JSON string; any other text holds none.
    fn visit_str<E>(self, text: &str) -> Result<Fields, E> {
        Ok(match text.trim_start().starts_with('{') {
            true => Fields::from_json(text, self.names).unwrap_or_default(),
            false => Fields::default(),
        })
    }

    fn visit_unit<E>(self) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Fields, E> {
        Ok(Fields::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { classic: &["node_id", "metrics", "mean"], ours: &[&["epoch"]] };

    fn fields(text: &str) -> Fields {
        Fields::from_json(text, &NAMES).unwrap()
    }

    #[test]
    fn classic_names_are_found_under_any_spelling_and_ours_as_spelled() {
        for text in [r#"{"nodeId": 1}"#, r#"{"NODE-ID": 1}"#, r#"{"node_id": 1}"#] {
            assert_eq!(fields(text).get("node_id"), Some(&Value::from(1)), "{text}");
        }
        assert!(fields(r#"{"Epoch": 1}"#).get("epoch").is_none());
        assert!(fields(r#"{"node_id": null}"#).get("node_id").is_none());
    }

    #[test]
    fn the_exact_spelling_wins_wherever_it_stands() {
        for text in [r#"{"NodeId": 1, "node_id": 2}"#, r#"{"node_id": 2, "NodeId": 1}"#] {
            assert_eq!(fields(text).get("node_id"), Some(&Value::from(2)), "{text}");
        }
    }

    #[test]
    fn a_figure_is_found_inside_metrics_first_and_beside_it_else() {
        let mean = |text: &str| fields(text).figure(&["mean"], Value::as_f64);
        assert_eq!(mean(r#"{"mean": 1, "metrics": {"Mean": 2}}"#), Some(2.0));
        assert_eq!(mean(r#"{"mean": 1, "metrics": {"Mean": ""}}"#), Some(1.0));
        assert_eq!(mean(r#"{"metrics": "{\"mean\": 3}"}"#), Some(3.0), "JSON inside a JSON string");
        for empty in ["[1, {\"mean\": 1}]", "null", "true", "1", "-1", "1.5", "\"none\"", "\"{\""] {
            assert_eq!(mean(&format!("{{\"metrics\": {empty}}}")), None, "{empty}");
        }
    }
}

//! The fields of a record, found under whichever spelling a program uses. Unused fields are
//! skipped while parsing, so that a report which repeats every sample so far costs no memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Value;

use super::reject::{RejectReason, Rejected, shown};

/// The fields that are read from a topic's records.
#[derive(Clone, Copy)]
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

    /// A field of the record, to change it.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.beside.get_mut(name)
    }

    /// Takes a field out of the record.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.beside.remove(name)
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

    /// A struct of ours, each field of it from the record's field of that name; null counts as missing.
    ///
    /// # Errors
    /// For the first field, in the order of the struct, that is needed and missing, or whose value is of another type.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Rejected> {
        T::deserialize(self)
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

impl serde::de::Error for Rejected {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(RejectReason::BadField, shown(&reason.to_string()))
    }

    fn missing_field(name: &'static str) -> Self {
        missing(name)
    }
}

/// Fills a struct, and nothing else. It asks for the struct's own fields, in their order, rather than for all that the
/// record has: so the error for a record with several bad fields always names the first one of the struct.
impl<'de> Deserializer<'de> for &'de Fields {
    type Error = Rejected;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        visitor.visit_map(StructFields { fields: self, names: names.iter(), next: None })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Rejected> {
        Err(Rejected::custom("the fields of a record make a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields of a struct that a record has.
struct StructFields<'de> {
    fields: &'de Fields,
    names: std::slice::Iter<'static, &'static str>,
    next: Option<(&'static str, &'de Value)>,
}

impl<'de> MapAccess<'de> for StructFields<'de> {
    type Error = Rejected;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Rejected> {
        let fields = self.fields;
        self.next = self.names.find_map(|name| fields.get(name).map(|value| (*name, value)));
        let Some((name, _)) = self.next else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    /// The error names the field and its value, which serde's own does not know.
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Rejected> {
        let Some((name, value)) = self.next.take() else {
            return Err(Rejected::custom("a value without its name"));
        };
        seed.deserialize(value).map_err(|error| bad(name, value, error))
    }
}

/// The names of the fields that are read into a struct of ours.
pub(super) fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It fails in any case: the struct's own code passes its names and cannot be given values.
    let _ = T::deserialize(NamesOf(&mut names));
    names
}

/// Takes the names of the fields that a struct asks for, and gives it none.
struct NamesOf<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for NamesOf<'_> {
    type Error = Rejected;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        *self.0 = names;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Rejected> {
        Err(Rejected::custom("names without values"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
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

    #[derive(Debug, PartialEq, Deserialize)]
    struct Both {
        node_id: u8,
        epoch: Option<u8>,
    }

    #[test]
    fn a_struct_is_filled_from_the_fields_of_its_names() {
        for (text, expected) in [
            (r#"{"nodeId": 1, "epoch": 2, "mean": "x"}"#, Ok(Both { node_id: 1, epoch: Some(2) })),
            (r#"{"node_id": 1, "epoch": null}"#, Ok(Both { node_id: 1, epoch: None })),
            (r#"{"epoch": -1, "node_id": null}"#, Err("bad_field: epoch = -1: ")),
            (r#"{"epoch": 2}"#, Err("missing_field: node_id is missing")),
            (r#"{"epoch": [2], "node_id": "a"}"#, Err("bad_field: node_id = a: ")),
        ] {
            match (fields(text).read::<Both>().map_err(|rejected| rejected.to_string()), expected) {
                (Err(rejected), Err(expected)) => {
                    assert!(rejected.starts_with(expected), "{text}: {rejected}")
                }
                (read, expected) => assert_eq!(read, expected.map_err(str::to_owned), "{text}"),
            }
        }
        assert_eq!(names_of::<Both>(), ["node_id", "epoch"]);
        assert!(fields("{}").read::<String>().is_err(), "not a struct");
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

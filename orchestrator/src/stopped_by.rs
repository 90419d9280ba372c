//! Who or what stopped a test. Inside it is a name; timelines and the store have it as a sentence.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who or what stopped a test, by name: `the user`. As text, in timelines and in the store: `stopped by the user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct StoppedBy(String);

/// What the sentence has before the name.
const STOPPED_BY: &str = "stopped by ";

impl StoppedBy {
    /// A name; it is empty where nothing is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Whoever uses the command or REST.
    pub fn the_user() -> Self {
        Self::named("the user")
    }

    /// Reads the sentence of a timeline or of the store; a text without its beginning is a name.
    pub fn from_sentence(text: &str) -> Self {
        Self::named(text.strip_prefix(STOPPED_BY).unwrap_or(text))
    }

    /// The name; empty where nothing is known.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoppedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{STOPPED_BY}{}", self.0) }
    }
}

impl From<String> for StoppedBy {
    fn from(text: String) -> Self {
        Self::from_sentence(&text)
    }
}

impl From<StoppedBy> for String {
    fn from(by: StoppedBy) -> Self {
        by.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_store_has_a_sentence_and_a_name_is_read_from_it() {
        for (stored, name, again) in [
            ("stopped by the user", "the user", "stopped by the user"),
            ("someone", "someone", "stopped by someone"),
            ("", "", ""),
        ] {
            let by: StoppedBy = serde_json::from_value(json!(stored)).unwrap();
            assert_eq!((by.name(), serde_json::to_value(&by).unwrap()), (name, json!(again)), "{stored}");
        }
        assert_eq!(StoppedBy::the_user().to_string(), "stopped by the user");
    }
}

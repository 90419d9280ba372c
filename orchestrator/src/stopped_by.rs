//! Who or what stopped a test. Inside it is a name, or the breach of a condition of `[abort]`; timelines and the store
//! have it as a sentence.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who or what stopped a test. As text, in timelines and in the store: `stopped by the user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum StoppedBy {
    /// Someone, by name: `the user`; it is empty where nothing is known.
    Named(String),
    /// The plan's `[abort]`: the sentence of the breach.
    Abort(String),
    /// The search of the plan's `[capacity]`, which was through.
    Search,
}

/// What the sentence has before the name.
const STOPPED_BY: &str = "stopped by ";

/// The sentence of a search that is through.
const BY_SEARCH: &str = "ended by [capacity]: the search is through";

/// What the sentence has before the breach.
const BY_ABORT: &str = "stopped by [abort]: ";

impl StoppedBy {
    /// A name; it is empty where nothing is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self::Named(name.into())
    }

    /// Whoever uses the command or REST.
    pub fn the_user() -> Self {
        Self::named("the user")
    }

    /// Reads the sentence of a timeline or of the store; a text without its beginning is a name.
    pub fn from_sentence(text: &str) -> Self {
        if text == BY_SEARCH {
            return Self::Search;
        }
        match text.strip_prefix(BY_ABORT) {
            Some(breach) => Self::Abort(breach.to_owned()),
            None => Self::named(text.strip_prefix(STOPPED_BY).unwrap_or(text)),
        }
    }
}

impl fmt::Display for StoppedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) if name.is_empty() => Ok(()),
            Self::Named(name) => write!(f, "{STOPPED_BY}{name}"),
            Self::Abort(breach) => write!(f, "{BY_ABORT}{breach}"),
            Self::Search => f.write_str(BY_SEARCH),
        }
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
        for (stored, expected, again) in [
            ("stopped by the user", StoppedBy::the_user(), "stopped by the user"),
            ("someone", StoppedBy::named("someone"), "stopped by someone"),
            ("", StoppedBy::named(""), ""),
            (BY_SEARCH, StoppedBy::Search, BY_SEARCH),
            (
                "stopped by [abort]: errors.ratio was 34 %",
                StoppedBy::Abort("errors.ratio was 34 %".to_owned()),
                "stopped by [abort]: errors.ratio was 34 %",
            ),
        ] {
            let by: StoppedBy = serde_json::from_value(json!(stored)).unwrap();
            assert_eq!((&by, serde_json::to_value(&by).unwrap()), (&expected, json!(again)), "{stored}");
        }
        assert_eq!(StoppedBy::the_user().to_string(), "stopped by the user");
    }
}

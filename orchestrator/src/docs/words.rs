//! The words of the report for pages: each with its explanation as HTML and as text, from docs/words.md alone.

use std::sync::OnceLock;

use common::words as source;
use serde::Serialize;
use utoipa::ToSchema;

use super::markdown;

/// Columns of the text, as `groundswell explain` prints it on a usual terminal.
const COLUMNS: usize = 80;

/// The words of reports, pages and thresholds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Words {
    /// In the order of docs/words.md.
    pub words: Vec<Word>,
}

/// What a word means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Word {
    /// Its name, as in `response`. No two words have the same.
    pub name: &'static str,
    /// Other names for it. One name may stand for several words, as `failed` does.
    pub also: Vec<&'static str>,
    /// What it belongs to, as in `Latencies`.
    pub group: &'static str,
    /// The explanation as HTML: paragraphs, lists and examples, without links, scripts and styles.
    pub html: String,
    /// The same as text in lines of up to 80 columns, as `groundswell explain` prints it below the name.
    pub text: String,
}

/// All words. The first call renders them.
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let word = |word: &source::Word| Word {
            name: word.name,
            also: word.also.clone(),
            group: word.group,
            html: markdown::fragment(&word.markdown()),
            // Its first line is the name.
            text: word.text(COLUMNS).split_once('\n').map_or("", |(_, text)| text).trim().to_owned(),
        };
        Words { words: source::all().iter().map(word).collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_same_explanation_in_both_forms() {
        let lag = words().words.iter().find(|word| word.name == "lag").unwrap();
        assert_eq!(lag.group, "Latencies");
        assert!(lag.html.starts_with("<p>The instant at which the attempt began"), "{}", lag.html);
        assert!(lag.text.starts_with("The instant at which the attempt began"), "{}", lag.text);
        let errors = words().words.iter().find(|word| word.name == "errors").unwrap();
        assert!(errors.also.contains(&"refused") && errors.html.contains("<li>refused: "), "{}", errors.html);
    }

    #[test]
    fn explanations_have_nothing_that_a_page_would_have_to_trust() {
        for word in &words().words {
            for forbidden in ["<a ", "<img", "<script", "style=", "<em>", "<h"] {
                assert!(!word.html.contains(forbidden), "{}: {}", word.name, word.html);
            }
        }
    }
}

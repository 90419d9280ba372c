//! The search: which sections hold all words that are looked for, the best first.

use std::cmp::Reverse;

use super::Docs;
use super::markdown::Section;
use super::pages::Source;

/// Most words that are looked for; further ones are left out.
const MAX_TERMS: usize = 8;

/// Most sections that are listed.
pub const MAX_HITS: usize = 40;

/// Bytes of a section's text that are shown before the first word that was found, and in all.
const BEFORE: usize = 70;
const SHOWN: usize = 220;

/// Bytes of a word that is cut rather than shown or left out as a whole.
const LONG_WORD: usize = 40;

/// A section in which the words stand.
pub struct Hit<'a> {
    pub source: &'static Source,
    pub section: &'a Section,
    /// A part of its text, HTML, with what was found marked.
    pub excerpt: String,
    score: usize,
}

/// The sections that hold every word of a query, in the heading, the title of the page or the text. A word may be the begin
/// of a longer one: `lag` is not looked for within `flags`.
pub fn find<'a>(docs: &'a Docs, query: &str) -> Vec<Hit<'a>> {
    let query = query.to_ascii_lowercase();
    let terms: Vec<&str> = query.split_whitespace().take(MAX_TERMS).collect();
    if terms.is_empty() {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for page in &docs.pages {
        let title = page.source.title.to_ascii_lowercase();
        for section in &page.rendered.sections {
            let Some(score) = score(&title, section, &terms) else { continue };
            hits.push(Hit { source: page.source, section, excerpt: String::new(), score });
        }
    }
    // Stable: of equal ones, the order of the pages.
    hits.sort_by_key(|hit| Reverse(hit.score));
    hits.truncate(MAX_HITS);
    for hit in &mut hits {
        hit.excerpt = excerpt(&hit.section.text, &terms);
    }
    hits
}

/// How well a section fits; `None` where it lacks one of the words.
fn score(title: &str, section: &Section, terms: &[&str]) -> Option<usize> {
    let heading = section.heading.to_ascii_lowercase();
    let text = section.text.to_ascii_lowercase();
    let mut score = if heading == terms.join(" ") { 40 } else { 0 };
    for term in terms {
        let in_heading =
            heading.split(|sign: char| !sign.is_alphanumeric() && sign != '_').any(|word| word == *term);
        let of_term = [
            if in_heading { 10 } else { 0 },
            if places(&heading, term).next().is_some() { 6 } else { 0 },
            if places(title, term).next().is_some() { 2 } else { 0 },
            places(&text, term).take(3).count(),
        ];
        let of_term: usize = of_term.iter().sum();
        if of_term == 0 {
            return None;
        }
        score += of_term;
    }
    Some(score)
}

/// Where a word begins with this, in a text in lower case.
fn places<'a>(text: &'a str, term: &'a str) -> impl Iterator<Item = usize> {
    let is_start = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    text.match_indices(term).map(|(at, _)| at).filter(move |at| is_start(*at))
}

/// A part of a text around the first word, with all words marked.
fn excerpt(text: &str, terms: &[&str]) -> String {
    // Of ASCII letters alone, so that places in both texts are the same.
    let lower = text.to_ascii_lowercase();
    let first = terms.iter().filter_map(|term| places(&lower, term).next()).min().unwrap_or(0);
    let from = boundary(text, first.saturating_sub(BEFORE));
    let to = boundary(text, (from + SHOWN).min(text.len()));
    let mut out = String::new();
    if from > 0 {
        out.push_str("… ");
    }
    let mut at = from;
    while at < to {
        let next = |term: &&str| {
            let start = places(&lower, term).find(|start| *start >= at)?;
            (start + term.len() <= to).then_some((start, term.len()))
        };
        // Of words that begin at one place, the longest.
        let first = terms.iter().filter_map(next).min_by_key(|(start, length)| (*start, Reverse(*length)));
        let Some((start, length)) = first else { break };
        out.push_str(&html_escape::encode_text(&text[at..start]));
        out.push_str("<mark>");
        out.push_str(&html_escape::encode_text(&text[start..start + length]));
        out.push_str("</mark>");
        at = start + length;
    }
    out.push_str(&html_escape::encode_text(&text[at..to.max(at)]));
    if to < text.len() {
        out.push_str(" …");
    }
    out
}

/// The begin of the word at this place, or the end of the text; of a word that is very long, a place within it.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let is_start = |at: &usize| *at == 0 || *at == text.len() || text.as_bytes()[at - 1] == b' ';
    let word = (at.saturating_sub(LONG_WORD)..=at).rev().find(is_start);
    word.or_else(|| (0..=at).rev().find(|at| text.is_char_boundary(*at))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::docs;
    use super::*;

    #[track_caller]
    fn best(query: &str) -> String {
        let hits = find(docs(), query);
        let best = hits.first().unwrap_or_else(|| panic!("nothing for {query}"));
        format!("{}#{}", best.source.slug, best.section.anchor)
    }

    #[test]
    fn the_section_of_that_heading_comes_first() {
        assert_eq!(best("lag"), "words#lag");
        assert_eq!(best("Open  LOOP"), "words#open-loop");
        assert_eq!(best("from what you have"), "plans#from-what-you-have");
        assert!(find(docs(), "coordinated omission").iter().any(|hit| hit.source.slug == "loops"));
    }

    #[test]
    fn every_word_has_to_be_there() {
        assert!(find(docs(), "lag xyzzy").is_empty());
        assert!(find(docs(), "  ").is_empty());
        assert!(find(docs(), "a").len() <= MAX_HITS);
        assert!(find(docs(), "lag").iter().all(|hit| !hit.excerpt.contains("f<mark>lag")));
    }

    #[test]
    fn what_was_found_is_marked_and_escaped() {
        assert_eq!(
            excerpt("where a < b, lag & LAG", &["lag"]),
            "where a &lt; b, <mark>lag</mark> &amp; <mark>LAG</mark>"
        );
        assert_eq!(excerpt("", &["lag"]), "");
        let long = format!("{} µs of lag {}", "µ".repeat(200), "end ".repeat(100));
        let shown = excerpt(&long, &["lag"]);
        assert!(shown.contains("<mark>lag</mark>") && shown.ends_with('…') && shown.len() < 800, "{shown}");
    }
}

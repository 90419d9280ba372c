//! The words of the report, read from docs/words.md, which is the one place that explains them: which names a word has,
//! and its text for a terminal of some width. `explain` prints them, and the orchestrator serves them to its pages.
//! Pure: it only handles text.

use textwrap::Options;

/// The page, as it is in the repository.
const PAGE: &str = include_str!("../../docs/words.md");

/// What begins the line that lists a word's other names.
const ALSO: &str = "Also: ";

/// What begins and ends lines that are shown as they are.
const FENCE: &str = "```";

/// One section of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The heading of the group that it stands in.
    pub group: &'static str,
    /// Its heading.
    pub name: &'static str,
    /// Other names for it.
    pub also: Vec<&'static str>,
    /// Its lines, without heading and other names.
    lines: Vec<&'static str>,
}

/// All words, in the page's order.
pub fn all() -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut group, mut fenced, mut in_word) = ("", false, false);
    for line in PAGE.lines() {
        if line.starts_with(FENCE) {
            fenced = !fenced;
        }
        if let Some(name) = line.strip_prefix("## ").filter(|_| !fenced) {
            in_word = true;
            words.push(Word { group, name, also: Vec::new(), lines: Vec::new() });
        } else if let Some(name) = line.strip_prefix("# ").filter(|_| !fenced) {
            (group, in_word) = (name, false);
        } else if let Some(word) = words.last_mut().filter(|_| in_word) {
            match line.strip_prefix(ALSO).filter(|_| word.also.is_empty()) {
                Some(names) => word.also.extend(names.split(", ")),
                None => word.lines.push(line),
            }
        }
    }
    words
}

/// The words that a name stands for. One name may stand for several: requests fail, and tests do.
///
/// # Errors
/// For a name that is not known: the name that may be meant.
pub fn find<'a>(words: &'a [Word], name: &str) -> Result<Vec<&'a Word>, Option<&'a str>> {
    let mut found = named(words, name);
    if found.is_empty() {
        // Of a threshold's figure, as in response.p99, each part is explained.
        for word in name.split('.').flat_map(|part| named(words, part)) {
            if !found.contains(&word) {
                found.push(word);
            }
        }
    }
    if found.is_empty() {
        let names = words.iter().flat_map(|word| std::iter::once(word.name).chain(word.also.iter().copied()));
        return Err(crate::tree::closest(name, names));
    }
    Ok(found)
}

fn named<'a>(words: &'a [Word], name: &str) -> Vec<&'a Word> {
    let name = plain(name);
    let is_percentile = name.strip_prefix('p').is_some_and(|digits| digits.parse::<f64>().is_ok());
    let is = |known: &str| plain(known) == name || (is_percentile && known == "percentile");
    words.iter().filter(|word| is(word.name) || word.also.iter().any(|known| is(known))).collect()
}

/// `first_byte`, `first-byte` and `First byte` are one name.
fn plain(name: &str) -> String {
    name.trim().trim_start_matches("--").to_lowercase().replace(['_', '-'], " ").trim_end().to_owned()
}

impl Word {
    /// Its text in Markdown, as the page has it, without heading and other names.
    pub fn markdown(&self) -> String {
        self.lines.join("\n").trim().to_owned()
    }

    /// Its name and its text in lines of at most so many columns; examples in code are never broken.
    pub fn text(&self, columns: usize) -> String {
        let mut out = format!("{}\n", self.name);
        let (mut paragraph, mut fenced) = (String::new(), false);
        for line in self.lines.iter().copied().chain(std::iter::once("")) {
            let is_fence = line.starts_with(FENCE);
            let ends_paragraph = line.is_empty() || is_fence || line.starts_with("- ");
            if ends_paragraph && !paragraph.is_empty() {
                out.push_str(&wrapped(&paragraph, columns));
                paragraph.clear();
            }
            if is_fence {
                fenced = !fenced;
            } else if fenced {
                out.push_str(line);
                out.push('\n');
            } else if line.is_empty() {
                out.push('\n');
            } else {
                let blank = if paragraph.is_empty() { "" } else { " " };
                paragraph.push_str(blank);
                paragraph.push_str(line);
            }
        }
        // One blank line at most: around a list or an example, the page may have more.
        while out.contains("\n\n\n") {
            out = out.replace("\n\n\n", "\n\n");
        }
        format!("{}\n", out.trim_end())
    }
}

/// A paragraph, or an entry of a list, in lines of at most so many columns.
fn wrapped(paragraph: &str, columns: usize) -> String {
    let indent = if paragraph.starts_with("- ") { "  " } else { "" };
    let options = Options::new(columns.max(20)).subsequent_indent(indent).break_words(false);
    format!("{}\n", textwrap::fill(paragraph, options))
}

/// The names of all words by their groups, in lines of at most so many columns.
pub fn list(words: &[Word], columns: usize) -> String {
    let mut out = String::new();
    for group in words.chunk_by(|a, b| a.group == b.group) {
        let names: Vec<&str> = group.iter().map(|word| word.name).collect();
        let options = Options::new(columns.max(20)).initial_indent("  ").subsequent_indent("  ");
        out.push_str(&format!("{}\n{}\n", group[0].group, textwrap::fill(&names.join(", "), options)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Result<&[&str], Option<&str>>) {
        let words = all();
        let found = find(&words, name);
        let names = found.map(|found| found.iter().map(|word| word.name).collect::<Vec<_>>());
        assert_eq!(names, expected.map(<[&str]>::to_vec), "{name}");
    }

    #[test]
    fn a_word_is_found_by_each_of_its_names() {
        check("response", Ok(&["response"]));
        check("First-Byte", Ok(&["first_byte"]));
        check("ttfb", Ok(&["first_byte"]));
        check("open loop", Ok(&["open loop"]));
        check("tsunami", Ok(&["open loop"]));
        check("--allow-target", Ok(&["targets"]));
        check("failed", Ok(&["failed", "failed verdict"]));
        check("p97.5", Ok(&["percentile"]));
        check("driver.response.p99.9", Ok(&["driver", "response", "percentile"]));
        check("errors.ratio", Ok(&["failed"]));
    }

    #[test]
    fn an_unknown_word_names_the_one_that_may_be_meant() {
        check("respons", Err(Some("response")));
        check("avalance", Err(Some("avalanche")));
        check("xyzzy", Err(None));
    }

    #[test]
    fn every_word_is_explained_and_has_a_name_of_its_own() {
        let words = all();
        assert!(words.len() > 40, "{}", words.len());
        for word in &words {
            assert!(word.lines.iter().any(|line| line.len() > 20), "{}", word.name);
            assert!(!word.group.is_empty(), "{}", word.name);
            assert_eq!(words.iter().filter(|other| other.name == word.name).count(), 1, "{}", word.name);
            let also = std::iter::once(word.name).chain(word.also.iter().copied());
            also.for_each(|name| assert!(find(&words, name).unwrap().contains(&word), "{name}"));
        }
    }

    #[test]
    fn what_a_report_can_hold_is_explained() {
        use crate::counters::ErrorKind;
        let words = all();
        let verdicts = ["passed", "failed", "invalid", "incomplete", "aborted"];
        let figures =
            ["response", "service", "lag", "turn", "connect", "first_byte", "mode", "coverage", "busy"];
        let counts =
            ["scheduled", "sent", "dropped", "completed", "failed", "unresolved", "throughput", "steal"];
        let kinds = ErrorKind::ALL.map(ErrorKind::as_str);
        for word in verdicts.iter().chain(&figures).chain(&counts).chain(&kinds) {
            assert!(find(&words, word).is_ok(), "{word}");
        }
    }

    #[test]
    fn prose_is_wrapped_and_examples_are_not() {
        let words = all();
        for columns in [40, 80] {
            let text = find(&words, "errors").unwrap()[0].text(columns);
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
            assert!(text.contains("\n- resolve: the host name"), "{text}");
        }
        let text = find(&words, "plan").unwrap()[0].text(40);
        assert!(text.contains("max_lag_p99 = \"5ms\"\n"), "{text}");
        assert!(!text.contains(FENCE), "{text}");
        let list = list(&words, 60);
        assert!(list.starts_with("Latencies\n  response, service, "), "{list}");
        assert!(list.lines().all(|line| line.chars().count() <= 60), "{list}");
    }

    #[test]
    fn the_plan_that_is_shown_is_valid_and_has_every_default() {
        let words = all();
        let plan = find(&words, "plan").unwrap()[0];
        let toml: String = plan
            .lines
            .iter()
            .skip_while(|line| !line.starts_with(FENCE))
            .skip(1)
            .take_while(|line| !line.starts_with(FENCE))
            .map(|line| format!("{line}\n"))
            .collect();
        let given = crate::plan::read(&toml, crate::plan::PlanFormat::Toml).unwrap();
        let least =
            "target = { url = 'http://127.0.0.1:8081/ping' }\nload = { rate = 1000, duration = '30s' }";
        let default = crate::plan::read(least, crate::plan::PlanFormat::Toml).unwrap();
        assert_eq!((&given.load, &given.honesty), (&default.load, &default.honesty));
        assert_eq!((&given.per, &given.drivers), (&default.per, &default.drivers));
        let accept = vec![("accept".to_owned(), "*/*".to_owned())];
        let default = crate::plan::Request { headers: accept, ..default.request };
        assert_eq!(given.request, default);
    }
}

//! Suggests the known key that a misspelt one may mean.

/// Longest word that is compared, in characters: the comparison costs the product of both lengths.
const MAX_CHARS: usize = 64;

/// The known name closest to a word that is not known, where it is close enough to be meant.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// How many characters must be changed, added, removed or swapped with their neighbour; case and `-` for
/// `_` cost nothing, and words longer than [`MAX_CHARS`] match nothing.
fn distance(a: &str, b: &str) -> usize {
    let is_long = |text: &str| text.chars().nth(MAX_CHARS).is_some();
    if is_long(a) || is_long(b) {
        return usize::MAX;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    strsim::osa_distance(&plain(a), &plain(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        let known = ["url", "rate", "delay", "duration", "max_in_flight", "per", "metrics_partitions"];
        assert_eq!(closest(word, known), expected, "{word}");
    }

    #[test]
    fn a_slip_of_the_fingers_is_recognised() {
        check("duraton", Some("duration"));
        check("dealy", Some("delay"));
        check("max-in-flight", Some("max_in_flight"));
        check("RATE", Some("rate"));
        check("uri", Some("url"));
    }

    #[test]
    fn another_word_is_not() {
        check("colour", None);
        check("name", None);
        check("x", None);
        check("", None);
        check(&"duration".repeat(100), None);
    }
}

//! Suggests the known key that a misspelt one may mean.

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
/// `_` cost nothing, and words longer than 64 characters match nothing.
fn distance(a: &str, b: &str) -> usize {
    let plain = |text: &str| -> Vec<char> {
        text.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).take(65).collect()
    };
    let (a, b) = (plain(a), plain(b));
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j - 1] + changed).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
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

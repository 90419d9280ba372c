//! The names of headings in addresses (`/docs/plans#from-what-you-have`): those that repositories give them when they show
//! Markdown, so that a link works in both places.

use std::collections::BTreeMap;

/// The anchors of one page.
#[derive(Default)]
pub struct Anchors {
    seen: BTreeMap<String, u32>,
}

impl Anchors {
    /// The anchor of the next heading: its letters and digits in lower case, blanks as hyphens, other signs left out. The
    /// second heading of the same text gets `-1`, the third `-2`.
    pub fn next(&mut self, heading: &str) -> String {
        let kept = heading.trim().chars().flat_map(char::to_lowercase).filter_map(|sign| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            _ => sign.is_alphanumeric().then_some(sign),
        });
        let anchor: String = kept.collect();
        let before = self.seen.entry(anchor.clone()).or_insert(0);
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_repositories() {
        let mut anchors = Anchors::default();
        for (heading, expected) in [
            ("From what you have", "from-what-you-have"),
            ("first_byte", "first_byte"),
            ("A log-in", "a-log-in"),
            ("One binary, `groundswell`", "one-binary-groundswell"),
            ("GET /api/v1/tests/{id}", "get-apiv1testsid"),
            ("warm-up", "warm-up"),
            ("Passwords & keys", "passwords--keys"),
            ("GRÖSSE in µs", "grösse-in-µs"),
            ("warm-up", "warm-up-1"),
            ("warm-up", "warm-up-2"),
        ] {
            assert_eq!(anchors.next(heading), expected, "{heading}");
        }
    }
}

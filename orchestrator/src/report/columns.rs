//! Text in a given number of columns: wrapping, shortening, alignment. Independent of tests.

/// Columns of a report where the caller does not set a width.
pub const WIDTH: usize = 80;

/// Fewest and most columns of a page: below, figures would not fit; above, lines are hard to read.
const BOUNDS: (usize, usize) = (32, 120);

/// Units that follow a figure after a blank: a line is not broken between the two.
const UNITS: [&str; 6] = ["%", "µs", "ms", "s", "min", "UTC"];

/// Columns that a text takes, if every character is one column wide.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text on one line without control characters, shortened to `max` columns.
pub fn short(text: &str, max: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if width(text) <= max {
        return text.chars().map(clean).collect();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).map(clean).collect();
    short.push('…');
    short
}

/// A report while it is written: lines of at most `width` columns.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// An empty page of so many columns, at least 32 and at most 120.
    pub fn new(columns: usize) -> Self {
        Self { text: String::new(), width: columns.clamp(BOUNDS.0, BOUNDS.1) }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// The text written so far.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Adds a line as it is: the caller ensures that it fits.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Adds a text after a label, wrapped at spaces, further lines indented as far as the label is long. A word
    /// longer than a line is cut.
    pub fn wrap(&mut self, label: &str, text: &str) {
        let indent = width(label);
        let room = self.width.saturating_sub(indent).max(20);
        let mut line = String::new();
        let mut first = true;
        let mut flush = |line: &mut String| {
            if first {
                self.text.push_str(label);
            } else {
                self.text.extend(std::iter::repeat_n(' ', indent));
            }
            first = false;
            self.text.push_str(line);
            self.text.push('\n');
            line.clear();
        };
        for mut word in words(text) {
            if !line.is_empty() && width(&line) + 1 + width(&word) > room {
                flush(&mut line);
            }
            while width(&word) > room {
                let rest: String = word.chars().skip(room).collect();
                let mut piece: String = word.chars().take(room).collect();
                flush(&mut piece);
                word = rest;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        flush(&mut line);
    }

    /// Adds a line of cells with these widths: the first is aligned left, the others right.
    pub fn row(&mut self, widths: &[usize], cells: &[String]) {
        let mut line = String::new();
        for (place, (columns, cell)) in widths.iter().zip(cells).enumerate() {
            let pad = columns.saturating_sub(width(cell));
            let (before, after) = if place == 0 { (0, pad) } else { (pad, 0) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', after));
        }
        self.line(&line);
    }
}

/// The words of a text without control characters; a figure and its unit are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        let unit = word.trim_end_matches([',', ';', ':', ')', '.']);
        match words.last_mut() {
            Some(figure) if UNITS.contains(&unit) && figure.ends_with(|c: char| c.is_ascii_digit()) => {
                figure.push(' ');
                figure.push_str(&word);
            }
            _ => words.push(word),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page_and_no_word_is_lost(
            text in "[a-zé,.]{0,100}( [a-z]{1,30}){0,20}",
            columns in 0_usize..200,
        ) {
            let mut page = Page::new(columns);
            page.wrap("  - ", &text);
            let wide = page.width();
            prop_assert!(wide >= columns.min(BOUNDS.1));
            let out = page.into_text();
            prop_assert!(out.lines().all(|line| width(line) <= wide), "{}", out);
            let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(plain(&out), format!("-{}", plain(&text)));
        }
    }

    #[test]
    fn a_line_is_not_broken_between_a_figure_and_its_unit() {
        for (room, figure) in [(76, "12 %,"), (73, "(3.1 ms)"), (77, "2 s")] {
            let mut page = Page::new(WIDTH);
            page.wrap("", &format!("{} {figure} late", "x".repeat(room)));
            assert_eq!(page.into_text().lines().nth(1), Some(&*format!("{figure} late")));
        }
    }

    #[test]
    fn a_long_name_is_shortened_and_a_line_break_becomes_a_blank() {
        assert_eq!(short("driver-with-a-name", 8), "driver-…");
        assert_eq!(short("a\nb", 8), "a b");
    }
}

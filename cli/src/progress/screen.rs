//! A few lines at the bottom of a terminal that are written over again and again. They never wrap, and where the
//! terminal changes its width in between, nothing of them is left behind. Pure: makes texts, writes none.

use std::fmt::Write;

/// Turns a line's colour on before it and off after it.
pub type Paint = fn(&str) -> String;

/// Lines that stand on the terminal now.
#[derive(Debug, Default)]
pub struct Screen {
    /// Columns of each line, as drawn.
    drawn: Vec<usize>,
}

impl Screen {
    /// What takes the lines away; the cursor is then where the first began. `width`: columns of the terminal now.
    ///
    /// Terminals that became narrower have broken long lines into several rows, with the cursor in the last row of
    /// the last line. So many rows are gone back as the lines take at the present width, and each is emptied by itself:
    /// tmux moves what "erase to the end of the screen" takes away into its history, where the screen's first row is among
    /// it.
    pub fn erase(&mut self, width: usize) -> String {
        let width = width.max(1);
        let rows: usize = self.drawn.drain(..).map(|columns| columns.div_ceil(width).max(1)).sum();
        match rows {
            0 => String::new(),
            rows => format!("\r\u{1b}[2K{}", "\u{1b}[1A\u{1b}[2K".repeat(rows - 1)),
        }
    }

    /// What takes the old lines away and writes these, each with what turns its colour on and off. A line holds no
    /// control characters and is cut to the terminal's width.
    pub fn draw(&mut self, width: usize, lines: &[(String, Paint)]) -> String {
        let mut out = self.erase(width);
        for (index, (line, paint)) in lines.iter().enumerate() {
            // The last column stays free: a terminal may wrap when it is filled.
            let line = cut(line, width.saturating_sub(1));
            self.drawn.push(line.chars().count());
            let end = if index + 1 < lines.len() { "\n" } else { "" };
            let _ = write!(out, "{}{end}", paint(&line));
        }
        out
    }
}

/// A text of at most so many columns, with `…` where some is missing.
pub fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

/// As many of these parts, the least important left out first, as fit into so many columns, in their order. The
/// most important one (rank 0) stays, cut if it must be.
pub fn fit(parts: &[(u8, String)], columns: usize) -> String {
    let mut least: u8 = parts.iter().map(|(rank, _)| *rank).max().unwrap_or(0);
    loop {
        let kept: Vec<&str> =
            parts.iter().filter(|(rank, _)| *rank <= least).map(|(_, part)| part.as_str()).collect();
        let line = kept.join("  ");
        if least == 0 || line.chars().count() <= columns {
            return cut(&line, columns);
        }
        least -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.to_owned()
    }

    /// A terminal that breaks and joins lines when its width changes, as most do.
    #[derive(Default)]
    struct Terminal {
        /// Rows, and whether a row goes on in the next one.
        rows: Vec<String>,
        row: usize,
    }

    impl Terminal {
        fn write(&mut self, text: &str, width: usize) {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                if let Some(after) = rest.strip_prefix("\u{1b}[2K") {
                    self.rows[self.row].clear();
                    rest = after;
                } else if let Some(after) = rest.strip_prefix("\u{1b}[1A") {
                    self.row -= 1;
                    rest = after;
                } else {
                    match c {
                        '\r' => {}
                        '\n' => self.row += 1,
                        c => {
                            self.rows.resize(self.rows.len().max(self.row + 1), String::new());
                            self.rows[self.row].push(c);
                            assert!(self.rows[self.row].chars().count() <= width, "a line wraps");
                        }
                    }
                    rest = &rest[c.len_utf8()..];
                }
            }
        }

        /// Its rows, without the empty ones at the end.
        fn written(&self) -> &[String] {
            let last = self.rows.iter().rposition(|row| !row.is_empty());
            &self.rows[..last.map_or(0, |last| last + 1)]
        }

        fn narrow(&mut self, width: usize) {
            let broken = self.rows.iter().flat_map(|row| {
                let row: Vec<char> = row.chars().collect();
                row.chunks(width).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
            });
            self.rows = broken.collect();
            self.row = self.rows.len() - 1;
        }
    }

    #[test]
    fn nothing_is_left_behind_when_the_terminal_becomes_narrower() {
        for (before, after) in [(80, 50), (120, 23), (50, 49), (40, 10)] {
            let mut terminal = Terminal::default();
            let mut screen = Screen::default();
            terminal.write("$ groundswell\n", 200);
            let long = "x".repeat(70);
            let lines = [(long.clone(), plain as Paint), ("second".to_owned(), plain)];
            terminal.write(&screen.draw(before, &lines), before);
            assert_eq!(terminal.rows.len(), 3);
            terminal.narrow(after);
            terminal.write(&screen.draw(after, &lines), after);
            let shell: usize = "$ groundswell".len().div_ceil(after);
            let expected = [cut(&long, after - 1), cut("second", after - 1)];
            assert_eq!(terminal.written()[shell..], expected, "{before} to {after}");
            terminal.write(&screen.erase(after), after);
            assert_eq!(terminal.written().len(), shell);
        }
    }

    #[test]
    fn the_least_important_parts_give_way() {
        let parts: Vec<(u8, String)> = [(0, "running"), (2, "900 sent"), (3, "p99 1 ms"), (1, "7 failed")]
            .map(|(rank, part)| (rank, part.to_owned()))
            .into();
        for (columns, expected) in [
            (80, "running  900 sent  p99 1 ms  7 failed"),
            (37, "running  900 sent  p99 1 ms  7 failed"),
            (36, "running  900 sent  7 failed"),
            (20, "running  7 failed"),
            (7, "running"),
            (5, "runn…"),
        ] {
            assert_eq!(fit(&parts, columns), expected, "{columns}");
        }
    }
}

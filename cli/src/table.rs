//! Columns as wide as their widest cell: what `tests` and `drivers` print.

use std::fmt;

/// A table of text, its first row the headings.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row; control characters, which names from the network may hold, show as `?`.
    pub fn row(&mut self, cells: Vec<String>) {
        let clean = |cell: String| cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.rows.push(cells.into_iter().map(clean).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let line: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_cell_moves_the_cursor() {
        let mut table = Table::new(&["ID", "NAME"]);
        table.row(vec!["driver-1".to_owned(), "a\u{1b}[2Jb".to_owned()]);
        assert_eq!(table.to_string(), "ID        NAME\ndriver-1  a?[2Jb\n");
    }

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        for (caption, headings, rows, expected) in [
            ("headings alone", &["ID", "NAME"][..], &[][..], "ID  NAME\n"),
            ("a heading is the widest", &["STATE", "ID"], &[&["ok", "7"][..]], "STATE  ID\nok     7\n"),
            (
                "width is in characters, not bytes",
                &["A", "B"],
                &[&["Prüfung", "x"]],
                "A        B\nPrüfung  x\n",
            ),
            ("no blanks at the end of a line", &["A", "B"], &[&["1", ""]], "A  B\n1\n"),
            (
                "an empty cell in between keeps its column",
                &["A", "B", "C"],
                &[&["1", "", "3"]],
                "A  B  C\n1     3\n",
            ),
            ("a row may be short", &["A", "B"], &[&["long"], &["1", "2"]], "A     B\nlong\n1     2\n"),
            ("a row may be long", &["A"], &[&["1", "2"]], "A\n1  2\n"),
            ("a line break in a cell", &["A"], &[&["1\n2"]], "A\n1?2\n"),
            ("nothing", &[], &[], "\n"),
        ] {
            let mut table = Table::new(headings);
            for row in rows {
                table.row(row.iter().map(|cell| (*cell).to_owned()).collect());
            }
            assert_eq!(table.to_string(), expected, "{caption}");
        }
    }
}

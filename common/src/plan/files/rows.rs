//! Rows of data from a file: CSV (RFC 4180), a JSON array of objects, or JSON lines. Pure, and one row at a time: a file of
//! a gigabyte is read with the memory of a row.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use super::json_rows::{of_array, of_lines};
use csv::{ReaderBuilder, StringRecord};

/// Most rows of a file.
pub const MAX_ROWS: usize = 10_000_000;
/// Most columns of a file.
pub const MAX_COLUMNS: usize = 256;
/// Longest row as it stands in a file, in bytes: twice the longest request.
const MAX_ROW_BYTES: usize = 1024 * 1024;

/// What a file of rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a head unless the plan names the columns.
    Csv,
    /// An array of objects; where the first character opens none, lines.
    Json,
    /// An object a line.
    JsonLines,
}

impl Format {
    /// As plans write them.
    pub const WORDS: [(&str, Self); 3] =
        [("csv", Self::Csv), ("json", Self::Json), ("jsonl", Self::JsonLines)];

    /// By the name of a file: `.json`, `.jsonl` and `.ndjson`; every other one is CSV.
    pub fn of_name(name: &Path) -> Self {
        let ending = name.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Self::Json,
            Some("jsonl" | "ndjson") => Self::JsonLines,
            _ => Self::Csv,
        }
    }

    /// By the word of a plan.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, format)| *format)
    }

    /// As plans write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
        }
    }
}

/// What the plan says of a file's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Names of the columns; the file then has no head. CSV alone.
    pub names: Option<Vec<String>>,
    /// What stands between cells, one ASCII character; a comma where it is not given. CSV alone.
    pub delimiter: Option<String>,
}

/// Rows with the names of their cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A cell for each column in each row.
    pub rows: Vec<Vec<String>>,
}

/// Reads all rows of a small file.
///
/// # Errors
/// The reason, with the line or the item.
pub fn read_rows(format: Format, bytes: &[u8], columns: &Columns) -> Result<Rows, String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let columns = each_row(bytes, format, columns, &mut |_, row| {
        rows.push(row.iter().map(|cell| (*cell).to_owned()).collect());
        Ok(())
    })?;
    for row in &mut rows {
        row.resize(columns.len(), String::new());
    }
    Ok(Rows { columns, rows })
}

/// What takes a row: the columns that are known by now, and a cell for each of them. Objects may bring further columns
/// later; the rows before have empty cells there.
pub type EachRow<'a> = dyn FnMut(&[String], &[&str]) -> Result<(), String> + 'a;

/// Reads a file row by row, and returns the names of its columns. At least one row was there.
///
/// # Errors
/// The reason, with the line or the item; what `each` returns ends the reading.
pub fn each_row(
    input: impl Read,
    format: Format,
    columns: &Columns,
    each: &mut EachRow<'_>,
) -> Result<Vec<String>, String> {
    if format != Format::Csv {
        for (key, given) in [("columns", columns.names.is_some()), ("delimiter", columns.delimiter.is_some())]
        {
            if given {
                return Err(format!(
                    "{key} belongs to CSV, and this is {}, whose objects name their values",
                    format.word()
                ));
            }
        }
    }
    // A file without line breaks, or with a quote that nothing closes, must not be gathered as one row.
    let since_row = Rc::new(Cell::new(0));
    let mut input = BufReader::new(Bounded { inner: input, since_row: Rc::clone(&since_row) });
    skip_mark(&mut input).map_err(|error| error.to_string())?;
    let mut n_rows = 0_usize;
    let mut counted = |columns: &[String], row: &[&str]| {
        since_row.set(0);
        n_rows += 1;
        match (n_rows > MAX_ROWS, columns.len() > MAX_COLUMNS) {
            (true, _) => Err(format!("holds more than {MAX_ROWS} rows")),
            (_, true) => Err(format!("holds more than {MAX_COLUMNS} columns")),
            _ => each(columns, row),
        }
    };
    let columns = match format {
        Format::Csv => of_csv(input, columns, &mut counted)?,
        Format::JsonLines => of_lines(input, 0, &mut counted)?,
        Format::Json => match skip_blanks(&mut input).map_err(|error| error.to_string())? {
            (Some(b'['), before) => of_array(input, before, &mut counted)?,
            (_, before) => of_lines(input, before, &mut counted)?,
        },
    };
    if n_rows == 0 { Err("holds no row".to_owned()) } else { Ok(columns) }
}

/// Ends with an error where a row does not end.
struct Bounded<R> {
    inner: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        let since = self.since_row.get() + n;
        self.since_row.set(since);
        if since > MAX_ROW_BYTES + into.len() {
            return Err(io::Error::other(format!("a row is longer than {MAX_ROW_BYTES} bytes")));
        }
        Ok(n)
    }
}

/// Passes over a byte order mark.
fn skip_mark(input: &mut impl BufRead) -> io::Result<()> {
    // The first piece of a file is longer than the mark, unless the whole file is not.
    if input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        input.consume(3);
    }
    Ok(())
}

/// Passes over blanks; returns the first other character, and how many line breaks stood before it.
fn skip_blanks(input: &mut impl BufRead) -> io::Result<(Option<u8>, usize)> {
    let mut n_lines = 0;
    loop {
        let Some(byte) = input.fill_buf()?.first().copied() else { return Ok((None, n_lines)) };
        if !byte.is_ascii_whitespace() {
            return Ok((Some(byte), n_lines));
        }
        n_lines += usize::from(byte == b'\n');
        input.consume(1);
    }
}

fn of_csv(input: impl Read, columns: &Columns, each: &mut EachRow<'_>) -> Result<Vec<String>, String> {
    let delimiter = match columns.delimiter.as_deref().map(str::as_bytes) {
        None => b',',
        Some([one]) if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => *one,
        Some(_) => return Err("has a delimiter that is not one ASCII character, as in \";\"".to_owned()),
    };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(input);
    let mut names = columns.names.clone();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| csv_reason(&error))? {
        match &names {
            // The head: a name with blanks around it could never be named.
            None => names = Some(record.iter().map(|name| name.trim().to_owned()).collect()),
            Some(names) if names.len() == record.len() => {
                let cells: Vec<&str> = record.iter().collect();
                each(names, &cells)?;
            }
            Some(names) => {
                let line = record.position().map_or(0, csv::Position::line);
                let given = if columns.names.is_some() { "columns names" } else { "the head names" };
                return Err(format!("line {line} has {} cells, and {given} {}", record.len(), names.len()));
            }
        }
    }
    Ok(names.unwrap_or_default())
}

fn csv_reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos: Some(at), .. } => format!("line {} is not UTF-8", at.line()),
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, text: &str) -> Result<Rows, String> {
        read_rows(Format::of_name(Path::new(name)), text.as_bytes(), &Columns::default())
    }

    #[track_caller]
    fn check(read: Result<Rows, String>, columns: &[&str], rows: &[&[&str]]) {
        let expected = Rows {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect(),
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn csv_is_read_as_rfc_4180_says() {
        let text = "\u{feff}id, name\r\n1,\"a, \"\"b\"\"\nc\"\r\n2, x \r\n\r\n";
        check(read("u.csv", text), &["id", "name"], &[&["1", "a, \"b\"\nc"], &["2", " x "]]);
        check(read("u.txt", "id\n\"\"\n"), &["id"], &[&[""]]);
        let columns = |names: Option<&[&str]>, delimiter: Option<&str>| Columns {
            names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            delimiter: delimiter.map(str::to_owned),
        };
        let semicolons = read_rows(Format::Csv, b"1;a,b\n", &columns(Some(&["id", "n"]), Some(";")));
        check(semicolons, &["id", "n"], &[&["1", "a,b"]]);
        let wrong = |text: &str, columns: Columns| read_rows(Format::Csv, text.as_bytes(), &columns);
        let tabs = wrong("a\tb\n1\t2\n", columns(None, Some("\t")));
        check(tabs, &["a", "b"], &[&["1", "2"]]);
        for (found, expected) in [
            (wrong("a,b\n1,2\n3\n", columns(None, None)), "line 3 has 1 cells, and the head names 2"),
            (wrong("1,2\n", columns(Some(&["a"]), None)), "line 1 has 2 cells, and columns names 1"),
            (wrong("a,b\n", columns(None, None)), "holds no row"),
            (wrong("", columns(None, None)), "holds no row"),
            (wrong("a\n1\n", columns(None, Some("ab"))), "delimiter that is not one ASCII character"),
            (read_rows(Format::Csv, b"a\nb\n\xff\n", &columns(None, None)), "line 3 is not UTF-8"),
            (read_rows(Format::Json, b"[]", &columns(Some(&["a"]), None)), "columns belongs to CSV"),
        ] {
            assert!(found.as_ref().unwrap_err().contains(expected), "{found:?}: {expected}");
        }
    }

    #[test]
    fn json_is_an_array_of_objects_or_lines() {
        let array = r#"[{ "url": "/a", "count": 13737, "deep": [1, {"b": null}] }, { "count": 1.5, "new": true, "url": null }]"#;
        let columns = ["url", "count", "deep", "new"];
        let rows: [&[&str]; 2] = [&["/a", "13737", r#"[1,{"b":null}]"#, ""], &["", "1.5", "", "true"]];
        check(read("hits.json", array), &columns, &rows);
        let lines = "{\"url\": \"/a\"}\n\n{\"url\": \"/b\"}\n";
        for name in ["hits.json", "hits.jsonl", "hits.NDJSON"] {
            check(read(name, lines), &["url"], &[&["/a"], &["/b"]]);
        }
        for (name, text, expected) in [
            ("h.json", "[1]", "item 0 is a number"),
            ("h.json", "[", "line 1"),
            ("h.json", "[]", "holds no row"),
            ("h.jsonl", "{}\n[]\n", "line 2 is a list"),
            ("h.jsonl", "{}\n{\n", "line 2: EOF"),
        ] {
            let found = read(name, text);
            assert!(found.as_ref().unwrap_err().contains(expected), "{found:?}: {expected}");
        }
    }

    #[test]
    fn a_row_that_does_not_end_is_not_gathered() {
        let long = "x".repeat(2 * MAX_ROW_BYTES);
        for (name, text) in [
            ("u.csv", format!("a\n\"{long}")),
            ("u.jsonl", format!("{{\"a\": \"{long}")),
            ("u.json", format!("[{{\"a\": \"{long}\"}}]")),
        ] {
            let found = read(name, &text).unwrap_err();
            assert!(found.contains("a row is longer than 1048576 bytes"), "{name}: {found}");
        }
        let many = "id\n".to_owned() + &"1\n".repeat(MAX_ROW_BYTES);
        assert_eq!(
            read("u.csv", &many).unwrap().rows.len(),
            MAX_ROW_BYTES,
            "the bound is a row's, not the file's"
        );
    }

    #[test]
    fn what_takes_a_row_may_end_the_reading() {
        for (format, text) in [
            (Format::Csv, "a\n1\n2\n"),
            (Format::Json, "[{\"a\": 1}, {\"a\": 2}]"),
            (Format::JsonLines, "{\"a\": 1}\n{\"a\": 2}\n"),
        ] {
            let mut seen = 0;
            let read = each_row(text.as_bytes(), format, &Columns::default(), &mut |columns, row| {
                seen += 1;
                assert_eq!((columns, row), (&["a".to_owned()][..], &["1"][..]));
                Err("enough".to_owned())
            });
            assert_eq!((read, seen), (Err("enough".to_owned()), 1), "{format:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read_again(rows in proptest::collection::vec(proptest::collection::vec(".{0,8}", 3), 1..9)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let bytes = writer.into_inner().unwrap();
            let read = read_rows(Format::Csv, &bytes, &Columns::default()).unwrap();
            prop_assert_eq!(read.rows, rows);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]{}\",:a1\n]{0,40}", json in any::<bool>()) {
            let _ = read(if json { "x.json" } else { "x.csv" }, &text);
        }
    }
}

//! The files of a plan that do not travel in it, as this driver has them: rows in an arena, bodies as bytes. Where they come
//! from is the caller's: the orchestrator, or the disk of who tries a plan.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use common::plan::files::{FileHash, HashingReader, MAX_BODY_FILE};
use common::plan::program::{DataSet, Program};

use super::rows::Rows;

/// The contents of files that are sent, by their hash.
pub type Bodies = BTreeMap<FileHash, Arc<[u8]>>;

/// The files of one plan.
#[derive(Debug, Default)]
pub struct Files {
    /// By the index of their data set.
    pub rows: BTreeMap<usize, Rows>,
    /// By their hash.
    pub bodies: Bodies,
}

impl Files {
    /// Reads all files of a program. `open`: finds one by its hash.
    ///
    /// # Errors
    /// Where one cannot be read, or is another than the plan names; the reason names it.
    pub fn of<R: Read>(program: &Program, open: &dyn Fn(&FileHash) -> io::Result<R>) -> Result<Self, String> {
        let seed = program.seed.unwrap_or(0);
        let mut files = Self::default();
        let opened = |hash: &FileHash| {
            open(hash).map_err(|error| format!("file {} cannot be read: {error}", hash.in_plan()))
        };
        for (at, set) in program.data.iter().enumerate() {
            if let Some(file) = &set.file {
                files.rows.insert(at, rows(set, opened(&file.hash)?, seed)?);
            }
        }
        for hash in program.body_files() {
            files.bodies.insert(hash, body(&hash, opened(&hash)?)?);
        }
        Ok(files)
    }
}

/// The rows of a data set from the bytes of its file.
///
/// # Errors
/// Where they are not those that the plan was checked with; the reason names the data set.
pub fn rows(set: &DataSet, input: impl Read, seed: u64) -> Result<Rows, String> {
    let named = |reason: String| format!("data.{}: {reason}", set.name);
    let Some(file) = &set.file else { return Ok(Rows::new(set, seed)) };
    let mut input = HashingReader::new(input);
    let rows = Rows::of_file(set, file, &mut input, seed);
    // A wrong content has a wrong shape, too: the hash says what is wrong.
    let found = input.finish().map_err(|error| named(format!("the file cannot be read: {error}")))?;
    if found != file.hash {
        return Err(named(format!(
            "the file is {}, and the plan names {}",
            found.in_plan(),
            file.hash.in_plan()
        )));
    }
    rows.map_err(named)
}

/// The content of a file that is sent.
///
/// # Errors
/// Where it is another than the plan names, or too large; the reason names it.
pub fn body(hash: &FileHash, input: impl Read) -> Result<Arc<[u8]>, String> {
    let named = |reason: String| format!("file {}: {reason}", hash.in_plan());
    let mut bytes = Vec::new();
    let read = input.take(MAX_BODY_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| named(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_BODY_FILE {
        return Err(named(format!("is longer than {MAX_BODY_FILE} bytes, the most that is sent")));
    }
    let found = FileHash::of(&bytes);
    if found == *hash { Ok(bytes.into()) } else { Err(named(format!("the content is {}", found.in_plan()))) }
}

#[cfg(test)]
mod tests {
    use common::plan::files::put_facts;
    use common::plan::read_value;
    use serde_json::json;

    use super::*;

    const USERS: &[u8] = b"id,n\nann,1\nbob,2\ncat,3\n";

    fn program() -> Arc<Program> {
        let mut plan = json!({
            "target": { "url": "http://a.test/" }, "seed": 7,
            "data": { "user": { "file": FileHash::of(USERS).in_plan(), "order": "shuffle" } },
            "requests": {
                "get": { "path": "/{{user.id}}" },
                "put": { "path": "/", "body_file": FileHash::of(b"\x00body").in_plan() },
            },
            "load": { "rate": 1, "duration": "10s" },
        });
        let of: &dyn Fn(&FileHash) -> _ =
            &|hash| open(USERS, hash).map(|bytes| Some((bytes, bytes.len() as u64)));
        assert_eq!(put_facts(&mut plan, of), []);
        read_value(&plan).unwrap().program.unwrap()
    }

    fn open<'a>(users: &'a [u8], hash: &FileHash) -> io::Result<&'a [u8]> {
        Ok(if *hash == FileHash::of(b"\x00body") { b"\x00body" } else { users })
    }

    #[test]
    fn rows_of_a_file_are_taken_as_rows_of_a_plan_are() {
        let program = program();
        let files = Files::of(&program, &|hash| open(USERS, hash)).unwrap();
        let inline = json!([["ann", "1"], ["bob", "2"], ["cat", "3"]]);
        let rows: Vec<Vec<String>> = serde_json::from_value(inline).unwrap();
        let inline = Rows::new(&DataSet { rows, file: None, ..program.data[0].clone() }, 7);
        let of_file = &files.rows[&0];
        for x in 0..30 {
            let row = inline.row(x);
            assert_eq!(row, of_file.row(x));
            assert_eq!(
                [inline.cell(row, 0), inline.cell(row, 1)],
                [of_file.cell(row, 0), of_file.cell(row, 1)]
            );
        }
        assert_eq!(&*files.bodies[&FileHash::of(b"\x00body")], b"\x00body");
    }

    #[test]
    fn a_file_that_is_another_is_refused_by_name() {
        let program = program();
        let refused = |users: &'static [u8]| Files::of(&program, &|hash| open(users, hash)).unwrap_err();
        let wrong = refused(b"id,n\nann,1\nbob,2\ncat,4\n");
        assert!(wrong.starts_with("data.user: the file is sha256:"), "{wrong}");
        assert!(refused(b"id\n").starts_with("data.user: the file is sha256:"));
        let hash = FileHash::of(b"a");
        assert!(body(&hash, &b"b"[..]).unwrap_err().contains("the content is sha256:"));
        assert!(body(&hash, io::repeat(0)).unwrap_err().contains("longer than 16777216 bytes"));
    }

    #[test]
    fn facts_that_are_not_the_files_are_refused() {
        let mut set = program().data[0].clone();
        let facts = &mut set.file.as_mut().unwrap().facts;
        (facts.rows, facts.bytes) = (4, facts.bytes + 8);
        assert!(rows(&set, USERS, 7).unwrap_err().contains("3 rows"));
        set.file.as_mut().unwrap().facts.rows = 2;
        assert!(rows(&set, USERS, 7).unwrap_err().contains("data.user: has other rows"));
        let mut set = program().data[0].clone();
        set.columns[1] = "m".to_owned();
        assert!(rows(&set, USERS, 7).unwrap_err().contains("other columns"));
    }
}

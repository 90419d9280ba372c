//! Where a page of the history ends: the creation and the id of its last test, so that tests of the same
//! microsecond are neither skipped nor shown twice.

use std::fmt;
use std::str::FromStr;

use common::clock::UnixMicros;
use common::ids::TestId;

/// A place in the history; as text it is what `next_cursor` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the test was created.
    pub created_at: UnixMicros,
    /// Which of those created then.
    pub test_id: TestId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at, self.test_id)
    }
}

/// The error for a text that is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor: take it from next_cursor of the page before")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (created_at, test_id) = text.split_once('.').ok_or(NoCursor)?;
        let created_at = created_at.parse().map_err(|_| NoCursor)?;
        let test_id = TestId::new(test_id).map_err(|_| NoCursor)?;
        let cursor = Self { created_at, test_id };
        // Accept only the spelling that we write: "+5.x" and "005.x" are refused.
        if cursor.to_string() == text { Ok(cursor) } else { Err(NoCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_what_it_wrote_and_nothing_else() {
        for id in ["0199-ab", "a.b.c", "Prüfung 7"] {
            let cursor = Cursor { created_at: -5, test_id: TestId::new(id).unwrap() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", ".", "1", "1.", "x.y", "+1.y", "01.y", "1. y", "99999999999999999999.y"] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}

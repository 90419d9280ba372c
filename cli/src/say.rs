//! What the user reads. Whoever reads may have gone (`| head`): then nothing more is said, what is being done goes on, and
//! the exit code tells how it ended.

use std::fmt::Display;
use std::io::Write;

/// A line of the answer, on stdout.
pub fn line(what: impl Display) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

/// Lines of the answer, which bring their own ends.
pub fn text(what: impl Display) {
    let _ = write!(std::io::stdout(), "{what}");
}

/// A line beside the answer, on stderr.
pub fn aside(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

//! Colours, where people see them: on a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set. Each stream by itself, so
//! that a report in a file is plain although the progress beside it is not.

use std::io::IsTerminal;

/// What a text is to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// As it should be.
    Green,
    Red,
    /// Neither passed nor failed.
    Yellow,
}

impl Colour {
    /// A text in this colour.
    pub fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Green => 32,
            Self::Red => 31,
            Self::Yellow => 33,
        };
        format!("\u{1b}[1;{code}m{text}\u{1b}[0m")
    }
}

/// Whether to colour what goes to this stream.
pub fn wanted(stream: &impl IsTerminal) -> bool {
    allowed(stream.is_terminal(), |name| std::env::var(name).ok())
}

fn allowed(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let off = variable("CLICOLOR").is_some_and(|value| value == "0");
    let dumb = variable("TERM").is_some_and(|value| value == "dumb");
    terminal && !no_color && !off && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_can_be_turned_off() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: [(bool, Variables, bool); 7] = [
            (true, &[], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("CLICOLOR", "0")], false),
            (true, &[("CLICOLOR", "1"), ("TERM", "xterm-256color")], true),
            (true, &[("TERM", "dumb")], false),
        ];
        for (terminal, variables, expected) in cases {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(allowed(terminal, variable), expected, "{terminal} {variables:?}");
        }
    }
}

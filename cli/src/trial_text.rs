//! A tried session for people, 80 columns wide: each step as it comes, and how it ended. Pure: it only makes text.

use std::fmt::Write;
use std::time::Duration;

use common::plan::write_duration;
use common::wire::StepsOf;
use driver::try_one::{Answer, Body, Checked, Event, Extracted, Outcome, Pause, Request, Step, Trial, Why};
use textwrap::{Options, WordSplitter};

use crate::colour::Colour;

/// Columns of the text.
const COLUMNS: usize = 80;

/// What is tried.
pub fn heading(trial: &Trial, seed: u64) -> String {
    format!("session {} of scenario {}, seed {seed}\n", trial.number(), trial.scenario())
}

/// What happened, with a blank line before a step.
pub fn event(event: &Event, colour: bool) -> String {
    let mut out = Page { text: String::new(), colour };
    match event {
        Event::Wait(pause) => out.wrapped("", &waits(pause)),
        Event::Step(step) => out.step(step),
    }
    out.text
}

/// What is done before or after the session.
pub fn steps_heading(run: StepsOf) -> String {
    match run {
        StepsOf::Setup => "setup\n".to_owned(),
        StepsOf::Teardown => "\nteardown\n".to_owned(),
    }
}

/// How that ended; a blank line follows setup.
pub fn steps_end(run: StepsOf, outcome: &Outcome, colour: bool) -> String {
    let words =
        outcome.failed_at.as_ref().map_or_else(|| "completed".to_owned(), |step| format!("failed at {step}"));
    let is = if outcome.completed { Colour::Green } else { Colour::Red };
    let words = if colour { is.paint(&words) } else { words };
    let after = if run == StepsOf::Setup { "\n" } else { "" };
    format!("\n{} {words}\n{after}", run.as_str())
}

/// How it ended.
pub fn end(outcome: &Outcome, colour: bool) -> String {
    let mut out = Page { text: "\n".to_owned(), colour };
    let words = match (&outcome.failed_at, outcome.response_ms) {
        (Some(step), _) => format!("failed at {step}"),
        (None, Some(response)) => format!("completed in {} without thinking", ms(response)),
        (None, None) => "completed".to_owned(),
    };
    let is = if outcome.completed { Colour::Green } else { Colour::Red };
    let words = if colour { is.paint(&words) } else { words };
    let _ = writeln!(out.text, "session {words}");
    out.text
}

/// The end where nothing was sent.
pub fn unsent_end(outcome: &Outcome) -> String {
    let more = if outcome.cut { "\nmore steps follow that are not shown" } else { "" };
    format!("{more}\nnothing was sent; <NAME> is a value that only an answer gives\n")
}

fn ms(ms: f64) -> String {
    format!("{ms:.1} ms")
}

fn time(ms: f64) -> String {
    let whole = Duration::from_millis(ms.round().max(0.0) as u64);
    let text = write_duration(whole);
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    format!("{} {}", &text[..at], &text[at..])
}

fn waits(pause: &Pause) -> String {
    let why = match pause.why {
        Why::Thinks => "thinks",
        Why::At => "waits until the step is due,",
        Why::Poll => "waits until the next look,",
    };
    let cut = match pause.here_ms < pause.ms {
        true => format!(" (cut to {} here)", time(pause.here_ms)),
        false => String::new(),
    };
    format!("\n{why} {}{cut}", time(pause.ms))
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    /// Lines of at most 80 columns, each begun by `indent`.
    fn wrapped(&mut self, indent: &str, text: &str) {
        let further = format!("{indent}  ");
        for line in text.split('\n') {
            if line.is_empty() {
                self.text.push('\n');
                continue;
            }
            let options = Options::new(COLUMNS)
                .initial_indent(indent)
                .subsequent_indent(&further)
                .word_splitter(WordSplitter::NoHyphenation)
                .break_words(true);
            for line in textwrap::wrap(&clean(line), options) {
                // Writing to a text does not fail.
                let _ = writeln!(self.text, "{}", line.trim_end());
            }
        }
    }

    fn step(&mut self, step: &Step) {
        self.text.push('\n');
        let look = step.look.map_or_else(String::new, |look| format!(", look {look}"));
        let follows = if step.follows { ", follows the redirect" } else { "" };
        self.wrapped("", &format!("{}{look}{follows}", step.step));
        if let Some(request) = &step.request {
            self.request(request);
        }
        if let Some(answer) = &step.answer {
            self.answer(answer, step.took_ms);
        } else if step.took_ms > 0.0 {
            self.wrapped("  ", &format!("no answer, after {}", ms(step.took_ms)));
        }
        step.extracts.iter().for_each(|extract| self.extract(extract));
        step.checks.iter().for_each(|check| self.check(check));
        if let Some(fault) = &step.fault {
            self.painted(Colour::Red, "FAILED", "  ", &format!("FAILED: {fault}"));
        }
    }

    /// Lines in which a word is coloured where it first stands.
    fn painted(&mut self, colour: Colour, word: &str, indent: &str, text: &str) {
        let from = self.text.len();
        self.wrapped(indent, text);
        if self.colour {
            let lines = self.text.split_off(from);
            self.text.push_str(&lines.replacen(word, &colour.paint(word), 1));
        }
    }

    fn request(&mut self, request: &Request) {
        self.wrapped("  ", &format!("{} {}", request.method, request.url));
        self.headers("  > ", &request.headers);
        self.body("  > ", &request.body);
    }

    fn answer(&mut self, answer: &Answer, took_ms: f64) {
        self.wrapped("  ", &format!("status {}, in {}", answer.status, ms(took_ms)));
        self.headers("  < ", &answer.headers);
        self.body("  < ", &answer.body);
    }

    fn headers(&mut self, indent: &str, headers: &[(String, String)]) {
        for (name, value) in headers {
            self.wrapped(indent, &format!("{name}: {value}"));
        }
    }

    fn body(&mut self, indent: &str, body: &Body) {
        let bytes = body.bytes;
        match &body.text {
            _ if bytes == 0 => {}
            None => self.wrapped(indent, &format!("({bytes} bytes that are not text)")),
            Some(text) => {
                self.text.push_str(indent.trim_end());
                self.text.push('\n');
                self.wrapped(indent, text.trim_end());
                if body.cut {
                    self.wrapped(indent, &format!("… ({bytes} bytes in all)"));
                }
            }
        }
    }

    fn extract(&mut self, extract: &Extracted) {
        let Extracted { variable, source, value, why } = extract;
        let why = why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        match value {
            Some(value) => {
                self.wrapped("  ", &format!("extract {variable} = {value:?} from {source}{why}"));
            }
            None => {
                let text = format!("extract {variable}: missing, from {source}{why}");
                self.painted(Colour::Red, "missing", "  ", &text);
            }
        }
    }

    fn check(&mut self, check: &Checked) {
        let (colour, word) = match check.passed {
            true => (Colour::Green, "passed"),
            false => (Colour::Red, "failed"),
        };
        let found = check.found.as_ref().map_or_else(String::new, |found| format!("; found: {found}"));
        self.painted(colour, word, "  ", &format!("check {word}: {}{found}", check.check));
    }
}

/// Without control characters, which an answer may hold. Those of our own colours are put in after it.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        Body { bytes: text.len(), text: Some(text.to_owned()), cut: false }
    }

    fn step() -> Step {
        Step {
            step: "buy/order".to_owned(),
            follows: false,
            look: None,
            request: Some(Request {
                method: "POST".to_owned(),
                url: "http://shop.test/orders".to_owned(),
                headers: vec![("authorization".to_owned(), "Bearer ***".to_owned())],
                body: body("a=1"),
            }),
            answer: Some(Answer {
                status: 201,
                headers: vec![("etag".to_owned(), "\u{1b}[1m\"v1\"".to_owned())],
                body: Body { cut: true, bytes: 9_000, ..body(&"x".repeat(100)) },
            }),
            checks: vec![Checked {
                check: "size > 9".to_owned(),
                passed: false,
                found: Some("3 bytes".to_owned()),
            }],
            extracts: vec![Extracted {
                variable: "id".to_owned(),
                source: "json $.id".to_owned(),
                value: None,
                why: Some("the answer has no such value".to_owned()),
            }],
            fault: Some("a check failed (check)".to_owned()),
            took_ms: 1.26,
        }
    }

    #[test]
    fn a_step_is_shown_with_its_answer_and_what_was_found_in_it() {
        let x = "x".repeat(74);
        let expected = format!(
            "
buy/order
  POST http://shop.test/orders
  > authorization: Bearer ***
  >
  > a=1
  status 201, in 1.3 ms
  < etag: ?[1m\"v1\"
  <
  < {x}
  <   xxxxxxxxxxxxxxxxxxxxxxxxxx
  < … (9000 bytes in all)
  extract id: missing, from json $.id (the answer has no such value)
  check failed: size > 9; found: 3 bytes
  FAILED: a check failed (check)
"
        );
        assert_eq!(event(&Event::Step(Box::new(step())), false), expected);
    }

    #[test]
    fn colours_do_not_change_the_text() {
        let coloured = event(&Event::Step(Box::new(step())), true);
        assert!(coloured.contains(&Colour::Red.paint("FAILED")), "{coloured}");
    }

    #[test]
    fn a_wait_that_is_cut_says_so() {
        let of = |why, ms, here_ms| event(&Event::Wait(Pause { why, ms, here_ms }), false);
        assert_eq!(of(Why::Thinks, 3_000.0, 1_000.0), "\nthinks 3 s (cut to 1 s here)\n");
        assert_eq!(of(Why::Poll, 50.0, 50.0), "\nwaits until the next look, 50 ms\n");
    }

    #[test]
    fn the_end_names_the_step_that_failed() {
        let outcome = |completed, failed_at: Option<&str>| Outcome {
            completed,
            failed_at: failed_at.map(str::to_owned),
            response_ms: completed.then_some(4.0),
            cut: false,
        };
        assert_eq!(end(&outcome(true, None), false), "\nsession completed in 4.0 ms without thinking\n");
        assert_eq!(end(&outcome(false, Some("order")), false), "\nsession failed at order\n");
    }
}

//! A real browser, headless, on one page; it is closed at the end of the test. `fixtures/browser.py` drives it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::{python, repository};

pub struct Browser {
    child: Child,
    // The browser closes when this does.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Browser {
    pub fn open(url: &str) -> Self {
        let mut child = Command::new(python())
            .arg(repository().join("e2e/fixtures/browser.py"))
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut browser = Self { stdin: child.stdin.take(), child, stdout };
        let about = browser.answer();
        assert!(about["version"].as_str().unwrap().contains("Chrome"), "{about}");
        browser
    }

    #[track_caller]
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the browser has ended; above stands why");
        serde_json::from_str(&line).unwrap()
    }

    #[track_caller]
    fn send(&mut self, order: &Value) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.answer()
    }

    /// What the page shows now.
    #[track_caller]
    pub fn look(&mut self) -> Value {
        self.send(&json!({ "do": "look" }))
    }

    /// Takes a picture of the whole page in a window of this width; returns how wide the page came out.
    #[track_caller]
    pub fn shoot(&mut self, path: &Path, width: u32) -> u64 {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let height = if width < 600 { 844 } else { 800 };
        let order = json!({ "do": "shoot", "path": path, "width": width, "height": height });
        self.send(&order)["width"].as_u64().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

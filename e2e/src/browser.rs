//! A real browser, headless; it is closed at the end of the test. `dashboard/e2e/browser.mjs` drives it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::process::PATIENCE;
use crate::{repository, wait_for};

/// Sizes of the window: a desktop's and a telephone's.
pub const SIZES: [(u32, u32); 2] = [(1280, 800), (390, 844)];

/// Both colour schemes.
pub const SCHEMES: [&str; 2] = ["light", "dark"];

pub struct Browser {
    child: Child,
    // The browser closes when this does.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Browser {
    /// Opens a page.
    #[track_caller]
    pub fn open(url: &str) -> Self {
        let script = repository().join("dashboard/e2e/browser.mjs");
        assert!(
            repository().join("dashboard/node_modules").exists(),
            "dashboard/node_modules: make dashboard"
        );
        let mut child = Command::new("node")
            .arg(script)
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut browser = Self { stdin: child.stdin.take(), child, stdout };
        let about = browser.answer();
        assert!(about.as_str().unwrap().contains("Chrome"), "{about}");
        browser
    }

    #[track_caller]
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the browser has ended; above stands why");
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{}", answer["error"].as_str().unwrap_or_default());
        answer["ok"].take()
    }

    /// Gives an order of browser.mjs; returns its answer.
    #[track_caller]
    pub fn order(&mut self, order: &Value) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.answer()
    }

    /// Loads another address.
    #[track_caller]
    pub fn go(&mut self, url: &str) {
        self.order(&json!({ "do": "go", "url": url }));
    }

    /// Clicks the one element of this role and name.
    #[track_caller]
    pub fn click(&mut self, role: &str, name: &str) {
        self.order(&json!({ "do": "click", "role": role, "name": name }));
    }

    /// Writes into the one field of this label.
    #[track_caller]
    pub fn fill(&mut self, label: &str, value: &str) {
        self.order(&json!({ "do": "fill", "label": label, "value": value }));
    }

    /// Presses a key.
    #[track_caller]
    pub fn press(&mut self, key: &str) {
        self.order(&json!({ "do": "press", "key": key }));
    }

    /// The text of each element that is shown.
    #[track_caller]
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let texts = self.order(&json!({ "do": "texts", "of": selector }));
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// The value of an expression on the page.
    #[track_caller]
    pub fn run(&mut self, script: &str) -> Value {
        self.order(&json!({ "do": "run", "script": script }))
    }

    /// Waits until an element's text holds this.
    #[track_caller]
    pub fn see(&mut self, selector: &str, text: &str) {
        wait_for(&format!("{text:?} in {selector}"), PATIENCE, || {
            self.texts(selector).iter().any(|shown| shown.contains(text)).then_some(())
        });
    }

    /// Waits until no element's text holds this.
    #[track_caller]
    pub fn see_no(&mut self, selector: &str, text: &str) {
        wait_for(&format!("no {text:?} in {selector}"), PATIENCE, || {
            self.texts(selector).iter().all(|shown| !shown.contains(text)).then_some(())
        });
    }

    /// What a function of dashboard/e2e/one-test.mjs checks of the page of a test holds.
    #[track_caller]
    pub fn assert_holds(&mut self, what: &str, base: &str, id: &str) {
        self.order(&json!({ "do": "hold", "what": what, "args": [base, id] }));
    }

    /// What axe says against the page in both colour schemes is nothing.
    #[track_caller]
    pub fn assert_accessible(&mut self, what: &str) {
        for scheme in SCHEMES {
            self.order(&json!({ "do": "scheme", "scheme": scheme }));
            let violations = self.order(&json!({ "do": "axe" }));
            assert_eq!(violations, json!([]), "{what}, {scheme}: {violations:#}");
        }
        self.order(&json!({ "do": "scheme", "scheme": "light" }));
    }

    /// Takes pictures of the whole page, wide and narrow, light and dark, into build/page/; it is never wider than its
    /// window.
    #[track_caller]
    pub fn shoot(&mut self, name: &str) {
        let folder = repository().join("build/page");
        std::fs::create_dir_all(&folder).unwrap();
        for (width, height) in SIZES {
            for scheme in SCHEMES {
                let path = folder.join(format!("{name}-{width}-{scheme}.png"));
                self.shoot_one(&path, width, height, scheme);
            }
        }
        let (width, height) = SIZES[0];
        self.order(&json!({ "do": "resize", "width": width, "height": height }));
        self.order(&json!({ "do": "scheme", "scheme": "light" }));
    }

    /// One picture of the whole page, which is not wider than its window.
    #[track_caller]
    pub fn shoot_one(&mut self, path: &Path, width: u32, height: u32, scheme: &str) {
        let order = json!({
            "do": "shoot", "path": path, "width": width, "height": height, "scheme": scheme, "whole": true,
        });
        let came_out = self.order(&order).as_u64().unwrap();
        let shown = path.display();
        assert!(came_out <= u64::from(width), "{shown} is {came_out} px wide in a window of {width}");
    }

    /// The console holds no error but those that are expected, and the page asked its own orchestrator alone;
    /// a page from a file asked for nothing.
    #[track_caller]
    pub fn assert_quiet(&mut self, expected: &[&str]) {
        let said = self.order(&json!({ "do": "said" }));
        assert_eq!(said["foreign"], json!([]), "{said:#}");
        let errors = said["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap());
        let unexpected: Vec<&str> =
            errors.filter(|error| !expected.iter().any(|one| error.contains(one))).collect();
        assert!(unexpected.is_empty(), "{unexpected:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

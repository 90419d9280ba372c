//! `plan try` and `plan show --session`: one session of a plan, in the open.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::path::PathBuf;
use std::process::Output;

use e2e::process::command;
use e2e::shop::Shop;
use e2e::system::Target;
use tempfile::TempDir;

const SECRET: &str = "hunter2&more";

/// A target with its shop, and a plan against it.
struct Setting {
    home: TempDir,
    plan: PathBuf,
    shop: Shop,
    _target: e2e::process::Process,
}

fn setting(plan: &str) -> Setting {
    let home = tempfile::tempdir().unwrap();
    let (process, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let path = home.path().join("plan.toml");
    std::fs::write(&path, format!("target.url = \"{}\"\nseed = 7\n{plan}", shop.url())).unwrap();
    Setting { home, plan: path, shop, _target: process }
}

impl Setting {
    fn plan(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["plan"];
        all.extend(arguments);
        let mut command = command(self.home.path(), &all);
        command.arg(&self.plan).env("SHOP_KEY", SECRET).output().unwrap()
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let long = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None, "{text}");
    assert!(!text.contains('\u{1b}'), "no colour without a terminal: {text}");
    text
}

#[track_caller]
fn assert_has(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

const LOG_IN: &str = r#"
[requests.form]
path = "/shop/login"
extract.csrf = { input = "csrf" }

[requests.login]
path = "/shop/login"
form = { user = "guest{{session}}", password = "secret", csrf = "{{csrf}}" }
expect_status = 303

[requests.account]
path = "/shop/account"
expect_status = 200

[scenarios.customer]
cookies = true
connections = "session"
steps = ["form", { think = "2s" }, "login", "account"]

[load]
rate = 1
duration = "10s"
"#;

#[test]
fn a_log_in_shows_its_token_its_redirect_and_masked_cookies() {
    let setting = setting(LOG_IN);
    let output = setting.plan(&["try", "--session", "3"]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    assert_has(
        &shown,
        &[
            "session 3 of scenario customer, seed 7",
            "extract csrf = \"",
            "from input csrf",
            "thinks 2 s (cut to 1 s here)",
            "user=guest3&password=secret&csrf=",
            "status 303, in ",
            "> cookie: ",
            "=***",
            "session completed in ",
        ],
    );
    let json = setting.plan(&["try", "--json", "--scenario", "customer"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["completed"], true, "{document:#}");
    assert_eq!(document["steps"].as_array().unwrap().len(), 4, "{document:#}");
    assert_eq!(document["steps"][2]["step"]["answer"]["status"], 303, "{document:#}");
}

#[test]
fn requests_are_shown_without_sending_them() {
    let setting = setting(LOG_IN);
    setting.shop.log(10);
    let output = setting.plan(&["show", "--session", "3"]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert_has(
        &shown,
        &[
            "GET http",
            "/shop/login",
            "user=guest3&password=secret&csrf=<csrf>",
            "/shop/account",
            "nothing was sent",
        ],
    );
    assert_eq!(setting.shop.requests(), Vec::<String>::new());
}

#[test]
fn a_failed_check_is_named_with_what_was_found() {
    let setting = setting(
        r#"
[requests.product]
path = "/shop/products/7"
check.json."$.id" = "eight"
check.size = ">= 1"

[requests.home]
path = "/shop/"

[scenarios.a]
steps = ["product", "home"]

[load]
rate = 1
duration = "10s"
"#,
    );
    let output = setting.plan(&["try"]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert_has(
        &shown,
        &[
            "check failed: json $.id is \"eight\"; found: ",
            "check passed: size >= 1",
            "FAILED: a check failed (check)",
            "session failed at product",
        ],
    );
    assert!(!shown.contains("\nhome"), "{shown}");
}

#[test]
fn secrets_are_not_shown() {
    let setting = setting(
        r#"
secrets.key = { env = "SHOP_KEY" }

[requests.product]
path = "/shop/products/7"
headers = { x-key = "{{secret.key}}", authorization = "Bearer {{secret.key}}" }
query = { key = "{{secret.key}}" }

[requests.order]
method = "POST"
path = "/shop/upload"
json = { note = "{{secret.key}}", encoded = "{{secret.key | base64}}" }

[scenarios.a]
on_fail = "continue"
steps = ["product", "order"]

[load]
rate = 1
duration = "10s"
"#,
    );
    for arguments in [&["try"][..], &["try", "--json"], &["show", "--session", "0"]] {
        let output = setting.plan(arguments);
        let shown = String::from_utf8_lossy(&output.stdout);
        let all = format!("{shown}{}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains("***"), "{arguments:?}: {all}");
        assert!(!all.contains("hunter2") && !all.contains("aHVudGVyMi"), "{arguments:?}: {all}");
    }
}

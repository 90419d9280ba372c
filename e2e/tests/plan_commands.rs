//! `plan from` from end to end: what it makes of a curl command and of an access log runs against the shop and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;

use e2e::process::{command, output};
use e2e::shop::Shop;
use e2e::system::Target;

/// Runs a plan for a second, leniently about our own machine.
fn passes(home: &Path, plan: &str) {
    let plan = format!(
        "{}\n[honesty]\nmax_lag_p99 = \"5s\"\nmax_late = \"50%\"\n",
        plan.replace("duration = \"10s\"", "duration = \"1s\"")
    );
    std::fs::write(home.join("plan.toml"), &plan).unwrap();
    // The secret that the plans name.
    let ended =
        command(home, &["run", "plan.toml"]).current_dir(home).env("COOKIE", "theme=dark").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{plan}\n{said}");
    assert!(said.contains("PASSED"), "{plan}\n{said}");
}

/// The plan that a command writes, and what it says beside it.
#[track_caller]
fn plan_from(home: &Path, arguments: &[&str]) -> (String, String) {
    let made = output(home, arguments);
    let said = String::from_utf8(made.stderr).unwrap();
    assert_eq!(made.status.code(), Some(0), "{arguments:?}: {said}");
    (String::from_utf8(made.stdout).unwrap(), said)
}

#[test]
fn a_curl_command_becomes_a_plan_that_passes() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let curl = format!(
        "curl -L '{}/shop/token' -H 'content-type: application/json' -b 'theme=dark' \\\n  --data-raw '{{\"user\":\"guest\",\"password\":\"secret\"}}' --compressed",
        shop.url()
    );
    let (plan, said) = plan_from(home.path(), &["plan", "from", "curl", &curl]);
    assert!(said.contains("-L: redirects are not followed"), "{said}");
    assert!(!plan.contains("theme=dark"), "{plan}");
    shop.reset();
    shop.log(100);
    passes(home.path(), &plan);
    let sent = "POST /shop/token {\"user\":\"guest\",\"password\":\"secret\"}";
    let requests = shop.requests();
    assert!(!requests.is_empty() && requests.iter().all(|request| request == sent), "{requests:?}");

    let (plan, _) = plan_from(
        home.path(),
        &["plan", "from", "curl", "--", "curl", "-H", "accept: a b", &format!("{}/shop/", shop.url())],
    );
    assert!(plan.contains("[requests.shop]"), "{plan}");
    passes(home.path(), &plan);
}

#[test]
fn an_access_log_becomes_a_mix_that_passes() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let mut log = String::new();
    for product in 1..=50 {
        for path in ["/shop/", &format!("/shop/products/{product}")] {
            log.push_str(&format!(
                "127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] \"GET {path} HTTP/1.1\" 200 512\n"
            ));
        }
    }
    log.push_str("nothing\n");
    std::fs::write(home.path().join("access.log"), log).unwrap();
    let path = home.path().join("access.log");
    let arguments = ["plan", "from", "urls", path.to_str().unwrap(), "--url", shop.url()];
    let (plan, said) = plan_from(home.path(), &arguments);
    assert!(plan.contains("{{url.path | raw}}"), "{plan}");
    assert!(said.contains("1 line is not taken over: no request in it (line 101)"), "{said}");
    shop.reset();
    shop.log(100);
    passes(home.path(), &plan);
    let paths = shop.paths();
    for begin in ["/shop/products/", "/shop/"] {
        assert!(paths.iter().any(|path| path.starts_with(begin)), "{begin}: {paths:?}");
    }
}

//! The session of `shop` as a plan of ours, with three kinds of load.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::seen::Sessions;

/// The session's requests, in their order.
const REQUESTS: [&str; 5] = ["login", "list", "item", "cart", "done"];

/// How sessions follow each other.
#[derive(Debug, Clone, Copy)]
pub enum Load {
    /// So many users, each of whom begins anew at once.
    Users(u32),
    /// So many users who think before each step, from … to.
    Thinking(u32, Duration, Duration),
    /// So many sessions a second.
    Rate(f64),
}

/// The plan, for a shop at `base` and so long.
pub fn plan(base: &str, load: Load, duration: Duration) -> Value {
    let ms = |span: Duration| format!("{}ms", span.as_millis());
    let mut steps: Vec<Value> = Vec::new();
    for name in REQUESTS {
        if let Load::Thinking(_, least, most) = load {
            steps.push(json!({ "think": format!("{}..{}", ms(least), ms(most)) }));
        }
        steps.push(json!(name));
    }
    let load = match load {
        Load::Users(users) | Load::Thinking(users, ..) => {
            json!({ "mode": "avalanche", "users": users, "duration": ms(duration) })
        }
        Load::Rate(per_s) => json!({ "mode": "tsunami", "rate": per_s, "duration": ms(duration) }),
    };
    let token = json!({ "x-token": "{{token}}" });
    json!({
        "name": "bench", "target": { "url": base }, "load": load,
        "requests": {
            "login": { "path": "/login", "form": { "user": "guest{{session}}", "password": "secret" } },
            "list": { "path": "/list", "query": { "q": "{{int 1 1000}}" }, "extract": { "id": { "json": "$.items[3].id" } } },
            "item": { "path": "/item/{{id}}", "extract": { "token": { "json": "$.token" } } },
            "cart": { "path": "/cart", "headers": token, "json": { "id": "{{id}}", "quantity": 1 } },
            "done": { "path": "/done", "headers": token },
        },
        "scenarios": { "shop": { "cookies": true, "steps": steps } },
    })
}

/// Fails where a run was not what it should have been: with a wrong request, or with more sessions that were left
/// unfinished than can be under way at its end.
///
/// # Errors
/// With the first wrong request, or both numbers.
pub fn check(sessions: Option<&Sessions>, at_once: Option<u32>) -> anyhow::Result<Sessions> {
    let seen = sessions.context("the receiving end was no shop")?;
    ensure!(
        seen.wrong == 0,
        "void: {} wrong requests, the first: {}",
        seen.wrong,
        seen.first_wrong.as_deref().unwrap_or("unknown")
    );
    ensure!(seen.done > 0, "void: of {} sessions none was done", seen.started);
    let left = seen.started.saturating_sub(seen.done);
    if let Some(at_once) = at_once {
        ensure!(left <= u64::from(at_once), "void: {left} of {} sessions were left unfinished", seen.started);
    }
    Ok(seen.clone())
}

/// What `groundswell plan show` says that a driver's sessions need, in MB (10^6 bytes).
///
/// # Errors
/// Where it fails, or does not say it.
pub fn said_mb(groundswell: &Path, plan: &Value, folder: &Path) -> anyhow::Result<f64> {
    let file = folder.join("plan.json");
    std::fs::write(&file, plan.to_string())?;
    let output = Command::new(groundswell).args(["plan", "show"]).arg(&file).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "plan show: {}{text}", String::from_utf8_lossy(&output.stderr));
    said_in(&text).with_context(|| format!("plan show says nothing of a driver's memory: {text}"))
}

/// Of the line `memory  5.1 KiB a session (…), 50.3 MiB a driver for 10000 sessions`, the part of a driver.
fn said_in(text: &str) -> Option<f64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.windows(4).position(|four| four[1..] == ["a", "driver", "for"])?;
    let factor = match words[at] {
        "B" => 1.0,
        "KiB" => 1_024.0,
        "MiB" => 1_048_576.0,
        _ => return None,
    };
    let number: f64 = words.get(at.checked_sub(1)?)?.parse().ok()?;
    Some(number * factor / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_thinks_does_so_before_each_step() {
        let (s, ms) = (Duration::from_secs, Duration::from_millis);
        let plan = plan("http://127.0.0.1:1", Load::Thinking(10, s(1), ms(2_500)), s(60));
        let steps = plan["scenarios"]["shop"]["steps"].as_array().unwrap();
        assert_eq!(
            (steps.len(), &steps[0]["think"], &steps[1]),
            (10, &json!("1000ms..2500ms"), &json!("login"))
        );
        assert_eq!(plan["load"], json!({ "mode": "avalanche", "users": 10, "duration": "60000ms" }));
    }

    #[test]
    fn a_run_with_a_wrong_request_is_void() {
        let mut seen = Sessions { started: 12, done: 10, ..Sessions::default() };
        assert!(check(Some(&seen), Some(2)).is_ok() && check(Some(&seen), None).is_ok());
        let error = check(Some(&seen), Some(1)).unwrap_err().to_string();
        assert!(error.contains("2 of 12 sessions"), "{error}");
        (seen.wrong, seen.first_wrong) = (1, Some("GET /done: late".to_owned()));
        let error = check(Some(&seen), None).unwrap_err().to_string();
        assert!(error.starts_with("void: 1 wrong") && error.contains("GET /done"), "{error}");
        assert!(check(Some(&Sessions::default()), None).is_err());
    }

    #[test]
    fn the_memory_of_a_driver_is_read() {
        let line = "\nmemory    5.0 KiB a session (2 variables, 4.0 KiB of cookies), 48.8 MiB a driver for 10000 sessions\n";
        let mb = said_in(line).unwrap();
        assert!((mb - 51.17).abs() < 0.01, "{mb}");
        assert_eq!(said_in("memory 5 KiB a session"), None);
    }
}

//! A plan in one sentence, from its JSON: what was sent, how fast, for how long.

use serde_json::Value;

use crate::human::{count, counted, rate};

/// As in `tsunami by 2 drivers: 1,000/s each, for 30s, max 1,024 in flight each`. `per_session`: requests that a session
/// sends on average, where the plan has several.
pub fn sentence(plan: &Value, n_drivers: usize, per_session: Option<f64>) -> String {
    let load = &plan["load"];
    let text = |key: &str| load[key].as_str();
    let number = |key: &str| load[key].as_u64().map(count);
    let per = if plan["per"] == "fleet" { "in all" } else { "each" };
    // With several requests a rate is one of sessions.
    let sessions = plan["requests"].is_object();
    let mut parts: Vec<String> = Vec::new();
    let is_search = plan["capacity"].is_object();
    let pace = match (load["rate"].as_f64(), text("delay")) {
        (Some(per_s), _) if sessions => {
            let about = per_session.map(|n| format!(" (about {} requests/s)", per_second(n * per_s)));
            Some(format!("{} sessions/s {per}{}", per_second(per_s), about.unwrap_or_default()))
        }
        (Some(per_s), _) => Some(format!("{} {per}", rate(per_s))),
        (None, Some(delay)) if sessions => Some(format!("a session every {delay} {per}")),
        (None, Some(delay)) => Some(format!("one every {delay} {per}")),
        _ => None,
    };
    if is_search {
        parts.extend(pace.map(|pace| format!("from {pace}")));
        parts.extend(plan["capacity"]["max_rate"].as_f64().map(|most| format!("up to {}", rate(most))));
    } else {
        parts.extend(pace);
    }
    parts.extend(number("connections").map(|n| format!("{n} connections {per}")));
    parts.extend(number("users").map(|n| format!("{n} users {per}")));
    let stages = load["stages"].as_array().map_or(0, Vec::len);
    if stages > 0 {
        parts.push(counted(stages as u64, "stage"));
    }
    parts.extend(text("pacing").map(|pacing| format!("a session every {pacing} of each user")));
    if text("arrival") == Some("poisson") {
        parts.push("at random intervals (poisson)".to_owned());
    }
    parts.extend(number("sessions").map(|n| format!("{n} sessions {per}")));
    let ceiling = load["target_throughput"].as_f64();
    parts.extend(ceiling.map(|per_s| format!("max {} {per}", rate(per_s))));
    parts.extend(number("requests").map(|n| format!("{n} requests {per}")));
    let at_most = if is_search { " at most" } else { "" };
    parts.extend(text("duration").map(|duration| format!("for {duration}{at_most}")));
    parts.extend(
        text("warmup").filter(|warmup| *warmup != "0s").map(|warmup| format!("after {warmup} of warm-up")),
    );
    parts.extend(number("max_sessions").map(|n| format!("max {n} sessions at a time each")));
    parts.extend(number("max_in_flight").map(|n| format!("max {n} in flight each")));
    let mode = if is_search { "search" } else { text("mode").unwrap_or("load") };
    // Before a test starts it has no drivers yet.
    let by =
        if n_drivers == 0 { String::new() } else { format!(" by {}", counted(n_drivers as u64, "driver")) };
    format!("{mode}{by}: {}", parts.join(", "))
}

/// A rate without its unit, as in `570`.
fn per_second(per_s: f64) -> String {
    let rate = rate(per_s);
    rate.strip_suffix("/s").unwrap_or(&rate).to_owned()
}

/// As in `GET http://127.0.0.1:8081/ping`, or `4 requests to http://shop.test`.
pub fn target(plan: &Value) -> String {
    if let Some(requests) = plan["requests"].as_object() {
        let target = plan["target"]["url"].as_str().or_else(|| plan["target"].as_str()).unwrap_or("?");
        return format!("{} to {target}", counted(requests.len() as u64, "request"));
    }
    let method = plan["request"]["method"].as_str().unwrap_or("GET");
    format!("{method} {}", plan["target"]["url"].as_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_one_sentence() {
        let tsunami = json!({ "per": "driver", "load": { "mode": "tsunami", "rate": 1000, "duration": "30s",
            "max_in_flight": 1024, "warmup": "0s" } });
        assert_eq!(
            sentence(&tsunami, 2, None),
            "tsunami by 2 drivers: 1,000/s each, for 30s, max 1,024 in flight each"
        );
        let search = json!({ "per": "fleet", "capacity": { "max_rate": 2000.0 }, "load": { "mode": "tsunami", "rate": 50,
            "duration": "10m", "max_in_flight": 3000, "warmup": "5s" } });
        assert_eq!(
            sentence(&search, 2, None),
            "search by 2 drivers: from 50/s in all, up to 2,000/s, for 10m at most, after 5s of warm-up, max 3,000 in flight each"
        );
        let shop = json!({ "per": "fleet", "requests": { "home": {}, "buy": {} }, "target": { "url": "http://shop.test" },
            "load": { "mode": "tsunami", "rate": 570, "arrival": "poisson", "duration": "30s", "max_sessions": 2048 } });
        assert_eq!(
            sentence(&shop, 2, Some(1.5)),
            "tsunami by 2 drivers: 570 sessions/s in all (about 855 requests/s), at random intervals (poisson), for 30s, max \
             2,048 sessions at a time each"
        );
        assert_eq!(target(&shop), "2 requests to http://shop.test");
        let users = json!({ "requests": {}, "load": { "mode": "avalanche", "users": 300, "pacing": "5s",
            "stages": [{}, {}], "sessions": 9000 } });
        assert_eq!(
            sentence(&users, 1, Some(9.0)),
            "avalanche by 1 driver: 300 users each, 2 stages, a session every 5s of each user, 9,000 sessions each"
        );
        let avalanche = json!({ "per": "fleet", "load": { "mode": "avalanche", "connections": 64,
            "requests": 100_000, "target_throughput": 500.4, "warmup": "5s" } });
        assert_eq!(
            sentence(&avalanche, 1, None),
            "avalanche by 1 driver: 64 connections in all, max 500/s in all, 100,000 requests in all, after \
             5s of warm-up"
        );
    }
}

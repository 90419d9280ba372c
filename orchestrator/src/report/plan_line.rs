//! A plan in one sentence, from its JSON: what was sent, how fast, for how long.

use serde_json::Value;

use crate::human::{count, counted, rate};

/// As in `tsunami by 2 drivers: 1,000/s each, for 30s, max 1,024 in flight each`.
pub fn sentence(plan: &Value, n_drivers: usize) -> String {
    let load = &plan["load"];
    let text = |key: &str| load[key].as_str();
    let number = |key: &str| load[key].as_u64().map(count);
    let per = if plan["per"] == "fleet" { "in all" } else { "each" };
    let mut parts: Vec<String> = Vec::new();
    let pace = match (load["rate"].as_f64(), text("delay")) {
        (Some(per_s), _) => Some(format!("{} {per}", rate(per_s))),
        (None, Some(delay)) => Some(format!("one every {delay} {per}")),
        _ => None,
    };
    parts.extend(pace);
    parts.extend(number("connections").map(|n| format!("{n} connections {per}")));
    let ceiling = load["target_throughput"].as_f64();
    parts.extend(ceiling.map(|per_s| format!("max {} {per}", rate(per_s))));
    parts.extend(number("requests").map(|n| format!("{n} requests {per}")));
    parts.extend(text("duration").map(|duration| format!("for {duration}")));
    parts.extend(
        text("warmup").filter(|warmup| *warmup != "0s").map(|warmup| format!("after {warmup} of warm-up")),
    );
    parts.extend(number("max_in_flight").map(|n| format!("max {n} in flight each")));
    let mode = text("mode").unwrap_or("load");
    // Before a test starts it has no drivers yet.
    let by =
        if n_drivers == 0 { String::new() } else { format!(" by {}", counted(n_drivers as u64, "driver")) };
    format!("{mode}{by}: {}", parts.join(", "))
}

/// As in `GET http://127.0.0.1:8081/ping`.
pub fn target(plan: &Value) -> String {
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
            sentence(&tsunami, 2),
            "tsunami by 2 drivers: 1,000/s each, for 30s, max 1,024 in flight each"
        );
        let avalanche = json!({ "per": "fleet", "load": { "mode": "avalanche", "connections": 64,
            "requests": 100_000, "target_throughput": 500.4, "warmup": "5s" } });
        assert_eq!(
            sentence(&avalanche, 1),
            "avalanche by 1 driver: 64 connections in all, max 500/s in all, 100,000 requests in all, after \
             5s of warm-up"
        );
    }
}

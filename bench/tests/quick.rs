//! The harness from outside: a tiny run with our binary and the floor, without the peers. It asserts that everything
//! was measured, never how fast anything is.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

#[test]
fn a_quick_run_measures_every_scenario_and_writes_tables_and_pictures() {
    let binary = std::env::var_os("GROUNDSWELL_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../build/release/groundswell"),
        PathBuf::from,
    );
    let out = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--quick", "--out"])
        .arg(out.path())
        .arg("--groundswell")
        .arg(binary)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");

    let text = std::fs::read_to_string(out.path().join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&text).unwrap();
    let samples = results["samples"].as_array().unwrap();
    let of = |scenario: &str, tool: &str| {
        let sample = samples.iter().find(|s| s["scenario"] == scenario && s["tool"] == tool);
        sample.unwrap_or_else(|| panic!("no {scenario} of {tool}: {said}"))
    };
    assert!(samples.iter().all(|sample| sample["error"].is_null()), "{said}");
    for tool in ["floor", "groundswell"] {
        assert!(of("closed", tool)["figures"]["cpu_us"].as_f64().unwrap() > 0.0, "{said}");
    }
    let expected = [
        ("closed", "stack_us"),
        ("large", "cpu_us"),
        ("tls", "per_cpu_s"),
        ("open-500", "off_p99_us"),
        ("open-500", "variance_over_mean"),
        ("highest", "closed_per_s"),
        ("memory", "rss_peak_mb"),
        ("sessions-peers", "stack_per_cpu_s"),
        ("sessions-open", "first_p99_us"),
        ("sessions-open", "later_p99_us"),
        ("sessions-open", "first_bound_us"),
        ("users", "growth_over_said"),
        ("users", "lag_p99_us"),
        ("stall", "said_p99_ms"),
        ("little-4", "over_connections"),
        ("verdict-generator", "as_it_should"),
        ("verdict-delay", "as_it_should"),
    ];
    for (scenario, tool) in
        [("mix", "static"), ("mix", "mix"), ("sessions", "static"), ("sessions", "session")]
    {
        assert!(of(scenario, tool)["figures"]["cpu_us"].as_f64().unwrap() > 0.0, "{scenario} {tool}: {said}");
    }
    for (scenario, figure) in expected {
        assert!(of(scenario, "groundswell")["figures"][figure].is_f64(), "{scenario} {figure}: {said}");
    }

    let page = std::fs::read_to_string(out.path().join("RESULTS.md")).unwrap();
    for peer in ["goose", "locust"] {
        assert!(page.contains(&format!("| {peer} | left out: ")), "{page}");
    }
    assert!(page.contains("A quick run"), "{page}");
    let files = page.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    let mut pictures = 0;
    for file in files {
        let picture = std::fs::read_to_string(out.path().join(file)).unwrap();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{file}");
        pictures += 1;
    }
    assert!(pictures >= 7, "{page}");
}

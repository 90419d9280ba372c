//! Calibration: what a driver can do is measured, kept in its folder, and said before a plan above it begins.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;

use e2e::process::output;
use e2e::system::{System, assert_sound, avalanche, tsunami};
use serde_json::{Value, json};

/// Calibrates one worker in a folder; returns what was said as JSON.
#[track_caller]
fn calibrate(home: &Path, folder: &Path) -> Value {
    let folder = folder.to_str().unwrap();
    let arguments = ["calibrate", "--quick", "--workers", "1", "--data-dir", folder, "--json", "-"];
    let output = output(home, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn assert_sane(figures: &Value) {
    let n = |path: &str| {
        let figure = figures.pointer(path).and_then(Value::as_f64);
        figure.unwrap_or_else(|| panic!("{path} is not a number in {figures:#}"))
    };
    assert_eq!((n("/workers"), &figures["engine"]), (1.0, &json!("wire")), "{figures:#}");
    assert!(n("/took_s") < 30.0, "about ten seconds, and the machine may be busy: {figures:#}");
    assert!(n("/machine/cores") >= 1.0 && n("/clock/step_ns") >= 1.0, "{figures:#}");
    assert!(n("/clock/timer_late_p50_ms") <= n("/clock/timer_late_p99_ms"), "{figures:#}");
    let floor = |figure: &str| n(&format!("/noise_floor/response_{figure}_ms"));
    assert!(
        floor("min") > 0.0 && floor("min") <= floor("p50") && floor("p50") <= floor("p99"),
        "{figures:#}"
    );
    assert!(n("/closed_loop/throughput_per_s") > 100.0, "{figures:#}");
    assert_eq!(n("/closed_loop/n_failed"), 0.0, "{figures:#}");
    let steps = figures["open_loop"]["steps"].as_array().unwrap();
    let kept =
        steps.iter().filter(|step| step["kept"] == true).filter_map(|step| step["rate_per_s"].as_f64());
    let highest = kept.fold(None, |highest: Option<f64>, rate| Some(highest.map_or(rate, |h| h.max(rate))));
    assert!(!steps.is_empty(), "{figures:#}");
    assert_eq!(figures["open_loop"]["highest_rate_kept_per_s"].as_f64(), highest, "{figures:#}");
}

#[test]
fn a_plan_above_the_ceiling_is_warned_of_before_it_begins_and_names_the_driver() {
    let mut system = System::start("embedded", 0);
    let folder = system.home.path().join("calibrated");
    let mut figures = calibrate(system.home.path(), &folder);
    assert_sane(&figures);
    let file = folder.join("calibration.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept, figures, "what was said is what is kept");

    // A driver so slow that any machine keeps a rate above its ceiling.
    figures["open_loop"]["highest_rate_kept_per_s"] = 20.into();
    figures["closed_loop"]["throughput_per_s"] = 30.0.into();
    std::fs::write(&file, figures.to_string()).unwrap();
    let id = system.add_driver(&["--data-dir", folder.to_str().unwrap()]);
    system.wait_alive(1);
    let target = system.add_target(&[]);
    let names_the_driver = |test: &Value, figure: &str| {
        let warnings = test["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
        let expected = format!("{id}: ");
        warnings.filter(|warning| warning.starts_with(&expected) && warning.contains(figure)).count() == 1
    };

    let test = system.trigger(&tsunami(&target.url(), 50.0, "1s"));
    let running = system.test(&test);
    assert_eq!(running["verdict"], Value::Null, "{running:#}");
    assert!(names_the_driver(&running, "50/s are above the 20/s"), "{running:#}");
    let report = system.finished(&test, std::time::Duration::from_secs(60));
    assert_sound(&report);
    assert!(names_the_driver(&report, "50/s are above the 20/s"), "the report keeps it: {report:#}");

    let mut capped = avalanche(&target.url(), 2, 10);
    capped["load"]["target_throughput"] = 40.into();
    let report = system.run(&capped);
    assert!(names_the_driver(&report, "target_throughput 40/s is above the 30/s"), "{report:#}");

    let test = system.trigger(&tsunami(&target.url(), 20.0, "1s"));
    assert_eq!(system.test(&test)["warnings"], json!([]), "at its ceiling it is within it");
    system.finished(&test, std::time::Duration::from_secs(60));
}

#[test]
fn a_calibration_is_kept_in_the_folder_that_a_driver_holds() {
    let mut system = System::start("embedded", 0);
    system.add_driver(&[]);
    // The default folder of this home, locked by the driver that runs.
    let folder = system.home.path().join("groundswell/driver");
    let output = output(system.home.path(), &["calibrate", "--quick", "--workers", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(folder.join("calibration.json").exists(), "{said}");
    for label in ["closed loop", "open loop", "noise floor", "clock", "timer"] {
        assert!(said.lines().any(|line| line.starts_with(label)), "{label} in {said}");
    }
    // But for the name of the file, which is as long as it is.
    let widest =
        said.lines().filter(|line| !line.contains("calibration.json")).map(|line| line.chars().count());
    assert!(widest.max() <= Some(80) && said.lines().count() <= 24, "{said}");
}

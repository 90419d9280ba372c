//! `calibrate`: what a driver of this machine can do, shown on one screen and stored where such a driver finds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::settings::data_dir::{self, DataDirError, Places};
use common::settings::{Sources, load};
use driver::DriverSettings;
use driver::calibrate::{self, Calibration, Options};
use orchestrator::human::{ms, percent, rate};

use crate::args::CalibrateArgs;
use crate::exit::Stop;
use crate::report_file;
use crate::say;

/// Measures, shows the figures, and stores them in the data folder of this machine's first driver, or in the one given.
///
/// # Errors
/// Where the settings are wrong, nothing can be measured, or the figures cannot be kept.
pub async fn calibrate(arguments: &CalibrateArgs) -> Result<(), Stop> {
    let settings = settings(arguments)?;
    // Checked before the measurement, which takes a minute.
    let json = arguments.json.as_deref();
    let not_kept = |path: &Path, error| Stop::could_not(format!("--json {}: {error}", path.display()));
    if let Some(path) = json {
        report_file::prepare(path).map_err(|error| not_kept(path, error))?;
    }
    let could_not = |error: DataDirError| Stop::could_not(error.to_string());
    let folder = match &settings.node.data_dir {
        Some(folder) => folder.clone(),
        None => Places::of_process().folder("driver").ok_or_else(|| could_not(DataDirError::Nowhere))?,
    };
    data_dir::make(&folder).map_err(could_not)?;
    let options = Options {
        workers: settings.driver.n_workers(),
        precision: settings.driver.precision,
        quick: arguments.quick,
    };
    let takes = if options.quick { "ten seconds" } else { "a minute" };
    say::aside(format_args!("calibrating with {}, for {takes} at most …", workers(options.workers)));
    let measured = tokio::task::spawn_blocking(move || {
        calibrate::calibrate(options, |what| say::aside(format_args!("  {what}")))
    });
    let measured = measured.await.map_err(|error| Stop::could_not(error.to_string()))?;
    let calibration = measured.map_err(|error| Stop::could_not(error.to_string()))?;
    let kept = calibrate::save(&folder, &calibration).map_err(could_not)?;
    match json {
        Some(path) if report_file::is_stdout(path) => say::text(as_json(&calibration)?),
        Some(path) => {
            say::text(text(&calibration, &kept));
            report_file::write(path, &as_json(&calibration)?).map_err(|error| not_kept(path, error))?;
        }
        None => say::text(text(&calibration, &kept)),
    }
    Ok(())
}

/// As a driver reads them.
fn settings(arguments: &CalibrateArgs) -> Result<DriverSettings, Stop> {
    let path = |path: &PathBuf| path.display().to_string();
    let flags = [
        ("driver.workers", arguments.workers.clone()),
        ("driver.precision", arguments.precision.clone()),
        ("node.data_dir", arguments.data_dir.as_ref().map(path)),
    ];
    let flags: BTreeMap<_, _> =
        flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    load(&Sources::new(arguments.config.clone(), flags)).map_err(|error| Stop::usage(error.to_string()))
}

fn as_json(calibration: &Calibration) -> Result<String, Stop> {
    let json =
        serde_json::to_string_pretty(calibration).map_err(|error| Stop::could_not(error.to_string()))?;
    Ok(json + "\n")
}

fn workers(n: u32) -> String {
    if n == 1 { "1 worker".to_owned() } else { format!("{n} workers") }
}

/// The figures for people: 80 columns, but for the name of the file.
fn text(calibration: &Calibration, kept: &Path) -> String {
    let Calibration { machine, clock, noise_floor, closed_loop, open_loop, .. } = calibration;
    let or_none = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), ms);
    let bound = |lower: bool| if lower { ", at least: the sink was the limit" } else { "" };
    let cpu: String = machine.cpu.chars().take(50).collect();
    let highest = match open_loop.highest_rate_kept_per_s {
        Some(highest) => rate(highest),
        None => "no rate was kept".to_owned(),
    };
    let mut out = format!(
        "{}, precision {} (kept by: {}){}\n",
        workers(calibration.workers),
        calibration.precision,
        calibration.precision_kept.replace('_', " "),
        if calibration.quick { ", quick and coarse" } else { "" },
    );
    let mut line = |label: &str, figure: String| {
        out.push_str(format!("{label:<14}{figure}").trim_end());
        out.push('\n');
    };
    line("machine", format!("{}, {} cores, {cpu}", machine.host, machine.cores));
    let stolen = match calibration.steal {
        Some(steal) if steal > 0.0 => format!(", {} stolen by its host", percent(steal)),
        _ => String::new(),
    };
    line("", format!("Linux {}, clock {}{stolen}", machine.kernel, machine.clock_source));
    line("", String::new());
    line(
        "closed loop",
        format!("{}{}", rate(closed_loop.throughput_per_s), bound(closed_loop.sink_was_limit)),
    );
    line(
        "",
        format!(
            "the most, with {} connections; response p50 {}, p99 {}",
            closed_loop.connections,
            or_none(closed_loop.response_p50_ms),
            or_none(closed_loop.response_p99_ms),
        ),
    );
    line("open loop", format!("{highest}{}", bound(open_loop.sink_was_limit)));
    line(
        "",
        format!(
            "the highest rate kept with lag p99 <= {}, of {} tried",
            ms(open_loop.max_lag_p99_ms),
            open_loop.steps.len(),
        ),
    );
    line(
        "noise floor",
        format!(
            "min {}, p50 {}, p99 {}",
            or_none(noise_floor.response_min_ms),
            or_none(noise_floor.response_p50_ms),
            or_none(noise_floor.response_p99_ms),
        ),
    );
    line("", format!("response at {}, of a target that costs next to nothing", rate(noise_floor.rate_per_s)));
    line("clock", format!("smallest step {} ns", clock.step_ns));
    line(
        "timer",
        format!(
            "a sleep of 1 ms ends {} late (p50), {} (p99)",
            ms(clock.timer_late_p50_ms),
            ms(clock.timer_late_p99_ms)
        ),
    );
    let busy = percent(closed_loop.sink_busy);
    if !calibration.was_quiet() {
        out.push_str(&format!(
            "\nEven at {} lag p99 was {}: others use this machine, and the\n\
             open loop says more of them than of the driver. Calibrate where it is quiet.\n",
            rate(noise_floor.rate_per_s),
            or_none(noise_floor.lag_p99_ms),
        ));
    }
    out.push_str(&format!(
        "\nThe sink is one thread of this process and takes part in all of this: in the\n\
         closed loop it was busy for {busy} of the time, on the same cores.\n\n\
         A driver that has {} and precision {} here takes these figures at its\n\
         next start, and warns of plans above them. Kept in\n{}\n",
        workers(calibration.workers),
        calibration.precision,
        kept.display(),
    ));
    out
}

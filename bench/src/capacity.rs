//! `bench capacity`: searches against a target whose capacity is known, one after another. The target holds so many
//! requests at a time for so long; what it really holds, timers included, is measured before by a closed loop that keeps
//! all its places taken.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

/// How long a target has until it answers.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// How far from the capacity an answer may be.
const WITHIN: f64 = 0.05;

/// `bench capacity`
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// Our binary [default: $GROUNDSWELL_BIN, or build/release/groundswell]
    #[arg(long, value_name = "FILE")]
    groundswell: Option<PathBuf>,
    /// How many searches
    #[arg(long, value_name = "N", default_value_t = 20)]
    searches: u32,
    /// Requests that the target holds at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    concurrent: u32,
    /// How long it holds each, ms
    #[arg(long, value_name = "MS", default_value_t = 10)]
    delay_ms: u32,
    /// The objective
    #[arg(long, value_name = "EXPRESSION", default_value = "response.p99 < 100ms")]
    slo: String,
    /// Over how long it is to hold
    #[arg(long, value_name = "TIME", default_value = "30s")]
    horizon: String,
}

/// A process that is killed when we end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Searches, and says how far each answer is from what the target holds.
///
/// # Errors
/// Where a process cannot be run, or more than one search in twenty is further off than 5 %.
pub fn run(arguments: &CapacityArgs) -> anyhow::Result<()> {
    let from_environment = || std::env::var_os("GROUNDSWELL_BIN").map(PathBuf::from);
    let binary = arguments.groundswell.clone().or_else(from_environment);
    let binary = binary.unwrap_or_else(|| "build/release/groundswell".into());
    let home = tempfile::tempdir()?;
    let mut right = 0;
    for search in 1..=arguments.searches {
        let (target, url) = target(&binary, arguments)?;
        let ceiling = ceiling(&binary, home.path(), &url)?;
        let began = Instant::now();
        let flags = [
            "capacity",
            &url,
            "--slo",
            &arguments.slo,
            "--horizon",
            &arguments.horizon,
            "--quiet",
            "--json",
            "-",
        ];
        let found = json_of(&binary, home.path(), &flags)?;
        drop(target);
        let capacity = found["capacity_per_s"].as_f64().unwrap_or(f64::NAN);
        let off = capacity / ceiling - 1.0;
        right += u32::from(off.abs() <= WITHIN);
        println!(
            "search {search}: {capacity:.1}/s ({} to {}), the target holds {ceiling:.1}/s: {:+.1} %, {:.0} s, {} levels, limit {}",
            found["low_per_s"],
            found["high_per_s"],
            off * 100.0,
            began.elapsed().as_secs_f64(),
            found["levels"].as_array().map_or(0, Vec::len),
            found["limit"]
        );
    }
    println!("{right} of {} within {:.0} %", arguments.searches, WITHIN * 100.0);
    let needed = arguments.searches - arguments.searches / 20;
    ensure!(
        right >= needed,
        "{right} of {} searches are within 5 %, and {needed} have to be",
        arguments.searches
    );
    Ok(())
}

/// A target of its own for each search: none begins where another has left it.
fn target(binary: &Path, arguments: &CapacityArgs) -> anyhow::Result<(Running, String)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = Command::new(binary)
        .args(["target", "--listen", &address.to_string()])
        .args(["--max-concurrent", &arguments.concurrent.to_string()])
        .args(["--delay", &format!("{}ms", arguments.delay_ms)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} target", binary.display()))?;
    let target = Running(child);
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(began.elapsed() < STARTS_WITHIN, "the target on {address} does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((target, format!("http://{address}/ping")))
}

/// What the target holds: its throughput with more requests at a time than it has places.
fn ceiling(binary: &Path, home: &Path, url: &str) -> anyhow::Result<f64> {
    let found = json_of(
        binary,
        home,
        &["run", url, "-c", "32", "-z", "10s", "--warmup", "2s", "--quiet", "--json", "-"],
    )?;
    found["totals"]["throughput_per_s"].as_f64().context("the report has no throughput")
}

fn json_of(binary: &Path, home: &Path, flags: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(binary)
        .args(flags)
        .env("XDG_STATE_HOME", home)
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("{} {}", binary.display(), flags.join(" ")))?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("{} {}: {}", binary.display(), flags.join(" "), String::from_utf8_lossy(&output.stderr))
    })
}

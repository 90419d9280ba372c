//! `bench run`: who takes part, all scenarios, and what is written at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::bars::bars;
use crate::generator::Tool;
use crate::job::Place;
use crate::machine::Machine;
use crate::markdown;
use crate::ours::Variant;
use crate::peers::{LEFT_OUT, Peer};
use crate::processes::has_real_time;
use crate::results::{Results, Sample, Samples, kept};
use crate::scenarios::{Bench, Scenario};
use crate::session_peers::SessionPeer;
use crate::sizes::Sizes;
use crate::svg::{Chart, Row, Whose, draw};
use crate::views::view;

/// A load average of the last minute above this means that other work ran on the machine. Our own build, which has just
/// ended, stays below.
const BUSY: f64 = 1.5;

/// File with all figures, for further calculations.
const RESULTS: &str = "results.json";

/// `bench run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Our binary [default: $GROUNDSWELL_BIN, or build/release/groundswell]
    #[arg(long, value_name = "FILE")]
    groundswell: Option<PathBuf>,
    /// Where results.json, RESULTS.md and the pictures go
    #[arg(long, value_name = "DIR", default_value = "bench")]
    out: PathBuf,
    /// Tiny, and without the peers: shows that the harness works, and measures nothing
    #[arg(long)]
    quick: bool,
    /// Keeps what DIR/results.json holds of other scenarios and tools than those that run now
    #[arg(long)]
    keep: bool,
    /// Only these scenarios
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Leaves out these peers
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    without: Vec<String>,
    /// A row of ours, NAME=FLAGS of `groundswell driver`; repeatable, the first stands for us where one is enough
    #[arg(long = "ours", value_name = "NAME=FLAGS")]
    ours: Vec<Variant>,
    /// The engine that our plans ask for
    #[arg(long, value_name = "auto|wire|awc")]
    engine: Option<String>,
    /// Rounds of each scenario, but for `mix` and `sessions`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Pairs of turns, of 2 s each, of `mix` and `sessions`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: Option<u32>,
    /// Length of each closed loop, but for `mix` and `sessions`
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    closed_for: Option<Duration>,
    /// Length of each open loop
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    open_for: Option<Duration>,
    /// Length of the memory run
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    memory_for: Option<Duration>,
    /// Core of the receiving end and the orchestrator
    #[arg(long, value_name = "N", default_value_t = 0)]
    server_core: usize,
    /// Core of the load generator
    #[arg(long, value_name = "N", default_value_t = 1)]
    generator_core: usize,
    /// A word to set above the results, as in 'provisional: the machine is shared'
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Runs it.
///
/// # Errors
/// Where it cannot begin or write. A tool that fails is a failed sample, not an error.
pub fn run(arguments: &RunArgs) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    // Before we confine ourselves to one of its cores.
    let machine = Machine::look();
    let place = place(arguments, scratch.path())?;
    let (began, started) = (jiff::Timestamp::now(), Instant::now());
    let mut left_out: BTreeMap<_, _> = text_map(LEFT_OUT);
    let mut versions = BTreeMap::from([("groundswell".to_owned(), version_of(&place.groundswell)?)]);
    let tools = tools(arguments, &mut versions, &mut left_out);
    let peers = SessionPeer::ALL.map(|peer| (peer.name(), peer.version(), peer));
    let session_peers = taking_part(arguments, peers, &mut versions, &mut left_out);
    let mut samples: Vec<Sample> = Vec::new();
    let results_file = arguments.out.join(RESULTS);
    let mut record = |sample: Sample| {
        log_sample(&sample);
        samples.push(sample);
    };
    let mut bench = Bench {
        place: &place,
        sizes: sizes(arguments),
        tools: tools.clone(),
        session_peers,
        record: &mut record,
    };
    let scenarios = if arguments.only.is_empty() { &Scenario::ALL[..] } else { &arguments.only[..] };
    scenarios.iter().for_each(|scenario| bench.run(*scenario));

    let mut earlier = None;
    if arguments.keep {
        let again = samples.iter().map(|sample| (sample.scenario.clone(), sample.tool.clone())).collect();
        let mut kept = kept(&results_file, &again)?;
        kept.samples.append(&mut samples);
        (samples, earlier) = (kept.samples, Some(kept.word));
        // Of what runs now, the version of now.
        kept.versions.append(&mut versions);
        versions = kept.versions;
        left_out.retain(|tool, _| !versions.contains_key(tool));
    }
    let ours: Vec<String> = tools.iter().filter(|tool| tool.is_ours()).map(Tool::name).collect();
    let mut all_bars = Vec::new();
    for row in &ours {
        let mut bars = bars(Samples(&samples), row);
        if ours.len() > 1 {
            bars.retain(|bar| bar.came.is_some());
            bars.iter_mut().for_each(|bar| bar.asked = format!("{row}: {}", bar.asked));
        }
        all_bars.extend(bars);
    }
    let results = Results {
        note: note(arguments, machine.load_before, earlier),
        machine,
        versions,
        left_out,
        began: began.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        took_s: started.elapsed().as_secs_f64(),
        bars: all_bars,
        samples,
    };
    write(&arguments.out, &results)?;
    println!("{}", markdown::terminal(Samples(&results.samples)));
    println!("{}", arguments.out.join("RESULTS.md").display());
    Ok(())
}

fn note(arguments: &RunArgs, load_before: f64, earlier: Option<String>) -> Option<String> {
    let quick =
        arguments.quick.then_some("A quick run: it shows that the harness works, and measures nothing.");
    let busy = (load_before > BUSY).then_some("Provisional: the machine was busy with something else.");
    let late = (!has_real_time())
        .then_some("The receiving end had no real-time priority: it noted arrivals when the kernel let it.");
    let notes = [arguments.note.as_deref(), quick, busy, late, earlier.as_deref()]
        .map(|note| note.map(str::to_owned));
    notes.into_iter().flatten().reduce(|all, note| format!("{all} {note}"))
}

fn place(arguments: &RunArgs, scratch: &Path) -> anyhow::Result<Place> {
    let usable = sched_getaffinity(None)?;
    let (server, generator) = (arguments.server_core, arguments.generator_core);
    for core in [server, generator] {
        ensure!(
            core < CpuSet::MAX_CPU && usable.is_set(core),
            "core {core} is not ours to use: two cores are needed"
        );
    }
    // The harness itself is to be no load on the generator's core.
    let mut own = CpuSet::new();
    own.set(server);
    sched_setaffinity(None, &own)?;
    let default = || std::env::var_os("GROUNDSWELL_BIN").map(PathBuf::from);
    let groundswell = arguments.groundswell.clone().or_else(default);
    let groundswell = groundswell.unwrap_or_else(|| PathBuf::from("build/release/groundswell"));
    let groundswell = groundswell
        .canonicalize()
        .with_context(|| format!("{} is not there: make build", groundswell.display()))?;
    Ok(Place {
        server_core: server,
        generator_core: generator,
        groundswell,
        engine: arguments.engine.clone(),
        scratch: scratch.to_owned(),
    })
}

fn sizes(arguments: &RunArgs) -> Sizes {
    let mut sizes = if arguments.quick { Sizes::quick() } else { Sizes::full() };
    if let Some(rounds) = arguments.rounds {
        (sizes.rounds, sizes.long_rounds) = (rounds, rounds);
    }
    sizes.pairs.0 = arguments.pairs.unwrap_or(sizes.pairs.0);
    sizes.closed_for = arguments.closed_for.unwrap_or(sizes.closed_for);
    sizes.open_for = arguments.open_for.unwrap_or(sizes.open_for);
    sizes.memory.1 = arguments.memory_for.unwrap_or(sizes.memory.1);
    sizes
}

fn tools(
    arguments: &RunArgs,
    versions: &mut BTreeMap<String, String>,
    left_out: &mut BTreeMap<String, String>,
) -> Vec<Tool> {
    let mut tools = vec![Tool::Floor];
    let plain = Variant { name: String::new(), flags: Vec::new() };
    let variants = if arguments.ours.is_empty() { vec![plain] } else { arguments.ours.clone() };
    tools.extend(variants.into_iter().map(Tool::Ours));
    let peers = Peer::ALL.map(|peer| (peer.name(), peer.version(), peer));
    tools.extend(taking_part(arguments, peers, versions, left_out).into_iter().map(Tool::Peer));
    tools
}

/// Those of the peers that are installed and not left out; of the others, why they do not take part.
fn taking_part<P, const N: usize>(
    arguments: &RunArgs,
    peers: [(&str, Option<String>, P); N],
    versions: &mut BTreeMap<String, String>,
    left_out: &mut BTreeMap<String, String>,
) -> Vec<P> {
    let mut those = Vec::new();
    for (name, version, peer) in peers {
        let name = name.to_owned();
        if arguments.quick || arguments.without.contains(&name) {
            left_out.insert(name, "left out by --quick or --without".to_owned());
        } else if let Some(version) = version {
            versions.insert(name, version);
            those.push(peer);
        } else {
            left_out.insert(name, "it is not installed: scripts/bench-peers".to_owned());
        }
    }
    those
}

fn text_map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn version_of(groundswell: &Path) -> anyhow::Result<String> {
    let output = Command::new(groundswell).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// One line on stderr for each sample: a full run takes the better part of an hour.
fn log_sample(sample: &Sample) {
    let figures =
        sample.figures.iter().map(|(name, value)| format!("{name}={}", crate::figures::readable(*value)));
    let said = sample.error.clone().unwrap_or_else(|| figures.collect::<Vec<_>>().join(" "));
    eprintln!("{} round {} {}: {said}", sample.scenario, sample.round, sample.tool);
}

fn write(out: &Path, results: &Results) -> anyhow::Result<()> {
    let samples = Samples(&results.samples);
    std::fs::create_dir_all(out)?;
    let mut pictures = Vec::new();
    for scenario in samples.scenarios() {
        let shown = view(scenario);
        for picture in shown.pictures {
            let rows: Vec<Row> = samples
                .tools(scenario)
                .into_iter()
                .filter_map(|tool| {
                    let spread = samples.spread(scenario, tool, picture.figure)?;
                    Some(Row { label: tool.to_owned(), spread, whose: whose(tool) })
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            let file = format!("{scenario}-{}.svg", picture.figure.replace('_', "-"));
            let chart = Chart {
                title: format!("{}: {}", shown.title, picture.title),
                hint: picture.hint.to_owned(),
                logarithmic: picture.logarithmic,
                line: picture.line.map(|(at, name)| (at, name.to_owned())),
                rows,
            };
            std::fs::write(out.join(&file), draw(&chart))?;
            pictures.push((scenario.to_owned(), file, picture.title.to_owned()));
        }
    }
    std::fs::write(out.join(RESULTS), serde_json::to_string_pretty(results)? + "\n")?;
    std::fs::write(out.join("RESULTS.md"), markdown::results(results, &pictures))?;
    Ok(())
}

fn whose(tool: &str) -> Whose {
    match tool {
        "floor" => Whose::Floor,
        ours if ours.starts_with("groundswell") => Whose::Ours,
        _ => Whose::Theirs,
    }
}

//! `run` killed at random instants of its life by random signals, again and again in one home: each is followed by a
//! run that passes, and leaves no process behind. FAULTS_RUNS sets how many (10 by default), FAULTS_SEED which.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::faults::{Chance, runs};
use e2e::proc::with_variable;
use e2e::process::{Process, command};
use e2e::system::Target;
use e2e::wait_for;
use rustix::process::Signal;

/// Runs that are killed where FAULTS_RUNS does not say.
const RUNS: u64 = 10;

/// How long a killed run's own end may take: a stop waits for the drivers' last windows.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How long its children may take to end after it: 2 s by their own clock, more on a loaded machine.
const CHILDREN_WITHIN: Duration = Duration::from_secs(20);

/// A run that follows: a closed loop, whose verdict does not depend on how loaded this machine is.
const FOLLOWER: [&str; 8] =
    ["--mode", "avalanche", "--connections", "1", "--requests", "20", "--drivers", "1"];

/// What happens to one run.
#[derive(Debug)]
struct Fault {
    /// From its start to the first signal.
    after: Duration,
    /// The signals, and how long to wait before the next one.
    signals: Vec<(Signal, Duration)>,
    drivers: u64,
}

impl Fault {
    fn random(random: &mut Chance, life: Duration) -> Self {
        let kinds = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::KILL, Signal::TSTP];
        let first = random.one_of(&kinds);
        let mut signals = vec![(first, random.between(Duration::ZERO, Duration::from_millis(300)))];
        if first == Signal::TSTP {
            // Stopped, then killed: its children are stopped as well, and must end all the same.
            signals.push((Signal::KILL, Duration::ZERO));
        }
        while signals.len() < 3 && first != Signal::KILL && random.below(2) == 0 {
            let next = random.one_of(&kinds[..5]);
            signals.push((next, random.between(Duration::ZERO, Duration::from_millis(60))));
        }
        Self { after: random.between(Duration::ZERO, life), signals, drivers: 1 + random.below(2) }
    }
}

/// What is measured per first signal.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    runs: u64,
    passes: u64,
    slowest_pass: Duration,
    longest_left: Duration,
}

type Table = BTreeMap<String, Row>;

/// One series of killed runs in a home, each followed by a run that passes.
struct Series<'a> {
    name: &'a str,
    home: &'a Path,
    url: &'a str,
    life: Duration,
    random: Chance,
}

impl Series<'_> {
    fn start_victim(&self, drivers: u64, mark: &str) -> Process {
        let drivers = drivers.to_string();
        let load = ["--rate", "50", "--duration", "2s", "--drivers", &drivers];
        let mut victim = command(self.home, &[&["run", "--quiet", "--url", self.url][..], &load].concat());
        victim.env("FAULTS_MARK", mark);
        Process::start(mark, victim)
    }

    /// Runs it to its end by the fault; returns what is left to wait for.
    fn kill_one(&mut self, n: u64) -> (String, String, Instant) {
        let fault = Fault::random(&mut self.random, self.life);
        let mark = format!("{}-{n}", self.name);
        let mut victim = self.start_victim(fault.drivers, &mark);
        std::thread::sleep(fault.after);
        for (signal, pause) in &fault.signals {
            if victim.ended().is_none() {
                victim.signal(*signal);
            }
            std::thread::sleep(*pause);
        }
        let ended = victim.wait_end(END_WITHIN);
        let by_signal = ended
            .signal()
            .is_some_and(|signal| fault.signals.iter().any(|(sent, _)| sent.as_raw() == signal));
        // 0 and 5 (a busy machine): it was over before the signal came.
        let by_itself = matches!(ended.code(), Some(0 | 5 | 6));
        assert!(by_signal || by_itself, "{mark}: {ended} after {fault:?}: {:#?}", victim.logged());
        (signal_name(fault.signals[0].0), mark, Instant::now())
    }

    fn run(&mut self, n: u64) -> Table {
        let mut table = Table::new();
        for n in 0..n {
            let (first, mark, ended) = self.kill_one(n);
            // Now and then several in a row, before any passes.
            if self.random.below(4) == 0 {
                self.kill_one(n + 1_000_000);
            }
            let began = Instant::now();
            let arguments = [&["run", "--quiet", "--url", self.url][..], &FOLLOWER].concat();
            let output = command(self.home, &arguments).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "the run after {mark} ({first}): {stderr}");
            let row = table.entry(first).or_default();
            row.runs += 1;
            row.passes += 1;
            row.slowest_pass = row.slowest_pass.max(began.elapsed());
            let what = format!("the children of {mark} to be gone");
            let marked = format!("FAULTS_MARK={mark}");
            if !with_variable(&marked).is_empty() {
                wait_for(&what, CHILDREN_WITHIN, || with_variable(&marked).is_empty().then_some(()));
                row.longest_left = row.longest_left.max(ended.elapsed());
            }
        }
        table
    }
}

fn signal_name(signal: Signal) -> String {
    format!("{signal:?}").trim_matches('"').trim_start_matches("Signal::").to_owned()
}

fn print(title: &str, tables: &[Table]) {
    eprintln!("{title}\nfirst signal    runs  then passed  slowest pass  children left at most");
    let mut sum = Table::new();
    for (signal, row) in tables.iter().flatten() {
        for key in [signal.as_str(), "~ all"] {
            let all = sum.entry(key.to_owned()).or_default();
            all.runs += row.runs;
            all.passes += row.passes;
            all.slowest_pass = all.slowest_pass.max(row.slowest_pass);
            all.longest_left = all.longest_left.max(row.longest_left);
        }
    }
    for (signal, row) in sum {
        eprintln!(
            "{:<14} {:>5} {:>12} {:>11.1} s {:>19.1} s",
            signal.trim_start_matches("~ "),
            row.runs,
            row.passes,
            row.slowest_pass.as_secs_f64(),
            row.longest_left.as_secs_f64()
        );
    }
}

/// So many series at once in one home, each of so many runs.
fn series(names: &[&str], runs: u64) -> Vec<Table> {
    let mut random = Chance::from_environment();
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let url = target.url();
    let home = tempfile::tempdir().unwrap();
    // A whole life, from which the instants are drawn.
    let began = Instant::now();
    let measured =
        Series { name: "whole", home: home.path(), url: &url, life: Duration::ZERO, random: random.branch() };
    measured.start_victim(2, "whole").wait_end(END_WITHIN);
    let life = began.elapsed();
    eprintln!("a whole life takes {:.1} s", life.as_secs_f64());
    let each =
        names.iter().map(|name| Series { name, home: home.path(), url: &url, life, random: random.branch() });
    let each: Vec<_> = each.collect();
    std::thread::scope(|scope| {
        let running: Vec<_> =
            each.into_iter().map(|mut series| scope.spawn(move || series.run(runs))).collect();
        running.into_iter().map(|series| series.join().expect("the series holds")).collect()
    })
}

#[test]
fn a_run_killed_at_any_instant_is_followed_by_one_that_passes() {
    let runs = runs(RUNS);
    print("run, killed", &series(&["alone"], runs));
}

#[test]
fn two_series_on_one_home_do_not_disturb_each_other() {
    let runs = runs(RUNS);
    print("run, killed, two series side by side on one home", &series(&["left", "right"], runs.div_ceil(2)));
}

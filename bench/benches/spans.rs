//! What a page costs the orchestrator: a store with an hour of 8 drivers and 20 requests, written as the orchestrator writes it,
//! then the answers that a page asks for, and the frames of its event stream. The numbers that were measured are in
//! docs/open.md.
//!
//! `cargo bench -p bench --bench spans -- write FOLDER 3600` writes a store of so many seconds (some minutes, 1 GB), and
//! `… -- read FOLDER 3600` measures it.
#![allow(missing_docs, clippy::print_stdout)] // a benchmark

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::kafka::{Offsets, Position};
use common::latency::{Latencies, LatencyKind};
use common::plan::{PlanFormat, Share};
use common::session_figures::AllSessions;
use common::wire::{ClassicMetrics, MachineLoad, Metrics, Outbound, RawMetrics, Topic, Unit, Window};
use orchestrator::model::TestState;
use orchestrator::participant::Participant;
use orchestrator::store::{Batch, Store, StoredMetrics, StoredTest, WindowsAsked};
use orchestrator::tally::{Step, Tally};
use rustix::time::{ClockId, clock_gettime};

const DRIVERS: u32 = 8;
const NAMES: u64 = 20;
/// Requests a second of each driver.
const RATE: u64 = 400;
/// How many different seconds a driver has: encoding them is most of the work.
const DIFFERENT: u64 = 60;
const START_US: i64 = 1_795_456_638_000_000;
const PLAN: &str =
    "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 400\nduration = '1h'\n";

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A latency around so many µs: a body over two octaves, and one in a hundred far above.
    fn latency_us(&mut self, around: f64) -> u64 {
        let spread = (self.next() + self.next() + self.next() - 1.5) * 1.2;
        let tail = if self.next() < 0.01 { 1.0 + 30.0 * self.next() } else { 1.0 };
        (around * spread.exp() * tail) as u64
    }
}

fn names() -> Vec<RequestName> {
    (0..NAMES).filter_map(|n| RequestName::new(&format!("request_{n}")).ok()).collect()
}

/// The figures of one second of one driver, not cumulative.
fn second(dice: &mut Dice, names: &[RequestName]) -> ByRequest<Figures> {
    let mut figures = ByRequest::<Figures>::default();
    for (n, name) in names.iter().enumerate() {
        let mut of = Figures::default();
        for _ in 0..RATE / NAMES {
            let us = dice.latency_us(3_000.0 * (1.0 + n as f64));
            let completed = dice.next() > 0.005;
            of.latencies.ended(us, us + 60, completed);
            of.counters.scheduled += 1;
            of.counters.sent += 1;
            *if completed { &mut of.counters.completed } else { &mut of.counters.failed } += 1;
            *of.counters.status_codes.entry(if completed { 200 } else { 503 }).or_default() += 1;
        }
        of.counters.completed_in_schedule = of.counters.completed;
        figures.all += &of;
        figures.named.insert(name.clone(), of);
    }
    let all: &mut Latencies = &mut figures.all.latencies;
    for _ in 0..RATE {
        all.of_mut(LatencyKind::Lag).record_us(dice.latency_us(60.0));
        all.of_mut(LatencyKind::Turn).record_us(dice.latency_us(12.0));
        all.of_mut(LatencyKind::FirstByte).record_us(dice.latency_us(20_000.0));
    }
    figures
}

fn driver(index: u32) -> anyhow::Result<NodeId> {
    Ok(NodeId::new(&format!("driver-{index}"))?)
}

fn test_id() -> anyhow::Result<TestId> {
    Ok(TestId::new("an-hour")?)
}

/// One driver's windows, cumulative as on the wire.
struct Sender {
    node_id: NodeId,
    seconds: Vec<ByRequest<Figures>>,
    counters: ByRequest<Counters>,
}

impl Sender {
    fn window(&mut self, seq: u64) -> anyhow::Result<(Metrics, RawMetrics)> {
        let mut figures = self.seconds[(seq % DIFFERENT) as usize].clone();
        self.counters += &figures.counters();
        figures.set_counters(&self.counters);
        let from_us = START_US + seq as i64 * 1_000_000;
        let window = Window {
            epoch: Epoch(1),
            seq,
            from_us,
            to_us: from_us + 1_000_000,
            figures,
            sessions: AllSessions::default(),
            users: None,
            busy: 0.3,
            machine: MachineLoad { cpu: Some(0.2), steal: Some(0.0), wait: Some(0.01), stopped: Vec::new() },
            is_final: false,
            ending: None,
        };
        let metrics = Metrics {
            node_id: self.node_id.clone(),
            test_id: Some(test_id()?),
            report_id: None,
            classic: ClassicMetrics::default(),
            ours: Some(Box::new(window)),
        };
        let written = Outbound::Metrics(Box::new(metrics)).write()?;
        let raw =
            RawMetrics { payload: written.payload.into_bytes().into(), latency_unit: Unit::Milliseconds };
        // As it arrives.
        Ok((raw.read().map_err(|rejected| anyhow::anyhow!(rejected.detail))?, raw))
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn write(folder: &Path, seconds: u64) -> anyhow::Result<()> {
    let plan = common::plan::read(PLAN, PlanFormat::Toml).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let share = |index| Share {
        index,
        of: DRIVERS,
        rate_per_s: Some(RATE as f64),
        target_throughput: None,
        requests: None,
        connections: None,
        max_in_flight: Some(1_024),
        fleet: None,
        stages_times: None,
    };
    let participant =
        |index| Ok(Participant { node_id: driver(index)?, epoch: Some(Epoch(1)), share: share(index) });
    let participants = (0..DRIVERS).map(participant).collect::<anyhow::Result<Vec<_>>>()?;
    let mut store = Store::open(&folder.join("orchestrator.sqlite3"))?;
    store.save_test(&StoredTest {
        state: TestState::Running,
        started_at: Some(START_US),
        participants: participants.clone(),
        ..StoredTest::configured(test_id()?, plan.clone(), START_US)
    })?;
    let names = names();
    let mut senders = Vec::new();
    for index in 0..DRIVERS {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ u64::from(index));
        let seconds = (0..DIFFERENT).map(|_| second(&mut dice, &names)).collect();
        senders.push(Sender { node_id: driver(index)?, seconds, counters: ByRequest::default() });
    }
    let mut tally = Tally::new(test_id()?, plan, &participants);
    tally.started(START_US);
    let (mut counting, mut storing, mut framing, mut sending) = [Duration::ZERO; 4].into();
    let (mut n_bytes, mut offset) = (0, 0);
    for seq in 0..seconds {
        let mut windows = Vec::new();
        for sender in &mut senders {
            windows.push(sender.window(seq)?);
        }
        let began = cpu();
        let mut metrics = Vec::new();
        for (window, raw) in windows {
            offset += 1;
            tally.arrived(&window, Position { topic: Topic::Metrics, partition: 0, offset }, START_US);
            metrics.push(StoredMetrics {
                test_id: test_id()?,
                counted: true,
                partition: 0,
                offset,
                arrived_at: START_US,
                raw,
                metrics: Arc::new(window),
            });
        }
        let shown = tally.take_windows();
        counting += cpu() - began;
        // As `actors/events` and `http/events.rs` make frames and send them.
        let began = cpu();
        let mut frames: Vec<Arc<str>> = Vec::new();
        for (n, window) in shown.iter().enumerate() {
            let data = serde_json::to_string(window)?;
            frames.push(format!("id: 1-{n}\nevent: window\ndata: {data}\n\n").into());
        }
        framing += cpu() - began;
        let began = cpu();
        for frame in &frames {
            n_bytes += black_box(frame.as_bytes().to_vec()).len();
        }
        sending += cpu() - began;
        let spans = tally.take_spans();
        let offsets = Offsets::from([((Topic::Metrics, 0), offset + 1)]);
        let batch =
            Batch { offsets_of: Some("c".to_owned()), offsets, metrics, spans, registered: Vec::new() };
        let began = cpu();
        store.save_batch(&batch)?;
        storing += cpu() - began;
    }
    let each = |time: Duration| time.as_secs_f64() * 1e3 / seconds as f64;
    println!("CPU time of a second of {DRIVERS} drivers with {NAMES} requests each, ms:");
    println!("  counting it, with its windows and spans  {:.2}", each(counting));
    println!("  storing it                               {:.2}", each(storing));
    println!("  its frames                               {:.2}", each(framing));
    println!("  copying them for one client              {:.3}", each(sending));
    println!("frames of a second: {} kB", n_bytes as u64 / seconds / 1_000);
    Ok(())
}

/// The times that something takes, ms: the fastest, the middle and the slowest of some.
fn times<T>(name: &str, mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<()> {
    let mut took = Vec::new();
    for _ in 0..7 {
        let began = Instant::now();
        black_box(work()?);
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    println!("{name:42} {:7.1} {:7.1} {:7.1}", took[0], took[3], took[6]);
    Ok(())
}

fn read(folder: &Path, seconds: u64) -> anyhow::Result<()> {
    let store = Store::open(&folder.join("orchestrator.sqlite3"))?;
    let test_id = test_id()?;
    println!("{:42} fastest  middle slowest of 7, ms, JSON included", "");
    let windows = |driver: Option<u32>, from, to, step| {
        let driver = driver.map(self::driver).transpose()?;
        let windows = store.windows(&WindowsAsked { test_id: test_id.clone(), driver, from, to, step })?;
        Ok::<_, anyhow::Error>(serde_json::to_vec(&windows)?.len())
    };
    for (name, driver, from, to, step) in [
        ("windows of all, 60 s each", None, 0, seconds, Step::Minute),
        ("windows of all, 10 s each", None, 0, seconds - 1, Step::Ten),
        ("windows of 300 s, 1 s each", None, 300, 599, Step::Second),
        ("windows of a driver, all, 10 s each", Some(3), 0, seconds - 1, Step::Ten),
        ("windows of a driver, 300 s, 1 s each", Some(3), 300, 599, Step::Second),
    ] {
        println!("{name}: {} kB", windows(driver, from, to, step)? / 1_000);
        times(name, || windows(driver, from, to, step))?;
    }
    for (from, to) in [(303, 305), (301, 358), (303, 362), (100, 399), (7, 600), (60, 959), (0, seconds - 1)]
    {
        let name = format!("span of {} s from {from}", to - from + 1);
        times(&name, || {
            let span = store.span(&test_id, Some(from), Some(to))?.context("not stored")?;
            Ok(serde_json::to_vec(&span)?.len())
        })?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder, seconds] => write(Path::new(folder), seconds.parse()?),
        ["read", folder, seconds] => read(Path::new(folder), seconds.parse()?),
        // `cargo bench` runs all benchmarks: this one needs a folder.
        [] => Ok(()),
        _ => bail!("write FOLDER SECONDS or read FOLDER SECONDS"),
    }
}

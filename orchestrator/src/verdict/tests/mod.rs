//! Every rule of interface.md, one caption each. Here: the drivers and tests that the tables are made of.

mod capacity;
mod generator;
mod missing;
mod others;
mod outcomes;
mod properties;
mod remedies;
mod so_far;
mod thresholds;
mod words;

use std::borrow::Cow;

use common::counters::{Counters, ErrorKind};
use common::latency::{Latencies, LatencyKind};
use common::plan::{Plan, RateChange, Share};

use super::{
    ClassicFacts, DriverFacts, Facts, GeneratorLoad, Judgement, OfSessions, Reported, Sample, SentMore, judge,
};
use crate::fixtures::{self, answered, share};
use crate::model::{FindingLevel, MissingWindows, Verdict};
use crate::participant::EndedBy;
use crate::stopped_by::StoppedBy;

const START: i64 = 1_795_477_200_000_000;

fn plan(load: &str, thresholds: &str) -> Plan {
    let text = format!(
        "name = \"p\"\n[target]\nurl = \"http://127.0.0.1:8081/ping\"\n[load]\nduration = \"30s\"\n{load}\n\
         [thresholds]\n{thresholds}\n"
    );
    fixtures::plan(&text)
}

const OPEN: &str = "mode = \"tsunami\"\nrate = 1000\nmax_in_flight = 1024";
const CLOSED: &str = "mode = \"avalanche\"\nconnections = 64";

/// One driver of a case: it sent 10,000 requests, answered in 2 ms each, on time, and ended well.
#[derive(Debug)]
struct Driver {
    name: &'static str,
    counters: Counters,
    latencies: Latencies,
    coverage: Option<f64>,
    throughput: Option<f64>,
    schedule_s: f64,
    windows: (u64, u64),
    ended_by: Option<EndedBy>,
    cut_short: Option<&'static str>,
    classic: bool,
    silent: bool,
    sent_more: Option<SentMore>,
    reported: Reported,
    as_classic: ClassicFacts,
    unresolved: u64,
    redirected_to: Option<&'static str>,
    share: Share,
    machine: GeneratorLoad,
}

impl Driver {
    fn well(name: &'static str) -> Self {
        let mut latencies = Latencies::new();
        for (kind, us) in [
            (LatencyKind::Response, 2_000),
            (LatencyKind::Service, 2_000),
            (LatencyKind::Lag, 50),
            (LatencyKind::Turn, 20),
        ] {
            latencies.of_mut(kind).record_n_us(us, 10_000);
        }
        Self {
            name,
            counters: answered(10_000),
            latencies,
            coverage: Some(1.0),
            throughput: Some(1_000.0),
            schedule_s: 10.0,
            windows: (30, 0),
            ended_by: Some(EndedBy::FinalWindow),
            silent: false,
            sent_more: None,
            cut_short: None,
            classic: false,
            reported: Reported::ALL,
            as_classic: ClassicFacts::default(),
            unresolved: 0,
            redirected_to: None,
            share: share(0, 1),
            machine: GeneratorLoad::default(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Other people's driver, which reports these counts and none of our additions.
    fn classic(self, reported: Reported) -> Self {
        self.with(|driver| {
            (driver.classic, driver.reported, driver.coverage) = (true, reported, None);
            driver.latencies.clear();
            driver.throughput = None;
            driver.windows = (0, 0);
            let counters = &mut driver.counters;
            (counters.completed_in_schedule, counters.status_codes) = (0, [].into());
            for (count, is_reported) in [
                (&mut counters.scheduled, reported.sent),
                (&mut counters.sent, reported.sent),
                (&mut counters.completed, reported.completed),
                (&mut counters.failed, reported.failed),
            ] {
                *count = if is_reported { *count } else { 0 };
            }
        })
    }

    /// `n` of its requests were dropped at the in-flight bound.
    fn dropping(self, n: u64) -> Self {
        self.with(|driver| {
            driver.counters.scheduled += n;
            driver.counters.dropped_in_flight += n;
        })
    }

    /// `n` of its requests were late by `us` µs.
    fn late(self, n: u64, us: u64) -> Self {
        self.with(|driver| {
            let lag = driver.latencies.of_mut(LatencyKind::Lag);
            lag.clear();
            lag.record_n_us(50, 10_000 - n);
            lag.record_n_us(us, n);
        })
    }

    /// All its answers took `us` µs.
    fn slow(self, us: u64) -> Self {
        self.with(|driver| {
            let response = driver.latencies.of_mut(LatencyKind::Response);
            response.clear();
            response.record_n_us(us, 10_000);
        })
    }

    fn failing(self, n: u64, kind: ErrorKind) -> Self {
        self.with(|driver| {
            driver.counters.completed -= n;
            driver.counters.failed += n;
            driver.counters.errors.insert(kind, n);
            driver.counters.status_codes.insert(200, 10_000 - n);
            for (all, failed) in [
                (LatencyKind::Response, LatencyKind::FailedResponse),
                (LatencyKind::Service, LatencyKind::FailedService),
            ] {
                let us = driver.latencies.of(all).max_us().unwrap();
                if kind == ErrorKind::Cancelled {
                    driver.latencies.of_mut(all).clear();
                    driver.latencies.of_mut(all).record_n_us(us, 10_000 - n);
                } else {
                    driver.latencies.of_mut(failed).record_n_us(us, n);
                }
            }
        })
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            counters: self.counters.clone(),
            reported: self.reported,
            latencies: Cow::Borrowed(&self.latencies),
            of_sessions: OfSessions::default(),
            coverage: self.coverage,
            throughput_per_s: self.throughput,
            schedule_s: Some(self.schedule_s),
            windows: self.windows.0,
            busy_windows: self.windows.1,
        }
    }
}

struct Case<'c> {
    plan: Plan,
    drivers: &'c [Driver],
    stopped_by: Option<&'static str>,
    interrupted: Option<&'c str>,
    steps: std::collections::BTreeMap<common::wire::StepsOf, crate::model::StepsView>,
    capacity: Option<Box<crate::model::CapacityView>>,
    rate_changes: Vec<RateChange>,
    started: bool,
    over: bool,
    missing: Vec<MissingWindows>,
    foreign: Vec<String>,
    /// Of the last driver: it had another life, joined late, sent contradictory figures.
    odd: (bool, bool, bool),
}

fn case<'c>(plan: Plan, drivers: &'c [Driver]) -> Case<'c> {
    Case {
        plan,
        drivers,
        stopped_by: None,
        interrupted: None,
        steps: Default::default(),
        capacity: None,
        rate_changes: Vec::new(),
        started: true,
        over: true,
        missing: Vec::new(),
        foreign: Vec::new(),
        odd: (false, false, false),
    }
}

impl Case<'_> {
    fn judge(&self) -> Judgement {
        let mut counters = Counters::default();
        let mut latencies = Latencies::new();
        for driver in self.drivers.iter().filter(|driver| driver.reported.sent) {
            counters.add(&driver.counters);
        }
        for driver in self.drivers.iter().filter(|driver| !driver.classic) {
            latencies.merge(&driver.latencies);
        }
        let least = |values: Vec<Option<f64>>| values.into_iter().collect::<Option<Vec<f64>>>();
        let coverage = least(self.drivers.iter().map(|driver| driver.coverage).collect());
        let fleet = Sample {
            counters,
            reported: self.drivers.iter().fold(Reported::ALL, |all, driver| all.and(driver.reported)),
            latencies: Cow::Borrowed(&latencies),
            of_sessions: OfSessions::default(),
            coverage: coverage.map(|all| all.into_iter().fold(1.0, f64::min)),
            throughput_per_s: self.drivers.iter().filter_map(|driver| driver.throughput).reduce(|a, b| a + b),
            schedule_s: self.drivers.iter().map(|driver| driver.schedule_s).reduce(f64::max),
            windows: self.drivers.iter().map(|driver| driver.windows.0).sum(),
            busy_windows: self.drivers.iter().map(|driver| driver.windows.1).sum(),
        };
        let last = self.drivers.len().saturating_sub(1);
        let odd = |index| if index == last { self.odd } else { (false, false, false) };
        let drivers = self.drivers.iter().enumerate().map(|(index, driver)| DriverFacts {
            name: driver.name.to_owned(),
            classic: driver.classic,
            other_life: odd(index).0,
            joined: odd(index).1,
            ended_by: driver.ended_by,
            last_report_at: Some(START + 12_000_000),
            unresolved: driver.unresolved,
            cut_short: driver.cut_short.map(str::to_owned),
            redirected_to: driver.redirected_to.map(str::to_owned),
            rows_used_up: None,
            share: Some(&driver.share),
            implausible: odd(index).2,
            as_classic: driver.as_classic.clone(),
            silent: driver.silent,
            sent_more: driver.sent_more,
            machine: driver.machine.clone(),
            sample: driver.sample(),
        });
        judge(&Facts {
            interrupted: self.interrupted.map(str::to_owned),
            steps: self.steps.clone(),
            plan: &self.plan,
            of: Vec::new(),
            names: Default::default(),
            shared: Default::default(),
            over: self.over,
            stopped_by: self.stopped_by.map(StoppedBy::from_sentence),
            started_at: self.started.then_some(START),
            capacity: self.capacity.clone(),
            rate_changes: &self.rate_changes,
            fleet,
            drivers: drivers.collect(),
            missing: self.missing.clone(),
            foreign: self.foreign.clone(),
        })
    }
}

/// The sentences of a level, in their order.
fn sentences(judgement: &Judgement, level: FindingLevel) -> Vec<&str> {
    let same = judgement.findings.iter().filter(|finding| finding.level == level);
    same.map(|finding| finding.text.as_str()).collect()
}

fn reasons(judgement: &Judgement) -> Vec<&str> {
    sentences(judgement, FindingLevel::Reason)
}

fn warnings(judgement: &Judgement) -> Vec<&str> {
    sentences(judgement, FindingLevel::Warning)
}

/// Judges, and expects the verdict and a first reason that holds the text (or none, for `passed`).
#[track_caller]
fn check(caption: &str, case: &Case<'_>, verdict: Verdict, reason: &str) -> Judgement {
    let judgement = case.judge();
    assert_eq!(judgement.verdict, verdict, "{caption}: {judgement:#?}");
    match reasons(&judgement).first() {
        Some(first) => assert!(first.contains(reason) && !reason.is_empty(), "{caption}: {first}"),
        None => assert!(reason.is_empty(), "{caption}: no reason"),
    }
    judgement
}

#[track_caller]
fn warns(judgement: &Judgement, text: &str) {
    let warnings = sentences(judgement, FindingLevel::Warning);
    assert!(warnings.iter().any(|warning| warning.contains(text)), "{warnings:#?}");
}

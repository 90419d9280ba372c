//! Every kind of finding, produced from facts, and its whole sentence.

use std::collections::BTreeSet;

use common::tls_cause::TlsCause;
use common::wire::StepsOf;

use super::*;
use crate::model::{FindingKind, FindingView, StepsOutcome, StepsView};
use crate::participant::Reading;
use crate::verdict::words::{Other, What};
use crate::verdict::{SentMore, Stop};

/// A test that shows a kind: its findings are looked through for the kind.
struct Row {
    kind: FindingKind,
    level: FindingLevel,
    driver: Option<&'static str>,
    text: &'static str,
    judgement: Judgement,
}

#[track_caller]
fn row(
    kind: FindingKind,
    level: FindingLevel,
    driver: Option<&'static str>,
    text: &'static str,
    judgement: Judgement,
) -> Row {
    Row { kind, level, driver, text, judgement }
}

fn judged(load: &str, thresholds: &str, drivers: &[Driver]) -> Judgement {
    case(plan(load, thresholds), drivers).judge()
}

/// All of one driver's requests failed so; `n` were sent.
fn all_failed(n: u64, kinds: &[(ErrorKind, u64)], statuses: &[(u16, u64)]) -> [Driver; 1] {
    let counters = Counters {
        scheduled: n,
        sent: n,
        failed: kinds.iter().map(|(_, n)| n).chain(statuses.iter().map(|(_, n)| n)).sum(),
        errors: kinds.iter().copied().collect(),
        status_codes: statuses.iter().copied().collect(),
        ..Counters::default()
    };
    [Driver::well("a").with(|driver| driver.counters = counters)]
}

fn ending(by: Option<EndedBy>, change: impl FnOnce(&mut Driver)) -> Judgement {
    let b = Driver::well("b").with(|driver| driver.ended_by = by).with(change);
    judged(OPEN, "", &[Driver::well("a"), b])
}

fn missing(n: u64) -> Judgement {
    let run = |seq: u64| MissingWindows {
        node_id: "b".to_owned(),
        from_seq: seq,
        to_seq: seq + seq % 2,
        from: format!("2026-11-23T23:40:{:02}.000000Z", seq),
        to: format!("2026-11-23T23:40:{:02}.000000Z", seq + 1 + seq % 2),
    };
    let drivers = [Driver::well("a"), Driver::well("b")];
    let mut case = case(plan(OPEN, ""), &drivers);
    case.missing = (0..n).map(|i| run(7 + i * 3)).collect();
    case.judge()
}

const REASON: FindingLevel = FindingLevel::Reason;
const WARNING: FindingLevel = FindingLevel::Warning;

fn endings() -> Vec<Row> {
    let drivers = [Driver::well("a")];
    let mut stopped = case(plan(OPEN, ""), &drivers);
    stopped.stopped_by = Some("the user");
    let mut by_plan = case(plan(OPEN, ""), &drivers);
    by_plan.stopped_by = Some("stopped by [abort]: errors.ratio was 34 % over the 15 s up to 00:42");
    let mut interrupted = case(plan(OPEN, ""), &drivers);
    let why = crate::ran_on::Orphaned::KafkaGone.reason(START, Some(START + 9_000_000));
    interrupted.interrupted = Some(&why);
    let mut never = case(plan(OPEN, ""), &drivers);
    never.started = false;
    let setup = |outcome: StepsOutcome, driver: Option<&str>, why: &str| {
        let mut case = case(plan(OPEN, ""), &drivers);
        case.started = false;
        let view = StepsView::running(vec!["b".to_owned()]).ended(outcome, driver, why);
        case.steps.insert(StepsOf::Setup, StepsView { step: driver.map(|_| "login".to_owned()), ..view });
        case.judge()
    };
    let b = Some("b");
    vec![
        row(
            FindingKind::SetupFailed,
            REASON,
            b,
            "setup failed on driver b at step login, and the load was not started: status 401, but 200 is expected",
            setup(StepsOutcome::Failed, b, "status 401, but 200 is expected"),
        ),
        row(
            FindingKind::SetupLost,
            REASON,
            None,
            "setup began, and the load was not started: driver b was lost meanwhile: run the test again",
            setup(StepsOutcome::Lost, None, "driver b was lost meanwhile: run the test again"),
        ),
        row(
            FindingKind::Stopped,
            REASON,
            None,
            "the test was stopped before its end by the user",
            stopped.judge(),
        ),
        row(
            FindingKind::AbortedByPlan,
            REASON,
            None,
            "errors.ratio was 34 % over the 15 s up to 00:42",
            by_plan.judge(),
        ),
        row(
            FindingKind::Interrupted,
            REASON,
            None,
            "the orchestrator and its Kafka were killed or stopped 9 s into the test, soon after 23:40:09 UTC: later \
             figures are lost; run the test again",
            interrupted.judge(),
        ),
        row(
            FindingKind::NeverStarted,
            REASON,
            None,
            "the load was never started, so nothing was measured: run the test again",
            never.judge(),
        ),
        row(
            FindingKind::DriverDeaf,
            REASON,
            b,
            "driver b sent no report after the trigger: restart it before the next test",
            ending(Some(EndedBy::Deaf), |_| {}),
        ),
        row(
            FindingKind::DriverOverdue,
            REASON,
            b,
            "driver b sends heartbeats, and has sent no window for a minute; how 1 request that it had sent ended is \
             not known: its load hangs; look at its log, restart it, then run the test again",
            ending(Some(EndedBy::Overdue), |driver| driver.unresolved = 1),
        ),
        row(
            FindingKind::DriverLost,
            REASON,
            b,
            "driver b was lost 12 s into the test and did not come back; how 1,031 requests that it had sent ended is \
             not known: look at its log and its host, then run the test again",
            ending(Some(EndedBy::Lost), |driver| driver.unresolved = 1_031),
        ),
        row(
            FindingKind::DriverLeft,
            REASON,
            b,
            "driver b was ended by a signal (SIGTERM) 12 s into the test: run the test again without stopping it",
            ending(Some(EndedBy::FinalWindow), |driver| driver.cut_short = Some("leaving")),
        ),
        row(
            FindingKind::DriverCutShort,
            REASON,
            b,
            "driver b ended its load early, 12 s into the test: orchestrator silent",
            ending(Some(EndedBy::FinalWindow), |driver| driver.cut_short = Some("orchestrator silent")),
        ),
        row(
            FindingKind::WindowsMissing,
            REASON,
            b,
            "windows 7 to 8 of driver b are missing, from 23:40:07 to 23:40:09 UTC: look for an outage of Kafka or of \
             the driver",
            missing(1),
        ),
        row(
            FindingKind::MoreWindowsMissing,
            REASON,
            None,
            "windows are missing in 1 more place: see completeness in the JSON report",
            missing(5),
        ),
    ]
}

fn generators() -> Vec<Row> {
    let a = Some("a");
    let late = || Driver::well("a").late(5_000, 33_400);
    let stop = Stop { from_ms: 12_300, to_ms: 13_100 };
    let machine = |machine: GeneratorLoad| {
        Driver::well("a").late(5_000, 33_400).with(|driver| driver.machine = machine)
    };
    let cpu = |cpu| GeneratorLoad { cpu_max: Some(cpu), ..GeneratorLoad::default() };
    let busy = |load: &str, machine: GeneratorLoad| {
        let driver = Driver::well("a").with(|driver| (driver.windows, driver.machine) = ((40, 12), machine));
        judged(load, "", &[driver])
    };
    let mut eight: Vec<Driver> = ["a", "c", "d", "e", "f", "g", "i"].map(Driver::well).into();
    eight.push(Driver::well("h").late(200, 40_000));
    let late_drops = |n| {
        Driver::well("a").with(|driver| {
            driver.counters.scheduled += n;
            driver.counters.dropped_late += n;
            driver.share.rate_per_s = Some(1_020.0);
        })
    };
    let others = ["c", "d", "e", "f", "g", "h", "i", "j"].map(Driver::well);
    let turning =
        Driver::well("a").with(|driver| driver.latencies.of_mut(LatencyKind::Turn).record_n_us(9_000, 200));
    let ceiling = Driver::well("a").with(|driver| driver.share.target_throughput = Some(2_000.0));
    let gave_up = Driver::well("a").with(|driver| driver.machine.gave_up_spinning = true);
    let stolen = GeneratorLoad { steal_mean: Some(0.04), steal_max: Some(0.12), ..GeneratorLoad::default() };
    let alone =
        "driver a began requests up to 33.4 ms late (p99, 5.00 ms allowed; too late at p90 and p95 too)";
    // One sentence for each cause: the same beginning, another end.
    let causes = [
        (late().machine, ": give it another core, or lower the rate"),
        (cpu(0.97), ": it used its whole core (CPU up to 97 %). Give it another core, or lower the rate"),
        (
            cpu(0.018),
            " though it used at most 1.8 % CPU: something else on its machine held the cores. Free them, or move the \
             driver; a lower rate does not help",
        ),
        (
            GeneratorLoad { waited_max: Some(0.31), ..cpu(0.04) },
            " though it used at most 4 % CPU: something else on its machine held the cores (its threads waited for one \
             in up to 31 % of a second). Free them, or move the driver; a lower rate does not help",
        ),
        (
            GeneratorLoad { stops: vec![stop], ..cpu(0.01) },
            ": it did not run from 12.3 s to 13.1 s (it was stopped, or its host was). Run the test again",
        ),
        (
            stolen.clone(),
            ": the host of its machine gave up to 12 % of its CPU time to other machines (steal). Give it a machine \
             whose cores are not shared, or lower the rate",
        ),
        (
            GeneratorLoad { waited_max: Some(0.0), ..cpu(0.04) },
            " though it used at most 4 % CPU and waited for no core: its machine paused for shorter moments than are \
             measured. Run the test again, or move the driver; a lower rate does not help",
        ),
    ];
    for (why, end) in causes {
        let judgement = judged(OPEN, "", &[machine(why)]);
        assert_eq!(reasons(&judgement), [format!("{alone}{end}")]);
    }
    vec![
        row(
            FindingKind::LocalLimit,
            REASON,
            a,
            "1 request found no source port, descriptor or buffer space on a: raise the limits of that machine \
             (LimitNOFILE, ip_local_port_range), or use more drivers",
            judged(OPEN, "", &[Driver::well("a").failing(1, ErrorKind::LocalLimit)]),
        ),
        row(
            FindingKind::NoIdleTime,
            REASON,
            a,
            "driver a had no idle time in 30 % of the seconds: it used its whole core (CPU up to 99 %). Give it \
             another core, or lower the rate",
            busy(OPEN, cpu(0.99)),
        ),
        row(
            FindingKind::CpuUsedUp,
            WARNING,
            a,
            "driver a had no idle time in 30 % of the seconds: throughput is a lower bound and latencies are upper \
             bounds, because they contain the wait for the driver. Give it another core, or use more drivers",
            busy(CLOSED, cpu(0.99)),
        ),
        row(
            FindingKind::GaveUpSpinning,
            WARNING,
            a,
            "driver a stopped spinning before each request, because other programs needed the same cores: from then \
             on a timer kept the schedule, about 0.1 ms less closely. Use fewer workers than there are free cores",
            judged(OPEN, "", &[gave_up]),
        ),
        row(
            FindingKind::HostTookCpu,
            WARNING,
            a,
            "the host of driver a gave 4 % of its machine's CPU time to other machines (steal; up to 12 % in a \
             second): latencies contain that wait. Use a machine whose cores are not shared",
            judged(CLOSED, "", &[Driver::well("a").with(|driver| driver.machine = stolen)]),
        ),
        row(
            FindingKind::LateDrops,
            REASON,
            a,
            "1.96 % of the schedule came too late to be sent by driver a (0.1 % allowed): give it another core, or \
             lower the rate to 1,000/s",
            judged(OPEN, "", &[late_drops(200)]),
        ),
        row(
            FindingKind::DriverLateDrops,
            WARNING,
            a,
            "driver a alone dropped 0.5 % of its schedule as late (0.1 % of all allowed): give it another core, or \
             lower the rate to 1,000/s",
            judged(OPEN, "", &std::iter::once(late_drops(50)).chain(others).collect::<Vec<_>>()),
        ),
        row(
            FindingKind::GeneratorLate,
            REASON,
            a,
            "driver a began requests up to 33.4 ms late (p99, 5.00 ms allowed; too late at p90 and p95 too): give it \
             another core, or lower the rate",
            judged(OPEN, "", &[late()]),
        ),
        row(
            FindingKind::DriverLate,
            WARNING,
            Some("h"),
            "driver h alone began requests up to 40.0 ms late (p99), while the figures of all drivers together hold. \
             For the figures of each driver: give it another core, or lower the rate",
            judged(OPEN, "", &eight),
        ),
        row(
            FindingKind::LateAboveP99,
            WARNING,
            None,
            "up to 8.24 ms of the figures above p99 is delay of the generator, not of the target (p99.9 of lag)",
            judged(OPEN, "", &[Driver::well("a").late(20, 8_240)]),
        ),
        row(
            FindingKind::LagInResponse,
            WARNING,
            None,
            "up to 1.13 ms of response p99 is delay of the generator; service leaves it out",
            judged(OPEN, "", &[Driver::well("a").late(200, 1_130)]),
        ),
        row(
            FindingKind::SlowToRead,
            REASON,
            a,
            "driver a read answers up to 9.00 ms late (p99 of turn, 5.00 ms allowed), and latencies contain that \
             delay: give it another core, or lower the rate",
            judged(OPEN, "", &[turning]),
        ),
        row(
            FindingKind::DriverStopped,
            WARNING,
            a,
            "driver a did not run from 12.3 s to 13.1 s (it was stopped, or its host was): no request began meanwhile, and \
             latencies of that time are not the target's. Run the test again",
            judged(
                CLOSED,
                "",
                &[Driver::well("a").with(|driver| {
                    driver.machine = GeneratorLoad { stops: vec![stop], ..GeneratorLoad::default() }
                })],
            ),
        ),
        row(
            FindingKind::CeilingNotReached,
            WARNING,
            None,
            "target_throughput of 2,000/s was not reached, only 1,000/s: with 64 connections the answers set the pace",
            judged(CLOSED, "", &[ceiling]),
        ),
    ]
}

fn failures() -> Vec<Row> {
    let of = |kinds: &[(ErrorKind, u64)], statuses: &[(u16, u64)]| {
        let n = kinds.iter().map(|(_, n)| n).chain(statuses.iter().map(|(_, n)| n)).sum();
        judged(OPEN, "", &all_failed(n, kinds, statuses))
    };
    let fails = |kind, text, judgement| row(kind, REASON, None, text, judgement);
    vec![
        fails(
            FindingKind::NoRequestDue,
            "no request was due: the plan ends before its first request",
            judged(OPEN, "", &all_failed(0, &[], &[])),
        ),
        fails(
            FindingKind::NoneSent,
            "none of the 17 requests that were due was sent",
            judged(
                OPEN,
                "",
                &[Driver::well("a").with(|driver| {
                    driver.counters = Counters { scheduled: 17, dropped_in_flight: 17, ..Counters::default() }
                })],
            ),
        ),
        fails(
            FindingKind::AllFailedStatus,
            "no request succeeded: all 37 answers were 404. The server answers, but not at this path; if 404 is right, \
             --expect-status 404",
            of(&[], &[(404, 37)]),
        ),
        fails(
            FindingKind::AllFailedStatus,
            "no request succeeded: the only answer was 503. The server, or a proxy before it, is not available: look \
             at its log; if 503 is right, --expect-status 503",
            of(&[], &[(503, 1)]),
        ),
        fails(
            FindingKind::AllFailedStatus,
            "no request succeeded: all 1,003 answers had an unexpected status (405: 1,000, 500: 3). The server does \
             not accept GET at this path: check --method; --expect-status says which ones count as success",
            of(&[], &[(405, 1_000), (500, 3)]),
        ),
        fails(
            FindingKind::AllFailedResolve,
            "no request succeeded: the name 127.0.0.1 could not be resolved for all 12 requests. Check the name in the \
             URL, and the name servers of the driver's machine",
            of(&[(ErrorKind::Resolve, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedRefused,
            "no request succeeded: the only connection to 127.0.0.1:8081 was refused. Start the server, or check the \
             port in the URL",
            of(&[(ErrorKind::Refused, 1)], &[]),
        ),
        fails(
            FindingKind::AllFailedUnreachable,
            "no request succeeded: there was no route to 127.0.0.1:8081 for all 12 requests. Check the address in the \
             URL, and the network of the driver's machine",
            of(&[(ErrorKind::Unreachable, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedConnectTimeout,
            "no request succeeded: no connection to 127.0.0.1:8081 within the timeout of 5.00 s for all 12 requests. \
             Check the address and the port in the URL, and firewalls; --timeout allows more time",
            of(&[(ErrorKind::ConnectTimeout, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTls,
            "no request succeeded: the TLS handshake with 127.0.0.1:8081 failed for all 12 requests. Check that this \
             port speaks TLS, and that its certificate is trusted; --ca FILE trusts it, --insecure skips the check",
            of(&[(ErrorKind::Tls, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTls,
            "no request succeeded: the TLS handshake with 127.0.0.1:8081 failed for all 9 requests (certificate not \
             trusted: self-signed). --ca FILE trusts it, --insecure skips the check",
            judged(
                OPEN,
                "",
                &all_failed(9, &[(ErrorKind::Tls, 9)], &[]).map(|driver| {
                    driver.with(|driver| driver.counters.tls_causes = [(TlsCause::SelfSigned, 9)].into())
                }),
            ),
        ),
        fails(
            FindingKind::AllFailedTls,
            "no request succeeded: the TLS handshake with 127.0.0.1:8081 failed for all 9 requests (the server speaks \
             neither TLS 1.2 nor 1.3: 7, certificate expired: 2). Update the server's TLS",
            judged(
                OPEN,
                "",
                &all_failed(9, &[(ErrorKind::Tls, 9)], &[]).map(|driver| {
                    driver.with(|driver| {
                        driver.counters.tls_causes =
                            [(TlsCause::Expired, 2), (TlsCause::ProtocolVersion, 7)].into();
                    })
                }),
            ),
        ),
        fails(
            FindingKind::AllFailedWrite,
            "no request succeeded: sending the request to 127.0.0.1:8081 failed for all 12 requests. Look at the \
             server's log, and at the size of request that it accepts",
            of(&[(ErrorKind::Write, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedReset,
            "no request succeeded: 127.0.0.1:8081 reset the connection for all 12 requests. Look at the server's log, \
             and at its limit of connections",
            of(&[(ErrorKind::Reset, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedClosed,
            "no request succeeded: 127.0.0.1:8081 closed the connection before its answer was complete, for all 12 \
             requests. Look at the server's log",
            of(&[(ErrorKind::Closed, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTimeout,
            "no request succeeded: 127.0.0.1:8081 sent no complete answer within the timeout of 5.00 s for the only \
             request. Look at the server's log; --timeout allows more time",
            of(&[(ErrorKind::Timeout, 1)], &[]),
        ),
        fails(
            FindingKind::AllFailedProtocol,
            "no request succeeded: what 127.0.0.1:8081 sent was not valid HTTP/1.1, for all 12 requests. Check that \
             this port speaks HTTP/1.1 without TLS (for TLS the URL begins with https://)",
            of(&[(ErrorKind::Protocol, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTooLarge,
            "no request succeeded: the answer of 127.0.0.1:8081 was larger than a driver reads, for all 12 requests. \
             Test a path with a smaller answer",
            of(&[(ErrorKind::TooLarge, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedCheck,
            "no request succeeded: the answers of 127.0.0.1:8081 failed a check for all 12 requests. See what one session \
             receives, and correct the plan's check or extract",
            of(&[(ErrorKind::Check, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedExtract,
            "no request succeeded: the answers of 127.0.0.1:8081 lacked a value to extract for all 12 requests. See what \
             one session receives, and correct the plan's check or extract",
            of(&[(ErrorKind::Extract, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTemplate,
            "no request succeeded: a value did not fit its place in the request, and nothing was sent, for all 12 \
             requests. See the values of one session, and correct the plan's templates or data",
            of(&[(ErrorKind::Template, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedTarget,
            "no request succeeded: the address to send to is on no declared host, and nothing was sent, for all 12 \
             requests. Declare the host in [target.hosts], if it is to be sent to",
            of(&[(ErrorKind::Target, 12)], &[]),
        ),
        fails(
            FindingKind::AllFailedLocalLimit,
            "no request succeeded: the driver's machine had no source port, descriptor or buffer space for all 12 \
             requests. Raise the limits of that machine (LimitNOFILE, ip_local_port_range), or use more drivers",
            of(&[(ErrorKind::LocalLimit, 12)], &[]),
        ),
        fails(
            FindingKind::AllCancelled,
            "the 32 requests in flight were cancelled by the stop; none had been answered yet",
            of(&[(ErrorKind::Cancelled, 32)], &[]),
        ),
        fails(
            FindingKind::AllFailedMixed,
            "no request succeeded: all 120 requests failed (refused: 70, 404: 30, closed: 12, others: 8). Start the \
             server, or check the port in the URL",
            of(
                &[
                    (ErrorKind::Refused, 70),
                    (ErrorKind::Closed, 12),
                    (ErrorKind::Reset, 5),
                    (ErrorKind::Timeout, 3),
                ],
                &[(404, 30)],
            ),
        ),
        fails(
            FindingKind::AllFailedMixed,
            "no request succeeded: of 50 requests, 30 failed (503: 30) and how 20 ended is not known. The server, or a \
             proxy before it, is not available: look at its log",
            judged(OPEN, "", &all_failed(50, &[], &[(503, 30)])),
        ),
    ]
}

fn thresholds() -> Vec<Row> {
    let slow = [Driver::well("a").slow(312_000), Driver::well("b").slow(312_000)];
    let dropping = [Driver::well("a").dropping(1_364), Driver::well("b").dropping(1)];
    let unknown = Driver::well("c").classic(Reported::NONE);
    vec![
        row(
            FindingKind::LatencyThreshold,
            REASON,
            None,
            "response.p99 < 250ms is not met: it was 312 ms (service 2.00 ms, lag 50 µs)",
            judged(OPEN, "\"response.p99\" = \"< 250ms\"", &slow),
        ),
        row(
            FindingKind::LatencyThreshold,
            REASON,
            Some("a"),
            "driver a: driver.response.p99.9 < 300ms is not met: 12 % of the requests were never sent, so p99.9 is \
             above 2.00 ms, how far is unknown",
            judged(OPEN, "\"driver.response.p99.9\" = \"< 300ms\"", &dropping),
        ),
        row(
            FindingKind::ErrorsThreshold,
            REASON,
            None,
            "errors.ratio < 1% is not met: 231 of 10,000 requests failed (2.31 %; timeout: 231)",
            judged(OPEN, "", &[Driver::well("a").failing(231, ErrorKind::Timeout)]),
        ),
        row(
            FindingKind::DroppedThreshold,
            REASON,
            None,
            "the target did not keep up: 1,365 of 21,365 requests (6.39 %) were not sent because 1,024 per driver were \
             still in flight (--max-in-flight); figures with ≥ are lower bounds",
            judged(OPEN, "", &dropping),
        ),
        row(
            FindingKind::ThroughputThreshold,
            REASON,
            None,
            "throughput >= 1980/s is not met: it was 1,000/s",
            judged(OPEN, "\"throughput\" = \">= 1980/s\"", &[Driver::well("a")]),
        ),
        row(
            FindingKind::ThresholdUndecided,
            REASON,
            None,
            "errors.ratio < 1% cannot be decided: what c sent is not known; over the others it is 0 %",
            judged(OPEN, "\"errors.ratio\" = \"< 1%\"", &[Driver::well("a"), unknown]),
        ),
    ]
}

fn others() -> Vec<Row> {
    let c = Some("c");
    let classic = |change: fn(&mut Driver)| {
        let driver = Driver::well("c").with(|driver| driver.classic = true).with(change);
        judged(OPEN, "", &[Driver::well("a"), driver])
    };
    let lives = |other_life, joined, implausible| {
        let drivers = [Driver::well("a"), Driver::well("c")];
        let mut case = case(plan(OPEN, ""), &drivers);
        case.odd = (other_life, joined, implausible);
        case.judge()
    };
    let drivers = [Driver::well("a")];
    let mut foreign = case(plan(OPEN, ""), &drivers);
    foreign.foreign = vec!["x".to_owned()];
    let after = Driver::well("a").with(|driver| driver.counters.completed_in_schedule = 0);
    let names = [("pay", 60), ("cart", 20), ("home", 6), ("x", 3), ("y", 1)]
        .map(|(name, n)| (name.to_owned(), n))
        .to_vec();
    // These do not come from the figures of these tests: the lifecycle, the store, and plans with sessions (whose rules the
    // tally tests) write them.
    let written = |driver: Option<&str>, what: Other| {
        let finding = FindingView {
            kind: What::from(what.clone()).kind(),
            level: WARNING,
            driver: driver.map(str::to_owned),
            text: what.text(driver),
        };
        Judgement { verdict: Verdict::Passed, findings: vec![finding], thresholds: Vec::new() }
    };
    vec![
        row(
            FindingKind::DriverRestarted,
            WARNING,
            c,
            "driver c ran twice during the test: it was restarted, or two nodes share this id; the figures of both are \
             counted",
            lives(true, false, false),
        ),
        row(
            FindingKind::DriverJoinedLate,
            WARNING,
            c,
            "driver c registered only after the trigger: its figures are counted as well",
            lives(false, true, false),
        ),
        row(
            FindingKind::DriverImplausible,
            WARNING,
            c,
            "driver c sends figures that contradict each other: they are shown as sent",
            lives(false, false, true),
        ),
        row(
            FindingKind::DriverSilent,
            WARNING,
            c,
            "driver c sends heartbeats and has sent no report yet: it reports at its end, or did not start",
            classic(|driver| driver.silent = true),
        ),
        row(
            FindingKind::DriverSentMore,
            WARNING,
            c,
            "driver c was to send 7 requests and sent 31: it does not keep to its count",
            classic(|driver| driver.sent_more = Some(SentMore { asked: 7, sent: 31 })),
        ),
        row(
            FindingKind::DriverRunsOn,
            WARNING,
            c,
            "driver c was to send 7 requests and sent 1,900 so far: it goes on sending after the end of the test; end \
             its process",
            classic(|driver| {
                driver.sent_more = Some(SentMore { asked: 7, sent: 1_900 });
                driver.ended_by = Some(EndedBy::RunsOn);
            }),
        ),
        row(
            FindingKind::DriverRunsOn,
            WARNING,
            c,
            "driver c goes on reporting after the end of its load: end its process",
            classic(|driver| driver.ended_by = Some(EndedBy::RunsOn)),
        ),
        row(
            FindingKind::DriverFellSilent,
            WARNING,
            c,
            "driver c did not report its end: it counts as ended when its reports stopped",
            classic(|driver| driver.ended_by = Some(EndedBy::Silence)),
        ),
        row(
            FindingKind::DriverReportsNoLag,
            WARNING,
            c,
            "driver c reports neither lag nor idle time: whether it was the limit itself is not known",
            classic(|_| {}),
        ),
        row(
            FindingKind::DriverReportsNoCounts,
            WARNING,
            c,
            "driver c does not report (consistently) how many requests it sent: the totals leave it out",
            classic(|driver| driver.reported = Reported::NONE),
        ),
        row(
            FindingKind::DriverReportsNoEnds,
            WARNING,
            c,
            "driver c reports how many requests it sent, and not how many were answered: how they ended is not known",
            classic(|driver| driver.reported = Reported { completed: false, failed: false, ..Reported::ALL }),
        ),
        row(
            FindingKind::DriverCountsAddedUp,
            WARNING,
            c,
            "driver c reports what it sent since its last report, and not the total: its counts were added up, to 10,000 \
             requests",
            classic(|driver| driver.as_classic.reading = Some(Reading::PerInterval)),
        ),
        row(
            FindingKind::DriverCountsUnclear,
            WARNING,
            c,
            "driver c reports counts that do not grow as a total does, and that do not add up to what it was to send: what \
             it sent is not known, at least 12 requests; the totals leave it out",
            classic(|driver| {
                driver.reported = Reported::NONE;
                (driver.as_classic.reading, driver.as_classic.at_least) = (Some(Reading::Unknown), Some(12));
            }),
        ),
        row(
            FindingKind::DriverLatencyUnit,
            WARNING,
            c,
            "driver c reports latencies of 7 µs, which no HTTP exchange can be: if they are in seconds, set latency_unit = \
             \"s\" under [classic.nodes.\"c\"] in the orchestrator's config",
            classic(|driver| driver.as_classic.response.mean = Some(0.007)),
        ),
        row(
            FindingKind::ForeignReports,
            WARNING,
            None,
            "x sent reports for this test, and it does not take part in it: its figures are not counted",
            foreign.judge(),
        ),
        row(
            FindingKind::Redirects,
            WARNING,
            None,
            "300 of 10,000 answers (3 %) were redirects to http://127.0.0.1:8081/new (302: 299, 301: 1): redirects are not \
             followed; test that address, or let them count as failed with --expect-status 200-299",
            judged(
                OPEN,
                "",
                &[Driver::well("a").with(|driver| {
                    driver.counters.status_codes = [(200, 9_700), (301, 1), (302, 299)].into();
                    driver.redirected_to = Some("http://127.0.0.1:8081/new");
                })],
            ),
        ),
        row(
            FindingKind::AnswersUnmet,
            WARNING,
            None,
            "most failures are answers that failed a check or lacked a value to extract: 90 of 100 (pay: 60, cart: 20, \
             home: 6 and 2 others); look at one of them, and at the plan's check and extract",
            written(
                None,
                Other::AnswersUnmet { checks: 80, extracts: 10, failed: 100, names: names.clone() },
            ),
        ),
        row(
            FindingKind::AnswersUnmet,
            WARNING,
            None,
            "most failures are answers that lacked a value to extract: 1 of 1 (pay: 60); look at one of them, and at the \
             plan's check and extract",
            written(
                None,
                Other::AnswersUnmet { checks: 0, extracts: 1, failed: 1, names: names[..1].to_vec() },
            ),
        ),
        row(
            FindingKind::SharedNotRenewed,
            WARNING,
            None,
            "shared.token was not renewed 3 of 40 times (timeout: 2, status 503: 1): sessions went on with the values \
             before, which may have expired",
            written(
                None,
                Other::SharedNotRenewed {
                    name: "token".to_owned(),
                    failed: 3,
                    sent: 40,
                    why: vec![("timeout".to_owned(), 2), ("status 503".to_owned(), 1)],
                },
            ),
        ),
        row(
            FindingKind::SessionsAbandoned,
            WARNING,
            None,
            "12 of 600 sessions (2 %) were abandoned between two steps by the stop: figures of sessions are of the others, \
             and with ≥ they are lower bounds",
            written(None, Other::SessionsAbandoned { abandoned: 12, of: 600, stopped: true }),
        ),
        row(
            FindingKind::CompletedAfterEnd,
            WARNING,
            None,
            "10,000 of 10,000 completed requests (100 %) completed after the end of the schedule: throughput counts \
             only what completed within it",
            judged(OPEN, "", &[after]),
        ),
        row(
            FindingKind::TeardownFailed,
            WARNING,
            c,
            "teardown failed on driver c at step logout, so that the target may not be as it was before: status 500",
            written(
                c,
                Other::TeardownFailed { step: Some("logout".to_owned()), why: "status 500".to_owned() },
            ),
        ),
        row(
            FindingKind::DriverWarned,
            WARNING,
            c,
            "c: the plan asks for more than this driver reached",
            written(c, Other::Warned("the plan asks for more than this driver reached".to_owned())),
        ),
        row(
            FindingKind::MoreDriversWarned,
            WARNING,
            None,
            "1 more driver warns before the start: see their logs",
            written(None, Other::MoreWarned(1)),
        ),
        row(
            FindingKind::DriverLeftOut,
            WARNING,
            c,
            "driver c is left out: its heartbeats stopped; look whether its process still runs",
            written(c, Other::LeftOut { gone: true }),
        ),
        row(
            FindingKind::ThresholdForeseen,
            WARNING,
            None,
            "throughput >= 1001/s cannot be met: 1 driver sends at most 1,000/s; raise load.rate, or lower the threshold",
            foreseen("\"throughput\" = \">= 1001/s\""),
        ),
        row(
            FindingKind::PlanForeseen,
            WARNING,
            None,
            "request.method = GET: is sent with a body (body), which servers and proxies may ignore or refuse; POST has one",
            foreseen_of_plan(),
        ),
        row(
            FindingKind::RowsUsedUp,
            WARNING,
            c,
            "the rows of data.guest were used up: driver c began 1,200 sessions, and others did not begin; add rows, or take \
             them in another order (\"shuffle\" repeats them)",
            written(c, Other::RowsUsedUp { data: "guest".to_owned(), sessions: 1_200 }),
        ),
        row(
            FindingKind::NotStored,
            WARNING,
            None,
            "the orchestrator could not store this report and all its windows (disk full): it holds them in memory, \
             and they are lost if it ends before it can store them",
            written(None, Other::NotStored("disk full".to_owned())),
        ),
        row(
            FindingKind::HeldByConnections,
            FindingLevel::Warning, // as `written` gives it; a test has it as a note
            None,
            "each request waited for one of 50 connections of its driver (load.connections), and response contains that wait \
             (held), which is the target's doing: on average 27.0 ms of 40.0 ms, where service was 12.0 ms",
            written(
                None,
                Other::HeldByConnections { connections: 50, each: true, means_ms: Some((27.0, 40.0, 12.0)) },
            ),
        ),
        row(
            FindingKind::ClosedLoop,
            FindingLevel::Note,
            None,
            "a closed loop waits for its answers: it does not see the requests that it could not send meanwhile, and \
             latencies of a driver without idle CPU are upper bounds",
            judged(CLOSED, "", &[Driver::well("a")]),
        ),
    ]
}

fn searches() -> Vec<Row> {
    let rows = super::capacity::rows().into_iter();
    rows.map(|(kind, level, text, judgement)| row(kind, level, None, text, judgement)).collect()
}

/// The findings about a plan's thresholds before its test.
fn foreseen(thresholds: &str) -> Judgement {
    let mut judgement = judged(OPEN, "", &[Driver::well("a")]);
    judgement.findings = crate::verdict::beforehand::findings(&plan(OPEN, thresholds), Some(1));
    judgement
}

/// The findings about a plan's own keys before its test.
fn foreseen_of_plan() -> Judgement {
    let mut judgement = judged(OPEN, "", &[Driver::well("a")]);
    let mut plan = plan(OPEN, "");
    plan.request.body = b"x".to_vec();
    judgement.findings = crate::verdict::beforehand::findings(&plan, Some(1));
    judgement
}

#[test]
fn each_kind_has_its_sentence() {
    let rows = [endings(), generators(), failures(), thresholds(), others(), searches()];
    let mut seen = BTreeSet::new();
    for row in rows.iter().flatten() {
        let expected = FindingView {
            kind: row.kind,
            level: row.level,
            driver: row.driver.map(str::to_owned),
            text: row.text.to_owned(),
        };
        assert!(row.judgement.findings.contains(&expected), "{expected:#?} in {:#?}", row.judgement.findings);
        seen.insert(row.kind);
    }
    let without: Vec<_> = FindingKind::ALL.iter().filter(|kind| !seen.contains(kind)).collect();
    assert!(without.is_empty(), "no row for {without:?}");
}

#[test]
fn kinds_are_words_that_later_versions_may_add_to() {
    let json = serde_json::to_string(&FindingKind::AllFailedConnectTimeout).unwrap();
    assert_eq!(json, "\"all_failed_connect_timeout\"");
    for kind in FindingKind::ALL {
        let json = serde_json::to_string(kind).unwrap();
        assert_eq!(serde_json::from_str::<FindingKind>(&json).unwrap(), *kind);
    }
    let newer: FindingKind = serde_json::from_str("\"of_a_newer_version\"").unwrap();
    assert_eq!(newer, FindingKind::Unknown);
}

#[test]
fn sentences_stand_in_lists() {
    let rows = [endings(), generators(), failures(), thresholds(), others(), searches()];
    for finding in rows.iter().flatten().flat_map(|row| &row.judgement.findings) {
        let text = &finding.text;
        assert!(!text.ends_with('.') && !text.contains('\n') && !text.contains("  "), "{text}");
        let wrong = ["1 requests", "1 drivers", "1 windows", "1 connections", "(s)"];
        let stands = |wrong: &&str| format!(" {text}").contains(&format!(" {wrong}"));
        assert!(!wrong.iter().any(stands), "{text}");
    }
}

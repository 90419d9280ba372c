//! Setup or teardown of a test, run on this driver: one attempt after the other, over an engine of its own, with nothing of
//! the load's figures. The machinery is that of a tried session. What differs: it thinks in full, it has a time limit, and
//! what it sent and extracted is reported.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::ids::{NodeId, TestId};
use common::plan::program::{Around, Program};
use common::plan::write_duration;
use common::wire::{MAX_STEPS_TEXT_BYTES, StepsOf, StepsReport, StepsState};

use super::masks::Masks;
use super::{Event, SetupValues, Step, Trial, hide_setup, test_of};
use crate::assignment::Assignment;
use crate::driver_test::{DriverTest, HostOf};
use crate::scenario::files::{Bodies, Files};
use crate::secrets::Secrets;

/// Numbers of sessions end here (`render::ids`). Setup and teardown take numbers from the end, which no load comes to, so
/// that their `uuid` and `unique` are none of the load's.
const NUMBERS_END: u64 = 1 << 40;
/// Most of an answer's body that a reason shows, in characters.
const SHOWN_OF_BODY: usize = 300;

/// What setup has extracted by now. It outlives the steps, which a stop ends in the midst.
#[derive(Debug, Clone, Default)]
pub struct KeptValues(Arc<Mutex<SetupValues>>);

impl KeptValues {
    /// The values.
    pub fn get(&self) -> MutexGuard<'_, SetupValues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be run.
#[derive(Debug)]
pub struct StepsJob {
    /// Which test.
    pub test_id: TestId,
    /// This driver.
    pub node_id: NodeId,
    /// Which config of the test.
    pub revision: u32,
    /// Which steps.
    pub run: StepsOf,
    /// The driver's part of the test, with its program.
    pub assignment: Assignment,
    /// The program's hosts, resolved and allowed.
    pub hosts: Vec<HostOf>,
    /// The values of the plan's secrets.
    pub secrets: Secrets,
    /// The contents of files that do not travel in the plan.
    pub bodies: Bodies,
    /// What setup extracted, for teardown.
    pub setup: SetupValues,
    /// Takes what setup extracts, after each attempt; `None`: nothing is kept (teardown).
    pub kept: Option<KeptValues>,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// As it is reported, without the values.
    pub report: StepsReport,
    /// The extracted values that were set, also where a step failed.
    pub values: SetupValues,
}

/// The trial of the steps; `None`: the plan has none of these.
pub(super) fn trial(
    mut assignment: Assignment,
    (test_id, node_id): (TestId, NodeId),
    (secrets, bodies): (&[String], &Bodies),
    setup: &SetupValues,
    run: StepsOf,
) -> Option<Trial> {
    let program = assignment.program.clone()?;
    let around = of(&program, run)?;
    let alone = Arc::new(program.alone(run.as_str(), around));
    assignment.program = Some(Arc::clone(&alone));
    let files = Files { bodies: bodies.clone(), ..Files::default() };
    let script = DriverTest::script_of(&assignment, (&test_id, &node_id), secrets, setup, files)?;
    let mut masks = Masks::default();
    secrets.iter().for_each(|secret| masks.add(secret.as_bytes()));
    hide_setup(&mut masks, &alone, setup);
    let place = 2 * u64::from(assignment.share.index) + u64::from(run == StepsOf::Teardown);
    let test = test_of(&assignment, (&test_id, &node_id), &script);
    // Secrets that it comes to know are masked, since its reasons are shown.
    let (g, shows, cuts) = (NUMBERS_END - 1 - place, true, false);
    Some(Trial { g, masks, shows, cuts, ..Trial::with(test, script, alone) })
}

fn of(program: &Program, run: StepsOf) -> Option<&Around> {
    match run {
        StepsOf::Setup => program.setup.as_ref(),
        StepsOf::Teardown => program.teardown.as_ref(),
    }
}

/// Runs the steps to their end, or until their time is over. Within a runtime of actix.
pub async fn run_steps(job: StepsJob) -> Ran {
    let StepsJob { test_id, node_id, revision, run, assignment, hosts, secrets, bodies, setup, kept } = job;
    let report = StepsReport::running(test_id.clone(), revision, run);
    let limit = assignment.program.as_ref().and_then(|program| of(program, run)).map(|around| around.timeout);
    let trial = trial(assignment, (test_id, node_id), (secrets.expose(), &bodies), &setup, run);
    let (Some(mut trial), Some(limit)) = (trial, limit) else {
        let report = report.failed(format!("the plan has no {}", run.as_str()));
        return Ran { report, values: SetupValues::new() };
    };
    trial.test.hosts = hosts;
    trial.values_go_to = kept;
    let g = trial.g;
    let (mut failed, mut last): (Option<Box<Step>>, Option<String>) = (None, None);
    let ended = {
        let mut note = |event: Event| {
            if let Event::Step(step) = event {
                last = Some(step.step.clone());
                if step.fault.is_some() {
                    failed = Some(step);
                }
            }
        };
        tokio::time::timeout(limit, trial.send(g, &mut note)).await
    };
    let mut report = StepsReport { requests: std::mem::take(&mut trial.counts), ..report };
    match ended {
        Ok(Ok(outcome)) if outcome.completed => report.state = StepsState::Completed,
        Ok(Ok(outcome)) => {
            report.step = outcome.failed_at.map(|step| cut(step, MAX_STEPS_TEXT_BYTES));
            let reason = failed.map_or_else(|| "a step failed".to_owned(), |step| reason_of(&step));
            report = report.failed(cut(reason, MAX_STEPS_TEXT_BYTES));
        }
        Ok(Err(error)) => report = report.failed(cut(error.to_string(), MAX_STEPS_TEXT_BYTES)),
        Err(_) => {
            let done = last.map_or_else(
                || "no step was through by then".to_owned(),
                |step| format!("the last step that was through is {step}"),
            );
            let reason = format!("it took longer than {}; {done}", write_duration(limit));
            report = report.failed(cut(reason, MAX_STEPS_TEXT_BYTES));
        }
    }
    Ran { report, values: std::mem::take(&mut trial.values) }
}

/// Why a step failed, with the begin of its answer. Secrets are masked in it already.
fn reason_of(step: &Step) -> String {
    let fault = step.fault.as_deref().unwrap_or("it failed");
    let body = step.answer.as_ref().and_then(|answer| answer.body.text.as_deref()).unwrap_or_default();
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let body: String = body.trim().chars().take(SHOWN_OF_BODY).map(plain).collect();
    let status = step.answer.as_ref().map(|answer| answer.status);
    match (status, body.as_str()) {
        (None, _) => fault.to_owned(),
        (Some(status), "") => with_status(fault, status),
        (Some(status), body) => format!("{}; the answer: {body}", with_status(fault, status)),
    }
}

/// A fault of the status names it already.
fn with_status(fault: &str, status: u16) -> String {
    let known = format!("status {status}");
    if fault.contains(&known) { fault.to_owned() } else { format!("{fault}, {known}") }
}

/// A text within a number of bytes.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use common::plan::{PlanFormat, read, share_out};

    use super::*;
    use crate::try_one::{Answer, Body};

    fn step(fault: &str, status: Option<u16>, body: &str) -> Step {
        let body = Body { bytes: body.len(), text: Some(body.to_owned()), cut: false };
        Step {
            step: "login".to_owned(),
            follows: false,
            look: None,
            request: None,
            answer: status.map(|status| Answer { status, headers: Vec::new(), body }),
            checks: Vec::new(),
            extracts: Vec::new(),
            fault: Some(fault.to_owned()),
            took_ms: 1.0,
        }
    }

    #[test]
    fn a_reason_has_the_status_and_the_begin_of_the_answer_on_one_line() {
        let of = |fault: &str, status, body: &str| reason_of(&step(fault, status, body));
        assert_eq!(of("refused", None, "x"), "refused");
        assert_eq!(
            of("status 401, but 200-299 is expected", Some(401), ""),
            "status 401, but 200-299 is expected"
        );
        assert_eq!(of("a check failed", Some(200), "{\n}"), "a check failed, status 200; the answer: { }");
        assert!(of("a check failed", Some(200), &"\u{e4}".repeat(9_000)).len() < 700);
    }

    /// A target that gives each request the next of these answers, and returns the first lines of what it received.
    fn target(answers: &'static [&'static str]) -> (u16, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let one = |answer: &&str| {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let length = answer.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{answer}"
                );
                stream.write_all(answer.as_bytes()).unwrap();
                head.lines().next().unwrap_or_default().to_owned()
            };
            answers.iter().map(one).collect()
        });
        (port, served)
    }

    fn job(text: &str, run: StepsOf, kept: &KeptValues) -> StepsJob {
        let plan = read(text, PlanFormat::Toml).unwrap();
        let node_id = NodeId::new("d").unwrap();
        let (_, share) = share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0);
        let host = &plan.program.as_ref().unwrap().hosts[0].url;
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], host.port().unwrap()));
        StepsJob {
            test_id: TestId::new("t").unwrap(),
            node_id,
            revision: 1,
            run,
            hosts: vec![HostOf::new(host.clone(), vec![address])],
            assignment: Assignment::of_plan(&plan, share),
            secrets: Secrets::default(),
            bodies: Bodies::default(),
            setup: kept.get().clone(),
            kept: (run == StepsOf::Setup).then(|| kept.clone()),
        }
    }

    #[actix_rt::test]
    async fn teardown_has_what_setup_extracted_before_it_was_ended_in_the_midst() {
        let (port, served) = target(&["id=71", "gone"]);
        let text = format!(
            "target.url = 'http://127.0.0.1:{port}/'\nsetup.steps = ['create', {{ think = '9m' }}, 'page']\n\
             setup.timeout = '10m'\nteardown.steps = ['remove']\n[requests]\n\
             create = {{ path = '/new', extract.id = {{ regex = 'id=([0-9]+)' }} }}\n\
             page.path = '/'\nremove.path = '/records/{{{{setup.id}}}}'\nbrowse.path = '/b'\n[load]\nrate = 10\nduration = '1s'"
        );
        let kept = KeptValues::default();
        let is_kept = async {
            while kept.get().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ran = run_steps(job(&text, StepsOf::Setup, &kept)) => panic!("it thinks for minutes: {ran:?}"),
            () = is_kept => {}
        }
        let ran = run_steps(job(&text, StepsOf::Teardown, &kept)).await;
        assert_eq!(ran.report.state, StepsState::Completed, "{ran:?}");
        assert_eq!(served.join().unwrap(), ["GET /new HTTP/1.1", "GET /records/71 HTTP/1.1"]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("a\u{e4}".to_owned(), 2), "a");
        assert_eq!(cut("ab".to_owned(), 2), "ab");
    }
}

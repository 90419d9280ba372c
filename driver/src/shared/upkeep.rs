//! Sends the requests of `[shared]`: all of them once, then each again when its values are as old as the plan says. After
//! a failure the old values stay, and the request is sent again sooner: a token that was not renewed in time expires.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::ErrorKind;
use common::ids::{NodeId, TestId};
use common::plan::program::Shared;
use common::session_figures::SharedCounters;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::{Ledger, TestShared};
use crate::assignment::Assignment;
use crate::driver_test::HostOf;
use crate::scenario::files::Bodies;
use crate::scenario::render::SharedValues;
use crate::try_one::{Event, Trial};

/// From a first failure to the next attempt; twice as long after each further one, up to `every`.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Numbers of what is sent without a session. They are far above those of sessions, whose random values and ids they
/// must not share, and below the bound of `unique` (2⁴⁰).
const FIRST_NUMBER: u64 = 1 << 39;

/// The entries of a test's `[shared]`, with their newest values.
pub(crate) struct Upkeep {
    test_id: TestId,
    entries: Vec<Entry>,
    values: SharedValues,
    ledger: Ledger,
}

/// One entry.
struct Entry {
    shared: Shared,
    trial: Trial,
    /// Where its values begin among all of them.
    first: usize,
    /// Its values, by their index in the program's variables.
    variables: Vec<usize>,
    /// The number of its next sending, and how far it is to the one after.
    number: u64,
    step: u64,
    sent_at: Instant,
}

impl Upkeep {
    /// Sends all requests of `[shared]` once, at the same time; `None`: the plan has none. `secrets`: their values, by
    /// their index in the program.
    ///
    /// # Errors
    /// The first that failed, in words for people.
    pub async fn begin(
        assignment: &Assignment,
        (test_id, node_id): (&TestId, &NodeId),
        (secrets, bodies): (&[String], &Bodies),
        hosts: Vec<HostOf>,
    ) -> Result<Option<Self>, String> {
        let Some(program) = assignment.program.as_ref().filter(|program| !program.shared.is_empty()) else {
            return Ok(None);
        };
        let of_all: Vec<(&Shared, usize)> = program.shared_values().collect();
        let share = &assignment.share;
        let (index, of) = (u64::from(share.index), u64::from(share.of.max(1)));
        let n = program.shared.len() as u64;
        let mut entries = Vec::new();
        for (i, shared) in (0_u64..).zip(&program.shared) {
            let trial = Trial::of_shared(assignment, (test_id, node_id), (secrets, bodies), shared)
                .map_err(|error| format!("shared.{}: {error}", shared.name))?;
            let own = |(of, _): &&(&Shared, usize)| of.name == shared.name;
            entries.push(Entry {
                shared: shared.clone(),
                trial: trial.to(hosts.clone()),
                first: of_all.iter().position(|(of, _)| of.name == shared.name).unwrap_or(0),
                variables: of_all.iter().filter(own).map(|(_, variable)| *variable).collect(),
                // Unlike those of the other entries and of the other drivers.
                number: FIRST_NUMBER + i * of + index,
                step: n * of,
                sent_at: Instant::now(),
            });
        }
        let ledger = Ledger::default();
        let mut values: Vec<Option<Vec<u8>>> = vec![None; of_all.len()];
        let sent = join_all(entries.iter_mut().map(Entry::send)).await;
        for (entry, (counters, sent)) in entries.iter().zip(sent) {
            ledger.add(&entry.shared.name, &counters);
            let new = sent.map_err(|reason| {
                format!("shared.{} could not be had before the start: {reason}", entry.shared.name)
            })?;
            entry.put(&mut values, new);
        }
        Ok(Some(Self { test_id: test_id.clone(), entries, values: values.into(), ledger }))
    }

    /// Sends each again by age, until nothing reads the values any more. Within a runtime of actix.
    pub fn keep(self, hosts: &[HostOf]) -> TestShared {
        let (sender, values) = watch::channel(self.values);
        let sender = Arc::new(sender);
        for mut entry in self.entries {
            entry.trial = entry.trial.to(hosts.to_vec());
            let upkeep = keep(entry, self.test_id.clone(), Arc::clone(&sender), self.ledger.clone());
            actix_rt::spawn(upkeep);
        }
        TestShared { values, ledger: self.ledger }
    }
}

async fn keep(mut entry: Entry, test_id: TestId, values: Arc<watch::Sender<SharedValues>>, ledger: Ledger) {
    let every = entry.shared.every;
    let mut wait = every.saturating_sub(entry.sent_at.elapsed());
    let mut failures = 0_u32;
    loop {
        tokio::select! {
            () = values.closed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        // An attempt that the end of the test meets under way is not counted.
        let (counters, sent) = tokio::select! {
            () = values.closed() => return,
            sent = entry.send() => sent,
        };
        ledger.add(&entry.shared.name, &counters);
        wait = match sent {
            Ok(new) => {
                values.send_modify(|values| {
                    let mut all = values.to_vec();
                    entry.put(&mut all, new);
                    *values = all.into();
                });
                failures = 0;
                every.saturating_sub(entry.sent_at.elapsed())
            }
            Err(reason) => {
                log::warn!(test_id:%, what:% = entry.shared.name, reason:%; "shared values not renewed, the old ones stay");
                failures += 1;
                again_after(failures, every)
            }
        };
    }
}

/// How long after so many failures in a row the next attempt is made.
fn again_after(failures: u32, every: Duration) -> Duration {
    AGAIN_AFTER.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(every)
}

impl Entry {
    /// Sends the request, with the redirects that it follows: what is counted, and the values that were extracted, or why
    /// there are none.
    async fn send(&mut self) -> (SharedCounters, Result<Vec<Option<Vec<u8>>>, String>) {
        self.sent_at = Instant::now();
        let number = self.number;
        self.number += self.step;
        let mut fault = None;
        let mut note = |event: Event| {
            if let Event::Step(step) = event {
                fault = step.fault.or(fault.take());
            }
        };
        let sent = self.trial.send(number, &mut note).await;
        let mut counters = SharedCounters::default();
        for ended in self.trial.attempts() {
            counters.ended(ended.status, ended.error, ended.failed);
        }
        let values = match sent {
            Ok(outcome) if outcome.completed => {
                Ok(self.variables.iter().map(|variable| self.trial.kept(*variable)).collect())
            }
            Ok(_) => Err(fault.unwrap_or_else(|| "it failed".to_owned())),
            Err(error) => {
                // Nothing can be sent at all: this machine lacks what it takes.
                counters.ended(None, Some(ErrorKind::LocalLimit), true);
                Err(error.to_string())
            }
        };
        (counters, values)
    }

    fn put(&self, all: &mut [Option<Vec<u8>>], new: Vec<Option<Vec<u8>>>) {
        for (place, value) in all.iter_mut().skip(self.first).zip(new) {
            *place = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use common::plan::{PlanFormat, read, share_out};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A target that answers its nth request with the nth of these statuses, and with the token `t<n>`; then no more.
    async fn target(statuses: &'static [u16]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        actix_rt::spawn(async move {
            for (n, status) in (1..).zip(statuses) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4_096];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /token "));
                let body = format!("{{\"t\":\"t{n}\",\"kind\":\"k\"}}");
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        address
    }

    async fn begin(to: SocketAddr) -> Result<(Upkeep, Vec<HostOf>), String> {
        let text = format!(
            "target.url = \"http://{to}\"\n[requests]\nhome = {{ path = \"/{{{{shared.login.t}}}}\" }}\n\
             token = {{ path = \"/token\", extract = {{ t.json = \"$.t\", kind.json = \"$.kind\" }} }}\n\
             [shared.login]\nrequest = \"token\"\nevery = \"100ms\"\n[load]\nrate = 1\nduration = \"1s\"\n"
        );
        let plan = read(&text, PlanFormat::Toml).unwrap();
        let (test_id, node_id) = (TestId::new("t").unwrap(), NodeId::new("d").unwrap());
        let share = share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1;
        let assignment = Assignment::of_plan(&plan, share);
        let hosts = vec![HostOf::new(plan.target.clone(), vec![to])];
        let begun =
            Upkeep::begin(&assignment, (&test_id, &node_id), (&[], &Bodies::new()), hosts.clone()).await?;
        Ok((begun.unwrap(), hosts))
    }

    fn token(values: &SharedValues) -> &str {
        std::str::from_utf8(values[0].as_deref().unwrap()).unwrap()
    }

    #[actix_rt::test]
    async fn values_are_renewed_by_age_and_stay_where_that_fails() {
        let (upkeep, hosts) = begin(target(&[200, 503, 200]).await).await.unwrap();
        assert_eq!((token(&upkeep.values), upkeep.values[1].as_deref()), ("t1", Some(&b"k"[..])));
        let shared = upkeep.keep(&hosts);
        let mut values = shared.values();
        values.changed().await.unwrap();
        assert_eq!(token(&values.borrow_and_update()), "t3", "the second answer has no token");
        let counted = shared.ledger().take().into_values().next().unwrap();
        assert_eq!((counted.sent, counted.completed, counted.failed), (3, 2, 1));
        assert_eq!(counted.status_codes, [(200, 2), (503, 1)].into());
        assert!(shared.ledger().take().is_empty(), "counted once");
        // Nothing listens any more.
        while !shared
            .ledger()
            .0
            .lock()
            .unwrap()
            .values()
            .any(|of| of.errors.contains_key(&ErrorKind::Refused))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(token(&shared.values().borrow()), "t3");
    }

    #[actix_rt::test]
    async fn a_first_failure_is_the_reason_why_a_test_does_not_begin() {
        let failed = begin(target(&[503]).await).await.err().unwrap();
        assert_eq!(
            failed,
            "shared.login could not be had before the start: status 503, but 200-399 is expected"
        );
    }

    #[test]
    fn after_failures_it_is_sent_again_sooner_than_by_age_and_never_at_once() {
        let seconds = Duration::from_secs;
        for (failures, every, expected) in [
            (1, seconds(240), seconds(1)),
            (2, seconds(240), seconds(2)),
            (5, seconds(240), seconds(16)),
            (40, seconds(240), seconds(240)),
            (1, Duration::from_millis(300), Duration::from_millis(300)),
        ] {
            assert_eq!(again_after(failures, every), expected, "{failures}");
        }
    }
}

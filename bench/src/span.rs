//! The measured span of a run: after its first request and a while to warm up, a while in which CPU time and requests
//! are counted. A tool's start and end are outside of it, those of an interpreter as those of a cluster.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::processes::Cpu;
use crate::receiver::Receiver;
use crate::results::Figures;

/// CPU time of a tool.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Of the process that sends, with its children.
    pub sends: Cpu,
    /// Of all its processes.
    pub all: Cpu,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Instant,
    received: u64,
    used: Used,
    sink: Cpu,
}

/// Where a run is in relation to its span.
#[derive(Debug)]
pub struct Span {
    warm: Duration,
    length: Duration,
    first: Option<Instant>,
    began: Option<Mark>,
    ended: Option<Mark>,
}

impl Span {
    /// One that begins `warm` after the first request.
    pub fn new(warm: Duration, length: Duration) -> Self {
        Self { warm, length, first: None, began: None, ended: None }
    }

    /// Looks whether it begins or ends; to be called all the time. The receiving end is asked until its first request,
    /// and at both ends, so that it is not disturbed meanwhile.
    ///
    /// # Errors
    /// Where the receiving end does not answer, or a process is gone.
    pub fn look(
        &mut self,
        receiver: &mut Receiver,
        used: impl FnOnce() -> anyhow::Result<Used>,
    ) -> anyhow::Result<()> {
        let Some(first) = self.first else {
            if receiver.received()? > 0 {
                self.first = Some(Instant::now());
            }
            return Ok(());
        };
        let due = if self.began.is_none() { self.warm } else { self.warm + self.length };
        if self.ended.is_some() || first.elapsed() < due {
            return Ok(());
        }
        let used = used()?;
        let mark = Mark { at: Instant::now(), received: receiver.received()?, used, sink: receiver.cpu()? };
        *(if self.began.is_none() { &mut self.began } else { &mut self.ended }) = Some(mark);
        Ok(())
    }

    /// What was used and received between its two ends.
    ///
    /// # Errors
    /// Where the load ended before it, or nothing was counted.
    pub fn figures(&self) -> anyhow::Result<Figures> {
        let (began, ended) = self.began.zip(self.ended).context("the load ended before the measured span")?;
        let n = (ended.received - began.received) as f64;
        let span_s = (ended.at - began.at).as_secs_f64();
        let (sends, all) = (ended.used.sends.since(began.used.sends), ended.used.all.since(began.used.all));
        ensure!(n > 0.0 && sends.total_s() > 0.0, "{n} requests and {sends:?} in the measured span");
        let us = |seconds: f64| seconds * 1e6 / n;
        Ok(Figures::from([
            ("requests_per_s", n / span_s),
            ("cpu_us", us(sends.total_s())),
            ("user_us", us(sends.user_s)),
            ("system_us", us(sends.system_s)),
            ("per_cpu_s", n / sends.total_s()),
            ("stack_us", us(all.total_s())),
            ("stack_per_cpu_s", n / all.total_s()),
            ("generator_core", sends.total_s() / span_s),
            ("sink_core", ended.sink.since(began.sink).total_s() / span_s),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: Instant, received: u64, sends_s: f64, all_s: f64) -> Mark {
        let cpu = |user_s| Cpu { user_s, system_s: 0.0 };
        Mark { at, received, used: Used { sends: cpu(sends_s), all: cpu(all_s) }, sink: cpu(0.0) }
    }

    #[test]
    fn what_came_before_the_span_does_not_count() {
        let start = Instant::now();
        let mut span = Span::new(Duration::from_secs(1), Duration::from_secs(4));
        assert!(span.figures().is_err());
        span.began = Some(mark(start, 1_000, 3.0, 5.0));
        assert!(span.figures().unwrap_err().to_string().contains("before the measured span"));
        span.ended = Some(mark(start + Duration::from_secs(4), 9_000, 7.0, 10.0));
        let figures = span.figures().unwrap();
        assert_eq!((figures["requests_per_s"], figures["per_cpu_s"]), (2_000.0, 2_000.0));
        assert_eq!((figures["cpu_us"], figures["stack_us"]), (500.0, 625.0));
        assert_eq!((figures["stack_per_cpu_s"], figures["generator_core"]), (1_600.0, 1.0));
    }
}

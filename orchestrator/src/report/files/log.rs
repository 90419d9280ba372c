//! `.hlog`: one latency as HdrHistogram's interval log, a line for each second of the fleet (without a tag) and of each driver
//! (its id is the tag).

use std::io;

use common::clock::UnixMicros;
use common::latency::IntervalLog;

use super::LatencyOf;
use crate::model::TestView;
use crate::store::SecondsPage;
use crate::tally::series::{Second, Slower};

/// Writes the lines of one test.
pub struct Log {
    of: LatencyOf,
    log: IntervalLog,
}

impl Log {
    pub fn new(view: &TestView, of: LatencyOf) -> Self {
        let mut comments = vec![
            format!("[{} in µs of test {} ({})]", of.as_str(), view.test_id, view.name),
            "[lines without a tag are of the fleet, the others of the driver that the tag names]".to_owned(),
        ];
        if of.counts_failures() {
            comments.push(
                "[a request that failed or was not sent stands at 3600000.000 ms, slower than any other; success.response \
                 has none of them]"
                    .to_owned(),
            );
        }
        Self { of, log: IntervalLog::new(start_us(view), &comments) }
    }

    pub fn head(&self) -> Vec<u8> {
        self.log.head().to_vec()
    }

    pub fn page(&mut self, page: &SecondsPage) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut drivers = page.drivers.iter().peekable();
        for fleet in &page.fleet {
            self.line(&mut out, None, fleet)?;
            while let Some((node, second)) = drivers.next_if(|(_, second)| second.seq == fleet.seq) {
                self.line(&mut out, Some(node.as_str()), second)?;
            }
        }
        Ok(out)
    }

    fn line(&mut self, out: &mut Vec<u8>, tag: Option<&str>, second: &Second) -> io::Result<()> {
        let mut slower = Slower::default();
        slower.add(second);
        let spread = self.of.spread(&second.figures.all.latencies, slower.count());
        self.log.add(out, tag, (second.from_us, second.to_us), &spread.with_slower_recorded())
    }
}

/// When a test began, µs; where it has not, when it was created.
fn start_us(view: &TestView) -> UnixMicros {
    let instant = view.started_at.as_ref().unwrap_or(&view.created_at);
    instant.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond)
}

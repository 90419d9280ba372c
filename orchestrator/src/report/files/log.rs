//! `.hlog`: one latency as HdrHistogram's interval log, a line for each second of the fleet (without a tag) and of each driver
//! (its id is the tag).

use std::io;

use common::clock::UnixMicros;
use common::ids::NodeId;
use common::latency::{IntervalLog, LatencyKind};

use super::LatencyOf;
use crate::model::TestView;
use crate::store::SecondsPage;
use crate::tally::pages::Samples;

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

    /// Which histograms it is read from.
    pub fn kinds(&self) -> &'static [LatencyKind] {
        self.of.kinds()
    }

    pub fn page(&mut self, page: &SecondsPage<Samples>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for line in &page.lines {
            let latencies = line.sums.latencies();
            let spread = self.of.spread(&latencies, line.slower);
            let tag = line.node.as_ref().map(NodeId::as_str);
            self.log.add(&mut out, tag, (line.from_us, line.to_us), &spread.with_slower_recorded())?;
        }
        Ok(out)
    }
}

/// When a test began, µs; where it has not, when it was created.
fn start_us(view: &TestView) -> UnixMicros {
    let instant = view.started_at.as_ref().unwrap_or(&view.created_at);
    instant.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond)
}

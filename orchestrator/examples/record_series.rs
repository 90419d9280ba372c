//! Writes the windows of a stored test as a fixture of `compare/recorded.rs`: a line a window, gzipped. It brings an older
//! file up to date first: give it a copy.
//!
//! `cargo run -p orchestrator --example record_series -- orchestrator.sqlite3 TEST_ID > series.txt.gz`
#![allow(missing_docs)]

use std::io::Write;
use std::path::Path;

use common::ids::TestId;
use flate2::Compression;
use flate2::write::GzEncoder;
use orchestrator::compare::series_of;
use orchestrator::store::Store;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(id)) = (arguments.next(), arguments.next()) else {
        return Err("usage: record_series FILE TEST_ID".into());
    };
    let store = Store::open(Path::new(&file))?;
    let id = TestId::new(&id)?;
    let report = store.test(&id)?.and_then(|test| test.report).ok_or("the test has no report")?;
    let series = series_of(&report.plan, store.all_compared_seconds(&id)?);
    let mut out = GzEncoder::new(std::io::stdout().lock(), Compression::best());
    for window in series.windows() {
        write!(out, "{} {} {} {}:", window.slower, window.failed, window.ended, window.in_schedule)?;
        let mut last = 0;
        for (us, n) in window.buckets() {
            for _ in 0..n {
                write!(out, " {}", us - last)?;
                last = us;
            }
        }
        writeln!(out)?;
    }
    drop(out.finish()?);
    Ok(())
}

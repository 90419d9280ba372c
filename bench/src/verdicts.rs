//! Checks that a verdict blames the right side: repeated tests with a saturated generator, and with a saturated target.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::job::Place;
use crate::ours::{Node, Stack, Variant};
use crate::processes::{Cpu, Owned, pinned};
use crate::results::Figures;

/// Longest time of one test, beyond its load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is saturated, and how.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    pub name: &'static str,
    /// Flags of `groundswell target`.
    target: &'static [&'static str],
    rate_per_s: f64,
    max_in_flight: u32,
    /// How many others want all of the driver's core.
    burners: usize,
}

/// All of them. The slow targets answer a part of 200/s, and are stopped by 32 in flight.
pub const SITUATIONS: [Situation; 4] = [
    // Several times what a whole core could send.
    Situation { name: "verdict-generator", target: &[], rate_per_s: 1e6, max_in_flight: 1_024, burners: 3 },
    Situation::of_target("verdict-delay", &["--delay", "400ms"]),
    Situation::of_target("verdict-limit", &["--delay", "100ms", "--max-concurrent", "4"]),
    Situation::of_target("verdict-stall", &["--stall-at", "500ms", "--stall-for", "1500ms"]),
];

impl Situation {
    const fn of_target(name: &'static str, target: &'static [&'static str]) -> Self {
        Self { name, target, rate_per_s: 200.0, max_in_flight: 32, burners: 0 }
    }

    /// Whether the generator is to be blamed.
    pub fn is_of_generator(&self) -> bool {
        self.burners > 0
    }

    /// Runs it once: the plan's command, and whether the verdict was as it should be.
    ///
    /// # Errors
    /// Where a node does not start or the test does not end.
    pub fn judge(&self, place: &Place, duration: Duration) -> anyhow::Result<(String, Figures)> {
        let home = tempfile::tempdir()?;
        let mut arguments = ["target", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        arguments.extend(self.target.iter().map(|flag| (*flag).to_owned()));
        let command = pinned(place.server_core, &place.groundswell, &arguments);
        let mut target = Node::start(command, home.path(), "target")?;
        let address = target.ready()["http"].as_str().context("the target has no address")?.to_owned();
        let plan = json!({
            "name": self.name,
            "target": { "url": format!("http://{address}/ping") },
            "load": {
                "mode": "tsunami", "rate": self.rate_per_s, "max_in_flight": self.max_in_flight,
                "duration": format!("{}ms", duration.as_millis()), "drain_timeout": "2s",
            },
        });
        let stack = Stack::start(place, &Variant { name: String::new(), flags: Vec::new() })?;
        let burners: Vec<Owned> = (0..self.burners).map(|_| burn(place)).collect::<Result<_, _>>()?;
        let served = Cpu::of(target.pid())?;
        let (outcome, report) = stack.run_plan(&plan, duration, duration + PATIENCE)?;
        drop(burners);
        // Rather too much than too little: the time includes neither the start nor the end of the test.
        let share = |cpu: Cpu| cpu.total_s() / duration.as_secs_f64();
        let (generator_core, target_core) = (share(outcome.cpu), share(Cpu::of(target.pid())?.since(served)));
        target.end()?;
        let reasons = report["reasons"].to_string();
        let blames_target = reasons.contains("did not keep up");
        let as_it_should = if self.is_of_generator() {
            // Check the setup, too: the driver got half a core at most, and the target had room.
            let was_so = generator_core <= 0.5 && target_core < 0.7;
            let invalid = report["verdict"] == "invalid" && reasons.contains("came too late to be sent");
            was_so && invalid && !blames_target
        } else {
            report["verdict"] == "failed" && blames_target
        };
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let dropped = &report["totals"]["dropped_by"];
        let figures = Figures::from([
            ("as_it_should", f64::from(u8::from(as_it_should))),
            ("invalid", f64::from(u8::from(report["verdict"] == "invalid"))),
            ("generator_core", generator_core),
            ("target_core", target_core),
            ("dropped_in_flight", number(&dropped["in_flight"])),
            ("dropped_late", number(&dropped["late"])),
        ]);
        Ok((format!("groundswell {} & {}", arguments.join(" "), outcome.command), figures))
    }
}

/// A process that wants all of the generator's core; gone with what is returned.
fn burn(place: &Place) -> anyhow::Result<Owned> {
    let program = std::env::current_exe().context("this program's own file")?;
    let mut command = pinned(place.generator_core, &program, &["awake".to_owned()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    Ok(Owned(command.spawn().context("starting the burner")?))
}

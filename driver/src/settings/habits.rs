//! The keys of `[classic]` that a driver alone has: what it sends beyond the classic fields, for classic
//! orchestrators that wait for it.

use std::time::Duration;

use common::tree::{Node, Table, parse};

/// Longest end word, in bytes.
const MAX_WORD_BYTES: usize = 256;

/// What this driver does for a classic orchestrator that would otherwise wait for ever. All but the last apply only
/// in a test that such an orchestrator leads: one whose `test_config` has no `plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// Whether a heartbeat `"NO"` is sent once the last report of a test is in Kafka, for orchestrators that end a
    /// test when each driver has sent one; the heartbeats go on with `"YES"`. False by default, because all others,
    /// ours among them, read `"NO"` as the driver leaving.
    pub no_at_end: bool,
    /// Whether the driver registers again when a test starts, for orchestrators that wait for it after the trigger;
    /// false by default.
    pub register_after_trigger: bool,
    /// A bare word, not JSON, that is sent to the metrics topic after the last report of a test, for orchestrators
    /// that end a test by it; none by default.
    pub end_word: Option<String>,
    /// The longest time between two heartbeats, 50 ms to 10 s; 1 s by default. It is at most 250 ms while a test
    /// runs.
    pub heartbeat_every: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            no_at_end: false,
            register_after_trigger: false,
            end_word: None,
            heartbeat_every: Duration::from_secs(1),
        }
    }
}

impl Habits {
    /// Reads the keys out of `[classic]`.
    pub(super) fn read(table: &mut Table) -> Self {
        let default = Self::default();
        let beats = parse::duration(Duration::from_millis(50)..=Duration::from_secs(10));
        Self {
            no_at_end: table.get("no_at_end", parse::boolean).unwrap_or(default.no_at_end),
            register_after_trigger: table
                .get("register_after_trigger", parse::boolean)
                .unwrap_or(default.register_after_trigger),
            end_word: table.get("end_word", parse::or_none(end_word)).flatten(),
            heartbeat_every: table.get("heartbeat_every", beats).unwrap_or(default.heartbeat_every),
        }
    }
}

fn end_word(node: &Node) -> Result<String, String> {
    let word = parse::word(node)?;
    if word.len() > MAX_WORD_BYTES {
        return Err(format!("is longer than {MAX_WORD_BYTES} bytes"));
    }
    if word.contains(char::is_control) {
        return Err("holds a control character".to_owned());
    }
    Ok(word)
}

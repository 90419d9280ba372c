//! Broken records, made from a seed: what programs put on the topics by mistake or malice. Each is invalid by
//! construction, and comes with the reason that the nodes must count it under. Our own reader is not used to check
//! them.

use common::wire::{PROTOCOL, RejectReason, Topic};
use serde_json::{Value, json};

use RejectReason::{BadField, Empty, MissingField, NotJson, NotObject, NotUtf8, TooDeep};

/// So many of a topic's records hold a text of a megabyte.
pub const LARGE: usize = 20;

const MEGABYTE: usize = 1 << 20;

#[derive(Debug)]
pub struct Broken {
    /// Its payload; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Its key, which the nodes must ignore.
    pub key: Option<Vec<u8>>,
    /// The reason for which it is counted.
    pub reason: RejectReason,
}

/// SplitMix64: the same records on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to n - 1.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| self.pick(&alphabet)).collect()
    }
}

/// So many broken records of a topic. Some claim to come from `nodes`, which are real.
pub fn flood(topic: Topic, seed: u64, count: usize, nodes: &[String]) -> impl Iterator<Item = Broken> {
    let mut dice = Dice(seed ^ (topic as u64) << 32);
    let nodes = nodes.to_vec();
    (0..count).map(move |n| {
        let (payload, reason) = if n % (count / LARGE).max(1) == 0 {
            let (text, reason) = large(topic, &mut dice);
            (Some(text.into_bytes()), reason)
        } else {
            small(topic, &mut dice, &nodes)
        };
        let key = dice.pick(&[None, Some(b"flood".to_vec()), Some(vec![0xFF, 0x00]), Some(Vec::new())]);
        Broken { payload, key, reason }
    })
}

fn small(topic: Topic, dice: &mut Dice, nodes: &[String]) -> (Option<Vec<u8>>, RejectReason) {
    let (text, reason) = match dice.below(8) {
        0 => match dice.pick(&["", " \n\t\r", "\0", "\u{feff}"]) {
            "" => return (None, Empty),
            blank => (blank.repeat(dice.below(2)), Empty),
        },
        1 => return (Some(not_utf8(topic, dice)), NotUtf8),
        2 | 3 => (not_json(topic, dice), NotJson),
        4 => (not_object(topic, dice), NotObject),
        5 => (too_deep(topic, dice), TooDeep),
        6 => (incomplete(topic, dice), MissingField),
        _ => (wrong_type(topic, dice, nodes), BadField),
    };
    (Some(text.into_bytes()), reason)
}

/// A record of the classic fields that could be used.
fn usable(topic: Topic, dice: &mut Dice) -> Value {
    let id = format!("flood-{}", dice.below(100));
    match topic {
        Topic::Register => {
            json!({ "node_id": id, "node_IP": "127.0.0.1:0", "message_type": "DRIVER_NODE_REGISTER" })
        }
        Topic::TestConfig => {
            json!({ "test_id": id, "test_type": "TSUNAMI", "test_message_delay": 1, "message_count_per_driver": 9 })
        }
        Topic::Trigger => json!({ "test_id": id, "trigger": "YES" }),
        Topic::Metrics => json!({ "node_id": id, "test_id": "flood", "report_id": dice.next().to_string(),
                                  "metrics": { "mean_latency": 1.5, "min_latency": 1, "max_latency": 2 } }),
        Topic::Heartbeat => {
            json!({ "node_id": id, "heartbeat": "YES", "timestamp": "2026-11-24T06:00:00Z" })
        }
    }
}

/// The required fields of a record.
fn needed(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Register | Topic::Metrics | Topic::Heartbeat => &["node_id"],
        Topic::TestConfig => &["test_id", "test_type", "test_message_delay", "message_count_per_driver"],
        Topic::Trigger => &["test_id", "trigger"],
    }
}

fn not_utf8(topic: Topic, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = match dice.below(2) {
        0 => usable(topic, dice).to_string().into_bytes(),
        _ => (0..=dice.below(200)).map(|_| dice.next().to_le_bytes()[0]).collect(),
    };
    // A byte that UTF-8 has nowhere.
    let at = dice.below(bytes.len());
    bytes[at] = dice.pick(&[0xFF, 0xC0, 0xF5]);
    bytes
}

fn not_json(topic: Topic, dice: &mut Dice) -> String {
    let mut text = usable(topic, dice).to_string();
    match dice.below(5) {
        // Cut short: an object whose brace is never closed.
        0 => text.truncate(1 + dice.below(text.len() - 1)),
        // Something after its end.
        1 => text.push_str(dice.pick(&["}", "]", ",", "x", "{}", "\u{1}"])),
        // A raw control character within its first key.
        2 => text.insert(2, dice.pick(&['\u{0}', '\u{7}', '\n', '\u{1f}'])),
        // Noise: what follows the brace is neither a key nor the end. Too short to be nested too deep.
        3 => {
            let length = dice.below(60);
            text = format!(
                "{{{}{}",
                dice.pick(&["'", ":", ",", "-", "N", "]"]),
                dice.text("ab1:,\"[]{}\\ é", length)
            );
        }
        _ => {
            text = dice
                .pick(&[
                    "<html><body>502 Bad Gateway</body></html>",
                    "level=error msg=\"broker not available\"",
                    "None",
                    "\"a text that never ends",
                    "12:34:56 1.5 2.5",
                    "'node_id': 'x'",
                ])
                .to_owned();
        }
    }
    text
}

fn not_object(topic: Topic, dice: &mut Dice) -> String {
    let record = usable(topic, dice);
    let quoted = |value: &Value| Value::from(value.to_string());
    match dice.below(6) {
        0 => json!([record]).to_string(),
        1 => "[".repeat(1 + dice.below(5_000)),
        2 => dice.next().to_string(),
        3 => dice.pick(&["true", "false", "null", "-1.5e300", "0"]).to_owned(),
        // A record in a text in a text in a text: one wrapping too many.
        4 => quoted(&quoted(&quoted(&record))).to_string(),
        _ => quoted(&json!(dice.below(1_000))).to_string(),
    }
}

fn too_deep(topic: Topic, dice: &mut Dice) -> String {
    let deep = 65 + dice.below(3_000);
    match dice.below(3) {
        0 => format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep)),
        // Never closed: a parser that recurses without a limit overflows its stack.
        1 => "{\"a\":[".repeat(deep),
        _ => {
            let mut text = usable(topic, dice).to_string();
            text.truncate(text.len() - 1);
            format!("{text},\"more\":{}{}}}", "[".repeat(deep), "]".repeat(deep))
        }
    }
}

fn incomplete(topic: Topic, dice: &mut Dice) -> String {
    let mut record = usable(topic, dice);
    let name = dice.pick(needed(topic));
    match dice.below(4) {
        0 => drop(record.as_object_mut().unwrap().remove(name)),
        1 => record[name] = Value::Null,
        // An empty text counts as missing. An empty trigger, however, is a value other than YES or NO.
        2 if name != "trigger" && name != "test_type" => record[name] = dice.pick(&["", "  "]).into(),
        _ => {
            record = json!({});
            for _ in 0..dice.below(5) {
                record[format!("k{}", dice.below(1_000))] =
                    json!([dice.next(), null, { "node_id": "inner" }]);
            }
        }
    }
    record.to_string()
}

/// Values that are invalid as an id, a word or an amount.
fn wrong_value(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => json!([]),
        1 => json!({ "node_id": "x" }),
        2 => json!([1, 2, 3]),
        3 => json!("a\u{0}b\u{1b}[31m"),
        4 => json!("é".repeat(125 + dice.below(500))),
        _ => json!({}),
    }
}

fn wrong_type(topic: Topic, dice: &mut Dice, nodes: &[String]) -> String {
    let mut record = usable(topic, dice);
    if dice.below(2) == 0 || nodes.is_empty() {
        let name = dice.pick(needed(topic));
        record[name] = wrong_value(dice);
        return record.to_string();
    }
    // In the name of a driver that is there, with our own fields, one of which cannot be.
    let cannot_be = match topic {
        Topic::Register => dice.pick(&[
            json!({ "epoch": 1, "protocol": "one" }),
            json!({ "epoch": 1, "protocol": 1, "labels": 5 }),
            json!({ "epoch": 1, "protocol": 1, "max_rate": -1 }),
            json!({ "role": "orchestrator" }),
        ]),
        Topic::Heartbeat => dice.pick(&[
            json!({ "epoch": 1, "state": "asleep" }),
            json!({ "epoch": 1, "role": "king" }),
            json!({ "epoch": 1, "scheduled": 1, "sent": -1, "completed": 0, "failed": 0, "dropped": 0 }),
        ]),
        Topic::Metrics => dice.pick(&[
            json!({ "epoch": 1, "seq": "first" }),
            json!({ "epoch": 1, "seq": 0, "window": { "from": 9, "to": 1 } }),
            json!({ "epoch": 1, "seq": 0, "window": { "from": 0, "to": 1 }, "busy": 7 }),
            json!({ "epoch": 1, "seq": 1_u64 << 60 }),
            json!({ "role": "orchestrator" }),
        ]),
        Topic::TestConfig => dice.pick(&[
            json!({ "test_type": "FLOOD" }),
            json!({ "test_message_delay": "soon" }),
            json!({ "test_message_delay": -1 }),
            json!({ "message_count_per_driver": 1.5 }),
            json!({ "epoch": 1, "protocol": PROTOCOL, "plan": { "load": 5 } }),
        ]),
        Topic::Trigger => dice.pick(&[
            json!({ "trigger": "MAYBE" }),
            json!({ "trigger": 1 }),
            json!({ "revision": 1, "start_at": "now" }),
        ]),
    };
    if record.get("node_id").is_some() {
        record["node_id"] = dice.pick(nodes).into();
    }
    record.as_object_mut().unwrap().extend(cannot_be.as_object().unwrap().clone());
    record.to_string()
}

fn large(topic: Topic, dice: &mut Dice) -> (String, RejectReason) {
    let mut record = usable(topic, dice);
    match dice.below(4) {
        0 => {
            record[needed(topic)[0]] = dice.text("abcdé", MEGABYTE).into();
            (record.to_string(), BadField)
        }
        1 => (format!("\"{}", "x".repeat(MEGABYTE)), NotJson),
        2 => (" ".repeat(MEGABYTE), Empty),
        _ => {
            let name = needed(topic)[0];
            record.as_object_mut().unwrap().remove(name);
            record["samples"] = vec![json!(dice.below(1_000)); MEGABYTE / 4].into();
            (record.to_string(), MissingField)
        }
    }
}

//! A table whose keys are taken out one by one. Keys that are left over are unknown, which is a fault.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;

use super::suggest::closest;
use super::{Entries, Kind, Node};
use crate::plan::{Fault, FaultKind};

/// A fault, and the file, variable or flag that it is in, if known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file, variable or flag.
    pub origin: Option<Rc<str>>,
    /// What is wrong.
    pub fault: Fault,
}

/// So many unknown keys are compared with all known ones.
const MAX_SUGGESTIONS: usize = 100;

#[derive(Debug, Default)]
struct Collected {
    found: Vec<Found>,
    /// Every key that was asked for, with the default it takes where the walk says.
    keys: Vec<String>,
    /// Keys that the walk did not read. They are reported at the end, when all known keys can be suggested.
    unknown: Vec<(String, Node)>,
}

impl Collected {
    /// Records a key that the walk did not read. A table is one entry, except that keys in it that a variable or a
    /// flag set are entries of their own.
    fn forget(&mut self, path: String, mut node: Node) {
        if let Kind::Table(entries) = &mut node.kind {
            let loose: Vec<String> =
                entries.iter().filter(|(_, node)| node.holds_loose()).map(|(key, _)| key.clone()).collect();
            for key in loose {
                if let Some(node) = entries.remove(&key) {
                    self.forget(format!("{path}.{key}"), node);
                    if entries.is_empty() {
                        return;
                    }
                }
            }
        }
        self.unknown.push((path, node));
    }
}

/// What a walk found: faults, and the keys there are. Shared by all tables of a tree.
#[derive(Debug, Clone, Default)]
pub struct Findings(Rc<RefCell<Collected>>);

impl Findings {
    /// Every fault, in the order of the walk, unknown keys last.
    pub fn into_faults(self) -> Vec<Found> {
        let mut collected = self.0.take();
        let mut found = std::mem::take(&mut collected.found);
        for (n, (path, node)) in std::mem::take(&mut collected.unknown).into_iter().enumerate() {
            let reason = if n < MAX_SUGGESTIONS {
                unknown_key(&path, &collected.keys)
            } else {
                "unknown key".to_owned()
            };
            let shown = match node.kind {
                _ if looks_secret(&path) => crate::plan::MASK.to_owned(),
                // An unknown table may hold a secret, so its content is not shown.
                Kind::Table(_) | Kind::List(_) => "…".to_owned(),
                _ => node.to_string(),
            };
            found.push(Found { origin: node.origin, fault: Fault::value(path, shown, reason) });
        }
        found
    }

    /// Whether no fault was found so far.
    pub fn is_clean(&self) -> bool {
        let collected = self.0.borrow();
        collected.found.is_empty() && collected.unknown.is_empty()
    }

    /// Every key that the walk asked for, as paths.
    pub fn keys(&self) -> Vec<String> {
        self.0.borrow().keys.clone()
    }
}

/// Why a key is not known, and what may have been meant: a key of the same table, or of another.
fn unknown_key(path: &str, keys: &[String]) -> String {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let siblings = keys.iter().filter_map(|key| match key.rsplit_once('.') {
        Some((table, key)) => (table == parent).then_some(key),
        None => parent.is_empty().then_some(key.as_str()),
    });
    // The same key in another table is a better suggestion than a similar key in this one.
    let mut elsewhere = keys.iter().filter_map(|key| key.rsplit_once('.'));
    if let Some((table, _)) = elsewhere.find(|(table, key)| *key == name && *table != parent) {
        return format!("unknown key here; {name} belongs in [{table}]");
    }
    match closest(name, siblings) {
        Some(meant) => format!("unknown key; did you mean {meant}?"),
        None => "unknown key".to_owned(),
    }
}

/// Whether an unknown key may be a misspelt key of a secret, so that its value must not be shown. Matches too many
/// rather than too few.
fn looks_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    ["pas", "pwd", "secret", "token", "key", "auth", "cookie", "cred"].iter().any(|word| name.contains(word))
}

/// Tables whose values may be secrets.
const OF_SECRETS: [&str; 4] = ["headers", "query", "form", "basic"];

/// A table that is being converted from text to a type.
///
/// Which keys are unknown is certain only once the last known key was taken. So a table is lent to the function that
/// reads it ([`Table::walk`], [`Table::table`]) and is finished when that function returns: no reader can forget to.
#[derive(Debug)]
pub struct Table {
    path: String,
    origin: Option<Rc<str>>,
    entries: Entries,
    /// Where the keys that were taken came from.
    taken: BTreeMap<String, Option<Rc<str>>>,
    /// Whether the value is not a table, which was reported already: then no key of it is reported as missing.
    broken: bool,
    findings: Findings,
}

impl Table {
    /// Reads a whole tree. Returns what `read` made of it, and what it found.
    pub fn walk<T>(node: Node, read: impl FnOnce(&mut Self) -> T) -> (T, Findings) {
        let findings = Findings::default();
        let mut root = Self {
            path: String::new(),
            origin: None,
            entries: Entries::default(),
            taken: BTreeMap::new(),
            broken: false,
            findings: findings.clone(),
        };
        match node.kind {
            Kind::Table(entries) => root.entries = entries,
            kind => {
                root.broken = true;
                let reason = format!("expected a table of keys, found {}", kind.name());
                root.fault(Fault::value("", "", reason), node.origin);
            }
        }
        let value = read(&mut root);
        root.finish();
        (value, findings)
    }

    /// The path of this table; empty for the whole tree.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of a key of this table.
    pub fn path_of(&self, key: &str) -> String {
        // A header's or threshold's name may hold dots; the path still reads well.
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether the key is there (and not null) and was not taken yet.
    pub fn has(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|node| node.kind != Kind::Null)
    }

    /// The value of a key as written, for faults about how keys relate; empty where it is missing.
    pub fn shown(&self, key: &str) -> String {
        self.entries.get(key).map(Node::to_string).unwrap_or_default()
    }

    /// What kind of value a key has, where it is there.
    pub fn kind_of(&self, key: &str) -> Option<&Kind> {
        self.entries.get(key).map(|node| &node.kind)
    }

    /// Takes a key out as it is.
    pub fn take(&mut self, key: &str) -> Option<Node> {
        self.findings.0.borrow_mut().keys.push(self.path_of(key));
        let node = self.entries.remove(key).filter(|node| node.kind != Kind::Null)?;
        self.taken.insert(key.to_owned(), node.origin.clone());
        Some(node)
    }

    /// Every key that is left, for tables of tables whose keys are names that people choose, in the order in which they
    /// were written.
    pub fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Takes every key that is left, for tables whose keys are names that people choose, in the order of the names.
    pub fn take_all(&mut self) -> Vec<(String, Node)> {
        let entries = std::mem::take(&mut self.entries).sorted();
        entries.into_iter().filter(|(_, node)| node.kind != Kind::Null).collect()
    }

    /// As [`Table::take_all`], in the order in which they were written.
    pub fn take_written(&mut self) -> Vec<(String, Node)> {
        std::mem::take(&mut self.entries).into_iter().filter(|(_, node)| node.kind != Kind::Null).collect()
    }

    /// Takes a key and parses it; a fault, and `None`, where that fails.
    pub fn get<T>(&mut self, key: &str, parse: impl FnOnce(&Node) -> Result<T, String>) -> Option<T> {
        let node = self.take(key)?;
        match parse(&node) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault_at(key, &node, reason);
                None
            }
        }
    }

    /// Takes a key whose value must never be shown.
    pub fn get_secret<T>(&mut self, key: &str, parse: impl FnOnce(&Node) -> Result<T, String>) -> Option<T> {
        self.get_shown(key, |_| crate::plan::MASK.to_owned(), parse)
    }

    /// Takes a key and parses it; a fault shows its value as `shown` answers.
    pub fn get_shown<T>(
        &mut self,
        key: &str,
        shown: impl FnOnce(&Node) -> String,
        parse: impl FnOnce(&Node) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        parse(&node)
            .map_err(|reason| {
                self.fault(Fault::value(self.path_of(key), shown(&node), reason), node.origin.clone());
            })
            .ok()
    }

    /// Takes a list, or one item in its place; parses each item, and reports each fault with its index.
    pub fn get_list<T>(
        &mut self,
        key: &str,
        mut parse: impl FnMut(&Node) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let node = self.take(key)?;
        let (items, whole): (Vec<Node>, bool) = match &node.kind {
            Kind::List(items) => (items.clone(), false),
            Kind::Text(text) if node.loose => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                (items.map(|item| Node::loose(item, node.origin.clone())).collect(), false)
            }
            _ => (vec![node.clone()], true),
        };
        let mut parsed = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match parse(item) {
                Ok(value) => parsed.push(value),
                Err(reason) => {
                    let key = if whole { key.to_owned() } else { format!("{key}[{index}]") };
                    let origin = item.origin.clone().or_else(|| node.origin.clone());
                    self.fault(Fault::value(self.path_of(&key), item, reason), origin);
                }
            }
        }
        Some(parsed)
    }

    /// Takes a table and reads it; an empty one where it is missing or not a table; the latter is a fault.
    pub fn table<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let node = self.take(key);
        self.read_as_table(key, node, read)
    }

    /// Reads an item of a list, which was taken, as a table of its own. `key`: the list's with the position, as in
    /// `steps[2]`.
    pub fn item<T>(&self, key: &str, node: Node, read: impl FnOnce(&mut Self) -> T) -> T {
        self.read_as_table(key, Some(node), read)
    }

    fn read_as_table<T>(&self, key: &str, node: Option<Node>, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut table = Self {
            path: self.path_of(key),
            origin: node.as_ref().and_then(|node| node.origin.clone()).or_else(|| self.origin.clone()),
            entries: Entries::default(),
            taken: BTreeMap::new(),
            broken: self.broken,
            findings: self.findings.clone(),
        };
        if let Some(node) = node {
            match node.kind {
                Kind::Table(entries) => table.entries = entries,
                ref kind => {
                    table.broken = true;
                    let reason = format!("expected a table of keys, found {}", kind.name());
                    // In place of a table of secrets stands a secret.
                    if OF_SECRETS.contains(&key) {
                        self.fault(Fault::value(self.path_of(key), "…", reason), node.origin);
                    } else {
                        self.fault_at(key, &node, reason);
                    }
                }
            }
        }
        let value = read(&mut table);
        table.finish();
        value
    }

    /// Reports a fault of a value.
    pub fn fault_at(&self, key: &str, node: &Node, reason: impl Into<String>) {
        self.fault(Fault::value(self.path_of(key), node, reason), node.origin.clone());
    }

    /// Reports that keys contradict each other, at the key that the user would change.
    pub fn contradiction(&self, key: &str, shown: impl Display, reason: impl Into<String>) {
        let fault = Fault::contradiction(self.path_of(key), shown, reason);
        let there = self.entries.get(key).map(|node| node.origin.clone());
        self.fault(fault, there.or_else(|| self.taken.get(key).cloned()).flatten());
    }

    /// Reports a missing required key, unless the value is not a table at all.
    pub fn missing(&self, key: &str, reason: impl Into<String>) {
        if !self.broken {
            self.fault(Fault::value(self.path_of(key), "", reason), None);
        }
    }

    /// Reports a fault that already has its full path.
    pub fn fault(&self, fault: Fault, origin: Option<Rc<str>>) {
        let origin = origin.or_else(|| self.origin.clone());
        self.findings.0.borrow_mut().found.push(Found { origin, fault });
    }

    /// How many faults were reported so far, in the whole tree; unknown keys are not among them.
    pub fn n_faults(&self) -> usize {
        self.findings.0.borrow().found.len()
    }

    /// Whether a fault of this path was reported already.
    pub fn is_faulty(&self, key: &str) -> bool {
        let path = self.path_of(key);
        self.findings.0.borrow().found.iter().any(|found| {
            found.fault.kind == FaultKind::Value
                && found
                    .fault
                    .path
                    .strip_prefix(&path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        })
    }

    /// Records the keys that were not taken as unknown.
    fn finish(self) {
        let paths: Vec<String> = self.entries.keys().map(|key| self.path_of(key)).collect();
        let mut collected = self.findings.0.borrow_mut();
        for (path, node) in paths.into_iter().zip(self.entries.into_iter().map(|(_, node)| node)) {
            collected.forget(path, node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::parse;

    #[test]
    fn keys_that_no_reader_took_are_unknown_in_the_order_of_the_walk() {
        let node = Node::from(&serde_json::json!({
            "colour": 1,
            "a": { "name": "x", "nam": "y", "inner": { "on": true, "no": false } },
            "b": { "of": 5 },
        }));
        let ((name, on), findings) = Table::walk(node, |root| {
            let read = root.table("a", |a| {
                let on = a.table("inner", |inner| inner.get("on", parse::boolean));
                (a.get("name", parse::text), on)
            });
            root.table("b", |b| b.get("off", parse::boolean));
            read
        });
        assert_eq!((name.as_deref(), on), (Some("x"), Some(true)));
        assert!(!findings.is_clean());
        let faults = findings.into_faults().into_iter().map(|found| found.fault.to_string());
        assert_eq!(
            faults.collect::<Vec<_>>(),
            [
                "a.inner.no = false: unknown key",
                "a.nam = \"y\": unknown key; did you mean name?",
                "b.of = 5: unknown key",
                "colour = 1: unknown key",
            ]
        );
    }

    #[test]
    fn the_first_unknown_keys_alone_are_compared_with_known_ones() {
        let keys: serde_json::Map<_, _> = (0..250).map(|n| (format!("rate_of_{n:03}"), n.into())).collect();
        let (_, findings) = Table::walk(Node::from(&serde_json::Value::Object(keys)), |root| {
            root.get("rate_of_all", parse::boolean);
        });
        let reasons: Vec<String> =
            findings.into_faults().into_iter().map(|found| found.fault.reason).collect();
        let suggested =
            reasons.iter().take_while(|reason| reason.ends_with("did you mean rate_of_all?")).count();
        assert_eq!((reasons.len(), suggested), (250, 100));
        assert!(reasons.iter().skip(100).all(|reason| reason == "unknown key"));
    }
}

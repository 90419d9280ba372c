//! Where settings come from, and how `config` puts one layer over the other. Each value keeps its origin,
//! so that a fault can name it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::SettingsFault;
use crate::plan::Fault;
use crate::tree::{Kind, Node, parse_toml};

/// What the variables of ours begin with.
pub const ENV_PREFIX: &str = "GROUNDSWELL__";
/// The origin of a value of the environment begins so, the variable's name follows.
const ENV_ORIGIN: &str = "environment ";
/// The origin of a value that a flag gave.
pub const FLAG_ORIGIN: &str = "command line";
/// Longest file, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The TOML file, if one is given.
    pub file: Option<PathBuf>,
    /// Flags as key paths and their text, as in `kafka.brokers`.
    pub flags: BTreeMap<String, String>,
    /// The variables that begin with [`ENV_PREFIX`], by their whole names.
    pub env: BTreeMap<String, String>,
}

impl Sources {
    /// A file and flags, over the environment of this process.
    pub fn new(file: Option<PathBuf>, flags: BTreeMap<String, String>) -> Self {
        let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.to_str()?.to_owned();
            name.starts_with(ENV_PREFIX).then(|| (name, value.to_string_lossy().into_owned()))
        };
        Self { file, flags, env: std::env::vars_os().filter_map(ours).collect() }
    }

    /// Flags alone, each a key path and its text.
    pub fn of_flags(flags: &[(&str, &str)]) -> Self {
        let flags = flags.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        Self { flags: flags.collect(), ..Self::default() }
    }

    /// A file alone.
    pub fn of_file(path: &Path) -> Self {
        Self { file: Some(path.to_owned()), ..Self::default() }
    }
}

/// The key path that a variable sets; `None` where its name has no key.
pub(super) fn key_of(variable: &str) -> Option<String> {
    let parts: Vec<String> =
        variable.strip_prefix(ENV_PREFIX)?.split("__").map(str::to_ascii_lowercase).collect();
    parts.iter().all(|part| is_plain(part)).then(|| parts.join("."))
}

/// Whether a key is one that `config` reads as itself, not as a path or an index.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// All layers as one tree, and the faults found before the walk.
pub(super) fn tree(sources: &Sources) -> (Node, Vec<SettingsFault>) {
    let mut faults = Vec::new();
    let file = sources.file.as_deref().map(|path| file_layer(path, &mut faults)).unwrap_or_default();
    let environment = environment_layer(&sources.env, &mut faults);
    let flags = flags_layer(&sources.flags);
    let layered = Config::builder().add_source(file).add_source(environment).add_source(flags).build();
    match layered {
        Ok(config) => {
            let mut node = Node::from(config.cache);
            loosen(&mut node);
            (node, faults)
        }
        Err(error) => {
            let fault = Fault::value("", "", error.to_string());
            faults.push(SettingsFault { origin: String::new(), fault });
            (Node::empty(), faults)
        }
    }
}

/// Keys (paths of plain names) and values of one source.
#[derive(Debug, Clone, Default)]
struct Layer(BTreeMap<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone().into_iter().collect())
    }
}

fn file_layer(path: &Path, faults: &mut Vec<SettingsFault>) -> Layer {
    let origin = path.display().to_string();
    let mut report = |fault| faults.push(SettingsFault { origin: origin.clone(), fault });
    let text = match read_text(path) {
        Ok(text) => text,
        Err(reason) => {
            report(Fault::value("", "", reason));
            return Layer::default();
        }
    };
    let table = match parse_toml(&text) {
        Ok(table) => table,
        Err(fault) => {
            report(fault);
            return Layer::default();
        }
    };
    let mut layer = BTreeMap::new();
    for (key, value) in table {
        if is_plain(&key) {
            layer.insert(key, config_value(value, &origin));
        } else {
            report(Fault::value(format!("{key:?}"), "", "unknown key"));
        }
    }
    Layer(layer)
}

fn read_text(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let length = std::fs::metadata(path).map_err(cannot)?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!("is {length} bytes long, and a config is at most {MAX_FILE_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(cannot)
}

fn config_value(value: toml::Value, origin: &String) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(integer) => ValueKind::I64(integer),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(on) => ValueKind::Boolean(on),
        toml::Value::Datetime(date) => ValueKind::String(date.to_string()),
        toml::Value::Array(list) => {
            ValueKind::Array(list.into_iter().map(|item| config_value(item, origin)).collect())
        }
        toml::Value::Table(table) => ValueKind::Table(
            table.into_iter().map(|(key, value)| (key, config_value(value, origin))).collect(),
        ),
    };
    Value::new(Some(origin), kind)
}

fn environment_layer(env: &BTreeMap<String, String>, faults: &mut Vec<SettingsFault>) -> Layer {
    let mut layer = BTreeMap::new();
    for (variable, text) in env {
        let origin = format!("{ENV_ORIGIN}{variable}");
        match key_of(variable) {
            Some(key) => {
                layer.insert(key, Value::new(Some(&origin), ValueKind::String(text.clone())));
            }
            None => {
                let reason = "names no key; a variable is GROUNDSWELL__SECTION__KEY";
                faults.push(SettingsFault { origin, fault: Fault::value("", "", reason) });
            }
        }
    }
    Layer(layer)
}

fn flags_layer(flags: &BTreeMap<String, String>) -> Layer {
    let origin = FLAG_ORIGIN.to_owned();
    let value = |text: &String| Value::new(Some(&origin), ValueKind::String(text.clone()));
    Layer(flags.iter().map(|(key, text)| (key.clone(), value(text))).collect())
}

/// Marks what came from the environment and from flags: text there takes the type of its field.
fn loosen(node: &mut Node) {
    node.loose =
        node.origin.as_deref().is_some_and(|origin| origin == FLAG_ORIGIN || origin.starts_with(ENV_ORIGIN));
    if let Kind::Table(entries) = &mut node.kind {
        entries.values_mut().for_each(loosen);
    }
}

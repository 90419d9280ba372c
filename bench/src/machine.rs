//! The machine of a run: its hardware, its load before the run, and the CPU time that the hypervisor took (steal).

use std::fs::read_to_string;

use serde::Serialize;

/// Where a run took place.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub processor: String,
    /// Cores that we may use.
    pub cores: usize,
    /// The hypervisor's mark, where there is one.
    pub is_virtual: bool,
    pub memory_gib: f64,
    pub kernel: String,
    pub system: String,
    /// Load average of the minute before.
    pub load_before: f64,
}

impl Machine {
    pub fn look() -> Self {
        let processor = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |text: &str, key: &str| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line[key.len()..].trim_matches([' ', '\t', ':', '=', '"']).to_owned())
        };
        let memory = field(&read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal");
        let kb = memory.and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0);
        let load = read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            processor: field(&processor, "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            is_virtual: field(&processor, "flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            memory_gib: kb / 1_048_576.0,
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            system: field(&read_to_string("/etc/os-release").unwrap_or_default(), "PRETTY_NAME=")
                .unwrap_or_default(),
            load_before: load.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// Time of all cores since boot, in the kernel's ticks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ticks {
    all: f64,
    stolen: f64,
}

impl Ticks {
    pub fn now() -> Self {
        let stat = read_to_string("/proc/stat").unwrap_or_default();
        let first = stat.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = first.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; what follows is counted in user already.
        Self { all: ticks.iter().take(8).sum(), stolen: ticks.get(7).copied().unwrap_or(0.0) }
    }

    /// The share that the hypervisor gave to others since then.
    pub fn stolen_since(earlier: Self) -> f64 {
        let now = Self::now();
        let all = now.all - earlier.all;
        if all > 0.0 { (now.stolen - earlier.stolen) / all } else { 0.0 }
    }
}

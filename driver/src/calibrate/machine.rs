//! Which machine a calibration is of, as far as the figures depend on it.

use std::fs::read_to_string;

use serde::{Deserialize, Serialize};

use crate::cpu::cores;

/// Stands for a value that cannot be read.
const UNKNOWN: &str = "unknown";

/// A machine, as the kernel describes it. Figures measured on one machine do not hold for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    pub host: String,
    /// Cores that this process may use.
    pub cores: u32,
    pub cpu: String,
    pub kernel: String,
    /// What the kernel's clock counts by, as in `tsc`.
    pub clock_source: String,
}

impl MachineFacts {
    pub fn this() -> Self {
        let line = |path: &str| {
            let text = read_to_string(path).unwrap_or_default();
            let text = text.trim();
            if text.is_empty() { UNKNOWN.to_owned() } else { text.to_owned() }
        };
        Self {
            host: line("/proc/sys/kernel/hostname"),
            cores: cores(),
            cpu: cpu_model(&read_to_string("/proc/cpuinfo").unwrap_or_default()),
            kernel: line("/proc/sys/kernel/osrelease"),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        }
    }
}

/// The first model that `/proc/cpuinfo` names; some architectures name none.
fn cpu_model(cpuinfo: &str) -> String {
    let model =
        cpuinfo.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == "model name");
    model.map_or_else(|| UNKNOWN.to_owned(), |(_, model)| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described_by_what_the_kernel_reports() {
        let this = MachineFacts::this();
        assert!(this.cores >= 1 && !this.kernel.is_empty(), "{this:?}");
        assert_eq!(this, MachineFacts::this(), "the same each time");
        assert_eq!(
            cpu_model("processor\t: 0\nmodel name\t: A CPU: 3 GHz\nmodel name\t: B\n"),
            "A CPU: 3 GHz"
        );
        assert_eq!(cpu_model("CPU implementer\t: 0x41\n"), UNKNOWN);
    }
}

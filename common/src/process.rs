//! What Linux counts of this process, by the names that every exporter for Prometheus gives them. Open descriptors are not among
//! them: to count them is a walk over all, of which a driver may have 65,536.

use rustix::param::{clock_ticks_per_second, page_size};

use crate::prometheus::Exposition;

/// The figures of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Process {
    /// User and system time, s.
    cpu_s: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    /// Unix time, s.
    started_at_s: f64,
}

impl Process {
    /// From `/proc/self/stat` and `/proc/stat`; `None` where they are not as proc(5) has them.
    fn read(own: &str, machine: &str, (ticks_per_s, page_bytes): (u64, u64)) -> Option<Self> {
        // The name of the program comes second, in parentheses, and may hold anything.
        let fields: Vec<&str> = own.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // proc(5) counts from 1, and the third is the first here.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let booted_at_s = machine.lines().find_map(|line| line.strip_prefix("btime "))?;
        let seconds = |ticks: u64| ticks as f64 / ticks_per_s as f64;
        Some(Self {
            cpu_s: seconds(field(14)?.saturating_add(field(15)?)),
            resident_bytes: field(24)?.saturating_mul(page_bytes),
            virtual_bytes: field(23)?,
            started_at_s: booted_at_s.trim().parse::<f64>().ok()? + seconds(field(22)?),
        })
    }
}

/// The samples of this process as Prometheus reads them, empty where the kernel does not show them.
pub fn prometheus() -> String {
    let units = (clock_ticks_per_second(), page_size() as u64);
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let process = read("/proc/self/stat").zip(read("/proc/stat"));
    let Some(process) = process.and_then(|(own, machine)| Process::read(&own, &machine, units)) else {
        return String::new();
    };
    let mut text = Exposition::new("process_");
    text.counter("cpu_seconds_total", "CPU time of the process, user and system, in seconds.")
        .value(process.cpu_s);
    text.gauge("resident_memory_bytes", "Memory of the process that is in RAM.")
        .value(process.resident_bytes);
    text.gauge("virtual_memory_bytes", "Address space of the process.").value(process.virtual_bytes);
    text.gauge("start_time_seconds", "When the process started, Unix time in seconds.")
        .value(process.started_at_s);
    text.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let own = "71 (a) b (c)) S 1 71 71 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 12345 8192000 77 18446744073709551615 1";
        let machine = "cpu  1 2 3\nintr 5\nbtime 1795456638\nprocesses 9\n";
        let expected = Process {
            cpu_s: 3.0,
            resident_bytes: 77 * 4_096,
            virtual_bytes: 8_192_000,
            started_at_s: 1_795_456_638.0 + 123.45,
        };
        assert_eq!(Process::read(own, machine, (100, 4_096)), Some(expected));
        for (own, machine) in [("", machine), ("71 (a) S 1 2", machine), (own, "cpu 1\n")] {
            assert_eq!(Process::read(own, machine, (100, 4_096)), None);
        }
    }

    #[test]
    fn this_process_has_them() {
        let text = prometheus();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        let now_s = crate::clock::unix_us() as f64 / 1e6;
        assert!(value("process_start_time_seconds") < now_s + 2.0);
    }
}

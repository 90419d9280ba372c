//! Which machine this is, as far as that matters to its clock.

/// Names the running kernel: processes with the same name go by the same clock, containers included. The kernel draws it
/// at random when it boots. `None` where `/proc` cannot be read.
pub fn kernel_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_kernel_stays_while_it_runs() {
        let id = kernel_id().unwrap();
        assert_eq!(id.len(), 36, "a UUID: {id}");
        assert_eq!(kernel_id().unwrap(), id);
    }
}

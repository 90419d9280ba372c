//! Keeps a core awake: a processor that a hypervisor has halted takes some 0.3 ms to notice the first request, which
//! would count against every tool. In the idle scheduling class it takes no time from other processes.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Spins until stdin closes.
///
/// # Errors
/// Where stdin cannot be read.
pub fn run() -> anyhow::Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let spinner = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    };
    let read = std::io::stdin().read_to_end(&mut Vec::new());
    over.store(true, Ordering::Relaxed);
    // It cannot have panicked: it does nothing.
    let _ = spinner.join();
    read?;
    Ok(())
}

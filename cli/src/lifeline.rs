//! What ties a child to its parent: the child ends when its stdin closes, which the kernel does even when
//! the parent is killed with -9 (PDEATHSIG would follow the thread that spawned, not the process).

use std::io::Read;
use std::time::Duration;

use tokio::sync::watch;

/// How long a child may take to end in order once its parent is gone.
const GRACE: Duration = Duration::from_secs(2);

/// Watches stdin on a thread of its own; the receiver turns true when it closes. A child that has not ended
/// [`GRACE`] later is ended.
pub fn watch_parent() -> watch::Receiver<bool> {
    let (gone, parent) = watch::channel(false);
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 256];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut buffer), Ok(n) if n > 0) {}
        // The receiver may be gone; then the process is shutting down already.
        let _ = gone.send(true);
        std::thread::sleep(GRACE);
        std::process::exit(crate::exit::ExitCode::CouldNot as i32);
    });
    parent
}

//! What a node tells the service manager that started it: ready, alive, ending. Does nothing where there is
//! none (`NOTIFY_SOCKET` is not set).

use std::time::Duration;

use sd_notify::NotifyState;

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        log::warn!(error:%; "the service manager does not listen");
    }
}

/// Tells that the node serves, and from now on, twice per watchdog interval, that it is alive: from the
/// caller's own event loop, so that a node whose loop is stuck is restarted.
pub fn ready() {
    tell(NotifyState::Ready);
    let mut interval_us = 0;
    if sd_notify::watchdog_enabled(false, &mut interval_us) {
        let every = Duration::from_micros(interval_us / 2).max(Duration::from_millis(1));
        actix::spawn(async move {
            let mut tick = tokio::time::interval(every);
            loop {
                tick.tick().await;
                tell(NotifyState::Watchdog);
            }
        });
    }
}

/// Tells that the node is ending in order.
pub fn ending() {
    tell(NotifyState::Stopping);
}

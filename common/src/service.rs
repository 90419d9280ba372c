//! What a node reports to the service manager that started it (systemd's notify protocol): what it waits for, that it is
//! ready, that its loop runs, that it ends. Does nothing where no manager listens (`NOTIFY_SOCKET` is not set).

use std::collections::BTreeMap;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

/// Sends one state to the manager.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        log::warn!(error:%; "the service manager does not listen");
    }
}

/// What a node still needs before it can work, by subject. A clone is a handle to the same list.
#[derive(Debug, Clone, Default)]
pub struct Needs(watch::Sender<BTreeMap<&'static str, String>>);

impl Needs {
    /// Notes that the node waits for a subject, and why: `("Kafka", "Kafka at k1:9092")`. The text follows "waiting for"
    /// in the status.
    pub fn wait_for(&self, subject: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.0.send_if_modified(|needs| needs.insert(subject, text.clone()).as_ref() != Some(&text));
    }

    /// Notes that a subject is there.
    pub fn met(&self, subject: &'static str) {
        self.0.send_if_modified(|needs| needs.remove(subject).is_some());
    }

    /// Whether a subject is there.
    pub fn is_met(&self, subject: &'static str) -> bool {
        !self.0.borrow().contains_key(subject)
    }

    /// Reports to the service manager, for as long as it is polled: the watchdog's signs of life from the start on, what
    /// the node waits for, and once all is there that it is ready. A need that comes back changes the status alone: to
    /// the manager a node that was ready once has started.
    pub async fn report(self) {
        tokio::join!(watchdog(), self.follow(notify));
    }

    async fn follow(self, mut notify: impl FnMut(NotifyState<'_>)) {
        let mut changes = self.0.subscribe();
        let mut started = false;
        loop {
            let missing = changes.borrow_and_update().values().cloned().collect::<Vec<_>>().join(" and for ");
            if missing.is_empty() && !started {
                started = true;
                notify(NotifyState::Ready);
            }
            let status =
                if missing.is_empty() { "ready".to_owned() } else { format!("waiting for {missing}") };
            notify(NotifyState::Status(&status));
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Sends signs of life twice per watchdog interval, where the manager asks for them: from the caller's own event loop,
/// so that a node whose loop is stuck is restarted.
async fn watchdog() {
    let mut interval_us = 0;
    if sd_notify::watchdog_enabled(false, &mut interval_us) {
        let mut tick =
            tokio::time::interval(Duration::from_micros(interval_us / 2).max(Duration::from_millis(1)));
        loop {
            tick.tick().await;
            notify(NotifyState::Watchdog);
        }
    }
}

/// Reports that the node ends in order.
pub fn ending() {
    notify(NotifyState::Stopping);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[actix::test]
    async fn a_node_is_ready_once_all_that_it_needs_is_there() {
        let needs = Needs::default();
        needs.wait_for("Kafka", "Kafka at k1:9092");
        needs.wait_for("orchestrator", "the orchestrator at http://o:8080");
        let said = Rc::new(RefCell::new(Vec::new()));
        let notes = Rc::clone(&said);
        actix::spawn(needs.clone().follow(move |state| {
            notes.borrow_mut().push(match state {
                NotifyState::Ready => "READY".to_owned(),
                NotifyState::Status(text) => text.to_owned(),
                _ => "?".to_owned(),
            });
        }));
        let taken = async || {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            std::mem::take(&mut *said.borrow_mut())
        };
        assert_eq!(taken().await, ["waiting for Kafka at k1:9092 and for the orchestrator at http://o:8080"]);
        needs.met("orchestrator");
        assert_eq!(taken().await, ["waiting for Kafka at k1:9092"]);
        assert!(needs.is_met("orchestrator") && !needs.is_met("Kafka"));
        needs.wait_for("Kafka", "Kafka at k1:9092");
        assert_eq!(taken().await, [""; 0], "nothing new");
        needs.met("Kafka");
        assert_eq!(taken().await, ["READY", "ready"]);
        needs.wait_for("Kafka", "Kafka at k1:9092");
        assert_eq!(taken().await, ["waiting for Kafka at k1:9092"]);
        needs.met("Kafka");
        assert_eq!(taken().await, ["ready"], "it starts but once");
    }
}

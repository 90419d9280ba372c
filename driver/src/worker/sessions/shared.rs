//! How the sessions of a worker come by the values of `[shared]`, which change while they run.

use std::sync::Arc;

use tokio::sync::watch;

use super::Crew;
use crate::scenario::render::SharedValues;

impl<U> Crew<U> {
    /// Its sessions read the values of `[shared]` that come from there.
    pub fn reading(mut self, shared: Option<watch::Receiver<SharedValues>>) -> Self {
        if let Some(shared) = shared {
            self.read(shared.borrow().clone());
            self.shared = Some(shared);
        }
        self
    }

    /// Takes new values of `[shared]`, if there are any: between two turns, so that no session waits for them. To ask is a
    /// look at one number; only where it has changed, every few minutes, is the channel locked.
    #[inline]
    pub(super) fn look_at_shared(&mut self) {
        if let Some(shared) = self.shared.as_mut().filter(|shared| shared.has_changed().unwrap_or(false)) {
            let values = shared.borrow_and_update().clone();
            self.read(values);
        }
    }

    fn read(&mut self, values: SharedValues) {
        self.desk.shared = Arc::clone(&values);
        self.paper.shared = Arc::clone(&values);
        self.bench.shared = values;
    }
}

//! Windows on their way to Kafka and to the store, as rules: what is written next, what is published next, what memory
//! keeps, what is lost. It knows no actor, no Kafka, no SQLite and no clock; `actors::publisher` does what it hands
//! out.
//!
//! Every window that closes waits in memory for the store. It reaches Kafka by one of two ways: from memory, or from
//! the store, where memory has no room for it or an earlier process left it. The outbox is *behind* while the store has
//! windows for Kafka that memory does not have; a window that closes then goes by the store, so that it does not
//! overtake them. The store is read only when memory has nothing for Kafka, and nothing for the store either. So all
//! that it returns is newer than what was published and older than what closes meanwhile: windows keep their order, and
//! none comes by both ways.
//!
//! A window that Kafka has gets a *mark* in the store, which is written no sooner than the window itself. A mark that
//! came before its window would have no row to mark, and the window would be published again later.

use std::collections::VecDeque;

use crate::store::{Batch, StoredWindow, WindowKey};

/// Most windows kept in memory for Kafka; past that they come from the store.
pub const IN_MEMORY: usize = 128;
/// Most windows kept in memory for a store that cannot be written.
pub const UNSAVED: usize = 1_024;
/// Most windows in one transaction, and in one reading.
pub const BATCH: usize = 64;

/// Something to do at the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreWork {
    /// Write this. Its result is [`Outbox::saved`] or [`Outbox::store_failed`].
    Save(Batch),
    /// Read the oldest windows that Kafka does not have. Its result is [`Outbox::loaded`] or [`Outbox::store_failed`].
    Load {
        /// How many at most.
        limit: u32,
    },
}

/// A window that is no longer kept for the store, which cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstored {
    pub key: WindowKey,
    /// Whether nothing keeps it any more: Kafka does not have it, and it does not wait for Kafka in memory.
    pub lost: bool,
}

/// What the store has to do.
#[derive(Debug)]
enum AtStore {
    /// Write so many of the windows and of the marks that wait, the oldest.
    Save {
        n_windows: usize,
        n_marks: usize,
    },
    Load,
}

/// The windows that Kafka or the store do not have yet. It hands out one thing for each of them at a time, and the next
/// when it has the result of the last.
#[derive(Debug)]
pub struct Outbox {
    /// For Kafka, the oldest first. The first one may be at Kafka already.
    for_kafka: VecDeque<StoredWindow>,
    /// For the store, the oldest first. Those that are to go from memory to Kafka, too, come before those that are not:
    /// the outbox ceases to be behind only when nothing waits here.
    for_store: VecDeque<StoredWindow>,
    /// Windows that Kafka has, and that the store has not marked yet, in the order of their publication.
    marks: VecDeque<WindowKey>,
    /// The store has windows for Kafka that `for_kafka` does not have.
    behind: bool,
    /// Something was closed since the store was last asked for what is unpublished.
    grown: bool,
    at_store: Option<AtStore>,
    at_kafka: bool,
}

impl Default for Outbox {
    /// An outbox that has yet to look at what an earlier process left in the store.
    fn default() -> Self {
        Self {
            for_kafka: VecDeque::new(),
            for_store: VecDeque::new(),
            marks: VecDeque::new(),
            behind: true,
            grown: false,
            at_store: None,
            at_kafka: false,
        }
    }
}

impl Outbox {
    /// Takes a window that has closed. Where [`UNSAVED`] wait for the store already, the oldest of them that is not at
    /// the store goes, and is returned.
    #[must_use]
    pub fn closed(&mut self, window: StoredWindow) -> Option<Unstored> {
        if !self.behind && self.for_kafka.len() < IN_MEMORY {
            self.for_kafka.push_back(window.clone());
        } else {
            self.behind = true;
        }
        let unstored = if self.for_store.len() >= UNSAVED { self.give_up_one() } else { None };
        self.for_store.push_back(window);
        self.grown = true;
        unstored
    }

    fn give_up_one(&mut self) -> Option<Unstored> {
        let at_store = match self.at_store {
            Some(AtStore::Save { n_windows, .. }) => n_windows,
            Some(AtStore::Load) | None => 0,
        };
        let StoredWindow { key, .. } = self.for_store.remove(at_store)?;
        let n_marks = self.marks.len();
        // It gets no row, so it needs no mark.
        self.marks.retain(|mark| *mark != key);
        let is_published = self.marks.len() < n_marks;
        let lost = !is_published && self.for_kafka.iter().all(|window| window.key != key);
        Some(Unstored { key, lost })
    }

    /// What to do at the store now; `None`: nothing, or the result of the last thing is not there yet.
    pub fn next_for_store(&mut self) -> Option<StoreWork> {
        if self.at_store.is_some() {
            return None;
        }
        if !self.for_store.is_empty() || !self.marks.is_empty() {
            let n_windows = self.for_store.len().min(BATCH);
            let n_marks = self.n_marks_before(n_windows);
            self.at_store = Some(AtStore::Save { n_windows, n_marks });
            return Some(StoreWork::Save(Batch {
                windows: self.for_store.iter().take(n_windows).cloned().collect(),
                published: self.marks.iter().take(n_marks).cloned().collect(),
            }));
        }
        if self.behind && self.for_kafka.is_empty() {
            self.grown = false;
            self.at_store = Some(AtStore::Load);
            return Some(StoreWork::Load { limit: BATCH as u32 });
        }
        None
    }

    /// How many marks, from the oldest on, are of windows that have a row once so many of those for the store are
    /// written. Marks and windows have the same order, and a window that Kafka has means that it has the ones before:
    /// so the mark of the first window that stays out, if there is one, is the first mark that stays out.
    fn n_marks_before(&self, n_windows: usize) -> usize {
        let next = self.for_store.get(n_windows);
        let its_mark = next.and_then(|next| self.marks.iter().position(|mark| *mark == next.key));
        its_mark.unwrap_or(self.marks.len())
    }

    /// The store has written what it was given.
    pub fn saved(&mut self) {
        if let Some(AtStore::Save { n_windows, n_marks }) = self.at_store.take() {
            self.for_store.drain(..n_windows);
            self.marks.drain(..n_marks);
        }
    }

    /// The store has read the oldest windows that Kafka does not have.
    pub fn loaded(&mut self, windows: Vec<StoredWindow>) {
        self.at_store = None;
        self.behind = windows.len() >= BATCH || self.grown;
        self.for_kafka.extend(windows);
    }

    /// The store could not do what it was given; it is handed out again.
    pub fn store_failed(&mut self) {
        self.at_store = None;
    }

    /// The window to publish now; `None`: none waits in memory, or the result of the last one is not there yet.
    pub fn next_for_kafka(&mut self) -> Option<StoredWindow> {
        if self.at_kafka {
            return None;
        }
        let window = self.for_kafka.front()?.clone();
        self.at_kafka = true;
        Some(window)
    }

    /// Kafka has the window that was handed out; returns it.
    pub fn published(&mut self) -> Option<StoredWindow> {
        if !std::mem::take(&mut self.at_kafka) {
            return None;
        }
        let window = self.for_kafka.pop_front()?;
        self.marks.push_back(window.key.clone());
        Some(window)
    }

    /// Kafka did not take the window that was handed out; it is handed out again.
    pub fn kafka_failed(&mut self) {
        self.at_kafka = false;
    }

    /// How many windows wait for Kafka in memory.
    pub fn waiting(&self) -> usize {
        self.for_kafka.len()
    }

    /// Whether Kafka has every window that is not lost, and the store has them, too, and knows that.
    pub fn is_done(&self) -> bool {
        !self.behind
            && self.at_store.is_none()
            && self.for_kafka.is_empty()
            && self.for_store.is_empty()
            && self.marks.is_empty()
    }
}

#[cfg(test)]
mod tests;

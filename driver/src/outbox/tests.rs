use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use common::ids::{Epoch, TestId};
use common::wire::{Topic, WrittenRecord};
use proptest::prelude::*;

use super::*;

/// What happens to an outbox.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// So many windows close.
    Closed(u64),
    /// The store does what it was given, so many times.
    StoreDoes(u32),
    StoreFails,
    /// The store writes, and dies before it says so.
    StoreDiesAfterIt,
    /// Kafka takes so many windows.
    KafkaTakes(u32),
    KafkaFails,
    /// So many times a window closes, Kafka takes it, and the store fails.
    OnlyKafka(u32),
}

/// An outbox between a store and a Kafka.
#[derive(Default)]
struct Scene {
    outbox: Outbox,
    closed: u64,
    /// The store's windows by their number, and whether each is marked.
    rows: BTreeMap<u64, bool>,
    /// What Kafka has, in the order in which it came.
    taken: Vec<u64>,
    lost: BTreeSet<u64>,
    at_store: Option<StoreWork>,
    at_kafka: Option<StoredWindow>,
}

fn window(seq: u64) -> StoredWindow {
    let key = WindowKey { test_id: TestId::new("t").unwrap(), epoch: Epoch(1), seq, from_us: 0 };
    let record = WrittenRecord { topic: Topic::Metrics, key: String::new(), payload: String::new() };
    StoredWindow { key, is_final: false, record: Arc::new(record) }
}

impl Scene {
    /// An earlier process left so many windows in the store, which Kafka does not have.
    fn after(earlier: u64) -> Self {
        let rows = (0..earlier).map(|seq| (seq, false)).collect();
        let mut scene = Self { closed: earlier, rows, ..Self::default() };
        scene.hand_out();
        scene
    }

    fn hand_out(&mut self) {
        if let Some(work) = self.outbox.next_for_store() {
            assert_eq!(self.at_store.replace(work), None, "one thing at a time");
        }
        if let Some(window) = self.outbox.next_for_kafka() {
            assert_eq!(self.at_kafka.replace(window), None, "one window at a time");
        }
    }

    fn close(&mut self) {
        if let Some(Unstored { key, lost: true }) = self.outbox.closed(window(self.closed)) {
            self.lost.insert(key.seq);
        }
        self.closed += 1;
        self.hand_out();
    }

    fn at_store(&mut self, does_it: bool, says_so: bool) {
        match self.at_store.take() {
            None => return,
            Some(StoreWork::Save(batch)) => {
                assert!(batch.windows.len() <= BATCH);
                if does_it {
                    self.write(&batch);
                }
                if says_so { self.outbox.saved() } else { self.outbox.store_failed() }
            }
            Some(StoreWork::Load { limit }) if says_so => {
                let unmarked = self.rows.iter().filter(|(_, marked)| !**marked).map(|(seq, _)| window(*seq));
                self.outbox.loaded(unmarked.take(limit as usize).collect());
            }
            Some(StoreWork::Load { .. }) => self.outbox.store_failed(),
        }
        self.hand_out();
    }

    /// As `WindowStore::write` does it.
    fn write(&mut self, batch: &Batch) {
        for seq in batch.windows.iter().map(|window| window.key.seq) {
            let newer = self.rows.last_key_value().is_none_or(|(last, _)| *last < seq);
            assert!(newer || self.rows.contains_key(&seq), "window {seq} is stored behind newer ones");
            self.rows.entry(seq).or_insert(false);
        }
        for key in &batch.published {
            self.rows.entry(key.seq).and_modify(|marked| *marked = true);
        }
    }

    fn at_kafka(&mut self, takes_it: bool) {
        let Some(window) = self.at_kafka.take() else { return };
        if takes_it {
            assert_eq!(self.outbox.published().as_ref(), Some(&window));
            self.taken.push(window.key.seq);
        } else {
            self.outbox.kafka_failed();
        }
        self.hand_out();
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Closed(n) => (0..n).for_each(|_| self.close()),
            Event::StoreDoes(n) => (0..n).for_each(|_| self.at_store(true, true)),
            Event::StoreFails => self.at_store(false, false),
            Event::StoreDiesAfterIt => self.at_store(true, false),
            Event::KafkaTakes(n) => (0..n).for_each(|_| self.at_kafka(true)),
            Event::KafkaFails => self.at_kafka(false),
            Event::OnlyKafka(n) => (0..n).for_each(|_| {
                self.close();
                self.at_kafka(true);
                self.at_store(false, false);
            }),
        }
        self.check();
    }

    /// What holds at every instant.
    #[track_caller]
    fn check(&self) {
        assert!(self.taken.is_sorted_by(|a, b| a < b), "each once and in order: {:?}", self.taken);
        assert!(self.outbox.waiting() <= IN_MEMORY && self.outbox.for_store.len() <= UNSAVED);
        assert!(self.outbox.marks.len() <= UNSAVED + IN_MEMORY + BATCH, "{}", self.outbox.marks.len());
        if self.outbox.is_done() {
            assert_eq!(self.accounted().len() as u64, self.closed, "nothing is left");
            assert!(self.rows.values().all(|marked| *marked), "and the store knows it");
        }
    }

    fn accounted(&self) -> BTreeSet<u64> {
        self.lost.iter().chain(&self.taken).copied().collect()
    }

    /// Kafka and the store do all that is left.
    #[track_caller]
    fn drain(&mut self) {
        for _ in 0..10_000 {
            if self.outbox.is_done() {
                return self.check();
            }
            self.at_store(true, true);
            self.at_kafka(true);
        }
        panic!("it is never done");
    }
}

#[track_caller]
fn check(caption: &str, earlier: u64, events: &[Event], lost: Range<u64>) {
    let mut scene = Scene::after(earlier);
    events.iter().for_each(|event| scene.happens(*event));
    scene.drain();
    assert_eq!(scene.lost, lost.collect::<BTreeSet<_>>(), "{caption}: lost");
    let published: Vec<u64> = (0..scene.closed).filter(|seq| !scene.lost.contains(seq)).collect();
    assert_eq!(scene.taken, published, "{caption}: published");
}

#[test]
fn every_window_is_published_or_lost() {
    use Event::{Closed, KafkaFails, KafkaTakes, OnlyKafka, StoreDiesAfterIt, StoreDoes, StoreFails};
    let (memory, unsaved, batch) = (IN_MEMORY as u64, UNSAVED as u64, BATCH as u64);
    for (caption, earlier, events, lost) in [
        ("both keep up", 0, &[StoreDoes(1), Closed(1), KafkaTakes(1), StoreDoes(2), Closed(2)][..], 0..0),
        ("nothing closes", 0, &[], 0..0),
        ("an outage longer than memory", 0, &[StoreDoes(1), Closed(memory + 100), StoreDoes(9)], 0..0),
        ("an earlier process left more than is read at once", 3 * batch, &[Closed(5), StoreDoes(2)], 0..0),
        ("closed while the store is read", 3, &[Closed(3), KafkaTakes(1), StoreDoes(1), Closed(3)], 0..0),
        ("kafka refuses", 0, &[StoreDoes(1), Closed(2), KafkaFails, KafkaFails, KafkaTakes(1)], 0..0),
        ("the store writes and dies", 2, &[Closed(2), StoreDoes(1), StoreDiesAfterIt, StoreFails], 0..0),
        ("kafka is ahead of the store", 0, &[StoreDoes(1), OnlyKafka(200), Closed(200)], 0..0),
        // For 2,000 s the store takes nothing and Kafka everything: the store lacks the oldest, and none is lost.
        ("the store is away for longer than memory", 0, &[StoreDoes(1), OnlyKafka(2_000)], 0..0),
        // The first window is at the store, which may yet write it. Those that memory has for Kafka are not lost.
        ("neither takes anything", 0, &[StoreDoes(1), Closed(memory + unsaved + 10)], memory..memory + 11),
        ("the store was never read", 0, &[StoreFails, Closed(unsaved + 10), StoreFails], 0..10),
    ] {
        check(caption, earlier, events, lost);
    }
}

#[test]
fn a_window_is_marked_no_sooner_than_it_is_stored() {
    let mut scene = Scene::after(0);
    scene.happens(Event::StoreDoes(1));
    scene.happens(Event::OnlyKafka(BATCH as u32 + 1));
    let Some(StoreWork::Save(batch)) = &scene.at_store else { panic!("{:?}", scene.at_store) };
    assert_eq!((batch.windows.len(), batch.published.len()), (BATCH, BATCH));
    scene.happens(Event::StoreDoes(1));
    let Some(StoreWork::Save(batch)) = &scene.at_store else { panic!("{:?}", scene.at_store) };
    assert_eq!((batch.windows.len(), batch.published.len()), (1, 1));
}

fn event(most_at_once: u64) -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (1..most_at_once).prop_map(Event::Closed),
        2 => (1_u32..8).prop_map(Event::StoreDoes),
        2 => Just(Event::StoreFails),
        2 => (1_u32..200).prop_map(Event::KafkaTakes),
        1 => Just(Event::KafkaFails),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_fails_every_window_is_published_once_in_order_or_counted_as_lost(
        earlier in 0_u64..200,
        events in prop::collection::vec(event(600), 0..30),
    ) {
        let mut scene = Scene::after(earlier);
        events.iter().for_each(|event| scene.happens(*event));
        scene.drain();
        prop_assert_eq!(scene.taken.len() + scene.lost.len(), scene.closed as usize, "one or the other");
    }

    /// The store may have written what it could not confirm. While it does not fail for so long that windows are given
    /// up, nothing is published twice for that, and nothing is lost.
    #[test]
    fn a_store_that_dies_after_it_wrote_makes_no_difference(
        earlier in 0_u64..200,
        events in prop::collection::vec(
            prop_oneof![3 => event(50), 1 => Just(Event::StoreDiesAfterIt)],
            0..20,
        ),
    ) {
        let mut scene = Scene::after(earlier);
        events.iter().for_each(|event| scene.happens(*event));
        scene.drain();
        prop_assert_eq!(scene.taken, (0..scene.closed).collect::<Vec<_>>());
    }
}

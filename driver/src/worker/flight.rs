//! The attempts of one worker that are in flight: each a task of its own, all of which can be given up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use actix_rt::task::JoinHandle;
use common::counters::ErrorKind;
use tokio::sync::Notify;

use super::recorder::{Due, Recorder};
use crate::engine::{Engine, Exchange};
use crate::load_job::{Nanos, StartAt};

/// One attempt in flight.
struct Attempt {
    due: Due,
    /// `None` until its task was polled for the first time.
    began: Option<Nanos>,
    task: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Attempts {
    by_number: HashMap<u64, Attempt>,
    next: u64,
}

/// What is in flight.
pub struct Flight {
    attempts: Rc<RefCell<Attempts>>,
    recorder: Rc<RefCell<Recorder>>,
    emptied: Rc<Notify>,
    start: StartAt,
}

impl Flight {
    /// Nothing yet.
    pub fn new(recorder: Rc<RefCell<Recorder>>, start: StartAt) -> Self {
        Self { attempts: Rc::default(), recorder, emptied: Rc::new(Notify::new()), start }
    }

    /// How many attempts are in flight.
    pub fn len(&self) -> u32 {
        // Bounded by the plan's u32.
        u32::try_from(self.attempts.borrow().by_number.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.attempts.borrow().by_number.is_empty()
    }

    /// Waits until one of the ends leaves none.
    pub async fn emptied(&self) {
        self.emptied.notified().await;
    }

    /// Begins an attempt in a task of its own; `began` notes the instant and says whether it came too soon
    /// after the one before.
    pub fn send<E: Engine>(&self, engine: &Rc<E>, due: Due, began: impl Fn(Nanos) -> bool + 'static) {
        let number = self.enter(due);
        let (flight, engine) = (self.share(), Rc::clone(engine));
        let task = actix_rt::spawn(async move {
            let at = flight.start.nanos(Instant::now());
            flight.begins(number, due, at, began(at));
            let exchange = engine.exchange().await;
            flight.ends(number, due, at, &exchange);
        });
        if let Some(attempt) = self.attempts.borrow_mut().by_number.get_mut(&number) {
            attempt.task = Some(task);
        }
    }

    /// Makes an attempt within the caller's own task.
    pub async fn attempt<E: Engine>(&self, engine: &E, due: Due) -> Exchange {
        let number = self.enter(due);
        self.begins(number, due, due.at, false);
        let exchange = engine.exchange().await;
        self.ends(number, due, due.at, &exchange);
        exchange
    }

    /// A second handle on the same attempts.
    pub fn share(&self) -> Self {
        Self {
            attempts: Rc::clone(&self.attempts),
            recorder: Rc::clone(&self.recorder),
            emptied: Rc::clone(&self.emptied),
            start: self.start,
        }
    }

    /// Gives up all attempts: they count as failed, with the time they took so far.
    pub fn give_up(&self, now: Nanos, kind: ErrorKind) {
        let given_up = std::mem::take(&mut self.attempts.borrow_mut().by_number);
        let mut recorder = self.recorder.borrow_mut();
        for attempt in given_up.into_values() {
            if let Some(task) = attempt.task {
                task.abort();
            }
            let began = attempt.began.unwrap_or_else(|| {
                recorder.began(attempt.due, now, false);
                now
            });
            recorder.given_up(attempt.due, began, now, kind);
        }
    }

    fn enter(&self, due: Due) -> u64 {
        self.recorder.borrow_mut().sent(due);
        let mut attempts = self.attempts.borrow_mut();
        let number = attempts.next;
        attempts.next += 1;
        attempts.by_number.insert(number, Attempt { due, began: None, task: None });
        number
    }

    fn begins(&self, number: u64, due: Due, at: Nanos, short_gap: bool) {
        if let Some(attempt) = self.attempts.borrow_mut().by_number.get_mut(&number) {
            attempt.began = Some(at);
            self.recorder.borrow_mut().began(due, at, short_gap);
        }
    }

    fn ends(&self, number: u64, due: Due, began: Nanos, exchange: &Exchange) {
        let mut attempts = self.attempts.borrow_mut();
        // Given up meanwhile: it was counted then.
        if attempts.by_number.remove(&number).is_some() {
            let at = self.start.nanos(Instant::now());
            self.recorder.borrow_mut().ended(due, began, at, exchange);
            if attempts.by_number.is_empty() {
                self.emptied.notify_one();
            }
        }
    }
}

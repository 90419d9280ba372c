//! [`Ordered`]: the asynchronous work of an actor, one thing after the other.
//!
//! A handler must not wait, and a future that it spawns runs beside those of other messages: what has to happen in
//! order would need flags that say what is under way, and state that is shared with every future. So an actor with such
//! work is a front: it puts what its messages ask for into a bounded queue, and one task takes it out. The task owns
//! all state that the work needs, and the order is that of its lines: it awaits one thing, then begins the next. A
//! message with a result carries the sender of a `oneshot` into the queue.

use std::pin::Pin;

use actix::fut::wrap_future;
use actix::{Actor, AsyncContext, Context, ResponseFuture};
use tokio::sync::{mpsc, oneshot};

/// An actor's queue of work, and the task that does it.
///
/// The task ends only with its actor. What is put in after that is dropped: the node is ending.
pub struct Ordered<T> {
    queue: mpsc::Sender<T>,
    /// Until the actor starts.
    task: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl<T: 'static> Ordered<T> {
    /// A queue of at most so much work, for a task that takes from it once it is started.
    pub fn new<F>(bound: usize, task: impl FnOnce(mpsc::Receiver<T>) -> F) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let (queue, work) = mpsc::channel(bound);
        Self { queue, task: Some(Box::pin(task(work))) }
    }

    /// Starts the task: the actor calls this in `started`.
    pub fn start<A>(&mut self, context: &mut Context<A>)
    where
        A: Actor<Context = Context<A>>,
    {
        if let Some(task) = self.task.take() {
            context.spawn(wrap_future::<_, A>(task));
        }
    }

    /// Puts work in without waiting; false if the bound is reached, and the work is dropped.
    pub fn offer(&self, work: T) -> bool {
        self.queue.try_send(work).is_ok()
    }

    /// Puts work in, and waits for room. The work of several calls is put in in the order of the calls. Only for
    /// messages whose senders wait for the result: others would wait here without a bound.
    pub fn put(&self, work: T) -> ResponseFuture<()> {
        let queue = self.queue.clone();
        // Sent when the future is first polled. actix spawns the futures of its handlers in the order of the messages,
        // the executor polls them in the order in which they were spawned, and the channel grants room in that order.
        Box::pin(async move { drop(queue.send(work).await) })
    }

    /// Puts in work that is answered, waits for room as [`Ordered::put`] does, and then for the answer; `otherwise` is
    /// the answer of a task that has ended.
    pub fn ask<R: 'static>(
        &self,
        work: impl FnOnce(oneshot::Sender<R>) -> T,
        otherwise: R,
    ) -> ResponseFuture<R> {
        let (answer, answered) = oneshot::channel();
        let put = self.put(work(answer));
        Box::pin(async move {
            put.await;
            answered.await.unwrap_or(otherwise)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix::{Handler, Message};

    use super::*;

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Take {
        ms: u64,
    }

    #[derive(Message)]
    #[rtype(result = "Vec<u64>")]
    struct GetTaken;

    enum Work {
        Take(u64),
        Get(oneshot::Sender<Vec<u64>>),
    }

    struct Front(Ordered<Work>);

    impl Actor for Front {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            self.0.start(context);
        }
    }

    impl Handler<Take> for Front {
        type Result = ResponseFuture<()>;

        fn handle(&mut self, Take { ms }: Take, _: &mut Self::Context) -> Self::Result {
            self.0.put(Work::Take(ms))
        }
    }

    impl Handler<GetTaken> for Front {
        type Result = ResponseFuture<Vec<u64>>;

        fn handle(&mut self, _: GetTaken, _: &mut Self::Context) -> Self::Result {
            self.0.ask(Work::Get, Vec::new())
        }
    }

    async fn take_time(mut work: mpsc::Receiver<Work>) {
        let mut taken = Vec::new();
        while let Some(work) = work.recv().await {
            match work {
                Work::Take(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    taken.push(ms);
                }
                Work::Get(answer) => answer.send(taken.clone()).unwrap(),
            }
        }
    }

    #[actix::test]
    async fn work_is_done_in_the_order_of_the_messages_however_long_each_takes() {
        let front = Front(Ordered::new(1, take_time)).start();
        // The queue has room for one of them; kept, because a message whose future is dropped is cancelled.
        let _sent = [30, 0, 20, 1].map(|ms| front.send(Take { ms }));
        assert_eq!(front.send(GetTaken).await.unwrap(), [30, 0, 20, 1]);
    }

    #[test]
    fn the_bound_holds_and_nothing_is_done_before_the_start() {
        let ordered = Ordered::new(2, take_time);
        assert_eq!([1, 2, 3].map(|ms| ordered.offer(Work::Take(ms))), [true, true, false]);
    }
}

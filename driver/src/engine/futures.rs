//! An engine with one future per attempt. It gives a whole HTTP client, whose internals cannot be reached, the same
//! interface as the wire engine.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;

use super::h1::with_fields;
use super::{Ends, Engine, Exchange, Next, Opened, Outgoing, Place, RequestIndex, Spans, Wait};
use crate::start_at::{Nanos, StartAt};

/// A client that makes one attempt at a time per call; calls may overlap.
pub trait Client: 'static {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Makes one attempt with this request, connecting included, that ends at the latest after the request's timeout.
    /// Sends nothing twice. Dropping the future closes the connection. Meanwhile it notes in `so_far` how long the
    /// parts of the attempt took, and gives the answer's head and body to `answer` where those of the request are wanted. Of a
    /// body that comes as fast as it is read it lets others have their turn after a MiB or so: that bounds what waits
    /// for the engine's next turn.
    fn exchange(
        &self,
        request: RequestIndex,
        so_far: Rc<Cell<Spans>>,
        answer: AnswerSink,
    ) -> impl Future<Output = Exchange>;

    /// As [`Client::exchange`], with a request that was rendered for this attempt. A client that has no such requests
    /// sends the prepared one.
    fn exchange_rendered(
        &self,
        rendered: Rendered,
        so_far: Rc<Cell<Spans>>,
        answer: AnswerSink,
    ) -> impl Future<Output = Exchange> {
        self.exchange(rendered.request, so_far, answer)
    }

    /// As [`Engine::close_own`].
    fn close_own(&self, _slot: u32) {}

    /// What it opened so far.
    fn opened(&self) -> Opened;

    /// As [`Engine::redirected_to`].
    fn redirected_to(&self) -> Option<&str> {
        None
    }
}

type Attempt = Pin<Box<dyn Future<Output = End>>>;
type End = (Place, Nanos, Exchange);

/// A request that was rendered for one attempt; see [`Outgoing`].
#[derive(Debug, Clone)]
pub struct Rendered {
    pub request: RequestIndex,
    pub host: u16,
    pub own_connection: Option<u32>,
    pub bytes: Bytes,
}

/// A part of an answer that waits for the next turn.
#[derive(Debug)]
enum Piece {
    /// The bytes of a whole head, and its status.
    Head(u16, Bytes),
    Body(Bytes),
}

/// Parts of answers, and the places of their attempts, in the order they came.
type Pieces = Rc<RefCell<Vec<(Place, Piece)>>>;

/// Takes the head and the body of one attempt's answer, piece by piece, for the engine's next turn to pass on.
#[derive(Debug)]
pub struct AnswerSink {
    place: Place,
    pieces: Pieces,
}

impl AnswerSink {
    /// Takes the bytes of the head.
    pub fn head(&self, status: u16, bytes: Bytes) {
        self.pieces.borrow_mut().push((self.place, Piece::Head(status, bytes)));
    }

    /// Takes the next piece of the body.
    pub fn push(&self, piece: Bytes) {
        if !piece.is_empty() {
            self.pieces.borrow_mut().push((self.place, Piece::Body(piece)));
        }
    }
}

/// Wakes the worker that waits for [`Wait::ready`].
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

pub struct FutureEngine<C> {
    client: Rc<C>,
    start: StartAt,
    under_way: FuturesUnordered<Attempt>,
    /// Of the newest attempt at each place.
    so_far: Vec<Rc<Cell<Spans>>>,
    /// Parts of answers that no turn has passed on yet.
    pieces: Pieces,
    /// Ends of attempts that no turn has reported yet.
    ended: VecDeque<End>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<C: Client> FutureEngine<C> {
    /// An engine of a client, for a load that starts then.
    pub fn new(client: C, start: StartAt) -> Self {
        let bell = Arc::new(Bell(Notify::new()));
        Self {
            client: Rc::new(client),
            start,
            under_way: FuturesUnordered::new(),
            so_far: Vec::new(),
            pieces: Pieces::default(),
            ended: VecDeque::new(),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }

    /// What an attempt that begins at a place notes its parts in.
    fn notes(&mut self, place: Place) -> (Rc<Cell<Spans>>, AnswerSink) {
        if self.so_far.len() <= place as usize {
            self.so_far.resize_with(place as usize + 1, Rc::default);
        }
        let so_far = Rc::clone(&self.so_far[place as usize]);
        so_far.take();
        (so_far, AnswerSink { place, pieces: Rc::clone(&self.pieces) })
    }

    /// Polls what was woken, and keeps the ends.
    fn poll(&mut self) {
        let mut context = Context::from_waker(&self.waker);
        while let Poll::Ready(Some(end)) = self.under_way.poll_next_unpin(&mut context) {
            self.ended.push_back(end);
        }
    }
}

impl<C: Client> Wait for FutureEngine<C> {
    async fn ready(&self) {
        if self.ended.is_empty() && self.pieces.borrow().is_empty() {
            self.bell.0.notified().await;
        }
    }

    fn deadline(&self) -> Option<Nanos> {
        None
    }
}

impl<C: Client> Engine for FutureEngine<C> {
    fn name(&self) -> &'static str {
        self.client.name()
    }

    fn begin(&mut self, place: Place, request: RequestIndex, _: Nanos) {
        let (client, start) = (Rc::clone(&self.client), self.start);
        let (so_far, answer) = self.notes(place);
        self.under_way.push(Box::pin(async move {
            let exchange = client.exchange(request, so_far, answer).await;
            (place, start.nanos(Instant::now()), exchange)
        }));
        // Its first step is taken now: that is when the attempt begins.
        self.poll();
    }

    fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>, _: Nanos) {
        let (client, start) = (Rc::clone(&self.client), self.start);
        let (so_far, answer) = self.notes(place);
        let Outgoing { request, host, own_connection, bytes } = outgoing;
        let rendered = Rendered { request, host, own_connection, bytes: Bytes::copy_from_slice(bytes) };
        self.under_way.push(Box::pin(async move {
            let exchange = client.exchange_rendered(rendered, so_far, answer).await;
            (place, start.nanos(Instant::now()), exchange)
        }));
        self.poll();
    }

    fn close_own(&mut self, slot: u32) {
        self.client.close_own(slot);
    }

    fn turn(&mut self, _: Nanos, ends: &mut impl Ends) -> bool {
        self.poll();
        // All of them belong to attempts whose end has not been reported, so they come before it.
        let pieces = self.pieces.take();
        for (place, piece) in &pieces {
            match piece {
                Piece::Head(status, bytes) => {
                    with_fields(bytes, |fields| ends.head(*place, *status, fields));
                }
                Piece::Body(bytes) => ends.body(*place, bytes),
            }
        }
        // Only those present now: if an attempt that begins here ends at once, a later turn reports it.
        let n = self.ended.len();
        for (place, at, exchange) in self.ended.drain(..).collect::<Vec<_>>() {
            match ends.ended(place, at, &exchange) {
                Next::Begin(request) => self.begin(place, request, at),
                Next::Send(outgoing) => self.begin_rendered(place, outgoing, at),
                Next::Rest => {}
            }
        }
        n > 0 || !pieces.is_empty()
    }

    fn so_far(&self, place: Place) -> Spans {
        self.so_far.get(place as usize).map_or_else(Spans::default, |spans| spans.get())
    }

    fn abandon(&mut self) {
        self.under_way.clear();
        self.pieces.borrow_mut().clear();
        self.ended.clear();
    }

    fn redirected_to(&self) -> Option<&str> {
        self.client.redirected_to()
    }

    fn opened(&self) -> Opened {
        self.client.opened()
    }
}

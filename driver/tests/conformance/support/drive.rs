//! Both engines as one type, and a worker reduced to what an engine needs of it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::ops::Range;
use std::time::{Duration, Instant};

use driver::driver_test::DriverTest;
use driver::engine::{
    AwcClient, Dozed, Ends, Engine, Exchange, FutureEngine, Next, Opened, Outgoing, Place, RequestIndex,
    RequestSpec, Spans, Wait, WireEngine,
};
use driver::scenario::answer::Field;
use driver::start_at::{Nanos, StartAt};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Wire,
    Awc,
}

/// Each case runs through these, one after the other.
pub const BOTH: [Which; 2] = [Which::Wire, Which::Awc];

/// Longer than anything a test waits for on purpose.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A wait in place.
const DOZE: Nanos = 200_000;

/// One of the engines.
pub enum Either {
    Wire(Box<WireEngine>),
    Awc(FutureEngine<AwcClient>),
}

impl Either {
    pub fn new(which: Which, test: &DriverTest) -> Self {
        match which {
            Which::Wire => Self::Wire(Box::new(WireEngine::new(test).unwrap())),
            Which::Awc => Self::Awc(FutureEngine::new(AwcClient::new(test).unwrap(), test.start)),
        }
    }

    /// One that sends these requests, instead of the one of the test.
    pub fn of_each(which: Which, test: &DriverTest, requests: &[RequestSpec<'_>]) -> Self {
        match which {
            Which::Wire => Self::Wire(Box::new(WireEngine::of_each(test, requests).unwrap())),
            Which::Awc => {
                Self::Awc(FutureEngine::new(AwcClient::of_each(test, requests).unwrap(), test.start))
            }
        }
    }
}

impl Engine for Either {
    fn name(&self) -> &'static str {
        match self {
            Self::Wire(engine) => engine.name(),
            Self::Awc(engine) => engine.name(),
        }
    }

    fn begin(&mut self, place: Place, request: RequestIndex, now: Nanos) {
        match self {
            Self::Wire(engine) => engine.begin(place, request, now),
            Self::Awc(engine) => engine.begin(place, request, now),
        }
    }

    fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>, now: Nanos) {
        match self {
            Self::Wire(engine) => engine.begin_rendered(place, outgoing, now),
            Self::Awc(engine) => engine.begin_rendered(place, outgoing, now),
        }
    }

    fn close_own(&mut self, slot: u32) {
        match self {
            Self::Wire(engine) => engine.close_own(slot),
            Self::Awc(engine) => engine.close_own(slot),
        }
    }

    fn turn(&mut self, now: Nanos, ends: &mut impl Ends) -> bool {
        match self {
            Self::Wire(engine) => engine.turn(now, ends),
            Self::Awc(engine) => engine.turn(now, ends),
        }
    }

    fn connect_ahead(&mut self, connections: u32) {
        match self {
            Self::Wire(engine) => engine.connect_ahead(connections),
            Self::Awc(engine) => engine.connect_ahead(connections),
        }
    }

    fn has_spare(&self) -> bool {
        match self {
            Self::Wire(engine) => engine.has_spare(),
            Self::Awc(engine) => engine.has_spare(),
        }
    }

    fn so_far(&self, place: Place) -> Spans {
        match self {
            Self::Wire(engine) => engine.so_far(place),
            Self::Awc(engine) => engine.so_far(place),
        }
    }

    fn abandon(&mut self) {
        match self {
            Self::Wire(engine) => engine.abandon(),
            Self::Awc(engine) => engine.abandon(),
        }
    }

    fn opened(&self) -> Opened {
        match self {
            Self::Wire(engine) => engine.opened(),
            Self::Awc(engine) => engine.opened(),
        }
    }
}

impl Wait for Either {
    fn doze(&mut self, now: Nanos, until: Nanos) -> Dozed {
        match self {
            Self::Wire(engine) => engine.doze(now, until),
            Self::Awc(engine) => engine.doze(now, until),
        }
    }

    fn needs_runtime(&self) -> bool {
        match self {
            Self::Wire(engine) => engine.needs_runtime(),
            Self::Awc(engine) => engine.needs_runtime(),
        }
    }

    async fn ready(&self) {
        match self {
            Self::Wire(engine) => engine.ready().await,
            Self::Awc(engine) => engine.ready().await,
        }
    }

    fn deadline(&self) -> Option<Nanos> {
        match self {
            Self::Wire(engine) => engine.deadline(),
            Self::Awc(engine) => engine.deadline(),
        }
    }
}

/// A head that was passed on: its status, and names and values of its fields.
pub type Head = (u16, Vec<(String, String)>);

/// What was reported, and what follows it.
#[derive(Default)]
struct Reported {
    ends: Vec<(Place, Exchange)>,
    /// The bodies that came before these ends, in the same order.
    bodies: Vec<Vec<u8>>,
    /// The heads that came before these ends, in the same order.
    heads: Vec<Option<Head>>,
    /// What came of bodies of attempts that have not ended.
    coming: BTreeMap<Place, Vec<u8>>,
    /// The heads of attempts that have not ended.
    begun: BTreeMap<Place, Head>,
    /// Requests of the attempts that begin where one ends; where there is none left, nothing begins.
    next: VecDeque<Follow>,
    /// The bytes of the last one that was rendered, until the turn is over: a worker renders others over them then.
    paper: Vec<u8>,
}

/// A request that follows where an attempt ends.
#[derive(Debug, Clone)]
pub enum Follow {
    /// A prepared one.
    Prepared(RequestIndex),
    /// A rendered one: its bytes, and the rest of it.
    Rendered(Vec<u8>, Outgoing<'static>),
}

impl Ends for Reported {
    fn ended(&mut self, place: Place, _: Nanos, exchange: &Exchange) -> Next<'_> {
        self.ends.push((place, *exchange));
        self.bodies.push(self.coming.remove(&place).unwrap_or_default());
        self.heads.push(self.begun.remove(&place));
        match self.next.pop_front() {
            None => Next::Rest,
            Some(Follow::Prepared(request)) => Next::Begin(request),
            Some(Follow::Rendered(bytes, outgoing)) => {
                self.paper = bytes;
                Next::Send(Outgoing { bytes: &self.paper, ..outgoing })
            }
        }
    }

    fn head(&mut self, place: Place, status: u16, fields: &[Field<'_>]) {
        assert!(!self.coming.contains_key(&place), "a head comes before its body");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields = fields.iter().map(|field| (text(field.name), text(field.value))).collect();
        assert!(self.begun.insert(place, (status, fields)).is_none(), "a head comes once");
    }

    fn body(&mut self, place: Place, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "a piece has bytes");
        self.coming.entry(place).or_default().extend_from_slice(bytes);
    }
}

/// Drives one engine as a worker does.
pub struct Drive {
    pub which: Which,
    pub engine: Either,
    start: StartAt,
    reported: Reported,
}

impl Drive {
    pub fn new(which: Which, test: &DriverTest) -> Self {
        Self { which, engine: Either::new(which, test), start: test.start, reported: Reported::default() }
    }

    /// One whose engine sends these requests.
    pub fn of_each(which: Which, test: &DriverTest, requests: &[RequestSpec<'_>]) -> Self {
        Self { engine: Either::of_each(which, test, requests), ..Self::new(which, test) }
    }

    fn now(&self) -> Nanos {
        self.start.nanos(Instant::now())
    }

    /// One turn; whether it moved something.
    pub fn turn(&mut self) -> bool {
        let moved = self.engine.turn(self.now(), &mut self.reported);
        self.reported.paper.fill(b'?');
        moved
    }

    /// Begins an attempt, after a turn.
    pub fn begin(&mut self, place: Place) {
        self.begin_all(place..place + 1);
    }

    /// Begins attempts at these places, all of them after one turn.
    pub fn begin_all(&mut self, places: Range<Place>) {
        self.turn();
        for place in places {
            self.engine.begin(place, 0, self.now());
        }
    }

    /// Begins an attempt with one of several requests, after a turn. Where it ends, one with the first of `next` begins
    /// at once, and so on.
    pub fn begin_with(&mut self, place: Place, request: RequestIndex, next: &[RequestIndex]) {
        self.turn();
        self.follow(next.iter().map(|request| Follow::Prepared(*request)));
        self.engine.begin(place, request, self.now());
    }

    /// Where an attempt ends, the first of these begins at once, and so on.
    pub fn follow(&mut self, requests: impl IntoIterator<Item = Follow>) {
        self.reported.next.extend(requests);
    }

    /// Begins an attempt with a rendered request, after a turn.
    pub fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>) {
        self.turn();
        self.engine.begin_rendered(place, outgoing, self.now());
    }

    /// Makes one attempt with a rendered request; nothing else is under way.
    pub async fn exchange_rendered(&mut self, outgoing: Outgoing<'_>) -> Exchange {
        self.begin_rendered(0, outgoing);
        let ends = self.ends(1).await;
        assert_eq!((ends.len(), ends[0].0), (1, 0), "{ends:?}");
        ends[0].1
    }

    /// Drives it until something else has happened.
    pub async fn until(&mut self, happened: impl Future<Output = ()>) {
        let mut happened = std::pin::pin!(happened);
        let began = Instant::now();
        loop {
            assert!(
                began.elapsed() < PATIENCE,
                "{:?} waited in vain; reported: {:?}",
                self.which,
                self.reported.ends
            );
            let moved = self.turn() || self.dozes();
            tokio::select! {
                biased;
                () = &mut happened => return,
                () = self.something(), if !moved => {}
                () = tokio::task::yield_now(), if moved => {}
            }
        }
    }

    /// Turns it until something holds of it.
    pub async fn turned_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(
                began.elapsed() < PATIENCE,
                "{:?} was turned in vain; reported: {:?}",
                self.which,
                self.reported.ends
            );
            self.until(tokio::task::yield_now()).await;
        }
    }

    /// Waits a little in place, as a worker does first; whether there is something to move.
    fn dozes(&mut self) -> bool {
        let now = self.now();
        self.engine.doze(now, now + DOZE) == Dozed::Woken
    }

    /// Waits until a turn may move something.
    async fn something(&self) {
        let left = self
            .engine
            .deadline()
            .map_or(PATIENCE, |at| Duration::from_nanos(u64::try_from(at - self.now()).unwrap_or(0)));
        // A timeout is due between two ticks of this timer: it may be early by less than that.
        let left = left.min(Duration::from_secs(1)) + Duration::from_millis(1);
        tokio::select! {
            () = self.engine.ready() => {}
            () = tokio::time::sleep(left) => {}
        }
    }

    /// Drives it until so many ends were reported; returns these, in that order.
    pub async fn ends(&mut self, n: usize) -> Vec<(Place, Exchange)> {
        let began = Instant::now();
        while self.reported.ends.len() < n {
            assert!(
                began.elapsed() < PATIENCE,
                "{:?} reported {} ends of {n}",
                self.which,
                self.reported.ends.len()
            );
            if self.turn() || self.dozes() {
                tokio::task::yield_now().await;
            } else {
                self.something().await;
            }
        }
        std::mem::take(&mut self.reported.ends)
    }

    /// The bodies of the attempts whose ends were reported since the last call, in the order of the ends.
    pub fn bodies(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.reported.bodies)
    }

    /// The heads of the attempts whose ends were reported since the last call, in the order of the ends.
    pub fn heads(&mut self) -> Vec<Option<Head>> {
        std::mem::take(&mut self.reported.heads)
    }

    /// Makes one attempt; nothing else is under way.
    pub async fn exchange(&mut self) -> Exchange {
        self.exchange_with(0).await
    }

    /// Makes one attempt with one of several requests; nothing else is under way.
    pub async fn exchange_with(&mut self, request: RequestIndex) -> Exchange {
        self.begin_with(0, request, &[]);
        let ends = self.ends(1).await;
        assert_eq!((ends.len(), ends[0].0), (1, 0), "{ends:?}");
        ends[0].1
    }

    pub fn opened(&self) -> Opened {
        self.engine.opened()
    }
}

/// Makes one attempt of a test.
pub async fn exchange(which: Which, test: &DriverTest) -> Exchange {
    Drive::new(which, test).exchange().await
}

//! The kinds of latency, and one histogram of each: what a worker, a driver and a fleet keep.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Extremes, Latency, LatencyError, MAX_US};

crate::named! {
    /// Which latency a histogram holds. The words are those of interface.md.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum LatencyKind {
        /// Attempt began - due; every sent request.
        Lag = "lag",
        /// Last byte - attempt began; every answered or failed request.
        Service = "service",
        /// Last byte - due; every answered or failed request.
        Response = "response",
        /// The part of `service` that failed.
        FailedService = "failed_service",
        /// The part of `response` that failed.
        FailedResponse = "failed_response",
        /// Time to open the connection, TCP and TLS; every attempt that opened one.
        Connect = "connect",
        /// First byte of the answer - attempt began; every attempt that got one.
        FirstByte = "first_byte",
        /// From the poll's return to the handling of an event it brought.
        Turn = "turn",
        /// `service` of requests due in the warm-up.
        WarmupService = "warmup_service",
        /// `response` of requests due in the warm-up.
        WarmupResponse = "warmup_response",
    }
}

impl LatencyKind {
    /// The kind that holds the failed requests among those of this one; `None` where failed ones are not kept apart.
    pub fn failed(self) -> Option<Self> {
        match self {
            Self::Service => Some(Self::FailedService),
            Self::Response => Some(Self::FailedResponse),
            _ => None,
        }
    }
}

/// The kinds whose failed requests stand in a kind of their own.
pub(super) const ANSWERS: [LatencyKind; 2] = [LatencyKind::Service, LatencyKind::Response];

/// One histogram of each kind, with its exact smallest and largest sample.
///
/// The histograms of `service` and `response` hold every request that ended, since the rule that compares lag with
/// response needs them all. [`Latencies::completed`] takes the failed ones out, which is exact but for the two ends: so
/// the smallest and largest of the completed ones are kept beside.
#[derive(Debug, Clone)]
pub struct Latencies {
    of: [Latency; LatencyKind::ALL.len()],
    /// Of [`ANSWERS`], the completed ones; only looked at where some failed.
    completed: [Extremes; ANSWERS.len()],
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Latencies {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of && self.extremes() == other.extremes()
    }
}

impl AddAssign<&Self> for Latencies {
    fn add_assign(&mut self, other: &Self) {
        self.merge(other);
    }
}

impl Latencies {
    /// Empty ones that grow on demand.
    pub fn new() -> Self {
        Self { of: std::array::from_fn(|_| Latency::new()), completed: [Extremes::NONE; ANSWERS.len()] }
    }

    /// The histogram of a kind.
    pub fn of(&self, kind: LatencyKind) -> &Latency {
        &self.of[kind as usize]
    }

    /// The histogram of a kind, to record in. Requests that ended are recorded by [`Latencies::ended`].
    #[inline]
    pub fn of_mut(&mut self, kind: LatencyKind) -> &mut Latency {
        &mut self.of[kind as usize]
    }

    /// Records a request that ended after the warm-up, in `service` and `response`, and as a failed one where it did
    /// not complete.
    #[inline]
    pub fn ended(&mut self, service_us: u64, response_us: u64, completed: bool) {
        self.of_mut(LatencyKind::Service).record_us(service_us);
        self.of_mut(LatencyKind::Response).record_us(response_us);
        if completed {
            self.completed_within(service_us, response_us);
        } else {
            self.of_mut(LatencyKind::FailedService).record_us(service_us);
            self.of_mut(LatencyKind::FailedResponse).record_us(response_us);
        }
    }

    /// Notes a completed request among the smallest and the largest; its samples are recorded apart.
    #[inline]
    pub fn completed_within(&mut self, service_us: u64, response_us: u64) {
        let [service, response] = &mut self.completed;
        service.take(service_us.min(MAX_US));
        response.take(response_us.min(MAX_US));
    }

    /// The completed requests of `service` or `response`, with their exact smallest and largest; any other kind as it is.
    pub fn completed(&self, kind: LatencyKind) -> Latency {
        let all = self.of(kind);
        let Some(failed) = kind.failed().map(|failed| self.of(failed)).filter(|failed| !failed.is_empty())
        else {
            return all.clone();
        };
        let mut completed = all.without(failed);
        // Refused only where samples came without their extremes: then the edges of the buckets stay.
        let _ = completed.set_extremes(self.completed_extremes(kind));
        completed
    }

    /// The smallest and largest completed request of a kind, or of all its samples where failed ones are not kept apart;
    /// [`Extremes::NONE`] where there are none, or they are not known.
    pub(super) fn completed_extremes(&self, kind: LatencyKind) -> Extremes {
        let place = ANSWERS.iter().position(|answers| *answers == kind);
        let any_failed = kind.failed().is_some_and(|failed| !self.of(failed).is_empty());
        match place {
            Some(place) if any_failed => self.completed[place],
            _ => self.of(kind).extremes(),
        }
    }

    /// Adds all samples of another set.
    pub fn merge(&mut self, other: &Self) {
        // Before the histograms are added: the result depends on whether any request had failed until now.
        let completed = ANSWERS.map(|kind| {
            let mut extremes = self.completed_extremes(kind);
            extremes.merge(other.completed_extremes(kind));
            extremes
        });
        for (mine, theirs) in self.of.iter_mut().zip(&other.of) {
            mine.merge(theirs);
        }
        self.completed = completed;
    }

    /// Removes all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.of.iter_mut().for_each(Latency::clear);
        self.completed = [Extremes::NONE; ANSWERS.len()];
    }

    /// The exact smallest and largest sample of each kind that has samples, in µs, by its key on the wire: of `service`
    /// and `response`, those of the completed requests. With the histograms they make the whole set again.
    pub fn extremes(&self) -> BTreeMap<&'static str, [u64; 2]> {
        let of = |kind| Some((LatencyKind::as_str(kind), self.completed_extremes(kind).both()?));
        LatencyKind::ALL.into_iter().filter_map(of).collect()
    }

    /// Sets what [`Latencies::extremes`] gave, once all histograms are there; kinds that are not known are ignored.
    ///
    /// # Errors
    /// Where a pair does not lie in the first and the last bucket that hold a sample of its kind; then discard the set.
    pub fn set_extremes(&mut self, given: &BTreeMap<String, [u64; 2]>) -> Result<(), LatencyError> {
        let of = |kind: LatencyKind| {
            given.get(kind.as_str()).map(|[min_us, max_us]| {
                let wrong = LatencyError::Extremes { min_us: *min_us, max_us: *max_us };
                Extremes::new(*min_us, *max_us).ok_or(wrong)
            })
        };
        // The extremes of failed requests first: they are part of those of all ended requests.
        for kind in LatencyKind::ALL.into_iter().filter(|kind| !ANSWERS.contains(kind)) {
            if let Some(extremes) = of(kind).transpose()? {
                self.of_mut(kind).set_extremes(extremes)?;
            }
        }
        for (place, kind) in ANSWERS.into_iter().enumerate() {
            let mut rest = self.completed(kind);
            let completed = match of(kind).transpose()? {
                Some(completed) => completed,
                None if rest.is_empty() => Extremes::NONE,
                None => continue,
            };
            rest.set_extremes(completed)?;
            let mut all = completed;
            all.merge(kind.failed().map_or(Extremes::NONE, |failed| self.of(failed).extremes()));
            self.of_mut(kind).set_extremes(all)?;
            self.completed[place] = completed;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ended: &[(u64, u64, bool)]) -> Latencies {
        let mut latencies = Latencies::new();
        ended
            .iter()
            .for_each(|(service, lag, completed)| latencies.ended(*service, service + lag, *completed));
        latencies
    }

    fn alone(us: impl Iterator<Item = u64>) -> Latency {
        let mut latency = Latency::new();
        us.for_each(|us| latency.record_us(us));
        latency
    }

    prop_compose! {
        fn any_ended()(ended in prop::collection::vec((0..2_000_000_u64, 0..30_000_u64, any::<bool>()), 0..40)) -> Vec<(u64, u64, bool)> {
            ended
        }
    }

    proptest! {
        /// However the samples came together, the completed ones are as if recorded alone, to the exact ends.
        #[test]
        fn completed_requests_are_those_without_the_failed_ones(a in any_ended(), b in any_ended()) {
            let mut latencies = of(&a);
            latencies.merge(&of(&b));
            prop_assert_eq!(&latencies, &of(&[a.clone(), b.clone()].concat()));
            let completed = || a.iter().chain(&b).filter(|(.., completed)| *completed);
            let service = alone(completed().map(|(service, ..)| *service));
            let response = alone(completed().map(|(service, lag, _)| service + lag));
            prop_assert_eq!(latencies.completed(LatencyKind::Service), service);
            prop_assert_eq!(latencies.completed(LatencyKind::Response), response);
        }

        /// What stands on the wire and in the store, histograms and extremes, makes the same set again.
        #[test]
        fn histograms_and_extremes_make_the_whole_set(ended in any_ended(), turn in 0..9_000_u64) {
            let mut sent = of(&ended);
            sent.of_mut(LatencyKind::Turn).record_us(turn);
            let mut read = Latencies::new();
            for kind in LatencyKind::ALL {
                let text = super::super::Encoder::new().text(sent.of(kind));
                *read.of_mut(kind) = Latency::decode(&text).unwrap();
            }
            let extremes = sent.extremes().into_iter().map(|(kind, pair)| (kind.to_owned(), pair));
            read.set_extremes(&extremes.collect()).unwrap();
            prop_assert_eq!(read.extremes(), sent.extremes());
            prop_assert_eq!(&read, &sent);
            prop_assert_eq!(read.completed(LatencyKind::Response), sent.completed(LatencyKind::Response));
        }
    }

    #[test]
    fn extremes_that_cannot_be_are_refused() {
        let latencies = of(&[(1_000, 0, true), (9_000, 0, true), (50, 0, false)]);
        assert_eq!(latencies.extremes()["service"], [1_000, 9_000], "of the completed ones");
        assert_eq!(latencies.extremes()["failed_response"], [50, 50]);
        for (caption, kind, pair, ok) in [
            ("as they are", "service", [1_000, 9_000], true),
            ("a kind of a later version", "later", [5, 4], true),
            ("of all that ended", "service", [50, 9_000], false),
            ("the smallest above the largest", "failed_service", [51, 50], false),
            ("of another bucket", "response", [1_000, 8_000], false),
            ("of a kind without samples", "turn", [1, 2], false),
        ] {
            let set = latencies.clone().set_extremes(&[(kind.to_owned(), pair)].into());
            assert_eq!(set.is_ok(), ok, "{caption}");
        }
    }

    #[test]
    fn without_extremes_the_edges_of_the_buckets_are_left() {
        let sent = of(&[(1_000_000, 0, true), (1_500_000, 0, true), (50, 0, false)]);
        let mut read = Latencies::new();
        for kind in LatencyKind::ALL {
            *read.of_mut(kind) = Latency::decode(&super::super::Encoder::new().text(sent.of(kind))).unwrap();
        }
        assert_eq!(read.completed(LatencyKind::Service).extremes().both(), Some([999_936, 1_500_159]));
        assert_eq!(sent.completed(LatencyKind::Service).extremes().both(), Some([1_000_000, 1_500_000]));
        assert_eq!(sent.completed(LatencyKind::Turn).extremes().both(), None);
    }
}

//! Figures: what a set of requests came to, in one shape from the worker that records them to the report that shows
//! them. Merging two sets is adding them, in any order.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::counters::Counters;
use crate::ids::RequestName;
use crate::latency::Latencies;

/// Most names of requests in one test. All of them are known before it starts: a name is declared in the plan, never
/// made from an address, so the number of histograms is bounded.
pub const MAX_REQUEST_NAMES: usize = 256;

/// Counters and samples of the same requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// How many were sent, completed, failed, …
    pub counters: Counters,
    /// How long they took.
    pub latencies: Latencies,
}

/// One value for all requests of a test, and one for the requests of each name.
///
/// A plan with one request has no names: then the map is empty, and `all` is everything there is. With names, each
/// request has exactly one, and one more (`NAME/VALUE`) where it is split: `all` is the sum over the names that are no part
/// of another ([`RequestName::is_part`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ByRequest<T> {
    /// Of all requests.
    pub all: T,
    /// Of those of each name, at most [`MAX_REQUEST_NAMES`].
    pub named: BTreeMap<RequestName, T>,
}

impl AddAssign<&Figures> for Figures {
    fn add_assign(&mut self, other: &Self) {
        self.counters += &other.counters;
        self.latencies += &other.latencies;
    }
}

impl<T: Default + for<'a> AddAssign<&'a T>> AddAssign<&Self> for ByRequest<T> {
    fn add_assign(&mut self, other: &Self) {
        self.all += &other.all;
        for (name, more) in &other.named {
            match self.named.get_mut(name) {
                Some(sum) => *sum += more,
                None => *self.named.entry(name.clone()).or_default() += more,
            }
        }
    }
}

impl<T> ByRequest<T> {
    /// Of a test whose request has no name.
    pub fn unnamed(all: T) -> Self {
        Self { all, named: BTreeMap::new() }
    }

    /// The same breakdown of another value.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> ByRequest<U> {
        ByRequest {
            all: of(&self.all),
            named: self.named.iter().map(|(name, value)| (name.clone(), of(value))).collect(),
        }
    }
}

impl ByRequest<Figures> {
    /// The counters alone.
    pub fn counters(&self) -> ByRequest<Counters> {
        self.map(|figures| figures.counters.clone())
    }

    /// Replaces the counters by others, such as cumulative ones; a name that had no figures gets them without samples.
    pub fn set_counters(&mut self, counters: &ByRequest<Counters>) {
        self.all.counters.clone_from(&counters.all);
        for (name, counters) in &counters.named {
            self.named.entry(name.clone()).or_default().counters.clone_from(counters);
        }
    }

    /// Adds the samples alone to a sum of samples.
    pub fn add_samples_to(&self, sum: &mut ByRequest<Latencies>) {
        sum.all += &self.all.latencies;
        for (name, figures) in &self.named {
            let full = sum.named.len() >= MAX_REQUEST_NAMES;
            match sum.named.get_mut(name) {
                Some(sum) => *sum += &figures.latencies,
                // A sender may name others in each window: the sum of them has a bound as well.
                None if full => {}
                None => drop(sum.named.insert(name.clone(), figures.latencies.clone())),
            }
        }
    }
}

impl ByRequest<Counters> {
    /// What was counted since an earlier look at the same counters. A name that the earlier look lacks began at 0.
    pub fn since(&self, before: &Self) -> Self {
        let none = Counters::default();
        let of = |name: &RequestName| before.named.get(name).unwrap_or(&none);
        Self {
            all: self.all.since(&before.all),
            named: self.named.iter().map(|(name, n)| (name.clone(), n.since(of(name)))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_figures()(sent in 0..9_u64, us in prop::collection::vec(1..5_000_u64, 0..6)) -> Figures {
            let mut latencies = Latencies::new();
            us.iter().for_each(|us| latencies.ended(*us, us + 7, us % 3 > 0));
            Figures { counters: Counters { scheduled: sent, sent, ..Counters::default() }, latencies }
        }
    }

    prop_compose! {
        fn any_breakdown()(named in prop::collection::btree_map("[ab]", any_figures(), 0..3)) -> ByRequest<Figures> {
            let mut all = Figures::default();
            named.values().for_each(|figures| all += figures);
            let named = named.into_iter().map(|(name, figures)| (RequestName::new(&name).unwrap(), figures));
            ByRequest { all, named: named.collect() }
        }
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_the_order_and_names_sum_up_to_all(parts in prop::collection::vec(any_breakdown(), 0..5)) {
            let (mut forth, mut back) = (ByRequest::<Figures>::default(), ByRequest::<Figures>::default());
            parts.iter().for_each(|part| forth += part);
            parts.iter().rev().for_each(|part| back += part);
            prop_assert_eq!(&forth, &back);
            let mut sum = Figures::default();
            forth.named.values().for_each(|figures| sum += figures);
            prop_assert_eq!(&sum, &forth.all);
            let mut samples = ByRequest::<Latencies>::default();
            parts.iter().for_each(|part| part.add_samples_to(&mut samples));
            prop_assert_eq!(samples, forth.map(|figures| figures.latencies.clone()));
        }

        #[test]
        fn what_was_counted_since_makes_the_whole_again(before in any_breakdown(), more in any_breakdown()) {
            let mut later = before.clone();
            later += &more;
            let mut again = before.counters();
            again += &later.counters().since(&before.counters());
            prop_assert_eq!(again, later.counters());
        }
    }
}

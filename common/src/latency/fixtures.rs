//! Latencies for the tests of their several forms.

use proptest::prelude::*;

use super::{Latencies, LatencyKind};

/// Requests that took so many µs, whether they completed, and a kind beside them whose failed ones are not kept apart.
pub fn of(ended: &[(u64, bool)]) -> Latencies {
    let mut latencies = Latencies::new();
    for (us, completed) in ended {
        latencies.ended(*us, us + us / 3, *completed);
        latencies.of_mut(LatencyKind::Turn).record_us(us % 50);
    }
    latencies
}

prop_compose! {
    /// Times of both widths of buckets, µs, and whether the request completed.
    pub fn any_ended()(ended in prop::collection::vec(
        (prop_oneof![0..3_000_u64, 0..4_000_000_000_u64], any::<bool>()), 0..60,
    )) -> Vec<(u64, bool)> {
        ended
    }
}

//! Where to read: pure rules from watermarks to offsets. It does not use rdkafka.

use std::collections::BTreeMap;

use super::{Offsets, Position, StartFrom};
use crate::wire::Topic;

/// What a partition holds: offsets `low..high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// The oldest record there is.
    pub low: i64,
    /// The offset of the next record.
    pub high: i64,
}

/// What each partition holds.
pub(super) type Watermarks = BTreeMap<(Topic, i32), Held>;

/// A stored offset that Kafka no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    /// What should have been read next.
    pub lost: Position,
    /// What is read instead.
    pub resumed_at: i64,
}

/// Decides the first offset of each partition.
pub(super) fn starting(start: &StartFrom, held: &Watermarks) -> (Offsets, Vec<Lost>) {
    let edge = held.iter().map(|(&partition, held)| {
        let offset = match start {
            StartFrom::End => held.high,
            StartFrom::Beginning => held.low,
            StartFrom::Stored { offsets, others_from_beginning } => match offsets.get(&partition) {
                Some(&offset) => offset,
                None if *others_from_beginning => held.low,
                None => held.high,
            },
        };
        (partition, offset)
    });
    in_range(edge.collect(), held)
}

/// Moves each offset that Kafka does not have (any more, or yet: a topic that was made anew) to the oldest record
/// there is. Partitions whose watermarks are unknown stay as they are.
pub(super) fn in_range(mut next: Offsets, held: &Watermarks) -> (Offsets, Vec<Lost>) {
    let mut lost = Vec::new();
    for (&(topic, partition), offset) in &mut next {
        let Some(held) = held.get(&(topic, partition)) else { continue };
        if *offset < held.low || *offset > held.high {
            lost.push(Lost { lost: Position { topic, partition, offset: *offset }, resumed_at: held.low });
            *offset = held.low;
        }
    }
    (next, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: (Topic, i32) = (Topic::Metrics, 0);
    const Q: (Topic, i32) = (Topic::Metrics, 1);

    fn held() -> Watermarks {
        Watermarks::from([(P, Held { low: 10, high: 20 }), (Q, Held { low: 0, high: 5 })])
    }

    fn stored(offset: i64, others_from_beginning: bool) -> StartFrom {
        StartFrom::Stored { offsets: Offsets::from([(P, offset)]), others_from_beginning }
    }

    #[track_caller]
    fn check(caption: &str, start: &StartFrom, p: i64, q: i64, lost: Option<i64>) {
        let (next, gone) = starting(start, &held());
        assert_eq!(next, Offsets::from([(P, p), (Q, q)]), "{caption}");
        let expected: Vec<Lost> = lost
            .map(|offset| Lost {
                lost: Position { topic: Topic::Metrics, partition: 0, offset },
                resumed_at: 10,
            })
            .into_iter()
            .collect();
        assert_eq!(gone, expected, "{caption}");
    }

    #[test]
    fn reading_starts_where_it_was_asked_to() {
        check("the end", &StartFrom::End, 20, 5, None);
        check("the beginning", &StartFrom::Beginning, 10, 0, None);
        check("stored, the other from its beginning", &stored(15, true), 15, 0, None);
        check("stored, the other from its end", &stored(15, false), 15, 5, None);
        check("stored at the very end", &stored(20, false), 20, 5, None);
        check("stored at the oldest", &stored(10, false), 10, 5, None);
    }

    #[test]
    fn an_offset_that_is_gone_resumes_at_the_oldest() {
        check("trimmed away", &stored(9, false), 10, 5, Some(9));
        check("of a topic that was made anew", &stored(21, false), 10, 5, Some(21));
    }

    #[test]
    fn a_partition_without_watermarks_keeps_its_offset() {
        let next = Offsets::from([((Topic::Trigger, 0), 77)]);
        assert_eq!(in_range(next.clone(), &held()), (next, vec![]));
    }
}

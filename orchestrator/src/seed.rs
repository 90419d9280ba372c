//! The seed of a plan with several requests: drawn when its test is created, unless the plan gives one. It stands in the
//! plan from then on, so that drivers, the store and the report have the same, and the same test can be run again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use common::plan::Plan;

/// Bits of a seed that is drawn: as many as a number in JSON keeps with every reader.
const BITS: u32 = 53;

/// A seed of the system's randomness.
pub fn random_seed() -> u64 {
    // Its keys are random, for each of them.
    RandomState::new().hash_one(()) >> (u64::BITS - BITS)
}

/// The plan with this seed, where it has several requests and no seed of its own.
pub fn with_seed(mut plan: Plan, seed: u64) -> Plan {
    if let Some(program) = plan.program.as_mut().filter(|program| program.seed.is_none()) {
        let program = Arc::make_mut(program);
        program.seed = Some(seed);
        program.source.insert("seed".to_owned(), seed.into());
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_seed_is_drawn_where_none_is_given_and_stands_in_the_plan() {
        let drawn = with_seed(fixtures::plan_of_sessions(None), 77);
        let program = drawn.program.as_ref().unwrap();
        assert_eq!((program.seed, &program.source["seed"]), (Some(77), &serde_json::json!(77)));
        let given = with_seed(fixtures::plan_of_sessions(Some(7)), 77);
        assert_eq!(given.program.unwrap().seed, Some(7));
        let plain = fixtures::plan("[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nrate = 1\nrequests = 1\n");
        assert_eq!(with_seed(plain.clone(), 77), plain);
        assert!(random_seed() < 1 << 53 && random_seed() != random_seed());
    }
}

//! How much of a thing a plan may hold. What is too much is one fault, whatever its size.

use super::fixture::{broken, program};

#[test]
fn requests_have_eight_different_timeouts_at_most() {
    let requests = |n: u32| {
        let of = |i: u32| format!("r{i} = {{ path = \"/\", timeout = \"{}ms\" }}\n", 300 + i.min(n));
        format!("[requests]\n{}", (1..=12).map(of).collect::<String>())
    };
    program(&requests(8));
    broken(&requests(11), &[("requests", "have 11 different timeouts, and 8 are the most")]);
}

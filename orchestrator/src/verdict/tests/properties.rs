//! What holds of every verdict, whatever the figures.

use proptest::prelude::*;

use super::*;

/// Effects of a target on a driver that works well itself: slow answers, failures, drops at the in-flight bound.
fn target_s_doing() -> impl Strategy<Value = Driver> {
    (0..20_000_u64, 0..=10_000_u64, 1_000..3_000_000_u64, prop::sample::select(&ErrorKind::ALL[..])).prop_map(
        |(dropped, failed, us, kind)| {
            let kind = if kind == ErrorKind::LocalLimit { ErrorKind::Timeout } else { kind };
            Driver::well("a").slow(us).failing(failed, kind).dropping(dropped)
        },
    )
}

/// Signs that a generator was the limit, each beyond what is allowed.
fn generator_s_doing() -> impl Strategy<Value = Driver> {
    (0..5_usize, 0..5_000_u64, 6_000..2_000_000_u64, 1_000..50_000_u64).prop_map(
        |(sign, more, late_us, slow_us)| {
            let driver = Driver::well("a").slow(slow_us);
            match sign {
                0 => driver.late(101 + more, late_us.max(slow_us)),
                1 => driver.with(|driver| {
                    driver.counters.scheduled += 11 + more;
                    driver.counters.dropped_late += 11 + more;
                }),
                2 => driver.with(|driver| {
                    driver.latencies.of_mut(LatencyKind::Turn).record_n_us(late_us, 102 + more);
                }),
                3 => driver.with(|driver| driver.windows = (100, 2 + more % 98)),
                _ => driver.failing(1 + more, ErrorKind::LocalLimit),
            }
        },
    )
}

const THRESHOLDS: [&str; 4] = [
    "",
    "\"response.p99\" = \"< 250ms\"",
    "\"driver.response.max\" = \"< 1s\"\n\"throughput\" = \">= 1980/s\"",
    "\"errors.ratio\" = \"<= 100%\"\n\"dropped.ratio\" = \"<= 100%\"",
];

proptest! {
    #[test]
    fn a_saturated_target_is_never_invalid(driver in target_s_doing(), thresholds in prop::sample::select(&THRESHOLDS[..])) {
        for load in [OPEN, CLOSED] {
            let judgement = case(plan(load, thresholds), std::slice::from_ref(&driver)).judge();
            prop_assert!(matches!(judgement.verdict, Verdict::Passed | Verdict::Failed), "{:#?}", judgement);
        }
    }

    #[test]
    fn a_saturated_open_loop_is_never_passed(
        ours in generator_s_doing(),
        its in target_s_doing(),
        thresholds in prop::sample::select(&THRESHOLDS[..]),
    ) {
        let mut both = ours.with(|_| ());
        both.counters.dropped_in_flight += its.counters.dropped_in_flight;
        both.counters.scheduled += its.counters.dropped_in_flight;
        // Drops at the in-flight bound enlarge the schedule; the late drops must stay a large enough share of it.
        both.counters.dropped_late *= 4;
        both.counters.scheduled += both.counters.dropped_late / 4 * 3;
        let judgement = case(plan(OPEN, thresholds), &[both]).judge();
        prop_assert_eq!(judgement.verdict, Verdict::Invalid, "{:#?}", judgement);
    }

    #[test]
    fn a_verdict_is_explained_by_reasons_with_a_figure_and_what_to_do(
        ours in generator_s_doing(),
        thresholds in prop::sample::select(&THRESHOLDS[..]),
    ) {
        let judgement = case(plan(OPEN, thresholds), &[ours]).judge();
        let reasons = reasons(&judgement);
        prop_assert!(!reasons.is_empty());
        let first = reasons[0].to_lowercase();
        prop_assert!(first.contains(|c: char| c.is_ascii_digit()), "a figure: {}", first);
        let does = ["give it", "raise the limits"].iter().any(|what| first.contains(what));
        prop_assert!(does, "what to do: {}", first);
        for sentence in judgement.findings.iter().map(|finding| &finding.text) {
            prop_assert!(!sentence.ends_with('.') && !sentence.contains('\n'), "{}", sentence);
        }
    }
}

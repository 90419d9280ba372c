//! Our goals and the measured figures: each bar of the issue as one comparison of medians, pair by pair where two
//! tools are compared. They are measured and reported, never asserted.

use crate::apart::in_one_state;
use crate::bar::Bar;
use crate::figures::Spread;
use crate::results::Samples;

const VERDICTS: [(&str, &str); 4] = [
    ("verdict-generator", "a saturated generator is `invalid`, and the target not blamed"),
    ("verdict-delay", "a target that takes too long is `failed`, never `invalid`"),
    ("verdict-limit", "a target that works on few at a time is `failed`, never `invalid`"),
    ("verdict-stall", "a target that stalls is `failed`, never `invalid`"),
];

/// All of them for one of our rows.
pub fn bars(samples: Samples<'_>, ours: &str) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut bar = |asked: String, at_most: bool, limit: f64, came: Option<Spread>| {
        bars.push(Bar { asked, at_most, limit, came });
    };

    let closed =
        |ours_figure, peer, peer_figure| samples.ratio("closed", (ours, ours_figure), (peer, peer_figure));
    bar(
        "a mix of ten requests: CPU µs per request / static".into(),
        true,
        1.1,
        Samples(&in_one_state(samples, "mix")).ratio("mix", ("mix", "cpu_us"), ("static", "cpu_us")),
    );
    bar(
        "sessions of five steps: CPU µs per request / static".into(),
        true,
        1.5,
        Samples(&in_one_state(samples, "sessions")).ratio(
            "sessions",
            ("session", "cpu_us"),
            ("static", "cpu_us"),
        ),
    );
    of_sessions(samples, ours, &mut bar);
    bar(
        "closed loop: CPU µs per request of the driver / floor".into(),
        true,
        1.2,
        closed("cpu_us", "floor", "cpu_us"),
    );
    for (peer, limit) in [("wrk", 1.1), ("oha", 1.3), ("vegeta", 4.0), ("k6", 8.0)] {
        let came = closed("per_cpu_s", peer, "per_cpu_s");
        bar(format!("closed loop: requests per CPU s of the driver / {peer}"), false, limit, came);
    }
    let stack = closed("stack_per_cpu_s", "wrk", "per_cpu_s");
    bar("closed loop: requests per CPU s of the whole stack / wrk".into(), false, 1.05, stack);

    let large = against_best_peer(samples, "large", ours, "cpu_us");
    bar("answers of 1 MB: CPU of the driver / the best of wrk and h2load".into(), true, 0.6, large);
    let tls = samples.ratio("tls", (ours, "per_cpu_s"), ("wrk", "per_cpu_s"));
    bar("answers of 10 kB over TLS: requests per CPU s of the driver / wrk".into(), false, 1.2, tls);

    let open = "open-10000";
    bar("10,000/s: off schedule p99, µs".into(), true, 500.0, samples.spread(open, ours, "off_p99_us"));
    let best = against_best_peer(samples, open, ours, "off_p99_us");
    bar("10,000/s: off schedule p99 / that of the round's best peer".into(), true, 1.0 / 3.0, best);
    let evenness = samples.spread(open, ours, "variance_over_mean");
    bar("10,000/s: variance / mean of the arrivals in 1 ms".into(), true, 0.3, evenness);

    bar("highest rate kept / own closed loop".into(), false, 0.9, samples.spread("highest", ours, "share"));

    bar("memory at a fixed rate: peak, MB".into(), true, 40.0, samples.spread("memory", ours, "rss_peak_mb"));
    let growth = samples.ratio("memory", (ours, "rss_last_mb"), (ours, "rss_first_mb"));
    bar("memory at a fixed rate: the end / a fifth of the way (flat: within 5 %)".into(), true, 1.05, growth);

    for scenario in samples.scenarios().into_iter().filter(|name| name.starts_with("little-")) {
        let off = off_by(samples, scenario, ours, "over_connections");
        let connections = scenario.trim_start_matches("little-");
        bar(format!("Little's law, {connections} connections: off by"), true, 0.01, off);
    }
    for (scenario, asked) in VERDICTS {
        // Every single verdict counts: the median of 19 right ones and a wrong one would be right.
        let worst =
            samples.spread(scenario, ours, "as_it_should").and_then(|spread| Spread::of([spread.min]));
        bar(format!("{asked}, every time"), false, 1.0, worst);
    }
    let off = off_by(samples, "stall", ours, "said_over_truth");
    bar("a stall: response p99 off the computed by".into(), true, 0.01, off);
    bars
}

/// Those of sessions: beside the peers, at a fixed rate, and of very many users.
fn of_sessions(samples: Samples<'_>, ours: &str, bar: &mut dyn FnMut(String, bool, f64, Option<Spread>)) {
    for (peer, limit) in [("goose", 2.0), ("k6", 10.0), ("locust", 20.0)] {
        let figure = "stack_per_cpu_s";
        let came = samples.ratio("sessions-peers", (ours, figure), (peer, figure));
        bar(
            format!("sessions of five steps: requests per CPU s of the whole stack / {peer}"),
            false,
            limit,
            came,
        );
    }
    for (steps, figure) in [("first", "first_p99_us"), ("later", "later_p99_us")] {
        let came = samples.spread("sessions-open", ours, figure);
        bar(format!("2,000 sessions/s of five steps: {steps} steps late by, p99, µs"), true, 500.0, came);
    }
    let said = off_by(samples, "users", ours, "growth_over_said");
    bar("10,000 users: memory that the test took / what plan show says: off by".into(), true, 0.2, said);
    let growth = samples.ratio("users", (ours, "rss_last_mb"), (ours, "rss_first_mb"));
    bar("10,000 users: memory at 60 s / at 20 s (flat: within 5 %)".into(), true, 1.05, growth);
    bar("10,000 users: lag p99, µs".into(), true, 1_000.0, samples.spread("users", ours, "lag_p99_us"));
}

fn off_by(samples: Samples<'_>, scenario: &str, tool: &str, figure: &'static str) -> Option<Spread> {
    let off = |value: f64| (value - 1.0).abs();
    Spread::of(samples.of(scenario, tool).filter_map(|sample| sample.figures.get(figure).copied().map(off)))
}

/// Our figure over the least of all peers' in the same round.
fn against_best_peer(
    samples: Samples<'_>,
    scenario: &str,
    ours: &str,
    figure: &'static str,
) -> Option<Spread> {
    Spread::of(samples.of(scenario, ours).filter_map(|sample| {
        let peers = samples.0.iter().filter(|other| {
            other.scenario == scenario
                && other.round == sample.round
                && !other.tool.starts_with("groundswell")
        });
        let best = peers.filter_map(|peer| peer.figures.get(figure).copied()).min_by(f64::total_cmp)?;
        Some(sample.figures.get(figure)? / best)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn a_bar_holds_by_its_median_and_is_open_where_nothing_was_measured() {
        let all = [
            sample("closed", "groundswell", 1, &[("cpu_us", 4.0), ("per_cpu_s", 250_000.0)]),
            sample("closed", "floor", 1, &[("cpu_us", 3.5)]),
            sample("closed", "wrk", 1, &[("per_cpu_s", 240_000.0)]),
            sample("open-10000", "groundswell", 1, &[("off_p99_us", 390.0)]),
            sample("open-10000", "oha", 1, &[("off_p99_us", 1_700.0)]),
            sample("open-10000", "vegeta", 1, &[("off_p99_us", 9e6)]),
            sample("large", "groundswell", 1, &[("cpu_us", 130.0)]),
            sample("large", "wrk", 1, &[("cpu_us", 240.0)]),
            sample("large", "h2load", 1, &[("cpu_us", 220.0)]),
            sample("tls", "groundswell", 1, &[("per_cpu_s", 110.0)]),
            sample("tls", "wrk", 1, &[("per_cpu_s", 100.0)]),
            sample("little-64", "groundswell", 1, &[("over_connections", 0.98)]),
            sample("sessions-peers", "groundswell", 1, &[("stack_per_cpu_s", 80_000.0)]),
            sample("sessions-peers", "goose", 1, &[("stack_per_cpu_s", 20_000.0)]),
            sample("sessions-peers", "locust", 1, &[("stack_per_cpu_s", 5_000.0)]),
            sample("sessions-open", "groundswell", 1, &[("first_p99_us", 499.0), ("later_p99_us", 501.0)]),
            sample("users", "groundswell", 1, &[("growth_over_said", 0.79), ("lag_p99_us", 100.0)]),
            sample("verdict-delay", "groundswell", 1, &[("as_it_should", 1.0)]),
            sample("verdict-delay", "groundswell", 2, &[("as_it_should", 0.0)]),
            sample("verdict-delay", "groundswell", 3, &[("as_it_should", 1.0)]),
        ];
        let bars = bars(Samples(&all), "groundswell");
        let holds = |asked: &str| bars.iter().find(|bar| bar.asked.contains(asked)).unwrap().holds();
        assert_eq!(holds("/ floor"), Some(true));
        assert_eq!(holds("of the driver / wrk"), Some(false));
        assert_eq!(holds("driver / k6"), None);
        assert_eq!(holds("stack / k6"), None);
        assert_eq!((holds("stack / goose"), holds("stack / locust")), (Some(true), Some(false)));
        assert_eq!((holds("first steps"), holds("later steps")), (Some(true), Some(false)));
        assert_eq!((holds("plan show"), holds("users: lag")), (Some(false), Some(true)));
        assert_eq!(holds("best peer"), Some(true));
        assert_eq!(holds("of 1 MB"), Some(true), "against the better of the two");
        assert_eq!(holds("over TLS"), Some(false));
        assert_eq!(holds("Little's law, 64"), Some(false));
        assert_eq!(holds("a stall"), None);
        assert_eq!(holds("takes too long"), Some(false), "once in three times is not every time");
    }
}

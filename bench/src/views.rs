//! How each scenario is shown: its heading, its columns and its picture. Tables on the terminal and in RESULTS.md,
//! and the pictures, are made from these.

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub figure: &'static str,
    /// What people call it.
    pub heading: &'static str,
    /// What the figure is multiplied by to be shown.
    pub times: f64,
}

#[derive(Debug, Clone, Copy)]
pub struct Picture {
    pub figure: &'static str,
    /// What it shows, with its unit.
    pub title: &'static str,
    /// What to read out of it.
    pub hint: &'static str,
    /// Whether lengths are powers of ten.
    pub logarithmic: bool,
    /// A line to compare with, and its name.
    pub line: Option<(f64, &'static str)>,
}

/// How a scenario is shown.
#[derive(Debug, Clone)]
pub struct View {
    pub title: String,
    pub said: &'static str,
    /// Its columns, the first figure first.
    pub columns: &'static [Column],
    pub pictures: &'static [Picture],
}

const fn column(figure: &'static str, heading: &'static str) -> Column {
    Column { figure, heading, times: 1.0 }
}

const fn percent(figure: &'static str, heading: &'static str) -> Column {
    Column { figure, heading, times: 100.0 }
}

const CLOSED: &[Column] = &[
    column("cpu_us", "CPU µs per request"),
    column("user_us", "of it user"),
    column("system_us", "of it kernel"),
    column("stack_us", "whole stack, CPU µs"),
    column("per_cpu_s", "requests per CPU s"),
    column("requests_per_s", "requests/s"),
    percent("generator_core", "generator's core, %"),
    percent("sink_core", "sink's core, %"),
    column("rss_peak_mb", "peak MB"),
    column("line_before_ns", "a line between the cores, ns, before"),
    column("line_after_ns", "after"),
    percent("stolen_share", "stolen, %"),
];

const OPEN: &[Column] = &[
    column("reached_per_s", "reached/s"),
    column("off_p50_us", "off schedule p50, µs"),
    column("off_p99_us", "p99, µs"),
    column("off_fitted_p99_us", "p99 against the best fit, µs"),
    column("variance_over_mean", "variance / mean in 1 ms"),
    column("connections", "connections"),
    percent("cpu_core", "generator's core, %"),
    column("rss_peak_mb", "peak MB"),
    percent("stolen_share", "stolen, %"),
];

const HIGHEST: &[Column] = &[
    column("highest_per_s", "highest rate kept/s"),
    percent("share", "of its own closed loop, %"),
    column("closed_per_s", "closed loop/s"),
];

const MEMORY: &[Column] = &[
    column("rss_first_mb", "MB after a fifth"),
    column("rss_last_mb", "MB at the end"),
    column("rss_peak_mb", "peak MB"),
    column("reached_per_s", "reached/s"),
    column("connections", "connections"),
];

const STALL: &[Column] = &[
    column("said_p99_ms", "p99 as it says, ms"),
    column("truth_p99_ms", "the truth, ms"),
    column("received", "requests received"),
    column("dropped", "dropped, as it says"),
];

const LITTLE: &[Column] = &[
    column("product", "throughput × mean latency"),
    column("over_connections", "over connections"),
    column("said_per_s", "requests/s as it says"),
    column("said_mean_us", "mean as it says, µs"),
];

const SESSIONS_PEERS: &[Column] = &[
    column("stack_per_cpu_s", "requests per CPU s"),
    column("stack_us", "CPU µs per request"),
    column("per_cpu_s", "of the process that sends, requests per CPU s"),
    column("user_us", "its CPU µs per request, user"),
    column("system_us", "kernel"),
    column("requests_per_s", "requests/s"),
    column("sessions_done", "sessions done"),
    column("wrong", "wrong requests"),
    column("connections", "connections"),
    percent("generator_core", "generator's core, %"),
    percent("sink_core", "sink's core, %"),
    column("rss_peak_mb", "peak MB"),
    column("line_before_ns", "a line between the cores, ns, before"),
    column("line_after_ns", "after"),
    percent("stolen_share", "stolen, %"),
];

const SESSIONS_OPEN: &[Column] = &[
    column("first_p99_us", "first steps late by p99, µs"),
    column("first_p50_us", "p50"),
    column("later_p99_us", "later steps late by p99, µs"),
    column("later_p50_us", "p50"),
    column("lag_p99_us", "lag p99 of all, µs"),
    column("first_bound_us", "bound of first steps (lag p99.8 of all), µs"),
    column("later_bound_us", "of later steps (p99.2), µs"),
    column("sessions_per_s", "sessions/s"),
    column("sessions_done", "sessions done"),
    column("wrong", "wrong requests"),
    column("dropped", "dropped"),
    column("connections", "connections"),
    percent("cpu_core", "generator's core, %"),
    percent("stolen_share", "stolen, %"),
];

const USERS: &[Column] = &[
    column("said_mb", "MB that plan show says"),
    column("rss_idle_mb", "MB before the test"),
    column("rss_first_mb", "MB after a third"),
    column("rss_middle_mb", "after two"),
    column("rss_last_mb", "at the end"),
    column("growth_over_said", "what the test took / said"),
    column("rss_over_said", "the whole process / said"),
    column("lag_p99_us", "lag p99, µs"),
    column("requests_per_s", "requests/s"),
    column("wrong", "wrong requests"),
    column("connections", "connections"),
    percent("cpu_core", "generator's core, %"),
    percent("stolen_share", "stolen, %"),
];

const VERDICTS: &[Column] = &[
    column("as_it_should", "as it should be (1: always)"),
    column("invalid", "invalid"),
    column("dropped_in_flight", "dropped in flight"),
    column("dropped_late", "dropped late"),
    percent("generator_core", "generator's core, %"),
    percent("target_core", "target's core, %"),
];

const fn plain(figure: &'static str, title: &'static str, hint: &'static str) -> Picture {
    Picture { figure, title, hint, logarithmic: false, line: None }
}

const CLOSED_PICTURES: &[Picture] = &[
    plain("cpu_us", "CPU µs per request of the process that sends", "shorter is better"),
    plain("stack_us", "CPU µs per request, the whole stack", "shorter is better"),
];

const LARGE_PICTURES: &[Picture] =
    &[plain("cpu_us", "CPU µs per request of the process that sends", "shorter is better")];

const HIGHEST_PICTURES: &[Picture] =
    &[plain("highest_per_s", "The highest rate kept, requests/s", "longer is better")];

/// The session of the three scenarios that check sessions.
macro_rules! session {
    ($rest:literal) => {
        concat!(
            "A session is five steps against a shop that checks each of them: a log-in by a form, a list, one of its \
             items, the cart (JSON), and the end. The log-in sets a cookie, and a value of the list's and one of the \
             item's answer, JSON of 2 kB each, are in the steps after them; all are different in each session. A run \
             with a wrong request is void. ",
            $rest
        )
    };
}

/// How a scenario of that name is shown.
pub fn view(scenario: &str) -> View {
    of_sessions(scenario).unwrap_or_else(|| of_requests(scenario))
}

/// One of those whose sessions are checked.
fn of_sessions(scenario: &str) -> Option<View> {
    Some(match scenario {
        "sessions-peers" => View {
            title: "Sessions beside peers".to_owned(),
            said: session!(
                "CPU time is that of all processes of a tool (ours: driver, orchestrator and the embedded Kafka), user \
                 and kernel, within a span that begins a second after the tool's first request, so that no start-up is \
                 in it; requests are those that the shop counted in that span. A peer's user keeps its cookie jar from \
                 one session to the next, ours begins with an empty one. All keep one connection a user."
            ),
            columns: SESSIONS_PEERS,
            pictures: &[Picture {
                figure: "stack_per_cpu_s",
                title: "Requests per CPU second, all processes of the tool",
                hint: "powers of ten; longer is better",
                logarithmic: true,
                line: None,
            }],
        },
        "sessions-open" => View {
            title: "Sessions at a fixed rate".to_owned(),
            said: session!(
                "Ours alone, 2,000 sessions/s on one worker. First steps late by: their arrival against the schedule \
                 through the earliest of them, plus the least lag of our report. Later steps late by: from the answer \
                 before, written whole, to the arrival. Both hold the way through the kernel and the receiving end \
                 besides our lag. Our report has one lag for all steps; from it follow the two bounds, for one step in \
                 five is a first one."
            ),
            columns: SESSIONS_OPEN,
            pictures: &[],
        },
        "users" => View {
            title: "Users who think".to_owned(),
            said: session!(
                "Ours alone: 10,000 users on one driver with one worker, who think 1 to 3 s before each step, for a \
                 minute. Resident memory of the driver, before it knows of the test and in it, beside what \
                 `groundswell plan show` says that the sessions need."
            ),
            columns: USERS,
            pictures: &[],
        },
        _ => return None,
    })
}

fn of_requests(scenario: &str) -> View {
    let (name, number) = scenario.split_once('-').unwrap_or((scenario, ""));
    match name {
        "closed" => View {
            title: "Closed loop".to_owned(),
            said: "Each connection sends as soon as its answer is in. CPU time of the process that sends, over \
                requests that the receiving end counted. The whole stack of ours is driver, orchestrator and the \
                embedded Kafka; of a peer, its one process.",
            columns: CLOSED,
            pictures: CLOSED_PICTURES,
        },
        "large" => View {
            title: "Answers of 1 MB".to_owned(),
            said: "The same closed loop, with a body of 1,000,000 bytes in each answer, over plain TCP.",
            columns: CLOSED,
            pictures: LARGE_PICTURES,
        },
        "tls" => View {
            title: "Answers of 10 kB over TLS".to_owned(),
            said: "The same closed loop, with a body of 10,000 bytes in each answer, over TLS (1.3, as all of them \
                agree on); certificates are checked by nobody.",
            columns: CLOSED,
            pictures: LARGE_PICTURES,
        },
        "mix" => View {
            title: "A mix of ten requests".to_owned(),
            said: "Our closed loop with a plan of one static request, and with users who send one of ten requests with \
                an int, a UUID, a row of data or a choice in its path. A round is a pair of turns of 2 s, and every \
                other pair begins with the mix. The ratio above is the median of those of the pairs in which the two \
                cores were equally far apart all the time: the same static request costs a third more of the kernel's \
                CPU time where the host has moved them to different caches. A line of memory goes from one core to the \
                other and back in 50 to 75 ns where they are near, in 315 to 500 ns where they are not.",
            columns: CLOSED,
            pictures: &[],
        },
        "sessions" => View {
            title: "Sessions of five steps".to_owned(),
            said: "Our closed loop with a plan of one static request, and with users whose sessions take two values \
                from JSON bodies of 2 kB and keep a cookie jar. Both receive the same answers. A round is a pair of \
                turns of 2 s, as in the mix.",
            columns: CLOSED,
            pictures: &[],
        },
        "open" => View {
            title: format!("Open loop, {number}/s"),
            said: "A fixed rate, seen from the receiving end: arrival k against the first + k / rate, early or \
                late; against the start that fits best as well, for a slow first request counts against all the \
                others. Variance over mean of the arrivals in 1 ms: 0 is a metronome, 1 is chance, above are clumps.",
            columns: OPEN,
            pictures: &[
                Picture {
                    figure: "off_p99_us",
                    title: "Off schedule, p99, µs",
                    hint: "powers of ten; shorter is better",
                    logarithmic: true,
                    line: Some((500.0, "0.5 ms")),
                },
                Picture {
                    figure: "variance_over_mean",
                    title: "Variance over mean of the arrivals in 1 ms",
                    hint: "powers of ten; 0 is a metronome, 1 is chance",
                    logarithmic: true,
                    line: Some((1.0, "chance")),
                },
            ],
        },
        "highest" => View {
            title: "The highest rate kept".to_owned(),
            said: "Sought below the tool's own closed loop of the same minute: at 90 % of it, at 80 %, then by halves, \
                five steps in all. A peer keeps a rate if 99 % of it arrives, however unevenly; ours must also begin \
                its attempts on time (lag p99 at most 1 ms) and drop nothing. Everybody has three tries at each rate, \
                5 s each.",
            columns: HIGHEST,
            pictures: HIGHEST_PICTURES,
        },
        "memory" => View {
            title: "Memory at a fixed rate".to_owned(),
            said: "Resident memory of the process that sends, at 10,000/s for five minutes (unless said otherwise).",
            columns: MEMORY,
            pictures: &[Picture {
                figure: "rss_peak_mb",
                title: "Peak resident memory, MB",
                hint: "shorter is better",
                logarithmic: false,
                line: Some((40.0, "40 MB")),
            }],
        },
        "stall" => View {
            title: "A server that stops".to_owned(),
            said: "The receiving end answers nothing for a while. What each tool then says its p99 was, beside the \
                p99 that follows from the schedule. A tool that waits with the server leaves the pause out.",
            columns: STALL,
            pictures: &[Picture {
                figure: "said_over_truth",
                title: "The p99 it says, over the truth",
                hint: "1 is right; short is the pause left out",
                logarithmic: false,
                line: Some((1.0, "the truth")),
            }],
        },
        "little" => View {
            title: format!("Little's law, {number} connections"),
            said: "In any closed loop, throughput times mean latency is the number of connections. Where a tool's \
                own figures give less, it leaves out a part of the time that requests took; where they give more, it \
                made some up.",
            columns: LITTLE,
            pictures: &[Picture {
                figure: "over_connections",
                title: "Throughput × mean latency, over connections",
                hint: "1 is right",
                logarithmic: false,
                line: Some((1.0, "Little's law")),
            }],
        },
        "verdict" => View {
            title: format!("Who is blamed: a saturated {number}"),
            said: "With three burners on its core, a generator that should send 1,000,000/s is `invalid`, and the \
                target, which has room, is not blamed; a target that cannot answer 200/s (by a delay, a limit of concurrent requests, \
                a stall) is `failed`. As it should be, 1 each time; the spread shows the worst.",
            columns: VERDICTS,
            pictures: &[],
        },
        _ => View { title: scenario.to_owned(), said: "", columns: &[], pictures: &[] },
    }
}

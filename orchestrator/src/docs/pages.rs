//! Which files of `docs/` are pages, under which names, in which order; and the files that pages need.

/// A file of `docs/` as it stands in the repository.
pub struct Source {
    /// The heading under which the list of pages has it.
    pub group: &'static str,
    /// The last part of its address; "" is `/docs` itself.
    pub slug: &'static str,
    /// Its file in `docs/`.
    pub file: &'static str,
    /// What the list of pages calls it.
    pub title: &'static str,
    /// Its Markdown.
    pub text: &'static str,
}

macro_rules! pages {
    ($([$group:literal] $($slug:literal $file:literal $title:literal;)+)+) => {
        /// All pages, in the order in which they are listed.
        pub const PAGES: &[Source] = &[$($(Source {
            group: $group,
            slug: $slug,
            file: $file,
            title: $title,
            text: include_str!(concat!("../../../docs/", $file)),
        },)+)+];
    };
}

pages! {
    ["Learn"]
        "" "README.md" "Documentation";
        "start" "start.md" "Get started";
        "loops" "loops.md" "Open and closed loops";
        "honest-numbers" "honest-numbers.md" "Honest numbers";
    ["Do"]
        "plans" "plans.md" "Plans";
        "coming-from" "coming-from.md" "Coming from k6, Locust, JMeter …";
        "from-other-tools" "from-other-tools.md" "Command lines of other tools";
        "capacity" "capacity.md" "What does it hold?";
        "compare" "compare.md" "Tests beside one another";
        "dashboard" "dashboard.md" "The dashboard";
        "reports" "reports.md" "Reports";
        "ci" "ci.md" "In CI";
        "fleets" "fleets.md" "Fleets";
        "kafka" "kafka.md" "Kafka";
        "troubleshooting" "troubleshooting.md" "Troubleshooting";
    ["Look up"]
        "words" "words.md" "Words of the report";
        "cli" "cli.md" "Commands and flags";
        "rest" "rest.md" "REST";
        "metrics" "metrics.md" "Metrics";
        "interface" "interface.md" "The promise to users";
        "classic" "classic.md" "Drivers of your own";
        "wire" "wire.md" "The protocol on Kafka";
}

/// How pages look.
pub const STYLE: &str = include_str!("style.css");

/// The JSON schema of plans, for editors.
pub const SCHEMA: &str = include_str!("../../../docs/plan.schema.json");

macro_rules! pictures {
    ($($name:literal)+) => {
        /// The pictures of the pages, by the names of their files in `docs/pictures/`.
        const PICTURES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../../docs/pictures/", $name)))),+];
    };
}

pictures! {
    "stall-sent.svg" "overload-response.svg" "stall-percentiles.svg"
    "terminal.svg" "page-light.png" "page-dark.png" "report.png" "compare-light.png" "compare-dark.png"
    "capacity-light.png" "capacity-dark.png"
}

/// A picture by its name: what it is, as a media type, and its bytes.
pub fn picture(name: &str) -> Option<(&'static str, &'static [u8])> {
    let (_, bytes) = PICTURES.iter().find(|(known, _)| *known == name)?;
    Some((if name.ends_with(".svg") { "image/svg+xml" } else { "image/png" }, bytes))
}

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
        "fleets" "fleets.md" "Fleets";
        "kafka" "kafka.md" "Kafka";
        "compare" "compare.md" "Tests beside one another";
        "ci" "ci.md" "In CI";
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

/// The pictures of the pages, by the names of their files in `docs/pictures/`: SVG.
const PICTURES: &[(&str, &str)] = &[
    ("stall-sent.svg", include_str!("../../../docs/pictures/stall-sent.svg")),
    ("overload-response.svg", include_str!("../../../docs/pictures/overload-response.svg")),
    ("stall-percentiles.svg", include_str!("../../../docs/pictures/stall-percentiles.svg")),
];

/// A picture by its name.
pub fn picture(name: &str) -> Option<&'static str> {
    PICTURES.iter().find(|(known, _)| *known == name).map(|(_, svg)| *svg)
}

//! What was measured: one sample for each tool, scenario and round, and medians over the rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::bar::Bar;
use crate::figures::Spread;
use crate::machine::Machine;

/// Names and values. A figure that a tool does not have is absent.
pub type Figures = BTreeMap<&'static str, f64>;

/// One tool in one round of one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    pub scenario: String,
    /// Which tool, as tables call it.
    pub tool: String,
    /// Which round, from 1.
    pub round: u32,
    /// As one would type it.
    pub command: String,
    pub figures: Figures,
    pub error: Option<String>,
}

/// Everything of one run.
#[derive(Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    /// What ran, by tool.
    pub versions: BTreeMap<String, String>,
    /// Peers that did not run, and why.
    pub left_out: BTreeMap<String, String>,
    /// A remark on how far to trust the run, if there is one.
    pub note: Option<String>,
    pub began: String,
    /// How long it took.
    pub took_s: f64,
    /// Goals and measured figures.
    pub bars: Vec<Bar>,
    /// All samples, in the order they were taken.
    pub samples: Vec<Sample>,
}

/// The fields that are read of an earlier run's file, which may have more.
#[derive(Debug, Deserialize)]
struct Earlier {
    versions: BTreeMap<String, String>,
    began: String,
    samples: Vec<EarlierSample>,
}

/// An earlier run, as far as it was not measured again.
#[derive(Debug)]
pub struct KeptRun {
    /// Its samples, but for those that failed.
    pub samples: Vec<Sample>,
    pub versions: BTreeMap<String, String>,
    /// A remark on where they are from.
    pub word: String,
}

#[derive(Debug, Deserialize)]
struct EarlierSample {
    scenario: String,
    tool: String,
    round: u32,
    command: String,
    figures: BTreeMap<String, f64>,
    error: Option<String>,
}

/// What a results.json holds but for what was measured again (scenario and tool).
///
/// # Errors
/// Where the file cannot be read, or has another format.
pub fn kept(file: &Path, again: &BTreeSet<(String, String)>) -> anyhow::Result<KeptRun> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let earlier: Earlier = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let sample = |sample: EarlierSample| Sample {
        scenario: sample.scenario,
        tool: sample.tool,
        round: sample.round,
        command: sample.command,
        // Names for as long as this program runs, which is not long.
        figures: sample.figures.into_iter().map(|(name, value)| (&*name.leak(), value)).collect(),
        error: sample.error,
    };
    let samples: Vec<Sample> = earlier
        .samples
        .into_iter()
        .filter(|sample| sample.error.is_none())
        .filter(|sample| !again.contains(&(sample.scenario.clone(), sample.tool.clone())))
        .map(sample)
        .collect();
    let version = earlier.versions.get("groundswell").map_or("an unknown version", String::as_str).to_owned();
    let again: Vec<String> = again.iter().map(|(scenario, tool)| format!("{tool} in {scenario}")).collect();
    let word = format!(
        "Measured later than the rest: {}. The rest is of {} with {version}.",
        again.join(", "),
        earlier.began
    );
    Ok(KeptRun { samples, versions: earlier.versions, word })
}

/// The samples of a run, asked in several ways.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a>(pub &'a [Sample]);

impl<'a> Samples<'a> {
    /// The scenarios there are, in order.
    pub fn scenarios(self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for sample in self.0 {
            if !names.contains(&sample.scenario.as_str()) {
                names.push(&sample.scenario);
            }
        }
        names
    }

    /// The tools of a scenario, in the order of their first sample.
    pub fn tools(self, scenario: &str) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for sample in self.0.iter().filter(|sample| sample.scenario == scenario) {
            if !names.contains(&sample.tool.as_str()) {
                names.push(&sample.tool);
            }
        }
        names
    }

    /// A figure of a tool in a scenario, over the rounds.
    pub fn spread(self, scenario: &str, tool: &str, figure: &str) -> Option<Spread> {
        Spread::of(self.of(scenario, tool).filter_map(|sample| sample.figures.get(figure).copied()))
    }

    /// The ratio of a figure of one tool to a figure of another, pair by pair of the same round.
    pub fn ratio(self, scenario: &str, (a, of_a): (&str, &str), (b, of_b): (&str, &str)) -> Option<Spread> {
        Spread::of(self.of(scenario, a).filter_map(|sample| {
            let other = self.of(scenario, b).find(|other| other.round == sample.round)?;
            Some(sample.figures.get(of_a)? / other.figures.get(of_b)?).filter(|ratio| ratio.is_finite())
        }))
    }

    /// The samples of a tool in a scenario.
    pub fn of(self, scenario: &str, tool: &str) -> impl Iterator<Item = &'a Sample> {
        let (scenario, tool) = (scenario.to_owned(), tool.to_owned());
        self.0.iter().filter(move |sample| sample.scenario == scenario && sample.tool == tool)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A sample with one figure, for tests.
    pub fn sample(scenario: &str, tool: &str, round: u32, figures: &[(&'static str, f64)]) -> Sample {
        Sample {
            scenario: scenario.to_owned(),
            tool: tool.to_owned(),
            round,
            command: format!("{tool} <url>"),
            figures: figures.iter().copied().collect(),
            error: None,
        }
    }

    #[test]
    fn what_was_not_measured_again_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.json");
        let samples = [sample("closed", "a", 1, &[("cpu", 2.0)]), sample("open", "a", 1, &[])];
        let text = serde_json::json!({
            "versions": { "groundswell": "groundswell 1" }, "began": "yesterday", "samples": samples, "took_s": 1,
        });
        std::fs::write(&file, text.to_string()).unwrap();
        let again = BTreeSet::from([("open".to_owned(), "a".to_owned())]);
        let KeptRun { samples, versions, word } = kept(&file, &again).unwrap();
        assert_eq!(versions.len(), 1);
        assert_eq!(samples.len(), 1);
        assert_eq!((samples[0].scenario.as_str(), samples[0].figures["cpu"]), ("closed", 2.0));
        assert_eq!(
            word,
            "Measured later than the rest: a in open. The rest is of yesterday with groundswell 1."
        );
        let error = format!("{:#}", kept(&folder.path().join("none"), &BTreeSet::new()).unwrap_err());
        assert!(error.contains("none"), "{error}");
    }

    #[test]
    fn a_ratio_pairs_the_rounds() {
        let all = [
            sample("closed", "a", 1, &[("cpu", 2.0)]),
            sample("closed", "b", 1, &[("cpu", 1.0)]),
            sample("closed", "b", 2, &[("cpu", 10.0)]),
            sample("closed", "a", 2, &[("cpu", 30.0)]),
            sample("closed", "a", 3, &[("cpu", 99.0)]),
            sample("closed", "b", 3, &[]),
        ];
        let samples = Samples(&all);
        let ratio = samples.ratio("closed", ("a", "cpu"), ("b", "cpu")).unwrap();
        assert_eq!((ratio.min, ratio.max, ratio.rounds), (2.0, 3.0, 2));
        assert_eq!(samples.tools("closed"), ["a", "b"]);
        assert_eq!(samples.spread("closed", "a", "other"), None);
    }
}

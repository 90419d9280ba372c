//! A window whose histograms stay as they are on the wire: for sums over many windows, to which a histogram is added without
//! being built. All else is read as strictly as ever.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Fields;
use super::parse::{Payload, parse};
use super::reject::{RejectReason, Rejected};
use super::{RawMetrics, Topic, Window, names, read, window};
use crate::counters::Counters;
use crate::figures::{ByRequest, MAX_REQUEST_NAMES};
use crate::ids::{NodeId, RequestName};
use crate::latency::{LatencyError, LatencyKind, LatencySums};

/// A window, its counters and its histograms apart.
#[derive(Debug)]
pub struct ApartWindow {
    /// Who sent it.
    pub node_id: NodeId,
    /// All but its figures, which are empty.
    pub window: Window,
    /// Its counters, those since the start of the test.
    pub counters: ByRequest<Counters>,
    /// Its histograms.
    pub samples: ByRequest<SampleTexts>,
}

/// The histograms of some requests as texts, with their extremes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleTexts {
    histograms: BTreeMap<LatencyKind, String>,
    extremes: BTreeMap<LatencyKind, [u64; 2]>,
}

impl SampleTexts {
    /// Adds the samples of these kinds to a sum.
    ///
    /// # Errors
    /// Where a text is not a histogram of ours.
    pub fn add_to(&self, sums: &mut LatencySums, kinds: &[LatencyKind]) -> Result<(), LatencyError> {
        for kind in kinds {
            if let Some(text) = self.histograms.get(kind) {
                sums.add_text(*kind, text)?;
            }
            if let Some(extremes) = self.extremes.get(kind) {
                sums.add_extremes(*kind, *extremes);
            }
        }
        Ok(())
    }

    /// Takes them out of a record, or out of the figures of a name in it.
    fn taken(histograms: Option<Value>, extremes: Option<Value>) -> Self {
        let kinds = |value: Option<Value>| {
            let entries = match value {
                Some(Value::Object(entries)) => entries,
                _ => serde_json::Map::new(),
            };
            entries.into_iter().filter_map(|(kind, value)| Some((LatencyKind::from_name(&kind)?, value)))
        };
        let text = |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        let pair = |value: &Value| Some([value.get(0)?.as_u64()?, value.get(1)?.as_u64()?]);
        Self {
            histograms: kinds(histograms).filter_map(|(kind, value)| Some((kind, text(value)?))).collect(),
            extremes: kinds(extremes).filter_map(|(kind, value)| Some((kind, pair(&value)?))).collect(),
        }
    }
}

impl RawMetrics {
    /// Reads a window again, its histograms apart; `None` where the record has none. A histogram that is missing or damaged
    /// is found when it is added up.
    ///
    /// # Errors
    /// Where it is not a metrics record that this version reads.
    pub fn read_apart(&self) -> Result<Option<ApartWindow>, Rejected> {
        let mut fields = match parse(Some(&self.payload), &names::names(Topic::Metrics))? {
            Payload::Object(fields) => fields,
            Payload::Word(_) => return Err(Rejected::new(RejectReason::NotObject, "not a metrics record")),
        };
        let Some(epoch) = read::epoch(&fields) else { return Ok(None) };
        let samples = samples(&mut fields);
        Ok(Some(ApartWindow {
            node_id: read::node_id(&fields)?,
            window: window::head(&fields, epoch)?,
            counters: window::counters_by_request(&fields)?,
            samples,
        }))
    }
}

fn samples(fields: &mut Fields) -> ByRequest<SampleTexts> {
    let all = SampleTexts::taken(fields.take("histograms"), fields.take("extremes"));
    let objects = fields.get_mut("by_request").and_then(Value::as_object_mut);
    let named = objects.into_iter().flatten().take(MAX_REQUEST_NAMES).filter_map(|(name, object)| {
        let object = object.as_object_mut()?;
        let texts = SampleTexts::taken(object.remove("histograms"), object.remove("extremes"));
        Some((RequestName::new(name).ok()?, texts))
    });
    ByRequest { all, named: named.collect() }
}

#[cfg(test)]
mod tests {
    use super::super::{ClassicMetrics, MachineLoad, Metrics, Outbound, Unit};
    use super::*;
    use crate::figures::Figures;
    use crate::ids::{Epoch, TestId};
    use crate::latency::Latencies;
    use crate::session_figures::AllSessions;

    fn figures(n: u64) -> Figures {
        let mut latencies = Latencies::new();
        (0..n).for_each(|n| latencies.ended(900 + n, 1_000 + 7 * n, n % 3 > 0));
        let failed = n.div_ceil(3);
        let counters =
            Counters { scheduled: n, sent: n, completed: n - failed, failed, ..Counters::default() };
        Figures { counters, latencies }
    }

    #[test]
    fn apart_and_whole_the_same_is_read() {
        let mut figures_of = ByRequest::unnamed(figures(12));
        figures_of.named =
            [("a", 6), ("b", 6)].map(|(name, n)| (RequestName::new(name).unwrap(), figures(n))).into();
        let sent = Window {
            epoch: Epoch(3),
            seq: 4,
            from_us: 4_000_000,
            to_us: 5_000_000,
            figures: figures_of,
            sessions: AllSessions::default(),
            users: Some(2),
            busy: 0.5,
            machine: MachineLoad { cpu: Some(0.25), ..MachineLoad::default() },
            is_final: true,
            ending: None,
        };
        let metrics = Metrics {
            node_id: NodeId::new("n").unwrap(),
            test_id: Some(TestId::new("t").unwrap()),
            report_id: None,
            classic: ClassicMetrics::default(),
            ours: Some(Box::new(sent.clone())),
        };
        let written = Outbound::Metrics(Box::new(metrics)).write().unwrap();
        let raw =
            RawMetrics { payload: written.payload.into_bytes().into(), latency_unit: Unit::Milliseconds };
        let whole = raw.read().unwrap().ours.unwrap();
        let apart = raw.read_apart().unwrap().unwrap();
        assert_eq!(apart.counters, whole.figures.counters());
        assert_eq!(apart.window, Window { figures: ByRequest::default(), ..*whole.clone() });
        let built = |texts: &SampleTexts| {
            let mut sums = LatencySums::default();
            texts.add_to(&mut sums, &LatencyKind::ALL).unwrap();
            sums.latencies()
        };
        assert_eq!(built(&apart.samples.all), whole.figures.all.latencies);
        for (name, texts) in &apart.samples.named {
            assert_eq!(built(texts), whole.figures.named[name].latencies, "{name}");
        }
        let classic = RawMetrics { payload: b"{\"node_id\": \"c\"}"[..].into(), latency_unit: Unit::Seconds };
        assert!(classic.read_apart().unwrap().is_none());
    }
}

//! A metrics record as it came, for a store: its bytes, and the unit that its latencies were read with.
//! [`RawMetrics::read`] reads the same [`Metrics`] from it as when it arrived.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Inbound, Metrics, ReadAs, RejectReason, Rejected, Topic, Unit, read};

/// Longest payload of a classic node that is kept as it came. Its 14 fields take less than 1 kB; what is longer
/// repeats all samples so far, in each report again, up to 700 kB, and none of it is read. Of such a record the fields
/// that were read are kept instead. Records of our drivers are kept whatever their length: all they hold is read.
pub const MAX_CLASSIC_BYTES: usize = 4 * 1024;

/// A metrics record as it came. It is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMetrics {
    /// The payload as it was on Kafka, or the fields that were read of it (see [`MAX_CLASSIC_BYTES`]).
    pub payload: Arc<[u8]>,
    /// The unit of plain latency numbers in it.
    pub latency_unit: Unit,
}

impl RawMetrics {
    /// What to keep of a payload from which `metrics` was read.
    pub fn of(payload: &[u8], metrics: &Metrics, read_as: &ReadAs) -> Self {
        if metrics.ours.is_none() && payload.len() > MAX_CLASSIC_BYTES {
            let fields = Value::Object(fields(metrics)).to_string();
            return Self { payload: fields.into_bytes().into(), latency_unit: Unit::Milliseconds };
        }
        let latency_unit = match metrics.ours {
            Some(_) => Unit::Milliseconds,
            None => read_as.latency_unit(&metrics.node_id),
        };
        Self { payload: payload.into(), latency_unit }
    }

    /// Reads the record again.
    ///
    /// # Errors
    /// Where it is not a metrics record that this version reads.
    pub fn read(&self) -> Result<Metrics, Rejected> {
        match read(Topic::Metrics, Some(&self.payload), &ReadAs::of(self.latency_unit))? {
            Inbound::Metrics(metrics) => Ok(*metrics),
            _ => Err(Rejected::new(RejectReason::NotObject, "not a metrics record")),
        }
    }
}

/// The classic fields that a record has, latencies in milliseconds; those that it does not have stay absent.
fn fields(metrics: &Metrics) -> Map<String, Value> {
    let classic = &metrics.classic;
    let mut record = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            record.insert(name.to_owned(), value);
        }
    };
    put("node_id", Some(metrics.node_id.as_str().into()));
    put("test_id", metrics.test_id.as_ref().map(|id| id.as_str().into()));
    put("report_id", metrics.report_id.as_deref().map(Value::from));
    put("mean_latency", classic.mean_ms.map(Value::from));
    put("median_latency", classic.median_ms.map(Value::from));
    put("min_latency", classic.min_ms.map(Value::from));
    put("max_latency", classic.max_ms.map(Value::from));
    put("mode_latency", classic.mode_ms.map(Value::from));
    put("num_requests", classic.num_requests.map(Value::from));
    put("num_responses", classic.num_responses.map(Value::from));
    put("num_errors", classic.num_errors.map(Value::from));
    put("test_status", classic.complete.then(|| "complete".into()));
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(payload: &[u8], read_as: &ReadAs) -> (Metrics, RawMetrics) {
        let Ok(Inbound::Metrics(metrics)) = read(Topic::Metrics, Some(payload), read_as) else {
            panic!("a metrics record")
        };
        let raw = RawMetrics::of(payload, &metrics, read_as);
        (*metrics, raw)
    }

    #[test]
    fn a_record_is_kept_as_it_came_and_read_again_with_its_own_unit() {
        let payload = br#"{"nodeId": "c", "metrics": {"mean": "0.25", "min": "250ms"}, "extra": [1, 2]}"#;
        let (metrics, raw) = came(payload, &ReadAs::of(Unit::Seconds));
        assert_eq!((&*raw.payload, raw.latency_unit), (&payload[..], Unit::Seconds));
        assert_eq!(metrics.classic.mean_ms, Some(250.0));
        assert_eq!(raw.read(), Ok(metrics));
    }

    #[test]
    fn of_a_classic_report_that_repeats_its_samples_the_fields_that_are_read_are_kept() {
        let samples = vec!["0.0123456789"; MAX_CLASSIC_BYTES / 10].join(",");
        for (figures, caption) in [
            (
                r#""mean_latency": 0.3, "median_latency": 0.2, "min_latency": 0.1, "max_latency": 0.7, "num_requests": 7"#,
                "some",
            ),
            (
                r#""mode": 0.1, "requests": "12", "errors": 3, "num_responses": 99, "min": 5, "max": 4"#,
                "implausible",
            ),
            (r#""test_status": "DONE", "report_id": " x \" ", "test_id": 7"#, "the end"),
            (r#""mean_latency": "fast", "num_requests": -1"#, "none"),
        ] {
            let payload = format!(r#"{{"node_id": "c", {figures}, "samples": [{samples}]}}"#);
            for unit in [Unit::Seconds, Unit::Milliseconds] {
                let (metrics, raw) = came(payload.as_bytes(), &ReadAs::of(unit));
                assert!(raw.payload.len() < 300, "{caption}: {} bytes", raw.payload.len());
                assert_eq!(raw.read(), Ok(metrics), "{caption}");
            }
        }
    }

    #[test]
    fn bytes_of_no_metrics_record_are_an_error() {
        for payload in [&b""[..], b"STOP", b"{}", b"[]"] {
            let raw = RawMetrics { payload: payload.into(), latency_unit: Unit::Seconds };
            assert!(raw.read().is_err(), "{payload:?}");
        }
    }
}

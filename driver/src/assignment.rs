//! What this driver is to do in a test: a plan and a share from our orchestrator, or the classic fields, completed by
//! our defaults. Pure; nothing is resolved or checked here.

use std::sync::Arc;
use std::time::Duration;

use common::plan::connections::most_of_a_place;
use common::plan::program::{Arrival, Program};
use common::plan::{EngineChoice, Honesty, Load, Mode, Pace, Plan, Request, Share, TargetUrl, mask_url};
use common::settings::ClassicSettings;
use common::wire::{ClassicConfig, TestType, Unit};

use crate::life::Lead;

/// Connections of a classic closed loop, which names none; never more than its requests.
pub const CLASSIC_CONNECTIONS: u32 = 64;
/// `max_in_flight` of a classic open loop, which names none.
pub const CLASSIC_MAX_IN_FLIGHT: u32 = 1_024;
/// Timeout of a classic test's requests.
pub const CLASSIC_TIMEOUT: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub request: Request,
    /// What `[requests]` says; `None`: the plan has one request.
    pub program: Option<Arc<Program>>,
    /// When it is sent.
    pub load: Load,
    /// How much of it is ours.
    pub share: Share,
    /// Where it is sent: http or https, with a host; path and query are sent as they were given.
    pub target: TargetUrl,
    /// When to distrust ourselves.
    pub honesty: Honesty,
}

impl Assignment {
    /// Reads what a lead asks for; `None` if there is nothing to do (a classic count of 0).
    ///
    /// # Errors
    /// Where a classic config lacks what our settings do not have either, in words for the log.
    pub fn of(lead: &Lead, settings: &ClassicSettings) -> Result<Option<Self>, String> {
        match lead {
            Lead::Ours { plan, share, .. } => Ok(Some(Self::of_plan(plan, share.clone()))),
            Lead::OtherProtocol { .. } => Err("its orchestrator speaks another protocol".to_owned()),
            Lead::Classic(config) if config.message_count == 0 => Ok(None),
            Lead::Classic(config) => classic(config, settings).map(Some),
        }
    }

    /// One driver's share of a plan.
    pub fn of_plan(plan: &Plan, share: Share) -> Self {
        Self {
            request: plan.request.clone(),
            program: plan.program.clone(),
            load: plan.load.clone(),
            share,
            target: plan.target.clone(),
            honesty: plan.honesty.clone(),
        }
    }

    /// The places of this driver, which has one attempt in flight at each.
    pub fn places(&self) -> u32 {
        match self.load.mode {
            Mode::Tsunami { max_in_flight, .. } => self.share.max_in_flight.unwrap_or(max_in_flight),
            Mode::Avalanche { connections } => self.share.connections.unwrap_or(connections),
        }
    }

    /// Whether each place is a user's, whose sessions follow one another.
    pub fn places_are_users(&self) -> bool {
        self.program.is_some() && matches!(self.load.mode, Mode::Avalanche { .. })
    }

    /// The most connections at a time, which this driver's descriptors must suffice for: one for each place, or one to each
    /// host that its session or user has connections of its own to; of an open loop, no more than its attempts wait for.
    pub fn connections(&self) -> u64 {
        let of_a_place = self.program.as_deref().map_or(1, most_of_a_place);
        let places = match (&self.load.mode, self.share.connections) {
            (Mode::Tsunami { .. }, Some(pool)) => self.places().min(pool),
            _ => self.places(),
        };
        u64::from(places).saturating_mul(of_a_place as u64)
    }

    /// The highest rate it can come to, requests per second; `None` where nothing bounds it.
    pub fn rate_ceiling_per_s(&self) -> Option<f64> {
        self.share.most_requests_per_s(&self.load, self.program.as_deref())
    }
}

fn classic(config: &ClassicConfig, settings: &ClassicSettings) -> Result<Assignment, String> {
    let target = match &config.target_url {
        Some(text) => url_of(text)?,
        None => settings.target_url.clone().ok_or(
            "the config names no target, and neither does classic.target_url (--target-url) of this driver",
        )?,
    };
    let delay_s = match settings.delay_unit {
        Unit::Seconds => config.delay,
        Unit::Milliseconds => config.delay / 1_000.0,
    };
    if !(0.0..=86_400.0).contains(&delay_s) {
        return Err(format!("test_message_delay = {}: must be from 0 to 86400 s", config.delay));
    }
    let delay = Duration::from_secs_f64(delay_s);
    // An open loop without a delay has no schedule: as fast as possible means one request after the other.
    let closed = config.test_type == TestType::Avalanche || delay.is_zero();
    let connections =
        CLASSIC_CONNECTIONS.min(u32::try_from(config.message_count).unwrap_or(CLASSIC_CONNECTIONS));
    let mode = if closed {
        Mode::Avalanche { connections }
    } else {
        Mode::Tsunami { pace: Some(Pace::Delay(delay)), max_in_flight: CLASSIC_MAX_IN_FLIGHT }
    };
    let share = Share {
        index: 0,
        of: 1,
        rate_per_s: (!closed).then(|| 1.0 / delay.as_secs_f64()),
        target_throughput: None,
        requests: Some(config.message_count),
        connections: closed.then_some(connections),
        max_in_flight: (!closed).then_some(CLASSIC_MAX_IN_FLIGHT),
        fleet: None,
        stages_times: None,
    };
    let load = Load {
        mode,
        target_throughput: None,
        requests: Some(config.message_count),
        duration: Some(settings.max_duration),
        warmup: Duration::ZERO,
        drain_timeout: CLASSIC_TIMEOUT + Duration::from_secs(1),
        stages: Vec::new(),
        pacing: None,
        arrival: Arrival::Even,
        connections: None,
    };
    let request = Request {
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: CLASSIC_TIMEOUT,
        expect_status: vec![(200, 399)],
        engine: EngineChoice::Auto,
        identify: false,
        connection_reuse: true,
    };
    Ok(Assignment { request, program: None, load, share, target, honesty: Honesty::default() })
}

/// A target as classic orchestrators write it: a URL, or `host:port` without a scheme.
fn url_of(text: &str) -> Result<TargetUrl, String> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    TargetUrl::parse(&whole).map_err(|reason| format!("target {:?}: {reason}", mask_url(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(test_type: TestType, delay: f64, message_count: u64, target: Option<&str>) -> ClassicConfig {
        let target_url = target.map(str::to_owned);
        ClassicConfig { test_type, delay, message_count, target_url, num_drivers: None }
    }

    fn settings(delay_unit: Unit, target: Option<&str>) -> ClassicSettings {
        let target_url = target.map(|url| url.parse().unwrap());
        ClassicSettings { delay_unit, target_url, ..ClassicSettings::default() }
    }

    fn of(config: ClassicConfig, settings: &ClassicSettings) -> Result<Option<Assignment>, String> {
        Assignment::of(&Lead::Classic(config), settings)
    }

    #[test]
    fn a_classic_tsunami_has_its_delay_in_the_configured_unit() {
        for (unit, delay, expected_per_s) in
            [(Unit::Seconds, 0.2, 5.0), (Unit::Milliseconds, 20.0, 50.0), (Unit::Seconds, 1.0, 1.0)]
        {
            let settings = settings(unit, None);
            let config = config(TestType::Tsunami, delay, 6, Some("http://127.0.0.1:9/ping"));
            let assignment = of(config, &settings).unwrap().unwrap();
            let rate = assignment.rate_ceiling_per_s().unwrap();
            assert!((rate - expected_per_s).abs() < 1e-9, "{unit:?} {delay}: {rate}");
            assert_eq!(assignment.share.requests, Some(6));
            assert_eq!(assignment.load.duration, Some(Duration::from_secs(600)), "it never lives for ever");
            assert_eq!(assignment.load.open_loop_rate_per_s(), Some(rate));
        }
    }

    #[test]
    fn a_classic_avalanche_has_no_more_connections_than_requests() {
        let settings = settings(Unit::Seconds, Some("http://127.0.0.1:8081/ping"));
        for (count, expected) in [(4, 4), (64, 64), (100_000, 64), (u64::MAX, 64)] {
            let assignment = of(config(TestType::Avalanche, 0.0, count, None), &settings).unwrap().unwrap();
            assert_eq!((assignment.places(), assignment.share.connections), (expected, Some(expected)));
            assert_eq!(assignment.target.as_str(), "http://127.0.0.1:8081/ping", "the driver's own");
        }
        let full_speed = of(config(TestType::Tsunami, 0.0, 10, None), &settings).unwrap().unwrap();
        assert_eq!(full_speed.load.mode, Mode::Avalanche { connections: 10 }, "no delay, no schedule");
        assert_eq!(of(config(TestType::Avalanche, 0.0, 0, None), &settings), Ok(None), "nothing to do");
    }

    #[test]
    fn a_target_is_a_url_or_a_host_and_port_or_missing() {
        let settings = settings(Unit::Seconds, None);
        let target =
            |text| of(config(TestType::Avalanche, 0.0, 1, text), &settings).map(|a| a.unwrap().target);
        assert_eq!(target(Some("127.0.0.1:8081/ping")).unwrap().as_str(), "http://127.0.0.1:8081/ping");
        assert_eq!(target(Some(" https://x/ ")).unwrap().as_str(), "https://x/");
        assert!(target(Some("ftp://x")).unwrap_err().contains("only http and https are sent"));
        assert!(target(Some("http://")).unwrap_err().contains("target"));
        let secret = target(Some("ftp://me:hunter2@x/?token=hunter2")).unwrap_err();
        assert!(!secret.contains("hunter2"), "{secret}");
        assert!(target(None).unwrap_err().contains("classic.target_url"));
        let negative = of(config(TestType::Tsunami, -1.0, 1, Some("http://x/")), &settings);
        assert!(negative.unwrap_err().contains("must be from 0 to 86400 s"));
    }
}

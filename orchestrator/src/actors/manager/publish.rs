//! What the manager sends to the drivers: configs, triggers, stops.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::NodeId;
use common::plan::{Mode, RateChange};
use common::wire::{
    ChangeRate, ClassicConfig, ConfigOurs, Heartbeat, HeartbeatOurs, Outbound, Role, StepsAsk, StepsOf,
    TestConfig, TestType, Trigger, WriteError,
};

use super::Manager;
use crate::lifecycle::{count_of, delay_of};
use crate::refusal::CommandError;

/// How long Kafka may take for a config, a trigger or a stop.
const PUBLISH_WITHIN: Duration = Duration::from_secs(10);

/// How often a start is postponed while the store is slow. The lead doubles each time.
const MAX_PUT_OFF: u32 = 5;

/// `num_drivers` of every config, however many drivers take part. It is a classic field: our own drivers read their
/// share instead. Of the programs that were measured one sends nothing without it, and another divides its cores by it
/// and sends nothing where there are more drivers than cores. With 1 each of them sends its full count, which
/// is per driver already (`message_count_per_driver`), so no division is needed.
const NUM_DRIVERS: u32 = 1;

impl Manager {
    async fn publish(&self, record: Outbound) -> Result<(), CommandError> {
        // Escaping in JSON can make a body larger than a record may be.
        let too_large = |error: WriteError| {
            CommandError::Conflict(format!("the config cannot be sent to the drivers: {error}"))
        };
        let written = record.write().map_err(too_large)?;
        match tokio::time::timeout(PUBLISH_WITHIN, self.links.producer.publish(written)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CommandError::NotPublished(error.to_string())),
            Err(_) => Err(CommandError::NotPublished(format!("not within {PUBLISH_WITHIN:?}"))),
        }
    }

    pub(super) async fn publish_config(&self, revision: u32) -> Result<(), CommandError> {
        let Some(active) = &self.active else { return Ok(()) };
        let (plan, participants) = (active.life.plan(), active.life.participants());
        // Read by classic drivers alone: with several requests, one that appears late is to send next to nothing.
        let delay = match plan.program {
            Some(_) => Duration::from_secs(1),
            None => delay_of(plan).unwrap_or_default(),
        };
        let test_type = match plan.load.mode {
            Mode::Tsunami { .. } => TestType::Tsunami,
            Mode::Avalanche { .. } => TestType::Avalanche,
        };
        let config = TestConfig {
            test_id: active.life.test_id().clone(),
            classic: ClassicConfig {
                test_type,
                delay: self.settings.rules.classic.delay_unit.amount(delay),
                message_count: count_of(plan),
                target_url: Some(plan.target.to_string()),
                num_drivers: Some(NUM_DRIVERS),
            },
            ours: Some(ConfigOurs {
                revision,
                epoch: self.settings.epoch,
                plan: plan.clone(),
                assignments: participants
                    .iter()
                    .map(|participant| (participant.node_id.clone(), participant.share.clone()))
                    .collect(),
            }),
            other_protocol: None,
        };
        self.publish(Outbound::TestConfig(Box::new(config))).await
    }

    pub(super) async fn publish_trigger(
        &mut self,
        start_at_ms: u64,
        revision: u32,
    ) -> Result<(), CommandError> {
        self.save_start(start_at_ms).await;
        let mut start_at_ms = start_at_ms;
        for _ in 0..MAX_PUT_OFF {
            let now = self.settings.clock.now();
            let later = self.active.as_mut().and_then(|active| active.life.put_off(now));
            let Some(later) = later else { break };
            log::info!(start_at_ms = later; "start postponed: store is slow");
            start_at_ms = later;
            self.save_start(later).await;
        }
        let Some(active) = &self.active else { return Ok(()) };
        let trigger = Trigger {
            test_id: active.life.test_id().clone(),
            start: true,
            start_at_ms: Some(start_at_ms),
            revision: Some(revision),
            setup: active.life.setup_values().clone(),
        };
        self.publish(Outbound::Trigger(trigger)).await
    }

    /// Stores the time of the start before Kafka gets the trigger: if this process dies in between, the next one knows
    /// that a trigger may be out, and finds out whether it was published (`lifecycle::doubtful`).
    async fn save_start(&mut self, start_at_ms: u64) {
        let at_us = i64::try_from(start_at_ms).unwrap_or(0) * 1_000;
        if let Some(active) = &mut self.active {
            active.meta.started_at = Some(at_us);
        }
        self.unless_ending(self.links.tally.started(at_us).await);
        self.save_active().await;
    }

    pub(super) async fn publish_rate(&self, change: RateChange) -> Result<(), CommandError> {
        let Some(active) = &self.active else { return Ok(()) };
        let (test_id, revision) = (active.life.test_id().clone(), active.life.revision());
        self.publish(Outbound::ChangeRate(ChangeRate { test_id, revision, change })).await
    }

    pub(super) async fn publish_stop(&self) -> Result<(), CommandError> {
        let Some(active) = &self.active else { return Ok(()) };
        let trigger = Trigger {
            test_id: active.life.test_id().clone(),
            start: false,
            start_at_ms: None,
            revision: Some(active.life.revision()),
            setup: BTreeMap::new(),
        };
        self.publish(Outbound::Trigger(trigger)).await
    }

    /// Asks drivers to run setup or teardown, in a heartbeat of this orchestrator: drivers read all of these, and other
    /// people's drivers none, which would take a further record on the two topics of tests for a start or an end.
    pub(super) async fn publish_ask(&self, run: StepsOf, drivers: Vec<NodeId>) -> Result<(), CommandError> {
        let Some(active) = &self.active else { return Ok(()) };
        let ask = StepsAsk {
            test_id: active.life.test_id().clone(),
            revision: active.life.revision(),
            run,
            drivers: drivers.into_iter().collect(),
        };
        let ours = HeartbeatOurs {
            ask: Some(Box::new(ask)),
            ..HeartbeatOurs::new(self.settings.epoch, Role::Orchestrator)
        };
        let beat = Heartbeat {
            node_id: self.settings.node_id.clone(),
            alive: true,
            sent_at_us: Some(common::clock::unix_us()),
            ours: Some(ours),
        };
        self.publish(Outbound::Heartbeat(Box::new(beat))).await
    }
}
